package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/aclements/go-moremath/stats"
)

// maxRuns bounds the time that the distribution of U takes, which grows with
// the fourth power.
const maxRuns = 50

// decision is what the runs of a benchmark, before and after, tell of the ratio
// of what they used.
//
// It is that of Hodges and Lehmann: the median of all ratios of a run after to a
// run before, and as bounds those which the test of Mann, Whitney and Wilcoxon
// leaves (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd ed.,
// 4.3). Nothing is assumed of how the runs are distributed, but that each is
// independent of the others and a change multiplies them all. Each bound alone
// is wrong with a probability of alpha at most.
type decision struct {
	runs      [2]int
	ratio     float64
	low, high float64 // 0 and +Inf where so few runs tell none
}

// decide compares the runs of a benchmark.
func decide(before, after []float64, alpha, least float64) (d decision, err error) {
	n, m := len(before), len(after)
	d = decision{runs: [2]int{n, m}, ratio: math.NaN(), high: math.Inf(1)}
	if max(n, m) > maxRuns {
		return d, fmt.Errorf("%d runs, of at most %d", max(n, m), maxRuns)
	}
	if n == 0 || m == 0 {
		return d, nil
	}
	ratios := make([]float64, 0, n*m)
	for _, a := range after {
		for _, b := range before {
			if !(a > 0 && b > 0) {
				return d, errors.New("a figure is not above 0")
			}
			ratios = append(ratios, a/b)
		}
	}
	slices.Sort(ratios)
	d.ratio = (ratios[(n*m-1)/2] + ratios[n*m/2]) / 2
	// The bound is the k-th ratio from either end: U of equals is below k with a
	// probability of alpha at most.
	u := stats.UDist{N1: n, N2: m}
	k := sort.Search(n*m/2, func(k int) bool { return u.CDF(float64(k)) > alpha })
	if k > 0 {
		d.low, d.high = ratios[k-1], ratios[n*m-k]
	}
	return d, nil
}

func (d decision) status(least float64) int {
	switch {
	case d.low > 1+least:
		return regression
	case d.high < 1+least:
		return fine
	}
	return cannotTell
}

func (d decision) verdict(least, alpha float64) string {
	switch d.status(least) {
	case regression:
		return "REGRESSION"
	case fine:
		return "fine"
	}
	switch {
	case d.runs[0] == 0:
		return "cannot tell: not measured before"
	case d.runs[1] == 0:
		return "cannot tell: not measured after"
	case math.IsInf(d.high, 1):
		return fmt.Sprintf("cannot tell: %d and %d runs, it takes %d of each", d.runs[0], d.runs[1], runsFor(alpha))
	}
	return "cannot tell: the runs differ too much"
}

// runsFor is how many runs of each it takes for bounds: then all of one side are
// above all of the other by chance with a probability of alpha at most.
func runsFor(alpha float64) int {
	n := 1
	for (stats.UDist{N1: n, N2: n}).CDF(0) > alpha {
		n++
	}
	return n
}

func (d decision) change() string {
	if math.IsNaN(d.ratio) {
		return "?"
	}
	return percent(d.ratio)
}

func (d decision) bounds() string {
	if math.IsInf(d.high, 1) {
		return "?"
	}
	return percent(d.low) + " to " + percent(d.high)
}

func percent(ratio float64) string { return fmt.Sprintf("%+.1f %%", 100*(ratio-1)) }
