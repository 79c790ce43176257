package lifecycle

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

// pair is one figure of two runs, by the sources of a pool.
type pair struct{ first, second []term }

// outcome is what drawing a pair came to: how often the first was lower and
// higher, and the 95 % bounds of their difference and ratio.
type outcome struct {
	lower, higher     int
	difference, ratio [2]float64
}

// turn makes it the outcome of the second and the first.
func (o *outcome) turn() {
	o.lower, o.higher = o.higher, o.lower
	o.difference = [2]float64{-o.difference[1], -o.difference[0]}
	o.ratio = [2]float64{1 / o.ratio[1], 1 / o.ratio[0]}
}

// errTooGreat is told of figures that no number can hold.
var errTooGreat = errors.New("lifecycle: figures to compare are too great for a number: check the bounds of the factors")

// draw draws the sources of the pool and computes both figures of each pair
// from them.
func (p *pool) draw(pairs []pair, draws int) ([]outcome, error) {
	// Products that occur often are computed once a draw.
	type part struct {
		product       int
		first, second float64
	}
	var products []product
	index := map[product]int{}
	parts := make([][]part, len(pairs))
	used := make([]bool, len(p.Sources))
	for i := range pairs {
		at := map[int]int{}
		add := func(t term, second bool) {
			q := p.uncertain(t.Product)
			n, ok := index[q]
			if !ok {
				n = len(products)
				index[q] = n
				products = append(products, q)
				for _, k := range q {
					if k != 0 {
						used[max(k, -k)-1] = true
					}
				}
			}
			m, ok := at[n]
			if !ok {
				m = len(parts[i])
				at[n] = m
				parts[i] = append(parts[i], part{product: n})
			}
			if second {
				parts[i][m].second += t.Median
			} else {
				parts[i][m].first += t.Median
			}
		}
		for _, t := range pairs[i].first {
			add(t, false)
		}
		for _, t := range pairs[i].second {
			add(t, true)
		}
	}

	rng := rand.New(rand.NewPCG(21031, 14040)) // any seed will do; it stays the same
	outcomes := make([]outcome, len(pairs))
	differences, ratios := make([][]float64, len(pairs)), make([][]float64, len(pairs))
	for i := range pairs {
		differences[i], ratios[i] = make([]float64, draws), make([]float64, draws)
	}
	gain, value := make([]float64, len(p.Sources)), make([]float64, len(products))
	for n := range draws {
		for k := range gain {
			if used[k] {
				gain[k] = math.Exp(p.Sources[k].Sigma * rng.NormFloat64())
			}
		}
		for m, q := range products {
			v := 1.0
			for _, k := range q {
				switch {
				case k > 0:
					v *= gain[k-1]
				case k < 0:
					v /= gain[-k-1]
				}
			}
			value[m] = v
		}
		for i := range pairs {
			var x, y float64
			for _, t := range parts[i] {
				x += t.first * value[t.product]
				y += t.second * value[t.product]
			}
			if math.IsNaN(x-y) || math.IsInf(x-y, 0) {
				return nil, errTooGreat
			}
			switch {
			case near(x, y, sumTolerance):
			case x < y:
				outcomes[i].lower++
			default:
				outcomes[i].higher++
			}
			differences[i][n], ratios[i][n] = x-y, x/y
		}
	}
	for i := range outcomes {
		outcomes[i].difference, outcomes[i].ratio = middle(differences[i]), middle(ratios[i])
	}
	return outcomes, nil
}

// middle is the interval that 95 % of the drawn values are in.
func middle(drawn []float64) [2]float64 {
	slices.Sort(drawn)
	n := len(drawn) * 25 / 1000
	return [2]float64{drawn[n], drawn[len(drawn)-1-n]}
}

// uncertain is the product of those of its sources that have an error, in one
// order.
func (p *pool) uncertain(q product) product {
	for j, k := range q {
		if k != 0 && p.Sources[max(k, -k)-1].Sigma == 0 {
			q[j] = 0
		}
	}
	slices.Sort(q[:])
	return q
}
