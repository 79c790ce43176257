//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// built builds a program of testdata without cgo and tells whether it needs a
// loader (ELF specification, program header PT_INTERP).
func built(t *testing.T, program string) (path string, dynamic bool) {
	t.Helper()
	path = filepath.Join(t.TempDir(), program)
	cmd := exec.Command("go", "build", "-o", path, "./testdata/"+program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	return path, slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

func TestProgramWithoutThisPackageIsStaticAndRunsInAnEmptyContainer(t *testing.T) {
	path, dynamic := built(t, "plain")
	assert.False(t, dynamic, "it needs no loader")
	out, err := exec.Command(path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "1 span traced\n", string(out))
	if os.Geteuid() != 0 {
		t.Skip("only root may change the root folder: that it runs in an empty one is not tried")
	}
	cmd := exec.Command("/plain")
	cmd.Path, cmd.Err = "/plain", nil
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: filepath.Dir(path)}
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "1 span traced\n", string(out))
}

// What the package's documentation says of its price is so.
func TestProgramWithThisPackageIsDynamic(t *testing.T) {
	path, dynamic := built(t, "metered")
	assert.True(t, dynamic)
	out, err := exec.Command(path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "1 span traced\n", string(out), "with or without a driver")
}
