//go:build !race

package report

// pageful is how many runs a page is filled with.
const pageful = MaxRecords
