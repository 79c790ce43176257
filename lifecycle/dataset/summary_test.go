package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// world is a made-up world of factors and meters, and runs in it.
type world struct {
	rng                            *rand.Rand
	grids, pues, wues, ewifs       []Input
	devices, lifetimes, utilities_ []Input
	meters                         []string
	services                       []Input
}

func newWorld(seed uint64, n int, ratio float64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7))}
	inputs := func(kind string, value float64) []Input {
		list := make([]Input, n)
		for i := range list {
			v := value * (0.5 + w.rng.Float64())
			r := 1 + (ratio-1)*w.rng.Float64()
			skew := 0.9 + 0.2*w.rng.Float64()
			list[i] = Input{fmt.Sprintf("%s-%d", kind, i), v, min(v, v*skew/r), max(v, v*skew*r)}
		}
		return list
	}
	w.grids, w.pues, w.wues, w.ewifs = inputs("grid", 300), inputs("pue", 1.4), inputs("wue", 1), inputs("ewif", 3)
	w.devices, w.lifetimes, w.utilities_ = inputs("device", 1e6), inputs("lifetime", 4), inputs("utilisation", 0.5)
	w.services = inputs("service", 0.01)
	for i := range n {
		w.meters = append(w.meters, fmt.Sprintf("meter-%d", i))
	}
	return w
}

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

// run makes the rows of a run up.
func (w *world) run(id string) (rows []Row) {
	run := Row{
		RunID: id, Status: pick(w, []string{"complete", "complete", "failed", "interrupted"}), Kind: pick(w, []string{"ml", "iot"}), Publisher: pick(w, []string{"Acme", "Bolt", ""}),
		Task: pick(w, []string{"vision", "text"}), Country: pick(w, []string{"FR", "PL", "US"}), Month: fmt.Sprintf("2026-%02d", 1+w.rng.IntN(4)), Scope: "process",
	}
	amount := func() float64 { return math.Exp(12 * w.rng.Float64()) }
	for _, stage := range []string{"training/training", "training/evaluation", "inference/serving"}[:1+w.rng.IntN(3)] {
		run.Stage, run.Phase = stage, stage[:strings.IndexByte(stage, '/')]
		run.StageS = new(amount())
		run.Units = nil
		if w.rng.IntN(3) > 0 {
			run.Units = map[string]int64{"samples": 1 + w.rng.Int64N(1e6)}
			if w.rng.IntN(3) == 0 {
				run.Units["tokens"] = w.rng.Int64N(1e9)
			}
		}
		for range 1 + w.rng.IntN(3) {
			row := run
			row.HardwareModel = pick(w, []string{"H100", "A100", "EPYC"})
			row.DeviceS = new(amount())
			row.Method = pick(w, []string{"counter", "modelled", "metered"})
			row.Meter, row.MeterError = pick(w, w.meters), new(float64(1+w.rng.IntN(4))/20)
			row.PUE, row.Grid = pick(w, w.pues), pick(w, w.grids)
			e := amount()
			switch w.rng.IntN(12) {
			case 0: // calls, in grams
				row.Service, row.Meter, row.MeterError, row.PUE, row.Grid = pick(w, w.services), "", nil, Input{}, Input{}
				row.Operational.Value = new(e * row.Service.Value)
			case 1: // storage
				row.Service, row.Meter, row.MeterError = pick(w, w.services), "", nil
				fallthrough
			default:
				row.Energy.Value = &e
				row.Facility.Value = new(e * row.PUE.Value)
				row.Operational.Value = new(*row.Facility.Value * row.Grid.Value / joulesPerKWh)
				if w.rng.IntN(4) > 0 {
					row.WUE, row.EWIF = pick(w, w.wues), pick(w, w.ewifs)
					row.Water.Value = new((e*row.WUE.Value + *row.Facility.Value*row.EWIF.Value) / joulesPerKWh)
				}
			}
			rows = append(rows, row)
		}
	}
	if w.rng.IntN(5) > 0 {
		for _, stage := range []string{"production", "end-of-life"} {
			row := run
			row.Stage, row.Phase, row.StageS, row.Units, row.HardwareModel = stage, stage, nil, nil, "H100"
			row.Device, row.Lifetime, row.Utilisation = pick(w, w.devices), pick(w, w.lifetimes), pick(w, w.utilities_)
			row.Embodied.Value = new(amount())
			if w.rng.IntN(2) == 0 {
				row.ADPe, row.Waste = new(amount()/1e9), new(amount()/1e3)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (w *world) runs(n int) [][]Row {
	all := make([][]Row, n)
	for i := range all {
		all[i] = w.run(fmt.Sprintf("%08x-%d", w.rng.Uint32(), i))
	}
	return all
}

func summarised(t testing.TB, limits limits, runs [][]Row, by ...Dimension) *Summary {
	t.Helper()
	s, err := NewSummary(by...)
	require.NoError(t, err)
	s.limits = limits
	for _, rows := range runs {
		for i := range rows {
			s.AddRow(&rows[i])
		}
	}
	return s
}

func jsonOf(t testing.TB, s *Summary) string {
	t.Helper()
	b, err := s.MarshalJSON()
	require.NoError(t, err)
	return string(b)
}

// small limits make that some groups, cells and units are not kept.
var someLimits = []limits{usualLimits, {5, 12, 1}, {1, 1, 1}, {3, 1000, 2}, {1000, 7, 16}}

var someBys = [][]Dimension{{}, {"phase"}, {"stage", "hardware"}, {"country", "month", "task"}, {"hardware", "publisher", "status", "method"}}

// However runs are shared out and their parts merged, the summary is the same
// to the byte.
func TestSummariesAddUpInAnyOrderAndAnyParts(t *testing.T) {
	for seed := range race.Few(uint64(30)) {
		w := newWorld(seed, 1+int(seed%6), 2)
		runs := w.runs(40)
		by, lim := someBys[seed%5], someLimits[seed/5%5]
		whole := jsonOf(t, summarised(t, lim, runs, by...))

		w.rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		require.Equal(t, whole, jsonOf(t, summarised(t, lim, runs, by...)), "in another order")

		var parts []*Summary
		for len(runs) > 0 {
			n := min(1+w.rng.IntN(12), len(runs))
			parts = append(parts, summarised(t, lim, runs[:n], by...))
			runs = runs[n:]
		}
		parts = append(parts, summarised(t, lim, nil, by...)) // identity
		for len(parts) > 1 {                                  // as a random tree
			w.rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			if w.rng.IntN(3) == 0 {
				jsonOf(t, parts[0]) // reading changes nothing
			}
			before := jsonOf(t, parts[1])
			require.NoError(t, parts[0].Merge(parts[1]))
			require.Equal(t, before, jsonOf(t, parts[1]), "what is merged stays as it is")
			parts = append(parts[:1], parts[2:]...)
		}
		require.Equal(t, whole, jsonOf(t, parts[0]), "in parts, seed %d", seed)
	}
}

func TestASummaryAddsUpWithItself(t *testing.T) {
	w := newWorld(1, 3, 2)
	runs := w.runs(20)
	s := summarised(t, usualLimits, runs, "phase")
	require.NoError(t, s.Merge(s))
	twice := summarised(t, usualLimits, runs, "phase")
	require.NoError(t, twice.Merge(summarised(t, usualLimits, runs, "phase")))
	assert.Equal(t, jsonOf(t, twice), jsonOf(t, s))
}

func TestASummaryIsReadBackAsItWas(t *testing.T) {
	for seed := range race.Few(uint64(25)) {
		w := newWorld(seed, 3, 2)
		s := summarised(t, someLimits[seed%5], w.runs(30), someBys[seed/5%5]...)
		text := jsonOf(t, s)
		var back Summary
		require.NoError(t, json.Unmarshal([]byte(text), &back))
		require.Equal(t, text, jsonOf(t, &back))
		back.limits = s.limits
		more := w.runs(10)
		require.NoError(t, back.Merge(summarised(t, s.limits, more, s.By()...)), "and goes on")
		require.NoError(t, s.Merge(summarised(t, s.limits, more, s.By()...)))
		require.Equal(t, jsonOf(t, s), jsonOf(t, &back))

		require.True(t, reflect.DeepEqual(s.Groups(), back.Groups()), "its figures are the same too")
	}
}

// Every group's sums are those that a slow and simple program gets.
func TestSumsAreThoseOfTheRows(t *testing.T) {
	for seed := range race.Few(uint64(20)) {
		w := newWorld(seed, 4, 2)
		runs := w.runs(50)
		by := someBys[seed%5]
		s := summarised(t, usualLimits, runs, by...)
		for _, g := range append(s.Groups(), s.Total()) {
			in := func(r *Row) bool {
				for i := range g.Key {
					if s.by[i].text(r) != g.Key[i] {
						return false
					}
				}
				return true
			}
			sum := func(of func(*Row) *float64) *big.Float {
				var list []float64
				for _, rows := range runs {
					for i := range rows {
						if x := of(&rows[i]); x != nil && in(&rows[i]) {
							list = append(list, *x)
						}
					}
				}
				return bigSum(list)
			}
			for _, c := range []struct {
				name string
				got  Sum
				of   func(*Row) *float64
			}{
				{"energy", g.Energy, func(r *Row) *float64 { return r.Energy.Value }},
				{"facility", g.Facility, func(r *Row) *float64 { return r.Facility.Value }},
				{"operational", g.Operational, func(r *Row) *float64 { return r.Operational.Value }},
				{"embodied", g.Embodied, func(r *Row) *float64 { return r.Embodied.Value }},
				{"water", g.Water, func(r *Row) *float64 { return r.Water.Value }},
				{"ADPe", g.ADPe, func(r *Row) *float64 { return r.ADPe }},
				{"waste", g.Waste, func(r *Row) *float64 { return r.Waste }},
			} {
				want, _ := sum(c.of).Float64()
				if want == 0 {
					assert.Nil(t, c.got.Value, c.name)
					continue
				}
				require.NotNil(t, c.got.Value, c.name)
				assert.Equal(t, want, *c.got.Value, "%s of %v, to the bit", c.name, g.Key)
			}
			both := sum(func(r *Row) *float64 { return r.Operational.Value })
			want, _ := both.Add(both, sum(func(r *Row) *float64 { return r.Embodied.Value })).Float64()
			if want > 0 {
				assert.Equal(t, want, *g.GCO2e.Value)
			}
			held, _ := sum(func(r *Row) *float64 { return r.DeviceS }).Float64()
			assert.Equal(t, held, g.DeviceS)

			ids, stages, hours := map[string]string{}, map[string]bool{}, []float64{}
			count, joules := 0.0, []float64{}
			for _, rows := range runs {
				for i := range rows {
					r := &rows[i]
					if !in(r) {
						continue
					}
					ids[r.RunID] = r.Status
					_, tells := r.Units["samples"]
					if key := r.RunID + r.Stage; !stages[key] {
						stages[key] = true
						if r.StageS != nil {
							hours = append(hours, *r.StageS)
						}
						count += float64(r.Units["samples"])
					}
					if tells && r.Energy.Value != nil {
						joules = append(joules, *r.Energy.Value)
					}
				}
			}
			seconds, _ := bigSum(hours).Float64()
			assert.Equal(t, seconds, g.StageS, "a stage counts once, whatever it ran on")
			assert.EqualValues(t, len(ids), g.Runs)
			by := map[string]int64{}
			for _, status := range ids {
				by[status]++
			}
			assert.Equal(t, by, g.Statuses)
			if count > 0 && len(joules) > 0 {
				e, _ := bigSum(joules).Float64()
				assert.InEpsilon(t, e/count, g.PerUnit["samples"].Energy.Value, 1e-14)
				assert.Equal(t, count, g.PerUnit["samples"].Count)
			}
		}
	}
}

// drawn are the 95 % bounds of a figure of rows by drawing every factor and
// meter, each once.
func drawn(rng *rand.Rand, draws int, rows []Row, of sumOf) (low, high float64) {
	type term struct {
		median float64
		of     []int // and 1; negative: divides
	}
	at := map[string]int{}
	var sources []lognormal.Source
	source := func(kind string, in Input) (int, float64) {
		k, ok := at[kind+in.ID]
		if !ok {
			k = len(sources) + 1
			at[kind+in.ID] = k
			sources = append(sources, lognormal.New(in.Value, in.Low, in.High))
		}
		return k, sources[k-1].Skew
	}
	byProduct := map[string]*term{}
	add := func(value float64, inputs []Input, kinds ...string) {
		t := term{median: value}
		for i, kind := range kinds {
			over := strings.HasPrefix(kind, "/")
			k, skew := source(strings.TrimPrefix(kind, "/"), inputs[i])
			if over {
				t.of, t.median = append(t.of, -k), t.median/skew
			} else {
				t.of, t.median = append(t.of, k), t.median*skew
			}
		}
		key := fmt.Sprint(t.of)
		if byProduct[key] == nil {
			byProduct[key] = &term{of: t.of}
		}
		byProduct[key].median += t.median
	}
	for i := range rows {
		r := &rows[i]
		supply, kind := r.Service, "service"
		if r.Meter != "" {
			e := *r.MeterError
			supply, kind = Input{fmt.Sprint(r.Meter, e), 1, 1 / (1 + e), 1 + e}, "meter"
		}
		switch {
		case of == energySum && r.Energy.Value != nil:
			add(*r.Energy.Value, []Input{supply}, kind)
		case of == waterSum && r.Water.Value != nil:
			site := *r.Energy.Value * r.WUE.Value / joulesPerKWh
			add(site, []Input{supply, r.WUE}, kind, "wue")
			add(*r.Water.Value-site, []Input{supply, r.PUE, r.EWIF}, kind, "pue", "ewif")
		case of == gco2eSum && r.Operational.Value != nil && r.Energy.Value == nil:
			add(*r.Operational.Value, []Input{supply}, kind)
		case of == gco2eSum && r.Operational.Value != nil:
			add(*r.Operational.Value, []Input{supply, r.PUE, r.Grid}, kind, "pue", "grid")
		case of == gco2eSum && r.Embodied.Value != nil:
			add(*r.Embodied.Value, []Input{r.Device, r.Lifetime, r.Utilisation}, "device", "/lifetime", "/utilisation")
		}
	}
	keys := make([]string, 0, len(byProduct))
	for key := range byProduct {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	x := make([]float64, draws)
	z := make([]float64, len(sources))
	for n := range x {
		for k := range z {
			z[k] = sources[k].Sigma * rng.NormFloat64()
		}
		for _, key := range keys {
			t := byProduct[key]
			e := 0.
			for _, k := range t.of {
				if k > 0 {
					e += z[k-1]
				} else {
					e -= z[-k-1]
				}
			}
			x[n] += t.median * math.Exp(e)
		}
	}
	slices.Sort(x)
	return x[draws*25/1000], x[draws*975/1000]
}

// unmixed makes each meter have one error, as one device model has.
func unmixed(runs [][]Row) (rows []Row) {
	for _, run := range runs {
		for i := range run {
			if run[i].Meter != "" {
				run[i].MeterError = new(float64(len(run[i].Meter)+int(run[i].Meter[len(run[i].Meter)-1]-'0')) / 60)
			}
		}
		rows = append(rows, run...)
	}
	return rows
}

func TestIntervalsAreThoseOfDraws(t *testing.T) {
	race.SkipStatistics(t)
	for seed := range uint64(6) {
		w := newWorld(seed, 1+3*int(seed), 2)
		runs := w.runs(40)
		rows := unmixed(runs)
		g := summarised(t, usualLimits, runs).Total()
		for of, got := range map[sumOf]Sum{energySum: g.Energy, waterSum: g.Water, gco2eSum: g.GCO2e} {
			low, high := drawn(rand.New(rand.NewPCG(seed, uint64(of))), 10_000, rows, of)
			low, high = min(low, *got.Value), max(high, *got.Value)
			assert.InEpsilon(t, low, *got.Low, 0.04, "low of %s, seed %d", sumNames[of], seed)
			assert.InEpsilon(t, high, *got.High, 0.04, "high of %s, seed %d", sumNames[of], seed)
		}
	}
}

// gridRuns are n runs alike, on their own grids or on one.
func gridRuns(n int, apart bool) (runs [][]Row) {
	for i := range n {
		id := "grid"
		if apart {
			id = fmt.Sprint("grid", i)
		}
		runs = append(runs, []Row{{
			RunID: fmt.Sprint(i), Status: "complete", Stage: "training/training", Phase: "training", Method: "counter", Meter: "rapl", MeterError: new(0.),
			PUE: Input{"pue", 1, 1, 1}, Grid: Input{id, 300, 150, 600},
			Energy: Figure{Value: new(joulesPerKWh)}, Facility: Figure{Value: new(joulesPerKWh)}, Operational: Figure{Value: new(300.)},
		}})
	}
	return runs
}

func TestASharedFactorIsKnownToBeShared(t *testing.T) {
	one := summarised(t, usualLimits, gridRuns(1000, false)).Total().Operational
	assert.InEpsilon(t, 300e3, *one.Value, 1e-12)
	assert.InEpsilon(t, 150e3, *one.Low, 1e-4, "a thousand runs on one grid are as unsure as one")
	assert.InEpsilon(t, 600e3, *one.High, 1e-4)

	many := summarised(t, usualLimits, gridRuns(1000, true)).Total().Operational
	assert.Greater(t, *many.Low, 295e3, "a thousand grids average out")
	assert.Less(t, *many.High, 330e3)

	kept := summarised(t, limits{10, 500, 16}, gridRuns(1000, true)).Total().Operational
	assert.Equal(t, *one.Value, *kept.Value, "what is not kept apart counts")
	assert.Less(t, *kept.Low, *many.Low, "but is taken as shared, which is cautious")
	assert.Greater(t, *kept.High, *many.High)
}

func TestOneFactorWithTwoIntervalsHasTheWidest(t *testing.T) {
	runs := gridRuns(2, false)
	runs[1][0].Grid.Low, runs[1][0].Grid.High = 100, 900
	g := summarised(t, usualLimits, runs).Total().Operational
	assert.InEpsilon(t, 200, *g.Low, 1e-3)
	assert.InEpsilon(t, 1800, *g.High, 1e-3)
}

func TestMissingIsNeverZero(t *testing.T) {
	runs := gridRuns(4, false)
	runs[1][0].Operational.Value = nil
	runs[2][0].Grid = Input{"grid", 300, 0, 600}
	runs[3][0].Energy.Value = new(math.NaN())
	g := summarised(t, usualLimits, runs, "phase").Groups()[0]
	assert.EqualValues(t, 4, g.Runs)
	assert.Equal(t, int64(3), g.Energy.Known)
	assert.Equal(t, int64(1), g.Energy.Unknown, "no number")
	assert.Equal(t, int64(2), g.Operational.Known)
	assert.Equal(t, int64(2), g.Operational.Unknown, "one without a value, one whose bounds are not usable")
	assert.InEpsilon(t, 600, *g.Operational.Value, 1e-12)
	assert.Nil(t, g.Water.Value)
	assert.Equal(t, int64(4), g.Water.Unknown)
	assert.Nil(t, g.Embodied.Value)
	assert.Zero(t, g.Embodied.Unknown, "a phase of operation has none")

	for i := range runs {
		runs[i] = append(runs[i], Row{RunID: runs[i][0].RunID, Phase: "production", Stage: "production", Status: "complete"})
	}
	total := summarised(t, usualLimits, runs, "phase").Total()
	assert.Equal(t, int64(4), total.Embodied.Unknown, "devices whose production nobody knows are not free")
	assert.Equal(t, int64(4), total.GCO2e.Unknown)
}

func TestAGroupIsToldByWhatItsRowsAre(t *testing.T) {
	rows := gridRuns(1, false)[0]
	rows[0].HardwareModel, rows[0].Month, rows[0].StartedAt = "H100", "2026-03", new(time.Time)
	s := summarised(t, usualLimits, [][]Row{rows}, "hardware", "year", "task")
	assert.Equal(t, []string{"H100", "2026", ""}, s.Groups()[0].Key)

	_, err := NewSummary("phase", "colour")
	assert.ErrorContains(t, err, `there is no dimension "colour"; there are phase, stage, `)
	_, err = NewSummary("phase", "phase")
	assert.ErrorContains(t, err, "twice")
	a, _ := NewSummary("phase")
	b, _ := NewSummary("stage")
	assert.ErrorContains(t, a.Merge(b), "one by (phase) and one by (stage)")
}

// A quantile is that of the runs, off by less than 0.8 %.
func TestQuantilesAreThoseOfTheRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var s sketch
	var all []float64
	for range 5000 {
		x := math.Exp(5 * rng.NormFloat64())
		s.add(x)
		all = append(all, x)
	}
	slices.Sort(all)
	for _, percent := range []int64{0, 5, 25, 50, 75, 95, 100} {
		assert.InEpsilon(t, all[max(1, percent*50)-1], s.quantile(percent), 0.0079, "%v", percent)
	}
	assert.Equal(t, all[0], s.min)
	assert.Equal(t, all[4999], s.max)
}

// So many used no more than is said, however few there are.
func TestQuantilesOfFewRunsAreNotTooLow(t *testing.T) {
	for n := 1; n <= 45; n++ {
		var s sketch
		for i := range n {
			s.add(float64(i)) // the first is none
		}
		for _, percent := range []int64{5, 25, 50, 75, 95} {
			least := 0
			for (least+1)*100 < n*int(percent) {
				least++
			}
			assert.InDelta(t, least, s.quantile(percent), 0.0079*float64(least), "%d %% of %d", percent, n)
		}
	}
}

func TestADistributionHasABound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var whole sketch
	parts := make([]sketch, 7)
	for range 30_000 {
		x := math.Exp(100 * rng.NormFloat64())
		whole.add(x)
		parts[rng.IntN(len(parts))].add(x)
	}
	var merged sketch
	for i := range parts {
		merged.merge(&parts[i])
	}
	whole.settle()
	whole.waiting, merged.waiting = nil, nil // which hold nothing any more
	assert.Equal(t, whole, merged, "in parts as at once")
	assert.Len(t, whole.buckets, maxBuckets)
	assert.EqualValues(t, 30_000, whole.count())
}

func TestASummaryThatIsNoneIsRefused(t *testing.T) {
	w := newWorld(1, 3, 2)
	text := jsonOf(t, summarised(t, usualLimits, w.runs(5), "phase"))
	for what, of := range map[string]string{
		"no JSON":            "{",
		"another schema":     `{"schema":"urn:ecotracer:summary:v2"}`,
		"an unknown member":  strings.Replace(text, `"by"`, `"more":1,"by"`, 1),
		"a doubled member":   strings.Replace(text, `"by"`, `"by":["phase"],"by"`, 1),
		"what follows":       text + "{}",
		"another order":      strings.Replace(text, `"kind":"device","id":"device-0"`, `"kind":"device","id":"device-9"`, 1),
		"a negative count":   strings.Replace(text, `"runs":5`, `"runs":-5`, 1),
		"a sum that is none": strings.Replace(text, `"stage_s":"0x`, `"stage_s":"0x0`, 1),
	} {
		if what != "no JSON" && what != "another schema" {
			require.NotEqual(t, text, of, what)
		}
		var s Summary
		assert.Error(t, s.UnmarshalJSON([]byte(of)), what)
	}
	var s Summary
	assert.NoError(t, s.UnmarshalJSON([]byte(strings.ReplaceAll(text, ",", ",\n "))), "white space is no matter")
}

func FuzzSummaryJSON(f *testing.F) {
	for seed := range race.Few(uint64(4)) {
		w := newWorld(seed, 2, 2)
		f.Add([]byte(jsonOf(f, summarised(f, someLimits[seed], w.runs(2), someBys[seed]...))))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Summary
		if s.UnmarshalJSON(text) != nil {
			return
		}
		requireFinite(t, &s)
		once := jsonOf(t, &s)
		var back Summary
		require.NoError(t, back.UnmarshalJSON([]byte(once)))
		require.NoError(t, back.Merge(&s))
		requireFinite(t, &back)
	})
}

// requireFinite holds all that a summary tells to be numbers, which JSON can
// write.
func requireFinite(t *testing.T, s *Summary) {
	t.Helper()
	_, err := json.Marshal(append(s.Groups(), s.Total()))
	require.NoError(t, err)
	for _, g := range append(s.Groups(), s.Total()) {
		for _, of := range []Sum{g.Energy, g.Facility, g.Operational, g.Embodied, g.GCO2e, g.Water} {
			if of.Value != nil {
				require.True(t, *of.Low <= *of.Value && *of.Value <= *of.High, "%v ≤ %v ≤ %v", *of.Low, *of.Value, *of.High)
			}
		}
	}
}

func FuzzSummaryRows(f *testing.F) {
	f.Add(uint64(1), 1e300, -1., "x", int64(-1))
	f.Add(uint64(2), math.Inf(1), math.NaN(), strings.Repeat("é\xff", 200), int64(math.MaxInt64))
	f.Add(uint64(3), 5e-324, 1e-320, "", int64(0))
	f.Fuzz(func(t *testing.T, seed uint64, x, y float64, text string, n int64) {
		w := newWorld(seed, 2, 2)
		runs := w.runs(4)
		var all []Row
		for _, rows := range runs {
			for i := range rows {
				r := &rows[i]
				for _, p := range []**float64{&r.Energy.Value, &r.Water.Value, &r.Operational.Value, &r.Embodied.Value, &r.StageS, &r.MeterError, &r.DeviceS} {
					switch w.rng.IntN(6) {
					case 0:
						*p = &x
					case 1:
						*p = nil
					}
				}
				for _, in := range []*Input{&r.Grid, &r.PUE, &r.WUE, &r.Device, &r.Lifetime} {
					switch w.rng.IntN(6) {
					case 0:
						*in = Input{text, x, y, x}
					case 1:
						*in = Input{"same", y, x, math.Abs(x)}
					}
				}
				if w.rng.IntN(3) == 0 {
					r.HardwareModel, r.Units, r.Meter, r.Status = text, map[string]int64{text: n, "b": 1}, text, text
				}
				all = append(all, *r)
			}
		}
		s := summarised(t, usualLimits, [][]Row{all}, "hardware")
		requireFinite(t, s)
		var back Summary
		require.NoError(t, back.UnmarshalJSON([]byte(jsonOf(t, s))))
	})
}

// A summary of one run says what its record says.
func TestOneRunIsAsSureAsItsRecord(t *testing.T) {
	for _, name := range []string{"../testdata/small.json", "../../../shared/reference/record-example.json"} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(name)
			if errors.Is(err, fs.ErrNotExist) && strings.Contains(name, "shared") {
				t.Skip("the reference is not here")
			}
			require.NoError(t, err)
			defer f.Close()
			r, err := lifecycle.Decode(f)
			require.NoError(t, err)
			s, err := NewSummary("phase")
			require.NoError(t, err)
			s.Add(r)
			holds := func(what string, want *lifecycle.Quantity, got Sum) {
				if want == nil {
					assert.NotEqual(t, int64(1), got.Known, what)
					return
				}
				require.NotNil(t, got.Value, what)
				assert.InEpsilon(t, want.Value, *got.Value, 1e-12, what)
				assert.InEpsilon(t, want.Low, *got.Low, 1e-4, "%s: low", what)
				assert.InEpsilon(t, want.High, *got.High, 1e-4, "%s: high", what)
				assert.Equal(t, int64(1), got.Known, what)
			}
			total := s.Total()
			holds("energy", &r.Totals.EnergyJ, total.Energy)
			holds("facility", &r.Totals.FacilityEnergyJ, total.Facility)
			holds("operational", &r.Totals.OperationalGCO2e, total.Operational)
			holds("embodied", r.Totals.EmbodiedGCO2e, total.Embodied)
			holds("gco2e", r.Totals.GCO2e, total.GCO2e)
			holds("water", r.Totals.WaterL, total.Water)
			for _, g := range s.Groups() {
				of := r.Totals.ByPhase[lifecycle.Phase(g.Key[0])]
				holds(g.Key[0], of.GCO2e, g.GCO2e)
			}
		})
	}
}

// A record may be read into the memory of the one before.
func TestNothingOfARowIsKept(t *testing.T) {
	by := []Dimension{"hardware", "task"}
	want := jsonOf(t, summarised(t, usualLimits, newWorld(1, 2, 2).runs(30), by...))
	var bytes [][]byte
	lent := func(text *string) {
		b := []byte(*text)
		bytes = append(bytes, b)
		*text = unsafe.String(unsafe.SliceData(b), len(b))
	}
	s, err := NewSummary(by...)
	require.NoError(t, err)
	for _, rows := range newWorld(1, 2, 2).runs(30) {
		for i := range rows {
			r := &rows[i]
			for _, text := range []*string{&r.RunID, &r.Stage, &r.HardwareModel, &r.Task, &r.Meter, &r.Grid.ID, &r.PUE.ID, &r.WUE.ID, &r.EWIF.ID, &r.Service.ID, &r.Device.ID, &r.Lifetime.ID, &r.Utilisation.ID} {
				lent(text)
			}
			units := map[string]int64{}
			for name, n := range r.Units {
				lent(&name)
				units[name] = n
			}
			r.Units = units
			s.AddRow(r)
			for _, b := range bytes {
				clear(b)
			}
			bytes = bytes[:0]
		}
	}
	assert.Equal(t, want, jsonOf(t, s))
}

func TestTheZeroSummaryHasOneGroup(t *testing.T) {
	var s, o Summary
	assert.Empty(t, s.Groups())
	rows := gridRuns(1, false)[0]
	o.AddRow(&rows[0])
	require.NoError(t, s.Merge(&o))
	assert.EqualValues(t, 1, s.Total().Runs)
	assert.Len(t, s.Groups(), 1)
}

// What a summary adds up are the rows that others see, but for their bounds.
func TestRowsWithoutBoundsHaveTheSameValues(t *testing.T) {
	for seed := range uint64(30) {
		r := recordtest.Random(seed)
		bounded, values := Rows(r), (&tabler{unbounded: true}).append(nil, r)
		for i := range bounded {
			b := &bounded[i]
			for _, f := range []*Figure{&b.Energy, &b.Facility, &b.Operational, &b.Embodied, &b.Water} {
				f.Low, f.High = nil, nil
			}
		}
		require.Equal(t, bounded, values, "seed %d", seed)
	}
}

func TestALargeRunLeavesNoMemoryBehind(t *testing.T) {
	r := recordtest.Random(1)
	for len(Rows(r)) <= keptRows {
		r.Phases = append(r.Phases, r.Phases...)
	}
	s, err := NewSummary("stage")
	require.NoError(t, err)
	s.Add(r)
	assert.Zero(t, cap(s.rows))
	assert.Zero(t, cap(s.tabler.numbers))
}

func TestAQuantileMindsNothingAboveIt(t *testing.T) {
	inf := math.Inf(1)
	assert.Equal(t, 2.0, median([]float64{1, 2, inf}))
	assert.Equal(t, inf, median([]float64{1, inf}))
	assert.Equal(t, inf, quantile([]float64{1, 2, inf}, 1))
}
