// Package race makes tests try less where the race detector looks on: it makes
// all five to ten times as slow, and has nothing to find in one record, run or
// world that it would not in another.
package race

// Few is n, or an eighth of it, and 1 at the least, under the race detector.
func Few[N int | uint64](n N) N {
	if On {
		return max(1, n/8)
	}
	return n
}
