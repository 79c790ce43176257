//go:build unix

package tracer_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheUmaskDecidesWhoMayReadARecord(t *testing.T) {
	for mask, want := range map[int]fs.FileMode{0o022: 0o644, 0o077: 0o600, 0o002: 0o664} {
		dir := t.TempDir()
		old := syscall.Umask(mask)
		_, run, err := inFolder(dir)
		_, err2 := run.End()
		syscall.Umask(old)
		require.NoError(t, errors.Join(err, err2))
		st, err := os.Stat(filepath.Join(dir, run.ID()+".json"))
		require.NoError(t, err)
		assert.Equal(t, want, st.Mode().Perm(), "umask %o", mask)
	}
}
