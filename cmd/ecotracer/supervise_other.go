//go:build !linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// program is the program that is traced. Where there is no /proc, its CPU time
// is known only once it has ended, with that of the children it waited for.
type program struct {
	used    atomic.Int64
	signals chan os.Signal
	cmd     *exec.Cmd
}

func newProgram() (*program, error) {
	p := &program{signals: make(chan os.Signal, 16)}
	signal.Notify(p.signals, forwarded...)
	return p, nil
}

// cpuTime tells the CPU time of the program once it has ended.
func (p *program) cpuTime() time.Duration { return time.Duration(p.used.Load()) }

// left is not known here.
func (p *program) left() int { return 0 }

// start starts the program with this process's own standard files, and passes
// signals on to it.
func (p *program) start(path string, argv, env []string) error {
	cmd := &exec.Cmd{Path: path, Args: argv, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	go func() {
		for sig := range p.signals {
			if sig != os.Interrupt { // the terminal has told the program itself
				_ = cmd.Process.Signal(sig) // it may have ended
			}
		}
	}()
	return nil
}

// wait waits for the program.
func (p *program) wait() (code int, err error) {
	err = p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	state := p.cmd.ProcessState
	p.used.Store(int64(state.UserTime() + state.SystemTime()))
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
