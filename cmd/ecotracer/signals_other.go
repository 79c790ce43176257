//go:build !unix

package main

import "os"

// forwarded are the signals that the program is told of.
var forwarded = []os.Signal{os.Interrupt}
