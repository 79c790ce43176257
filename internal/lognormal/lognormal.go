// Package lognormal computes the 95 % intervals of sums of products of lognormal
// inputs, such as factors and the errors of meters.
package lognormal

import (
	"math"
	"slices"
)

// The 95 % interval of a normal variable, and its width.
const (
	Z95     = 1.959964
	width95 = 3.919928
)

// Source is one uncertain input: a factor, or the gain of a meter. It is
// lognormal between its 95 % bounds. Whatever uses it shares one variable, so
// that correlation needs nothing more.
type Source struct {
	Skew  float64 // median over best estimate
	Sigma float64 // of the logarithm
}

// New is the source with this best estimate and these 95 % bounds.
func New(value, low, high float64) Source {
	if low >= high || low <= 0 || value <= 0 {
		return Source{Skew: 1}
	}
	return Source{
		Skew:  math.Sqrt(low) * math.Sqrt(high) / value,
		Sigma: (math.Log(high) - math.Log(low)) / width95,
	}
}

// Product names the sources that a term is multiplied by (k+1) or divided by
// (-k-1); 0 is no source. The formulas of a record have at most four in a
// term, each of another kind and so each once.
type Product [4]int32

// Times is the product multiplied by source k.
func (p Product) Times(k int) Product { return p.with(int32(k) + 1) }

// Over is the product divided by source k.
func (p Product) Over(k int) Product { return p.with(-int32(k) - 1) }

func (p Product) with(k int32) Product {
	p[slices.Index(p[:], 0)] = k
	return p
}

// Term is one addend of a figure.
type Term struct {
	Median  float64 // at the medians of its sources
	Product Product
}

// Intervals computes the 95 % bounds of sums of terms. It keeps its working
// memory between calls.
type Intervals struct {
	Sources []Source

	slot   []int32 // by source: its place in this sum, from 1; 0 if not in it
	used   []int32 // the sources of this sum
	merged []Term
	sigmas []float64 // by place
	z, g   []float64
}

// Bounds returns the 95 % bounds of the sum of terms whose best estimate is
// value, by the second-order reliability method (first-order search for the
// most probable point, as Hasofer and Lind and Rackwitz and Fiessler describe
// it; curvature correction at that point). Every source is a lognormal
// variable; the figure is x(z) = Σ a exp(Σ pσz). From z = 0 the point of the
// sphere |z| = 1.959964 where x is greatest (least) is sought by
// z ← ±1.959964 ∇x/|∇x|, then eight times by the mean of z and that, scaled
// back to the sphere. The bound is x + ½ Σ x_t (Σ(pσ)² − (Σ pσu)²) there,
// u = ∇x/|∇x|. One term alone is exact.
//
// Moments are not enough here: for inputs within ×3 a matched lognormal misses
// by a fifth, this by 3 %.
func (v *Intervals) Bounds(value float64, terms []Term) (low, high float64) {
	scale := v.load(terms)
	defer v.unload()
	if len(v.used) == 0 || scale == 0 {
		return value, value
	}
	low, high = scale*v.bound(-Z95), scale*v.bound(Z95)
	return min(value, low), max(value, high)
}

// load merges terms of one product, numbers their sources and returns the
// scale that the terms were divided by.
func (v *Intervals) load(terms []Term) (scale float64) {
	v.merged = append(v.merged[:0], terms...)
	slices.SortStableFunc(v.merged, func(a, b Term) int { return slices.Compare(a.Product[:], b.Product[:]) })
	n := 0
	for _, t := range v.merged {
		scale += t.Median
		if n > 0 && v.merged[n-1].Product == t.Product {
			v.merged[n-1].Median += t.Median
			continue
		}
		v.merged[n] = t
		n++
	}
	v.merged = v.merged[:n]

	if v.slot == nil {
		v.slot = make([]int32, len(v.Sources))
	}
	v.used, v.sigmas = v.used[:0], v.sigmas[:0]
	for i := range v.merged {
		t := &v.merged[i]
		t.Median /= scale
		for j, k := range t.Product {
			s := max(k, -k) - 1
			if k == 0 || v.Sources[s].Sigma == 0 {
				t.Product[j] = 0
				continue
			}
			if v.slot[s] == 0 {
				v.used = append(v.used, s)
				v.sigmas = append(v.sigmas, v.Sources[s].Sigma)
				v.slot[s] = int32(len(v.used))
			}
			t.Product[j] = v.slot[s]
			if k < 0 {
				t.Product[j] = -v.slot[s]
			}
		}
	}
	v.z = slices.Grow(v.z[:0], len(v.used))[:len(v.used)]
	v.g = slices.Grow(v.g[:0], len(v.used))[:len(v.used)]
	return scale
}

// unload forgets the numbering.
func (v *Intervals) unload() {
	for _, s := range v.used {
		v.slot[s] = 0
	}
}

// bound is the bound at distance beta, below for a negative one.
func (v *Intervals) bound(beta float64) float64 {
	clear(v.z)
	v.gradient()
	for k, g := range v.g {
		v.z[k] = beta * g
	}
	for range 8 {
		v.gradient()
		var norm float64
		for k, g := range v.g {
			v.z[k] = (v.z[k] + beta*g) / 2
			norm += v.z[k] * v.z[k]
		}
		if norm == 0 {
			break
		}
		norm = math.Abs(beta) / math.Sqrt(norm)
		for k := range v.z {
			v.z[k] *= norm
		}
	}
	v.gradient()
	var x float64
	for _, t := range v.merged {
		at := t.Median * math.Exp(v.exponent(t, v.z))
		var all float64
		for _, k := range t.Product {
			if k != 0 {
				s := v.sigmas[max(k, -k)-1]
				all += s * s
			}
		}
		along := v.exponent(t, v.g)
		x += at * (1 + (all-along*along)/2)
	}
	return x
}

// gradient sets g to the direction ∇x/|∇x| at z.
func (v *Intervals) gradient() {
	clear(v.g)
	for _, t := range v.merged {
		at := t.Median * math.Exp(v.exponent(t, v.z))
		for _, k := range t.Product {
			switch {
			case k > 0:
				v.g[k-1] += at * v.sigmas[k-1]
			case k < 0:
				v.g[-k-1] -= at * v.sigmas[-k-1]
			}
		}
	}
	var norm float64
	for _, g := range v.g {
		norm += g * g
	}
	if norm == 0 { // sources that cancel out: any direction is as good
		return
	}
	norm = 1 / math.Sqrt(norm)
	for k := range v.g {
		v.g[k] *= norm
	}
}

// exponent is Σ pσz of a term along z.
func (v *Intervals) exponent(t Term, z []float64) float64 {
	var e float64
	for _, k := range t.Product {
		switch {
		case k > 0:
			e += v.sigmas[k-1] * z[k-1]
		case k < 0:
			e -= v.sigmas[-k-1] * z[-k-1]
		}
	}
	return e
}

// Sum returns the 95 % bounds of a sum of independent parts, each a best
// estimate with its own 95 % bounds, taken n times with one error.
func Sum(parts ...Part) (value, low, high float64) {
	v := Intervals{Sources: make([]Source, len(parts))}
	terms := make([]Term, len(parts))
	for k, p := range parts {
		v.Sources[k] = New(p.Value, p.Low, p.High)
		value += p.N * p.Value
		terms[k] = Term{p.N * p.Value * v.Sources[k].Skew, Product{}.Times(k)}
	}
	low, high = v.Bounds(value, terms)
	return value, low, high
}

// Part is an addend of Sum.
type Part struct{ N, Value, Low, High float64 }
