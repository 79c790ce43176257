package tracer_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var built struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	if _, err := os.Stat("ecotracer-records"); err == nil {
		_, _ = os.Stderr.WriteString("a test left records in its package's folder: give its run a sink or a folder\n")
		code = 1
	}
	os.Exit(code)
}

// theProgram is the path of testdata/program, built once.
func theProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program")
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "program"); built.err != nil {
			return
		}
		built.out, built.err = exec.Command("go", "build", "-o", filepath.Join(built.dir, "program.exe"), "./testdata/program").CombinedOutput()
	})
	require.NoError(t, built.err, "%s", built.out)
	return filepath.Join(built.dir, "program.exe")
}

// child is a run of testdata/program, in a folder of its own and with no
// variables but these.
func child(t *testing.T, env []string, verbs ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(theProgram(t), verbs...)
	cmd.Dir = t.TempDir()
	cmd.Env = env
	if runtime.GOOS == "windows" {
		cmd.Env = append(cmd.Env, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
	}
	return cmd
}

// childSays runs it to its end and returns what it printed. The tracer never
// prints, so that all of that is the program's own.
func childSays(t *testing.T, env []string, verbs ...string) []string {
	t.Helper()
	cmd := child(t, env, verbs...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%s", errs.String())
	require.Empty(t, errs.String(), "nothing is written to standard error")
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}
