//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tracer_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// The folder of the locks may be one that all users write to, and the names of
// the files in it can be worked out.
func TestWhatOthersPutInTheLocksPlaceKeepsNobodyWaiting(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a pipe":    func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o777) },
		"a link":    func(path string) error { return os.Symlink("elsewhere", path) },
		"a secret":  func(path string) error { return os.WriteFile(path, nil, 0) },
		"a device":  func(path string) error { return os.Symlink(os.DevNull, path) },
		"old locks": func(path string) error { return os.WriteFile(path, []byte("left"), 0o444) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("ECOTRACER_RUNTIME_DIR", dir)
			machine := func() *tracer.Run {
				host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: "b"})
				_, run, _ := tracer.Begin(t.Context(), append(host.Options(), tracer.Scope(lifecycle.ScopeMachine), tracer.Sinks(new(tracertest.Recorder)))...)
				return run
			}
			finish(t, machine())
			locks, err := filepath.Glob(filepath.Join(dir, "*"))
			require.NoError(t, err)
			require.Len(t, locks, 1)
			require.NoError(t, os.Remove(locks[0]))
			require.NoError(t, put(locks[0]))
			assert.Equal(t, lifecycle.ScopeMachine, finish(t, machine()).Run.Scope)
			assert.NoFileExists(t, filepath.Join(dir, "elsewhere"))
		})
	}
}

func TestTheLocksOfAHostAreForAllItsUsers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ECOTRACER_RUNTIME_DIR", dir)
	defer syscall.Umask(syscall.Umask(0o077))
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: "b"})
	_, run := begin(t, append(host.Options(), tracer.Scope(lifecycle.ScopeMachine))...)
	finish(t, run)
	locks, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, locks, 1)
	info, err := locks[0].Info()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode().Perm())
}
