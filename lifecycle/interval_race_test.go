//go:build race

package lifecycle

// The race detector has nothing to find in a sum, and makes it ten times as
// slow.
const monteCarloSums = 5
