package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestOfAFolderNoPipeIsRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "a.json"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.json"), nil, 0o600))
	require.NoError(t, os.Symlink("b.json", filepath.Join(dir, "c.json")))
	files, err := recordsIn(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "b.json"), filepath.Join(dir, "c.json")}, files)
}
