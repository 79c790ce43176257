//go:build !unix

package host

import (
	"errors"
	"os"
)

// readOnce fails: where there is no pread(2) there is no sysfs either.
func readOnce(*os.File, []byte) (int, error) { return 0, errors.ErrUnsupported }
