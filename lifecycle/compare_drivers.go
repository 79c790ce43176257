package lifecycle

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/factors"
)

// cellKey is a place in a figure: the rows of a stage and device, as far as
// factors of the same kinds are in them.
type cellKey struct {
	stage    Stage
	hardware string
	kinds    string
}

// cell is what such rows add to a figure, and what they would without the
// factor of each kind: the two make the factor that they have together.
type cell struct {
	value   float64
	without map[factors.Kind]float64
}

// cells are the parts of compared figure k, of the run or of one unit.
func (c *comparand) cells(k int, unit string) map[cellKey]*cell {
	all := map[cellKey]*cell{}
	for i := range c.rows {
		row := &c.rows[i]
		for _, t := range pick(&row.columns, k).terms {
			c.addTo(all, row, t, c.times(unit))
		}
	}
	return all
}

// addTo adds a term to its cell.
func (c *comparand) addTo(all map[cellKey]*cell, row *contribution, t term, x float64) {
	value := t.Median * x
	key := cellKey{stage: row.stage, hardware: row.usage.Hardware}
	for _, s := range t.Product {
		switch {
		case s > 0:
			value /= c.Sources[s-1].Skew
		case s < 0:
			value *= c.Sources[-s-1].Skew
		}
		if n := int(max(s, -s)) - 1; s != 0 && n < len(c.record.Factors) {
			key.kinds += "/" + string(c.record.Factors[n].Kind)
		}
	}
	to := all[key]
	if to == nil {
		to = &cell{without: map[factors.Kind]float64{}}
		all[key] = to
	}
	to.value += value
	for _, s := range t.Product {
		n := int(max(s, -s)) - 1
		if s == 0 || n >= len(c.record.Factors) {
			continue
		}
		if v := c.value(n); s > 0 && v > 0 {
			to.without[c.record.Factors[n].Kind] += value / v
		} else if s < 0 {
			to.without[c.record.Factors[n].Kind] += value * v
		}
	}
}

// drivers are what the difference of two figures is made of. With L(x, y) the
// logarithmic mean (x − y) / (ln x − ln y), a cell that is x in one run and y
// in the other differs by Σ L(x, y) × ln(input of one / input of the other)
// over its inputs. A cell that one run alone has is used there alone.
func drivers(a, b map[cellKey]*cell) []Driver {
	type input struct {
		stage          Stage
		hardware, name string
	}
	sums := map[input]float64{}
	var size float64
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.SortedFunc(maps.Keys(keys), compareCells) {
		x, y := cmp.Or(a[key], &cell{}), cmp.Or(b[key], &cell{})
		size += max(x.value, y.value)
		use := input{key.stage, key.hardware, "use"}
		if x.value <= 0 || y.value <= 0 {
			sums[use] += x.value - y.value
			continue
		}
		mean, rest := x.value, math.Log(x.value)-math.Log(y.value)
		if math.Abs(rest) > 1e-12 {
			mean = (x.value - y.value) / rest
		}
		for _, kind := range slices.Sorted(maps.Keys(x.without)) { // y has the same kinds
			part := math.Log(x.value/x.without[kind]) - math.Log(y.value/y.without[kind])
			rest -= part
			sums[input{key.stage, key.hardware, string(kind)}] += mean * part
		}
		sums[use] += mean * rest
	}
	var list []Driver
	for in, d := range sums {
		if math.Abs(d) > sumTolerance*size {
			list = append(list, Driver{in.stage, in.hardware, in.name, d})
		}
	}
	slices.SortFunc(list, func(a, b Driver) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Difference), math.Abs(a.Difference)),
			cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Hardware, b.Hardware), cmp.Compare(a.Input, b.Input))
	})
	return list
}

func compareCells(a, b cellKey) int {
	return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.hardware, b.hardware), cmp.Compare(a.kinds, b.kinds))
}
