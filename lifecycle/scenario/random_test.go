package scenario

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

type dice struct{ *rand.Rand }

func roll(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 7))} }

func (d dice) between(low, high float64) float64 {
	return low * math.Exp(d.Float64()*math.Log(high/low))
}

// input is a figure within a range, mostly with an interval.
func (d dice) input(low, high float64) *Input {
	v := d.between(low, high)
	if d.IntN(3) == 0 {
		return Exactly(v)
	}
	return Between(v, v/d.between(1, 2), v*d.between(1, 2))
}

func (d dice) change() *Input { // a growth or a decline
	switch v := d.Float64()*0.6 - 0.2; d.IntN(3) {
	case 0:
		return nil
	case 1:
		return Exactly(v)
	default:
		return Between(v, v-0.1, v+0.1)
	}
}

// scenario is one by chance, of all that a scenario can have.
func (d dice) scenario() *Scenario {
	s := &Scenario{
		Start: 2026, Years: 1 + d.IntN(12),
		Places: map[string]Place{}, Devices: map[string]Fleet{}, Services: map[string]Service{},
	}
	for i := range 1 + d.IntN(2) {
		s.Places[fmt.Sprint("p", i)] = Place{Grid: d.input(20, 900), GridDecline: Between(0.03, 0.01, 0.06), PUE: Between(1.3, 1.1, 1.6), WUE: d.input(0.1, 2), EWIF: d.input(1, 4)}
	}
	place := func() string { return fmt.Sprint("p", d.IntN(len(s.Places))) }
	device := func() Fleet {
		return Fleet{Place: place(), Production: d.input(1e4, 2e6), EndOfLife: d.input(100, 2e4), Lifetime: d.input(year, 9*year), ActivePower: d.input(20, 700), IdlePower: d.input(1, 20)}
	}
	for i := range 1 + d.IntN(3) {
		f := device()
		f.Count, f.Growth, f.Duty = d.input(1, 1000), d.change(), Exactly(d.Float64())
		if d.IntN(3) == 0 {
			f.Age = Exactly(d.between(0.1, 5) * year)
		}
		s.Devices[fmt.Sprint("own", i)] = f
	}
	sized := device()
	sized.AsNeeded, sized.Busiest = true, Exactly(0.6)
	s.Devices["sized"] = sized
	rented := device()
	rented.Rented, rented.IdlePower, rented.Utilisation = true, nil, Between(0.5, 0.2, 0.9)
	s.Devices["rented"] = rented
	s.Services["work"] = Service{
		Unit: "request", Place: place(), Rate: d.input(0.01, 100), Growth: d.change(),
		Work: map[string]Work{
			"pretrain":   {Time: d.input(1e6, 1e9), On: "rented"},
			"retrain":    {Energy: d.input(1e9, 1e12), Every: d.input(year/24, 2*year), From: 2026 + d.IntN(s.Years)},
			"serve":      {Time: perRequest(d.input(0.1, 2)), On: "sized"},
			"infer":      {Energy: perRequest(d.input(10, 1e4)), Share: Exactly(0.5), Scale: d.input(0.5, 2)},
			"monitor":    {Power: d.input(10, 1000)},
			"store-data": {Stored: d.input(1e9, 1e14), Media: "ssd"},
		},
	}
	return s
}

func perRequest(in *Input) *Input {
	in.Per = "request"
	return in
}

func sumOf(o *outcome, asItOccurs bool, figure int, phases []int) float64 {
	sums := o.sums(asItOccurs)
	return sums.of(figure, phases)
}

// once computes a scenario at its best estimates.
func once(t testing.TB, s *Scenario) (*model, *outcome) {
	t.Helper()
	m := compiled(s)
	require.Empty(t, m.errs)
	var o outcome
	m.evaluate(m.best(), &o)
	return m, &o
}

func TestPhasesAndYearsAddUp(t *testing.T) {
	for seed := range uint64(3) {
		r, err := roll(seed).scenario().run(200)
		require.NoError(t, err)
		for _, v := range []*View{&r.Amortised, &r.Occurring} {
			for _, name := range []string{"energy", "facility", "gco2e", "water"} {
				var phases, years float64
				for _, p := range v.Phases {
					phases += p.Total.Figure(name).Value
					var of float64
					for _, y := range p.ByYear {
						of += y.Figure(name).Value
					}
					assert.InEpsilon(t, 1+p.Total.Figure(name).Value, 1+of, 1e-9, "%s of %s", name, p.Phase)
				}
				for y := range v.ByYear {
					years += v.ByYear[y].Figure(name).Value
					assert.InEpsilon(t, years, v.Cumulative[y].Figure(name).Value, 1e-9)
				}
				all := v.Total.Figure(name).Value
				assert.InEpsilon(t, all, phases, 1e-9, name)
				assert.InEpsilon(t, all, years, 1e-9, name)
			}
		}
		var parts float64
		for _, p := range r.Parts {
			parts += p.GCO2e
		}
		assert.InEpsilon(t, r.Amortised.Total.GCO2e.Value, parts, 1e-9)
		assert.Equal(t, r.Amortised.Total.EnergyJ, r.Occurring.Total.EnergyJ, "energy has no two ways")
	}
}

// What is paid, and what was paid before the start, is used or left: of any
// fleet, however it grows or shrinks.
func TestWhatIsPaidIsUsedOrLeft(t *testing.T) {
	for seed := range uint64(500) {
		s := roll(seed).scenario()
		m, o := once(t, s)
		occurring, used := sumOf(o, true, gco2e, []int{production}), sumOf(o, false, gco2e, []int{production})
		gone, usedUp := sumOf(o, true, gco2e, []int{endOfLife}), sumOf(o, false, gco2e, []int{endOfLife})
		var before, owed float64
		for i := range m.fleets {
			f := s.Devices[m.fleets[i].name]
			if f.Age == nil {
				continue
			}
			if f.Age.Value >= f.Lifetime.Value {
				owed += f.Count.Value * f.EndOfLife.Value // all of it is used up
				continue
			}
			before += f.Count.Value * f.Production.Value * (1 - f.Age.Value/f.Lifetime.Value)
			owed += f.Count.Value * f.EndOfLife.Value * f.Age.Value / f.Lifetime.Value
		}
		require.InEpsilon(t, occurring+before, used+o.left[gco2e], 1e-9, "production, seed %d", seed)
		require.InDelta(t, gone+o.owed[gco2e], usedUp+owed, 1e-9*(1+usedUp+owed), "end of life, seed %d", seed)
	}
}

func TestOverFullLifetimesBothWaysComeToTheSame(t *testing.T) {
	for _, years := range []int{3, 6, 12} {
		for _, life := range []float64{0.5, 1, 1.5, 3} {
			s := &Scenario{Start: 2026, Years: years, Places: map[string]Place{"p": {Grid: Exactly(100)}}, Devices: map[string]Fleet{
				"d": {Count: Exactly(7), Production: Exactly(1000), EndOfLife: Exactly(10), Lifetime: Exactly(life * year), ActivePower: Exactly(0)},
			}}
			_, o := once(t, s)
			want := 7 * 1000 * float64(years) / life
			assert.InEpsilon(t, want, sumOf(o, true, gco2e, []int{production}), 1e-9)
			assert.InEpsilon(t, want, sumOf(o, false, gco2e, []int{production}), 1e-9)
			assert.InEpsilon(t, want/100, sumOf(o, true, gco2e, []int{endOfLife}), 1e-9, "the last end with the last year")
			assert.InEpsilon(t, want/100, sumOf(o, false, gco2e, []int{endOfLife}), 1e-9)
			assert.InDelta(t, 0, o.left[gco2e], 1e-6)
		}
	}
}

func TestTwiceTheRateIsTwiceTheInference(t *testing.T) {
	for seed := range uint64(100) {
		s := roll(seed).scenario()
		work := s.Services["work"]
		delete(work.Work, "monitor") // goes on whatever is asked
		delete(work.Work, "serve")   // on whole devices
		delete(s.Devices, "sized")
		_, a := once(t, s)
		work.Rate = Exactly(2 * work.Rate.Value)
		s.Services["work"] = work
		_, b := once(t, s)
		for k := range nFigures {
			require.InDelta(t, 2*sumOf(a, false, k, []int{inference}), sumOf(b, false, k, []int{inference}), 1e-6*(1+sumOf(a, false, k, []int{inference})))
			require.Equal(t, sumOf(a, false, k, []int{training}), sumOf(b, false, k, []int{training}))
		}
	}
}

func TestALongerLifeIsNeverMoreProduction(t *testing.T) {
	for seed := range uint64(30) {
		s := roll(seed).scenario()
		delete(s.Services["work"].Work, "pretrain")
		delete(s.Devices, "rented")
		last := [2]float64{math.Inf(1), math.Inf(1)}
		for life := 0.5; life < 12; life += 0.25 {
			for name, f := range s.Devices {
				f.Lifetime, f.Growth, f.Age = Exactly(life*year), nil, nil
				s.Devices[name] = f
			}
			_, o := once(t, s)
			for i := range last {
				v := sumOf(o, i == 1, gco2e, []int{production})
				require.LessOrEqual(t, v, last[i]*(1+1e-9), "seed %d, %v years", seed, life)
				last[i] = v
			}
		}
	}
}

// A scenario of which a record could be made is a sum of products: its bounds are
// those of package lognormal, which tests of its own hold to other draws.
func TestBoundsAreThoseOfARecord(t *testing.T) {
	for seed := range uint64(4) {
		d := roll(seed)
		grid, pue, power, life, made := d.input(100, 400), Between(1.3, 1.15, 1.5), d.input(10, 100), d.input(3*year, 6*year), d.input(1e5, 1e6)
		s := &Scenario{Start: 2026, Years: 5, Places: map[string]Place{"p": {Grid: grid, PUE: pue, WUE: Exactly(0), EWIF: Exactly(0)}}, Devices: map[string]Fleet{
			"d": {Count: Exactly(3), Production: made, EndOfLife: Exactly(0), Lifetime: life, ActivePower: power, Duty: Exactly(1)},
		}}
		r, err := s.Run()
		require.NoError(t, err)
		v := lognormal.Intervals{}
		for _, in := range []*Input{grid, pue, power, life, made} {
			v.Sources = append(v.Sources, lognormal.New(in.Value, in.Low, in.High))
		}
		kWh := 3 * 5 * 8.766 * power.Value
		use, production := kWh*pue.Value*grid.Value, 3*5*year/life.Value*made.Value
		skew := func(k int) float64 { return v.Sources[k].Skew }
		low, high := v.Bounds(use+production, []lognormal.Term{
			{Median: use * skew(0) * skew(1) * skew(2), Product: lognormal.Product{}.Times(0).Times(1).Times(2)},
			{Median: production * skew(4) / skew(3), Product: lognormal.Product{}.Times(4).Over(3)},
		})
		q := r.Amortised.Total.GCO2e
		assert.InEpsilon(t, use+production, q.Value, 1e-9)
		assert.InEpsilon(t, low, q.Low, 0.02, "seed %d", seed)
		assert.InEpsilon(t, high, q.High, 0.02, "seed %d", seed)
	}
}

// Growth, decline and whole cohorts are no sums of products: here other draws
// are taken, plainly, of a formula written out anew.
func TestBoundsHoldToPlainDraws(t *testing.T) {
	s := &Scenario{
		Start: 2026, Years: 4,
		Places: map[string]Place{"p": {Grid: Between(300, 200, 450), GridDecline: Between(0.05, 0.01, 0.1), PUE: Exactly(1.2), WUE: Exactly(0), EWIF: Exactly(0)}},
		Devices: map[string]Fleet{
			"d": {Count: Exactly(10), Production: Between(1e5, 5e4, 2e5), EndOfLife: Exactly(0), Lifetime: Between(2.5*year, 1.5*year, 4*year), ActivePower: Exactly(0)},
		},
		Services: map[string]Service{"s": {Unit: "request", Rate: Between(1, 0.5, 2), Growth: Between(0.3, 0.1, 0.6), Work: map[string]Work{"serve": {Energy: &Input{Interval: lifecycle.Interval{Value: 100, Low: 60, High: 150}, Per: "request"}}}}},
	}
	r, err := s.Run()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(value, low, high float64) float64 {
		return math.Sqrt(low*high) * math.Exp(math.Log(high/low)/2/1.959964*rng.NormFloat64())
	}
	const n = 100_000
	use, bought := make([]float64, n), make([]float64, n)
	for i := range n {
		grid, keep := draw(300, 200, 450), draw(0.95, 0.9, 0.99)
		rate, growth, joules := draw(1, 0.5, 2), draw(1.3, 1.1, 1.6), draw(100, 60, 150)
		made, life := draw(1e5, 5e4, 2e5), draw(2.5, 1.5, 4)
		for y := range 4 {
			use[i] += rate * math.Pow(growth, float64(y)) * year * joules / 3.6e6 * 1.2 * grid * math.Pow(keep, float64(y))
		}
		for at := 0.0; at < 4; at += life {
			bought[i] += 10 * made
		}
	}
	for _, c := range []struct {
		drawn []float64
		phase int
	}{{use, 1}, {bought, 0}} {
		want := interval(0, c.drawn)
		got := r.Occurring.Phases[c.phase].Total.GCO2e
		assert.InEpsilon(t, want.High, got.High, 0.02)
		assert.InEpsilon(t, quantile(c.drawn, 0.025), got.Low, 0.02)
	}
}

func TestOneErrorIsSharedByAllThatHaveIt(t *testing.T) {
	s := &Scenario{Start: 2026, Years: 3, Places: map[string]Place{"p": {Grid: Between(300, 150, 600)}}, Services: map[string]Service{
		"s": {Work: map[string]Work{"train": {Energy: Exactly(3.6e9)}, "monitor": {Power: Exactly(100)}}},
	}}
	r, err := s.Run()
	require.NoError(t, err)
	for _, q := range []lifecycle.Interval{r.Amortised.Phases[0].Total.GCO2e, r.Amortised.Total.GCO2e, r.Amortised.ByYear[2].GCO2e} {
		assert.InEpsilon(t, r.Amortised.Total.GCO2e.High/r.Amortised.Total.GCO2e.Value, q.High/q.Value, 1e-3, "a sum over years is no surer than a year of it")
	}
}

func TestExtremeScenariosAreRefusedOrFinite(t *testing.T) {
	device := Fleet{Count: Exactly(1e15), Production: Exactly(1e15), EndOfLife: Exactly(1e15), Lifetime: Exactly(year / 12), ActivePower: Exactly(1e12), Duty: Exactly(1)}
	places := map[string]Place{"p": {Grid: Between(1e4, 1e-3, 1e4)}}
	for name, s := range map[string]*Scenario{
		"everything at its most":  {Start: 2026, Years: MaxYears, Places: places, Devices: map[string]Fleet{"d": device}},
		"growth of 100 times":     {Start: 2026, Years: MaxYears, Places: places, Services: map[string]Service{"s": {Unit: "x", Rate: &Input{Interval: lifecycle.Interval{Value: 1e12, Low: 1e12, High: 1e12}, Per: "x"}, Growth: Exactly(100), Work: map[string]Work{"serve": {Energy: &Input{Interval: lifecycle.Interval{Value: 1e21, Low: 1e21, High: 1e21}, Per: "x"}}}}}},
		"a rate of 0":             {Start: 2026, Years: 2, Places: places, Services: map[string]Service{"s": {Unit: "x", Rate: &Input{Per: "x"}, Work: map[string]Work{"serve": {Energy: &Input{Per: "x"}}}}}},
		"no work at all":          {Start: 2026, Years: 1, Services: map[string]Service{"s": {}}},
		"a life beyond the years": {Start: 2026, Years: 1, Places: places, Devices: map[string]Fleet{"d": {Count: Exactly(1), Production: Exactly(1), EndOfLife: Exactly(0), Lifetime: Exactly(1e15), ActivePower: Exactly(0)}}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := s.run(200)
			if err != nil {
				assert.ErrorContains(t, err, "too great")
				return
			}
			for _, q := range []lifecycle.Interval{r.Amortised.Total.GCO2e, r.Occurring.Total.GCO2e, r.Amortised.Total.WaterL} {
				for _, v := range []float64{q.Value, q.Low, q.High} {
					assert.False(t, math.IsNaN(v) || math.IsInf(v, 0))
				}
			}
		})
	}
	for _, years := range []int{0, -1, MaxYears + 1} {
		_, err := (&Scenario{Start: 2026, Years: years, Devices: map[string]Fleet{"d": device}}).Run()
		assert.ErrorContains(t, err, "years")
	}
}

func BenchmarkRun(b *testing.B) {
	s := example(b, "llm-service")
	for b.Loop() {
		if _, err := s.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSelectionFindsWhatSortingDoes(t *testing.T) {
	for seed := range uint64(200) {
		d := roll(seed)
		v := make([]float32, 1+d.IntN(300))
		for i := range v {
			v[i] = float32(d.IntN(50))
		}
		sorted := slices.Sorted(slices.Values(v))
		k := d.IntN(len(v))
		sortAround(v, k)
		require.Equal(t, sorted[k], v[k])
		require.ElementsMatch(t, sorted[:k], v[:k])
	}
}
