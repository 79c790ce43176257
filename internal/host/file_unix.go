//go:build unix

package host

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// readOnce reads the beginning of a file by one system call.
func readOnce(f *os.File, buf []byte) (int, error) {
	defer runtime.KeepAlive(f)
	for {
		n, err := syscall.Pread(int(f.Fd()), buf, 0)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
