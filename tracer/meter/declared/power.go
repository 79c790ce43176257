package declared

import (
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Power is a meter that is told watts. A power holds until the next is told:
// its joules are the sum of watts times time. All methods may be called from
// several goroutines at once.
type Power struct {
	domains []meter.Domain
	holds   time.Duration // how long a power holds; 0: for ever

	mu     sync.Mutex
	watts  float64
	at     time.Time // when they were told; zero: never
	joules float64   // up to then
	closed bool
}

// NewPower makes a meter of one domain. The error tells what the domain lacks.
func NewPower(d meter.Domain) (*Power, error) {
	d, err := domain(d, "watts")
	if err != nil {
		return nil, err
	}
	return &Power{domains: []meter.Domain{d}, holds: patience * d.Update}, nil
}

// Tell says what is drawn from now on, in W. If the source was silent for too
// long, the time since the last power ran out is taken at the mean of that
// power and this one.
//
// It refuses what is no number, is negative, or is above the domain's MaxW or a
// gigawatt: the last power then goes on to hold. A meter that is closed refuses
// all.
func (p *Power) Tell(watts float64) error {
	d := &p.domains[0]
	if err := amount(d.ID, "W", watts); err != nil {
		return err
	}
	if watts > mostW {
		return fmt.Errorf("declared: domain %q was told %g W: is the unit right?", d.ID, watts)
	}
	if d.MaxW > 0 && watts > d.MaxW {
		return fmt.Errorf("declared: domain %q was told %g W, more than the %g W of its MaxW; nothing was changed", d.ID, watts, d.MaxW)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("declared: tell domain %q: %w", d.ID, fs.ErrClosed)
	}
	now := time.Now()
	joules, silent := p.upTo(now)
	if p.at.IsZero() {
		silent = 0
	}
	p.joules = joules + silent.Seconds()*(p.watts+watts)/2
	p.watts, p.at = watts, now
	return nil
}

// upTo is the joules of the time in which the power held, and how long it has
// not held any more.
func (p *Power) upTo(now time.Time) (joules float64, silent time.Duration) {
	held := max(now.Sub(p.at), 0)
	if p.holds > 0 && held > p.holds {
		silent = held - p.holds
		held = p.holds
	}
	return p.joules + p.watts*held.Seconds(), silent
}

// mostW is more than any machine draws, W: a power plant.
const mostW = 1e9

// Domains is the one domain.
func (p *Power) Domains() []meter.Domain { return p.domains }

// Read tells the joules up to now. Before the first Tell there is nothing to
// be told, which is an error.
func (p *Power) Read(dst []meter.Sample) ([]meter.Sample, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return dst, errClosed
	case p.at.IsZero():
		return dst, errNothing
	}
	now := time.Now()
	joules, silent := p.upTo(now)
	s := meter.Sample{Time: now, Joules: joules}
	if silent > 0 {
		s.Condition = meter.Unreadable
	}
	return append(dst, s), nil
}

// Close ends the meter: Read and Tell fail after it.
func (p *Power) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

var (
	errClosed  = fmt.Errorf("declared: read: %w", fs.ErrClosed)
	errNothing = fmt.Errorf("declared: nothing was told since the last reading")
)
