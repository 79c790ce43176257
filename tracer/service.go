package tracer

import (
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

const (
	maxServices = 256     // media, networks and services of a run
	maxReplicas = 1 << 20 // of what is stored
)

// service is a medium, a network or a service that spans of a run used, outside
// of what its meters see.
type service struct {
	kind  factors.Kind
	class string
	calls int64 // of all accounts, so that no sum is beyond what a record holds
}

// serviceUse is what an account's spans used of a service.
type serviceUse struct {
	service  int     // its number in the run
	amount   float64 // byte-seconds × replicas, bytes, or calls
	seconds  float64 // of what was stored: the longest
	replicas float64 // and the most
	times    int64   // that it was declared
}

// Store adds that the span's work keeps so many bytes for so long, in so many
// replicas, on a medium outside of the machine: "ssd", "hdd", "" if that is not
// known, or one of which the operator gives a factor (Site.Factors). What the
// machine's own drives draw its meters tell, as far as they see it. The time may
// be longer than the run: all of it is the run's, at the grid of its place.
//
// The record has a row of it in the span's stage, of bytes × time × replicas ×
// Wh/TBh, which is in the span's energy and in a line of the ledger, too. Of
// what nobody knows a factor, it says that it is missing. The production of the
// drives, networks and machines behind it is not in the run's.
//
// Store, Transfer and Call may be called as often as there is something to add,
// also after End, until the run ends. A run has up to 256 media, networks and
// services together, and a path up to 64. What is beyond, and what is negative
// or no number, does not count and is flagged in the record.
func (s *Span) Store(medium string, bytes int64, d time.Duration, replicas float64) {
	ok := bytes >= 0 && d >= 0 && replicas > 0 && replicas <= maxReplicas
	seconds := d.Seconds()
	s.use(factors.Storage, medium, serviceUse{amount: float64(bytes) * seconds * replicas, seconds: seconds, replicas: replicas}, ok)
}

// Transfer adds that the span's work moved so many bytes through a network
// outside of the machine: "cloud", between machines of a data centre; "fixed" or
// "mobile", which lead out of it; "" if that is not known, or one of which the
// operator gives a factor ("local" is within the run's place). Where a network
// leads to nobody knows: but for "cloud" and "local" it has the grid of the
// world. See Store.
func (s *Span) Transfer(network string, bytes int64) {
	s.use(factors.Transfer, network, serviceUse{amount: float64(bytes)}, bytes >= 0)
}

// Call adds that the span's work called a service so many times: one that
// factors knows, such as "text-generation" (`ecotracer factors list` tells all),
// or of which the operator gives a factor, in Wh with all cooling or in gCO2e a
// call. Where it runs nobody knows: energy has the grid of the world. See Store.
func (s *Span) Call(service string, n int) {
	s.use(factors.Service, service, serviceUse{amount: float64(n)}, n >= 0 && service != "")
}

// use books what a span used of a service.
func (s *Span) use(kind factors.Kind, class string, u serviceUse, ok bool) {
	if s == nil || u.amount == 0 && ok {
		return
	}
	u.times = 1
	r := s.account.run
	l := r.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ended {
		return
	}
	if !ok || !s.account.addUse(kind, boundName(class), u) {
		r.badUses++
	}
}

// addUse adds to what an account used of a service, and tells whether it could.
func (a *account) addUse(kind factors.Kind, class string, u serviceUse) bool {
	r := a.run
	at := -1
	for i := range a.uses {
		if s := &r.services[a.uses[i].service]; s.class == class && s.kind == kind {
			at = i
			break
		}
	}
	if at < 0 {
		if len(a.uses) == maxUnits {
			return false
		}
		n := r.service(kind, class)
		if n < 0 {
			return false
		}
		at = len(a.uses)
		a.uses = append(a.uses, serviceUse{service: n})
	}
	to := &a.uses[at]
	if kind == factors.Service {
		s := &r.services[to.service]
		if u.amount > float64(maxCount-s.calls) {
			return false
		}
		s.calls += int64(u.amount)
	}
	to.add(u)
	return true
}

func (u *serviceUse) add(v serviceUse) {
	u.amount += v.amount
	u.seconds, u.replicas = max(u.seconds, v.seconds), max(u.replicas, v.replicas)
	u.times += v.times
}

// service is the number of a service in the run, or -1 if there are too many.
func (r *Run) service(kind factors.Kind, class string) int {
	for i := range r.services {
		if s := &r.services[i]; s.class == class && s.kind == kind {
			return i
		}
	}
	if len(r.services) == maxServices {
		return -1
	}
	// The name may be a part of something long.
	r.services = append(r.services, service{kind: kind, class: strings.Clone(class)})
	return len(r.services) - 1
}
