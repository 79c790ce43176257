package factors

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTablesOfDevicesHaveTheirRows(t *testing.T) {
	total := 0
	for _, table := range []struct {
		name string
		rows int // at least
	}{
		{"cpu.csv", 2619}, {"cpu_class.csv", 32}, {"gpu.csv", 212}, {"instance.csv", 2260},
		{"component.csv", 24}, {"amount.csv", 60}, {"device.csv", 121}, {"model.csv", 20}, {"power.csv", 32},
	} {
		rows := 0
		require.NoError(t, eachRow(table.name, func([]string) error { rows++; return nil }))
		b, err := data.ReadFile("data/" + table.name)
		require.NoError(t, err)
		size := gzipped(t, b)
		total += size
		t.Logf("%-14s %4d rows, %6d bytes, %5d compressed", table.name, rows, len(b), size)
		assert.GreaterOrEqual(t, rows, table.rows, table.name)
	}
	assert.Less(t, total, 350<<10, "compressed, of all that importers carry")
}

func TestEveryComponentIsAPlausibleFigure(t *testing.T) {
	p, err := bottomUp()
	require.NoError(t, err)
	for id, c := range p.components {
		for i, q := range c.impacts {
			if !q.known() {
				continue
			}
			most := [...]float64{2000, 1, 2e4}[i]
			assert.True(t, 0 < q.low && q.low <= q.value && q.value <= q.high && q.high < most && q.high < 150*q.low, "%s: %s", id, q)
		}
		assert.True(t, c.impacts[gwp].known(), id)
		assert.Contains(t, []string{"A", "B", "C", "D"}, c.quality, id)
		assert.Greater(t, len(c.source.text), 20, id)
	}
	for id, a := range p.amounts {
		assert.True(t, 0 < a.low && a.low <= a.value && a.value <= a.high && a.high <= 160*a.low, "%s: %s", id, a.quantity)
		assert.Contains(t, []string{"C", "D"}, a.quality, "%s: what is typical is no fact of a device", id)
		assert.NotEmpty(t, a.unit, id)
	}
	for _, class := range built {
		for _, what := range []string{"board", "psu", "psu-mass", "case", "drives", "drive-gb", "mass"} {
			assert.Contains(t, p.amounts, class+"."+what)
		}
	}
}

func TestEverySourceOfComponentsIsUsed(t *testing.T) {
	p, err := bottomUp()
	require.NoError(t, err)
	used := map[*sourceOf]bool{}
	for _, c := range p.components {
		used[c.source] = true
	}
	for _, a := range p.amounts {
		used[a.source] = true
	}
	// Of the area of chips, as the tables of processors and accelerators have it.
	for _, id := range []string{"wafer", "die-like"} {
		require.Contains(t, p.sources, id)
		used[p.sources[id]] = true
	}
	for table, of := range map[string]struct {
		area, quality int
		id            string
	}{"cpu.csv": {8, 9, "die-"}, "gpu.csv": {18, 20, "gpu-die-"}} {
		require.NoError(t, eachRow(table, func(row []string) error {
			if row[of.area] != "" {
				require.Contains(t, p.sources, of.id+row[of.quality], row[0])
				used[p.sources[of.id+row[of.quality]]] = true
			}
			return nil
		}))
	}
	for id, s := range p.sources {
		assert.True(t, used[s], "nothing is from %s", id)
		assert.NotEmpty(t, s.licence, id)
	}
}

// A server that is not known to be in a rack case may be a blade.
func TestACaseIsAtLeastThatOfABlade(t *testing.T) {
	p, err := bottomUp()
	require.NoError(t, err)
	blade := p.components["case-blade"].impacts[gwp].value + p.components["enclosure-16-blades"].impacts[gwp].value/16
	assert.InEpsilon(t, blade/p.components["case-rack"].impacts[gwp].value, p.amounts["server.case"].low, 0.001)
}

func TestComponentsAgreeWithTheReference(t *testing.T) {
	p, err := bottomUp()
	require.NoError(t, err)
	ids := map[string]string{
		"cpu.base": "cpu-base", "cpu.per_mm2_die": "cpu-die", "ram.base": "memory-base", "ram.per_cm2_die": "memory-die",
		"ssd.base": "ssd-base", "ssd.per_cm2_die": "ssd-die", "hdd.per_unit": "hdd", "motherboard.per_unit": "board",
		"power_supply.per_kg": "psu", "case_rack.per_unit": "case-rack", "case_blade.per_server": "case-blade",
		"case_blade.enclosure_16_slots": "enclosure-16-blades", "assembly.per_server": "assembly",
		"gpu.casing": "gpu-casing", "gpu.heatsink": "gpu-heatsink", "gpu.pwb": "gpu-board", "gpu.gpu": "gpu-die",
		"gpu.upstream_transport": "gpu-inbound", "gpu.end_of_life": "discard-card",
	}
	compared := 0
	for _, row := range reference(t, "component_embodied.csv") {
		for prefix, id := range ids {
			for i, impact := range []string{"gwp", "adpe", "pe"} {
				if row["id"] != prefix+"."+impact {
					continue
				}
				want, err := number(row["value"])
				require.NoError(t, err)
				assert.InEpsilon(t, want, p.components[id].impacts[i].value, 1e-4, row["id"])
				compared++
			}
		}
	}
	assert.Equal(t, 3*len(ids), compared)
}

// Statistics of what makers state of some 1200 devices are share-alike and not
// shipped; they check what is. Intervals of classes hold their median and P90,
// and of manufacturing and weight P10 as well.
func TestClassesHoldWhatMakersStateOfTheirDevices(t *testing.T) {
	compared := 0
	for _, row := range reference(t, "component_embodied.csv") {
		id := strings.Split(row["id"], ".")
		if id[0] != "stats" || id[1] == "workstation" { // four devices
			continue
		}
		e, err := LookupDevice(Device{Class: id[1]})
		kinds := map[string]*Factor{"manufacturing": e.Production.GCO2e, "eol": e.EndOfLife.GCO2e, "transport": e.Transport.GCO2e, "weight": e.EndOfLife.WasteKg, "lifetime": &e.Lifetime}
		f := kinds[id[2]]
		if err != nil || f == nil {
			continue
		}
		scale := map[string]float64{"weight": 1, "lifetime": year}[id[2]]
		if scale == 0 {
			scale = 1e3
		}
		for _, column := range []string{"low", "value", "high"} {
			x, err := number(row[column])
			require.NoError(t, err)
			if x == 0 || column == "low" && id[2] != "weight" && id[2] != "manufacturing" {
				continue
			}
			compared++
			assert.True(t, f.Low <= x*scale && x*scale <= f.High, "%s: %s is %v, which is not within %v and %v of %s", row["id"], column, x*scale, f.Low, f.High, f.ID)
		}
	}
	assert.Greater(t, compared, 40)
}

func TestAcceleratorsAgreeWithTheReference(t *testing.T) {
	found := 0
	for _, row := range reference(t, "gpu.csv") {
		a, err := LookupAccelerator(row["name"], 0)
		require.NoError(t, err)
		assert.Equal(t, row["name"], a.Model)
		b := boardOf(t, row["name"])
		if tdp, err := number(row["tdp_w"]); err == nil {
			assert.InEpsilon(t, tdp, b.tdp.value, 1e-9, b.name)
			found++
		}
		if flops, err := number(row["fp16_dense_tflops"]); err == nil {
			assert.InEpsilon(t, flops*1e12, b.flops, 1e-9, b.name)
		}
		if embodied, err := number(row["embodied_kgco2e"]); err == nil && row["vendor"] == "NVIDIA" {
			e := lookUp(t, Device{Kind: "gpu", Model: row["name"]})
			f := e.Production.GCO2e
			assert.True(t, f.Low <= embodied*1001 && embodied*999 <= f.High, "%s: the reference's %v kg is not within %.0f to %.0f", b.name, embodied, f.Low/1e3, f.High/1e3)
			assert.LessOrEqual(t, math.Abs(math.Log(f.Value/1e3/embodied)), math.Log(2.2), "%s: %.0f kg, the reference has %v", b.name, f.Value/1e3, embodied)
		}
	}
	assert.Greater(t, found, 180)
}

func TestInstancesAgreeWithTheReference(t *testing.T) {
	for _, row := range reference(t, "cloud_instance.csv") {
		threads, err := number(row["vcpu"])
		if err != nil || threads < 1 { // a share, of Azure's constrained types
			continue
		}
		typ := row["instance_type"]
		if row["provider"] == "azure" {
			for len(typ) > 9 && (typ[:9] == "Standard_" || typ[:9] == "standard_") {
				typ = typ[9:]
			}
		}
		i, err := LookupInstance(row["provider"], typ)
		if !assert.NoError(t, err) {
			continue
		}
		assert.Equal(t, int(threads), i.Threads, "%s %s", row["provider"], typ)
		gib, err := number(row["memory_gb"])
		require.NoError(t, err)
		if typ == instanceName(row["provider"], typ) { // a managed service keeps some for itself
			assert.InDelta(t, gib, float64(i.MemoryBytes)/(1<<30), 0.26, "%s %s", row["provider"], typ)
		}
	}
}

func TestErrorsOfFactorsAddInQuadrature(t *testing.T) {
	q := quantity{10, 5, 20}.times(quantity{3, 1, 9})
	assert.Equal(t, 30.0, q.value)
	assert.InEpsilon(t, 30/math.Exp(math.Hypot(math.Log(2), math.Log(3))), q.low, 1e-12)
	assert.InEpsilon(t, 30*math.Exp(math.Hypot(math.Log(2), math.Log(3))), q.high, 1e-12)
	assert.Equal(t, quantity{20, 10, 40}, quantity{10, 5, 20}.scaled(2))
	assert.InEpsilonSlice(t, []float64{2, 1, 4}, []float64{exactly(20).over(quantity{10, 5, 20}).value, exactly(20).over(quantity{10, 5, 20}).low, exactly(20).over(quantity{10, 5, 20}).high}, 1e-12)
	assert.Equal(t, "10 (5-20)", quantity{10, 5, 20}.String())
	assert.Equal(t, "1577", exactly(1577).String())
	assert.False(t, quantity{}.known())
}
