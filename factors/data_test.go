package factors

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const year = 31557600 // s, of 365.25 days

// plausible is what a figure of a kind and unit can be, with its interval.
var plausible = map[Kind]map[string][2]float64{
	Grid:        {"gCO2e/kWh": {0.3, 5000}},
	Residual:    {"gCO2e/kWh": {10, 2000}},
	Instrument:  {"gCO2e/kWh": {0, 2400}},
	Loss:        {"1": {0.02, 0.1}},
	CarbonFree:  {"1": {0.004, 1}},
	PUE:         {"1": {1, 3}},
	WUE:         {"L/kWh": {0, 6}},
	EWIF:        {"L/kWh": {0.5, 50}},
	Production:  {"gCO2e": {1e3, 1.1e7}, "kgSbeq": {1e-4, 2}, "J": {1e8, 2e11}},
	EndOfLife:   {"gCO2e": {1, 1e6}, "kgSbeq": {1e-8, 1e-3}, "J": {1e6, 1e9}, "kg": {0.01, 200}},
	Transport:   {"gCO2e": {5, 2e6}, "kgSbeq": {1e-9, 1e-3}, "J": {1e5, 1e10}},
	Lifetime:    {"s": {1 * year, 20 * year}},
	Utilisation: {"1": {0.05, 1}},
	Storage:     {"Wh/TBh": {0.3, 6}},
	Transfer:    {"kWh/GB": {0.0005, 1}},
	Service:     {"Wh": {1e-4, 5000}, "gCO2e": {1e-3, 4000}},
	IdlePower:   {"W": {0.1, 500}, "W/GB": {0.01, 1}, "W/thread": {0.01, 2}, "W/W": {0.01, 0.7}},
	FullPower:   {"W": {0.1, 500}, "W/GB": {0.1, 1}, "W/thread": {0.1, 5}, "W/W": {0.4, 3}},
}

func TestEveryRowIsASourcedFigureOfItsKind(t *testing.T) {
	all, err := embedded()
	require.NoError(t, err)
	for id, f := range all {
		require.NoError(t, f.Check())
		key, ok := strings.CutPrefix(id, string(f.Kind)+".")
		require.True(t, ok, "%s: an id is kind.place or kind.class", id)
		key, suffix, _ := strings.Cut(key, ".")
		assert.Regexp(t, `^[A-Za-z0-9:-]+$`, key, id)
		assert.Greater(t, len(f.Source), 8, "%s: the source must say where the figure is from", id)
		assert.True(t, f.SourceYear >= 2006 && f.SourceYear <= 2026, "%s: source of %d", id, f.SourceYear)
		bounds, ok := plausible[f.Kind][f.Unit]
		if assert.True(t, ok, "%s: no plausible range for %s in %s", id, f.Kind, f.Unit) {
			assert.GreaterOrEqual(t, f.Low, bounds[0], id)
			assert.LessOrEqual(t, f.High, bounds[1], id)
		}
		if byPlace(f.Kind) && !strings.Contains(key, ":") {
			isZone := f.Geography == "US-"+key || f.Geography == "PR-"+key
			assert.True(t, key == world || IsCountry(key) || isRegion(key) && IsCountry(key[:2]) || isZone, "%s: %q is no place", id, key)
			assert.True(t, key == f.Geography || isZone, "%s: a figure of %s", id, f.Geography)
		}
		if isElectric(f.Kind) {
			want := wanted[f.Kind]
			assert.Equal(t, map[string]string{"": "lifecycle", "direct": "direct"}[suffix], f.Basis, id)
			assert.Equal(t, []string{"average", want.accounting}, []string{f.Signal, f.Accounting}, id)
			assert.Equal(t, f.Kind == Residual, f.Mix == "residual", id)
		}
		if byPlace(f.Kind) || f.Kind == CarbonFree || f.Kind == Service {
			require.NotEmpty(t, f.ValidFrom, "%s: without the period that it describes nobody could tell that it is stale", id)
			assert.Equal(t, f.ValidFrom[:4]+"-12-31", f.ValidTo, "%s describes one year", id)
		}
	}
}

// Each table has so many rows at least, by kind; a lost line is noticed.
func TestNoTableLosesRows(t *testing.T) {
	least := map[string]int{
		"grid.csv": 251, "grid_region.csv": 198, "grid_cloud.csv": 44, "market.csv": 95, "loss.csv": 29, "ewif.csv": 50,
		"site.csv": 18, "cloud_site.csv": 212, "service.csv": 38, "device.csv": 59, "power.csv": 24,
	}
	licences := map[string]int{}
	for _, table := range tables {
		rows, err := table.parse()
		require.NoError(t, err)
		kinds := map[Kind]int{}
		for _, f := range rows {
			kinds[f.Kind]++
			licences[f.Licence]++
			assert.Contains(t, table.kinds, f.Kind, "%s: a lookup of this kind does not read %s", f.ID, table.name)
			assert.NotEmpty(t, f.Licence, f.ID)
			if !slices.Contains([]string{"device.csv", "power.csv", "model.csv"}, table.name) { // devices are of any place
				assert.NotEmpty(t, f.Geography, f.ID)
			}
		}
		assert.GreaterOrEqual(t, len(rows), least[table.name], table.name)
		t.Log(table.name, len(rows), "rows", kinds)
	}
	t.Log("licences", licences)
	all, err := clouds()
	require.NoError(t, err)
	regions := 0
	for _, of := range all {
		regions += len(of)
	}
	assert.GreaterOrEqual(t, regions, 165)
	t.Log("cloud.csv", regions, "regions of", len(all), "providers")
}

// An id is in one table only.
func TestIDsAreUniqueOverAllTables(t *testing.T) {
	in := map[string]string{}
	for _, table := range tables {
		rows, err := table.parse()
		require.NoError(t, err)
		for id := range rows {
			assert.Empty(t, in[id], "%s is in %s and in %s", id, in[id], table.name)
			in[id] = table.name
		}
	}
}

func TestEverySourceIsUsed(t *testing.T) {
	from, err := sources()
	require.NoError(t, err)
	var text strings.Builder
	for _, table := range tables {
		b, err := data.ReadFile("data/" + table.name)
		require.NoError(t, err)
		text.Write(b)
	}
	for id, s := range from {
		assert.Regexp(t, `@`+id+`\b[^-]`, text.String(), "no row is from %s", id)
		assert.NotEmpty(t, s.licence, id)
	}
}

func gzipped(t *testing.T, b []byte) int {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	require.NoError(t, err)
	_, err = w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Len()
}

func TestTablesAreWrittenForPeopleToCompare(t *testing.T) {
	total := 0
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	for _, e := range entries {
		b, err := data.ReadFile("data/" + e.Name())
		require.NoError(t, err)
		total += gzipped(t, b)
		assert.NotContains(t, string(b), "\r", "%s: lines end in \\n", e.Name())
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		require.NoError(t, err, e.Name())
		for i, row := range rows {
			for _, c := range row {
				assert.Equal(t, strings.TrimSpace(c), c, "%s, row %d: blanks around a cell", e.Name(), i+1)
			}
		}
	}
	t.Logf("%d kB of tables, compressed", total>>10)
	assert.Less(t, total, 1536<<10, "what every importer carries, compressed")
}

// shareAlike are the licences that would bind whoever ships the tables, and
// the databases that are under them.
var shareAlike = regexp.MustCompile(`(?i)ODbL|DbCL|CC[- ]BY[- ](NC|SA)|environmental-footprint-data|share-?alike`)

func TestNoFigureOfAShareAlikeDatabaseIsShipped(t *testing.T) {
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	for _, e := range entries {
		name := e.Name()
		b, err := data.ReadFile("data/" + name)
		require.NoError(t, err)
		assert.NotContains(t, string(b), "Electricity Maps", "%s: ODbL", name)
		assert.NotRegexp(t, shareAlike, string(b), "%s names a licence or a database that is share-alike", name)
	}
}

// Who reads where the figures come from must be able to count on it.
func TestSourcesTellsOfEveryTableWithItsRows(t *testing.T) {
	text, err := os.ReadFile("data/SOURCES.md")
	require.NoError(t, err)
	told := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+\\.csv)`[^|]*\\| (\\d+) \\|").FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		told[m[1]] += n
	}
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	rows := map[string]int{}
	for _, e := range entries {
		rows[e.Name()] = 0
		require.NoError(t, eachRow(e.Name(), func([]string) error { rows[e.Name()]++; return nil }))
	}
	assert.Equal(t, rows, told)
	for _, table := range tables {
		all, err := table.parse()
		require.NoError(t, err)
		for _, f := range all {
			name := strings.NewReplacer("CC-BY", "CC BY", "-4.0", " 4.0").Replace(f.Licence)
			assert.Contains(t, string(text), name, "%s: its licence is not told of", f.ID)
		}
	}
}

// The notice names who asks for it, and nobody whose figures are not there.
func TestTheNoticeNamesWhomLicencesAskFor(t *testing.T) {
	text, err := os.ReadFile("../NOTICE")
	require.NoError(t, err)
	assert.NotRegexp(t, shareAlike, string(text))
	notice := strings.Join(strings.Fields(string(text)), " ")
	names := map[string]string{ // what sources call them
		"EEA": "European Environment Agency", "DCCEEW": "DCCEEW", "WRI": "World Resources Institute", "Ember": "Ember", "Our World in Data": "Our World in Data",
		"UK DESNZ": "UK DESNZ", "Environment and Climate Change Canada": "Environment and Climate Change Canada", "NESO": "National Energy System Operator", "Google region-carbon-info": "Google, region-carbon-info",
		"Cloud Carbon Footprint": "Cloud Carbon Footprint",
	}
	all, err := embedded()
	require.NoError(t, err)
	for id, f := range all {
		if f.Licence == publishedFact || f.Licence == "public domain" || !strings.Contains(f.Licence, "-") {
			continue
		}
		named := f.Licence == "Apache-2.0" && !strings.Contains(f.Source, "Google region") && !strings.Contains(f.Source, "Cloud Carbon")
		for source, name := range names {
			named = named || strings.Contains(f.Source, source) && strings.Contains(notice, name)
		}
		assert.True(t, named, "%s: %s is under %s, and the notice does not name it", id, f.Source, f.Licence)
	}
}

// A record needs all four figures of a device, and an unknown one too.
// Trap 30: a kind of site has one PUE, and all of the library takes that one.
// Trap 36: each device has an end of life.
func TestEveryDeviceClassHasProductionEndOfLifeLifetimeAndUtilisation(t *testing.T) {
	tables, err := embedded()
	require.NoError(t, err)
	devices := tables.classes(Query{Kind: Production})
	assert.Subset(t, devices, []string{"server", "cloud-server", "ai-server", "workstation", "desktop", "laptop", "tablet", "smartphone", "iot", "single-board", "gpu-datacentre", "gpu-inference", "gpu-consumer", "gpu-unknown", "unknown"})
	for _, kind := range []Kind{EndOfLife, Lifetime, Utilisation} {
		assert.Equal(t, devices, tables.classes(Query{Kind: kind}), "classes of %s", kind)
	}
	sites := []string{"desk", "edge", "hpc", "on-premise", "other", "private-cloud", "public-cloud", "server-room", "unknown"}
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
	taken := regexp.MustCompile(`less [0-9.]+ kg for discarding|discarding is below 1 %`)
	for _, row := range rows[1:] {
		if row[1] == string(Production) {
			assert.NotRegexp(t, said, strings.Join(row[10:], "; "), "%s: the end of life has a row of its own", row[0])
			if strings.Contains(row[10], "all but use") {
				assert.Regexp(t, taken, row[10], "%s: what a source has of the end of life is taken off", row[0])
			}
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
	for _, kind := range []Kind{PUE, WUE, Production, EndOfLife, Lifetime, Utilisation, Storage, Transfer} {
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
		f, ok := s.find(Query{Kind: Production, Unit: unit}, "server")
		require.True(t, ok)
		assert.Equal(t, want, f.Value, "in %q", unit)
		assert.Equal(t, []string{"server"}, s.classes(Query{Kind: Production, Unit: unit}))
	}
	_, err := Lookup(Query{Kind: Production, Class: "server.adpe"})
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

func TestDirectAndResidualFiguresAgreeWithTheReference(t *testing.T) {
	direct, residual := 0, 0
	for _, row := range reference(t, "grid_country.csv") {
		code := row["iso2"]
		if published, err := number(row["direct_value"]); err == nil && row["kind"] == "country" {
			f, err := Lookup(Query{Kind: Grid, Country: code, Basis: "direct"})
			require.NoError(t, err)
			direct++
			assert.Equal(t, Exact, f.Found, code)
			if code == "GB" { // the edition of 2026 is out: 130.96
				assert.Equal(t, 130.96, f.Value)
				assert.Greater(t, f.High, published)
				continue
			}
			assert.InDelta(t, published, f.Value, 1e-4*published, code)
			assert.Equal(t, row["direct_year"], f.ValidFrom[:4], code)
		}
		if published, err := number(row["residual_mix_value"]); err == nil {
			f, err := Lookup(Query{Kind: Residual, Country: code, Basis: "direct"})
			require.NoError(t, err)
			residual++
			assert.InDelta(t, published, f.Value, 1e-4*published, code)
			lifeCycle, err := Lookup(Query{Kind: Residual, Country: code})
			require.NoError(t, err)
			assert.InEpsilon(t, lifeCycleOf(f.Value), lifeCycle.Value, 1e-4, code)
		}
	}
	assert.Equal(t, []int{31, 25}, []int{direct, residual})
}

// lifeCycleOf is the formula by which the tables get a life-cycle figure from a
// direct one where none is published. IPCC AR5 WG3 Annex III: what is upstream
// of a direct gram is 820/760 - 1 for coal and 490/370 - 1 for gas, geometric
// mean 0.16; a fossil kWh is 565 g direct, the mean of the two; the others cost
// 24 g over their life, hydropower's median.
func lifeCycleOf(direct float64) float64 {
	return 1.16*direct + 24*max(0, 1-direct/565)
}

func TestTheFormulaIsThatOfTheIPCC(t *testing.T) {
	get := func(fuel, basis string) float64 {
		f, err := Lookup(Query{Kind: Instrument, Class: fuel, Basis: basis})
		require.NoError(t, err)
		return f.Value
	}
	coal := get("coal", "lifecycle")/get("coal", "direct") - 1
	gas := get("gas", "lifecycle")/get("gas", "direct") - 1
	assert.InDelta(t, 1.16, 1+math.Sqrt(coal*gas), 0.001)
	assert.Equal(t, 565.0, (get("coal", "direct")+get("gas", "direct"))/2)
	assert.Equal(t, 24.0, get("hydro", "lifecycle"))
	// What is not fossil in the United States in 2023, in shares of generation
	// (EIA: nuclear 18.6 %, wind 10.2, hydropower 5.7, solar 5, biomass 1.1).
	clean := (18.6*get("nuclear", "") + 10.2*get("wind", "") + 5.7*get("hydro", "") + 5*get("solar", "") + 1.1*get("biomass", "")) / 40.6
	assert.InDelta(t, 24, clean, 2)

	direct, err := Lookup(Query{Kind: Grid, Country: "US", Basis: "direct"})
	require.NoError(t, err)
	published, err := Lookup(Query{Kind: Grid, Country: "US"})
	require.NoError(t, err)
	assert.InEpsilon(t, published.Value, lifeCycleOf(direct.Value), 0.1, "Ember's own life-cycle figure of the country")
	anywhere, err := Lookup(Query{Kind: Grid, Basis: "direct"})
	require.NoError(t, err)
	assert.InEpsilon(t, 472.94, lifeCycleOf(anywhere.Value), 1e-4, "the world's direct figure is the same formula the other way round")
}

func TestRegionsAgreeWithTheReference(t *testing.T) {
	n := 0
	for _, row := range reference(t, "grid_region.csv") {
		code := row["region_code"]
		if row["scheme"] == "em_zone" || row["scheme"] == "national" {
			continue
		}
		n++
		published, err := number(row["value_gco2e_kwh"])
		require.NoError(t, err)
		q := Query{Kind: Grid, Region: code, Basis: "direct"}
		if row["scheme"] == "egrid_subregion" {
			q = Query{Kind: Grid, Zone: code, Basis: "direct"}
		}
		direct, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, Exact, direct.Found, code)
		assert.InDelta(t, published, direct.Value, 1e-4*published, code)
		if other, err := number(row["alt_value"]); err == nil && strings.HasPrefix(row["alt_basis"], "direct") {
			assert.True(t, direct.Low <= other && other <= direct.High, "%s: another edition says %v", code, other)
		}
		q.Basis = ""
		lifeCycle, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, Exact, lifeCycle.Found, code)
		assert.InEpsilon(t, lifeCycleOf(published), lifeCycle.Value, 1e-4, code)
		assert.Equal(t, "C", lifeCycle.Quality, code)
	}
	assert.Equal(t, 98, n)
}

// zonesIn are the zones of Electricity Maps in the United States and the state
// or eGRID subregion that most of each lies in. In Canada and Australia zones
// are named after provinces and states.
var zonesIn = map[string]string{
	"US-AK": "US-AK", "US-AK-SEAPA": "US-AK", "US-HI": "US-HI",
	"US-CAL-BANC": "US-CA", "US-CAL-CISO": "US-CA", "US-CAL-IID": "US-CA", "US-CAL-LDWP": "US-CA", "US-CAL-TIDC": "US-CA",
	"US-CAR-CPLE": "US-NC", "US-CAR-CPLW": "US-NC", "US-CAR-DUK": "US-NC", "US-CAR-YAD": "US-NC", "US-CAR-SC": "US-SC", "US-CAR-SCEG": "US-SC",
	"US-CENT-SPA": "SPSO", "US-CENT-SWPP": "SPSO", "US-TEX-ERCO": "ERCT", "US-TEN-TVA": "SRTV",
	"US-FLA-FMPP": "US-FL", "US-FLA-FPC": "US-FL", "US-FLA-FPL": "US-FL", "US-FLA-GVL": "US-FL", "US-FLA-HST": "US-FL",
	"US-FLA-JEA": "US-FL", "US-FLA-SEC": "US-FL", "US-FLA-TAL": "US-FL", "US-FLA-TEC": "US-FL",
	"US-MIDA-PJM": "RFCW", "US-MIDW-AECI": "US-MO", "US-MIDW-LGEE": "US-KY", "US-MIDW-MISO": "MROW", "US-NE-ISNE": "NEWE", "US-NY-NYIS": "US-NY",
	"US-NW-AVA": "US-WA", "US-NW-BPAT": "US-WA", "US-NW-CHPD": "US-WA", "US-NW-DOPD": "US-WA", "US-NW-GCPD": "US-WA",
	"US-NW-PSEI": "US-WA", "US-NW-SCL": "US-WA", "US-NW-TPWR": "US-WA", "US-NW-GRID": "US-OR", "US-NW-PACW": "US-OR", "US-NW-PGE": "US-OR",
	"US-NW-IPCO": "US-ID", "US-NW-NEVP": "US-NV", "US-NW-NWMT": "US-MT", "US-NW-WAUW": "US-MT", "US-NW-PACE": "US-UT",
	"US-NW-PSCO": "US-CO", "US-NW-WACM": "RMPA", "US-SE-SEPA": "US-GA", "US-SE-SOCO": "SRSO",
	"US-SW-AZPS": "US-AZ", "US-SW-SRP": "US-AZ", "US-SW-TEPC": "US-AZ", "US-SW-WALC": "US-AZ", "US-SW-EPE": "AZNM", "US-SW-PNM": "US-NM",
}

// The published figures of zones, by consumption and two years later, are an
// independent check of the computed life-cycle figures of regions.
func TestIntervalsOfRegionsHoldIndependentFigures(t *testing.T) {
	var within, compared float64
	for _, row := range reference(t, "grid_region.csv") {
		zone := row["region_code"]
		if row["scheme"] != "em_zone" || !slices.Contains([]string{"US", "CA", "AU"}, row["country_iso2"]) {
			continue
		}
		other, err := number(row["value_gco2e_kwh"])
		require.NoError(t, err)
		in := zonesIn[zone]
		if in == "" {
			in = strings.Join(strings.Split(zone, "-")[:2], "-") // AU-TAS-KI is an island of Tasmania
		}
		q := Query{Kind: Grid, Zone: in}
		if strings.Contains(in, "-") {
			q = Query{Kind: Grid, Region: in}
		}
		f, err := Lookup(q)
		require.NoError(t, err, zone)
		require.Equal(t, Exact, f.Found, zone)
		compared++
		if f.Low <= other && other <= f.High {
			within++
		} else {
			t.Logf("%s %v is not in %s %.0f (%.0f to %.0f)", zone, other, f.ID, f.Value, f.Low, f.High)
		}
	}
	t.Logf("%v of %v", within, compared)
	assert.Equal(t, 82.0, compared)
	assert.GreaterOrEqual(t, within/compared, 0.93)
}

func TestIntervalsOfCloudRegionsHoldIndependentFigures(t *testing.T) {
	// Zones of another country in the reference.
	wrong := []string{"aws eu-north-1", "gcp europe-north1", "gcp me-central1"}
	var within, compared float64
	for _, row := range reference(t, "cloud_region.csv") {
		if row["region"] == "asiapacific" || slices.Contains(wrong, row["provider"]+" "+row["region"]) {
			continue
		}
		other, err := number(row["grid_gco2e_kwh"])
		require.NoError(t, err)
		f, err := Lookup(Query{Kind: Grid, Provider: row["provider"], CloudRegion: row["region"]})
		require.NoError(t, err)
		require.Contains(t, []Found{FromRegion, FromCountry}, f.Found)
		require.Equal(t, "grid."+row["provider"]+":"+row["region"], f.ID)
		compared++
		if f.Low <= other && other <= f.High {
			within++
		} else {
			t.Logf("%s %v is not in %.0f (%.0f to %.0f) of %s", f.ID, other, f.Value, f.Low, f.High, f.Geography)
		}
	}
	t.Logf("%v of %v", within, compared)
	assert.Greater(t, compared, 160.0)
	assert.GreaterOrEqual(t, within/compared, 0.93)
}

func TestCloudFiguresAgreeWithTheReference(t *testing.T) {
	counted := map[Kind]int{}
	for _, row := range reference(t, "cloud_region.csv") {
		if row["region"] == "asiapacific" { // no region of Azure; its figures are indonesiacentral's
			continue
		}
		country, _, err := CloudPlace(row["provider"], row["region"])
		require.NoError(t, err)
		assert.Equal(t, row["country_iso2"], country)
		for _, of := range []struct {
			kind       Kind
			basis      string
			column     string
			told, year string
		}{
			{PUE, "", "pue", row["pue_basis"], row["pue_year"]},
			{WUE, "", "wue_l_kwh", row["wue_basis"], row["wue_year"]},
			{Grid, "direct", "provider_grid_gco2e_kwh", row["provider_grid_source"], row["provider_grid_year"]},
		} {
			if !strings.HasPrefix(of.told, "region, provider-published") && !strings.HasPrefix(of.told, "Google region-carbon-info") {
				continue
			}
			published, err := number(row[of.column])
			require.NoError(t, err)
			f, err := Lookup(Query{Kind: of.kind, Basis: of.basis, Provider: row["provider"], CloudRegion: row["region"]})
			require.NoError(t, err)
			assert.Equal(t, Exact, f.Found, f.ID)
			assert.InDelta(t, published, f.Value, 1e-4, f.ID)
			assert.Equal(t, of.year, f.ValidFrom[:4], f.ID)
			counted[of.kind]++
		}
	}
	assert.Equal(t, map[Kind]int{PUE: 62, WUE: 42, Grid: 44}, counted)
}

func TestFuelsAgreeWithTheReference(t *testing.T) {
	corrected := []string{"oil"} // the reference's direct 406 needs an efficiency of 0.69, and its 650 is less than what is burnt
	for _, row := range reference(t, "grid_fuel.csv") {
		class := strings.ReplaceAll(row["fuel"], "_", "-")
		if class == "unknown" {
			class = "other"
		}
		for basis, column := range map[string]string{"": "lifecycle_gco2e_kwh", "direct": "direct_gco2_kwh"} {
			published, err := number(row[column])
			if err != nil || strings.HasPrefix(class, "gb-") && published == 0 { // not told, or nothing burnt in GB either
				continue
			}
			f, err := Lookup(Query{Kind: Instrument, Class: class, Basis: basis})
			require.NoError(t, err)
			if slices.Contains(corrected, class) {
				assert.Greater(t, f.Value, published, f.ID)
				continue
			}
			assert.Equal(t, published, f.Value, f.ID)
		}
	}
}

// What AR5 does not list is the emission factor of the fuel by energy (IPCC
// 2006 Guidelines, volume 2, Table 1.4, kg/GJ) over an efficiency.
func TestFuelsAreWhatIsBurntAndWhatIsUpstreamOfIt(t *testing.T) {
	get := func(class, basis string) Factor {
		f, err := Lookup(Query{Kind: Instrument, Class: class, Basis: basis})
		require.NoError(t, err)
		require.Equal(t, basis, f.Basis)
		return f
	}
	for class, kg := range map[string][3]float64{"oil": {77.4, 75.5, 78.8}, "lignite": {101, 90.9, 115}, "peat": {106, 100, 108}, "oil-shale": {107, 90.2, 125}} {
		efficiency := [3]float64{0.36, 0.43, 0.30}
		if class == "oil" {
			efficiency = [3]float64{0.38, 0.44, 0.30}
		}
		burnt := get(class, "direct")
		for i, got := range []float64{burnt.Value, burnt.Low, burnt.High} {
			assert.InEpsilon(t, kg[i]*3.6/efficiency[i], got, 0.005, class)
		}
		upstream := get("coal", "lifecycle").Value - get("coal", "direct").Value
		if class == "oil" {
			upstream = 0.16 * burnt.Value
		}
		assert.InDelta(t, burnt.Value+upstream, get(class, "lifecycle").Value, 2, class)
	}
	assert.InEpsilon(t, 0.5*91.7*3.6/0.25, get("waste", "direct").Value, 0.005)
	gas := get("coal-gas", "direct")
	assert.InEpsilon(t, math.Sqrt(gas.Low*gas.High), gas.Value, 0.005)

	all, err := embedded()
	require.NoError(t, err)
	fuels := 0
	for id, f := range all {
		whole := all[strings.TrimSuffix(id, ".direct")]
		if f.Kind == Instrument && f.Basis == "direct" && f.Geography == world {
			fuels++
			assert.LessOrEqual(t, f.Value, whole.Value, "%s: combustion is a part of the life cycle", id)
			assert.GreaterOrEqual(t, whole.High, f.High, id)
		}
	}
	assert.Equal(t, 18, fuels)
}

func TestWaterAndPUEAgreeWithTheReference(t *testing.T) {
	operators := map[string]string{
		"pue.google_fleet_world.2025": "gcp", "pue.aws_global_world.2025": "aws", "pue.microsoft_global_world.2025": "azure",
		"pue.meta_fleet_world.2023": "meta", "pue.oracle_world.2023": "oracle", "pue.ovhcloud_world.2024": "ovhcloud", "pue.equinix_world.2024": "equinix",
		"pue.scaleway_world.2023": "scaleway", "pue.alibaba_cloud_world.2024": "alibaba",
		"wue_onsite.aws_global_world.2024": "aws", "wue_onsite.microsoft_global_world.2025": "azure", "wue_onsite.google_fleet_consumptive_world.2024": "gcp",
		"wue_onsite.meta_fleet_world.2021": "meta", "wue_onsite.ovhcloud_world.2024": "ovhcloud", "wue_onsite.equinix_world.2024": "equinix",
	}
	verified := []string{"pue.scaleway:fleet"} // read in Scaleway's documentation
	countries, compared := 0, 0
	for _, row := range reference(t, "water_pue.csv") {
		q := Query{}
		switch {
		case operators[row["id"]] != "":
			q = Query{Kind: Kind(row["metric"][:3]), Provider: operators[row["id"]]}
			compared++
		case row["metric"] == "ewif" && strings.HasPrefix(row["source"], "WRI"):
			q = Query{Kind: EWIF, Country: row["geography"]}
			countries++
		default:
			continue
		}
		published, err := number(row["value"])
		require.NoError(t, err)
		f, err := Lookup(q)
		require.NoError(t, err)
		assert.InDelta(t, published, f.Value, 0.004, f.ID)
		if row["evidence"] == "analyst_recall" && !slices.Contains(verified, f.ID) {
			assert.Equal(t, "D", f.Quality, "%s: nobody read it again", f.ID)
		}
	}
	assert.Equal(t, []int{49, len(operators)}, []int{countries, compared})
}

func TestServicesAgreeWithTheReference(t *testing.T) {
	classes := map[string]string{
		"email.stored.year": "email-stored-year", "email.spam": "email-spam", "email.short": "email-short", "email.long": "email-long",
		"email.attachment_1mb.ademe": "email-attachment", "email.clearfox": "email-promotional",
		"llm.gemini.median.energy": "gemini-prompt", "llm.gemini.median.gwp": "gemini-prompt", "llm.mistral_large2.gwp": "mistral-reply",
		"llm.chatgpt.altman.energy": "chatgpt-query", "llm.chatgpt.epoch.energy": "gpt-4o-query", "llm.chatgpt.epri.energy": "chatgpt-query-2023",
		"llm.output_tokens.energy": "llm-million-output-tokens", "llm.reasoning.long.energy": "reasoning-long-prompt",
		"llm.gpt41nano.long.energy": "gpt-4-1-nano-long-prompt", "llm.gpt5.medium.energy": "gpt-5-reply",
		"task.text_classification": "text-classification", "task.token_classification": "token-classification",
		"task.extractive_question_answering": "question-answering", "task.image_classification": "image-classification",
		"task.object_detection": "object-detection", "task.text_generation": "text-generation", "task.summarisation": "summarisation",
		"task.image_captioning": "image-captioning", "task.image_generation": "image-generation",
		"video.netflix_hour": "video-hour", "search.google_2009": "web-search", "web.page_view.swdm4": "web-page",
	}
	// Found in other public texts: Berners-Lee 2020, Google 2009.
	verified := []string{"email.spam", "email.short", "email.long", "search.google_2009"}
	compared := 0
	for _, row := range reference(t, "digital_services.csv") {
		class, shipped := classes[row["id"]]
		if !shipped {
			continue
		}
		compared++
		unit := map[string]string{"energy": "Wh", "gwp": "gCO2e"}[row["metric"]]
		published, err := number(row["value"])
		require.NoError(t, err)
		f, err := Lookup(Query{Kind: Service, Class: class, Unit: unit})
		require.NoError(t, err)
		assert.Equal(t, published, f.Value, f.ID)
		assert.GreaterOrEqual(t, f.Quality, row["tier"], "%s cannot be better than its source", f.ID)
		if slices.Contains([]string{"analyst_recall", "brief_unverified"}, row["evidence"]) && !slices.Contains(verified, row["id"]) {
			assert.Equal(t, "D", f.Quality, "%s: nobody read it again", f.ID)
		}
	}
	assert.Equal(t, len(classes), compared)
	// Per e-mail: 11.7 kg per 100,000. Per user and year: in kg.
	for _, row := range reference(t, "digital_services.csv") {
		per := map[string]float64{"email.campaign.100k.de": 1e3 / 1e5, "email.google_employee_year": 1e3}[row["id"]]
		if per == 0 {
			continue
		}
		class := map[string]string{"email.campaign.100k.de": "email-mailing", "email.google_employee_year": "mailbox-year"}[row["id"]]
		published, err := number(row["value"])
		require.NoError(t, err)
		f, err := Lookup(Query{Kind: Service, Class: class})
		require.NoError(t, err)
		assert.InEpsilon(t, published*per, f.Value, 1e-9, f.ID)
	}
}

func TestStorageAndTransferAgreeWithTheReference(t *testing.T) {
	rows := map[string]float64{}
	for _, row := range reference(t, "power_model.csv") {
		if v, err := number(row["value"]); err == nil {
			rows[row["id"]] = v
		}
	}
	for id, q := range map[string]Query{
		"ccf.ssd_wh_per_tbh":       {Kind: Storage, Class: "ssd"},
		"ccf.hdd_wh_per_tbh":       {Kind: Storage, Class: "hdd"},
		"ccf.network_kwh_per_gb":   {Kind: Transfer, Class: "cloud"},
		"network.swdm4.network_op": {Kind: Transfer, Class: "fixed"},
		"network.mobile_4g":        {Kind: Transfer, Class: "mobile"},
	} {
		f, err := Lookup(q)
		require.NoError(t, err)
		assert.Equal(t, rows[id], f.Value, f.ID)
	}
	fixed, err := Lookup(Query{Kind: Transfer, Class: "fixed"})
	require.NoError(t, err)
	assert.LessOrEqual(t, rows["network.fixed_2015"], fixed.High, "Aslan et al. of 2015")
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
