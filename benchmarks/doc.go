// Package benchmarks measures the tracer side by side with its peers, so that
// the peers are no dependency of the library. The benchmarks are Go's own:
//
//	go test -C benchmarks -run '^$' -bench .
//
// The program in table runs the same measurements, and those that take no
// testing.B, in one process and prints the table of the README.
package benchmarks
