//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tracer

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openHostLock opens and locks a file that processes of several users may
// have in common. The folder may be anyone's, so no link is followed, and
// nothing that an open may wait for is waited for.
func openHostLock(name string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.OpenFile(name, flags|os.O_CREATE, 0o644); err == nil {
			_ = f.Chmod(0o644) // whatever the umask is: another user who cannot open it knows of no lock
		}
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, errors.Join(err, errNoLocks)
	}
	if err := (&runLock{f: f}).flock(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
