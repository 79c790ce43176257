package hosttest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
)

func TestHostsAreUnpacked(t *testing.T) {
	assert.NotEmpty(t, hosttest.Names())
	for _, name := range hosttest.Names() {
		root := hosttest.Open(t, name)
		b, err := fs.ReadFile(root, "proc/stat")
		require.NoError(t, err, name)
		assert.Contains(t, string(b), "cpu0 ", name)
	}
}

func TestDeniedFilesCannotBeOpened(t *testing.T) {
	const file = "sys/class/powercap/intel-rapl:0/energy_uj"
	_, err := hosttest.Open(t, "desktop-root-only").Open(file)
	require.ErrorIs(t, err, fs.ErrPermission)
	info, err := os.Stat(filepath.Join(hosttest.Dir(t, "desktop-root-only"), file))
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm(), "nobody but root")
}

func TestLinksLeadWhereTheySay(t *testing.T) {
	dir := hosttest.Dir(t, "container-masked")
	to, err := os.Readlink(filepath.Join(dir, "sys/class/powercap/intel-rapl:0"))
	require.NoError(t, err)
	assert.Equal(t, "../../devices/virtual/powercap/intel-rapl/intel-rapl:0", to)
}
