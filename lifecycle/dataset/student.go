package dataset

import "math"

// studentBeyond is the probability that Student's t of so many degrees of
// freedom is beyond ±|t|, by the incomplete beta function I(ν/(ν+t²); ν/2, ½)
// (Abramowitz and Stegun, 26.7.1). Infinitely many degrees are the normal law.
func studentBeyond(t, degrees float64) float64 {
	t = math.Abs(t)
	switch {
	case math.IsNaN(t):
		return math.NaN()
	case degrees > 1e6:
		return math.Erfc(t / math.Sqrt2)
	case math.IsInf(t, 0):
		return 0
	}
	return incompleteBeta(degrees/(degrees+t*t), t*t/(degrees+t*t), degrees/2, 0.5)
}

// studentBound is the t beyond whose ± is such a share.
func studentBound(degrees, share float64) float64 {
	low, high := 0.0, 1.0
	for studentBeyond(high, degrees) > share {
		high *= 2
		if high > 1e12 {
			return math.Inf(1)
		}
	}
	for range 100 {
		if middle := (low + high) / 2; studentBeyond(middle, degrees) > share {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// incompleteBeta is the regularised incomplete beta function of x, y being
// 1 − x: a continued fraction (Abramowitz and Stegun, 26.5.8) by the method of
// Lentz.
func incompleteBeta(x, y, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if y <= 0 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // where it converges slowly
		return 1 - incompleteBeta(y, x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log(y)) / a
	const least = 1e-300
	c, d, f := 1.0, 0.0, 1.0
	for i := range 500 {
		var numerator float64
		switch m := float64(i / 2); {
		case i == 0:
			numerator = 1
		case i%2 == 0:
			numerator = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			numerator = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + numerator*d; math.Abs(d) < least {
			d = least
		}
		d = 1 / d
		if c = 1 + numerator/c; math.Abs(c) < least {
			c = least
		}
		f *= c * d
		if math.Abs(c*d-1) < 1e-14 {
			break
		}
	}
	return front * (f - 1)
}
