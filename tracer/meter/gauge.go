package meter

import (
	"math"
	"time"
)

// Gauge is a source that only tells power. [Integrate] makes a Meter of it.
type Gauge interface {
	// Domains lists what the gauge covers, as Meter.Domains does.
	Domains() []Domain

	// Read appends the Power of each domain that is counted and can be told
	// now, and returns the extended slice. The error is for a Read that told
	// nothing.
	Read(dst []Power) ([]Power, error)

	// Close frees what the gauge holds. Read fails after it.
	Close() error
}

// Power is one reading of the power of one domain.
type Power struct {
	Domain    int       // index into Domains
	Time      time.Time // when it was read, with the monotonic clock
	Watts     float64   // at that moment, or on average since the last reading
	Condition Condition // what went wrong, if anything: then Watts says nothing
}

// Integrate makes a Meter of a Gauge: between two good readings the power is
// taken to change evenly (trapezoid rule), or, where a reading is itself the
// mean of a time (Domain.Average), to be what the later one says. Readings that failed in between are
// bridged so; they are told with their condition and the joules up to the last
// good one. A power that is no number, below 0 or above the domain's MaxW is
// Unreadable. If the gauge is a [Pacer], so is the Meter.
//
// It is for sources without an energy counter: a counter is exact at any
// sampling period, the integral of power is not.
func Integrate(g Gauge) Meter {
	m := &integral{gauge: g, domains: g.Domains()}
	m.sums = make([]integralSum, len(m.domains))
	if p, ok := g.(Pacer); ok {
		return struct {
			Meter
			Pacer
		}{m, p}
	}
	return m
}

type integral struct {
	gauge   Gauge
	domains []Domain
	sums    []integralSum
	powers  []Power
}

type integralSum struct {
	joules, lost float64 // Kahan: what the sum lost to rounding
	watts        float64
	at           time.Time // of the last good reading; zero: none yet
}

func (m *integral) Domains() []Domain { return m.domains }

func (m *integral) Read(dst []Sample) ([]Sample, error) {
	powers, err := m.gauge.Read(m.powers[:0])
	m.powers = powers
	for _, p := range powers {
		if p.Domain < 0 || p.Domain >= len(m.sums) {
			continue
		}
		sum := &m.sums[p.Domain]
		limit := m.domains[p.Domain].MaxW
		if p.Condition == OK && (!(p.Watts >= 0) || math.IsInf(p.Watts, 1) || limit > 0 && p.Watts > limit) {
			p.Condition = Unreadable
		}
		if p.Condition == OK {
			sum.add(p.Watts, p.Time, m.domains[p.Domain].Average > 0)
		}
		dst = append(dst, Sample{Domain: p.Domain, Time: p.Time, Joules: sum.joules, Condition: p.Condition})
	}
	return dst, err
}

func (m *integral) Close() error { return m.gauge.Close() }

func (s *integralSum) add(watts float64, t time.Time, mean bool) {
	if elapsed := t.Sub(s.at); !s.at.IsZero() && elapsed > 0 {
		between := (s.watts + watts) / 2
		if mean {
			between = watts
		}
		step := between*elapsed.Seconds() - s.lost
		sum := max(s.joules, s.joules+step)
		s.lost = (sum - s.joules) - step
		s.joules = sum
	}
	s.watts, s.at = watts, t
}
