//go:build unix

package dataset

import "syscall"

const nonblocking = syscall.O_NONBLOCK
