//go:build unix

package tracer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// locksWork tells that a lock goes with its process.
const locksWork = true

var errLocked = errors.New("the run is running")

// runLock is held by the process of a run, so that others know whether it is
// alive; the system frees it when the process ends, however that happens.
type runLock struct{ f *os.File }

const lockPrefix, lockSuffix = ".", ".lock"

func lockPath(dir, id string) string { return filepath.Join(dir, lockPrefix+id+lockSuffix) }

// lockedID is the run id that a lock's file name tells.
func lockedID(name string) (string, bool) {
	id, ok := strings.CutSuffix(name, lockSuffix)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(id, lockPrefix)
}

func lockRun(dir, id string) (*runLock, error) {
	f, err := os.OpenFile(lockPath(dir, id), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("tracer: cannot mark the run as running: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("tracer: cannot lock %s: %w", f.Name(), err)
	}
	return &runLock{f}, nil
}

// release frees the lock. Without remove its file stays: what is there is not
// the run's last word.
func (l *runLock) release(remove bool) {
	if l == nil {
		return
	}
	if remove {
		_ = os.Remove(l.f.Name())
	}
	_ = l.f.Close()
}
