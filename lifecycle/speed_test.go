package lifecycle_test

import (
	"bytes"
	"io"
	"os"
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

// BenchmarkRecord reads and validates records as they come in files of very many
// of them, one a line.
func BenchmarkRecord(b *testing.B) {
	example := func() *lifecycle.Record {
		doc, err := os.ReadFile("../../shared/reference/record-example.json")
		if err != nil {
			return nil
		}
		r, err := lifecycle.Decode(bytes.NewReader(doc))
		require.NoError(b, err)
		return r
	}
	small := func() *lifecycle.Record {
		doc, err := os.ReadFile("testdata/small.json")
		require.NoError(b, err)
		r, err := lifecycle.Decode(bytes.NewReader(doc))
		require.NoError(b, err)
		return r
	}
	for _, of := range []struct {
		name   string
		record *lifecycle.Record
	}{{"example", example()}, {"small", small()}, {"random", recordtest.Random(7)}, {"paths=10000", recordtest.Many(10_000)}} {
		b.Run(of.name, func(b *testing.B) {
			if of.record == nil {
				b.Skip("the example record is not here")
			}
			var line bytes.Buffer
			require.NoError(b, lifecycle.EncodeLine(&line, of.record))
			var checker lifecycle.Checker
			for _, op := range []struct {
				name string
				do   func() error
			}{
				{"Decode", func() error { _, err := lifecycle.Decode(bytes.NewReader(line.Bytes())); return err }},
				{"Validate", func() error { lifecycle.Validate(of.record); return nil }},
				{"Check", func() error { _, _, err := lifecycle.Check(bytes.NewReader(line.Bytes())); return err }},
				{"Checker", func() error { _, _, err := checker.Check(bytes.NewReader(line.Bytes())); return err }},
				{"EncodeLine", func() error { return lifecycle.EncodeLine(io.Discard, of.record) }},
			} {
				b.Run(op.name, func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(line.Len()))
					for b.Loop() {
						if err := op.do(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
