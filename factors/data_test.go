package factors

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const year = 31557600 // s, of 365.25 days

// plausible is what a figure of a kind and unit can be, with its interval.
var plausible = map[Kind]map[string][2]float64{
	Grid:        {"gCO2e/kWh": {5, 5000}},
	PUE:         {"1": {1, 3}},
	WUE:         {"L/kWh": {0, 5}},
	EWIF:        {"L/kWh": {0.5, 50}},
	Production:  {"gCO2e": {1e3, 1e7}},
	EndOfLife:   {"gCO2e": {10, 1e6}},
	Transport:   {"gCO2e": {100, 1e6}},
	Lifetime:    {"s": {1 * year, 20 * year}},
	Utilisation: {"1": {0.05, 1}},
	IdlePower:   {"W": {0.1, 500}, "W/GB": {0.01, 1}, "W/thread": {0.01, 2}, "W/W": {0.01, 0.7}},
	FullPower:   {"W": {0.1, 500}, "W/GB": {0.1, 1}, "W/thread": {0.1, 5}, "W/W": {0.4, 3}},
}

func TestEveryRowIsASourcedFigureOfItsKind(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	require.Greater(t, len(tables), 330)
	for id, f := range tables {
		require.NoError(t, f.Check())
		key, ok := strings.CutPrefix(id, string(f.Kind)+".")
		require.True(t, ok, "%s: an id is kind.place or kind.class", id)
		assert.Greater(t, len(f.Source), 8, "%s: the source must say where the figure is from", id)
		assert.True(t, f.SourceYear >= 2011 && f.SourceYear <= 2026, "%s: source of %d", id, f.SourceYear)
		bounds, ok := plausible[f.Kind][f.Unit]
		if assert.True(t, ok, "%s: no plausible range for %s in %s", id, f.Kind, f.Unit) {
			assert.GreaterOrEqual(t, f.Low, bounds[0], id)
			assert.LessOrEqual(t, f.High, bounds[1], id)
		}
		switch f.Kind {
		case Grid, EWIF:
			assert.True(t, key == world || IsCountry(key), "%s: %q is no country", id, key)
			assert.Equal(t, key, f.Geography, id)
		}
		if f.Kind == Grid {
			assert.Equal(t, []string{"average", "location", "lifecycle"}, []string{f.Signal, f.Accounting, f.Basis}, id)
			assert.Equal(t, f.ValidFrom[:4]+"-12-31", f.ValidTo, "%s describes one year", id)
			assert.Equal(t, "CC-BY-4.0", f.Licence, id)
		}
	}
}

func TestTablesAreWrittenForPeopleToCompare(t *testing.T) {
	total := 0
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	for _, e := range entries {
		b, err := data.ReadFile("data/" + e.Name())
		require.NoError(t, err)
		total += len(b)
		assert.NotContains(t, string(b), "\r", "%s: lines end in \\n", e.Name())
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		require.NoError(t, err, e.Name())
		for i, row := range rows {
			for _, c := range row {
				assert.Equal(t, strings.TrimSpace(c), c, "%s, row %d: blanks around a cell", e.Name(), i+1)
			}
		}
	}
	assert.Less(t, total, 300<<10, "what every importer carries")
}

func TestNoFigureOfAShareAlikeDatabaseIsShipped(t *testing.T) {
	for _, name := range tableFiles {
		b, err := data.ReadFile("data/" + name)
		require.NoError(t, err)
		assert.NotContains(t, string(b), "Electricity Maps", "%s: ODbL", name)
	}
}

// A record needs all four figures of a device, and an unknown one too.
// Trap 30: a kind of site has one PUE, and all of the library takes that one.
// Trap 36: each device has an end of life.
func TestEveryDeviceClassHasProductionEndOfLifeLifetimeAndUtilisation(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	devices := tables.classes(Query{Kind: Production})
	assert.Subset(t, devices, []string{"server", "cloud-server", "ai-server", "desktop", "laptop", "single-board", "gpu-datacentre", "gpu-inference", "gpu-consumer", "unknown"})
	for _, kind := range []Kind{EndOfLife, Lifetime, Utilisation} {
		assert.Equal(t, devices, tables.classes(Query{Kind: kind}), "classes of %s", kind)
	}
	sites := []string{"desk", "edge", "on-premise", "other", "private-cloud", "public-cloud", "unknown"}
	assert.Equal(t, sites, tables.classes(Query{Kind: PUE}))
	assert.Equal(t, sites, tables.classes(Query{Kind: WUE}))
	assert.Equal(t, tables.classes(Query{Kind: IdlePower}), tables.classes(Query{Kind: FullPower}))
}

// Trap 36: published figures often are of the whole life, or have the end of
// life in some products and not in others. Here each has an own row, and what a
// row of production is of must not be counted again.
func TestEndOfLifeIsInNoFigureOfProduction(t *testing.T) {
	b, err := data.ReadFile("data/device.csv")
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(t, err)
	said := regexp.MustCompile(`(?i)(includ|with|incl\.)[^;]*(end of life|end-of-life|use phase|disposal)|cradle[ -]to[ -]grave|whole life`)
	for _, row := range rows[1:] {
		if row[1] == string(Production) {
			assert.NotRegexp(t, said, strings.Join(row[10:], "; "), "%s: the end of life has a row of its own", row[0])
		}
	}
	tables, err := embedded()
	require.NoError(t, err)
	for _, class := range tables.classes(Query{Kind: Production}) {
		made, scrapped := tables["production."+class], tables["end-of-life."+class]
		assert.Equal(t, made.Unit, scrapped.Unit, class)
		assert.Less(t, scrapped.Value, 0.1*made.Value, "%s: end of life without credits is some per cent of production", class)
	}
}

func TestWhatIsUnknownIsAsWideAsAllThatIsKnown(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	for _, kind := range []Kind{PUE, WUE, Production, EndOfLife, Lifetime, Utilisation} {
		wide, err := Lookup(Query{Kind: kind})
		require.NoError(t, err)
		assert.Equal(t, FromWorld, wide.Found)
		for _, class := range tables.classes(Query{Kind: kind}) {
			f, err := Lookup(Query{Kind: kind, Class: class})
			require.NoError(t, err)
			if f.Value > 0 { // a lognormal interval ends above 0
				assert.LessOrEqual(t, wide.Low, f.Value, "%s: %s", kind, class)
			}
			assert.GreaterOrEqual(t, wide.High, f.Value, "%s: %s", kind, class)
		}
	}
	anywhere, err := Lookup(Query{Kind: EWIF})
	require.NoError(t, err)
	for _, place := range tables.classes(Query{Kind: EWIF}) {
		f := tables["ewif."+place]
		assert.LessOrEqual(t, anywhere.Low, f.Low, place)
		assert.GreaterOrEqual(t, anywhere.High, f.High, place)
	}
}

func TestFullPowerIsAboveIdlePower(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	for _, class := range tables.classes(Query{Kind: IdlePower}) {
		idle, full := tables["idle-power."+class], tables["full-power."+class]
		assert.Equal(t, idle.Unit, full.Unit, class)
		assert.Less(t, idle.Value, full.Value, class)
		assert.Less(t, idle.Low, full.Low, class)
		assert.Less(t, idle.High, full.High, class)
	}
}

// A record names the data set by its version alone: the same version must
// always mean the same figures.
// Trap 32: a figure cannot drift under the version that names it.
func TestVersionNamesTheseFigures(t *testing.T) {
	sum := sha256.New()
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	for _, e := range entries {
		b, err := data.ReadFile("data/" + e.Name())
		require.NoError(t, err)
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(b), b)
	}
	got := fmt.Sprintf("%s %x\n", Version, sum.Sum(nil))
	if *update {
		require.NoError(t, os.WriteFile("testdata/version.golden", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/version.golden")
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "after a release a changed figure needs a new Version; then run go test ./factors -update")
}

// The shape holds other impacts of a device than its grams.
// Trap 35: grams, antimony and joules of one device are rows of their own.
func TestOtherImpactsOfADeviceAreLookedUpByUnit(t *testing.T) {
	s := set{
		"production.server":      {ID: "production.server", Kind: Production, Value: 1, Unit: "gCO2e"},
		"production.server.adpe": {ID: "production.server.adpe", Kind: Production, Value: 2, Unit: "kgSbeq"},
	}
	for unit, want := range map[string]float64{"": 1, "gCO2e": 1, "kgSbeq": 2} {
		f, err := s.byClass(Query{Kind: Production, Class: "server", Unit: unit})
		require.NoError(t, err)
		assert.Equal(t, want, f.Value, "in %q", unit)
		assert.Equal(t, []string{"server"}, s.classes(Query{Kind: Production, Unit: unit}))
	}
	_, err := s.byClass(Query{Kind: Production, Class: "server.adpe"})
	require.ErrorIs(t, err, ErrUnknownClass)
}

// The facts that the tables were made from are not part of the repository.
func reference(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open("../../shared/reference/factors/" + name)
	if err != nil {
		t.Skip("the reference tables are not here")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	out := make([]map[string]string, 0, len(rows))
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, c := range row {
			m[rows[0][i]] = c
		}
		out = append(out, m)
	}
	return out
}

func TestGridAgreesWithTheReference(t *testing.T) {
	// Their only published figures are share-alike.
	standIns := []string{"AX", "CF", "CW", "FM", "GS", "PW", "YT"}
	var within, compared float64
	for _, row := range reference(t, "grid_country.csv") {
		if row["kind"] != "country" {
			continue
		}
		code := row["iso2"]
		f, err := Lookup(Query{Kind: Grid, Country: code})
		require.NoError(t, err)
		assert.Equal(t, Exact, f.Found, "%s must have a figure", code)
		published, err := number(row["value_gco2e_kwh"])
		require.NoError(t, err)
		switch shareAlike := strings.Contains(row["source"], "ODbL"); {
		case slices.Contains(standIns, code):
			assert.Equal(t, "D", f.Quality, code)
		case !shareAlike:
			assert.InEpsilon(t, published, f.Value, 1e-4, code)
			assert.Equal(t, row["year"], f.ValidFrom[:4], code)
			if other, err := number(row["alt_value"]); err == nil && other > 0 {
				compared++
				if f.Low <= other && other <= f.High {
					within++
				}
			}
		}
	}
	require.Greater(t, compared, 190.0)
	assert.InDelta(t, 0.95, within/compared, 0.025, "a 95 %% interval must hold 95 %% of independent figures")
}

func TestCPUListAgreesWithTheReference(t *testing.T) {
	corrected := []string{"Intel Xeon Platinum 8272CL"} // the reference gives two sockets
	found := 0
	for _, row := range reference(t, "cpu.csv") {
		c, err := LookupCPU(row["name"], "", 0)
		require.NoError(t, err)
		if c.Model == "" || slices.Contains(corrected, row["name"]) {
			continue
		}
		tdp, err := number(row["tdp_w"])
		require.NoError(t, err)
		if math.Abs(c.TDPW-tdp) <= 0.01*tdp {
			found++
		}
	}
	assert.Greater(t, found, 2580)
}
