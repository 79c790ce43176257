package parquet_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
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

func TestATableMayHaveMoreFilesThanCanBeOpen(t *testing.T) {
	dir := t.TempDir()
	table := written(t, randomRows(1))
	for i := range 64 {
		require.NoError(t, os.Link(table, filepath.Join(dir, strconv.Itoa(i)+".parquet")))
	}
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
	few := was
	few.Cur = 48
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)) }()
	_, err := parquet.Summarise(context.Background(), dataset.Reader{Workers: 2}, []string{dir})
	assert.NoError(t, err)
}
