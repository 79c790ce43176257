//go:build !linux

package perf

import "errors"

// openEvent fails: only Linux has such events.
func openEvent(uint32, uint64, int) (event, error) {
	return nil, errors.ErrUnsupported
}
