package main

import (
	"crypto/sha256"
	"os"
	"strconv"
	"testing"

	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// BenchmarkDigest is a benchmark as a user would write it: one line more than
// usual. To see a regression, build it twice and run one with WASTE=20, which
// makes it do 20 % more:
//
//	go test -c -o before.test && printf '#!/bin/sh\nWASTE=20 exec ./before.test "$@"\n' >after.test && chmod +x after.test
//	go run . -runs 10 ./before.test ./after.test
func BenchmarkDigest(b *testing.B) {
	waste, _ := strconv.Atoi(os.Getenv("WASTE")) // 0 if it is not set
	data := make([]byte, 1<<10)
	tracertest.ReportEnergy(b)
	for b.Loop() {
		sum := sha256.Sum256(data)
		for range 999 + 10*waste {
			sum = sha256.Sum256(sum[:])
		}
	}
}
