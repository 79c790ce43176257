package tracer

import (
	"math"
	"math/bits"
)

// sketch holds the distribution of durations in constant memory: counts in
// buckets that are exact below 32 ns and 1/32 of their octave wide above, so
// that a quantile is off by less than 1.6 %. Only the range that occurs is
// kept.
type sketch struct {
	low    int // bucket of counts[0]
	counts []uint32
}

const subBits = 5

func bucketOf(ns int64) int {
	if ns < 1<<subBits {
		return int(max(ns, 0))
	}
	e := bits.Len64(uint64(ns)) - subBits - 1
	return (e+1)<<subBits + int(ns>>e)&(1<<subBits-1)
}

// bucketMid is the middle of a bucket, in ns.
func bucketMid(b int) float64 {
	if b < 1<<subBits {
		return float64(b)
	}
	e := b>>subBits - 1
	lo := int64(1<<subBits|b&(1<<subBits-1)) << e
	return float64(lo) + float64(int64(1)<<e-1)/2
}

func (s *sketch) add(ns int64) {
	b := bucketOf(ns)
	switch {
	case s.counts == nil:
		s.low = b
		s.counts = make([]uint32, 1, 4)
	case b < s.low:
		grown := make([]uint32, len(s.counts)+s.low-b)
		copy(grown[s.low-b:], s.counts)
		s.low, s.counts = b, grown
	case b >= s.low+len(s.counts):
		s.counts = append(s.counts, make([]uint32, b-s.low-len(s.counts)+1)...)
	}
	c := &s.counts[b-s.low]
	if *c == math.MaxUint32 {
		// 4e9 spans in one bucket: halving all keeps the shape.
		for i := range s.counts {
			s.counts[i] /= 2
		}
	}
	*c++
}

// quantiles are the durations, in ns, that 50, 95 and 99 % of all do not
// exceed.
func (s *sketch) quantiles() (p50, p95, p99 float64) {
	var n uint64
	for _, c := range s.counts {
		n += uint64(c)
	}
	if n == 0 {
		return 0, 0, 0
	}
	out := [3]float64{}
	ranks := [3]uint64{(n - 1) / 2, (n - 1) * 95 / 100, (n - 1) * 99 / 100}
	k, seen := 0, uint64(0)
	for i, c := range s.counts {
		seen += uint64(c)
		for k < 3 && ranks[k] < seen {
			out[k] = bucketMid(s.low + i)
			k++
		}
	}
	return out[0], out[1], out[2]
}
