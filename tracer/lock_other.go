//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package tracer

// runLock is not to be had here: no lock goes with its process.
type runLock struct{}

func markRun(string, string) (*runLock, error) { return nil, errNoLocks }
func lockRun(string, string) (*runLock, error) { return nil, errNoLocks }
func (l *runLock) release(bool)                {}
