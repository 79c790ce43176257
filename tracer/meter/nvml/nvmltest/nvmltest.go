// Package nvmltest is an NVIDIA driver library without a GPU: a
// libnvidia-ml.so.1 with the true ABI, for tests of what meters NVIDIA GPUs.
//
// [Build] compiles it, a [Script] tells what it answers. Point a process to
// both by its environment ([Env]), or this process by [Start]; then package
// nvml meters the simulated GPUs, in as many processes as share the script, all
// of which see one and the same plant. A script may be rewritten at any moment.
package nvmltest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

//go:embed testdata/fake_nvml.c
var source []byte

// The variables of the environment that point a process to a library, which
// package nvml reads, and to a script, which the library reads.
const (
	EnvLibrary = "ECOTRACER_NVML_LIBRARY"
	EnvScript  = "FAKE_NVML"
)

var built struct {
	sync.Mutex
	libraries map[string][]byte // by the symbols that are left out
}

// Build compiles the library into a folder of the test and returns its path. It
// lacks the symbols named in without, as an older driver's does. Where there is
// no gcc, or the system is not one that package nvml knows, it skips the test
// and says so.
func Build(t testing.TB, without ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("no NVIDIA library is loaded on %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	dir := t.TempDir()
	library := filepath.Join(dir, "libnvidia-ml.so.1")
	built.Lock()
	defer built.Unlock()
	key := strings.Join(without, " ")
	code, ok := built.libraries[key]
	if !ok {
		gcc, err := exec.LookPath("gcc")
		if err != nil {
			t.Skip("no gcc here to compile the simulated NVIDIA library with")
		}
		file := filepath.Join(dir, "fake_nvml.c")
		if err := os.WriteFile(file, source, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-shared", "-fPIC", "-O1", "-pthread", "-Wl,-soname,libnvidia-ml.so.1", "-o", library, file}
		for _, symbol := range without {
			args = append(args, "-DNO_"+symbol)
		}
		if out, err := exec.Command(gcc, args...).CombinedOutput(); err != nil {
			t.Fatalf("the simulated NVIDIA library does not compile: %v\n%s", err, out)
		}
		if code, err = os.ReadFile(library); err != nil {
			t.Fatal(err)
		}
		if built.libraries == nil {
			built.libraries = map[string][]byte{}
		}
		built.libraries[key] = code
		return library
	}
	if err := os.WriteFile(library, code, 0o700); err != nil {
		t.Fatal(err)
	}
	return library
}

// Env is what the environment of a process needs to have the library answer by
// the script, as exec.Cmd takes it.
func Env(library, script string) []string {
	return []string{EnvLibrary + "=" + library, EnvScript + "=" + script}
}

// Start builds the library, writes the script and points this process to both
// until the test ends. It returns the path of the script, to be rewritten.
func (s *Script) Start(t testing.TB, without ...string) (path string) {
	t.Helper()
	library := Build(t, without...)
	path = filepath.Join(filepath.Dir(library), "script")
	s.Write(t, path)
	t.Setenv(EnvLibrary, library)
	t.Setenv(EnvScript, path)
	return path
}
