package parquet_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

func TestAPipeIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "x.parquet"), 0o600))
	_, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{dir})
	assert.ErrorContains(t, err, "it is no file")
}
