package tracer_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer"
)

// exact is a quantile of durations by sorting them: the one that this part of
// all does not exceed.
func exact(ds []int64, q float64) float64 {
	return float64(ds[int(float64(len(ds)-1)*q)])
}

func TestQuantilesAreOffByLessThanTheirBound(t *testing.T) {
	const bound = 1. / 64
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		shapes := []func() int64{
			func() int64 { return r.Int64N(40) },
			func() int64 { return r.Int64N(int64(time.Minute)) },
			func() int64 { return int64(math.Exp(r.NormFloat64()*3) * 1e6) },
			func() int64 { return int64(1) << r.IntN(62) },
			func() int64 { return int64(1)<<r.IntN(62) - 1 },
			func() int64 { return 7 },
			func() int64 { return math.MaxInt64 - r.Int64N(2) },
		}
		shape := shapes[r.IntN(len(shapes))]
		ds := make([]int64, 1+r.IntN(3000))
		for i := range ds {
			ds[i] = shape()
		}
		p50, p95, p99, buckets := tracer.Quantiles(ds...)
		slices.Sort(ds)
		assert.InEpsilon(t, 1+exact(ds, 0.50), 1+p50, bound, "p50 of program %d", seed)
		assert.InEpsilon(t, 1+exact(ds, 0.95), 1+p95, bound, "p95 of program %d", seed)
		assert.InEpsilon(t, 1+exact(ds, 0.99), 1+p99, bound, "p99 of program %d", seed)
		assert.LessOrEqual(t, buckets, 60*32, "memory does not grow with the spans")
	}
}

func TestNoDurationsHaveNoQuantiles(t *testing.T) {
	p50, p95, p99, _ := tracer.Quantiles()
	assert.Zero(t, p50+p95+p99)
	p50, _, p99, _ = tracer.Quantiles(-5, 0)
	assert.Zero(t, p50+p99, "a duration below zero counts as zero")
}

func TestDurationsAreInTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, run := begin(t, newPlant(1, cpus(1), cpus(1)).options(ten())...)
		for ms := range 100 {
			with(ctx, time.Duration(1+ms)*time.Millisecond, "work")
		}
		s := span(t, finish(t, run), "work")
		assert.EqualValues(t, 100, s.Count)
		assert.InDelta(t, 0.001, of(s.MinS), 1e-12, "exact")
		assert.InEpsilon(t, 0.050, of(s.P50S), 1./64)
		assert.InEpsilon(t, 0.095, of(s.P95S), 1./64)
		assert.InEpsilon(t, 0.099, of(s.P99S), 1./64)
		assert.InDelta(t, 0.100, of(s.MaxS), 1e-12, "exact")
		assert.InDelta(t, 5.050, s.TotalS, 1e-9)
	})
}
