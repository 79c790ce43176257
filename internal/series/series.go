// Package series reads figures that are given step by step, such as the
// intensity of a grid hour by hour.
package series

// Mean is the mean of values, each of which holds for a step of stepS seconds,
// over a time that they cover: width seconds, from seconds after their begin. With
// equal steps it is the value of that step.
func Mean(values []float64, stepS, from, width float64) float64 {
	const slack = 1e-6 // of a step: rounding
	first := min(max(0, int(from/stepS+slack)), len(values)-1)
	var sum, seconds float64
	for k := first; k < len(values); k++ {
		left, right := float64(k)*stepS, float64(k+1)*stepS
		if k > first && left > from+width-slack*stepS {
			break
		}
		in := max(0, min(right, from+width)-max(left, from))
		sum += values[k] * in
		seconds += in
	}
	if seconds == 0 { // a step too short for a difference
		return values[first]
	}
	return sum / seconds
}
