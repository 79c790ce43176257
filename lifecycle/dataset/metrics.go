package dataset

import (
	"cmp"
	"slices"
)

// MetricRuns is how many runs tell a metric.
type MetricRuns struct {
	Metric
	Runs int `json:"runs"`
}

// Metrics are the metrics that runs tell, that of most runs first.
func Metrics(points []Point) []MetricRuns {
	n := map[Metric]int{}
	for i := range points {
		told := map[Metric]bool{}
		for _, m := range points[i].metrics {
			if of := m.of.Value(); !told[of] {
				told[of] = true
				n[of]++
			}
		}
	}
	list := make([]MetricRuns, 0, len(n))
	for m, k := range n {
		list = append(list, MetricRuns{m, k})
	}
	slices.SortFunc(list, func(a, b MetricRuns) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.String(), b.String()))
	})
	return list
}

// Telling is how many runs tell one of [Costs]. CO2e in all is told only where
// the record knows what all of its devices took to make, which rows cannot show.
func Telling(points []Point, figure string) (n int) {
	for i := range points {
		if b, _ := points[i].cost(figure); b.known() {
			n++
		}
	}
	return n
}
