//go:build race

package report

// pageful is how many runs a page is filled with: comparing them takes long under
// the race detector.
const pageful = 2
