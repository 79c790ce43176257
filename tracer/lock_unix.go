//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tracer

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// runLock is held by the process of a run, so that others know whether it is
// alive; the system frees it when the process ends, however that happens.
type runLock struct {
	f    *os.File
	path string
}

// markRun marks a new run as running. The file is locked before it has its
// name, so that nobody ever finds the lock of a living run free.
func markRun(dir, id string) (*runLock, error) {
	temp := tempPath(dir, id+lockSuffix)
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("tracer: cannot mark the run as running: %w", err)
	}
	l := &runLock{f, lockPath(dir, id)}
	if err = l.flock(); err == nil {
		err = os.Rename(temp, l.path)
	}
	if err != nil {
		_ = os.Remove(temp)
		_ = f.Close()
		return nil, fmt.Errorf("tracer: cannot mark the run as running: %w", err)
	}
	return l, nil
}

// lockRun takes the lock of a run that may be dead, or tells errRuns.
func lockRun(dir, id string) (*runLock, error) {
	path := lockPath(dir, id)
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, fmt.Errorf("tracer: cannot tell whether run %s is running: %w", id, err)
		}
		l := &runLock{f, path}
		if err := l.flock(); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("tracer: cannot tell whether run %s is running: %w", id, err)
		}
		// Whoever had the lock may have removed the file since it was opened.
		mine, err := f.Stat()
		if err == nil {
			var there os.FileInfo
			if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
				return l, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("tracer: cannot tell whether run %s is running: %w", id, err)
		}
	}
}

// flock locks the file, or tells errRuns, or errNoLocks where the file system
// has none.
func (l *runLock) flock() error {
	for {
		switch err := syscall.Flock(int(l.f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errRuns
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EINVAL):
			return errNoLocks
		default:
			return err
		}
	}
}

// release frees the lock. Without remove its file stays: what is there is not
// the run's last word.
func (l *runLock) release(remove bool) {
	if l == nil {
		return
	}
	if remove {
		_ = os.Remove(l.path)
	}
	_ = l.f.Close()
}
