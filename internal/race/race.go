// Package race makes tests try less where the race detector looks on: it makes
// all five to ten times as slow, and has nothing to find in one record, run or
// world that it would not in another.
package race

import "testing"

// Few is n, or an eighth of it, and 1 at the least, under the race detector.
func Few[N int | uint64](n N) N {
	if On {
		return max(1, n/8)
	}
	return n
}

// SkipStatistics skips a test of what holds on average, which needs all its draws
// to say so, and whose code other tests run too.
func SkipStatistics(t testing.TB) {
	t.Helper()
	if On {
		t.Skip("one goroutine draws many worlds: nothing for the race detector")
	}
}
