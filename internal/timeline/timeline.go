// Package timeline is the power of a run over time, as its record carries it
// under extensions: what a run keeps on request (package tracer), and what an
// execution trace of the same run re-books (package deep).
package timeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Key is the member of a record's extensions that holds a Timeline.
const Key = lifecycle.TimelineExtension

// Version is the version of the form.
const Version = 1

// ErrNone tells a record without a timeline.
var ErrNone = errors.New("the record holds no timeline: its run was not asked to keep one (ECOTRACER_TIMELINE=on or tracer.Timeline), or did not come to its end")

// Timeline is the energy of a run over time. All times are in seconds from the
// run's begin, and all joules are cumulative unless told otherwise.
type Timeline struct {
	Version int `json:"version"`
	// Accounts tells of each account, by its number less one, which entry of
	// the record's spans it is in.
	Accounts []int   `json:"accounts"`
	Groups   []Group `json:"groups"`
}

// Group is the domains that were read at the same instants.
type Group struct {
	TS       []float64 `json:"t_s"`   // instants, rising
	CPUS     []float64 `json:"cpu_s"` // CPU time of the process at each
	Domains  []Domain  `json:"domains"`
	Chapters []Chapter `json:"chapters"` // in the order of time, apart from one another
}

// Domain is the energy of a domain at each instant of its group.
type Domain struct {
	Domain string    `json:"domain"`
	TotalJ []float64 `json:"total_j"` // of the domain
	// ActiveJ is the run's part of what was above idle power. It is absent of
	// a device that goes by claim.
	ActiveJ []float64 `json:"active_j,omitempty"`
	// SpansJ is what each account of the run has of the domain in all, by its
	// number less one. It is absent where ActiveJ is.
	SpansJ []float64 `json:"spans_j,omitempty"`
}

// Chapter is what the ledger booked in a time in which an execution trace was
// being written, so that it can be booked again. It tells joules of the
// chapter, not cumulative ones.
type Chapter struct {
	FromS    float64   `json:"from_s"`
	ToS      float64   `json:"to_s"`
	Accounts []int     `json:"accounts"` // numbers of those that had a span open
	WallS    []float64 `json:"wall_s"`   // their wall shares
	Domains  []Booking `json:"domains"`  // in the order of the group's, without those that go by claim
}

// Booking is how a domain was booked in a chapter.
type Booking struct {
	Domain            string           `json:"domain"`
	SpansJ            []float64        `json:"spans_j"` // by account
	IdleJ             []float64        `json:"idle_j"`  // of it, the part of idle power
	UnattributedJ     float64          `json:"unattributed_j"`
	UnattributedIdleJ float64          `json:"unattributed_idle_j"`
	Booked            lifecycle.Booked `json:"booked"`
}

// Of is the timeline of a record. It is checked: what is returned without an
// error agrees with itself and with the record's spans.
func Of(r *lifecycle.Record) (*Timeline, error) {
	v, ok := r.Extensions[Key]
	if !ok {
		return nil, ErrNone
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Key, err)
	}
	var t Timeline
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", Key, err)
	}
	if t.Version != Version {
		return nil, fmt.Errorf("%s: version %d is not known here, which is %d", Key, t.Version, Version)
	}
	if err := t.check(len(r.Spans)); err != nil {
		return nil, fmt.Errorf("%s: %w", Key, err)
	}
	return &t, nil
}

func (t *Timeline) check(spans int) error {
	for i, s := range t.Accounts {
		if s < 0 || s >= spans {
			return fmt.Errorf("account %d is in span %d of %d", i+1, s, spans)
		}
	}
	seen := map[string]bool{}
	for i := range t.Groups {
		g := &t.Groups[i]
		n := len(g.TS)
		if !rises(g.TS) || len(g.CPUS) != n || !rises(g.CPUS) {
			return fmt.Errorf("group %d: times and CPU times must be equally many, finite and never fall", i)
		}
		active := map[string]bool{}
		for _, d := range g.Domains {
			if seen[d.Domain] {
				return fmt.Errorf("domain %q is there twice", d.Domain)
			}
			seen[d.Domain] = true
			if len(d.TotalJ) != n || !finite(d.TotalJ...) || !finite(d.ActiveJ...) || !finite(d.SpansJ...) ||
				d.ActiveJ != nil && (len(d.ActiveJ) != n || len(d.SpansJ) != len(t.Accounts)) {
				return fmt.Errorf("domain %q: it needs %d finite numbers, and one for each account", d.Domain, n)
			}
			active[d.Domain] = d.ActiveJ != nil
		}
		last := math.Inf(-1)
		for j := range g.Chapters {
			c := &g.Chapters[j]
			if !finite(c.FromS, c.ToS) || c.FromS < last || c.ToS <= c.FromS {
				return fmt.Errorf("group %d: chapter %d is not after the one before, or has no length", i, j)
			}
			last = c.ToS
			if err := c.check(len(t.Accounts), active); err != nil {
				return fmt.Errorf("group %d: chapter %d: %w", i, j, err)
			}
		}
	}
	return nil
}

func (c *Chapter) check(accounts int, active map[string]bool) error {
	n := len(c.Accounts)
	known := make(map[int]bool, n)
	for _, a := range c.Accounts {
		if a < 1 || a > accounts || known[a] {
			return fmt.Errorf("there is no account %d, or it is there twice", a)
		}
		known[a] = true
	}
	if len(c.WallS) != n || !finite(c.WallS...) {
		return fmt.Errorf("it needs %d finite wall shares", n)
	}
	seen := map[string]bool{}
	for _, d := range c.Domains {
		if !active[d.Domain] || seen[d.Domain] {
			return fmt.Errorf("domain %q has no active energy, or is there twice", d.Domain)
		}
		seen[d.Domain] = true
		b := d.Booked
		if len(d.SpansJ) != n || len(d.IdleJ) != n || !finite(d.SpansJ...) || !finite(d.IdleJ...) ||
			!finite(d.UnattributedJ, d.UnattributedIdleJ, of(b.AloneJ), of(b.WindowJ), of(b.RateJ), of(b.WallJ)) {
			return fmt.Errorf("domain %q: it needs %d finite numbers", d.Domain, n)
		}
	}
	return nil
}

func of(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// rises tells whether numbers are finite and never fall.
func rises(v []float64) bool {
	for i := 1; i < len(v); i++ {
		if v[i] < v[i-1] {
			return false
		}
	}
	return finite(v...)
}

func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// At is the value at time t of a series over instants, with straight lines
// between them. Before the first it is the first, after the last the last.
func At(ts, values []float64, t float64) float64 {
	n := len(ts)
	if n == 0 {
		return 0
	}
	lo, hi := 0, n // the first instant after t
	for lo < hi {
		if m := (lo + hi) / 2; ts[m] > t {
			hi = m
		} else {
			lo = m + 1
		}
	}
	switch {
	case lo == 0:
		return values[0]
	case lo == n:
		return values[n-1]
	}
	part := (t - ts[lo-1]) / (ts[lo] - ts[lo-1])
	return values[lo-1] + part*(values[lo]-values[lo-1])
}

// Span is one span of a run that was asked to keep each: a line of JSON of its
// own, about in the order in which they ended.
type Span struct {
	Path   string          `json:"path"`
	Stage  lifecycle.Stage `json:"stage"`
	BeginS float64         `json:"begin_s"` // s from the run's begin
	EndS   float64         `json:"end_s"`
	SelfS  float64         `json:"self_s"` // wall share: its part of the path's self_s, and so of its self_j
	Failed bool            `json:"failed,omitempty"`
}
