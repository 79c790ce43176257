package tracertest

import "time"

// Curve is a quantity that adds up over time: what it has come to at time t,
// counted from when the host or meter that follows it was made. As the power
// of a domain it is in joules, as a load in CPU seconds. A Curve never falls
// and may be called from several goroutines at once.
//
// A power or a load is given by its rate: Constant(20) is 20 W, or 20 CPUs
// kept busy. What a Curve is at time 0 does not matter.
type Curve func(t time.Duration) float64

// Constant is a power of so many watts, or a load of so many CPUs.
func Constant(rate float64) Curve {
	return func(t time.Duration) float64 { return rate * t.Seconds() }
}

// Ramp is a rate that goes evenly from one value to another within a time,
// and stays there.
func Ramp(from, to float64, within time.Duration) Curve {
	if within <= 0 {
		return Constant(to)
	}
	whole := within.Seconds()
	ramp := func(t time.Duration) float64 {
		s := t.Seconds()
		return from*s + (to-from)*s*s/(2*whole)
	}
	return Curve(ramp).Then(within, Constant(to))
}

// Rate is any rate as a function of time. It is integrated by Simpson's rule
// in steps of the given length, which is exact for a rate that is a
// polynomial of third degree or less within each step. One call costs t/step.
func Rate(rate func(t time.Duration) float64, step time.Duration) Curve {
	if step <= 0 {
		panic("tracertest: Rate needs a positive step")
	}
	simpson := func(a, b time.Duration) float64 {
		return (b - a).Seconds() / 6 * (rate(a) + 4*rate(a+(b-a)/2) + rate(b))
	}
	return func(t time.Duration) float64 {
		var sum float64
		a := time.Duration(0)
		for ; a+step <= t; a += step {
			sum += simpson(a, a+step)
		}
		return sum + simpson(a, t)
	}
}

// Then follows c until the given time, and next from there on. Time 0 of next
// is the moment of the change:
//
//	Constant(20).Then(time.Minute, Constant(90)).Then(2*time.Minute, Constant(20))
//
// is 20 W but for one minute of 90 W. It is for scripts: of TrueCPU the past
// cannot be asked.
func (c Curve) Then(at time.Duration, next Curve) Curve {
	return func(t time.Duration) float64 {
		if t <= at {
			return c(t)
		}
		return c(at) + next(t-at) - next(0)
	}
}

// Plus is the sum of two curves.
func (c Curve) Plus(d Curve) Curve {
	return func(t time.Duration) float64 { return c(t) + d(t) }
}

// Times is the curve k times as high. A load of CPU seconds times the watts
// that a busy CPU draws is a power.
func (c Curve) Times(k float64) Curve {
	return func(t time.Duration) float64 { return k * c(t) }
}

// fromNow is what the curve adds to what it is now, at time 0.
func (c Curve) fromNow() Curve {
	base := c(0)
	return func(t time.Duration) float64 { return c(t) - base }
}
