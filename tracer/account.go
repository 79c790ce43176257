package tracer

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	maxDepth   = 64        // names in a path
	maxUnits   = 64        // functional units of an account
	maxCount   = 1<<53 - 1 // of units: the largest that every reader of JSON holds exactly
	maxName    = 256       // bytes of a name
	maxPath    = 4 << 10   // bytes of a path, as the record bounds them
	otherNames = "(other)"
)

// account is what a run keeps per path, stage and set of claimed devices: all
// its spans share it, so that a hundred million spans cost what one costs.
// The ledger's lock guards it.
type account struct {
	run    *Run
	id     int // its number in the run, from 1
	parent *account
	path   string
	name   string
	stage  lifecycle.Stage
	depth  int
	claims []claim

	children map[childKey]*account
	asked    childKey // how it was first asked for, once that is remembered
	last     *account // the child that was last asked for

	// Boundaries.
	nActive, nOpen int32
	lastW, lastS   float64 // the ledger's clocks when this was last brought up to date
	lastT          int64
	dirty          bool // in the ledger's list: touched or open since the last tick
	inWindow       bool // in the ledger's list of the weight window
	prev, next     *account

	// Clocks in ns, from the start: wall share, time as the only active
	// account, share of the time in which several were active by weight.
	wall, alone, weighed float64
	wallAsOf             float64 // wall at the last settlement

	// The weight window.
	wallAt, aloneAt float64 // the clocks when it began
	openW           float64 // open time
	sharedW         float64 // open time while several accounts were active
	openP           float64 // open time in the profiler's window, before the weight window
	rate            float64 // CPU seconds per open second; < 0 while unknown

	groups []accountGroup // by the ledger's groups

	// Spans.
	count, failed int64
	startSum      float64 // Σ start of open spans
	sumNS         float64 // Σ durations of ended spans
	minNS, maxNS  int64
	first, lastNS int64 // first start, last end
	durations     sketch
	units         []unitCount

	labels     context.Context         // carries the profiler's labels of this account
	labelValue string                  // its label
	task       string                  // the name of its tasks in an execution trace
	taskEnd    string                  // the mark of the end of a child's
	merged     map[any]context.Context // with the host's labels, by the host's label set

	uses []serviceUse

	within int // for tallies
}

// childKey names a child: as Start was told (an empty stage and no claims are
// inferred), or resolved.
type childKey struct {
	name     string
	stage    lifecycle.Stage
	claims   string // device IDs joined by "\x00"; resolved: one byte a device
	resolved bool
}

type unitCount struct {
	unit string
	n    int64
}

// claim is an account's share of a device that its spans claim.
type claim struct {
	device int
	lastV  float64
	share  float64 // clock in ns: share of the time among those who claim it
}

// accountGroup is an account's book of the domains that are read together.
type accountGroup struct {
	aloneAt, wallAt  float64   // the clocks at the last sample
	claimAt          []float64 // by claim
	wallSettledAt    float64   // the clocks at the last settlement
	weighedSettledAt float64

	pending  []float64 // J by domain, of time alone, since the last settlement
	pendingT float64   // ns of time alone, since the last settlement
	sums
}

// sums are what is booked, such that the idle power can be chosen later:
// J = idle·(q − c) + f.
type sums struct {
	f []float64 // J by domain: Σ s·E·x (devices: by wall share)
	d []float64 // J by domain: of claimed devices, by claim
	c float64   // ns: Σ s·t·x
	q float64   // ns: Σ q·w
}

func (s sums) clone() sums {
	s.f = append([]float64(nil), s.f...)
	s.d = append([]float64(nil), s.d...)
	return s
}

// joules is what is booked of a domain at an idle power of w watts.
func (s *sums) joules(d int, w float64) float64 { return w*(s.q-s.c)/1e9 + s.f[d] }

// escapeName makes a name one element of a path (RFC 6901's escapes) and
// bounds it.
func escapeName(name string) string {
	if name = boundName(name); name == "" {
		return "(unnamed)"
	}
	if strings.ContainsAny(name, "~/") {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return name
}

// boundName cuts a name to what the record holds, at the end of a character.
func boundName(name string) string {
	if len(name) > maxName {
		end := maxName
		for end > maxName-utf8.UTFMax && !utf8.RuneStart(name[end]) {
			end--
		}
		name = name[:end]
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// child finds or makes the account of a child. The path is bounded in depth
// and length, and a run in paths; beyond that the account is "(other)" below
// the ancestor.
func (a *account) child(key childKey) *account {
	if a.last != nil && a.last.asked == key {
		return a.last
	}
	c := a.children[key]
	if c == nil {
		c = a.resolve(key)
	}
	if c != a {
		a.last = c
	}
	return c
}

// resolve infers what the key leaves open and makes the account if it is new.
func (a *account) resolve(key childKey) *account {
	r := a.run
	name := escapeName(key.name)
	full := childKey{name, key.stage, a.claimKey(), true}
	if full.stage != "" && (!full.stage.Valid() || full.stage.Device()) {
		r.badStages++ // no stage that a span can be in
		full.stage = ""
	}
	if full.stage == "" {
		full.stage = lifecycle.StageOf(boundName(key.name))
	}
	if full.stage == "" {
		full.stage = a.stage
	}
	if key.claims != "" {
		full.claims = r.ledger.claimDevices(r, strings.Split(key.claims, "\x00"), full.claims)
	}
	c := a.children[full]
	if c == nil && (a.depth >= maxDepth-1 || len(r.accounts) >= r.cfg.maxPaths || len(a.path)+len(name)+len("//"+otherNames) > maxPath) {
		r.bounded++
		if a.name == otherNames {
			return a
		}
		name = otherNames
		full = childKey{otherNames, a.stage, a.claimKey(), true}
		key = full
		c = a.children[full]
	}
	if a.children == nil {
		a.children = make(map[childKey]*account)
	}
	if c == nil {
		full.name = strings.Clone(full.name) // which may be a part of something long
		c = r.newAccount(a, full.name, full)
		c.asked = full
		a.children[full] = c
	}
	// There may be more ways to ask for an account than accounts.
	if !key.resolved && r.keys < 4*r.cfg.maxPaths && len(key.name)+len(key.claims) <= maxPath {
		r.keys++
		key.name, key.claims = strings.Clone(key.name), strings.Clone(key.claims)
		a.children[key] = c
		if c.asked.resolved {
			c.asked = key
		}
	}
	return c
}

// addUnits counts functional units and tells whether they could be counted.
func addUnits(units *[]unitCount, unit string, n int64) bool {
	for i := range *units {
		if u := &(*units)[i]; u.unit == unit {
			if n > maxCount-u.n {
				u.n = maxCount
				return false
			}
			u.n += n
			return true
		}
	}
	if len(*units) == maxUnits || n > maxCount {
		return false
	}
	*units = append(*units, unitCount{unit, n})
	return true
}
