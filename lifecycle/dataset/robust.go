package dataset

import (
	"math"
	"slices"
)

// quantile is that of sorted numbers, in between where it falls between two; NaN
// of none.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	i, part := math.Modf(share * float64(len(sorted)-1))
	if part == 0 { // whatever is next, +Inf too
		return sorted[int(i)]
	}
	return (1-part)*sorted[int(i)] + part*sorted[int(i)+1]
}

// quantilePlace is the place, from 1 on, of the least of n sorted numbers that so many per
// cent of them, or more, do not exceed, as of SQL's QUANTILE_DISC: of few numbers,
// too, the share is not less than is said.
func quantilePlace(percent, n int64) int64 {
	return max(1, n/100*percent+(n%100*percent+99)/100)
}

// median is that of sorted numbers; NaN of none.
func median(sorted []float64) float64 { return quantile(sorted, 0.5) }

// medianOf is the median of numbers in any order, which it sorts.
func medianOf(xs []float64) float64 {
	slices.Sort(xs)
	return median(xs)
}

// qn is the scale of sorted numbers by Rousseeuw and Croux (Alternatives to the
// median absolute deviation, JASA 88, 1993): the k-th of the distances of all
// pairs, k being h over 2 with h = ⌊n/2⌋ + 1, times what makes it the standard
// deviation of a normal sample (2.2191; for small n the factors of their table,
// beyond 9 n/(n+1.4) and n/(n+3.8)). Up to half of the numbers may be anything;
// of normal ones it uses 82 % of what they tell, where the median absolute
// deviation uses 37 %. It takes O(n log n) steps: the distance is found by
// bisection, pairs within it being counted in one pass.
func qn(sorted []float64) float64 {
	n := len(sorted)
	if n < 2 {
		return 0
	}
	h := n/2 + 1
	k := h * (h - 1) / 2
	low, high := 0.0, sorted[n-1]-sorted[0]
	for range 64 {
		middle := low + (high-low)/2
		if middle == low || middle == high {
			break
		}
		if pairsWithin(sorted, middle) >= k {
			high = middle
		} else {
			low = middle
		}
	}
	if pairsWithin(sorted, 0) >= k {
		return 0
	}
	small := [...]float64{2: 0.399, 3: 0.994, 4: 0.512, 5: 0.844, 6: 0.611, 7: 0.857, 8: 0.669, 9: 0.872}
	var factor float64
	switch {
	case n < len(small):
		factor = small[n]
	case n%2 == 1:
		factor = float64(n) / (float64(n) + 1.4)
	default:
		factor = float64(n) / (float64(n) + 3.8)
	}
	return 2.2191 * factor * high
}

// pairsWithin counts the pairs of sorted numbers that are at most d apart.
func pairsWithin(sorted []float64, d float64) (n int) {
	from := 0
	for to := range sorted {
		for sorted[to]-sorted[from] > d {
			from++
		}
		n += to - from
	}
	return n
}
