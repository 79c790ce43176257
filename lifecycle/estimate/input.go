package estimate

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Extension is the key of the record's extensions that holds the inputs.
const Extension = "io.github.ecotracer.estimate"

// Assumed is the Found of an input that nobody gave and no data set tells.
const Assumed factors.Found = "assumed"

// Input is a figure that the energy was computed from.
type Input struct {
	Name    string        `json:"name"`  // in words
	Field   string        `json:"field"` // what gives it, as the command line names it: power-w
	Value   float64       `json:"value"` // best estimate
	Low     float64       `json:"low"`   // 95 %
	High    float64       `json:"high"`  // 95 %
	Unit    string        `json:"unit"`
	Found   factors.Found `json:"found"`
	Source  string        `json:"source"`
	Quality string        `json:"quality"` // A to D
}

// inputs are the figures of an energy, in the order in which its formula takes
// them.
type inputs []Input

// add adds an input and returns a function that finds it among values.
func (in *inputs) add(i Input) func(x []float64) float64 {
	at := len(*in)
	*in = append(*in, i)
	return func(x []float64) float64 { return x[at] }
}

func (in inputs) has(field string) bool {
	return slices.ContainsFunc(in, func(i Input) bool { return i.Field == field })
}

func (in inputs) values() []float64 {
	x := make([]float64, len(in))
	for i := range in {
		x[i] = in[i].Value
	}
	return x
}

// relError is the error e of a positive function of the inputs: it lies within
// [v/(1+e), v·(1+e)] with 95 %, v being its value at their best estimates. Each
// input is lognormal between its bounds (R31 of the record); from the medians,
// what each of them does to the logarithm adds in quadrature, above and below.
// Inputs of the field exact have no error.
func (in inputs) relError(of func(x []float64) float64, exact string) float64 {
	x := in.values()
	v := of(x)
	if v <= 0 {
		return 0
	}
	sure := func(i int) bool { return in[i].Low == in[i].High || in[i].Field == exact }
	for i := range in {
		if !sure(i) {
			x[i] = math.Sqrt(in[i].Low) * math.Sqrt(in[i].High)
		}
	}
	median := of(x)
	var up, down float64
	for i := range in {
		if sure(i) {
			continue
		}
		middle := x[i]
		var above, below float64
		for _, bound := range []float64{in[i].Low, in[i].High} {
			x[i] = bound
			d := math.Log(of(x) / median)
			above, below = max(above, d), min(below, d)
		}
		x[i] = middle
		up, down = math.Hypot(up, above), math.Hypot(down, below)
	}
	off := math.Log(v / median)
	return math.Expm1(max(up-off, down+off, 0))
}

// told are the inputs that the energy follows from. Where it is given, power
// only divides it among the devices.
func (d *draft) told() []Input {
	if d.energyKWh == nil {
		return d.inputs
	}
	return slices.DeleteFunc(slices.Clone(d.inputs), func(i Input) bool {
		return i.Field != "energy-kwh" && i.Field != "hours" && i.Field != "mfu"
	})
}

// Width is what one figure, or several that are given together, do to an
// interval.
type Width struct {
	Name  string  // in words
	Field string  // what narrows it, as the command line names it: power-w; "" for a factor of the caller's own
	Share float64 // by which part the interval's logarithm would be shorter if they were exact
}

// widths tells what makes the interval of the emissions wide, the most first.
func (d *draft) widths() []Width {
	all := d.width("", nil)
	if all <= 0 {
		return nil
	}
	var list []Width
	seen := map[string]bool{}
	tell := func(name, field string, factors []int) {
		if seen[field] && field != "" {
			return
		}
		seen[field] = true
		if share := 1 - d.width(field, factors)/all; share >= 0.005 {
			list = append(list, Width{name, field, share})
		}
	}
	for _, i := range d.inputs {
		name := i.Name
		if of, _, several := strings.Cut(name, ", "); several {
			name = "power of the " + of
		}
		tell(name, i.Field, nil)
	}
	for k := range d.rec.Factors {
		name, field := d.nameOf(&d.rec.Factors[k])
		same := []int{k}
		for l := k + 1; l < len(d.rec.Factors); l++ {
			if _, f := d.nameOf(&d.rec.Factors[l]); f == field && field != "" {
				same = append(same, l)
			}
		}
		tell(name, field, same)
	}
	slices.SortStableFunc(list, func(a, b Width) int { return cmp.Compare(b.Share, a.Share) })
	return list
}

// width is the logarithm of the interval's ratio, of all emissions or, where
// these are unknown, of those of electricity, with some inputs exact.
func (d *draft) width(field string, factors []int) float64 {
	r := *d.rec
	r.Factors, r.Methods = slices.Clone(r.Factors), slices.Clone(r.Methods)
	if factors == nil {
		r.Methods[0].RelError = d.inputs.relError(d.joules, field)
	}
	for _, k := range factors {
		f := &r.Factors[k]
		f.Low, f.High = f.Value, f.Value
	}
	if lifecycle.Assess(&r) != nil {
		return 0
	}
	q := r.Totals.OperationalGCO2e
	if r.Totals.GCO2e != nil {
		q = *r.Totals.GCO2e
	}
	if q.Low <= 0 {
		return 0
	}
	return math.Log(q.High / q.Low)
}

// nameOf is what a factor is, and what gives it.
func (d *draft) nameOf(f *factors.Factor) (name, field string) {
	switch f.Kind {
	case factors.Grid:
		if d.rec.Environments[0].PlaceFound == "unknown" {
			return "where it runs", "country"
		}
		return "intensity of the grid", "intensity"
	case factors.PUE, factors.WUE, factors.EWIF:
		return strings.ToUpper(string(f.Kind)), string(f.Kind)
	case factors.Lifetime:
		return "lifetime of the devices", "lifetime-years"
	case factors.Utilisation:
		return "share of the devices' lifetime in use", "device-use"
	case factors.Production:
		for _, h := range d.rec.Hardware {
			if h.ID == acceleratorID && h.Embodied != nil && h.Embodied.Production.GCO2e == f.ID {
				return "production of an accelerator", "device-production-kg"
			}
		}
		return "production of a machine", "node-production-kg"
	}
	return f.ID, ""
}
