//go:build !unix

package dataset

const nonblocking = 0
