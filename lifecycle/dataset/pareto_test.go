package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unique"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// worth is a run with a metric's value, and its energy within a factor.
func worth(n int, value, joules, factor float64) Point {
	p := Point{energy: spanned{joules, joules / factor, joules * factor}, task: wordOf("a"), boundary: wordOf("node"), scope: wordOf("process"), status: wordOf("complete")}
	p.run[15], p.run[14] = byte(n), byte(n>>8)
	m := made{evaluations: []lifecycle.Evaluation{{Metric: "f1", Value: value, Split: "test", Direction: "higher"}}}
	p.technology(&lifecycle.ML{Task: "a", Evaluation: m.evaluations})
	return p
}

func runsOf(list []Weighed) (all []string) {
	for _, w := range list {
		all = append(all, fmt.Sprint(w.point.run[15]))
	}
	return all
}

func TestNothingOnTheFrontIsBeaten(t *testing.T) {
	points := []Point{
		worth(1, 0.90, 100, 1.1),
		worth(2, 0.80, 50, 1.1),
		worth(3, 0.85, 120, 1.01), // beaten by 1, perhaps: 1 may cost 110, it 118.8 at the least: surely
		worth(4, 0.79, 52, 1.2),   // perhaps by 2
		worth(5, 0.90, 100, 1.1),  // just like 1
		worth(6, 0.95, 1000, 1.5),
		worth(7, 0.80, 51, 1.2), // as good as 2, perhaps dearer
		worth(8, 0.70, 49, 1.2), // the cheapest
		worth(9, 0.60, 49, 1.0), // as cheap, and worse
	}
	f, err := Pareto(points, ParetoOptions{})
	require.NoError(t, err)
	assert.Equal(t, Metric{"f1", "test", "higher"}, f.Metric)
	assert.Equal(t, "energy_j", f.Cost)
	assert.Equal(t, []string{"8", "2", "1", "5", "6"}, runsOf(f.Front))
	assert.Equal(t, []string{"9", "7", "4", "3"}, runsOf(f.Beaten))
	for i, want := range map[string]Standing{"9": PerhapsBeaten, "7": PerhapsBeaten, "4": PerhapsBeaten, "3": SurelyBeaten} {
		for _, w := range f.Beaten {
			if runsOf([]Weighed{w})[0] == i {
				assert.Equal(t, want, w.Standing, "run %s", i)
			}
		}
	}
	assert.Equal(t, f.Front[2].Run, f.Beaten[3].By)
	assert.Equal(t, f.Front[1].Run, f.Beaten[1].By)
	assert.True(t, f.Front[4].Sure, "nothing is as good")
	assert.False(t, f.Front[0].Sure, "2 is better, and may be cheaper")
	require.Len(t, f.Steps, 4)
	assert.InDelta(t, 0.05, f.Steps[3].Gain, 1e-9)
	assert.InEpsilon(t, 10, f.Steps[3].Times, 1e-9)
	assert.InEpsilon(t, 900, f.Steps[3].More, 1e-9)
	assert.InDelta(t, 0, f.Steps[2].Gain, 1e-9)
	assert.Same(t, &f.Steps[3], f.LastStep())
	alike, err := Pareto([]Point{worth(1, 0.90, 100, 1.1), worth(2, 0.90, 100, 1.1)}, ParetoOptions{})
	require.NoError(t, err)
	assert.Nil(t, alike.LastStep(), "from one to the other nothing is gained")
	assert.Equal(t, 2, f.Knee, "beyond 0.90 it costs ten times")
	assert.Empty(t, f.Caveats)

	again, err := Pareto(shuffled(points), ParetoOptions{})
	require.NoError(t, err)
	assert.Equal(t, runsOf(f.Front), runsOf(again.Front))
	assert.Equal(t, runsOf(f.Beaten), runsOf(again.Beaten))
}

// Against every other run, one by one.
func TestStandingsAreThoseOfComparingAllWithAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for world := range 300 {
		direction := []string{"higher", "lower"}[world%2]
		sign := map[string]float64{"higher": 1, "lower": -1}[direction]
		var points []Point
		for n := range 30 {
			p := worth(n, float64(r.IntN(8)), float64(1+r.IntN(12)), 1+float64(r.IntN(4))/10)
			m := p.metrics[0].of.Value()
			m.Direction = direction
			p.metrics[0].of = unique.Make(m)
			points = append(points, p)
		}
		f, err := Pareto(points, ParetoOptions{})
		require.NoError(t, err)
		require.Len(t, f.Front, 30-len(f.Beaten))
		for _, w := range append(f.Front, f.Beaten...) {
			beaten, surely, sure := false, false, true
			for i := range points {
				o := &points[i]
				if o.run == w.point.run {
					continue
				}
				v, c := sign*o.metrics[0].value, o.energy
				if v < sign*w.Value {
					continue
				}
				beaten = beaten || c.value <= w.Cost.Value && (v > sign*w.Value || c.value < w.Cost.Value)
				surely = surely || c.high < w.Cost.Low
				sure = sure && c.low > w.Cost.High
			}
			want := OnFront
			if beaten {
				if want = PerhapsBeaten; surely {
					want = SurelyBeaten
				}
			}
			require.Equal(t, want, w.Standing, "%+v", w)
			require.Equal(t, want == OnFront && sure, w.Sure, "%+v", w)
		}
		for _, w := range f.Beaten { // by one that is as good, for no more
			for i := range points {
				if points[i].run.String() == w.By {
					require.GreaterOrEqual(t, sign*points[i].metrics[0].value, sign*w.Value)
					require.LessOrEqual(t, points[i].energy.value, w.Cost.Value)
				}
			}
		}
	}
}

func TestMetricsAreNotMixed(t *testing.T) {
	with := func(n int, es ...lifecycle.Evaluation) Point {
		p := worth(n, 0.5, 100, 1.1)
		p.metrics = nil
		p.technology(&lifecycle.ML{Evaluation: es})
		return p
	}
	points := []Point{
		with(1, lifecycle.Evaluation{Metric: "f1", Value: 0.9, Split: "test", Direction: "higher"}, lifecycle.Evaluation{Metric: "loss", Value: 0.3, Split: "test", Direction: "lower"}),
		with(2, lifecycle.Evaluation{Metric: "f1", Value: 0.8, Split: "validation", Direction: "higher"}),
		with(3, lifecycle.Evaluation{Metric: "wer", Value: 0.1, Split: "test"}),
		with(4, lifecycle.Evaluation{Metric: "wer", Value: 0.2, Split: "test"}),
		with(5),
	}
	for _, test := range []struct {
		want Metric
		says string
	}{
		{Metric{}, "are not mixed: choose one of wer (test): 2; f1 (test, higher is better): 1; f1 (validation, higher is better): 1; loss (test, lower is better): 1"},
		{Metric{Name: "f1"}, "f1 (test, higher is better): 1; f1 (validation"},
		{Metric{Name: "wer"}, "no record tells whether a higher or a lower wer (test) is better"},
		{Metric{Name: "bleu"}, "no run tells bleu; there are"},
		{Metric{Name: "f1", Direction: "lower"}, "no run tells f1 (lower is better)"},
		{Metric{Direction: "up"}, "write higher or lower"},
	} {
		_, err := Pareto(points, ParetoOptions{Metric: test.want})
		require.Error(t, err, "%v", test.want)
		assert.Contains(t, err.Error(), test.says)
	}
	f, err := Pareto(points, ParetoOptions{Metric: Metric{Name: "wer", Direction: "lower"}})
	require.NoError(t, err)
	assert.Equal(t, 2, f.Runs)
	assert.Equal(t, []string{"3"}, runsOf(f.Front))
	assert.Equal(t, map[string]int{"without this metric": 3}, f.LeftOut)
	_, err = Pareto([]Point{with(1)}, ParetoOptions{})
	require.ErrorContains(t, err, "technology.ml.evaluation is in no record")
	_, err = Pareto(points, ParetoOptions{Cost: "money"})
	require.ErrorContains(t, err, "write one of energy_j")
}

func TestTheCostMayBeThatOfAUnit(t *testing.T) {
	a, b := usualRun(1), usualRun(2)
	a.evaluations = []lifecycle.Evaluation{{Metric: "f1", Value: 0.9, Split: "test", Direction: "higher"}}
	b.evaluations, b.count, b.task, b.unit = a.evaluations, 2e6, "speech", "tokens"
	f, err := Pareto([]Point{a.point(t), b.point(t)}, ParetoOptions{Cost: "operational_gco2e", Unit: "tokens"})
	require.NoError(t, err)
	require.Len(t, f.Front, 1)
	assert.Equal(t, b.id(), f.Front[0].Run)
	assert.InEpsilon(t, 2*3600*300*56/3.6e6/2e6, f.Front[0].Cost.Value, 1e-9)
	require.Len(t, f.Caveats, 1)
	assert.Contains(t, f.Caveats[0], "the runs differ in task (speech: 1, text-classification: 1)")
	none, err := Pareto([]Point{a.point(t)}, ParetoOptions{Unit: "images"})
	require.NoError(t, err)
	assert.Empty(t, none.Front)
	assert.Equal(t, map[string]int{"counts no images": 1}, none.LeftOut)
}

func BenchmarkPareto(b *testing.B) {
	points := many(b, 100_000)
	b.ResetTimer()
	for b.Loop() {
		_, err := Pareto(points, ParetoOptions{})
		require.NoError(b, err)
	}
}

func TestABendlessFrontHasNoKnee(t *testing.T) {
	var points []Point
	for i := range 6 {
		points = append(points, worth(i, float64(i), math.Exp(float64(i)), 1.01))
	}
	f, err := Pareto(points, ParetoOptions{})
	require.NoError(t, err)
	assert.Len(t, f.Front, 6)
	assert.Equal(t, -1, f.Knee)
}
