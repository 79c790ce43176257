package dataset

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// ReadPoints are the accounts of all records of a data set that count and that
// a selection matches, in the order of their ids, read with the workers of the
// reader. The report tells what became of all that was read. An error beside a
// report is of what stopped the reading.
func ReadPoints(ctx context.Context, from Reader, paths []string, where Where) ([]Point, Report, error) {
	parts := make([][]Point, workersOf(&from))
	report, err := from.Read(ctx, paths, func(worker int, r *lifecycle.Record) error {
		if p, ok := NewPoint(r, where); ok {
			parts[worker] = append(parts[worker], p)
		}
		return nil
	})
	return byRun(parts), report, err
}

// workersOf sets how many workers a reader has.
func workersOf(r *Reader) int {
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	return r.Workers
}

func byRun(parts [][]Point) []Point {
	all := slices.Concat(parts...)
	slices.SortFunc(all, func(a, b Point) int { return slices.Compare(a.run[:], b.run[:]) })
	return all
}

// ReadCohorts are the cohorts of all records of a data set that count, one for
// each selection, in one reading; unit is that of [Cohort].
func ReadCohorts(ctx context.Context, from Reader, paths []string, unit string, selections ...Where) ([]*Cohort, Report, error) {
	parts := make([][]Cohort, workersOf(&from))
	for i := range parts {
		parts[i] = make([]Cohort, len(selections))
		for k := range parts[i] {
			parts[i][k].Unit = unit
		}
	}
	report, err := from.Read(ctx, paths, func(worker int, r *lifecycle.Record) error {
		rows := Rows(r)
		for k, where := range selections {
			parts[worker][k].add(r, rows, where)
		}
		return nil
	})
	cohorts := make([]*Cohort, len(selections))
	for k := range cohorts {
		cohorts[k] = &Cohort{Unit: unit}
		for i := range parts {
			cohorts[k].Merge(&parts[i][k])
		}
	}
	return cohorts, report, err
}

// Survey is what is to be told of a whole data set: what was read, what it came
// to, and the accounts that questions are asked of.
type Survey struct {
	Report  Report
	Where   Where
	Points  []Point  // in the order of their ids
	ByPhase *Summary // by phase
	ByMonth *Summary // by month of the stage's begin
}

// NewSurvey reads a data set; of it, what a selection matches.
func NewSurvey(ctx context.Context, from Reader, paths []string, where Where) (*Survey, error) {
	type part struct {
		points       []Point
		phase, month *Summary
		rows         []Row
	}
	parts := make([]part, workersOf(&from))
	for i := range parts {
		parts[i].phase, _ = NewSummary("phase") // there are such dimensions
		parts[i].month, _ = NewSummary("month")
	}
	s := &Survey{Where: where}
	var err error
	s.Report, err = from.Read(ctx, paths, func(worker int, r *lifecycle.Record) error {
		p := &parts[worker]
		p.rows = AppendRows(p.rows[:0], r)
		for i := range p.rows {
			if where.Match(&p.rows[i]) {
				p.phase.AddRow(&p.rows[i])
				p.month.AddRow(&p.rows[i])
			}
		}
		if point, ok := newPoint(r, p.rows, where); ok {
			p.points = append(p.points, point)
		}
		clear(p.rows)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var points [][]Point
	for i := range parts {
		points = append(points, parts[i].points)
		if i == 0 {
			s.ByPhase, s.ByMonth = parts[i].phase, parts[i].month
			continue
		}
		if err := cmp.Or(s.ByPhase.Merge(parts[i].phase), s.ByMonth.Merge(parts[i].month)); err != nil {
			return nil, err
		}
	}
	s.Points = byRun(points)
	return s, nil
}

// TraitDistribution is how the energy of runs is distributed that have one value
// of a trait.
type TraitDistribution struct {
	Value   string  // "" is unknown
	EnergyJ float64 // of all
	Distribution
}

// DistributionBy tells for each value of one of [Traits] how much energy runs
// used in stages that have it, the value of most runs first. Runs that used none
// are left out.
func DistributionBy(points []Point, trait string) ([]TraitDistribution, error) {
	if !slices.Contains(Traits, trait) {
		return nil, fmt.Errorf("dataset: %q is no trait of runs: write one of %s", trait, strings.Join(Traits, ", "))
	}
	joules := map[string][]float64{}
	for i := range points {
		p := &points[i]
		own := map[string]float64{}
		for k := range p.stages {
			own[p.trait(&p.stages[k], trait)] += p.stages[k].energy
		}
		for value, j := range own {
			if j > 0 {
				joules[value] = append(joules[value], j)
			}
		}
	}
	list := make([]TraitDistribution, 0, len(joules))
	for value, js := range joules {
		slices.Sort(js)
		n := len(js)
		at := func(percent int64) float64 { return js[quantilePlace(percent, int64(n))-1] } // as of a Summary
		d := TraitDistribution{Value: value, Distribution: Distribution{Runs: int64(n), Min: js[0], P5: at(5), P25: at(25), P50: at(50), P75: at(75), P95: at(95), Max: js[n-1]}}
		for _, j := range js {
			d.EnergyJ += j
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b TraitDistribution) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Value, b.Value))
	})
	return list, nil
}
