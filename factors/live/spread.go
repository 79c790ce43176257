package live

import "math"

// spread is a 95 % interval as multiples of the value: low ≤ 1 ≤ high.
type spread struct{ low, high float64 }

// How far a figure of a source may be from the truth. These are judgements:
// no source publishes an interval. They rest on the factors that all of them
// compute with: the life cycle emissions of one kWh of gas lie between 0.84 and
// 1.33 times their median, those of coal between 0.90 and 1.11 times (IPCC AR5
// WG3, Annex III, Table A.III.2), and direct emissions of a plant type are
// known to about a tenth.
const (
	lifecycleSpread = 1.25 // of a measured mix, with trade
	estimatedSpread = 1.5  // of what stands for a measurement
	directSpread    = 1.15
	regionalSpread  = 1.3 // part of a country: trade inside it is modelled
	marginalSpread  = 1.5 // which plant answers to one more kWh is modelled, and models differ
	mixSpread       = 1.1 // of a mix as published: small plants and own use are left out
	bridgeSpread    = 1.5 // of a step that stands for its neighbours
)

// both is a spread that is as wide to both sides.
func both(ratio float64) spread { return spread{1 / ratio, ratio} }

// around is the interval around a value.
func (s spread) around(v float64) (low, high float64) { return v * s.low, v * s.high }

// and adds an independent error: logarithms add in quadrature.
func (s spread) and(t spread) spread {
	return spread{
		math.Exp(-math.Hypot(math.Log(s.low), math.Log(t.low))),
		math.Exp(math.Hypot(math.Log(s.high), math.Log(t.high))),
	}
}

// towards is the spread of values of which a share has another one.
func (s spread) towards(t spread, share float64) spread {
	mid := func(a, b float64) float64 { return math.Exp((1-share)*math.Log(a) + share*math.Log(b)) }
	return spread{mid(s.low, t.low), mid(s.high, t.high)}
}
