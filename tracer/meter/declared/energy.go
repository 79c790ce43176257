package declared

import (
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Energy is a meter that is told the readings of an energy counter. All
// methods may be called from several goroutines at once.
//
// Between two readings nobody knows what was used, so it is a meter.Pacer: it
// is asked every Period for the newest, and the ledger takes the last power
// until then. With the next reading all is put right.
type Energy struct {
	domains []meter.Domain

	mu        sync.Mutex
	counter   meter.Counter
	at        time.Time // of the last reading; zero: never
	condition meter.Condition
	fresh     bool // it was not told by Read yet
	closed    bool
}

// NewEnergy makes a meter of one domain. Its Update has to be set: by it a gap
// is told from the time between two readings. Its RangeJ, if set, is where the
// counter begins anew; its MaxW tells that from a reset. The error tells what
// the domain lacks.
func NewEnergy(d meter.Domain) (*Energy, error) {
	d, err := domain(d, "joules")
	if err != nil {
		return nil, err
	}
	if d.Update == 0 {
		return nil, fmt.Errorf("declared: domain %q: its Update is 0: say how often the counter's readings will be told", d.ID)
	}
	rangeUJ, err := microjoules(d.ID, d.RangeJ)
	if err != nil {
		return nil, err
	}
	return &Energy{
		domains: []meter.Domain{d},
		counter: meter.Counter{RangeUJ: rangeUJ, MaxW: d.MaxW},
	}, nil
}

// Tell says what the counter reads now, in J (a kWh is 3.6e6 J), counted from
// any zero. The first reading is where the meter begins. One that is less than
// the last is told apart by the rules of meter.Counter: the joules of the
// meter never fall, and the domain is flagged.
//
// It refuses what is no number or is negative, and changes nothing then. A
// meter that is closed refuses all.
func (e *Energy) Tell(joules float64) error {
	id := e.domains[0].ID
	uj, err := microjoules(id, joules)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("declared: tell domain %q: %w", id, fs.ErrClosed)
	}
	e.at = time.Now()
	condition := e.counter.Add(uj, e.at)
	if !e.fresh || e.condition == meter.OK {
		e.condition = condition // the first thing that went wrong since Read
	}
	e.fresh = true
	return nil
}

// mostJ is the greatest reading, J: 2^64 µJ.
const mostJ = 18e12

func microjoules(id string, joules float64) (uint64, error) {
	if err := amount(id, "J", joules); err != nil {
		return 0, err
	}
	if joules > mostJ {
		return 0, fmt.Errorf("declared: domain %q was told %g J, more than a counter can hold (%g J): is the unit right?", id, joules, mostJ)
	}
	return uint64(joules*1e6 + 0.5), nil
}

// Domains is the one domain.
func (e *Energy) Domains() []meter.Domain { return e.domains }

// Read tells the last reading if there is a new one. If there is none it
// fails, or tells that the source has been silent for too long.
func (e *Energy) Read(dst []meter.Sample) ([]meter.Sample, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := meter.Sample{Time: e.at, Joules: e.counter.Joules(), Condition: e.condition}
	switch now := time.Now(); {
	case e.closed:
		return dst, errClosed
	case e.fresh:
		e.fresh = false
	case !e.at.IsZero() && now.Sub(e.at) > patience*e.domains[0].Update:
		s.Time, s.Condition = now, meter.Unreadable
	default:
		return dst, errNothing
	}
	return append(dst, s), nil
}

// Period is a quarter more than the Update of the domain, so that a source
// that keeps its time has told something new whenever it is asked.
func (e *Energy) Period() time.Duration { return e.domains[0].Update * 5 / 4 }

// Timeout is as long. It does not matter, as Read never waits.
func (e *Energy) Timeout() time.Duration { return e.Period() }

// Close ends the meter: Read and Tell fail after it.
func (e *Energy) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return nil
}

var (
	_ meter.Meter = (*Power)(nil)
	_ meter.Meter = (*Energy)(nil)
	_ meter.Pacer = (*Energy)(nil)
)
