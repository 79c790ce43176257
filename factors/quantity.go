package factors

import (
	"fmt"
	"math"
	"strconv"
)

// quantity is a figure with its 95 % interval, lognormal; the zero quantity is
// unknown.
type quantity struct{ value, low, high float64 }

func exactly(x float64) quantity { return quantity{x, x, x} }

// about is x, wrong by a factor of up to spread.
func about(x, spread float64) quantity { return quantity{x, x / spread, x * spread} }

func (q quantity) known() bool { return q != quantity{} }

func (q quantity) scaled(x float64) quantity {
	return quantity{q.value * x, q.low * x, q.high * x}
}

// times is the product of two figures whose errors are independent: their
// logarithms add in quadrature.
func (q quantity) times(r quantity) quantity {
	v := q.value * r.value
	if q.low <= 0 || r.low <= 0 {
		return quantity{v, q.low * r.low, q.high * r.high}
	}
	return quantity{
		v,
		v * math.Exp(-math.Hypot(math.Log(q.value/q.low), math.Log(r.value/r.low))),
		v * math.Exp(math.Hypot(math.Log(q.high/q.value), math.Log(r.high/r.value))),
	}
}

// over is the quotient of two figures whose errors are independent.
func (q quantity) over(r quantity) quantity {
	return q.times(quantity{1 / r.value, 1 / r.high, 1 / r.low})
}

// String writes four digits: 1064 or 20 (10-35).
func (q quantity) String() string {
	if q.low == q.high {
		return digits(q.value)
	}
	return fmt.Sprintf("%s (%s-%s)", digits(q.value), digits(q.low), digits(q.high))
}

func digits(x float64) string {
	if x >= 1000 && x < 1e7 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
