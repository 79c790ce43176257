package dataset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// ndjson is a file of so many records of some 11 kB, each of a run of its own.
func ndjson(b testing.TB, n int) (path string, size int64, now time.Time) {
	r := host(1).next(b)
	var text bytes.Buffer
	require.NoError(b, lifecycle.EncodeLine(&text, r))
	path = filepath.Join(b.TempDir(), "records.ndjson")
	f, err := os.Create(path)
	require.NoError(b, err)
	for i := range n {
		id := r.Run.ID[:24] + strings.Repeat("0", 12)
		id = id[:36-len(hex12(i))] + hex12(i)
		line := bytes.Replace(text.Bytes(), []byte(r.Run.ID), []byte(id), 1)
		_, err := f.Write(line)
		require.NoError(b, err)
		size += int64(len(line))
	}
	require.NoError(b, f.Close())
	return path, size, r.CreatedAt
}

func hex12(i int) string {
	const digits = "0123456789abcdef"
	var b [12]byte
	for k := range b {
		b[11-k] = digits[i&15]
		i >>= 4
	}
	return string(b[:])
}

// BenchmarkRead reads 4000 records from one file: decode and validation are in
// it. MiB-peak is the most memory that the program had from the system.
func BenchmarkRead(b *testing.B) {
	path, size, now := ndjson(b, 4000)
	b.SetBytes(size)
	for b.Loop() {
		var n atomic.Int64
		_, err := dataset.Reader{Now: now}.Read(b.Context(), []string{path}, func(int, *lifecycle.Record) error {
			n.Add(1)
			return nil
		})
		require.NoError(b, err)
		require.EqualValues(b, 4000, n.Load())
	}
	b.ReportMetric(4000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	b.ReportMetric(float64(sample[0].Value.Uint64())/(1<<20), "MiB-peak")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "workers")
}
