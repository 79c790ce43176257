package lifecycle

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// figureOf is a total of the hour with one factor at another value.
func figureOf(t *testing.T, factor string, value float64, of column) float64 {
	t.Helper()
	r := oneHour()
	for i := range r.Factors {
		if f := &r.Factors[i]; f.ID == factor {
			f.Value, f.Low, f.High = value, value, value
		}
	}
	q := of.total(&assess(t, r).Totals)
	require.NotNil(t, q)
	return q.Value
}

// Trap 29: a number whose unit is left to its reader is off by a thousand one
// day. Each member says it, or is a share, a count or a figure whose unit
// stands beside it.
func TestTheNameOfANumberHasItsUnit(t *testing.T) {
	units := strings.Fields("_j _s _w _l _gco2e _kgsbeq _kg _bytes _seconds _j_per_unit _gco2e_per_unit")
	plain := map[string]string{
		"value": "of the figure that it is the value of", "low": "as value", "high": "as value",
		"expected": "of the unit beside it", "used": "of the unit beside it",
		"share": "", "stake_share": "", "measured_share": "", "rel_error": "", "duty_cycle": "", "coverage": "",
		"replicas": "a mean count", "flops": "a count of operations", "hash_rate": "hashes a second",
	}
	for typ, l := range layouts() {
		for _, f := range l.fields {
			ft := typ.FieldByIndex(f.index).Type
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			if ft.Kind() != reflect.Float64 && ft != reflect.TypeFor[Quantity]() {
				continue // whole numbers are counts, and bytes, which say so
			}
			_, named := plain[f.name]
			named = named || slices.ContainsFunc(units, func(u string) bool { return strings.HasSuffix("_"+f.name, u) })
			assert.True(t, named, "%s.%s: which unit?", typ, f.name)
		}
	}
}

// Trap 30: PUE is taken once, of all energy, in grams as in joules; site water
// is of the energy of IT, in which no PUE is; and a boundary that has it
// already takes no other.
func TestPUEIsTakenOnce(t *testing.T) {
	for _, c := range []struct {
		what  string
		of    column
		times float64 // by which it grows where PUE doubles
	}{
		{"energy of IT", energyJ, 1},
		{"energy of the facility", facilityEnergyJ, 2},
		{"grams", operationalGCO2e, 2},
		{"production", embodiedGCO2e, 1},
	} {
		assert.InEpsilon(t, c.times*figureOf(t, "pue", 1.2, c.of), figureOf(t, "pue", 2.4, c.of), 1e-12, c.what)
	}
	site := figureOf(t, "wue", 2, waterL) - figureOf(t, "wue", 1, waterL)
	assert.InEpsilon(t, 6.3e6/3.6e6, site, 1e-9, "a litre a kWh of IT: 1.75 l, whatever the PUE")

	r := assess(t, oneHour())
	r.Run.Boundary = BoundaryFacility
	assertHas(t, Validate(r), "R35", "/environments/0/factors/pue")
}

// Trap 33: what is divided by is greatest where the quotient is least.
func TestTheBoundsOfADivisorChangePlaces(t *testing.T) {
	r := oneHour()
	for i := range r.Factors {
		switch f := &r.Factors[i]; f.ID {
		case "life":
			f.Low, f.High = f.Value/2, f.Value*1.1 // not the same either way
		case "made", "used":
			f.Low, f.High = f.Value, f.Value
		}
	}
	made := assess(t, r).Phases[3].EmbodiedGCO2e
	assert.InEpsilon(t, made.Value/1.1, made.Low, 1e-6)
	assert.InEpsilon(t, made.Value*2, made.High, 1e-6)
}

// Trap 34: production is of all units of a device, not of one, and of those
// that were held.
func TestEachUnitOfADeviceHasItsProduction(t *testing.T) {
	grams := func(units, held int) float64 {
		r := oneHour()
		r.Hardware[0].Count = units
		for i := range r.Phases {
			r.Phases[i].Usage[1].Count = &held
		}
		return assess(t, r).Totals.EmbodiedGCO2e.Value
	}
	one := grams(1, 1)
	assert.InEpsilon(t, 8*one, grams(8, 8), 1e-12, "eight are eight times one")
	assert.InEpsilon(t, 3*one, grams(8, 3), 1e-12, "three of eight were held")
}

// Trap 35: each impact of a device is of a factor in its own unit: grams of one
// thing do not stand for the antimony of another.
func TestEachImpactOfADeviceIsInItsUnit(t *testing.T) {
	for member, of := range map[string]func(*Impacts) *string{
		"gco2e":            func(i *Impacts) *string { return &i.GCO2e },
		"adpe_kgsbeq":      func(i *Impacts) *string { return &i.ADPeKgSbeq },
		"primary_energy_j": func(i *Impacts) *string { return &i.PrimaryEnergyJ },
		"waste_kg":         func(i *Impacts) *string { return &i.WasteKg },
	} {
		for other, from := range map[string]string{"grams": "made", "antimony": "made.adpe"} {
			r := assess(t, everything())
			id := of(&r.Hardware[0].Embodied.Production)
			if *id == from {
				continue
			}
			*id = from
			assert.True(t, slices.ContainsFunc(Validate(r), func(f Finding) bool {
				return f.Rule == "R4" && strings.HasPrefix(f.Pointer, "/hardware/0/embodied/production/"+member)
			}), "%s as %s", other, member)
		}
	}
}

// Trap 37: the grams of a run are those of average electricity. What one more
// kWh would emit stands beside them, under another name, in no sum.
func TestMarginalGramsAreApart(t *testing.T) {
	r := assess(t, everything())
	require.NotNil(t, r.Totals.MarginalGCO2e)
	without := everything()
	for i := range without.Environments {
		without.Environments[i].Factors.Marginal = ""
	}
	assess(t, without)
	assert.Nil(t, without.Totals.MarginalGCO2e)
	assert.Equal(t, without.Totals.GCO2e.Value, r.Totals.GCO2e.Value, "no sum has them")

	for i, f := range r.Factors {
		var at string
		switch {
		case f.ID == r.Environments[0].Factors.Grid:
			at, f.Signal = "/environments/0/factors/grid", "marginal"
		case f.Kind == factors.Marginal:
			at, f.Signal = "/environments/0/factors/marginal", "average"
		default:
			continue
		}
		spoilt := copyOf(t, r)
		spoilt.Factors[i] = f
		assertHas(t, Validate(spoilt), "R4", at)
	}
}

// Trap 41: what a span used itself and what it used with its children have
// names of their own. A writer who takes the one for the other is found out.
func TestATotalIsNotTakenForTheSpansOwn(t *testing.T) {
	r := assess(t, oneHour())
	require.Greater(t, r.Spans[0].TotalJ, r.Spans[0].SelfJ, "it has a child")
	var own float64
	for _, s := range r.Spans {
		own += s.SelfJ
	}
	booked := r.Ledger[0].SpansJ + r.Ledger[1].SpansJ
	assert.InEpsilon(t, booked, own, 1e-12, "what is added up is what is each span's own")

	inclusive := copyOf(t, r)
	inclusive.Spans[0].SelfJ = inclusive.Spans[0].TotalJ
	assertHas(t, Validate(inclusive), "R27", "/spans")
	exclusive := copyOf(t, r)
	exclusive.Spans[0].TotalJ = exclusive.Spans[0].SelfJ
	assertHas(t, Validate(exclusive), "R27", "/spans/0/total_j")
}
