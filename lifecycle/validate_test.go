package lifecycle

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// errorsOf are the findings that make a record invalid.
func errorsOf(r *Record) []Finding {
	return slices.DeleteFunc(Validate(r), func(f Finding) bool { return f.Warning })
}

func assertHasNot(t *testing.T, findings []Finding, rule string) {
	t.Helper()
	for _, f := range findings {
		assert.NotEqual(t, rule, f.Rule, f.String())
	}
}

func TestFindingsAreSortedAndBounded(t *testing.T) {
	r := small(t)
	for i := range 3 * maxFindings {
		s := r.Spans[0]
		s.Path, s.Stage, s.Failed = fmt.Sprintf("other%d", i), "nowhere", 2
		r.Spans = append(r.Spans, s)
	}
	findings := Validate(r)
	require.Len(t, findings, maxFindings)
	assert.Equal(t, findings, Validate(r), "the same findings in the same order")
	assert.True(t, slices.IsSortedFunc(findings, func(a, b Finding) int {
		if a.Rule != b.Rule {
			return len(a.Rule) - len(b.Rule)
		}
		return comparePointers(a.Pointer, b.Pointer)
	}))
	r = small(t)
	r.Publisher.Contact = "somebody"
	r.Run.DurationS = 1001
	var order []string
	for _, f := range Validate(r) {
		order = append(order, f.Rule)
	}
	assert.Equal(t, []string{"R40", "R9"}, order, "the form comes before the figures")
	assert.Negative(t, comparePointers("/spans/9/path", "/spans/10/path"), "an index is a number")
	assert.Negative(t, comparePointers("/spans", "/spans/0"))
}

func TestAFindingIsOneLineForPeople(t *testing.T) {
	f := Finding{Rule: "R5", Pointer: "/run/status", Found: `"done"`, Expected: "complete", Message: "no such status"}
	assert.Equal(t, `R5 /run/status: no such status (found "done", expected complete)`, f.String())
	f = Finding{Rule: "R33", Pointer: "", Found: "5", Warning: true, Message: "odd"}
	assert.Equal(t, `R33 (warning) (document): odd (found 5)`, f.String())
	f = Finding{Rule: "R3", Pointer: "/x", Expected: "y", Message: "gone"}
	assert.Equal(t, `R3 /x: gone (expected y)`, f.String())
	f = Finding{Rule: "R3", Pointer: "/x", Message: "gone"}
	assert.Equal(t, `R3 /x: gone`, f.String())
}

func TestMissingExcusesWhatItNames(t *testing.T) {
	r := small(t)
	r.Hardware[1].Model = ""
	assertHas(t, Validate(r), "R3", "/hardware/1/model") // "network beyond the node" does not name it

	r.Missing[2].What = "models of the processors, network"
	assertHasNot(t, Validate(r), "R3")

	r.Missing[2].What = "network"
	r.Missing = append(r.Missing, Missing{Path: "/hardware/1/model", Reason: "redacted"})
	assertHasNot(t, Validate(r), "R3")

	r.Missing = append(r.Missing, Missing{Path: "/hardware/0/vendor", Reason: "unknown"})
	assertHasNot(t, Validate(r), "R3") // optional members may be told to be missing too

	for what, member := range map[string]string{"water of each stage": "water_l", "water_l": "water_l", "end of life": "end_of_life", "GCO2E": "gco2e"} {
		assert.True(t, names(what, member), "%q names %s", what, member)
	}
	assert.False(t, names("network beyond the node", "model"))
}

func TestATextOfARecordIsBoundedInGoToo(t *testing.T) {
	r := small(t)
	r.Run.Name = strings.Repeat("x", maxText+1)
	r.Spans[0].Units["\xff"] = Unit{Count: 1}
	findings := Validate(r)
	assertHas(t, findings, "R1", "/run/name")
	assertHas(t, findings, "R1", "/spans/0/units/\xff")
}

func TestNumbersThatAreNoneStopTheArithmetic(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), -1} {
		r := small(t)
		r.Spans[1].SelfJ = x
		findings := Validate(r)
		require.Len(t, findings, 1, lines(findings))
		assert.Equal(t, "R1", findings[0].Rule)
		assert.Equal(t, "/spans/1/self_j", findings[0].Pointer)
	}
	r := small(t)
	r.SchemaRevision = -1
	assertHas(t, Validate(r), "R1", "/schema_revision")
}

func TestClocksMayDifferByTheTolerance(t *testing.T) {
	later := func(d time.Duration) *Record {
		r := small(t)
		r.CreatedAt = r.CreatedAt.Add(time.Hour)
		r.Run.EndedAt = to(r.Run.EndedAt.Add(d))
		return r
	}
	assertHasNot(t, Validate(later(3*time.Second)), "R7") // 2 s and 0.1 % of 1003 s
	assertHas(t, Validate(later(3100*time.Millisecond)), "R7", "/run/duration_s")
	coarse := later(123 * time.Second)
	assertHas(t, Validate(coarse), "R7", "/run/duration_s")
	coarse.Run.TimeResolutionS = to(60.0)
	assertHasNot(t, Validate(coarse), "R7")
	slept := later(time.Hour)
	assertHas(t, Validate(slept), "R7", "/run/duration_s")
	slept.Warnings = append(slept.Warnings, Warning{Code: suspended, Path: "/run"})
	assertHasNot(t, Validate(slept), "R7")

	early := small(t)
	early.CreatedAt = early.Run.EndedAt.Add(-time.Second)
	assertHas(t, Validate(early), "R7", "/created_at") // order is exact
	early.Run.TimeResolutionS = to(60.0)
	assertHasNot(t, Validate(early), "R7")

	stage := small(t)
	stage.Phases[3].EndedAt = to(stage.Run.EndedAt.Add(2 * time.Second))
	assertHasNot(t, Validate(stage), "R8")
	stage.Phases[3].EndedAt = to(stage.Run.EndedAt.Add(4 * time.Second))
	assertHas(t, Validate(stage), "R8", "/phases/3/ended_at")
}

func TestMergedShardsAreAllThere(t *testing.T) {
	merged := func() *Record {
		r := small(t)
		r.Run.Rank = &Rank{Index: 0, Count: 4}
		r.Run.Coverage = to(0.5)
		r.Run.Merged = []MergedShard{
			{ID: "019df184-1c00-7000-8000-0000000000a0", Rank: 0, DurationS: 500, Digest: strings.Repeat("a", 64)},
			{ID: "019df184-1c00-7000-8000-0000000000a3", Rank: 3, DurationS: 500, Digest: strings.Repeat("b", 64)},
		}
		r.Missing = append(r.Missing, Missing{Path: "/run/merged", What: "ranks 1 and 2", Reason: "unknown"})
		return r
	}
	assertHasNot(t, Validate(merged()), "R38")
	for pointer, spoil := range map[string]func(r *Record){
		"/run/coverage":        func(r *Record) { r.Run.Coverage = to(0.75) },
		"/run/merged":          func(r *Record) { r.Missing = r.Missing[:3] },
		"/run/merged/1/id":     func(r *Record) { r.Run.Merged[1].ID = r.Run.Merged[0].ID },
		"/run/merged/0/id":     func(r *Record) { r.Run.Merged[0].ID = r.Run.ID },
		"/run/merged/1/digest": func(r *Record) { r.Run.Merged[1].Digest = r.Run.Merged[0].Digest },
		"/run/merged/1/rank":   func(r *Record) { r.Run.Merged[1].Rank = 4 },
		"/run/rank/index":      func(r *Record) { r.Run.Rank.Index = 4 },
	} {
		r := merged()
		spoil(r)
		assertHas(t, Validate(r), "R38", pointer)
	}
	r := merged()
	r.Run.Coverage = nil
	assertHas(t, Validate(r), "R38", "/run/coverage")

	r = merged() // the number of ranks follows from the coverage
	r.Run.Rank = nil
	assertHasNot(t, Validate(r), "R38")
	r.Run.Coverage = to(0.3)
	assertHas(t, Validate(r), "R38", "/run/coverage")
	r.Run.Coverage = to(0.0)
	assertHas(t, Validate(r), "R38", "/run/coverage")
}

func TestABoundaryBelowITIsWarnedOf(t *testing.T) {
	r := small(t)
	r.Run.Boundary = BoundaryAccelerators
	assertHas(t, Validate(r), "R35", "/run/boundary")
	r.Warnings = append(r.Warnings, Warning{Code: belowBoundary, Path: "/run/boundary"})
	assertHasNot(t, Validate(r), "R35")
}

func TestAnEstimateHasNoTimesAndOneSpanAStage(t *testing.T) {
	r := small(t)
	r.Run.Status = Estimated
	findings := Validate(r)
	for _, p := range []string{"/run/started_at", "/run/ended_at", "/phases/0/started_at", "/phases/3/ended_at", "/spans/2/stage"} {
		assertHas(t, findings, "R3", p)
	}
	r.Run.StartedAt, r.Run.EndedAt = nil, nil
	for i := range r.Phases {
		r.Phases[i].StartedAt, r.Phases[i].EndedAt = nil, nil
	}
	fit := r.Spans[1]
	fit.SelfS, fit.SelfJ = 700, fit.TotalJ
	r.Spans = []Span{r.Spans[0], fit, r.Spans[3]}
	r.Warnings = []Warning{{Code: "below-resolution", Path: "/spans/2"}}
	require.NoError(t, Assess(r))
	assert.Empty(t, Validate(r))
}

func TestServicesTellWhatTheyWereUsedFor(t *testing.T) {
	r := assess(t, everything())
	row := func(r *Record) *Usage { return &r.Phases[0].Usage[6] } // 40 calls in grams
	require.NotNil(t, row(r).OperationalGCO2e)
	assertHasNot(t, errorsOf(r), "R4")
	for rule, spoil := range map[string]func(u *Usage){
		"R3 factor":            func(u *Usage) { u.Factor = "" },
		"R3 energy_j":          func(u *Usage) { u.OperationalGCO2e = nil },
		"R3 operational_gco2e": func(u *Usage) { u.EnergyJ = &Quantity{1, 1, 1, Declared} },
		"R4 factor":            func(u *Usage) { u.Factor = "per.call" },
		"R4 meter":             func(u *Usage) { u.Meter = "none" },
	} {
		r := assess(t, everything())
		spoil(row(r))
		id, member, _ := strings.Cut(rule, " ")
		assertHas(t, Validate(r), id, "/phases/0/usage/6/"+member)
	}
	r = assess(t, everything())
	r.Phases[0].Usage[0].Factor = "per.call"
	assertHas(t, Validate(r), "R3", "/phases/0/usage/0/factor")
}

func TestSectorCodesHaveTheShapeOfTheirScheme(t *testing.T) {
	for code, ok := range map[string]bool{
		"NACE-2.1 95.10": true, "NACE-2.1 T": true, "NACE-2.1 62": true, "NACE-2.1 01.1": true, "NACE-2.1 S95.10": false, "NACE-2.1 W": false, "NACE-2.1 9510": false,
		"ISIC-4 9511": true, "ISIC-4 J": true, "ISIC-4 62": true, "ISIC-4 95.11": false, "ISIC-4 V": false,
		"NAICS-2022 811210": true, "NAICS-2022 51": true, "NAICS-2022 31-33": true, "NAICS-2022 8112101": false, "NAICS-2022 J": false,
	} {
		r := small(t)
		scheme, c, _ := strings.Cut(code, " ")
		r.UseCase.Sector = &Sector{Scheme: scheme, Code: c}
		findings := Validate(r)
		if ok {
			assertHasNot(t, findings, "R5")
		} else {
			assertHas(t, findings, "R5", "/use_case/sector/code")
		}
	}
}

func TestAPublicTextTellsNothingOfAMachineOrAPerson(t *testing.T) {
	for text, what := range map[string]string{
		"/home/anna/x": "path", "see /var/log": "path", "/data": "path", "in (/data/set)": "path", "~/x": "path", "~anna/x": "path", "file:/etc/passwd": "path",
		"file:///opt/x": "path", `C:\x`: "path", "D:/x": "path", `\\server\share`: "path", "x=/a/b": "path",
		"ftp://anna@host/x": "credentials", "postgres://a:b@db": "credentials",
		"https://b.s3.example.org/d.csv?X-Amz-Credential=A&X-Amz-Signature=0f": "credentials", "see https://example.org/d?a=1&sig=x": "credentials",
		"https://example.org/m?access_token=x": "credentials", "https://example.org/m?KEY=x": "credentials",
		"at 00:1a:2B:3c:4d:5e.": "device", "00-1A-2B-3C-4D-5E": "device", "on GPU-8932f937-d72c-4106-c12f-20bd9faed9f6": "device",
		"anna@example.org": "e-mail", "Anna <anna.b+c@mail.example.org>": "e-mail",
		"10.0.0.1": "IP", "from 192.168.1.20:8080.": "IP", "fe80::1": "IP", "[::1]:80": "IP", "(2001:db8::7)": "IP",

		"and/or": "", "J/sample": "", "gCO2e/kWh": "", "https://example.org/a/b/c": "", "example.org/a/b": "", "train/epoch/step": "",
		"5 / 3": "", "n/a": "", "node0/rest": "", "1.2.3": "", "go1.26.8": "", "driver 550.54.15": "", "build 10.0.19041.1": "", "v1.2.3.4": "",
		"https://example.org/m?tokens=7&page=2#token=": "", "01-02-03-04-05": "", "GPU-A100-SXM4-80GB-v1-x": "",
		"019df184-1c00-7000-8000-000000000abc": "", "10:11:40": "", "2026-03-02T09:00:00Z": "", "std::vector": "", "pages 1-4": "", "a@b": "", "bert@1.0.0": "", "@home": "", "::": "",
		"ratio 3:4": "", "/": "", "": "", "Große Maße/Größe": "", `tab\t`: "", "co2.js v0.19 data/output/x.json": "",
	} {
		got := telling(text, false)
		if what == "" {
			assert.Empty(t, got, "%q", text)
		} else {
			assert.Contains(t, got, what, "%q", text)
		}
	}
	for name, path := range map[string]bool{"/api/predict": false, "GET /v1/models/x": false, "/home/anna/x.csv": true, "load /tmp/x": true, "~anna/x": true} {
		assert.Equal(t, path, telling(name, true) != "", "a span named %q", name)
	}

	r := small(t)
	r.Spans[3].Path, r.UseCase.FunctionalUnit.Path = "POST ~1v1~1predict", "POST ~1v1~1predict"
	require.NoError(t, Assess(r))
	assert.Empty(t, Validate(r), "a route is an ordinary name")
	r.Publisher.Confidentiality, r.Publisher.Contact, r.Run.Name = "internal", "anna@example.org", "/home/anna"
	assert.Empty(t, Validate(r), "what is not public may tell")
	r.Publisher.Confidentiality = "public"
	for _, f := range Validate(r) {
		assert.Equal(t, "R40", f.Rule)
		assert.NotContains(t, f.String(), "anna", "the finding does not repeat it")
	}
}

func TestChainsOfDevicesAreBounded(t *testing.T) {
	r := small(t)
	for i := range 5000 {
		r.Hardware = append(r.Hardware, Hardware{ID: fmt.Sprint(i), Environment: "hall", PartOf: fmt.Sprint((i + 1) % 5000), Kind: "other", Model: "x", Count: 1})
		r.Missing = append(r.Missing, Missing{Path: fmt.Sprintf("/hardware/%d/embodied", i+4), Reason: "unknown"})
	}
	assertHas(t, Validate(r), "R4", "/hardware/4/part_of")
}

// Trap 35: each factor says its unit, and it is the one of its kind.
func TestAFactorsUnitAndKindFitEachOther(t *testing.T) {
	for _, k := range []factors.Kind{
		factors.Grid, factors.PUE, factors.WUE, factors.EWIF, factors.Residual, factors.Instrument, factors.Marginal, factors.Loss,
		factors.Production, factors.EndOfLife, factors.Transport, factors.Lifetime, factors.Utilisation, factors.Storage, factors.Transfer, factors.Service,
	} {
		assert.NotEmpty(t, factorUnits[k], "%s has a unit", k)
	}
	r := assess(t, everything())
	for i := range r.Factors {
		was := r.Factors[i].Unit
		r.Factors[i].Unit = "furlong"
		assertHas(t, Validate(r), "R4", pointer("factors", i, "unit"))
		r.Factors[i].Unit = was
	}
}

// TestWarningCodesAreDocumented holds the list in the comment to the table.
func TestWarningCodesAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "warnings.go", nil, parser.ParseComments)
	require.NoError(t, err)
	doc := ""
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "WarningMeaning" {
			doc = f.Doc.Text()
		}
	}
	for code := range warningMeanings {
		assert.Contains(t, doc, code)
		assert.Regexp(t, "^[a-z-]+$", code)
		meaning, known := WarningMeaning(code)
		assert.True(t, known)
		assert.NotEmpty(t, meaning)
	}
	_, known := WarningMeaning("of-a-later-version")
	assert.False(t, known)
	r := small(t)
	r.Warnings = append(r.Warnings, Warning{Code: "of-a-later-version", Count: to(int64(3))})
	assert.Empty(t, Validate(r), "the list is open")
}

func TestPointersAreFollowed(t *testing.T) {
	r := small(t)
	r.Spans[0].Units["a/b~c"] = Unit{Count: 1}
	for pointer, want := range map[string]whereabouts{
		"": present, "/run/name": present, "/spans/0/units/a~1b~0c/count": present, "/extensions/org.example.test/numbers/2": present,
		"/run/parent": gone, "/technology/iot": gone, "/spans/0/units/none": gone, "/hardware/1/embodied": gone, "/integrity": gone,
		"/technology/iot/protocol": orphan, "/spans/0/units/none/count": orphan,
		"/nothing": nowhere, "run": nowhere, "/": nowhere, "/run/": nowhere, "/spans/4": nowhere, "/spans/-1": nowhere, "/spans/00": nowhere, "/spans/x": nowhere,
		"/run/name/x": nowhere, "/technology/iot/protocol/x": nowhere, "/extensions/org.example.test/note/x": nowhere, "/created_at/x": nowhere,
	} {
		_, got := lookup(r, pointer)
		assert.Equal(t, want, got, "%q", pointer)
	}
}

// TestAnyRecordThatGoCanHoldIsJudgedWithoutHarm gives Validate records of no
// sense at all.
func TestAnyRecordThatGoCanHoldIsJudgedWithoutHarm(t *testing.T) {
	assert.NotEmpty(t, Validate(filled()))
	assert.NotEmpty(t, Validate(new(Record)))
	r := small(t)
	for i := range r.Phases {
		r.Phases[i].Usage = append(r.Phases[i].Usage, Usage{})
	}
	r.Environments, r.Factors, r.Methods = nil, nil, nil
	assert.NotEmpty(t, Validate(r))
	r.Hardware, r.Ledger, r.Spans = nil, nil, nil
	assert.NotEmpty(t, Validate(r))
}

func TestASourceIsNoneOfTheFuture(t *testing.T) {
	for created, warned := range map[int]bool{2026: true, 2045: true, 2046: false, 2000: false} {
		r := small(t)
		r.Factors[0].SourceYear = 2046
		r.CreatedAt = time.Date(created, 12, 31, 0, 0, 0, 0, time.UTC)
		var found bool
		for _, f := range Validate(r) {
			found = found || f.Rule == "R33" && f.Pointer == "/factors/0/source_year" && f.Warning
		}
		assert.Equal(t, warned, found, "in a record of %d; before 2026 no clock was set", created)
	}
}
