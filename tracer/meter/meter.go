// Package meter defines what a source of energy figures is, and what all such
// sources share: domains, the unwrapping of counters, the integration of
// power, and the list of sources that detection tries.
//
// A source that counts energy implements [Meter] and hands its raw readings to
// a [Counter]. A source that only tells power implements [Gauge], and
// [Integrate] makes it a Meter. A source that needs more than files (a
// library, an address) lives in a package of its own and calls [Register].
package meter

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Meter is a source of cumulative joules for one or more domains.
//
// The ledger calls Read from one goroutine at a time. A Meter keeps its file
// descriptors open and allocates nothing per Read.
type Meter interface {
	// Domains lists what the meter saw when it was opened, also what it
	// leaves out (LeftOut tells why). It is fixed after opening; the caller
	// must not change it.
	Domains() []Domain

	// Read appends one Sample for each domain that is counted and can be
	// told now, and returns the extended slice. The first Read after opening
	// is the zero from which joules are counted, if opening was not. A domain
	// that fails has a Sample with a Condition and the joules told so far;
	// the others are still told. The error is for a Read that told nothing.
	Read(dst []Sample) ([]Sample, error)

	// Close frees what the meter holds. Read fails after it. A second Close
	// does nothing.
	Close() error
}

// Pacer is implemented by meters that are too slow to be read in the sampler:
// they are read in a goroutine of their own, every Period. A Read that took
// longer than Timeout is not taken: the next one tells what it would have.
type Pacer interface {
	Period() time.Duration
	Timeout() time.Duration
}

// Domain is what one counter covers.
type Domain struct {
	ID       string                 // unique on the host: cpu0, dram0, gpu0, node0/rest
	Kind     lifecycle.HardwareKind // which kind of device
	Device   int                    // which device of its kind, from 0
	Count    int                    // how many it covers together, from Device on; 0 is one
	Name     string                 // the source's own name: package-0
	Path     string                 // where it was found, below the root
	Model    string                 // model of the device, if the source knows it
	UUID     string                 // of the device, if it has one; a record holds a digest of it and of the host's boot only
	Aliases  []string               // further names by which a span may claim it: its UUID, cuda:0
	Method   lifecycle.Method       // counter, modelled, ...
	Sensor   string                 // rapl, nvml, model
	Mode     string                 // powercap, perf, ...
	Tool     string                 // what made the figures, if it is another program: kepler, NVIDIA driver
	Version  string                 // of the Tool
	RelError float64                // 95 %: [v/(1+e), v·(1+e)]

	ResolutionJ float64       // least step of the counter, J; 0 if unknown
	Update      time.Duration // how often the counter moves; 0 if unknown
	RangeJ      float64       // greatest raw reading, after which comes 0, J; 0 if unknown or none
	RawJ        float64       // raw reading when opened, J
	MaxW        float64       // greatest plausible power, W; 0 if unknown
	TDPW        float64       // rated power, W; 0 if unknown
	PowerLimitW float64       // enforced limit, as the driver tells it, W; 0 if unknown
	MemoryBytes int64         // of the device; 0 if unknown
	Average     time.Duration // of a Gauge: how long a time its power is the mean of; 0: it is that of the moment

	Owned bool // samples tell in OwnJ what this process used of it

	IdleW     float64 // idle power, W; 0 if unknown
	IdleFound string  // calibration, declared, factor, unknown

	Within  string // ID of the domain that contains this one, if any
	LeftOut string // "", or contained, mirrored, unreadable, refused: not counted
	Why     string // the decision in words, for people
	Fix     string // what would mend it, for people; "" if nothing has to
}

// Sample is one reading of one domain.
type Sample struct {
	Domain    int       // index into Domains
	Time      time.Time // when it was read, with the monotonic clock
	Joules    float64   // cumulative since opening, unwrapped; never falls
	OwnJ      float64   // of them, what this process used, if the domain is Owned; never falls
	Condition Condition // what went wrong, if anything
}

// Condition is what a reading must be flagged with. Its text is the warning
// code in the record.
type Condition string

// The conditions.
const (
	OK         Condition = ""
	Gap        Condition = "counter-gap"           // more than one wrap is possible: joules are a lower bound
	Reset      Condition = "counter-reset"         // the counter began anew: joules since then
	Stuck      Condition = "counter-stuck"         // no move for longer than it may rest
	Backwards  Condition = "counter-backwards"     // it fell by less than a wrap: this step is not told
	Unplugged  Condition = "counter-unplugged"     // the file or device is gone
	Denied     Condition = "permission-denied"     // no longer readable
	Unreadable Condition = "counter-unreadable"    // it cannot be read or understood now
	NoRange    Condition = "counter-range-unknown" // it fell and its range is unknown: joules are a lower bound
	PartsMore  Condition = "parts-exceed-node"     // the parts of a node tell more than the node: its rest does not grow
)

// ConditionOf tells what a failure to read a counter's file is flagged with.
func ConditionOf(err error) Condition {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV):
		return Unplugged
	default:
		return Unreadable
	}
}

// Missing is something that could be metered and is not. It is the error of a
// source that could not be opened, and a line of what detection reports.
type Missing struct {
	What string // rapl, gpu (NVIDIA H100 PCIe), ...
	Why  string // what was found, for people
	Fix  string // what would mend it; "" if nothing can
	Err  error  // the cause, if there is one

	Uncounted bool // it is a device, and what it draws is in no domain
}

// Error says what is missing, why, and what would mend it.
func (m *Missing) Error() string {
	s := m.What + ": " + m.Why
	if m.Fix != "" {
		s += "; " + m.Fix
	}
	return s
}

// Unwrap returns the cause.
func (m *Missing) Unwrap() error { return m.Err }
