package factors

import (
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func device(t *testing.T, name string, gib float64) Accelerator {
	t.Helper()
	a, err := LookupAccelerator(name, int64(gib*(1<<30)))
	require.NoError(t, err, name)
	require.NoError(t, a.Idle.Check())
	require.NoError(t, a.Full.Check())
	return a
}

func TestAnAcceleratorHasItsRatedPowerAndItsSpeed(t *testing.T) {
	for _, test := range []struct {
		name       string
		gib        float64
		tdp, flops float64
		memory     int64
	}{
		{"NVIDIA A100-SXM4-80GB", 80, 400, 312e12, 80 << 30},
		{"NVIDIA A100-PCIE-40GB", 40, 250, 312e12, 40 << 30},
		{"NVIDIA H100 80GB HBM3", 80, 700, 989.4e12, 80 << 30},
		{"NVIDIA GeForce RTX 4090", 0, 450, 165.2e12, 24 << 30},
		{"Tesla T4", 15, 70, 65e12, 15 << 30},
		{"AMD Instinct MI300X", 0, 750, 1307.4e12, 192 << 30},
		// Boards that the driver shows as several devices: one of them.
		{"Tesla K80", 0, 150, 0, 12 << 30},
		{"NVIDIA A16", 0, 62.5, 71.6e12 / 4, 16 << 30},
		{"AMD Instinct MI250X", 64, 250, 383e12 / 2, 64 << 30},
		// A slice: a seventh of the compute slices, with the memory that its name tells.
		{"NVIDIA A100-SXM4-40GB MIG 1g.5gb", 0, 400. / 7, 312e12 / 7, 5 << 30},
		{"NVIDIA A100-SXM4-40GB MIG 7g.40gb", 0, 400, 312e12, 40 << 30},
		{"NVIDIA A40-12Q", 0, 75, 149.7e12 / 4, 12 << 30},
	} {
		a := device(t, test.name, test.gib)
		assert.InEpsilon(t, test.tdp, a.TDPW, 1e-9, test.name)
		assert.InDelta(t, test.flops, a.PeakFLOPS, 1, test.name)
		assert.Equal(t, test.memory, a.MemoryBytes, test.name)
		assert.Equal(t, a.TDPW, a.Full.Value, "%s: full is the rated power", test.name)
		assert.Less(t, a.Idle.Value, 0.35*a.Full.Value, test.name)
		assert.Equal(t, a.Full, *a.Tried[len(a.Tried)-1].Factor)
	}
}

// "RTX 5090 Ti" is no RTX 5090, and "H1000" no H100: a name that is longer than
// a listed one is at best of its family.
func TestNoAcceleratorIsTakenForAnotherWhoseNameItBeginsWith(t *testing.T) {
	table, err := accelerator()
	require.NoError(t, err)
	for _, b := range table.boards {
		for _, name := range append(b.names, b.name) {
			for _, longer := range []string{name + " Ti", name + " SUPER", name + "0", name + "X2", name + " Next", "Neo " + name} {
				a := device(t, longer, 0)
				if a.Model == "" {
					assert.Contains(t, []Found{Family, Class, FromWorld}, a.Found, longer)
					continue
				}
				// Unless this is the name of another, or all that is longer is punctuation.
				m := table.byName[a.Model][0]
				known := slices.ContainsFunc(append(m.names, m.name), func(s string) bool {
					return nameAccelerator(s).key == nameAccelerator(longer).key
				})
				assert.True(t, known, "%q was taken for %s", longer, a.Model)
			}
		}
	}
}

func TestTheLessIsKnownOfAnAcceleratorTheWiderItsInterval(t *testing.T) {
	width := func(name string) float64 {
		a := device(t, name, 0)
		return math.Log(a.Full.High / a.Full.Low)
	}
	assert.Less(t, width("NVIDIA H100 80GB HBM3"), width("NVIDIA H100"))
	assert.Less(t, width("NVIDIA GeForce RTX 4090"), width("NVIDIA GeForce RTX 4095"))
	assert.Less(t, width("NVIDIA H100"), width("H1000"))
	assert.Less(t, width("H1000"), width("no such thing"))
	for name, chain := range map[string][]string{
		"no such thing": {"no listed model has this name", "no listed family has this name", "nothing in the name tells a class"},
		"NVIDIA H100":   {"no listed model has this name"},
		"TPU v5p":       {"its vendor publishes no power"},
	} {
		a := device(t, name, 0)
		for i, why := range chain {
			assert.Equal(t, why, a.Tried[i].Why, name)
		}
	}
}

// A model that is left out must lie where its family puts it.
func TestAFamilyOfAcceleratorsHoldsItsModels(t *testing.T) {
	table, err := accelerator()
	require.NoError(t, err)
	var inside, all float64
	for _, b := range table.boards {
		if !b.tdp.known() {
			continue
		}
		others := table.those(func(o *board) bool {
			ok, _ := path.Match(o.family, nameAccelerator(b.name).key+" ")
			return ok && o != b && o.tdp.known()
		})
		if len(others) < 2 {
			continue
		}
		r := table.rating(&hit{boards: others, found: Family, class: b.class, share: 1})
		part := b.tdp.scaled(1 / float64(b.devices))
		all++
		if r.tdp.low <= part.value && part.value <= r.tdp.high {
			inside++
		}
	}
	require.Greater(t, all, 120.0)
	t.Logf("%.0f of %.0f lie within their family", inside, all)
	assert.Greater(t, inside/all, 0.93)
}

func TestIdlePowerThatIsNotSeenIsAShareOfTheRatedPower(t *testing.T) {
	table, err := accelerator()
	require.NoError(t, err)
	figures, err := embedded()
	require.NoError(t, err)
	var inside, all float64
	for _, b := range table.boards {
		if b.idleQuality != "B" || b.form == "soc" { // observed
			continue
		}
		ratio := figures["idle-power."+b.class]
		all++
		if x := b.idle.value / b.tdp.value; ratio.Low <= x && x <= ratio.High {
			inside++
		}
		a := device(t, b.name, 0)
		assert.Equal(t, b.idle.value/float64(b.devices), a.Idle.Value, b.name)
	}
	require.Greater(t, all, 20.0)
	assert.Greater(t, inside/all, 0.9, "the ratio of a class holds what is seen")
	a := device(t, "NVIDIA GeForce RTX 3060", 0)
	assert.InEpsilon(t, 0.045*170, a.Idle.Value, 1e-9)
}

func TestEveryListedAcceleratorIsAPlausibleDevice(t *testing.T) {
	table, err := accelerator()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(table.boards), 212)
	p, err := bottomUp()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, b := range table.boards {
		assert.False(t, seen[slug(b.name)], "%s: the slug is that of another", b.name)
		seen[slug(b.name)] = true
		assert.Contains(t, []string{"gpu-datacentre", "gpu-inference", "gpu-consumer"}, b.class, b.name)
		assert.Contains(t, []string{"sxm", "pcie", "low", "soc"}, b.form, b.name)
		if b.form != "soc" {
			for _, what := range []string{"heatsink", "casing", "board", "mass"} {
				assert.True(t, p.amounts["gpu-"+b.form+"."+what].known(), b.name)
			}
		}
		assert.True(t, !b.tdp.known() || b.tdp.low > 2 && b.tdp.low <= b.tdp.value && b.tdp.value <= b.tdp.high && b.tdp.high <= 1500, "%s: %s W", b.name, b.tdp)
		assert.True(t, !b.idle.known() || b.idle.low <= b.idle.value && b.idle.value <= b.idle.high && b.idle.high < 0.7*max(b.tdp.value, b.tdp.high), "%s: idle %s W", b.name, b.idle)
		assert.True(t, b.gib >= 2 && b.gib <= 600, "%s: %v GiB", b.name, b.gib)
		assert.True(t, b.flops == 0 || b.flops > 3e11 && b.flops < 5e15, "%s: %v FLOP/s", b.name, b.flops)
		assert.True(t, b.die == 0 || b.die/float64(b.dies) >= 50 && b.die/float64(b.dies) < 860, "%s: %v mm2 in %d", b.name, b.die, b.dies)
		assert.Contains(t, []string{"A", "B", "C", "D"}, b.quality, b.name)
		key := nameAccelerator(b.name).key
		if ok, err := path.Match(b.family, key+" "); !ok {
			require.NoError(t, err)
			own := slices.ContainsFunc(b.names, func(s string) bool { ok, _ := path.Match(b.family, nameAccelerator(s).key+" "); return ok })
			assert.True(t, own, "%s is not of its own family %q", b.name, b.family)
		}
		if strings.Contains(b.source.text, "recalled") {
			assert.Equal(t, "D", b.quality, "%s: what is recalled is of quality D", b.name)
		}
		for _, name := range append(b.names, b.name) {
			a := device(t, name, b.gib/float64(b.devices))
			assert.Equal(t, b.name, a.Model, "%q must be found", name)
		}
	}
}

func FuzzLookupAccelerator(f *testing.F) {
	f.Add("NVIDIA A100-SXM4-40GB MIG 1g.5gb", int64(0))
	f.Add("[AMD/ATI] Navi 31 [Radeon RX 7900 XT/7900 XTX/", int64(24<<30))
	f.Add("GRID A100-999C", int64(-1))
	f.Add("NVIDIA ... MIG 99g.9999gb\xff(", int64(1))
	f.Fuzz(func(t *testing.T, model string, bytes int64) {
		a, err := LookupAccelerator(model, bytes)
		require.NoError(t, err, "whatever a driver says, there is an answer")
		require.NoError(t, a.Idle.Check())
		require.NoError(t, a.Full.Check())
		require.Positive(t, a.TDPW)
		require.Equal(t, a.Found, a.Full.Found)
		require.LessOrEqual(t, len(a.Tried), 8)
		if a.Found == Exact || a.Found == Normalised {
			require.NotEmpty(t, a.Model)
		}
		require.LessOrEqual(t, len(a.Full.ID), 4*maxName)
	})
}
