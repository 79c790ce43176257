package lifecycle

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// joulesPerKWh is exact.
const joulesPerKWh = 3.6e6

// fault is a fact that keeps a figure from being computed: where it is, the
// rule that it breaks, and what to do.
type fault struct{ rule, pointer, message string }

func (f *fault) Error() string { return "lifecycle: " + f.pointer + ": " + f.message }

// basis is what the formulas of a record rest on: its facts, indexed. It reads
// the record and never changes it.
type basis struct {
	intervals
	hush
	record   *Record
	factors  byID // in /factors
	meters   byID // in /methods
	hardware byID // in /hardware
	places   map[string]*place
	held     []held // by index in /hardware

	columns slab[columns]
	terms   slab[[1]term]
}

// byID is the place of each id in a list; the first of two counts.
type byID = table[string, int]

// place is an environment with its factors; none is -1.
type place struct {
	err error // what keeps its figures from being computed

	grid, pue, wue, ewif, residual, marginal, loss int

	instruments []int // factors, in the order of the record
	shares      []float64
	uncovered   float64 // share of facility energy that no instrument covers
}

// hasMarket reports whether the place tells where all its energy comes from.
func (p *place) hasMarket() bool {
	return p.residual >= 0 || len(p.instruments) > 0 && p.uncovered == 0
}

// held is the time that a device entry was held for: device-seconds (R11).
type held struct {
	seconds float64
	err     error
}

func newBasis(r *Record) *basis {
	b := new(basis)
	b.rest(r, false)
	return b
}

// rest makes a record what b rests on. What b held before is gone.
func (b *basis) rest(r *Record, quiet hush) {
	b.hush, b.record = quiet, r
	indexByID(&b.factors, r.Factors, func(f *factors.Factor) string { return f.ID })
	indexByID(&b.meters, r.Methods, func(m *MethodEntry) string { return m.ID })
	indexByID(&b.hardware, r.Hardware, func(h *Hardware) string { return h.ID })
	b.intervals.Reset()
	for i := range r.Factors {
		f := &r.Factors[i]
		b.Sources = append(b.Sources, lognormal.New(f.Value, f.Low, f.High))
	}
	for i := range r.Methods {
		e := r.Methods[i].RelError
		b.Sources = append(b.Sources, lognormal.New(1, 1/(1+e), 1+e))
	}
	if b.places == nil {
		b.places = make(map[string]*place, len(r.Environments))
	}
	clear(b.places)
	for i := range r.Environments {
		if id := r.Environments[i].ID; b.places[id] == nil {
			b.places[id] = b.newPlace(i)
		}
	}
	b.hold()
}

// indexByID fills x with the places of the ids of a list.
func indexByID[T any](x *byID, list []T, id func(*T) string) {
	x.reset()
	for i := range list {
		if k := id(&list[i]); k != "" && x.once(k) {
			*x.of(k) = i
		}
	}
}

// distinct makes sure that every id names one thing.
func (b *basis) distinct() error {
	r := b.record
	for i := range r.Factors {
		if k, ok := b.factors.get(r.Factors[i].ID); !ok || k != i {
			return ambiguous(b.pointer("factors", i, "id"), r.Factors[i].ID)
		}
	}
	for i := range r.Methods {
		if k, ok := b.meters.get(r.Methods[i].ID); !ok || k != i {
			return ambiguous(b.pointer("methods", i, "id"), r.Methods[i].ID)
		}
	}
	for i := range r.Hardware {
		if k, ok := b.hardware.get(r.Hardware[i].ID); !ok || k != i {
			return ambiguous(b.pointer("hardware", i, "id"), r.Hardware[i].ID)
		}
	}
	seen := make(map[string]bool, len(r.Environments))
	for i := range r.Environments {
		id := r.Environments[i].ID
		if id == "" || seen[id] {
			return ambiguous(b.pointer("environments", i, "id"), id)
		}
		seen[id] = true
	}
	return nil
}

func ambiguous(at, id string) error {
	if id == "" {
		return &fault{"R4", at, "it has no id: give it one that is unique in its list"}
	}
	return &fault{"R4", at, fmt.Sprintf("%q is there twice: give each an id of its own", id)}
}

func (b *basis) newPlace(i int) *place {
	e := &b.record.Environments[i]
	p := &place{uncovered: 1}
	get := func(id, member string, kind factors.Kind) int {
		k, err := b.factor(id, b.pointer("environments", i, "factors", member), kind)
		if err != nil && p.err == nil {
			p.err = err
		}
		return k
	}
	optional := func(id, member string, kind factors.Kind) int {
		if id == "" {
			return -1
		}
		return get(id, member, kind)
	}
	p.grid = get(e.Factors.Grid, "grid", factors.Grid)
	p.pue = get(e.Factors.PUE, "pue", factors.PUE)
	p.wue = optional(e.Factors.WUE, "wue", factors.WUE)
	p.ewif = optional(e.Factors.EWIF, "ewif", factors.EWIF)
	p.residual = optional(e.Factors.Residual, "residual", factors.Residual)
	p.marginal = optional(e.Factors.Marginal, "marginal", factors.Marginal)
	p.loss = optional(e.Factors.Loss, "loss", factors.Loss)

	var covered float64
	for j, in := range e.Instruments {
		at := b.pointer("environments", i, "instruments", j)
		k, err := b.factor(in.Factor, at+"/factor", factors.Instrument)
		if err == nil {
			err = amount(in.Share, at+"/share")
		}
		if err != nil && p.err == nil {
			p.err = err
		}
		p.instruments = append(p.instruments, k)
		p.shares = append(p.shares, in.Share)
		covered += in.Share
	}
	switch p.uncovered = 1 - covered; {
	case p.uncovered < -1e-9 && p.err == nil:
		p.err = &fault{"R36", b.pointer("environments", i, "instruments"), "the shares come to more than 1: let them sum to at most 1"}
	case p.uncovered < 1e-9: // shares that sum to 1 but for rounding
		p.uncovered = 0
	}
	return p
}

// factor finds a factor and checks that it can be used here. Without an error
// the result is an index in /factors and the number of its source.
func (b *basis) factor(id, at string, kind factors.Kind) (int, error) {
	if id == "" {
		return -1, &fault{"R3", at, fmt.Sprintf("a %s factor is needed here: name one of /factors", kind)}
	}
	k, ok := b.factors.get(id)
	if !ok {
		return -1, &fault{"R4", at, fmt.Sprintf("there is no factor %q: add it to /factors or correct the id", id)}
	}
	f := &b.record.Factors[k]
	if f.Kind != kind {
		return -1, &fault{"R4", at, fmt.Sprintf("factor %q is of kind %q: name one of kind %q", id, f.Kind, kind)}
	}
	if !isAmount(f.Value) || !isAmount(f.Low) || !isAmount(f.High) {
		for _, m := range []struct {
			member string
			value  float64
		}{{"value", f.Value}, {"low", f.Low}, {"high", f.High}} {
			if err := amount(m.value, b.pointer("factors", k, m.member)); err != nil {
				return -1, err
			}
		}
	}
	if f.Low > f.Value || f.Value > f.High || f.Low == 0 && f.High > 0 {
		return -1, &fault{"R6", b.pointer("factors", k), "low ≤ value ≤ high must hold, and low > 0 unless all three are 0: correct the bounds"}
	}
	return k, nil
}

// value is v(k) of the rules.
func (b *basis) value(k int) float64 { return b.record.Factors[k].Value }

// meter finds a meter; the result is an index in /methods.
func (b *basis) meter(id, at string) (int, error) {
	k, ok := b.meters.get(id)
	if !ok {
		return -1, &fault{"R4", at, fmt.Sprintf("there is no meter %q: add it to /methods or correct the id", id)}
	}
	return k, amount(b.record.Methods[k].RelError, b.pointer("methods", k, "rel_error"))
}

// device is a device entry that is known to be there.
func (b *basis) device(id string) *Hardware {
	h, _ := b.hardware.get(id)
	return &b.record.Hardware[h]
}

// gain is the source that a meter's error is.
func (b *basis) gain(meter int) int { return len(b.record.Factors) + meter }

// placeOf is the environment of a device entry.
func (b *basis) placeOf(hardware, at string) (*place, error) {
	h, ok := b.hardware.get(hardware)
	if !ok {
		return nil, &fault{"R4", at, fmt.Sprintf("there is no device %q: add it to /hardware or correct the id", hardware)}
	}
	p := b.places[b.record.Hardware[h].Environment]
	if p == nil {
		return nil, &fault{"R4", b.pointer("hardware", h, "environment"),
			fmt.Sprintf("there is no environment %q: add it to /environments or correct the id", b.record.Hardware[h].Environment)}
	}
	return p, p.err
}

// hold adds up the time that devices were held for: Σ count × share × use_s
// over the operational stages (R11).
func (b *basis) hold() {
	b.held = slices.Grow(b.held[:0], len(b.record.Hardware))[:len(b.record.Hardware)]
	clear(b.held)
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		if p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			u := &p.Usage[j]
			h, ok := b.hardware.get(u.Hardware)
			if !ok || b.record.Hardware[h].Embodied == nil || b.held[h].err != nil {
				continue
			}
			at := func(member string) string { return b.pointer("phases", i, "usage", j, member) }
			t := &b.held[h]
			switch {
			case u.Count == nil:
				t.err = &fault{"R3", at("count"), "tell how many of the devices were held: their production is shared out by it"}
			case u.Share == nil:
				t.err = &fault{"R3", at("share"), "tell which share of the device was held: its production is shared out by it"}
			case u.UseS == nil:
				t.err = &fault{"R3", at("use_s"), "tell how long the device was held: its production is shared out by it"}
			default:
				count := float64(*u.Count)
				for _, err := range []error{amount(count, at("count")), amount(*u.Share, at("share")), amount(*u.UseS, at("use_s"))} {
					if err != nil && t.err == nil {
						t.err = err
					}
				}
				t.seconds += count * *u.Share * *u.UseS
			}
		}
	}
}

// amount checks that x is a number that may be in a record.
func amount(x float64, at string) error {
	switch {
	case isAmount(x):
		return nil
	case math.IsNaN(x) || math.IsInf(x, 0):
		return &fault{"R1", at, fmt.Sprintf("%v is no number that a record can hold: leave it out and list it in /missing", x)}
	}
	return &fault{"R1", at, fmt.Sprintf("%v is negative: a record holds amounts from 0 on", x)}
}

// isAmount is amount for where there are many, and no text to be made for each.
func isAmount(x float64) bool { return x >= 0 && x <= math.MaxFloat64 }

// pointer is the JSON Pointer (RFC 6901) to a member, by names, indices and
// columns.
func pointer(parts ...any) string {
	b := make([]byte, 0, 64)
	for _, p := range parts {
		b = append(b, '/')
		switch p := p.(type) {
		case string:
			b = append(b, escapePointer(p)...)
		case int:
			b = strconv.AppendInt(b, int64(p), 10)
		case column:
			b = append(b, p.String()...)
		}
	}
	return string(b)
}
