package factors

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// wholeMachine is the bill of a machine of a class as amount.csv describes it,
// with its processors and memory and without accelerators.
func wholeMachine(t *testing.T, class string) *bill {
	t.Helper()
	l, err := newDevices()
	require.NoError(t, err)
	b := l.parts.bill()
	l.chassis(b, class, true)
	cpu := map[string]string{"workstation": "desktop", "desktop": "desktop"}[class]
	if cpu == "" {
		cpu = "server"
	}
	sockets, gb := b.known(class+".cpus"), b.known(class+".memory-gb")
	modules := gb.over(b.known("memory.module-gb"))
	b.add(1, sockets, "cpu-base")
	b.add(1, sockets.times(l.cpus.likeDies(cpu, 0)), "cpu-die")
	b.add(1, quantity{max(modules.value, 1), max(modules.low, 1), max(modules.high, 1)}, "memory-base")
	b.add(1, gb.over(b.known("memory.density")), "memory-die")
	return b
}

// discarded is what is left of a machine of a class in the end: its chassis and
// the parts that have figures of their own, and the bill of what becomes of it.
func discarded(t *testing.T, class string, chassis, part string) (kg quantity, b *bill) {
	t.Helper()
	p, err := bottomUp()
	require.NoError(t, err)
	b = p.bill()
	modules := b.known(class + ".memory-gb").over(b.known("memory.module-gb"))
	masses := []quantity{
		b.known(class + ".mass"),
		b.known(class + ".cpus").times(b.known("cpu.mass")),
		quantity{max(modules.value, 1), max(modules.low, 1), max(modules.high, 1)}.times(b.known("memory.mass")),
		b.known(class + ".drives").times(b.known("ssd.mass")),
	}
	var addends []lognormal.Part
	for i, m := range masses {
		addends = append(addends, lognormal.Part{N: 1, Value: m.value, Low: m.low, High: m.high})
		b.add(1, m, map[bool]string{true: chassis, false: part}[i == 0])
	}
	kg.value, kg.low, kg.high = lognormal.Sum(addends...)
	return kg, b
}

// assertRow holds a row of the table to what it follows from.
func assertRow(t *testing.T, id string, want quantity) {
	t.Helper()
	tables, err := embedded()
	require.NoError(t, err)
	got := tables[id]
	for k, pair := range [][2]float64{{want.value, got.Value}, {want.low, got.Low}, {want.high, got.High}} {
		assert.InEpsilon(t, pair[0], pair[1], 0.006, "%s, bound %d: write %.4g,%.4g,%.4g", id, k, want.value, want.low, want.high)
	}
}

// Dell publishes 1313 kg of a PowerEdge R740 and 1283 of an R640: a server of
// which nothing is known is between these and the sum of its components, and
// may be the one with 31 TB of drives that thinkstep assessed.
func TestClassesOfServersAreTheSumOfTheirComponents(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	for _, class := range []string{"server", "cloud-server", "ai-server", "workstation"} {
		b := wholeMachine(t, class)
		for i, u := range impactUnits {
			f := b.sum(i, Production, class, Class)
			want, id := quantity{f.Value, f.Low, f.High}, "production."+class+suffixes[u.unit]
			if id == "production.server" {
				assert.True(t, f.Low < 1283e3 && 1313e3 < f.High, "the sum holds what Dell publishes")
				want.value, want.high = math.Sqrt(f.Value*(1313e3+1283e3)/2), 4288e3
			}
			assertRow(t, id, want)
			assert.Equal(t, f.Quality, tables[id].Quality, id)
		}
	}
}

// Nothing is counted twice: a chassis weighs what is left when its processors,
// memory and drives are told apart.
func TestWhatIsDiscardedOfAMachineIsItsChassisAndItsParts(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	for _, class := range []string{"server", "cloud-server", "ai-server", "workstation"} {
		kg, b := discarded(t, class, "discard-machine", "discard-card")
		_, moved := discarded(t, class, "freight-machine", "freight-machine")
		assertRow(t, "end-of-life."+class+".waste", kg)
		for id, f := range map[string]*Factor{"end-of-life." + class: b.sum(gwp, EndOfLife, class, Class), "transport." + class: moved.sum(gwp, Transport, class, Class)} {
			assertRow(t, id, quantity{f.Value, f.Low, f.High})
			assert.Equal(t, f.Quality, tables[id].Quality, id)
		}
	}
	kg, _ := discarded(t, "desktop", "discard-machine", "discard-card")
	whole := tables["end-of-life.desktop.waste"]
	assert.True(t, whole.Low <= kg.value && kg.value <= whole.High, "a desktop is its chassis and its parts, too: %s", kg)
}

// ofBoards is the range over the listed accelerators of a class, a device each.
func ofBoards(t *testing.T, class string, impact int) quantity {
	t.Helper()
	l, err := newDevices()
	require.NoError(t, err)
	table, err := accelerator()
	require.NoError(t, err)
	var values []quantity
	for _, b := range table.boards {
		if class != "gpu-unknown" && b.class != class || b.form == "soc" || b.die == 0 {
			continue
		}
		e, err := l.board(Embodied{}, b, &hit{boards: []*board{b}, found: Exact, share: 1})
		require.NoError(t, err)
		f := *e.Production.all()[impact]
		values = append(values, quantity{f.Value, f.Low, f.High})
	}
	q := rangeOf(values)
	var lows, highs []quantity
	for _, v := range values {
		lows, highs = append(lows, exactly(v.low)), append(highs, exactly(v.high))
	}
	return quantity{q.value, most(lows).low, most(highs).high}
}

func TestClassesOfAcceleratorsAreTheRangeOfTheirModels(t *testing.T) {
	for _, class := range []string{"gpu-datacentre", "gpu-inference", "gpu-consumer", "gpu-unknown"} {
		for i, u := range impactUnits {
			assertRow(t, "production."+class+suffixes[u.unit], ofBoards(t, class, i))
		}
	}
}
