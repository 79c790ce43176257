package dataset

import (
	"math"
	"slices"
)

// sketch is the distribution of numbers ≥ 0, as counts in buckets whose width
// is between 1/128 and 1/64 of their numbers: a quantile is off by less than
// 0.8 %. Sketches add up exactly. It is the log-linear variant of DDSketch
// (Masson, Rim and Lee, PVLDB 12(12), 2019), whose buckets are told by the bits
// of a number and so are the same on all processors. The 2048 highest buckets
// are kept, which is 9 decades or more; what is below them is in the lowest.
type sketch struct {
	buckets   []bucket // by number
	none      int64    // numbers that are 0
	min, max  float64  // of all; 0 if there are none
	collapsed bool     // there was more below

	waiting []int32 // numbers of buckets that are not counted yet, in no order
}

// bucket counts the numbers whose first 18 bits, as float64, are its number.
type bucket struct {
	number int32
	count  int64
}

const (
	bucketShift = 64 - 18
	maxBuckets  = 2048
	mostWaiting = 128 // to be sorted and counted at once, which costs less than to look for each
)

func (s *sketch) count() int64 {
	s.settle()
	n := s.none
	for _, b := range s.buckets {
		n += b.count
	}
	return n
}

func (s *sketch) isEmpty() bool { return s.none == 0 && len(s.buckets) == 0 && len(s.waiting) == 0 }

func (s *sketch) add(x float64) {
	if s.isEmpty() {
		s.min, s.max = x, x
	} else {
		s.min, s.max = min(s.min, x), max(s.max, x)
	}
	if x == 0 {
		s.none++
		return
	}
	if s.waiting = append(s.waiting, int32(math.Float64bits(x)>>bucketShift)); len(s.waiting) == mostWaiting {
		s.settle()
	}
}

// settle counts what waits.
func (s *sketch) settle() {
	if len(s.waiting) == 0 {
		return
	}
	slices.Sort(s.waiting)
	var own [mostWaiting]bucket
	counted := own[:0]
	for _, number := range s.waiting {
		if n := len(counted); n > 0 && counted[n-1].number == number {
			counted[n-1].count++
		} else {
			counted = append(counted, bucket{number, 1})
		}
	}
	s.waiting = s.waiting[:0]
	s.buckets = mergeBuckets(s.buckets, counted)
	s.collapse()
}

// collapse keeps the highest buckets. A number among the n highest of all is
// among the n highest of any part, so that none of what is kept has lost any.
func (s *sketch) collapse() {
	more := len(s.buckets) - maxBuckets
	if more <= 0 {
		return
	}
	for _, b := range s.buckets[:more] {
		s.buckets[more].count += b.count
	}
	s.buckets = slices.Delete(s.buckets, 0, more)
	s.collapsed = true
}

func (s *sketch) merge(o *sketch) {
	s.settle()
	o.settle()
	switch {
	case o.isEmpty():
		return
	case s.isEmpty():
		s.min, s.max = o.min, o.max
	default:
		s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	}
	s.none += o.none
	s.collapsed = s.collapsed || o.collapsed
	s.buckets = mergeBuckets(s.buckets, o.buckets)
	s.collapse()
}

// mergeBuckets adds the counts of b to a.
func mergeBuckets(a, b []bucket) []bucket {
	fresh := 0
	for i, j := 0, 0; j < len(b); {
		switch {
		case i == len(a) || a[i].number > b[j].number:
			fresh++
			j++
		case a[i].number < b[j].number:
			i++
		default:
			a[i].count += b[j].count
			i, j = i+1, j+1
		}
	}
	if fresh == 0 {
		return a
	}
	// From the end, so that all is moved once.
	i, j := len(a)-1, len(b)-1
	a = slices.Grow(a, fresh)[:len(a)+fresh]
	for k := len(a) - 1; j >= 0; k-- {
		switch {
		case i < 0 || a[i].number < b[j].number:
			a[k] = b[j]
			j--
		default:
			if a[i].number == b[j].number {
				j-- // its count is there
			}
			a[k] = a[i]
			i--
		}
	}
	return a
}

// quantile is the number of which so many per cent of all are no more.
func (s *sketch) quantile(percent int64) float64 {
	n := s.count()
	if n == 0 {
		return 0
	}
	rank := quantilePlace(percent, n)
	if rank <= s.none {
		return 0
	}
	seen := s.none
	for _, b := range s.buckets {
		if seen += b.count; rank <= seen {
			low := math.Float64frombits(uint64(b.number) << bucketShift)
			high := math.Float64frombits(uint64(b.number+1) << bucketShift)
			return min(max(low+(high-low)/2, s.min), s.max)
		}
	}
	return s.max
}
