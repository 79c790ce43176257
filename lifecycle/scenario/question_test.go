package scenario

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// plain is a service in one place, of one work, and a device.
func plain() *Scenario {
	return &Scenario{
		Start: 2026, Years: 4,
		Places:  map[string]Place{"p": {Grid: Between(300, 100, 900), PUE: Exactly(1), WUE: Exactly(0), EWIF: Exactly(0)}},
		Devices: map[string]Fleet{"d": {Count: Exactly(1), Production: Exactly(1000), EndOfLife: Exactly(0), Lifetime: Exactly(4 * year), ActivePower: Exactly(0)}},
		Services: map[string]Service{"s": {Work: map[string]Work{
			"train":   {Energy: Exactly(3.6e6)},
			"monitor": {Power: Exactly(1000. / 8766)}, // 1 kWh a year
		}}},
	}
}

func TestWhatTwoSidesShareCancelsOut(t *testing.T) {
	a, err := plain().Ask(Question{Set: map[string]string{"services.s.work.monitor.scale": "0.9"}})
	require.NoError(t, err)
	d := a.Lead()
	assert.Equal(t, lifecycle.Lower, d.Verdict, "a tenth less of the work is less, whatever the grid")
	assert.Equal(t, 1., d.Lower)
	assert.Less(t, d.A.Low, d.B.High/3, "though the grid alone goes from 100 to 900")
	assert.InEpsilon(t, -0.1*4*300, d.Difference.Value, 1e-9)
	assert.InEpsilon(t, -0.1*4*900, d.Difference.Low, 0.02)
	require.Len(t, d.Drivers, 1)
	assert.Equal(t, "s/monitor", d.Drivers[0].Hardware)
	assert.InEpsilon(t, d.Difference.Value, d.Drivers[0].Difference, 1e-9)

	a, err = plain().Ask(Question{Set: map[string]string{"places.p.grid": "290 gCO2e/kWh (90 to 900)"}})
	require.NoError(t, err)
	assert.Equal(t, lifecycle.NotToldApart, a.Lead().Verdict, "another grid has an error of its own")

	a, err = plain().Ask(Question{Set: map[string]string{"places.p.country": "FR"}})
	require.NoError(t, err)
	assert.Zero(t, a.Lead().Lower+a.Lead().Higher, "nothing that counts has changed")
	assert.Equal(t, 0., a.PaysBack.Probability)
}

func TestNewHardwarePaysBackWhenItsProductionIsSaved(t *testing.T) {
	s := plain()
	s.Services["s"].Work["monitor"] = Work{Power: Between(2000./8766, 1000./8766, 4000./8766)} // 2 kWh a year
	s.Places["p"] = Place{Grid: Exactly(300), PUE: Exactly(1), WUE: Exactly(0), EWIF: Exactly(0)}
	a, err := s.Ask(Question{AsItOccurs: true, Set: map[string]string{
		"devices.new":                   "{count: 1, production: 900 gCO2e, end-of-life: 0 gCO2e, lifetime: 8 years, active-power: 0 W}",
		"services.s.work.monitor.scale": "0.5",
	}})
	require.NoError(t, err)
	require.NotNil(t, a.PaysBack.Years)
	assert.InEpsilon(t, 3, *a.PaysBack.Years, 1e-6, "900 g at 1 kWh × 300 g a year")
	assert.InEpsilon(t, 1.5, *a.PaysBack.Low, 0.02, "and at twice that")
	assert.Nil(t, a.PaysBack.High, "at half of it not in four years")
	// It pays back within four years where the saving is 225 g a year or more, 0.75
	// of the median: ln 0.75 / (ln 4 / 3.92) = −0.8135 deviations, which is exceeded
	// with a probability of 0.792.
	assert.InDelta(t, 0.792, a.PaysBack.Probability, 0.002)
	assert.InEpsilon(t, 900-4*300, a.Lead().Difference.Value, 1e-9, "of the new device all is paid")
	assert.InEpsilon(t, 450-4*300, a.Otherwise.Difference.Value, 1e-9, "and half of it is used")
}

func TestInferencePassesTraining(t *testing.T) {
	r, err := plain().Run()
	require.NoError(t, err)
	require.Len(t, r.Passings, 2)
	p := r.Passings[0]
	assert.Equal(t, lifecycle.PhaseInference, p.Phase)
	assert.InEpsilon(t, 1, *p.Years, 1e-6, "1 kWh of training, 1 kWh a year")
	assert.InEpsilon(t, 1, *p.High, 1e-6, "on the same grid, whatever it is")
	assert.Equal(t, 1., p.Probability)
}

func TestACurveRisesAboveNothingWhenItDoes(t *testing.T) {
	for _, c := range []struct {
		name  string
		slope []float64
		steps []step
		want  float64
	}{
		{"never", []float64{0, 0}, nil, math.Inf(1)},
		{"down", []float64{-1, -1}, nil, math.Inf(1)},
		{"from the start", []float64{1}, nil, 0},
		{"a step down, then up", []float64{1, 1, 1}, []step{{0, -1.5}}, 1.5},
		{"two steps of one moment", []float64{1, 1}, []step{{0, 3}, {0, -4}}, 1},
		{"a step up", []float64{-1, -1}, []step{{1.25, 5}}, 1.25},
		{"up and down again", []float64{1, -5}, []step{{0, -0.5}}, 0.5},
		{"too late", []float64{1, 1}, []step{{0, -2.5}}, math.Inf(1)},
		{"steps out of order", []float64{1, 1}, []step{{1, 5}, {0, -1.2}}, 1},
	} {
		curve := curve{slope: c.slope, steps: c.steps}
		if got := curve.above(); math.IsInf(c.want, 1) {
			assert.True(t, math.IsInf(got, 1), "%s: %v", c.name, got)
		} else {
			assert.InDelta(t, c.want, got, 1e-9, c.name)
		}
	}
	rounded := curve{slope: []float64{1, 1}, steps: []step{{0, 1}, {0, -1 - 1e-14}}}
	assert.Zero(t, rounded.above(), "what is rounding takes no time")
	for seed := range uint64(300) { // held to small steps
		d := roll(seed)
		c := curve{slope: make([]float64, 5)}
		for y := range c.slope {
			c.slope[y] = d.NormFloat64()
		}
		for range d.IntN(6) {
			c.steps = append(c.steps, step{float64(d.IntN(500)) / 100, 2 * d.NormFloat64()})
		}
		want, sum := math.Inf(1), 0.0
		const fine = 20_000
		for i := range 5 * fine {
			at := float64(i) / fine
			for _, s := range c.steps {
				if s.at >= at-1e-9 && s.at < at+1./fine-1e-9 {
					sum += s.by
				}
			}
			if sum += c.slope[i/fine] / fine; sum > 1e-9 {
				want = at
				break
			}
		}
		got := c.above()
		require.Equal(t, math.IsInf(want, 1), math.IsInf(got, 1), "seed %d: %v, %v", seed, want, got)
		if !math.IsInf(want, 1) {
			require.InDelta(t, want, got, 2./fine, "seed %d", seed)
		}
	}
}

func TestWhatMattersMost(t *testing.T) {
	s := plain()
	list, err := s.Tornado("", false)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "places.p.grid", list[0].Path)
	assert.InEpsilon(t, 1, list[0].Share, 0.02, "all of the variance is that of the only uncertain input")
	assert.InEpsilon(t, 1000+5*100., list[0].AtLow, 1e-6)
	assert.InEpsilon(t, 1000+5*900., list[0].AtHigh, 1e-6)

	d := s.Devices["d"]
	d.Production = Between(1000, 950, 1050)
	s.Devices["d"] = d
	s.Services["s"].Work["monitor"] = Work{Power: Between(1000./8766, 700./8766, 1400./8766)}
	list, err = s.Tornado("gco2e", false)
	require.NoError(t, err)
	var paths []string
	sum := 0.0
	for _, f := range list {
		paths = append(paths, f.Path)
		sum += f.Share
	}
	assert.Equal(t, []string{"places.p.grid", "services.s.work.monitor.power", "devices.d.production"}, paths, "the widest first")
	assert.Less(t, sum, 1.01)
	assert.Greater(t, list[0].Share, list[1].Share)
	list, err = s.Tornado("energy", false)
	require.NoError(t, err)
	assert.Equal(t, "services.s.work.monitor.power", list[0].Path)
	assert.Zero(t, list[1].AtHigh-list[1].AtLow, "a grid makes no energy")
	_, err = s.Tornado("cost", false)
	assert.ErrorContains(t, err, "nothing has a price")
	_, err = s.Tornado("co2", false)
	assert.ErrorContains(t, err, "there is no figure")
}

// puzzle is a problem by chance: some knobs with whole values, and a constraint.
func puzzle(seed uint64) *Scenario {
	d := roll(seed)
	s := plain()
	s.Knobs, s.Constraints = map[string]Knob{}, map[string]Constraint{}
	works := s.Services["s"]
	works.Accuracy = Exactly(0.9)
	for _, name := range []string{"a", "b", "c", "d"} {
		work := "train-" + name
		works.Work[work] = Work{Energy: Exactly(d.between(1e5, 1e7)), Every: Exactly(year)}
		s.Knobs[name] = Knob{Path: "services.s.work." + work + ".every", From: "2 months", To: "26 months", Step: "2 months"}
		s.Knobs["power-"+name] = Knob{Options: map[string]map[string]string{
			"x": {"services.s.work." + work + ".scale": "1", "services.s.accuracy": "91 %"},
			"y": {"services.s.work." + work + ".scale": "0.6", "services.s.accuracy": "88 %"},
		}}
	}
	s.Services["s"] = works
	s.Knobs["life"] = Knob{Path: "devices.d.lifetime", Values: []string{"2 years", "3 years", "5 years"}}
	s.Constraints["accuracy"] = Constraint{Of: "services.s.accuracy", AtLeast: "90 %"}
	s.Constraints["often"] = Constraint{Of: "services.s.work.train-a.every", AtMost: "14 months"}
	s.Constraints["energy"] = Constraint{Of: "energy", AtMost: "1000 kWh"}
	return s
}

func TestTheSearchFindsWhatTryingAllDoes(t *testing.T) {
	for seed := range uint64(2) {
		s := puzzle(seed)
		for name := range s.Knobs { // 13 × 13 × 2 × 3 settings are all tried
			if name != "a" && name != "b" && name != "power-a" && name != "life" {
				delete(s.Knobs, name)
			}
		}
		p, err := s.problem(compiled(s))
		require.NoError(t, err)
		p.all()
		q, err := s.problem(compiled(s))
		require.NoError(t, err)
		q.search()
		require.Equal(t, 13*13*6, len(p.seen))
		assert.Less(t, len(q.seen), len(p.seen))
		require.NotNil(t, q.best(-1))
		assert.InEpsilon(t, p.best(-1).value, q.best(-1).value, 1e-9, "seed %d", seed)
	}
}

func TestTheOptimumSaysWhatBinds(t *testing.T) {
	s := plain()
	s.Services["s"].Work["retrain"] = Work{Energy: Between(3.6e6, 3e6, 5e6), Every: Exactly(year / 2)}
	s.Knobs = map[string]Knob{
		"often":    {Path: "services.s.work.retrain.every", Values: []string{"6 months", "12 months", "24 months"}},
		"lifetime": {Path: "devices.d.lifetime", From: "2 years", To: "8 years"},
	}
	s.Constraints = map[string]Constraint{
		"fresh": {Of: "services.s.work.retrain.every", AtMost: "12 months"},
		"cheap": {Of: "energy", AtMost: "1 MWh"},
	}
	o, err := s.Optimise()
	require.NoError(t, err)
	assert.True(t, o.Exhausted)
	assert.Equal(t, []Setting{{"lifetime", "8 years"}, {"often", "12 months"}}, o.Settings)
	// 1000 g / 8 × 4, and (1 + 4 + 4) kWh.
	assert.InEpsilon(t, 500+9*300, o.Value, 1e-9)
	assert.InEpsilon(t, 1000+13*300, o.Today, 1e-9)
	assert.Equal(t, lifecycle.Lower, o.Answer.Lead().Verdict)
	require.Len(t, o.Constraints, 2)
	assert.False(t, o.Constraints[0].Binds)
	assert.True(t, o.Constraints[1].Binds)
	assert.InEpsilon(t, 2*300, o.Constraints[1].Gain, 1e-9, "every other year would be two trainings less")

	s.Constraints["impossible"] = Constraint{Of: "energy", AtMost: "8 kWh"}
	_, err = s.Optimise()
	assert.ErrorContains(t, err, "keeps to all of them; the closest misses impossible: 32 400 000, bound 28 800 000")
	s.Constraints["impossible"] = Constraint{Of: "services.s.speed", AtMost: "1 kWh"}
	_, err = s.Optimise()
	assert.ErrorContains(t, err, "neither a figure")
	_, err = plain().Optimise()
	assert.ErrorContains(t, err, "there are none")
}

// A range without a step has its best where no value of the grid is.
func TestBetweenTheValuesOfARangeTheBestIsFound(t *testing.T) {
	s := plain()
	s.Services["s"].Work["train-more"] = Work{Energy: Exactly(3.6e6), Every: Exactly(year / 2)}
	s.Knobs = map[string]Knob{"every": {Path: "services.s.work.train-more.every", From: "100 days", To: "1000 days"}}
	s.Constraints = map[string]Constraint{"fresh": {Of: "services.s.work.train-more.every", AtMost: "333 days"}}
	o, err := s.Optimise()
	require.NoError(t, err)
	// Trainings of four years: at 100 days 15, at 333 days 5.
	assert.InEpsilon(t, 1000+(1+4+5)*300., o.Value, 1e-9)

	d := s.Devices["d"]
	d.Lifetime = Exactly(3 * year)
	s.Devices["d"] = d
	s.Knobs = map[string]Knob{"life": {Path: "devices.d.lifetime", From: "2 years", To: "9 years"}}
	s.Constraints = map[string]Constraint{"life": {Of: "devices.d.lifetime", AtMost: "5.777 years"}}
	o, err = s.Optimise()
	require.NoError(t, err)
	got, err := s.With(o.Changes)
	require.NoError(t, err)
	assert.InDelta(t, 5.777, got.Devices["d"].Lifetime.Value/year, 0.35/64)
}

func TestDevicesNeedTimeForTheirWork(t *testing.T) {
	s := plain()
	s.Services["s"] = Service{Unit: "request", Rate: &Input{Interval: Exactly(1).Interval, Per: "request"}, Work: map[string]Work{
		"serve": {Time: &Input{Interval: Exactly(5).Interval, Per: "request"}, On: "d"},
	}}
	f := s.Devices["d"]
	f.Count, f.ActivePower, f.IdlePower, f.Busiest = Exactly(10), Exactly(100), Exactly(10), Exactly(0.5)
	s.Devices["d"] = f
	s.Knobs = map[string]Knob{"count": {Path: "devices.d.count", From: "1", To: "20", Step: "1"}}
	o, err := s.Optimise()
	require.NoError(t, err)
	assert.Equal(t, "10", o.Settings[0].Value, "five devices' time, no more than half of each")
	assert.Equal(t, "time of d", o.Constraints[0].Name)
	assert.True(t, o.Constraints[0].Binds)

	f.Count, f.AsNeeded = nil, true
	s.Devices["d"] = f
	r, err := s.Run()
	require.NoError(t, err)
	assert.Equal(t, 10., r.Fleets[0].Count[0])
	assert.InEpsilon(t, 0.5, r.Fleets[0].Busy[0], 1e-9)
	assert.InEpsilon(t, 4*8766*(10*10+5*90.)*3600, r.Amortised.Total.EnergyJ.Value, 1e-9, "ten idle, and what five draw beyond")
	f.AsNeeded, f.Count = false, Exactly(4)
	s.Devices["d"] = f
	r, err = s.Run()
	require.NoError(t, err)
	assert.Contains(t, r.Notes, "d: the work of 2026 takes 10 devices, and there are 4")
}

func TestGreenerHoursAreThoseOfTheSchedule(t *testing.T) {
	s := plain()
	p := s.Places["p"]
	p.Hours = slices.Repeat([]float64{100}, 24)
	for h := 2; h < 6; h++ {
		p.Hours[h] = 40
	}
	s.Places["p"] = p
	s.Services["s"].Work["batch-inference"] = Work{Energy: Exactly(3.6e6), Every: Exactly(86400)}
	a, err := s.Ask(Question{Set: map[string]string{"services.s.work.batch-inference.greener-hours": "4 h"}})
	require.NoError(t, err)
	// The day's mean is 90, and the four hours are 40 of it.
	days := 4 * 365.25
	assert.InEpsilon(t, -days*300*(1-40./90), a.Lead().Difference.Value, 1e-9)
	assert.Equal(t, lifecycle.Lower, a.Lead().Verdict)
	assert.Equal(t, lifecycle.NotToldApart, func() lifecycle.Verdict { e := a.Figures[3]; return e.Verdict }(), "energy stays what it is")
	_, err = s.With(map[string]string{"services.s.work.batch-inference.greener-hours": "30 h"})
	assert.ErrorContains(t, err, "a part of a day")
}

func TestRentedDevicesPayTheirShare(t *testing.T) {
	s := plain()
	s.Devices["gpu"] = Fleet{Rented: true, Production: Exactly(1e5), EndOfLife: Exactly(1000), Lifetime: Exactly(4 * year), Utilisation: Exactly(0.5), ActivePower: Exactly(400), Rent: &Input{Interval: Exactly(3).Interval, Per: "EUR"}}
	s.Services["s"].Work["train-on-gpu"] = Work{Time: Exactly(1000 * 3600), On: "gpu"}
	a, err := plain().Run()
	require.NoError(t, err)
	b, err := s.Run()
	require.NoError(t, err)
	more := func(f func(*Result) float64) float64 { return f(b) - f(a) }
	assert.InEpsilon(t, 1000*400*3600., more(func(r *Result) float64 { return r.Amortised.Total.EnergyJ.Value }), 1e-9)
	share := 1000. / (4 * 8766 * 0.5)
	for _, view := range []func(*Result) *View{func(r *Result) *View { return &r.Amortised }, func(r *Result) *View { return &r.Occurring }} {
		assert.InEpsilon(t, share*1e5, more(func(r *Result) float64 { return view(r).Phases[0].Total.GCO2e.Value }), 1e-6, "in both ways")
		assert.InEpsilon(t, 3000, view(b).Total.Cost.Value, 1e-9)
	}
}

func TestTheSameScenarioHasTheSameAnswer(t *testing.T) {
	s := roll(5).scenario()
	a, err := s.run(500)
	require.NoError(t, err)
	b, err := s.run(500)
	require.NoError(t, err)
	assert.Equal(t, a, b)
}

func BenchmarkOptimise(b *testing.B) {
	s := example(b, "inspection-fleet")
	p, err := s.problem(compiled(s))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.candidate(p.s); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWhatDrivesADifferenceAddsUpToIt(t *testing.T) {
	for _, name := range Examples() {
		s := example(t, name)
		for question, q := range s.Questions {
			changed, errs := s.with(q.Set, nil)
			require.Empty(t, errs)
			a, x := once(t, changed)
			b, y := once(t, s)
			for k := range nFigures {
				for _, occurs := range []bool{false, true} {
					want := sumOf(x, occurs, k, compared[0].phases) - sumOf(y, occurs, k, compared[0].phases)
					sum := 0.0
					for _, d := range drivers(a, b, x, y, k, occurs) {
						sum += d.Difference
					}
					assert.InDelta(t, want, sum, 1e-9*sumOf(y, occurs, k, compared[0].phases), "%s of %s, %s", figureNames[k], name, question)
				}
			}
		}
	}
}
