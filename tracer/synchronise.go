package tracer

import (
	"context"
	"strings"
)

// Synchronise gives the tracer a way to wait until devices have done all that
// they were given, such as cudaDeviceSynchronize. A GPU works on behind the
// program that feeds it: without waiting, what a span has queued may be done,
// and booked, in the next one.
//
// The tracer calls f, with the context that was given to Start, before a span
// that claims devices by itself (OnDevices) begins, and before it ends; spans
// below it that claim nothing are left alone, as waiting costs time. The devices are named as in the record. f may be called from
// several goroutines at once.
//
// Where nobody waited, because there is no f or it failed, the record says so.
func Synchronise(f func(ctx context.Context, devices []string) error) Option {
	return func(c *config) { c.synchronise = f }
}

// synchronise waits for devices at the boundary of a span that claims them.
func (r *Run) synchronise(ctx context.Context, devices func(*ledger) []string) {
	f := r.cfg.synchronise
	if f == nil {
		r.unsynchronised.Add(1)
		return
	}
	if err := guard("Synchronise", func() error { return f(ctx, devices(r.ledger)) }); err != nil {
		r.unsynchronised.Add(1)
	}
}

// devicesCalled are the IDs of devices that a span names.
func devicesCalled(names string) func(*ledger) []string {
	return func(l *ledger) []string {
		ids := strings.Split(names, "\x00")
		for i, name := range ids {
			for k := range l.devices { // fixed once the ledger is open
				if l.devices[k].called(name) {
					ids[i] = l.devices[k].id
				}
			}
		}
		return ids
	}
}

// devicesOf are the IDs of the devices that an account claims.
func devicesOf(a *account) func(*ledger) []string {
	return func(l *ledger) []string {
		var ids []string
		for i := range a.claims { // fixed once it is made
			ids = append(ids, l.devices[a.claims[i].device].id)
		}
		return ids
	}
}
