package otel

import "time"

// Option configures a Processor or a Bridge.
type Option func(*options)

type options struct {
	every time.Duration
	held  int
}

// Settle is how often energy is settled and given out to spans, by default every
// 5 s, and no more often than every 100 ms. Each time is a tracer.Run.Snapshot;
// where that takes more than a tenth of the time it is done less often.
func Settle(every time.Duration) Option { return func(o *options) { o.every = every } }

// Hold is how many spans that have ended may wait for their energy, by default
// 16,384. When half as many wait, energy is settled early. What comes beyond is
// passed on at once, without energy, and counted (Stats).
func Hold(spans int) Option { return func(o *options) { o.held = spans } }

const (
	defaultSettle = 5 * time.Second
	leastSettle   = 100 * time.Millisecond
	defaultHold   = 16_384
	share         = 10 // settling may use this part of the time
)

func configure(opts []Option) options {
	o := options{every: defaultSettle, held: defaultHold}
	for _, f := range opts {
		if f != nil {
			f(&o)
		}
	}
	if o.every <= 0 {
		o.every = defaultSettle
	}
	o.every = max(o.every, leastSettle)
	o.held = max(o.held, 0)
	return o
}

// Stats is what became of spans up to now.
type Stats struct {
	// Energised were passed on with energy, and SelfJ is what they had together,
	// J. While no span waits and nothing is revised it is the sum of self_j over the
	// record's spans, less that of spans that are open, were passed on without
	// energy, or are none of OpenTelemetry.
	Energised int64
	SelfJ     float64
	// Bare were passed on without energy: more ended at once than may wait (Hold),
	// more were open at once than are observed (65,536), they were no part of the
	// run, or no record was to be had.
	Bare int64
	// RevisedJ is by how much paths have been given more than the record has for
	// them by now, or less, added up without signs, J. A settlement may find out
	// what an earlier one could not know: that a device is claimed, that idle power
	// is lower, what a slow meter has told. The next spans of a path make up for it.
	RevisedJ float64
}
