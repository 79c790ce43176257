//go:build !race

package lifecycle

// monteCarloSums is how many sums are held to a Monte Carlo.
const monteCarloSums = 50
