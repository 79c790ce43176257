//go:build unix

package main

import "syscall"

const nonblocking = syscall.O_NONBLOCK
