//go:build unix

package dataset_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// A folder with what would keep a reader waiting, or never let it go.
func TestWhatIsNoFileIsNeverOpened(t *testing.T) {
	j := host(30)
	dir := folder(t, map[string]string{"a.json": text(t, j.next(t)), "real/b.json": text(t, j.next(t))})
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o666))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "real", "loop")))
	require.NoError(t, os.Symlink("self.json", filepath.Join(dir, "self.json")))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero.json")))
	require.NoError(t, os.Symlink("a.json", filepath.Join(dir, "link.json")))
	short, err := os.MkdirTemp("", "s") // paths of sockets are short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	l, err := net.Listen("unix", filepath.Join(short, "socket.json"))
	require.NoError(t, err)
	defer l.Close()

	o := reading(t, dataset.Reader{}, dir, short)
	assert.EqualValues(t, 2, o.Counted)
	assert.Equal(t, map[dataset.Reason]int64{dataset.Copy: 1}, o.LeftOut, "by the link")
	says := map[string]string{}
	for _, bad := range o.refused {
		assert.Equal(t, dataset.Unreadable, bad.Reason)
		says[filepath.Base(bad.Path)] = bad.Text
	}
	assert.Len(t, says, 4)
	assert.Contains(t, says["pipe.json"], "named pipe")
	assert.Contains(t, says["zero.json"], "device")
	assert.Contains(t, says["socket.json"], "socket")
	assert.Contains(t, says["self.json"], "cannot be read")

	o = reading(t, dataset.Reader{}, filepath.Join(dir, "pipe.json"))
	assert.Len(t, o.refused, 1, "not if it is named either")
}

func TestWhatMayNotBeReadIsTold(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	j := host(31)
	dir := folder(t, map[string]string{"a.json": text(t, j.next(t)), "b.json": "x", "c/d.json": "x"})
	require.NoError(t, os.Chmod(filepath.Join(dir, "b.json"), 0))
	require.NoError(t, os.Chmod(filepath.Join(dir, "c"), 0))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "c"), 0o700) })
	o := reading(t, dataset.Reader{}, dir)
	assert.EqualValues(t, 1, o.Counted)
	assert.Len(t, o.refused, 2)
}
