package factors

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// Boavizta prints what its bottom-up method comes to for a Dell PowerEdge R740,
// in all and by component (BoaviztAPI documentation, "Get the impacts of a
// dellR740 server"; so do its tests): two processors of 24 cores of 24.5 mm²
// each and 49.1 mm² beside them, twelve modules of 32 GB at 1.79 GB/cm², a
// 400 GB solid-state drive at 50.6 GB/cm², two power supplies of 2.99 kg, a
// rack case. A unit of a drive had 2.9 MJ more when the page was written.
func TestBottomUpServerOfBoaviztaComesToWhatItPrints(t *testing.T) {
	p, err := bottomUp()
	require.NoError(t, err)
	server := p.bill()
	for _, test := range []struct {
		n       float64
		items   map[string]float64 // of each component
		printed [numImpacts]quantity
	}{
		{2, map[string]float64{"cpu-base": 1, "cpu-die": 24*24.5 + 49.1}, [...]quantity{{21.7, 21.65, 21.75}, {0.02, 0.015, 0.025}, {325, 324.5, 325.5}}},
		{12, map[string]float64{"memory-base": 1, "memory-die": 32 / 1.79}, [...]quantity{{45, 44.5, 45.5}, {0.0028, 0.00275, 0.00285}, {560, 555, 565}}},
		{1, map[string]float64{"ssd-base": 1, "ssd-die": 400 / 50.6}, [...]quantity{{24, 23.5, 24.5}, {0.0011, 0.00105, 0.00115}, {293, 289.6, 293.5}}},
		{2, map[string]float64{"psu": 2.99}, [...]quantity{{72.7, 72.65, 72.75}, {0.025, 0.0245, 0.0255}, {1050, 1045, 1055}}},
		{1, map[string]float64{"case-rack": 1}, [...]quantity{exactly(150), exactly(0.0202), exactly(2200)}},
		{1, map[string]float64{"board": 1}, [...]quantity{exactly(66.1), exactly(0.00369), exactly(836)}},
		{1, map[string]float64{"assembly": 1}, [...]quantity{exactly(6.68), exactly(1.41e-6), exactly(68.6)}},
	} {
		unit := p.bill()
		for id, n := range test.items {
			unit.add(1, exactly(n), id)
			server.add(test.n, exactly(n), id)
		}
		assertPrinted(t, unit, test.printed)
	}
	assertPrinted(t, server, [...]quantity{{970, 965, 975}, {0.15, 0.145, 0.155}, {13000, 12500, 13500}})
}

// assertPrinted holds a bill to figures that a page has rounded.
func assertPrinted(t *testing.T, b *bill, printed [numImpacts]quantity) {
	t.Helper()
	for i, u := range impactUnits {
		f := b.sum(i, Production, "x", Class)
		got, want := f.Value/u.scale, printed[i]
		assert.True(t, want.low-1e-9 <= got && got <= want.high+1e-9, "%v %s is printed as %v: %s", got, u.small, want.value, f.Source)
	}
}

// The sum of a card's components comes to what was found by taking it apart
// (ADEME 2026, kgCO2e without delivery and end of life) and to what NVIDIA
// states of the modules of its baseboards.
func TestAnAcceleratorsComponentsComeToWhatIsPublishedOfIt(t *testing.T) {
	l, err := newDevices()
	require.NoError(t, err)
	for name, published := range map[string]float64{
		"A100 PCIe 40GB": 120.5, "A100 SXM4 40GB": 127.6, "Tesla P100 PCIe 16GB": 65.3, "L4": 57.5,
		"GeForce GTX 1080 Ti": 73.1, "TITAN RTX": 122.8, "RTX A4500": 99.6,
		"H100 SXM5 80GB": 1312. / 8, "B200 SXM": 2274. / 8,
	} {
		b := boardOf(t, name)
		sum, ok := l.chipsAndCooler(b, "x", Exact)
		require.True(t, ok)
		f := sum.GCO2e
		t.Logf("%s: %.1f kg by components (%.0f to %.0f), %.1f published", name, f.Value/1e3, f.Low/1e3, f.High/1e3, published)
		assert.InDelta(t, 0, math.Log(f.Value/1e3/published), math.Log(1.2), name)
		assert.True(t, f.Low <= published*1e3 && published*1e3 <= f.High, "%s: its interval must hold what is published", name)
	}
}

func boardOf(t *testing.T, name string) *board {
	t.Helper()
	table, err := accelerator()
	require.NoError(t, err)
	require.Len(t, table.byName[name], 1)
	return table.byName[name][0]
}

// What was published of whole machines lies in the interval of the sum of their
// parts: of a PowerEdge R740 with 31 TB of drives, and without them (thinkstep
// 2019), of a host of eight GPUs without these (EcoLogits and BoaviztAPI), of a
// solid-state drive and a hard disk (Seagate), of memory a GB (Cloud Carbon
// Footprint). So its quality is C, though what is in a machine is assumed.
func TestSumsHoldWhatIsPublishedOfMachines(t *testing.T) {
	xeon := Part{Count: 2, Device: Device{Kind: "cpu", Model: "Intel(R) Xeon(R) Platinum 8180", Class: "server"}}
	memory := func(gib int64) Part {
		return Part{Count: 1, Device: Device{Kind: "memory", Bytes: gib << 30, Class: "server"}}
	}
	drives := func(n int, bytes int64) Part {
		return Part{Count: n, Device: Device{Kind: "storage", Class: "ssd", Bytes: bytes}}
	}
	none := drives(0, 1e12)
	for _, test := range []struct {
		what      string
		d         Device
		published []float64 // kg
		within    float64   // the value, as a factor
	}{
		{"R740 without drives", Device{Class: "server", Parts: []Part{xeon, memory(12 * 32), none}}, []float64{910}, 1.05},
		{"R740", Device{Class: "server", Parts: []Part{xeon, memory(12 * 32), drives(8, 3.84e12), drives(1, 400e9)}}, []float64{4288}, 2.2},
		{"p5.48xlarge without GPUs", Device{Class: "ai-server", Parts: []Part{{Count: 2, Device: Device{Kind: "cpu", Model: "AMD EPYC 7R13"}}, memory(2048), drives(8, 3.8e12)}}, []float64{5700, 6000}, 1.6},
		{"Nytro 3530, 4 TB", Device{Kind: "storage", Class: "ssd", Bytes: 4e12}, []float64{4 * 17.3}, 3},
		{"30 TB disk", Device{Kind: "storage", Class: "hdd", Bytes: 30e12}, []float64{29.7}, 1.1},
		{"384 GB of memory", Device{Kind: "memory", Bytes: 384 << 30}, []float64{384 * 1.388}, 1.2},
	} {
		sum := lookUp(t, test.d).Production.GCO2e
		quality := sum.Quality
		addends := []lognormal.Part{{N: 1, Value: sum.Value, Low: sum.Low, High: sum.High}}
		for _, p := range test.d.Parts {
			f := lookUp(t, p.Device).Production.GCO2e
			addends = append(addends, lognormal.Part{N: float64(p.Count), Value: f.Value, Low: f.Low, High: f.High})
			quality = max(quality, f.Quality)
		}
		value, low, high := lognormal.Sum(addends...)
		t.Logf("%s: %.0f kg (%.0f to %.0f), %v published", test.what, value/1e3, low/1e3, high/1e3, test.published)
		for _, kg := range test.published {
			assert.True(t, low <= kg*1e3 && kg*1e3 <= high, "%s: %v kg is not within %.0f and %.0f", test.what, kg, low/1e3, high/1e3)
			assert.LessOrEqual(t, math.Abs(math.Log(value/1e3/kg)), math.Log(test.within), test.what)
		}
		assert.Equal(t, "C", quality, test.what)
	}
}

// Dell states at most 28.6 kg of a PowerEdge R740, with eight large disks, 21.9
// kg of an R640, with ten small drives, and NVIDIA 130.5 kg of a DGX H100. An
// accelerator weighs 3 kg with its part of the baseboard.
func TestANodeAndItsPartsWeighWhatIsPublishedOfIt(t *testing.T) {
	cpu := Part{Count: 2, Device: Device{Kind: "cpu", Model: "Intel(R) Xeon(R) Gold 6248"}}
	memory := func(gib int64) Part { return Part{Count: 1, Device: Device{Kind: "memory", Bytes: gib << 30}} }
	ssd := func(n int) Part {
		return Part{Count: n, Device: Device{Kind: "storage", Class: "ssd", Bytes: 3.84e12}}
	}
	for published, machine := range map[float64]Device{
		28.6:  {Class: "server", Parts: []Part{cpu, memory(384), {Count: 8, Device: Device{Kind: "storage", Class: "hdd"}}}},
		21.9:  {Class: "server", Parts: []Part{cpu, memory(384), ssd(10)}},
		130.5: {Class: "ai-server", Parts: []Part{cpu, memory(2048), ssd(10), {Count: 8, Device: Device{Kind: "gpu", Model: "NVIDIA H100 80GB HBM3"}}}},
	} {
		parts := machine.Parts
		node := lookUp(t, machine).EndOfLife.WasteKg
		addends := []lognormal.Part{{N: 1, Value: node.Value, Low: node.Low, High: node.High}}
		for _, p := range parts {
			f := lookUp(t, p.Device).EndOfLife.WasteKg
			addends = append(addends, lognormal.Part{N: float64(p.Count), Value: f.Value, Low: f.Low, High: f.High})
		}
		value, low, high := lognormal.Sum(addends...)
		t.Logf("%.1f kg (%.1f to %.1f), at most %v published", value, low, high, published)
		assert.LessOrEqual(t, value, published, "the greatest weight, with all bays full")
		assert.InEpsilon(t, published, value, 0.3)
		assert.True(t, low <= published && published <= high)
		if whole := lookUp(t, Device{Class: machine.Class}).EndOfLife.WasteKg; machine.Class == "server" {
			assert.True(t, whole.Low <= published && published <= whole.High)
		} else { // which is without its accelerators
			assert.True(t, whole.Low <= published-24 && published-24 <= whole.High)
		}
	}
}

// What ADEME's model loses at the sawing of wafers is Murphy's yield: its table
// of dismantled cards has the area with the losses.
func TestAreaOfWaferIsThatOfADEMEsCards(t *testing.T) {
	for die, wafer := range map[float64]float64{471: 740.57, 628.4: 1135.82, 754: 1528.87, 610: 1088.7, 294.5: 390.96, 826: 1798} {
		assert.InEpsilon(t, wafer, chips(exactly(die), 1).value, 0.01, "%v mm²", die)
	}
	two := chips(exactly(1600), 2)
	assert.InEpsilon(t, 2*chips(exactly(800), 1).value, two.value, 1e-9, "small dies are lost less than a large one")
	assert.Less(t, two.value, chips(exactly(1600), 1).value)
}

func lookUp(t *testing.T, d Device) Embodied {
	t.Helper()
	e, err := LookupDevice(d)
	require.NoError(t, err, "%+v", d)
	return e
}

// redo works a sum out again from nothing but its Source, as an auditor would.
func redo(t *testing.T, f *Factor) float64 {
	t.Helper()
	text, _, _ := strings.Cut(f.Source, ";")
	unit, list, ok := strings.Cut(strings.TrimPrefix(text, "sum in "), " of ")
	require.True(t, ok, f.Source)
	var total float64
	for _, addend := range strings.Split(list, ", ") {
		what, each, ok := strings.Cut(addend, " at ")
		require.True(t, ok, addend)
		n := 1.0
		if count, rest, ok := strings.Cut(what, " x "); ok {
			_, err := fmt.Sscan(count, &n)
			require.NoError(t, err)
			what = rest
		}
		var amount, value float64
		if _, err := fmt.Sscan(what, &amount); err != nil {
			amount = 1 // cpu-base at 9.14
		}
		_, err := fmt.Sscan(each, &value)
		require.NoError(t, err, addend)
		total += n * amount * value
	}
	return total * map[string]float64{"kgCO2e": 1e3, "kgSbeq": 1, "MJ": 1e6}[unit]
}

func TestASumCanBeWorkedOutAgainFromItsSource(t *testing.T) {
	for _, d := range []Device{
		{Kind: "cpu", Model: "AMD EPYC 7543 32-Core Processor"},
		{Kind: "cpu", Model: "Raspberry Pi 4 Model B Rev 1.4"},
		{Kind: "memory", Bytes: 64 << 30},
		{Kind: "memory", Bytes: 395000000 * 1024},
		{Kind: "storage", Class: "ssd", Bytes: 3.84e12},
		{Kind: "storage", Class: "hdd"},
		{Kind: "gpu", Model: "NVIDIA GeForce RTX 4090"},
		{Kind: "gpu", Model: "NVIDIA H200"},
		{Kind: "node", Class: "server", Parts: []Part{{Count: 2, Device: Device{Kind: "cpu", Model: "AMD EPYC 7543"}}}},
	} {
		e := lookUp(t, d)
		for _, stage := range e.stages() {
			for _, f := range stage.all() {
				if *f != nil && strings.HasPrefix((*f).Source, "sum in ") {
					assert.InEpsilon(t, (*f).Value, redo(t, *f), 0.002, (*f).ID)
				}
			}
		}
		assert.NotNil(t, e.Production.GCO2e)
	}
}

// randomServer is a machine of listed and of unknown parts.
func randomServer(rng *rand.Rand) Device {
	cpus := []string{"AMD EPYC 7543 32-Core Processor", "AMD EPYC", "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel Xeon Processor (Skylake, IBRS)"}
	gpus := []string{"NVIDIA A100-SXM4-40GB", "Tesla T4", "Tesla K80", "NVIDIA H1000", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"}
	d := Device{Kind: "node", Class: built[rng.IntN(len(built))], Parts: []Part{
		{Count: 1 + rng.IntN(2), Device: Device{Kind: "cpu", Model: cpus[rng.IntN(len(cpus))]}},
		{Count: 1 + rng.IntN(16), Device: Device{Kind: "memory", Bytes: 1 << (33 + rng.IntN(5))}},
	}}
	if rng.IntN(2) == 0 {
		d.Parts = append(d.Parts, Part{Count: 1 + rng.IntN(3), Device: Device{Kind: "storage", Class: []string{"ssd", "hdd", ""}[rng.IntN(3)], Bytes: int64(1+rng.IntN(8)) * 1e12}})
	}
	if rng.IntN(2) == 0 {
		d.Parts = append(d.Parts, Part{Count: 1 + rng.IntN(3), Device: Device{Kind: "gpu", Model: gpus[rng.IntN(len(gpus))]}})
	}
	return d
}

// Nothing is counted in a node and in its parts: the node without its parts and
// the parts, each of its own, come to the whole machine, and what is around the
// parts does not depend on them.
func TestANodeAndItsPartsComeToTheWholeMachine(t *testing.T) {
	l, err := newDevices()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 1))
	for range 200 {
		d := randomServer(rng)
		e := lookUp(t, d)
		require.False(t, e.Whole)
		drives := true
		for _, p := range d.Parts {
			drives = drives && p.Kind != "storage"
		}
		for impact, u := range impactUnits {
			around := *e.Production.all()[impact]
			require.NotNil(t, around)
			b := l.parts.bill()
			l.chassis(b, d.Class, drives)
			items := len(b.items)
			whole := b.sum(impact, Production, "x", Class).Value
			total := around.Value
			for _, p := range d.Parts {
				part := lookUp(t, p.Device)
				f := *part.Production.all()[impact]
				require.NotNil(t, f, "%+v in %s", p.Device, u.unit)
				total += float64(p.Count) * f.Value
				whole += float64(p.Count) * f.Value
			}
			assert.InEpsilon(t, whole, total, 1e-12)
			assert.Equal(t, drives, strings.Contains(around.Source, "of ssd-die"), "drives are in the node or parts, never both")
			assert.Equal(t, map[bool]int{true: 6, false: 4}[drives], items)
			for _, of := range []string{"cpu-", "memory-", "gpu-", "hdd"} {
				assert.NotContains(t, around.Source, " of "+of)
				assert.NotContains(t, around.Source, ", "+of)
			}
		}
	}
}

// The interval of a sum is that of independent addends.
func TestIntervalOfASumIsThatOfItsAddends(t *testing.T) {
	f := lookUp(t, Device{Kind: "cpu", Model: "AMD EPYC 7543"}).Production.GCO2e
	die := quantity{0.0197, 0.0091, 0.0767}.times(about(1064, dieSpread)).scaled(1e3)
	value, low, high := lognormal.Sum(lognormal.Part{N: 1, Value: 9140, Low: 4570, High: 13710}, lognormal.Part{N: 1, Value: die.value, Low: die.low, High: die.high})
	assert.InEpsilonSlice(t, []float64{value, low, high}, []float64{f.Value, f.Low, f.High}, 1e-9)
	assert.Greater(t, f.Low, 4570+die.low, "that all is at its least is less likely than that each is")
	assert.Less(t, f.High, 13710+die.high)
}

// Trap 36: end of life is told apart of every device.
func TestEveryProductionHasAnEndOfLifeALifetimeAndAUtilisation(t *testing.T) {
	l, err := newDevices()
	require.NoError(t, err)
	table, err := accelerator()
	require.NoError(t, err)
	check := func(e Embodied, what string) {
		t.Helper()
		require.NotNil(t, e.Production.GCO2e, what)
		require.NotNil(t, e.EndOfLife.GCO2e, what)
		require.NotNil(t, e.EndOfLife.WasteKg, what)
		assert.Less(t, e.EndOfLife.GCO2e.Value, 0.15*e.Production.GCO2e.Value, "%s: end of life is some per cent of production", what)
		assert.Equal(t, e.Production.GCO2e.Found, e.Found, what)
		ids := map[string]bool{}
		for i, stage := range e.stages() {
			kind := []Kind{Production, EndOfLife, Transport}[i]
			for k, f := range stage.all() {
				if *f == nil {
					continue
				}
				require.NoError(t, (*f).Check(), what)
				assert.Equal(t, kind, (*f).Kind, what)
				assert.Equal(t, []string{"gCO2e", "kgSbeq", "J", "kg"}[k], (*f).Unit, what)
				assert.True(t, strings.HasPrefix((*f).ID, string(kind)+"."), (*f).ID)
				assert.True(t, strings.HasSuffix((*f).ID, suffixes[(*f).Unit]), (*f).ID)
				assert.False(t, ids[(*f).ID], "%s: id %s is there twice", what, (*f).ID)
				ids[(*f).ID] = true
			}
		}
		require.NoError(t, e.Lifetime.Check())
		require.NoError(t, e.Utilisation.Check())
		require.NotEmpty(t, e.Tried)
		assert.Same(t, e.Production.GCO2e, e.Tried[len(e.Tried)-1].Factor, "%s: the last that was tried was taken", what)
		assert.Empty(t, e.Tried[len(e.Tried)-1].Why)
		for _, c := range e.Tried[:len(e.Tried)-1] {
			assert.NotEmpty(t, c.Why, "%s: %s was passed over", what, c.ID)
		}
	}
	for _, b := range table.boards {
		if b.form == "soc" {
			_, err := LookupDevice(Device{Kind: "gpu", Model: b.name})
			require.ErrorIs(t, err, ErrNoFactor, "%s is made with its processor", b.name)
			continue
		}
		check(lookUp(t, Device{Kind: "gpu", Model: b.name}), b.name)
	}
	for i := 0; i < len(l.cpus.lines); i += 7 {
		name := l.cpus.model(i).name
		check(lookUp(t, Device{Kind: "cpu", Model: name}), name)
	}
	for _, class := range l.classes {
		if strings.HasPrefix(class, "gpu-") {
			check(lookUp(t, Device{Kind: "gpu", Class: class}), class)
			continue
		}
		e := lookUp(t, Device{Class: class})
		check(e, class)
		assert.True(t, e.Whole, "without parts a figure is that of all there is")
		check(lookUp(t, Device{Kind: "memory", Bytes: 32 << 30, Class: class}), class)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		d := randomServer(rng)
		check(lookUp(t, d), fmt.Sprint(d))
	}
}

// An id names one configuration: two that differ in their figures differ in it,
// and the same has the same.
func TestAnIDNamesOneConfiguration(t *testing.T) {
	seen := map[string]Factor{}
	remember := func(e Embodied) {
		for _, stage := range e.stages() {
			for _, f := range stage.all() {
				if *f == nil {
					continue
				}
				if old, ok := seen[(*f).ID]; ok {
					assert.Equal(t, []float64{old.Value, old.Low, old.High}, []float64{(*f).Value, (*f).Low, (*f).High}, "%s is two figures", (*f).ID)
				}
				seen[(*f).ID] = **f
			}
		}
	}
	rng := rand.New(rand.NewPCG(9, 2))
	for range 100 {
		d := randomServer(rng)
		remember(lookUp(t, d))
		for _, p := range d.Parts {
			remember(lookUp(t, p.Device))
		}
		d.Parts = d.Parts[len(d.Parts)-1:]
		d.Class = []string{"laptop", "tablet"}[rng.IntN(2)]
		remember(lookUp(t, d))
	}
	for _, model := range []string{"", "AMD EPYC", "Intel(R) Xeon(R) CPU @ 2.20GHz", "AMD EPYC 9V84", "AMD EPYC 9V45", "QEMU Virtual CPU", "Cortex-A72"} {
		for _, class := range []string{"", "server", "desktop", "laptop", "cloud-server", "single-board"} {
			remember(lookUp(t, Device{Kind: "cpu", Model: model, Class: class}))
		}
	}
	assert.Contains(t, seen, "production.cpu.epyc-7543")
	assert.Contains(t, seen, "production.memory.64GB.adpe")
}

func TestWhatIsUnknownOfADeviceWidensItsInterval(t *testing.T) {
	width := func(d Device) float64 {
		f := lookUp(t, d).Production.GCO2e
		return math.Log(f.High / f.Low)
	}
	for _, test := range []struct{ known, unknown Device }{
		{Device{Kind: "gpu", Model: "NVIDIA L4"}, Device{Kind: "gpu", Model: "NVIDIA L5"}},
		{Device{Kind: "gpu", Model: "NVIDIA L5"}, Device{Kind: "gpu", Model: "NVIDIA"}},
		{Device{Kind: "storage", Class: "ssd", Bytes: 4e12}, Device{Kind: "storage", Bytes: 4e12}},
		{Device{Kind: "storage", Class: "hdd", Bytes: 4e12}, Device{Kind: "storage", Bytes: 4e12}},
		{Device{Class: "server"}, Device{}},
		{Device{Class: "laptop"}, Device{}},
	} {
		assert.Less(t, width(test.known), width(test.unknown), "%+v", test.unknown)
		a, b := lookUp(t, test.known), lookUp(t, test.unknown)
		assert.LessOrEqual(t, a.Production.GCO2e.Quality, b.Production.GCO2e.Quality, "%+v", test.unknown)
	}
	listed, unlisted := lookUp(t, Device{Kind: "cpu", Model: "AMD EPYC 7543"}).Production.GCO2e, lookUp(t, Device{Kind: "cpu", Model: "AMD EPYC"}).Production.GCO2e
	assert.Less(t, math.Log(listed.High/listed.Low), math.Log(unlisted.High/unlisted.Low))
	assert.GreaterOrEqual(t, unlisted.Quality, listed.Quality)
}

// A maker publishes one configuration: what is known of a machine must be able
// to be in it.
func TestAPublishedFigureStandsOnlyForWhatItCanHold(t *testing.T) {
	small := []Part{{Count: 2, Device: Device{Kind: "cpu", Model: "Intel(R) Xeon(R) Gold 6248"}}, {Count: 1, Device: Device{Kind: "memory", Bytes: 192 << 30}}}
	e := lookUp(t, Device{Kind: "node", Model: "PowerEdge R740", Parts: small})
	assert.True(t, e.Whole)
	assert.Equal(t, "production.node.poweredge-r740", e.Production.GCO2e.ID)

	// A GPU is in no published server, and adds to it.
	gpu := Device{Kind: "gpu", Model: "Tesla T4"}
	with := lookUp(t, Device{Kind: "node", Model: "PowerEdge R740", Parts: append(small, Part{Count: 2, Device: gpu})})
	assert.True(t, with.Whole)
	assert.InEpsilon(t, e.Production.GCO2e.Value+2*lookUp(t, gpu).Production.GCO2e.Value, with.Production.GCO2e.Value, 1e-9)
	assert.Equal(t, "production.node.poweredge-r740-with-2-t4", with.Production.GCO2e.ID)

	large := []Part{{Count: 2, Device: Device{Kind: "cpu", Model: "Intel(R) Xeon(R) Gold 6248"}}, {Count: 1, Device: Device{Kind: "memory", Bytes: 1536 << 30}}}
	e = lookUp(t, Device{Kind: "node", Model: "Dell PowerEdge R740", Parts: large})
	assert.False(t, e.Whole)
	assert.Contains(t, e.Tried[1].Why, "which the published configuration (800 to 2100) does not hold")
}

func TestGPUsInAMachineThatIsNotSummedUpAreAdded(t *testing.T) {
	gpu := Device{Kind: "gpu", Model: "NVIDIA GeForce RTX 3060"}
	laptop := lookUp(t, Device{Class: "laptop"}).Production.GCO2e
	e := lookUp(t, Device{Class: "laptop", Parts: []Part{{Count: 2, Device: gpu}}})
	assert.True(t, e.Whole)
	assert.InEpsilon(t, laptop.Value+2*lookUp(t, gpu).Production.GCO2e.Value, e.Production.GCO2e.Value, 1e-9)
	assert.NotEqual(t, laptop.ID, e.Production.GCO2e.ID)

	own := lookUp(t, Device{Class: "laptop", Parts: []Part{{Count: 1, Device: Device{Kind: "gpu", Model: "Apple M1 Pro"}}}})
	assert.Equal(t, laptop.Value, own.Production.GCO2e.Value, "a GPU in the processor's chip is made with it")
}

// Trap 34: devices of one board and slices of one device have their part of it.
func TestSharesOfABoardAddUpToIt(t *testing.T) {
	whole := lookUp(t, Device{Kind: "gpu", Model: "NVIDIA A100-SXM4-40GB"})
	slice := lookUp(t, Device{Kind: "gpu", Model: "NVIDIA A100-SXM4-40GB MIG 1g.5gb"})
	for i, stage := range whole.stages() {
		for k, f := range stage.all() {
			if *f != nil {
				assert.InEpsilon(t, (*f).Value, 7*(*slice.stages()[i].all()[k]).Value, 1e-9)
			}
		}
	}
	l, err := newDevices()
	require.NoError(t, err)
	b := boardOf(t, "Tesla K80")
	sum, _ := l.chipsAndCooler(b, "x", Exact)
	assert.InEpsilon(t, sum.GCO2e.Value, 2*lookUp(t, Device{Kind: "gpu", Model: "Tesla K80"}).Production.GCO2e.Value, 1e-9)
}

func TestAServerWithManyGPUsIsOneForAI(t *testing.T) {
	parts := []Part{{Count: 2, Device: Device{Kind: "cpu", Model: "AMD EPYC 7543"}}, {Count: 8, Device: Device{Kind: "gpu", Model: "NVIDIA H100 80GB HBM3"}}}
	e := lookUp(t, Device{Kind: "node", Parts: parts})
	assert.Equal(t, "production.node.ai-server-chassis", e.Production.GCO2e.ID)
	assert.Equal(t, "lifetime.ai-server", e.Lifetime.ID)
}

func TestMemoryOfAHostIsWhatIsPluggedIn(t *testing.T) {
	for kB, gb := range map[int64]float64{ // MemTotal of real hosts
		395000000: 384, 790000000: 768, 131072000: 128, 528000000: 512, 65766000: 64, 3884000: 4, 31300000: 32, 15820000: 16, 7860000: 8, 12000000: 12, 24500000: 24,
	} {
		assert.Equal(t, gb, installed(kB*1024), "%d kB", kB)
	}
	for _, gib := range []int64{1, 2, 3, 8, 12, 64, 96, 768, 2048} {
		assert.Equal(t, float64(gib), installed(gib<<30))
	}
}

func TestADriveIsToldByItsModel(t *testing.T) {
	for model, kind := range map[string]string{
		"Samsung SSD 970 EVO Plus 1TB": "ssd", "SAMSUNG MZVLB512HBJQ-000L7": "ssd", "INTEL SSDPE2KX010T8": "ssd", "CT1000MX500SSD1": "ssd",
		"Micron_9300_MTFDHAL3T8TDP": "ssd", "WDC WDS100T2B0A-00SM50": "ssd", "nvme0n1": "ssd", "Amazon EC2 NVMe Instance Storage": "ssd",
		"ST4000NM0035-1V4107": "hdd", "WDC WD40EFRX-68N32N0": "hdd", "HGST HUS726T4TALA6L4": "hdd", "HUH721212ALE600": "hdd", "Seagate Exos X16": "hdd",
		"QEMU HARDDISK": "", "VMware Virtual disk": "", "Amazon Elastic Block Store": "", "Google PersistentDisk": "", "PERC H740P Mini": "", "": "",
	} {
		assert.Equal(t, kind, storageKind(model), model)
	}
}

func TestADeviceThatCannotBeToldIsAnErrorThatSaysWhatToWrite(t *testing.T) {
	for _, test := range []struct {
		d    Device
		is   error
		want string
	}{
		{Device{Kind: "network"}, ErrNoFactor, `production of "network": write node, cpu, memory, storage, gpu or npu`},
		{Device{Kind: "memory"}, ErrNoFactor, "memory of unknown size: give its bytes"},
		{Device{Kind: "memory", Bytes: -1}, ErrNoFactor, "memory of unknown size"},
		{Device{Kind: "storage", Class: "ssd"}, ErrNoFactor, "storage of unknown size: give its bytes"},
		{Device{Kind: "storage", Class: "tape"}, ErrUnknownClass, `storage of "tape": write one of ai-server, `},
		{Device{Class: "mainframe"}, ErrUnknownClass, `node of "mainframe"`},
		{Device{Kind: "gpu", Model: "Apple M1"}, ErrNoFactor, "it is part of a processor's chip, which is of kind cpu"},
		{Device{Kind: "gpu", Model: "Apple M9"}, ErrNoFactor, "it is part of a processor's chip"},
		{Device{Kind: "gpu", Model: "AMD Radeon 780M Graphics"}, ErrNoFactor, "it is part of a processor's chip"},
		{Device{Kind: "gpu", Model: "AMD Radeon Graphics"}, ErrNoFactor, "it is part of a processor's chip"},
		{Device{Kind: "gpu", Model: "Intel(R) Iris(R) Xe Graphics"}, ErrNoFactor, "it is part of a processor's chip"},
		{Device{Kind: "gpu", Model: "Orin (nvgpu)"}, ErrNoFactor, "it is part of a processor's chip"},
		{Device{Kind: "node", Class: "server", Parts: []Part{{Count: 1, Device: Device{Kind: "node"}}}}, ErrNoFactor, `part "node": parts of a node are of kind cpu`},
		{Device{Kind: "node", Class: "server", Parts: []Part{{Count: 1, Device: Device{Kind: "cpu", Class: "tape"}}}}, ErrUnknownClass, `cpu of "tape"`},
	} {
		_, err := LookupDevice(test.d)
		require.ErrorIs(t, err, test.is, "%+v", test.d)
		assert.ErrorContains(t, err, test.want)
	}
}

func TestLookupDeviceIsSafeForConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(1, 1))
			for range 20 {
				e, err := LookupDevice(randomServer(rng))
				assert.NoError(t, err)
				e.Production.GCO2e.Value = -1
			}
		})
	}
	group.Wait()
	assert.Positive(t, lookUp(t, Device{Class: "server"}).Production.GCO2e.Value, "a caller cannot change the tables")
}

func FuzzLookupDevice(f *testing.F) {
	f.Add("gpu", "NVIDIA A100-SXM4-40GB MIG 9g.5gb", "", int64(1))
	f.Add("cpu", "AMD EPYC 77...", "embedded", int64(0))
	f.Add("storage", "ST4000NM", "hdd", int64(-5))
	f.Add("node", "PowerEdge R740", "", int64(math.MaxInt64))
	f.Add("gpu", "Advanced Micro Devices, Inc. [AMD/ATI] Navi 31 [Radeon RX 7900 XT/7900 XTX", "gpu-consumer", int64(24<<30))
	f.Fuzz(func(t *testing.T, kind, model, class string, bytes int64) {
		d := Device{Kind: kind, Model: model, Class: class, Bytes: bytes}
		for _, d := range []Device{d, {Kind: "node", Model: model, Class: "server", Parts: []Part{{Count: 3, Device: d}}}, {Class: "laptop", Parts: []Part{{Count: -1, Device: d}, {Count: 1, Device: d}}}} {
			e, err := LookupDevice(d)
			if err != nil {
				continue
			}
			require.NotNil(t, e.Production.GCO2e)
			for _, stage := range e.stages() {
				for _, x := range stage.all() {
					if *x != nil {
						require.NoError(t, (*x).Check())
					}
				}
			}
			require.LessOrEqual(t, len(e.Tried), 10)
		}
	})
}

// What nobody tells apart is in the node, and the sum is the same.
func TestAPartWithinIsInTheNodesFigures(t *testing.T) {
	cpu := Part{Count: 2, Device: Device{Kind: "cpu", Model: "AMD EPYC 7543", Class: "server"}}
	memory := Part{Count: 1, Device: Device{Kind: "memory", Bytes: 256 << 30, Class: "server"}}
	disk := Part{Count: 3, Within: true, Device: Device{Kind: "storage", Class: "hdd"}}
	node := func(parts ...Part) Embodied { return lookUp(t, Device{Kind: "node", Class: "server", Parts: parts}) }
	apart := node(cpu, memory, disk)
	cpu.Within = true
	within := node(cpu, memory, disk)
	require.False(t, apart.Whole)
	require.False(t, within.Whole, "the memory still has its own")
	alone := lookUp(t, cpu.Device)
	for stage, with := range within.stages() {
		for impact, f := range with.all() {
			without, of := *apart.stages()[stage].all()[impact], *alone.stages()[stage].all()[impact]
			if *f == nil {
				assert.True(t, without == nil || of == nil)
				continue
			}
			assert.InEpsilon(t, without.Value+2*of.Value, (*f).Value, 1e-9, (*f).ID)
			assert.NoError(t, (*f).Check())
			assert.NotEqual(t, without.ID, (*f).ID)
			assert.Contains(t, (*f).Source, of.ID)
		}
	}
	taken := within.Tried[len(within.Tried)-1]
	assert.Empty(t, taken.Why)
	assert.Equal(t, within.Production.GCO2e.ID, taken.ID)

	memory.Bytes, memory.Within = 0, true
	_, err := LookupDevice(Device{Kind: "node", Class: "server", Parts: []Part{cpu, memory}})
	require.ErrorIs(t, err, ErrNoFactor, "what is not known is not nothing")
}

// A record holds no text beyond 4096 bytes, however many drives a machine has;
// what comes after the sources of some is told by id.
func TestTheSourceOfAMachineOfManyPartsFitsIntoARecord(t *testing.T) {
	parts := []Part{{Count: 2, Within: true, Device: Device{Kind: "cpu", Model: "AMD EPYC 7543", Class: "server"}}, {Count: 1, Within: true, Device: Device{Kind: "memory", Bytes: 256 << 30, Class: "server"}}}
	for n := range 100 {
		parts = append(parts, Part{Count: 1, Within: true, Device: Device{Kind: "storage", Class: "ssd", Bytes: int64(n+1) * 1e11}})
		e := lookUp(t, Device{Kind: "node", Class: "server", Parts: parts})
		for _, f := range e.Production.all() {
			if *f != nil {
				require.LessOrEqual(t, len((*f).Source), 4096, "with %d drives", n+1)
				require.LessOrEqual(t, len((*f).ID), 4096)
				assert.Equal(t, 1, strings.Count((*f).Source, "mean of 19 NAND chips"), "what is cited is cited once")
			}
		}
		if n == 9 {
			assert.Contains(t, e.Production.GCO2e.Source, "1 x production.storage.ssd-1000GB at ")
		}
	}
}
