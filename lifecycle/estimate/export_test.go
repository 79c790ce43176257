package estimate

// RelErrorOf is the error of power, with the host's part, of inputs that are
// given as value, low and high.
func RelErrorOf(idle, full, busy, host [3]float64) float64 {
	var in inputs
	add := func(x [3]float64) watts { return in.add(Input{Value: x[0], Low: x[1], High: x[2]}) }
	w := between(1, add(idle), add(full), add(busy))
	part := add(host)
	return in.relError(func(x []float64) float64 { return w(x) * (1 + part(x)) }, "nothing")
}

// EnergyOf is what the energy of a plan is computed from, and how.
func EnergyOf(p Plan) ([]Input, func(x []float64) float64, error) {
	d, err := drafted(p)
	if err != nil {
		return nil, nil, err
	}
	return d.inputs, d.joules, nil
}
