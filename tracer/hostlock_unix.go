//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tracer

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openHostLock opens and locks a file that processes of several users may
// have in common. The folder may be anyone's, so no link is followed.
func openHostLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile(name, os.O_RDONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
	}
	if err != nil {
		return nil, err
	}
	if err := (&runLock{f: f}).flock(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
