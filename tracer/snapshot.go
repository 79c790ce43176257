package tracer

import (
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// snapshot is what a record is made of: a run's books at its last settlement.
type snapshot struct {
	duration float64 // ns
	end      int64   // ns of the ledger
	noneT    float64
	accounts []accountSnapshot
	books    []*runBook
	last     []groupTotals
	domains  [][]domainSnapshot // by group

	alone   bool
	claimed map[int]bool
	unknown map[string]int64
	bounded int64

	services []service
	live     *liveGrid // of an ended run

	badStages, badCounts, badUses, badPlans int64

	plan      *plan // nil: nothing was expected, and no budget set
	overspent []overspending

	strayed int64
	alien   int64
	windows int64
	lost    int64 // single spans, on the way to their stream
}

type accountSnapshot struct {
	*account      // only what never changes: path, name, stage, claims' devices
	wall          float64
	count, failed int64
	open          int64
	totalNS       float64
	minNS, maxNS  int64
	p50, p95, p99 float64
	firstNS       int64
	lastNS        int64
	units         []unitCount
	uses          []serviceUse
	groups        []sums
}

type domainSnapshot struct {
	minW   float64
	silent time.Duration
	read   bool
	power  bool // known: it was read twice
	conds  map[meter.Condition]int64
}

// snapshot copies a run's books. The ledger is locked. Without clone it may
// keep what it finds: the run has ended.
func (r *Run) snapshot(l *ledger, clone bool) snapshot {
	s := snapshot{
		duration: float64(l.settledT - r.begin), end: l.settledT, noneT: r.noneT,
		alone: r.alone, claimed: map[int]bool{}, unknown: map[string]int64{}, bounded: r.bounded,
		services: slices.Clone(r.services), badStages: r.badStages, badCounts: r.badCounts, badUses: r.badUses, badPlans: r.badPlans,
		overspent: slices.Clone(r.overspent),
		strayed:   l.weights.strayed - r.strayed, alien: l.alien - r.alien, windows: l.weights.windows - r.windows,
	}
	if r.planned {
		p := r.plan()
		s.plan = &p
	}
	for d := range r.claimed {
		s.claimed[d] = true
	}
	for id, n := range r.unknownDevices {
		s.unknown[id] = n
	}
	for i, g := range l.groups {
		s.last = append(s.last, g.totals())
		var ds []domainSnapshot
		for _, d := range g.domains {
			conds := make(map[meter.Condition]int64)
			for c, n := range d.conds {
				if n -= r.first[i].conds[d.slot][c]; n > 0 {
					conds[c] = n
				}
			}
			silent := d.silent
			if d.age >= earlyPeriod {
				silent += d.age
			}
			ds = append(ds, domainSnapshot{minW: d.minW, silent: silent, read: d.read, power: d.samples > 1, conds: conds})
		}
		s.domains = append(s.domains, ds)
	}
	for _, b := range r.books {
		if clone {
			b = b.clone()
		}
		s.books = append(s.books, b)
	}
	if r.hours != nil && !clone { // no checkpoint tells them
		for _, g := range l.groups {
			r.copyHours(g)
		}
	}
	s.accounts = make([]accountSnapshot, 0, len(r.accounts))
	for _, a := range r.accounts {
		s.accounts = append(s.accounts, a.snapshot(l, clone))
	}
	return s
}

func (a *account) snapshot(l *ledger, clone bool) accountSnapshot {
	s := accountSnapshot{
		account: a, wall: a.wallAsOf, count: a.count, failed: a.failed, open: int64(a.nOpen),
		totalNS: a.sumNS, minNS: a.minNS, maxNS: a.maxNS, firstNS: a.first, lastNS: a.lastNS,
		units: append([]unitCount(nil), a.units...), uses: slices.Clone(a.uses),
	}
	s.p50, s.p95, s.p99 = a.durations.quantiles()
	if a.nOpen > 0 {
		s.totalNS += float64(a.nOpen)*float64(l.t) - a.startSum
		s.lastNS = l.t
	}
	s.lastNS = min(s.lastNS, l.settledT)
	s.firstNS = min(s.firstNS, s.lastNS)
	for i := range a.groups {
		b := a.groups[i].sums
		if clone {
			b = b.clone()
		}
		s.groups = append(s.groups, b)
	}
	return s
}
