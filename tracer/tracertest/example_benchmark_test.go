package tracertest_test

import (
	"crypto/sha256"
	"testing"

	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// A benchmark with one line more than usual. Besides ns/op it printed, on a
// virtual machine,
//
//	0.004539 modelled-J/op  918.3 modelled-ngCO2e/op
//
// To compare two commits, run it ten times at each and let benchstat read both:
//
//	go test -bench Digest -count 10 >before.txt
//	benchstat before.txt after.txt
func ExampleReportEnergy() {
	// func BenchmarkDigest(b *testing.B)
	benchmarkDigest := func(b *testing.B) {
		data := make([]byte, 1<<20)
		tracertest.ReportEnergy(b)
		for b.Loop() {
			sha256.Sum256(data)
		}
	}
	testing.Benchmark(benchmarkDigest) // go test -bench does
}
