package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	empty  = "package main\n\nfunc main() {}\n"
	traced = `package main

import (
	"context"

	"github.com/ecotracer/ecotracer/tracer"
)

func main() {
	_, run, _ := tracer.Begin(context.Background())
	_, _ = run.End()
}
`
)

// importCost builds a program with and without the tracer, stripped and
// without cgo.
func importCost(r *report) error {
	bare, err := size(empty)
	if err != nil {
		return err
	}
	full, err := size(traced)
	if err != nil {
		return err
	}
	r.row("stripped program", fmt.Sprintf("%.2f MB", bare), "with Begin and End", fmt.Sprintf("%.2f MB", full), "added", fmt.Sprintf("%.2f MB", full-bare))
	return nil
}

func size(source string) (float64, error) {
	dir, err := os.MkdirTemp("", "ecotracer")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		return 0, err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, file)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	st, err := os.Stat(program)
	if err != nil {
		return 0, err
	}
	return float64(st.Size()) / 1e6, nil
}
