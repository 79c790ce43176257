package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// kinds are runs of kinds that a person would tell apart, with the kind of each.
func kinds(t testing.TB, n int, seed uint64) (points []Point, of map[string]int) {
	templates := []made{usualRun(0), usualRun(0), usualRun(0), usualRun(0)}
	llm, tiny, serve := &templates[1], &templates[2], &templates[3]
	llm.task, llm.parameters, llm.devices, llm.seconds, llm.hardware = "text-generation", 7e9, 64, 400_000, "NVIDIA A100"
	tiny.task, tiny.parameters, tiny.devices, tiny.seconds, tiny.watts, tiny.idle = "tabular-classification", 1e4, 1, 60, 80, 10
	tiny.hardware, tiny.hardwareKind, tiny.training, tiny.stage, tiny.method = "AMD EPYC 7543", lifecycle.KindCPU, "from-scratch", lifecycle.Training, lifecycle.Modelled
	serve.stage, serve.unit, serve.training, serve.seconds = lifecycle.Serving, "requests", "", 86_400
	made := make([]Point, len(templates))
	for i := range templates {
		made[i] = templates[i].point(t)
	}
	r := rand.New(rand.NewPCG(seed, 3))
	of = map[string]int{}
	for i := range n {
		k := r.IntN(len(made))
		p := made[k]
		p.run[13], p.run[14], p.run[15] = byte(i>>16), byte(i>>8), byte(i)
		x, y := math.Exp(0.4*r.NormFloat64()), math.Exp(0.2*r.NormFloat64())
		p.stages = slices.Clone(p.stages)
		p.stages[1].energy *= x * y
		p.stages[1].deviceS *= x
		p.runS *= x
		p.energy.value *= x * y
		of[p.run.String()] = k
		points = append(points, p)
	}
	return points, of
}

// adjustedRand is how far clusters agree with labels: 1 if they do, 0 as far as
// chance would (Hubert and Arabie, Comparing partitions, 1985).
func adjustedRand(c *Clusters, of map[string]int) float64 {
	pairs := func(n float64) float64 { return n * (n - 1) / 2 }
	rows, columns := map[int]float64{}, map[int]float64{}
	var both, n float64
	for k := range c.Clusters {
		cell := map[int]float64{}
		for _, run := range c.Clusters[k].Members {
			cell[of[run]]++
			rows[of[run]]++
			columns[k]++
			n++
		}
		for _, x := range cell {
			both += pairs(x)
		}
	}
	var a, b float64
	for _, x := range rows {
		a += pairs(x)
	}
	for _, x := range columns {
		b += pairs(x)
	}
	expected := a * b / pairs(n)
	return (both - expected) / ((a+b)/2 - expected)
}

func TestRunsOfAKindAreFoundTogether(t *testing.T) {
	for name, n := range map[string]int{"few": 40, "all in one sample": 400, "many": 1500} {
		t.Run(name, func(t *testing.T) {
			if race.On && n > 400 {
				t.Skip("one goroutine: nothing for the race detector")
			}
			points, of := kinds(t, n, uint64(n))
			c, err := FindClusters(points, ClusterOptions{})
			require.NoError(t, err)
			assert.Len(t, c.Clusters, 4)
			assert.Greater(t, adjustedRand(c, of), 0.98)
			assert.Greater(t, c.Silhouette, 0.5)
			sum := 0
			for i, k := range c.Clusters {
				sum += k.Runs
				assert.Len(t, k.Members, k.Runs)
				assert.Contains(t, k.Members, k.Medoid)
				if i > 0 {
					assert.GreaterOrEqual(t, c.Clusters[i-1].Runs, k.Runs, "the largest first")
				}
			}
			assert.Equal(t, n, sum, "each run is in one of them")
			if n <= sampleSize {
				assert.Equal(t, n, c.Sampled)
				assert.Equal(t, 1, c.Samples)
			}

			again, err := FindClusters(shuffled(points), ClusterOptions{})
			require.NoError(t, err)
			assert.Equal(t, c, again, "the order of runs must not matter")
		})
	}
}

func TestAClusterIsDescribedByWhatSetsItApart(t *testing.T) {
	points, of := kinds(t, 400, 1)
	c, err := FindClusters(points, ClusterOptions{})
	require.NoError(t, err)
	words := map[int]string{}
	for _, k := range c.Clusters {
		words[of[k.Medoid]] = k.Words
		t.Log(k.Words)
	}
	for kind, says := range map[int][]string{
		1: {"text-generation", "on NVIDIA A100", "64 devices", "≈ 7e9 parameters", "MWh a run", "times the rest"},
		2: {"tabular-classification", "on AMD EPYC 7543", "energy modelled", " Wh a run", ", 1/"},
		3: {"inference/serving", "≈ 1 d", "kWh a run"},
	} {
		for _, text := range says {
			assert.Contains(t, words[kind], text)
		}
	}
	assert.True(t, strings.HasPrefix(c.Clusters[0].Words, "1"), c.Clusters[0].Words)
}

func TestRunsThatAreAlikeAreOneCluster(t *testing.T) {
	var points []Point
	r := rand.New(rand.NewPCG(2, 2))
	for i := range 200 {
		m := usualRun(i)
		m.seconds *= math.Exp(0.3 * r.NormFloat64())
		points = append(points, m.point(t))
	}
	c, err := FindClusters(points, ClusterOptions{})
	require.NoError(t, err)
	require.Len(t, c.Clusters, 1)
	assert.Contains(t, c.Clusters[0].Words, "200 runs: ")
	assert.Contains(t, c.Clusters[0].Words, "text-classification")
	assert.Zero(t, c.Silhouette)

	three, err := FindClusters(points, ClusterOptions{K: 3})
	require.NoError(t, err)
	assert.Len(t, three.Clusters, 3, "unless so many are asked for")
}

func TestFewRunsAreNoTrouble(t *testing.T) {
	for n := range 4 {
		var points []Point
		for i := range n {
			points = append(points, usualRun(i).point(t))
		}
		c, err := FindClusters(points, ClusterOptions{})
		require.NoError(t, err)
		assert.Equal(t, n, c.Runs)
		_, err = FindClusters(points, ClusterOptions{K: 3})
		require.NoError(t, err)
	}
	_, err := FindClusters(nil, ClusterOptions{K: 51})
	require.ErrorContains(t, err, "1 to 50")
	_, err = FindClusters(nil, ClusterOptions{K: -1})
	require.ErrorContains(t, err, "not -1")
}

// Against all choices of medoids, one by one.
func TestMedoidsAreThoseThatAllAreNearestTo(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	best := 0
	const worlds = 60
	for range worlds {
		const n = 12
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(r.IntN(3)*10) + r.NormFloat64()
		}
		d := make([]float32, n*n)
		for i := range xs {
			for j := range xs {
				d[i*n+j] = float32(math.Abs(xs[i] - xs[j]))
			}
		}
		cost := func(medoids ...int) float64 {
			sum := 0.0
			for i := range n {
				least := math.Inf(1)
				for _, m := range medoids {
					least = min(least, float64(d[m*n+i]))
				}
				sum += least
			}
			return sum
		}
		for k := 1; k <= 3; k++ {
			least := math.Inf(1)
			for a := range n {
				for b := range n {
					for c := range n {
						of := []int{a, b, c}[:k]
						least = min(least, cost(of...))
					}
				}
			}
			found := cost(pam(d, n, k)...)
			assert.LessOrEqual(t, found, least*1.25+1e-6)
			if found <= least*(1+1e-6) {
				best++
			}
		}
	}
	assert.GreaterOrEqual(t, best, worlds*3*95/100, "a local search misses the best now and then")
}

func BenchmarkClusters(b *testing.B) {
	points := many(b, 100_000)
	b.ResetTimer()
	for b.Loop() {
		_, err := FindClusters(points, ClusterOptions{})
		require.NoError(b, err)
	}
}
