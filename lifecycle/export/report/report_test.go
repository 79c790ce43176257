package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

func TestLibrariesAreAsPublished(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$`)
	listed := map[string]bool{}
	sources, err := os.ReadFile("assets/SOURCES.md")
	require.NoError(t, err)
	for _, m := range row.FindAllStringSubmatch(string(sources), -1) {
		text, err := os.ReadFile("assets/" + m[1])
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		assert.Equal(t, m[2], hex.EncodeToString(sum[:]), m[1])
		listed[m[1]] = true
	}
	for _, library := range []string{"d3", "plot", "d3-flame-graph"} {
		entries, err := os.ReadDir("assets/" + library)
		require.NoError(t, err)
		for _, e := range entries {
			assert.True(t, listed[library+"/"+e.Name()], "SOURCES.md lists %s", e.Name())
		}
	}
	for _, s := range runAssets().Scripts {
		assert.NotRegexp(t, `(?i)</script|<!--`, string(s), "it would end the element that it is in")
	}
	for _, l := range runAssets().Licences { // the versions that the page names
		assert.Contains(t, string(sources), "| "+l.Name[strings.LastIndexByte(l.Name, ' ')+1:]+" |", l.Name)
	}
}

var dataElement = regexp.MustCompile(`<data value="([^"]+)"(?: data-at="([^"]+)")?>([^<]*)</data>`)

// sizes are what one of a unit is in the record's.
var sizes = map[string]float64{
	"GWh": 3.6e12, "MWh": 3.6e9, "kWh": 3.6e6, "Wh": 3600, "mWh": 3.6, "µWh": 3.6e-3, "nWh": 3.6e-6,
	"tCO2e": 1e6, "kgCO2e": 1e3, "gCO2e": 1, "mgCO2e": 1e-3, "µgCO2e": 1e-6, "ngCO2e": 1e-9,
	"m³": 1e3, "L": 1, "mL": 1e-3, "µL": 1e-6, "W": 1, "mW": 1e-3, "kW": 1e3, "%": 0.01, "s": 1, "ms": 1e-3, "µs": 1e-6,
}

// The page writes three digits; the record's number is beside them.
func TestFiguresOfThePageAreTheRecords(t *testing.T) {
	for name, r := range map[string]*lifecycle.Record{"small": small(t), "everything": everything(t), "large": large(t, 300), "another": another(t, 2)} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			for _, m := range dataElement.FindAllStringSubmatch(write(t, r), -1) {
				value, err := strconv.ParseFloat(html.UnescapeString(m[1]), 64)
				require.NoError(t, err)
				if m[2] != "" {
					want, ok := at(reflect.ValueOf(r), m[2])
					require.True(t, ok, "%s leads nowhere", m[2])
					require.Equal(t, want, value, m[2])
					seen[m[2]] = true
				}
				figure := html.UnescapeString(m[3])
				at := strings.LastIndex(figure, nbsp)
				if at < 0 {
					continue
				}
				number, unit := figure[:at], figure[at+len(nbsp):]
				size, known := sizes[unit]
				if !known || strings.ContainsAny(number, "hmd") {
					continue
				}
				number = strings.NewReplacer(nbsp, "", "−", "-").Replace(number)
				told, err := strconv.ParseFloat(number, 64)
				require.NoError(t, err, m[0])
				assert.InEpsilon(t, value+1e-300, told*size+1e-300, 0.0051, m[0])
			}
			for _, p := range []string{"/totals/energy_j", "/totals/facility_energy_j", "/totals/gco2e", "/totals/by_phase/production/gco2e", "/totals/by_phase/training/gco2e", "/spans/0/total_j", "/ledger/0/total_j", "/factors/0/value"} {
				assert.True(t, seen[p], "%s is on the page", p)
			}
		})
	}
}

// at is the number that a JSON Pointer leads to in a record; of a quantity its
// value.
func at(v reflect.Value, pointer string) (float64, bool) {
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Struct:
			found := false
			for _, f := range reflect.VisibleFields(v.Type()) {
				if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == step {
					v, found = v.FieldByIndex(f.Index), true
					break
				}
			}
			if !found {
				return 0, false
			}
		case reflect.Slice:
			i, err := strconv.Atoi(step)
			if err != nil || i >= v.Len() {
				return 0, false
			}
			v = v.Index(i)
		case reflect.Map:
			v = v.MapIndex(reflect.ValueOf(step).Convert(v.Type().Key()))
		default:
			return 0, false
		}
	}
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if q, ok := v.Interface().(lifecycle.Quantity); ok {
		return q.Value, true
	}
	if v.CanInt() {
		return float64(v.Int()), true
	}
	return v.Float(), v.CanFloat()
}

func TestOnlyWhatThePolicyNamesRuns(t *testing.T) {
	page := write(t, small(t), another(t, 2))
	policy := regexp.MustCompile(`content="(default-src 'none';[^"]*)"`).FindStringSubmatch(page)[1]
	assert.NotContains(t, policy, "unsafe")
	for _, m := range regexp.MustCompile(`(?s)<(script|style)([^>]*)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[2], "application/json") {
			continue
		}
		assert.Empty(t, m[2])
		assert.Contains(t, policy, digest(m[3]), "each script and style is named by its digest")
	}
	rest := dynamic(page)
	assert.NotRegexp(t, `(?i)<[^>]*\s(on[a-z]+|style|src)\s*=`, rest, "no handlers, no styles on elements, nothing to load")
	assert.NotRegexp(t, `<link|<iframe|<img|<object|<embed|@import|url\(`, rest)
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		require.True(t, strings.HasPrefix(m[1], "#"), m[0])
		assert.Contains(t, rest, `id="`+m[1][1:]+`"`, "%s leads somewhere", m[0])
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		assert.False(t, ids[m[1]], "%s is there twice", m[1])
		ids[m[1]] = true
	}
}

const hostile = "</script><script>window.pwned=1</script><img src=x onerror=pwned()>\"'`{{.Title}}${pwned()}<!--\u202e\u2066\u2028\u200f\x00\x1b[31m"

// A text may be anything, and the record that holds it need not even be valid.
func TestNoTextOfARecordIsMoreThanText(t *testing.T) {
	for name, make := range map[string]func(testing.TB) *lifecycle.Record{"small": small, "everything": everything} {
		t.Run(name, func(t *testing.T) {
			r := make(t)
			r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "x", Path: "/y", Detail: "z"})
			r.Run.Merged = []lifecycle.MergedShard{{}}
			fill(reflect.ValueOf(r), hostile+strings.Repeat("long ", 800))
			long := hostile + strings.Repeat("long ", 2<<20)
			r.Run.Name, r.UseCase.Description, r.Factors[0].Source, r.Spans[0].Path = long, long, long, long
			for i := range r.Spans {
				r.Spans[i].Units = map[string]lifecycle.Unit{hostile: {Count: 1, JPerUnit: new(1.0)}}
			}
			r.Totals.ByPhase = map[lifecycle.Phase]lifecycle.PhaseTotal{hostile: {}}
			r.Extensions = map[string]any{timeline.Key: map[string]any{"version": hostile}}
			p, err := newPage([]*lifecycle.Record{r}, Options{Title: hostile}, mostRows, nil)
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, layout().ExecuteTemplate(&b, "page.html", p))
			page := dynamic(b.String())
			assert.Less(t, b.Len(), 1_000_000)
			assert.NotContains(t, page, "<script>window")
			assert.NotContains(t, page, "<img")
			assert.NotContains(t, page, "<!--")
			assert.NotContains(t, page, "ZgotmplZ")
			assert.Contains(t, page, "&lt;/script&gt;&lt;script&gt;window.pwned", "it is told as it is")
			assert.Contains(t, page, "shortened; 10.5")
			assert.Equal(t, 1+len(runAssets().Scripts), strings.Count(page, "</script>"))
			for i, c := range page {
				if !unicode.IsPrint(c) && c != '\n' && c != '\u00a0' && c != '\u202f' {
					require.Failf(t, "a character that cannot be seen", "%U in %q", c, page[max(i-300, 0):i])
				}
			}
		})
	}
}

func TestAPageStaysBelowAMegabyte(t *testing.T) {
	ten := large(t, 10_000)
	require.Greater(t, len(ten.Spans), 10_000)
	var eight []*lifecycle.Record
	some := large(t, 1000)
	for i := range pageful {
		r := *some
		r.Run.ID = fmt.Sprintf("019cadc6-9a80-7000-8000-0000000001%02d", i)
		eight = append(eight, &r)
	}
	for name, records := range map[string][]*lifecycle.Record{"one": {ten}, "many": eight} {
		page := write(t, records...)
		assert.Less(t, len(page), 1_000_000, name)
		assert.Contains(t, page, " smaller)", "what is not shown apart is told")
		assert.Contains(t, page, "smaller paths in the record")
	}
}

// talkative is a valid record full of long texts, all of which must be escaped.
func talkative(t testing.TB) *lifecycle.Record {
	r := large(t, 1000)
	long := strings.Repeat("<&\"", 1300)
	r.Publisher.Confidentiality = "internal"
	for i := range r.Factors {
		r.Factors[i].Source = long
	}
	for i := range r.Methods {
		r.Methods[i].Sensor = long
		for range 20 {
			r.Methods[i].LeftOut = append(r.Methods[i].LeftOut, lifecycle.LeftOut{Domain: long, Reason: "contained"})
		}
	}
	for i := range 200 {
		r.Missing = append(r.Missing, lifecycle.Missing{Path: "/hardware", What: strconv.Itoa(i) + long, Reason: "unknown"})
		r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "unheard-of-" + strconv.Itoa(i), Detail: long})
	}
	for i := range r.Spans { // the last name of each path
		if p := r.Spans[i].Path; strings.Contains(p, "a part") {
			r.Spans[i].Path = strings.ReplaceAll(p, "a part with", strings.Repeat("<\"", 30))
		}
	}
	require.Empty(t, lifecycle.Validate(r))
	return r
}

func TestLongTextsMakeTablesShorter(t *testing.T) {
	page := write(t, talkative(t))
	assert.Less(t, len(page), maxSize)
	more := regexp.MustCompile(`(\d+) more missing things in the record`).FindStringSubmatch(page)
	require.NotNil(t, more)
	left, err := strconv.Atoi(more[1])
	require.NoError(t, err)
	assert.Greater(t, left, 200-5*mostRows, "shorter than of a record with short texts")
}

func TestWriteRefusesWhatMakesNoPage(t *testing.T) {
	wrong := small(t)
	wrong.Totals.EnergyJ.Value++
	var b bytes.Buffer
	err := Write(&b, []*lifecycle.Record{small(t), wrong}, Options{})
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, 1, invalid.Index)
	assert.Contains(t, err.Error(), "record 2 is not valid: R23 /totals/energy_j")
	assert.ErrorContains(t, Write(&b, nil, Options{}), "1 to 8 records, not 0")
	assert.ErrorContains(t, Write(&b, make([]*lifecycle.Record, 9), Options{}), "not 9")
	assert.Zero(t, b.Len())
	assert.ErrorIs(t, Write(broken{}, []*lifecycle.Record{small(t)}, Options{}), io.ErrShortWrite)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestThePageIsOfTheRecordAndNothingElse(t *testing.T) {
	r := everything(t)
	before, err := r.SHA256()
	require.NoError(t, err)
	page := write(t, r)
	after, err := r.SHA256()
	require.NoError(t, err)
	assert.Equal(t, before, after, "the record is not changed")
	assert.Equal(t, page, write(t, r), "the same record makes the same page")
	assert.Contains(t, page, before, "its digest is there")

	var b bytes.Buffer
	lost, err := Format().Write(&b, r, export.Options{})
	require.NoError(t, err)
	assert.Equal(t, page, b.String())
	assert.Equal(t, "", lost[0].Path)
	_, err = Format().Write(&b, nil, export.Options{})
	assert.Error(t, err)
}

func TestWhatIsUnknownIsNotZero(t *testing.T) {
	r := small(t)
	for i := range r.Hardware {
		r.Hardware[i].Embodied = nil
		r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/hardware/%d/embodied", i), Reason: "unknown"})
	}
	r.Phases = r.Phases[:4]
	r.Factors = r.Factors[:4]
	r.Environments[0].Factors.WUE, r.Environments[0].Factors.EWIF = "", ""
	r.Factors = append(r.Factors[:1], r.Factors[2])
	r.UseCase.FunctionalUnit = nil
	r.Warnings = nil
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	p, err := newPage([]*lifecycle.Record{r}, Options{}, mostRows, nil)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, Write(&b, []*lifecycle.Record{r}, Options{}))

	bars := map[string]bar{}
	for _, b := range p.Runs[0].charts.Phases {
		bars[b.Phase] = b
	}
	for _, phase := range []string{"production", "end-of-life"} {
		assert.Nil(t, bars[phase].Value, "%s has no bar", phase)
		assert.Contains(t, bars[phase].Label, "unknown: node, cpu, dram, gpu (nobody told)")
		assert.False(t, bars[phase].Absent)
	}
	assert.NotNil(t, bars["training"].Value)
	assert.Contains(t, strings.Join(p.Runs[0].Lead, " "), "What it comes to in all is unknown")
	assert.Equal(t, "unknown", p.Runs[0].Figures[0].Text, "emissions")
	for _, f := range p.Runs[0].Figures {
		if f.Name == "Water" {
			assert.Equal(t, "unknown", f.Text)
		}
	}

	r = small(t) // a run that serves nothing: that is not unknown, and not zero
	sum := r.Totals.ByPhase
	delete(sum, lifecycle.PhaseInference)
	p, err = newPage([]*lifecycle.Record{r}, Options{}, mostRows, nil)
	require.NoError(t, err)
	for _, b := range p.Runs[0].charts.Phases {
		if b.Phase == "inference" {
			assert.Nil(t, b.Value)
			assert.Equal(t, "not in this run", b.Label)
		}
	}
}

func TestFramesAddUpAndStandForEveryPath(t *testing.T) {
	for name, r := range map[string]*lifecycle.Record{"small": small(t), "everything": everything(t), "large": large(t, 5000)} {
		t.Run(name, func(t *testing.T) {
			p, err := newPage([]*lifecycle.Record{r}, Options{}, mostRows, nil)
			require.NoError(t, err)
			f := p.Runs[0].charts.Flame
			sums := make([]float64, len(f.Names)) // of the children
			paths := 0
			for i := range f.Names {
				if up := f.Parents[i]; up >= 0 {
					require.Less(t, up, i)
					sums[up] += f.Values[i]
				}
				if f.Smaller[i] > 0 {
					paths += f.Smaller[i]
				} else if f.Counts[i] > 0 {
					paths++
				}
			}
			for i := range f.Names {
				if i < 2 { // these have nothing of their own
					assert.InEpsilon(t, f.Values[i], sums[i], 1e-9, f.Names[i])
				}
				assert.LessOrEqual(t, sums[i], f.Values[i]*(1+1e-9), f.Names[i])
			}
			var told float64
			for _, l := range r.Ledger {
				told += l.TotalJ
			}
			assert.InEpsilon(t, told, f.Values[0], 1e-9, "the whole is what the meters told")
			all := map[string]bool{}
			for _, s := range r.Spans {
				all[s.Path] = true
			}
			assert.Equal(t, len(all), paths)
			assert.Less(t, len(f.Names), 2*mostFrames+10)
		})
	}
}

// timed is small with a timeline of two groups.
func timed(t testing.TB) *lifecycle.Record {
	r := small(t)
	line := timeline.Timeline{Version: timeline.Version, Accounts: []int{0, 1, 2, 3}}
	group := func(every float64, domains ...string) {
		g := timeline.Group{Chapters: []timeline.Chapter{}}
		for s := 0.0; s <= r.Run.DurationS; s += every {
			g.TS, g.CPUS = append(g.TS, s), append(g.CPUS, s/2)
		}
		for i, d := range domains {
			series := timeline.Domain{Domain: d}
			sum := 0.0
			for k := range g.TS {
				sum += float64((k*(i+3))%17) * every
				series.TotalJ = append(series.TotalJ, sum)
			}
			g.Domains = append(g.Domains, series)
		}
		line.Groups = append(line.Groups, g)
	}
	group(10, "cpu0", "dram0", "package-0/core")
	group(43, "gpu0", "gpu1")
	r.Extensions[timeline.Key] = line
	require.Empty(t, lifecycle.Validate(r))
	return r
}

func TestPowerOverTimeHoldsAllItsJoules(t *testing.T) {
	r := timed(t)
	p, err := newPage([]*lifecycle.Record{r}, Options{}, mostRows, nil)
	require.NoError(t, err)
	chart := p.Runs[0].charts.Power
	lines, err := fromTimeline(r)
	require.NoError(t, err)
	require.Len(t, chart.Series, 4, "what the ledger does not count is not stacked")
	for i, s := range chart.Series {
		assert.Equal(t, lines[i].name, s.Name)
		var sum float64
		for _, w := range s.Watts {
			sum += w * chart.StepS
		}
		assert.InEpsilon(t, lines[i].energy(), sum, 1e-3, s.Name)
	}
	assert.LessOrEqual(t, len(chart.Series[0].Watts), mostSteps)
	for i, s := range chart.Stages {
		e := &r.Phases[i]
		assert.Equal(t, string(e.Stage), s.Stage)
		assert.Equal(t, e.StartedAt.Sub(*r.Run.StartedAt).Seconds(), s.From)
		assert.Equal(t, e.EndedAt.Sub(*r.Run.StartedAt).Seconds(), s.To)
	}

	stages, err := newPage([]*lifecycle.Record{everything(t)}, Options{}, mostRows, nil)
	require.NoError(t, err)
	if chart = stages.Runs[0].charts.Power; assert.NotNil(t, chart, "its stages have profiles") {
		assert.Contains(t, stages.Runs[0].Power.Note, "by stage")
	}
	assert.Contains(t, write(t, small(t)), "ECOTRACER_TIMELINE=on", "how to have it kept")
	r.Extensions[timeline.Key] = map[string]any{"version": 99}
	assert.Contains(t, write(t, r), "timeline cannot be used")
}

func TestSeveralRunsAreHeldToTheFirst(t *testing.T) {
	a, b, c := small(t), another(t, 0.5), another(t, 3)
	c.Run.ID, c.Run.Name = "019cadc6-9a80-7000-8000-0000000000fe", "third"
	against, err := compareAll([]*lifecycle.Record{a, b, c})
	require.NoError(t, err)
	p, err := newPage([]*lifecycle.Record{a, b, c}, Options{}, 6, against)
	require.NoError(t, err)
	assert.Equal(t, "3 runs compared", p.Title)
	require.Len(t, p.Comparison.Verdicts, 2)
	assert.Regexp(t, `^B emits less than A: 0\.\d+ times as much \(.*–.*\), with a probability of over`, p.Comparison.Verdicts[0])
	assert.Regexp(t, `^C emits more than A: `, p.Comparison.Verdicts[1])
	want, err := lifecycle.Compare(b, a)
	require.NoError(t, err)
	row := p.Comparison.Tables[0].Rows[0]
	assert.Equal(t, exact(want.Figures[0].B.Value), row.Cells[1].Exact)
	assert.Equal(t, exact(want.Figures[0].A.Value), row.Cells[2].Exact)
	assert.Equal(t, "lower", row.Cells[3].Text)
	assert.Equal(t, "higher", row.Cells[5].Text)
	chart := p.Charts.Comparison[0]
	assert.InEpsilon(t, a.Totals.GCO2e.Value, *chart.Bars[0].Value, 1e-12)
	assert.Equal(t, "gCO2e", chart.Unit)

	other := small(t)
	other.Run.ID, other.Run.Boundary = c.Run.ID, lifecycle.BoundaryIT
	page := write(t, a, other)
	assert.Contains(t, page, "B and A cannot be compared as a whole.")
	assert.Contains(t, page, "boundary of the energy: B it, A node")
	same := small(t)
	assert.Contains(t, write(t, a, same), "B emits as much as A.")
}

func TestNoLineBreaksWithinAFigure(t *testing.T) {
	assert.Equal(t, "12\u00a0300\u00a0GWh\u00a0(12\u00a0000–13\u00a0000)", withBounds(lifecycle.Quantity{Value: 12.3e3 * 3.6e12, Low: 12e3 * 3.6e12, High: 13e3 * 3.6e12}, inwords.WattHours[1:]))
	assert.Equal(t, "1\u00a0h\u00a012\u00a0min", duration(4300))
}

func TestStatesOfARunAreTold(t *testing.T) {
	for status, says := range map[lifecycle.Status]string{
		lifecycle.Failed: "it failed", lifecycle.Interrupted: "interrupted", lifecycle.Running: "used so far",
	} {
		r := small(t)
		r.Run.Status = status
		p, err := newPage([]*lifecycle.Record{r}, Options{}, mostRows, nil)
		require.NoError(t, err)
		assert.Contains(t, p.Runs[0].Lead[0], says)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			r := large(b, n)
			size := 0
			for b.Loop() {
				var page bytes.Buffer
				if err := Write(&page, []*lifecycle.Record{r}, Options{}); err != nil {
					b.Fatal(err)
				}
				size = page.Len()
			}
			b.ReportMetric(float64(size), "B/page")
		})
	}
}
