package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// grouped is a group of runs.
func grouped(t testing.TB, n int, change func(*made)) *Cohort {
	g := &Cohort{}
	r := rand.New(rand.NewPCG(11, uint64(n)))
	for i := range n {
		m := usualRun(i)
		m.seconds *= math.Exp(0.1 * r.NormFloat64())
		if change != nil {
			change(&m)
		}
		require.True(t, g.Add(m.record(t), Where{}))
	}
	return g
}

func of(c CohortComparison, figure, unit string) CohortDifference {
	for _, d := range c.Figures {
		if d.Figure == figure && d.Unit == unit {
			return d
		}
	}
	return CohortDifference{}
}

// Worlds are drawn in which the truth is known: runs that scatter, meters and
// factors that err. In 95 of 100 the interval must hold the true ratio.
func TestTheIntervalOfTheRatioHoldsTheTruth(t *testing.T) {
	race.SkipStatistics(t)
	type world struct {
		name    string
		na, nb  int
		scatter float64
		meter   float64  // standard deviation of the logarithm of a meter's error
		grid    float64  // of a grid factor's
		gridA   []string // that runs of A are at, in turn; "" is one of its own
		gridB   []string
		least   float64
	}
	worlds := []world{
		{"one grid and meter for all", 8, 8, 0.2, 0.1, 0.3, []string{"x"}, []string{"x"}, 0.923},
		{"a grid for each group", 8, 8, 0.2, 0.1, 0.3, []string{"x"}, []string{"y"}, 0.923},
		{"a grid for each run", 8, 12, 0.2, 0.1, 0.3, []string{""}, []string{""}, 0.923},
		{"grids in part the same", 12, 12, 0.2, 0.1, 0.4, []string{"x", "y", "z"}, []string{"x", "x", "w"}, 0.923},
		{"few runs that scatter much", 4, 3, 0.8, 0.02, 0.1, []string{"x"}, []string{"x"}, 0.923},
		{"many runs that hardly scatter", 40, 30, 0.02, 0.1, 0.2, []string{"x"}, []string{"y"}, 0.923},
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			const times = 600
			held, narrow := 0, 0.0
			for n := range times {
				r := rand.New(rand.NewPCG(uint64(n), 99))
				err := map[string]float64{}
				errorOf := func(input string, sigma float64) float64 {
					if _, there := err[input]; !there {
						err[input] = sigma * r.NormFloat64()
					}
					return err[input]
				}
				var groups [2]*Cohort
				for side, grids := range [][]string{w.gridA, w.gridB} {
					g := &Cohort{}
					g.make()
					for i := range []int{w.na, w.nb}[side] {
						at := grids[i%len(grids)]
						if at == "" {
							at = fmt.Sprint("own", side, i)
						}
						e := math.Exp(w.scatter * r.NormFloat64())
						if side == 0 {
							e *= 0.8
						}
						// What is told is the truth times its error.
						e *= math.Exp(errorOf("meter", w.meter))
						grid := 100 * math.Exp(errorOf(at, w.grid))
						up := math.Exp(1.959964 * w.grid)
						grams := e * grid / 3.6e6
						row := Row{
							Stage: "training/training", HardwareModel: "h", Meter: "meter", MeterError: new(math.Expm1(1.959964 * w.meter)),
							Energy: Figure{Value: &e}, Facility: Figure{Value: &e}, Operational: Figure{Value: &grams}, Grid: Input{at, grid, grid / up, grid * up},
						}
						g.tally("").take([]Row{row}, 1, false)
					}
					groups[side] = g
				}
				d := compareFigure(groups[0], groups[1], "", 1)
				require.NotNil(t, d.Ratio, d.Reasons)
				if d.Ratio.Low <= 0.8 && 0.8 <= d.Ratio.High {
					held++
				}
				narrow += math.Log(d.Ratio.High/d.Ratio.Low) / times
			}
			share := float64(held) / times
			t.Logf("%s: %.3f hold it; they are within a factor of %.2f", w.name, share, math.Exp(narrow))
			assert.GreaterOrEqual(t, share, w.least, "95 %% are wanted; 2.7 %% are 3 standard deviations of %d draws", times)
			assert.LessOrEqual(t, share, 0.985, "an interval that always holds it tells nothing")
		})
	}
}

func TestGroupsAtOnePlaceDifferAsSurelyInGramsAsInJoules(t *testing.T) {
	better := func(m *made) { m.watts = 240 }
	c := CompareCohorts(grouped(t, 12, better), grouped(t, 14, nil))
	require.Equal(t, 12, c.A)
	require.Equal(t, 14, c.B)
	grams, joules := of(c, "operational_gco2e", ""), of(c, "energy_j", "")
	assert.Equal(t, lifecycle.Lower, joules.Verdict)
	assert.Equal(t, lifecycle.Lower, grams.Verdict)
	assert.Equal(t, *joules.Ratio, *grams.Ratio, "the grid is the same, however little is known of it")
	assert.InDelta(t, 0.8, joules.Ratio.Value, 0.08)
	assert.Greater(t, joules.Lower, 0.975)
	assert.Equal(t, 1.0, joules.Scatter)
	assert.InEpsilon(t, joules.A.Typical.Value/joules.B.Typical.Value, joules.Ratio.Value, 1e-4)

	assert.Zero(t, of(c, "energy_j", "tokens").Figure, "no run declares the unit, and nobody asked for it")

	elsewhere := CompareCohorts(grouped(t, 12, func(m *made) { m.watts, m.country = 240, "PL" }), grouped(t, 14, nil))
	grams = of(elsewhere, "operational_gco2e", "")
	assert.Equal(t, lifecycle.NotToldApart, grams.Verdict, "with two grids of 25 % each way")
	assert.Less(t, grams.Scatter, 0.2)
	assert.Equal(t, lifecycle.Lower, of(elsewhere, "energy_j", "").Verdict)
	assert.Empty(t, of(c, "gco2e", "").A, "what devices took to make is unknown, and not zero")
	assert.Equal(t, []string{"no run tells it"}, of(c, "gco2e", "").Reasons)
}

func TestAAndBInTurnGetTheOppositeAnswer(t *testing.T) {
	a, b := grouped(t, 6, func(m *made) { m.watts, m.country = 200, "PL" }), grouped(t, 9, nil)
	there, back := CompareCohorts(a, b), CompareCohorts(b, a)
	for i := range there.Figures {
		x, y := there.Figures[i], back.Figures[i]
		assert.Equal(t, x.A, y.B)
		assert.Equal(t, x.Lower, y.Higher)
		if x.Ratio != nil {
			assert.InEpsilon(t, 1/x.Ratio.Low, y.Ratio.High, 1e-5)
		}
		require.Len(t, y.Drivers, len(x.Drivers))
		for k := range x.Drivers {
			assert.InEpsilon(t, -x.Drivers[k].Difference, y.Drivers[k].Difference, 1e-9)
		}
	}
}

// Each input is changed alone, and is what drives the difference.
func TestWhatDrivesADifferenceIsFound(t *testing.T) {
	it := func(m *made) { m.boundary, m.pue = lifecycle.BoundaryIT, 1.2 }
	for name, test := range map[string]struct {
		change func(*made)
		figure string
		input  string
	}{
		"power":        {func(m *made) { m.watts *= 2 }, "energy_j", "power"},
		"time":         {func(m *made) { m.seconds *= 2 }, "energy_j", "time"},
		"more devices": {func(m *made) { m.devices *= 2 }, "energy_j", "time"},
		"PUE":          {func(m *made) { m.pue = 1.6 }, "operational_gco2e", "pue"},
		"grid":         {func(m *made) { m.grid = 112 }, "operational_gco2e", "grid"},
	} {
		t.Run(name, func(t *testing.T) {
			both := func(m *made) { it(m); test.change(m) }
			c := of(CompareCohorts(grouped(t, 8, both), grouped(t, 8, it)), test.figure, "")
			require.NotEmpty(t, c.Drivers, c.Reasons)
			assert.Equal(t, test.input, c.Drivers[0].Input)
			assert.Equal(t, "NVIDIA H100", c.Drivers[0].Hardware)
			assert.Equal(t, lifecycle.FineTuning, c.Drivers[0].Stage)
			assert.InEpsilon(t, c.Difference, c.Drivers[0].Difference, 1e-4, "alone: %+v", c.Drivers)
			assert.InEpsilon(t, c.A.Mean-c.B.Mean, c.Difference, 1e-4)
		})
	}
	all := of(CompareCohorts(grouped(t, 8, func(m *made) { it(m); m.watts, m.seconds, m.grid, m.pue = 500, m.seconds/3, 400, 1.5 }), grouped(t, 8, it)), "operational_gco2e", "")
	sum := 0.0
	for _, d := range all.Drivers {
		sum += d.Difference
	}
	assert.Len(t, all.Drivers, 4)
	assert.InEpsilon(t, all.Difference, sum, 1e-4, "the parts make the whole")
}

func TestGroupsOfDifferentThingsAreNotCompared(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*made)
		figure string
		says   string
	}{
		"boundary":     {func(m *made) { m.boundary = lifecycle.BoundaryComponent }, "energy_j", "boundary of the energy: A component, B accelerators"},
		"scope":        {func(m *made) { m.scope = lifecycle.ScopeMachine }, "energy_j", "whose joules are counted: A machine, B process"},
		"not measured": {func(m *made) { m.lacks = "memory" }, "operational_gco2e", "what was not measured: A memory, B nothing"},
	} {
		d := of(CompareCohorts(grouped(t, 3, test.change), grouped(t, 3, nil)), test.figure, "")
		assert.Equal(t, lifecycle.NotComparable, d.Verdict, name)
		assert.Equal(t, []string{test.says}, d.Reasons)
		assert.Nil(t, d.Ratio)
	}
	part := func(m *made) {
		if m.n%3 == 0 {
			m.lacks = "memory"
		}
	}
	c := CompareCohorts(grouped(t, 9, part), grouped(t, 9, nil))
	assert.NotEqual(t, lifecycle.NotComparable, of(c, "energy_j", "").Verdict)
	assert.Contains(t, c.Caveats, "what was not measured: A nothing 67 %, memory 33 %; B nothing")
	assert.Contains(t, c.Caveats, "9 runs are in both groups, which are taken as independent")

	one := of(CompareCohorts(grouped(t, 1, nil), grouped(t, 9, nil)), "energy_j", "")
	assert.Equal(t, []string{"one run of A does not tell how much its runs scatter"}, one.Reasons)
	assert.Equal(t, lifecycle.NotComparable, of(CompareCohorts(&Cohort{}, &Cohort{}), "energy_j", "").Verdict)
}

func TestModelsThatAreWorseAreACaveat(t *testing.T) {
	with := func(v float64) func(*made) {
		return func(m *made) {
			m.evaluations = []lifecycle.Evaluation{{Metric: "f1", Value: v, Split: "test", Direction: "higher"}}
		}
	}
	c := CompareCohorts(grouped(t, 3, with(0.8)), grouped(t, 4, with(0.9)))
	assert.Contains(t, c.Caveats, "the models are not alike in f1 (test, higher is better): A 0.8, B 0.9 on average")
	c = CompareCohorts(grouped(t, 3, with(0.8)), grouped(t, 4, nil))
	assert.Contains(t, c.Caveats, "how good the models are cannot be compared: most runs of both groups tell no metric in common")
}

func TestAUnitThatIsAskedForIsCompared(t *testing.T) {
	make := func(count int64) *Cohort {
		g := &Cohort{Unit: "tokens"}
		for i := range 5 {
			m := usualRun(i)
			m.count = count * int64(10+i)
			g.Add(m.record(t), Where{})
		}
		return g
	}
	c := CompareCohorts(make(2e6), make(1e6))
	assert.InEpsilon(t, 1, of(c, "energy_j", "").Ratio.Value, 1e-5)
	assert.InEpsilon(t, 0.5, of(c, "energy_j", "tokens").Ratio.Value, 1e-5)
	assert.InEpsilon(t, 5*2*3600*300/(60*2e6), of(c, "energy_j", "tokens").A.Mean, 1e-5)
	assert.Equal(t, lifecycle.Lower, of(c, "energy_j", "tokens").Verdict)
}

func TestPartsOfAGroupAddUpToIt(t *testing.T) {
	whole := grouped(t, 20, func(m *made) { m.grid = float64(50 + m.n%3) })
	var parts [3]Cohort
	r := rand.New(rand.NewPCG(11, 20))
	for i := range 20 {
		m := usualRun(i)
		m.seconds *= math.Exp(0.1 * r.NormFloat64())
		m.grid = float64(50 + m.n%3)
		parts[i%3].Add(m.record(t), Where{})
	}
	sum := &Cohort{}
	for i := range parts {
		sum.Merge(&parts[2-i])
	}
	sum.Merge(&Cohort{})
	other := grouped(t, 5, nil)
	assert.Equal(t, CompareCohorts(whole, other), CompareCohorts(sum, other))
}

func TestASelectionMakesAGroup(t *testing.T) {
	r := usualRun(1).record(t)
	serving, err := ParseWhere("phase=inference")
	require.NoError(t, err)
	training, err := ParseWhere("stage=training")
	require.NoError(t, err)
	g := &Cohort{}
	assert.False(t, g.Add(r, serving))
	assert.True(t, g.Add(r, training))
	assert.Equal(t, 1, g.Runs())
}
