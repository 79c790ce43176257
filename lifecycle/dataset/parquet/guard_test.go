package parquet

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func TestWhatZstdFramesComeToIsKnownBeforeTheyAreRead(t *testing.T) {
	packed := func(n int, options ...zstd.EOption) []byte {
		w, err := zstd.NewWriter(nil, options...)
		require.NoError(t, err)
		return w.EncodeAll(make([]byte, n), nil)
	}
	var stream bytes.Buffer // a frame that does not say its size
	w, err := zstd.NewWriter(&stream)
	require.NoError(t, err)
	for range 30 {
		_, err := w.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	for what, c := range map[string]struct {
		frames      []byte
		least, most int64
	}{
		"a little":        {packed(1000), 1000, 1000},
		"with checksum":   {packed(70_000, zstd.WithEncoderCRC(true)), 70_000, 70_000},
		"much":            {packed(40 << 20), 40 << 20, 40 << 20},
		"two frames":      {append(packed(1<<20), packed(1000)...), 1<<20 + 1000, 1<<20 + 1000},
		"of no told size": {stream.Bytes(), 30 << 20, 31 << 20},
		"a bomb":          {bytes.Repeat(packed(40<<20), 1000), maxPage + 1, 1 << 40},
	} {
		size, err := zstdSize(bufio.NewReader(bytes.NewReader(c.frames)))
		require.NoError(t, err, what)
		assert.GreaterOrEqual(t, size, c.least, what)
		assert.LessOrEqual(t, size, c.most, what)
	}
	for _, b := range [][]byte{[]byte("text"), packed(1000)[:9], {0x28, 0xb5, 0x2f, 0xfd}} {
		_, err := zstdSize(bufio.NewReader(bytes.NewReader(b)))
		assert.Error(t, err)
	}
}

func TestPagesThatAreTooMuchAreNotRead(t *testing.T) {
	if race.On {
		t.Skip("one goroutine, and gigabytes of the race detector's memory")
	}
	row := dataset.Row{RunID: "r", Status: "complete", Scope: "process", Boundary: "node", Phase: "use", Stage: "use/operation", HardwareKind: "cpu", HardwareClass: "cpu"}
	row.Task = string(make([]byte, 80<<20))
	var b bytes.Buffer
	w := NewWriter(&b)
	require.NoError(t, w.Write([]dataset.Row{row}))
	require.NoError(t, w.Close())
	path := filepath.Join(t.TempDir(), "t.parquet")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	err := Read(context.Background(), []string{path}, func([]dataset.Row) error { return nil })
	assert.ErrorContains(t, err, "a page")

	// Compressed in a way of which nobody knows what it comes to.
	b.Reset()
	g := parquet.NewGenericWriter[any](&b, schema(), parquet.Compression(&parquet.Gzip))
	own := &Writer{w: g, leaves: must(leaves(schema(), nil)), most: groupRows}
	row.Task = ""
	require.NoError(t, own.Write([]dataset.Row{row}))
	require.NoError(t, own.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	err = Read(context.Background(), []string{path}, func([]dataset.Row) error { return nil })
	assert.ErrorContains(t, err, "snappy or by zstd")
}

func must(list []leaf, err error) []leaf {
	if err != nil {
		panic(err)
	}
	return list
}
