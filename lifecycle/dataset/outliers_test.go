package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// somewhat are runs like others that scatter by so much (of the logarithm), in
// time and power alike.
func somewhat(t testing.TB, n int, scatter float64, change func(*made)) []Point {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	points := make([]Point, n)
	for i := range points {
		m := usualRun(i)
		m.seconds *= math.Exp(r.NormFloat64() * scatter / math.Sqrt2)
		m.watts *= math.Exp(r.NormFloat64() * scatter / math.Sqrt2)
		if change != nil {
			change(&m)
		}
		points[i] = m.point(t)
	}
	return points
}

// One run among 40 is unlike the others, and its record tells why.
func TestTheCauseOfAnOutlierIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		scatter float64
		figure  string
		odd     func(*made)
		others  func(*made)
		cause   string
		says    string
		more    []string // causes besides
	}{
		"energy in Wh taken for J":  {0.1, "", func(m *made) { m.watts /= 3600 }, nil, wrongUnit, "close to 1/3600: Wh and J", nil},
		"a thousand times":          {0.2, "", func(m *made) { m.watts *= 1000 }, nil, wrongUnit, "the energy of a device-second is", nil},
		"units counted in millions": {0.1, "", func(m *made) { m.count /= 1e6 }, nil, wrongUnit, "the time of one token is", nil},
		"devices that wait":         {0.05, "", func(m *made) { m.seconds *= 8; m.watts = 80 }, nil, waited, "took 8", nil},
		"devices held before":       {0.05, "", func(m *made) { m.held, m.idle = 6, 200 }, nil, heldNotUsed, "6 times the time that the stage worked, usual are 1", nil},
		"eight devices":             {0.05, "", func(m *made) { m.devices = 16 }, nil, otherDevices, "it held 16 of NVIDIA H100, usual are 2", nil},
		"a model among counters":    {0.05, "", func(m *made) { m.method, m.relError, m.sensor, m.watts = lifecycle.Modelled, 0.5, "model", 700 }, nil, otherMethod, "its energy was told by a model, of 98 % of its group by a hardware counter", []string{otherMeters}},
		"others so modelled": {0.05, "", func(m *made) { m.method, m.watts = lifecycle.Modelled, 720 }, func(m *made) {
			if m.n%10 == 3 {
				m.method, m.watts = lifecycle.Modelled, 600
			}
		}, otherMethod, "the 4 others like it come to 1.98 times the usual", nil},
		"too short":                {0.05, "", func(m *made) { m.seconds, m.watts, m.sampling, m.count = 0.6, 900, 1, 166 }, nil, belowResolution, "the stage took 600 ms, and its meter tells a figure every 1 s", nil},
		"flagged as too short":     {0.05, "", func(m *made) { m.watts, m.short = 900, true }, nil, belowResolution, "its spans are shorter", nil},
		"a narrower boundary":      {0.05, "", func(m *made) { m.boundary, m.watts = lifecycle.BoundaryComponent, 100 }, nil, otherBoundary, "its energy covers some components", nil},
		"memory not covered":       {0.05, "", func(m *made) { m.lacks, m.watts = "memory", 150 }, nil, notCovered, "it was not measured of it: memory, of 98 % of its group nothing", nil},
		"a whole machine":          {0.05, "", func(m *made) { m.scope, m.watts = lifecycle.ScopeMachine, 700 }, nil, otherScope, "it counts all that it used", nil},
		"a machine and its guests": {0.05, "", func(m *made) { m.scope, m.watts, m.others = lifecycle.ScopeMachine, 900, 4.3e6 }, nil, otherPrograms, "and they are counted as its own", []string{otherScope}},
		"a busy host":              {0.05, "", func(m *made) { m.seconds *= 4; m.others = 1e8 }, nil, otherPrograms, "they may have slowed it", nil},
		"an interrupted run":       {0.05, "", func(m *made) { m.status, m.count = lifecycle.Interrupted, m.count/4 }, nil, notFinished, "its status is interrupted", nil},
		"failed spans":             {0.05, "", func(m *made) { m.failed, m.count = 8, m.count/5 }, nil, spansFailed, "80 % of its spans failed, usual are 0 %", nil},
		"a larger model":           {0.05, "", func(m *made) { m.parameters, m.seconds = 7e9, m.seconds*45 }, nil, modelSize, "its model has 7e9 parameters, usual are 1e8", nil},
		"batches of one":           {0.05, "", func(m *made) { m.batch, m.seconds = 1, m.seconds*2.5 }, nil, batchSize, "its batches are of 1, usual are 32", nil},
		"another grid":             {0.05, "operational_gco2e", func(m *made) { m.grid, m.country = 760, "PL" }, nil, otherGrid, "its electricity (PL) has 760 gCO2e/kWh, usual are 56", nil},
		"another PUE": {0.05, "operational_gco2e", func(m *made) { m.pue = 2.4 }, func(m *made) { m.boundary, m.pue = lifecycle.BoundaryIT, 1.2 }, otherPUE,
			"a PUE of 2.4, usual are 1.2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			points := somewhat(t, 40, test.scatter, func(m *made) {
				if test.others != nil {
					test.others(m)
				}
				if m.n == 17 {
					test.odd(m)
				}
			})
			out, err := FindOutliers(points, OutlierOptions{Figure: test.figure})
			require.NoError(t, err)
			require.Equal(t, 40, out.Judged)
			require.NotEmpty(t, out.Found)
			odd := usualRun(17)
			o := out.Found[0]
			require.Equal(t, odd.id(), o.Run)
			product := 1.0
			for _, p := range o.Parts {
				product *= p.Times
			}
			assert.InEpsilon(t, product, o.Times, 0.3, "the parts make the whole, as far as medians do: %v", o.Parts)
			require.NotEmpty(t, o.Causes, "%v", o.Parts)
			assert.Equal(t, test.cause, o.Causes[0].Cause, "%+v %+v", o.Causes, o.Parts)
			assert.Contains(t, o.Causes[0].Text, test.says)
			var rest []string
			for _, c := range o.Causes[1:] {
				rest = append(rest, c.Cause)
			}
			slices.Sort(rest)
			assert.Equal(t, test.more, rest, "%+v", o.Causes)

			again, err := FindOutliers(shuffled(points), OutlierOptions{Figure: test.figure})
			require.NoError(t, err)
			assert.Equal(t, out, again, "the order of runs must not matter")
		})
	}
}

// What its record does not explain has no cause.
func TestAnOutlierWithoutACauseSaysSo(t *testing.T) {
	points := somewhat(t, 40, 0.05, func(m *made) {
		if m.n == 17 {
			m.seconds *= 2.2
		}
	})
	out, err := FindOutliers(points, OutlierOptions{})
	require.NoError(t, err)
	require.Len(t, out.Found, 1)
	assert.Empty(t, out.Found[0].Causes)
	assert.Equal(t, "time per token", out.Found[0].Parts[0].What)
	assert.InEpsilon(t, 2.2, out.Found[0].Parts[0].Times, 0.1)
}

// In data sets without an outlier, whatever their groups, one in twenty may
// claim that there is one.
func TestChanceIsSeldomCalledAnOutlier(t *testing.T) {
	race.SkipStatistics(t)
	template := usualRun(0).point(t)
	for _, sizes := range [][]int{{5}, {8}, {12}, {40}, {120}, {5, 5, 5, 5, 6, 7, 8, 20, 100}} {
		claims := 0
		const worlds = 300
		for world := range worlds {
			r := rand.New(rand.NewPCG(uint64(world), 7))
			var points []Point
			for g, size := range sizes {
				for range size {
					p := template
					p.run[15], p.run[14] = byte(len(points)), byte(len(points)>>8)
					p.task = wordOf(string(rune('a' + g)))
					s := p.stages[1]
					s.energy *= math.Exp(r.NormFloat64() * 0.3)
					p.stages = []stagePoint{s}
					points = append(points, p)
				}
			}
			out, err := FindOutliers(points, OutlierOptions{Least: 1})
			require.NoError(t, err)
			if len(out.Found) > 0 {
				claims++
			}
		}
		assert.LessOrEqual(t, claims, 27, "of %d data sets, groups of %v: expected at most 15, 27 are 3 standard deviations more", worlds, sizes)
	}
}

func TestAGroupThatIsTooSmallIsToldAsSuch(t *testing.T) {
	points := somewhat(t, 4, 0.01, func(m *made) {
		if m.n == 3 {
			m.watts *= 1000
		}
	})
	out, err := FindOutliers(points, OutlierOptions{})
	require.NoError(t, err)
	assert.Zero(t, out.Judged)
	assert.Empty(t, out.Found)
	assert.Equal(t, GroupCount{Groups: 1, Stages: 4}, out.TooSmall)
}

func TestRunsOfOtherWorkAreNotJudgedTogether(t *testing.T) {
	points := somewhat(t, 20, 0.05, func(m *made) {
		if m.n%2 == 0 {
			m.unit, m.count = "samples", 100
		}
	})
	out, err := FindOutliers(points, OutlierOptions{})
	require.NoError(t, err)
	require.Len(t, out.Groups, 2)
	assert.Equal(t, "J/sample", out.Groups[0].Measure)
	assert.Equal(t, "J/token", out.Groups[1].Measure)
	assert.InEpsilon(t, 2*3600*300/100.0, out.Groups[0].Median, 0.1)
	assert.Empty(t, out.Found)
}

func TestWrongWishesForOutliersSayWhatToDo(t *testing.T) {
	for _, test := range []struct {
		o    OutlierOptions
		says string
	}{
		{OutlierOptions{Figure: "joules"}, "write one of energy_j"},
		{OutlierOptions{Figure: "gco2e"}, "judge operational_gco2e"},
		{OutlierOptions{By: []string{"colour"}}, "write some of kind, task"},
		{OutlierOptions{Least: 0.5}, "at least 1 times"},
	} {
		_, err := FindOutliers(nil, test.o)
		require.Error(t, err)
		assert.Contains(t, err.Error(), test.says)
	}
	out, err := FindOutliers(nil, OutlierOptions{})
	require.NoError(t, err)
	assert.Empty(t, out.Found)
}

// Qn is what the standard deviation is to normal numbers, whatever a third of
// the others are.
func TestTheScaleOfAGroupIsThatOfItsOrdinaryMembers(t *testing.T) {
	race.SkipStatistics(t)
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{2, 3, 5, 6, 9, 10, 11, 30, 101} {
		var sum float64
		const times = 3000
		for range times {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = r.NormFloat64()
			}
			slices.Sort(xs)
			sum += qn(xs)
		}
		assert.InDelta(t, 1, sum/times, 0.05, "of %d", n)
	}
	xs := make([]float64, 99)
	for i := range xs {
		xs[i] = r.NormFloat64()
		if i%3 == 0 {
			xs[i] = 1e9
		}
	}
	slices.Sort(xs)
	assert.Less(t, qn(xs), 3.0)
	assert.Zero(t, qn([]float64{1, 1, 1, 1, 5}))
	assert.Zero(t, qn([]float64{1}))
}

// Against all pairs, one by one.
func TestTheScaleIsTheDistanceItSaysItIs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 10; n < 60; n++ {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = math.Exp(3 * r.NormFloat64())
		}
		slices.Sort(xs)
		var all []float64
		for i := range xs {
			for k := range i {
				all = append(all, xs[i]-xs[k])
			}
		}
		slices.Sort(all)
		h := n/2 + 1
		factor := float64(n) / (float64(n) + 3.8)
		if n%2 == 1 {
			factor = float64(n) / (float64(n) + 1.4)
		}
		assert.InEpsilon(t, 2.2191*factor*all[h*(h-1)/2-1], qn(xs), 1e-9)
	}
}

// Quantiles of the table in Abramowitz and Stegun, 26.10.
func TestStudentsLawIsThatOfTheTables(t *testing.T) {
	for _, c := range []struct{ degrees, t, beyond float64 }{
		{1, 12.706205, 0.05}, {2, 4.302653, 0.05}, {5, 2.570582, 0.05}, {5, 4.032143, 0.01}, {30, 2.042272, 0.05}, {30, 3.645959, 0.001}, {120, 1.979930, 0.05}, {math.Inf(1), 1.959964, 0.05},
	} {
		assert.InEpsilon(t, c.beyond, studentBeyond(c.t, c.degrees), 1e-5, "%v", c)
		assert.InEpsilon(t, c.beyond, studentBeyond(-c.t, c.degrees), 1e-5, "%v", c)
		assert.InEpsilon(t, c.t, studentBound(c.degrees, c.beyond), 1e-5)
	}
}

// What a record says at length is kept briefly, and told from what begins alike.
func TestLongTextsAreKeptBriefly(t *testing.T) {
	long := strings.Repeat("é", 4000)
	a, b := wordOf(long+"a"), wordOf(long+"b")
	assert.NotEqual(t, a, b)
	assert.Equal(t, a, wordOf(long+"a"))
	assert.LessOrEqual(t, len(a.String()), longest)
	assert.True(t, utf8.ValidString(a.String()))
	assert.Equal(t, "short", wordOf("short").String())
	assert.Empty(t, wordOf("").String())
}

func BenchmarkOutliers(b *testing.B) {
	points := many(b, 100_000)
	b.ResetTimer()
	for b.Loop() {
		_, err := FindOutliers(points, OutlierOptions{})
		require.NoError(b, err)
	}
}

// many are points of so many runs of a dozen kinds.
func many(t testing.TB, n int) []Point {
	templates := make([]Point, 12)
	for i := range templates {
		m := usualRun(i)
		m.task = string(rune('a' + i%4))
		m.hardware = []string{"A100", "H100", "B200"}[i%3]
		m.seconds *= float64(1 + i)
		m.evaluations = []lifecycle.Evaluation{{Metric: "f1", Value: 0.5 + 0.03*float64(i), Split: "test", Direction: "higher"}}
		templates[i] = m.point(t)
	}
	r := rand.New(rand.NewPCG(8, 9))
	points := make([]Point, n)
	for i := range points {
		p := templates[r.IntN(len(templates))]
		p.run[13], p.run[14], p.run[15] = byte(i>>16), byte(i>>8), byte(i)
		p.stages = slices.Clone(p.stages)
		x := math.Exp(0.2 * r.NormFloat64())
		for k := range p.stages {
			p.stages[k].energy *= x
		}
		p.energy = spanned{p.energy.value * x, p.energy.low * x, p.energy.high * x}
		p.metrics = []metricPoint{{p.metrics[0].of, p.metrics[0].value + 0.01*r.NormFloat64()}}
		points[i] = p
	}
	return points
}
