package scenario

import (
	"fmt"
	"math"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// variable is one uncertain input of a model: a figure of the scenario, or a
// factor of the data set. Whatever uses it, in whatever year, shares one error,
// and so do two scenarios that have the same (its key is equal).
type variable struct {
	Input
	key, path, unit string
	byYear          []lognormal.Source // of value, which the formulas take
	value           []float64          // best estimates by year; of a growth g, 1+g, of a decline d, 1−d
	most            float64            // that a draw may be: 1 of shares
	sure            bool               // it has no error
}

// ref is the place of a variable in a model; none is absent.
type ref int

const none ref = -1

// of makes a variable of an input, for each year of the model.
func (m *model) of(in *Input, unit, key, path string) ref {
	if at, ok := m.index[key]; ok {
		return at
	}
	v := variable{Input: *in, key: key, path: path, unit: unit, most: math.Inf(1), sure: true}
	if unit == "share" {
		v.most = 1
	}
	for y := range m.years {
		q := in.at(m.start + y)
		switch unit {
		case "growth":
			q = lifecycle.Interval{Value: 1 + q.Value, Low: 1 + q.Low, High: 1 + q.High}
		case "decline":
			q = lifecycle.Interval{Value: 1 - q.Value, Low: 1 - q.High, High: 1 - q.Low}
		}
		s := lognormal.New(q.Value, q.Low, q.High)
		v.byYear, v.value = append(v.byYear, s), append(v.value, q.Value)
		v.sure = v.sure && s.Sigma == 0
	}
	at := ref(len(m.vars))
	m.vars = append(m.vars, v)
	m.index[key] = at
	return at
}

// given is the variable of a figure of the scenario; none where it is not given.
func (m *model) given(in *Input, unit, path string) ref {
	if in == nil {
		return none
	}
	if _, known := dimensions[unit]; known {
		if err := in.check(unit); err != nil {
			m.wrong(path, "%s", err)
			return none
		}
	}
	key := path
	for _, q := range in.all() {
		key += fmt.Sprintf(" %g %g %g", q.Value, q.Low, q.High)
	}
	for _, l := range in.Later {
		key += fmt.Sprintf(" %d", l.Year)
	}
	return m.of(in, unit, key, path)
}

// factor is the variable of a factor of the data set. One that stands for
// anything in the world stands for another thing wherever it is used.
func (m *model) factor(f factors.Factor, unit, path string) ref {
	in := &Input{Interval: lifecycle.Interval{Value: f.Value, Low: f.Low, High: f.High}, Source: f.ID + ": " + f.Source}
	key := fmt.Sprintf("%s %g %g %g", f.ID, f.Value, f.Low, f.High)
	if f.Found == factors.FromWorld {
		key = path + " " + key
	}
	return m.of(in, unit, key, path)
}

// at is the value of a variable in a year, 1 if it is absent.
func (m *model) at(x []float64, r ref, y int) float64 {
	if r == none {
		return 1
	}
	return x[int(r)*m.years+y]
}

// best are the best estimates of all variables, by variable and year.
func (m *model) best() []float64 {
	x := make([]float64, 0, len(m.vars)*m.years)
	for i := range m.vars {
		x = append(x, m.vars[i].value...)
	}
	return x
}

// put sets variable i to where it is at z, in deviations of its logarithm.
func (m *model) put(x []float64, i int, z float64) {
	v := &m.vars[i]
	for y, s := range v.byYear {
		if y > 0 && s == v.byYear[y-1] && v.value[y] == v.value[y-1] {
			x[i*m.years+y] = x[i*m.years+y-1]
			continue
		}
		x[i*m.years+y] = min(v.most, v.value[y]*s.Skew*math.Exp(s.Sigma*z))
	}
}
