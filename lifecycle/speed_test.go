package lifecycle_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// BenchmarkTenThousandPaths writes, digests and validates a large record, which
// a run does at each checkpoint and most formats do once.
func BenchmarkTenThousandPaths(b *testing.B) {
	r := recordtest.Many(10_000)
	for name, do := range map[string]func(){
		"Encode":   func() { require.NoError(b, lifecycle.Encode(io.Discard, r)) },
		"SHA256":   func() { _, err := r.SHA256(); require.NoError(b, err) },
		"Validate": func() { require.Empty(b, lifecycle.Validate(r)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
}
