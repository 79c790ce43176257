package tracer_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// gridAt is a source that knows the intensity of a grid at every time, in steps
// of an hour if it does not say otherwise.
type gridAt struct {
	intensity func(t time.Time) float64
	step      time.Duration
	kind      factors.Kind  // "": the average
	late      time.Duration // of now, that it does not know
	change    func(f *factors.Factor)
	fail      func(ctx context.Context) error
	asked     atomic.Int64
	query     atomic.Pointer[factors.Query] // the last one
}

// hourOf is the intensity of a grid that is clean at night: 100 g, and 20 g more
// each hour.
func hourOf(t time.Time) float64 { return 100 + 20*float64(t.UTC().Hour()) }

func (g *gridAt) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	now := time.Now().Add(-g.late)
	f, err := g.tell(ctx, q, now, now.Add(1), now)
	f.Series = nil
	return f, err
}

func (g *gridAt) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return g.tell(ctx, q, from, to, time.Now().Add(-g.late))
}

func (g *gridAt) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return g.tell(ctx, q, from, to, to)
}

// tell is what the source says of a time, of which it knows the steps that have
// begun by another.
func (g *gridAt) tell(ctx context.Context, q factors.Query, from, to, known time.Time) (factors.Factor, error) {
	kind, signal := factors.Grid, "average"
	if g.kind == factors.Marginal {
		kind, signal = g.kind, "marginal"
	}
	if q.Kind != kind {
		return factors.Factor{}, factors.ErrNoFactor
	}
	g.asked.Add(1)
	g.query.Store(&q)
	if g.fail != nil {
		if err := g.fail(ctx); err != nil {
			return factors.Factor{}, err
		}
	}
	step := cmp.Or(g.step, time.Hour)
	start := from.Truncate(step)
	s := &factors.Series{Start: start.UTC().Format(time.RFC3339), StepS: step.Seconds()}
	var sum float64
	for t := start; t.Before(to) && !t.After(known); t = t.Add(step) {
		s.Value = append(s.Value, g.intensity(t))
		sum += g.intensity(t)
	}
	v := sum / float64(len(s.Value))
	f := factors.Factor{
		ID: string(kind) + ".live", Kind: kind, Value: v, Low: v / 1.1, High: v * 1.1, Unit: "gCO2e/kWh", Geography: "DE",
		Signal: signal, Accounting: "location", Basis: "lifecycle", Mix: "consumption", GWP: "unstated",
		Found: factors.Live, Source: "a grid", SourceYear: 2026, Quality: "A", Series: s,
	}
	if g.change != nil {
		g.change(&f)
	}
	return f, nil
}

func ofIntensity(f func(t time.Time) float64) *gridAt { return &gridAt{intensity: f} }

// inGermany is where the runs of these tests are.
func inGermany() tracer.Option {
	return tracer.At(tracer.Site{Country: "DE", Infrastructure: "on-premise"})
}

// profileOf is the profile of a stage at the run's place: its joules by step.
func profileOf(t *testing.T, rec *lifecycle.Record, stage lifecycle.Stage) lifecycle.Profile {
	t.Helper()
	for _, p := range rec.Phases {
		if p.Stage == stage {
			require.LessOrEqual(t, len(p.Profile), 1)
			if len(p.Profile) == 1 {
				return p.Profile[0]
			}
		}
	}
	return lifecycle.Profile{}
}

func gridFactor(t *testing.T, rec *lifecycle.Record, id string) factors.Factor {
	t.Helper()
	for _, f := range rec.Factors {
		if f.ID == id {
			return f
		}
	}
	require.Fail(t, "no factor", id)
	return factors.Factor{}
}

func TestALongRunIsAssessedHourByHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Bubbles begin at midnight: at 00:07 the run begins.
		time.Sleep(7 * time.Minute)
		host := newPlant(1, cpus(1), cpus(1))
		power := tracertest.Constant(100).Then(2*time.Hour, tracertest.Constant(400))
		src := ofIntensity(hourOf)
		ctx, run := begin(t, append(host.options(tracertest.NewMeter(domain("node0", power))), inGermany(), watts(0), tracer.Grid(src))...)
		with(ctx, 3*time.Hour, "train")
		with(ctx, time.Hour, "evaluate")
		rec := finish(t, run)

		assert.EqualValues(t, 1, src.asked.Load(), "it is asked once")
		assert.Equal(t, "DE", src.query.Load().Country)
		train := profileOf(t, rec, lifecycle.Training)
		assert.Equal(t, "2000-01-01 00:00:00 +0000 UTC", train.Start.String())
		assert.Equal(t, 3600.0, train.StepS, "as long as those of the series")
		want := []float64{53 * 60 * 100, 3600 * 100, 7*60*100 + 53*60*400, 7 * 60 * 400}
		require.Len(t, train.EnergyJ, 4)
		for i, j := range train.EnergyJ {
			assert.InDelta(t, want[i], j, 1000, "hour %d: but for a second at its end", i)
		}
		assert.InEpsilon(t, 3*3600*100+3600*300, sumOf(train.EnergyJ), 1e-9)
		evaluate := profileOf(t, rec, lifecycle.ModelEvaluation)
		assert.Equal(t, "2000-01-01 03:00:00 +0000 UTC", evaluate.Start.String())
		assert.InDelta(t, 53*60*400, evaluate.EnergyJ[0], 1000)
		assert.InDelta(t, 7*60*400, evaluate.EnergyJ[1], 1000)

		grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
		assert.Equal(t, factors.Live, grid.Found)
		assert.Equal(t, []float64{100, 120, 140, 160, 180}, grid.Series.Value)
		assert.InEpsilon(t, 140, grid.Value, 1e-12)
		assert.InEpsilon(t, 140*1.1, grid.High, 1e-9, "as sure as the source")
		var grams float64
		for i, j := range train.EnergyJ {
			grams += j / 3.6e6 * 1.54 * hourOf(train.Start.Add(time.Duration(i)*time.Hour))
		}
		for _, p := range rec.Phases {
			if p.Stage == lifecycle.Training {
				assert.InEpsilon(t, grams, p.OperationalGCO2e.Value, 1e-9)
			}
		}
		for _, f := range rec.Factors {
			assert.NotEqual(t, "grid.DE", f.ID, "what is not used is not in the record")
		}
	})
}

func TestWithHoursAJouleIsNotWorthTheSameAtAllTimes(t *testing.T) {
	for name, hours := range map[string]int{"a long run": 2, "a short one": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run := simple(t, inGermany(), tracer.Grid(ofIntensity(hourOf)))
				_, s := tracer.Start(ctx, "work")
				s.Count("samples", 10)
				time.Sleep(time.Duration(hours)*time.Hour + time.Minute)
				s.End()
				u := span(t, finish(t, run), "work").Units["samples"]
				assert.NotNil(t, u.JPerUnit)
				assert.Equal(t, hours == 0, u.GCO2ePerUnit != nil)
			})
		})
	}
}

func TestAShortRunHasTheIntensityOfItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7*time.Hour + 50*time.Minute)
		ctx, run := simple(t, inGermany(), tracer.Grid(ofIntensity(hourOf)))
		with(ctx, 15*time.Minute, "train")
		rec := finish(t, run)
		grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
		assert.Equal(t, factors.Live, grid.Found)
		assert.Nil(t, grid.Series)
		assert.InEpsilon(t, hourOf(time.Now()), grid.Value, 1e-12)
		assert.Empty(t, profileOf(t, rec, lifecycle.Training).EnergyJ)
	})
}

func TestAPlaceThatOnlyTheSourceKnowsHasItsFigureAndNotTheWorlds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, tracer.At(tracer.Site{GridZone: "SOMEWHERE"}), tracer.Grid(ofIntensity(hourOf)))
		with(ctx, time.Minute, "train")
		rec := finish(t, run)
		requireValid(t, rec)
		assert.Equal(t, factors.Live, gridFactor(t, rec, rec.Environments[0].Factors.Grid).Found)
		for _, w := range rec.Warnings {
			assert.NotEqual(t, "place-unknown", w.Code, w.Detail)
		}
		for _, f := range rec.Factors {
			assert.False(t, f.Kind == factors.Grid && f.Found != factors.Live, "%s is used by nobody", f.ID)
		}
	})
}

// Trap 37: of whatever a source tells.
func TestMarginalGramsAreBesideTheAverageOnes(t *testing.T) {
	marginal := func() *gridAt {
		return &gridAt{intensity: func(time.Time) float64 { return 700 }, kind: factors.Marginal}
	}
	for name, c := range map[string]struct {
		sources []factors.GridSource
		average factors.Found
	}{
		"a source that knows no average":    {[]factors.GridSource{marginal()}, factors.Exact},
		"two sources":                       {[]factors.GridSource{marginal(), ofIntensity(hourOf)}, factors.Live},
		"two that know the average":         {[]factors.GridSource{ofIntensity(hourOf), marginal(), ofIntensity(func(time.Time) float64 { return 1 })}, factors.Live},
		"the first of which knows nothing":  {[]factors.GridSource{&gridAt{fail: func(context.Context) error { return factors.ErrNoFactor }}, marginal(), ofIntensity(hourOf)}, factors.Live},
		"and one that cannot be relied on":  {[]factors.GridSource{marginal(), ofIntensity(hourOf), ofIntensity(func(time.Time) float64 { return -1 })}, factors.Live},
		"one that knows it for other hours": {[]factors.GridSource{marginal(), &gridAt{intensity: hourOf, late: 4 * time.Hour}, ofIntensity(hourOf)}, factors.Live},
	} {
		t.Run(name, func(t *testing.T) {
			for length, d := range map[string]time.Duration{"a long run": 5 * time.Hour, "a short one": time.Minute} {
				t.Run(length, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, run := simple(t, inGermany(), tracer.Grid(c.sources...))
						with(ctx, d, "train")
						rec := finish(t, run)
						grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
						assert.Equal(t, c.average, grid.Found)
						if c.average == factors.Live {
							assert.GreaterOrEqual(t, grid.Value, 100.0)
						}
						_, flagged := warned(rec, "grid-live-failed")
						assert.False(t, flagged)
						require.NotNil(t, rec.Totals.MarginalGCO2e)
						assert.InEpsilon(t, 10*d.Seconds()*1.54*700/3.6e6, rec.Totals.MarginalGCO2e.Value, 1e-9)
						assert.InEpsilon(t, rec.Totals.OperationalGCO2e.Value+rec.Totals.EmbodiedGCO2e.Value, rec.Totals.GCO2e.Value, 1e-9, "and in no total")
					})
				})
			}
		})
	}
}

func TestASourceThatCannotBeReliedOnChangesNothing(t *testing.T) {
	key := errors.New(`Get "https://10.1.2.3/api?securityToken=canary": 401`)
	changed := func(change func(*factors.Factor)) *gridAt { return &gridAt{intensity: hourOf, change: change} }
	for name, c := range map[string]struct {
		src  *gridAt
		says string
		long bool // only of a long run
	}{
		"it hangs until it is told to stop": {&gridAt{fail: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, "it did not answer in time", false},
		"it hangs":                          {&gridAt{fail: func(context.Context) error { time.Sleep(time.Hour); return nil }}, "it did not answer in time", false},
		"it fails":                          {&gridAt{fail: func(context.Context) error { return key }}, "it failed", false},
		"it panics":                         {&gridAt{fail: func(context.Context) error { panic("canary") }}, "it failed", false},
		"it does not know the place":        {&gridAt{fail: func(context.Context) error { return factors.ErrUnknownRegion }}, "it has no figure of that place and time", false},
		"it does not know the time":         {&gridAt{fail: func(context.Context) error { return factors.ErrNoFactor }}, "it has no figure of that place and time", false},
		"a value is NaN":                    {changed(func(f *factors.Factor) { f.Value = math.NaN() }), "it is no factor", false},
		"it has no bounds":                  {changed(func(f *factors.Factor) { f.Low, f.High = 0, 0 }), "it is no factor", false},
		"it has no axes":                    {changed(func(f *factors.Factor) { f.Basis = "" }), "it is no factor", false},
		"it is another kind":                {changed(func(f *factors.Factor) { f.Kind = factors.Residual }), "not the average intensity", false},
		"it is marginal":                    {changed(func(f *factors.Factor) { f.Signal = "marginal" }), "not the average intensity", false},
		"it is market-based":                {changed(func(f *factors.Factor) { f.Accounting = "market" }), "not the average intensity", false},
		"it is the world's":                 {changed(func(f *factors.Factor) { f.Found = factors.FromWorld }), "it has no figure of that place and time", false},
		"it is absurd":                      {changed(func(f *factors.Factor) { f.Value, f.High = 2400, 2500 }), "2400 gCO2e/kWh", false},
		"it tells what is private":          {changed(func(f *factors.Factor) { f.Source = "someone@canary.example.org" }), "could not hold it", false},
		"its id is long":                    {changed(func(f *factors.Factor) { f.ID = strings.Repeat("i", 5000) }), "could not hold it", false},
		"it has no series":                  {changed(func(f *factors.Factor) { f.Series = nil }), "no series", true},
		"an empty series":                   {changed(func(f *factors.Factor) { f.Series.Value = nil }), "no series", true},
		"a series from nowhere":             {changed(func(f *factors.Factor) { f.Series.Start = "canary" }), "no begin", true},
		"a series of another time":          {changed(func(f *factors.Factor) { f.Series.Start = "1600-01-01T00:00:00Z" }), "no begin", true},
		"a series without steps":            {changed(func(f *factors.Factor) { f.Series.StepS = 0 }), "steps of 0 s", true},
		"a series of no steps":              {changed(func(f *factors.Factor) { f.Series.StepS = math.NaN() }), "steps of NaN s", true},
		"a series of endless steps":         {changed(func(f *factors.Factor) { f.Series.StepS = math.Inf(1) }), "steps of +Inf s", true},
		"ten million values":                {changed(func(f *factors.Factor) { f.Series.Value = make([]float64, 10_000_000) }), "10000000 steps", true},
		"a gap":                             {changed(func(f *factors.Factor) { f.Series.Value[1] = math.NaN() }), "step 1 of its series is NaN", true},
		"a negative hour":                   {changed(func(f *factors.Factor) { f.Series.Value[2] = -1 }), "step 2 of its series is -1", true},
		"a mean that is none":               {changed(func(f *factors.Factor) { f.Value, f.Low, f.High = 500, 400, 600 }), "not the mean", true},
		"it begins too late":                {changed(func(f *factors.Factor) { f.Series.Start = "2000-01-01T02:00:00Z" }), "begins 1h59m0s after the run", true},
		"it ends too early":                 {&gridAt{intensity: hourOf, late: 4 * time.Hour}, "before the run", true},
	} {
		t.Run(name, func(t *testing.T) {
			for length, d := range map[string]time.Duration{"a long run": 5 * time.Hour, "a short one": time.Minute} {
				if c.long && d < time.Hour {
					continue
				}
				t.Run(length, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						time.Sleep(time.Minute)
						sink := new(tracertest.Recorder)
						public := tracer.Publisher(lifecycle.Publisher{Confidentiality: "public"})
						ctx, run := simple(t, inGermany(), public, tracer.Sampling(time.Minute), tracer.Sinks(sink), tracer.Grid(c.src))
						with(ctx, d, "train")
						before := time.Now()
						rec, err := run.End()
						assert.LessOrEqual(t, time.Since(before), 5*time.Second, "the end does not wait for it")
						assert.ErrorContains(t, err, c.says, "the program hears of it")
						requireValid(t, rec)
						assert.Len(t, sink.All(), 1)
						detail := ""
						for _, w := range rec.Warnings {
							if w.Code == "grid-live-failed" {
								detail = w.Detail
							}
						}
						assert.Contains(t, detail+" no factor", c.says, "and who reads the record")
						var text bytes.Buffer
						require.NoError(t, lifecycle.Encode(&text, rec))
						assert.NotContains(t, text.String(), "canary", "but not more than that")

						ctx, run = simple(t, inGermany(), public, tracer.Sampling(time.Minute))
						with(ctx, d, "train")
						without := finish(t, run)
						assert.Equal(t, without.Totals.OperationalGCO2e, rec.Totals.OperationalGCO2e, "the figure is that of the data set")
						assert.Equal(t, without.Factors, rec.Factors)
						assert.Empty(t, profileOf(t, rec, lifecycle.Training))
						time.Sleep(time.Hour) // until one that hung is back
					})
				})
			}
		})
	}
}

// Trap 53: what stands for hours that nobody knows is told, and is less sure.
func TestHoursThatAreNotKnownYetHaveTheLastValueAndARange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := ofIntensity(hourOf)
		src.late = 3 * time.Hour // it knows the hour from 03:00 to 04:00
		ctx, run := simple(t, inGermany(), tracer.Grid(src))
		with(ctx, 6*time.Hour, "train")
		rec := finish(t, run)
		grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
		assert.Equal(t, []float64{100, 120, 140, 160, 160, 160}, grid.Series.Value)
		// Those two hours may have been as clean as the first, or as dirty as the last.
		assert.InEpsilon(t, (100+120+140+160+100+100)/6.0/1.1, grid.Low, 1e-9)
		assert.InEpsilon(t, (100+120+140+160+160+160)/6.0*1.1, grid.High, 1e-9)
		_, flagged := warned(rec, "grid-live-late")
		assert.True(t, flagged)
	})
}

// Trap 52: each step meets its own time of the series.
func TestFinerValuesThanTheProfileAreAveraged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &gridAt{step: 5 * time.Minute, intensity: func(t time.Time) float64 { return float64(100 + t.Minute()) }}
		ctx, run := simple(t, inGermany(), tracer.Grid(src))
		with(ctx, 2*time.Hour, "train")
		rec := finish(t, run)
		grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
		assert.Equal(t, 900.0, grid.Series.StepS)
		require.Len(t, grid.Series.Value, 8)
		assert.InDelta(t, 100+(0+5+10)/3.0, grid.Series.Value[0], 1e-9)
		assert.Len(t, profileOf(t, rec, lifecycle.Training).EnergyJ, 8)
	})
}

func TestOnlyTheEndAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := ofIntensity(hourOf)
		sink := new(tracertest.Recorder)
		ctx, run := simple(t, inGermany(), tracer.Grid(src), tracer.Sinks(sink), tracer.Checkpoints(10*time.Minute))
		with(ctx, 3*time.Hour, "train")
		assert.Zero(t, src.asked.Load())
		for _, r := range sink.All() {
			requireValid(t, r)
			assert.Equal(t, "grid.DE", r.Environments[0].Factors.Grid)
			_, flagged := warned(r, "grid-live-failed")
			assert.False(t, flagged)
		}
		finish(t, run)
		_, err := run.End()
		require.NoError(t, err)
		assert.EqualValues(t, 1, src.asked.Load())
	})
}

func TestWithoutASourceNoHoursAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, inGermany())
		with(ctx, 3*time.Hour, "train")
		assert.Zero(t, tracer.HourSteps(run))
		rec := finish(t, run)
		assert.Empty(t, profileOf(t, rec, lifecycle.Training))
	})
	_, run, err := tracer.Begin(context.Background(), tracer.Grid(nil), tracer.Sinks(new(tracertest.Recorder)))
	assert.ErrorContains(t, err, "a grid source is nil")
	finish(t, run)
}

func TestWhatIsStoredIsSpreadOverTheRunAndWhatLeavesItsPlaceHasNoHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, ourServices(), tracer.Grid(ofIntensity(hourOf)))
		ctx, s := tracer.Start(ctx, "train", tracer.In(lifecycle.Training))
		time.Sleep(4 * time.Hour)
		s.Store("ssd", 1e12, 4*time.Hour, 1)
		s.Call("embeddings", 10)
		s.End()
		_ = ctx
		rec := finish(t, run)
		p := profileOf(t, rec, lifecycle.Training)
		require.Len(t, p.EnergyJ, 4)
		for _, j := range p.EnergyJ {
			assert.InDelta(t, 36000+3600, j, 10, "10 W and 1 Wh in each hour")
		}
		assert.Nil(t, gridFactor(t, rec, rec.Environments[1].Factors.Grid).Series)
	})
}

// What a run had is in its profile joule by joule, whatever it did: each step
// has what the plant drew in it, and each stage what its rows tell.
func TestHoursOfRandomProgramsAddUp(t *testing.T) {
	const stretch = 3000 // of the program: seconds become hours
	for seed := range race.Few(uint64(40)) {
		synctest.Test(t, func(t *testing.T) {
			p := randomProgram(seed)
			r := rand.New(rand.NewPCG(seed, 6))
			p.length *= stretch
			for i := range p.spans {
				p.spans[i].start *= stretch
				p.spans[i].end *= stretch
			}
			for i := range p.domains {
				power := p.domains[i].Power
				p.domains[i].Power = func(t time.Duration) float64 { return stretch * power(t/stretch) }
			}
			ownLoad, busyLoad := p.own, p.busy
			p.own = func(t time.Duration) time.Duration { return stretch * ownLoad(t/stretch) }
			p.busy = func(t time.Duration) time.Duration { return stretch * busyLoad(t/stretch) }
			p.sampling = time.Duration(1+r.IntN(10)) * time.Second
			p.options = []tracer.Option{tracer.Grid(&gridAt{intensity: hourOf, step: []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}[r.IntN(4)]})}
			time.Sleep(time.Duration(r.Int64N(int64(24 * time.Hour))))
			began := time.Now()
			rec, readings := p.run(t)
			requireConservation(t, rec, readings)
			if rec.Run.DurationS < 3600 {
				assert.Nil(t, gridFactor(t, rec, rec.Environments[0].Factors.Grid).Series)
				return
			}
			grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
			require.NotNil(t, grid.Series, "%v", p)
			start, err := time.Parse(time.RFC3339, grid.Series.Start)
			require.NoError(t, err)
			require.False(t, start.After(began))
			steps := make([]float64, len(grid.Series.Value))
			var rows, all float64
			for _, ph := range rec.Phases {
				for _, u := range ph.Usage {
					if u.EnergyJ != nil && u.Factor == "" {
						rows += u.EnergyJ.Value
					}
				}
				for _, f := range ph.Profile {
					if f.Environment != "site" {
						continue
					}
					first := int(f.Start.Sub(start).Seconds() / f.StepS)
					for k, j := range f.EnergyJ {
						require.GreaterOrEqual(t, j, 0.0)
						steps[first+k] += j
					}
				}
			}
			for _, l := range meterLines(rec) {
				all += l.TotalJ
			}
			if p.scope != lifecycle.ScopeMachine {
				return // what others had is in no profile
			}
			require.InDelta(t, all, rows, 1e-9*all)
			var stored float64
			for _, l := range rec.Ledger {
				if l.Split == "declared" && l.Domain != "service.ping" {
					stored += l.SpansJ
				}
			}
			// A step ends with the first reading after it, and with one of the
			// second before.
			slack := 1e-6 * all
			for _, d := range p.domains {
				most := 0.0
				for k := 1; k < len(readings); k++ {
					a, b := time.Duration(readings[k-1].at), time.Duration(readings[k].at)
					if b > a {
						most = max(most, (d.Power(b)-d.Power(a))/(b-a).Seconds())
					}
				}
				slack += 2 * most * (p.sampling.Seconds() + 2)
			}
			for k, got := range steps {
				from := max(start.Add(time.Duration(float64(k)*grid.Series.StepS*1e9)).Sub(began), 0)
				to := min(start.Add(time.Duration(float64(k+1)*grid.Series.StepS*1e9)).Sub(began), time.Duration(p.length))
				want := stored * max(to-from, 0).Seconds() / rec.Run.DurationS
				for _, d := range p.domains {
					want += d.Power(to) - d.Power(from)
				}
				require.InDelta(t, want, got, slack, "%v: step %d", p, k)
			}
		})
	}
}

func TestARunOfYearsHasFewSteps(t *testing.T) {
	for name, length := range map[string]time.Duration{"a month": 30 * 24 * time.Hour, "three years": 3 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(5*time.Hour + 20*time.Minute)
				host := newPlant(1, cpus(1), cpus(1))
				ctx, run := begin(t, append(host.options(ten()), inGermany(), watts(0), tracer.Sampling(10*time.Hour), tracer.Grid(ofIntensity(hourOf)))...)
				for i := range 20 {
					with(ctx, length/20, "step", tracer.In([]lifecycle.Stage{lifecycle.Training, lifecycle.ModelEvaluation, lifecycle.Serving}[i%3]))
				}
				assert.LessOrEqual(t, tracer.HourSteps(run), 4096)
				rec := finish(t, run)
				n := 0
				for _, p := range rec.Phases {
					for _, f := range p.Profile {
						n += len(f.EnergyJ)
						assert.Zero(t, f.Start.Unix()%int64(f.StepS), "steps are those of the clock")
					}
				}
				assert.LessOrEqual(t, n, 4096)
				assert.Greater(t, n, 500)
			})
		})
	}
}

func TestHoursThatTheHostSleptAreNotWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, inGermany(), tracer.Grid(ofIntensity(hourOf)), tracer.Sampling(time.Minute))
		_, s := tracer.Start(ctx, "train", tracer.In(lifecycle.Training))
		time.Sleep(2*time.Hour - time.Second)
		tracer.Sleep(run, 3*time.Hour)
		time.Sleep(time.Hour + time.Second)
		s.End()
		rec := finish(t, run)
		p := profileOf(t, rec, lifecycle.Training)
		require.GreaterOrEqual(t, len(p.EnergyJ), 6)
		assert.InDelta(t, 36000, p.EnergyJ[0], 1e-3)
		assert.InDelta(t, 36000, p.EnergyJ[1]+p.EnergyJ[2]+p.EnergyJ[3]+p.EnergyJ[4], 1000)
		assert.InDelta(t, 36000, p.EnergyJ[5], 1000, "after it woke up")
	})
}

func TestARunOfAHostWithoutMetersHasHoursToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, run, err := tracer.Begin(context.Background(), tracer.Host(noFiles{}), inGermany(), tracer.Checkpoints(-1), tracer.Sampling(100*time.Hour),
			tracer.Sinks(new(tracertest.Recorder)), tracer.Grid(ofIntensity(hourOf)))
		require.NoError(t, err)
		time.Sleep(5 * 365 * 24 * time.Hour)
		rec := finish(t, run)
		grid := gridFactor(t, rec, rec.Environments[0].Factors.Grid)
		assert.LessOrEqual(t, len(grid.Series.Value), 4096)
	})
}

func TestHoursOfSlowMetersDevicesAndGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(2))
		node := domain("cpu0", tracertest.Constant(40))
		gpu := tracertest.NewMeter(domain("gpu0", tracertest.Constant(300)))
		slowly := slow(gpu, 5*time.Minute, 0)
		ctx, run := begin(t, append(host.options(tracertest.NewMeter(node), slowly), inGermany(),
			tracer.IdlePower(map[string]float64{"cpu0": 10}), tracer.Grid(ofIntensity(hourOf)))...)
		with(ctx, 90*time.Minute, "prepare", tracer.In(lifecycle.DataPreparation))
		inner, s := tracer.Start(ctx, "train", tracer.In(lifecycle.Training), tracer.OnDevices("gpu0"))
		_, beside := tracer.Start(inner, "watch", tracer.In(lifecycle.Monitoring), tracer.Async())
		time.Sleep(30 * time.Minute)
		gpu.Silence("gpu0")
		time.Sleep(3 * time.Hour)
		beside.End()
		s.End()
		time.Sleep(30 * time.Minute)
		rec := finish(t, run)
		train := profileOf(t, rec, lifecycle.Training)
		assert.Equal(t, 3600.0, train.StepS)
		assert.Equal(t, 1, train.Start.Hour())
		for _, j := range train.EnergyJ[2:4] {
			assert.InEpsilon(t, train.EnergyJ[1], j, 0.01, "what was not read is spread evenly over the gap")
		}
		// The GPU is the run's from its begin: before the claim it is nobody's.
		un := profileOf(t, rec, lifecycle.Unassigned)
		assert.InEpsilon(t, 300*3600, un.EnergyJ[0], 0.01)
		assert.Len(t, un.EnergyJ, 6)
		var grams float64
		for _, p := range rec.Phases {
			if p.OperationalGCO2e != nil {
				grams += p.OperationalGCO2e.Value
			}
		}
		assert.InEpsilon(t, rec.Totals.OperationalGCO2e.Value, grams, 1e-9)
	})
}

func TestSeveralRunsOfAProcessHaveTheirOwnHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := simple(t, inGermany(), tracer.Grid(ofIntensity(hourOf)))
		other := tracer.BeginBeside(run, inGermany(), tracer.Sinks(new(tracertest.Recorder)))
		for i := range 6 {
			with(ctx, time.Hour, "train")
			with(tracer.ContextOf(context.Background(), other), time.Hour, "step"+strconv.Itoa(i))
		}
		alone := finish(t, other)
		assert.Empty(t, profileOf(t, alone, lifecycle.Unassigned))
		rec := finish(t, run)
		train := profileOf(t, rec, lifecycle.Training)
		even := slices.IndexFunc(train.EnergyJ, func(j float64) bool { return j < 1000 })
		assert.Equal(t, 1, even, "every second hour")
	})
}

// Whatever a source says, a record takes only what it can hold.
func FuzzGridAnswer(f *testing.F) {
	f.Add(100.0, 90.0, 110.0, "2026-03-01T00:00:00Z", 3600.0, []byte{10, 20, 30, 40, 50}, int64(2*3600))
	f.Add(100.0, 90.0, 110.0, "2026-03-01T00:00:00+05:30", 300.0, bytes.Repeat([]byte{10}, 200), int64(5*3600))
	f.Add(0.0, 0.0, 0.0, "2026-03-01T00:00:00Z", 1e9, []byte{0}, int64(3600))
	f.Add(1.0, 1.0, 1.0, "2026-02-28T00:00:00Z", 86400.0, []byte{0, 1, 2}, int64(40*3600))
	f.Add(5.0, 1e-300, 1e300, "1600-01-01T00:00:00Z", 1e-9, []byte{}, int64(1))
	from := time.Date(2026, 3, 1, 0, 10, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, low, high float64, start string, stepS float64, steps []byte, length int64) {
		in := factors.Factor{
			ID: "grid.live", Kind: factors.Grid, Value: value, Low: low, High: high, Unit: "gCO2e/kWh", Signal: "average", Accounting: "location",
			Basis: "lifecycle", Mix: "consumption", GWP: "unstated", Found: factors.Live, Source: "a grid", SourceYear: 2026, Quality: "A",
			Series: &factors.Series{Start: start, StepS: stepS},
		}
		for _, s := range steps {
			in.Series.Value = append(in.Series.Value, float64(s))
		}
		to := from.Add(time.Duration(max(length, 1)%(100*24*3600)) * time.Second)
		got, err := tracer.Believe(in, factors.Grid, from, to)
		if err != nil {
			return
		}
		require.NoError(t, got.Check())
		if to.Sub(from) < time.Hour {
			require.Nil(t, got.Series)
			return
		}
		var sum float64
		for _, v := range got.Series.Value {
			require.True(t, v >= 0 && v <= 255.001, "%v is of the series", v)
			sum += v
		}
		require.InDelta(t, got.Value, sum/float64(len(got.Series.Value)), 1e-9*max(got.Value, 1))
		begin, err := time.Parse(time.RFC3339, got.Series.Start)
		require.NoError(t, err)
		require.False(t, begin.After(from))
		require.False(t, begin.Add(time.Duration(len(got.Series.Value))*15*time.Minute).Before(to))
	})
}
