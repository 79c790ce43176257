package main

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// program is the program that is traced, and what it starts.
type program struct {
	tree    *tree
	signals chan os.Signal
	pid     int

	mu    sync.Mutex
	child *os.Process // nil before it starts and once it was waited for
}

// newProgram makes this process the one that orphans of its descendants fall
// to, so that their CPU time is not lost. From here on signals are meant for
// the program; one that comes too late for it does not cost us the record.
//
// The program is never nil: with an error, it is one whose orphans are lost.
func newProgram() (*program, error) {
	p := &program{tree: newTree(kernel{}, os.Getpid()), signals: make(chan os.Signal, 16)}
	forward(p.signals)
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return p, os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err)
}

// cpuTime tells the CPU time of the program and its descendants so far.
func (p *program) cpuTime() time.Duration { return p.tree.cpuTime() }

// left tells how many processes of the program are still running.
func (p *program) left() int {
	p.tree.cpuTime() // to look once more
	return p.tree.alive()
}

// start starts the program with this process's own standard files, and passes
// signals on to it.
func (p *program) start(path string, argv, env []string) error {
	child, err := os.StartProcess(path, argv, &os.ProcAttr{Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	p.child, p.pid = child, child.Pid
	go func() {
		for sig := range p.signals {
			p.signal(sig)
		}
	}()
	return nil
}

// signal passes a signal on, unless the terminal has told the program itself.
func (p *program) signal(sig os.Signal) {
	if sig == syscall.SIGPIPE || fromTerminal(sig) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		_ = p.child.Signal(sig) // it may have ended: then there is nobody to tell
	}
}

// wait waits for the program alone: orphans that go on are left alone.
func (p *program) wait() (code int, err error) {
	for ended := false; !ended; {
		err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, os.NewSyscallError("waitid", err)
		}
		p.mu.Lock() // nobody signals a PID that is being given back
		p.tree.reap(func() (int, time.Duration, bool) {
			var status unix.WaitStatus
			var usage unix.Rusage
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
			if err != nil || pid <= 0 {
				return 0, 0, false
			}
			if pid == p.pid {
				ended, p.child = true, nil
				code = exitCode(status)
			}
			return pid, time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
		})
		p.mu.Unlock()
	}
	return code, nil
}

// exitCode is what a shell would tell.
func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// forward has the signals told that end or steer a program. One that this
// process was started to ignore, as nohup does, stays ignored for both.
// SIGPIPE is taken too, so that a closed stderr does not cost us the exit code.
func forward(c chan<- os.Signal) {
	for _, sig := range append(forwarded, syscall.SIGPIPE) {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
}

// fromTerminal tells whether a signal is one that the terminal sends to all of
// its foreground processes at a key: they are us and the program. Passing it
// on would interrupt the program twice.
func fromTerminal(sig os.Signal) bool {
	if sig != syscall.SIGINT && sig != syscall.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
