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

	slot      []int32 // by source: its place in this sum, from 1; 0 if not in it
	used      []int32 // the sources of this sum
	merged    []Term
	addends   []addend
	low, high search
}

// Reset forgets the sources, and keeps the memory.
func (v *Intervals) Reset() {
	v.Sources, v.slot = v.Sources[:0], v.slot[:0]
}

// addend is a merged term by the places of its sources.
type addend struct {
	median float64
	all    float64 // Σ(pσ)²
	parts  int
	place  [4]int32
	sigma  [4]float64 // negative where the source divides
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
	return v.bounds(value, terms, 0)
}

// Hold reports whether low and high are the bounds of a sum, as far as that is
// sooner told than the bounds themselves: if it says so, they are within
// tolerance, relative to the larger; if it does not, Bounds can tell.
//
// It ends the search once two steps in a row moved the bound by a twentieth of
// the tolerance at most: the steps shrink to about half from one to the next, so
// that those which are left would not move it by as much as is kept in hand.
func (v *Intervals) Hold(value, low, high float64, terms []Term, tolerance float64) bool {
	l, h := v.bounds(value, terms, tolerance/20)
	tolerance *= 0.8
	return math.Abs(l-low) <= tolerance*max(l, low) && math.Abs(h-high) <= tolerance*max(h, high)
}

func (v *Intervals) bounds(value float64, terms []Term, still float64) (low, high float64) {
	scale := v.load(terms)
	defer v.unload()
	if len(v.used) == 0 || scale == 0 {
		return value, value
	}
	if len(v.addends) == 1 {
		low = math.Exp(-Z95 * math.Sqrt(v.addends[0].all))
		return min(value, scale*low), max(value, scale/low)
	}
	v.low.begin(-Z95, v.addends, len(v.used))
	v.high.begin(Z95, v.addends, len(v.used))
	for range 8 { // side by side: a processor does much of both at once
		lower, upper := v.low.step(v.addends, still), v.high.step(v.addends, still)
		if !lower && !upper {
			break
		}
	}
	low, high = scale*v.low.bound(v.addends), scale*v.high.bound(v.addends)
	return min(value, low), max(value, high)
}

// load merges terms of one product, numbers their sources and returns the
// scale that the terms were divided by.
func (v *Intervals) load(terms []Term) (scale float64) {
	v.merge(terms)
	for i := range v.merged {
		scale += v.merged[i].Median
	}
	if n := len(v.Sources); len(v.slot) < n { // all 0 between sums
		v.slot = slices.Grow(v.slot[:0], n)[:n]
		clear(v.slot)
	}
	v.used, v.addends = v.used[:0], v.addends[:0]
	for i := range v.merged {
		t := &v.merged[i]
		a := addend{median: t.Median / scale}
		for _, k := range t.Product {
			s := max(k, -k) - 1
			if k == 0 || v.Sources[s].Sigma == 0 {
				continue
			}
			if v.slot[s] == 0 {
				v.used = append(v.used, s)
				v.slot[s] = int32(len(v.used))
			}
			sigma := v.Sources[s].Sigma
			a.all += sigma * sigma
			if k < 0 {
				sigma = -sigma
			}
			a.place[a.parts], a.sigma[a.parts] = v.slot[s]-1, sigma
			a.parts++
		}
		v.addends = append(v.addends, a)
	}
	return scale
}

// merge adds up the terms of one product. Mostly there are few products.
func (v *Intervals) merge(terms []Term) {
	const few = 16
	v.merged = v.merged[:0]
next:
	for _, t := range terms {
		for i := range v.merged {
			if v.merged[i].Product == t.Product {
				v.merged[i].Median += t.Median
				continue next
			}
		}
		if v.merged = append(v.merged, t); len(v.merged) > few {
			break
		}
	}
	if len(v.merged) <= few {
		return
	}
	v.merged = append(v.merged[:0], terms...)
	slices.SortStableFunc(v.merged, func(a, b Term) int { return slices.Compare(a.Product[:], b.Product[:]) })
	n := 0
	for _, t := range v.merged {
		if n > 0 && v.merged[n-1].Product == t.Product {
			v.merged[n-1].Median += t.Median
			continue
		}
		v.merged[n] = t
		n++
	}
	v.merged = v.merged[:n]
}

// unload forgets the numbering.
func (v *Intervals) unload() {
	for _, s := range v.used {
		v.slot[s] = 0
	}
}

// search is that for the point of the sphere where a sum is least, if beta is
// negative, or greatest.
type search struct {
	beta  float64
	z, g  []float64 // the point; ∇x/|∇x| at it
	x     []float64 // the addends there
	found float64   // the bound, by the point before
	calm  int       // steps in a row that hardly moved it
}

// begin sets out from the middle.
func (s *search) begin(beta float64, addends []addend, sources int) {
	s.beta, s.found, s.calm = beta, 0, 0
	s.z = slices.Grow(s.z[:0], sources)[:sources]
	s.g = slices.Grow(s.g[:0], sources)[:sources]
	s.x = slices.Grow(s.x[:0], len(addends))[:len(addends)]
	clear(s.g)
	for i := range addends {
		a := &addends[i]
		a.weigh(a.median, s.g)
	}
	s.normalise()
	for k, g := range s.g {
		s.z[k] = beta * g
	}
}

// step moves the point on, and reports whether it is worth another: it is not
// once two steps in a row moved the bound by no more than still, relative. (One
// may do so at a turn.)
func (s *search) step(addends []addend, still float64) bool {
	if s.calm == 2 {
		return false
	}
	s.gradient(addends)
	if still > 0 {
		x := s.sum(addends)
		if math.Abs(x-s.found) <= still*x {
			s.calm++
		} else {
			s.calm = 0
		}
		if s.found = x; s.calm == 2 {
			return false
		}
	}
	var norm float64
	for k, g := range s.g {
		z := (s.z[k] + s.beta*g) / 2
		s.z[k] = z
		norm += z * z
	}
	if norm == 0 {
		return false
	}
	norm = math.Abs(s.beta) / math.Sqrt(norm)
	for k := range s.z {
		s.z[k] *= norm
	}
	return true
}

// gradient sets g to the direction ∇x/|∇x| at z.
func (s *search) gradient(addends []addend) {
	z, g, x := s.z, s.g, s.x[:len(addends)]
	clear(g)
	for i := range addends {
		a := &addends[i]
		x[i] = a.median * math.Exp(a.along(z))
		a.weigh(x[i], g)
	}
	s.normalise()
}

// normalise makes g as long as 1. Where sources cancel out it is 0, and any
// direction is as good.
func (s *search) normalise() {
	var norm float64
	for _, g := range s.g {
		norm += g * g
	}
	if norm == 0 {
		return
	}
	norm = 1 / math.Sqrt(norm)
	for k := range s.g {
		s.g[k] *= norm
	}
}

// bound is the bound at the point.
func (s *search) bound(addends []addend) float64 {
	if s.calm == 2 {
		return s.found
	}
	s.gradient(addends)
	return s.sum(addends)
}

// sum is the bound at the point, whose gradient is known.
func (s *search) sum(addends []addend) (x float64) {
	for i := range addends {
		a := &addends[i]
		along := a.along(s.g)
		x += s.x[i] * (1 + (a.all-along*along)/2)
	}
	return x
}

// along is Σ pσz of an addend along z.
func (a *addend) along(z []float64) float64 {
	e := a.sigma[0] * z[a.place[0]]
	if a.parts > 1 {
		e += a.sigma[1] * z[a.place[1]]
		if a.parts > 2 {
			e += a.sigma[2]*z[a.place[2]] + a.sigma[3]*z[a.place[3]]
		}
	}
	return e
}

// weigh adds the derivatives of an addend that is x to g.
func (a *addend) weigh(x float64, g []float64) {
	g[a.place[0]] += x * a.sigma[0]
	if a.parts > 1 {
		g[a.place[1]] += x * a.sigma[1]
		if a.parts > 2 {
			g[a.place[2]] += x * a.sigma[2]
			g[a.place[3]] += x * a.sigma[3]
		}
	}
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
