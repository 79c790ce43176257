package tracer

import (
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	firstStep = 15 * time.Minute // of hours; whole hours have whole steps
	maxSteps  = 4096             // of hours, over all stages
)

// noSpan is what hours keep the time of no span under.
const noSpan lifecycle.Stage = ""

// hours is what a run's stages used over time, in steps of the wall clock: how
// much of a grid's good and bad hours each met. It is a copy of the books, made
// as often as a step ends; what was booked between two copies is spread over the
// time between them. So it costs nothing in between, and comes to what the books
// come to, whatever was booked late. It is bounded: too many steps become half
// as many of twice the length.
//
// What a step holds is not joules but what they follow from once the idle power
// is chosen (see sums).
type hours struct {
	zero   int64 // when step 0 begins, Unix time in ns: a multiple of step
	step   int64 // ns
	groups []groupHours
}

// groupHours is a group's. Its vectors hold, for n domains, f of all, d of all,
// c and q.
type groupHours struct {
	domains int
	upTo    int64 // Unix time in ns
	was     map[lifecycle.Stage][]float64
	steps   map[lifecycle.Stage][][]float64
}

func newHours(at int64, groups []*group) *hours {
	h := &hours{step: int64(firstStep)}
	h.zero = floor(at, h.step)
	for _, g := range groups {
		h.groups = append(h.groups, groupHours{
			domains: len(g.domains), upTo: at,
			was: map[lifecycle.Stage][]float64{}, steps: map[lifecycle.Stage][][]float64{},
		})
	}
	return h
}

// floor is the greatest multiple of step up to t.
func floor(t, step int64) int64 {
	r := t % step
	if r < 0 {
		r += step
	}
	return t - r
}

// unix is the wall clock at a time of the ledger, in ns: the run's begin and
// what has passed since, asleep or not.
func (r *Run) unix(t int64) int64 {
	t += r.started.UnixNano() - r.begin
	if slept := suspended() - r.asleep; slept > leastSleep {
		t += int64(slept)
	}
	return t
}

// copyHours copies the books of a group to the hours of the runs that keep
// some, if a step has ended. The ledger is locked, and the group is settled.
func (l *ledger) copyHours(g *group) {
	for _, r := range l.runs {
		if h := r.hours; h != nil && r.unix(max(g.t, r.begin)) >= floor(h.groups[g.id].upTo, h.step)+h.step {
			r.copyHours(g)
		}
	}
}

// copyHours copies what the books of a group have come to since they were last
// copied.
func (r *Run) copyHours(g *group) {
	h := r.hours
	to := &h.groups[g.id]
	now := r.booksByStage(g)
	at := max(r.unix(max(g.t, r.begin)), to.upTo)
	h.makeRoom(at, len(now))
	for stage, v := range now {
		was := to.was[stage]
		if was == nil {
			was = make([]float64, len(v))
		}
		h.spread(to, stage, at, was, v)
	}
	to.was, to.upTo = now, at
}

// booksByStage is what a run's books of a group have come to.
func (r *Run) booksByStage(g *group) map[lifecycle.Stage][]float64 {
	n := len(g.domains)
	books := map[lifecycle.Stage][]float64{}
	add := func(stage lifecycle.Stage, f, d []float64, c, q float64) {
		v := books[stage]
		if v == nil {
			v = make([]float64, 2*n+2)
			books[stage] = v
		}
		for i := range n {
			v[i] += f[i]
			v[n+i] += d[i]
		}
		v[2*n] += c
		v[2*n+1] += q
	}
	for _, a := range r.accounts {
		s := &a.groups[g.id]
		add(a.stage, s.f, s.d, s.c, s.q)
	}
	b := r.books[g.id]
	add(noSpan, b.none.f, b.held, b.none.c, b.none.q)
	return books
}

// spread adds what came to a stage's books up to a time evenly to the steps of
// the time since the last copy.
func (h *hours) spread(to *groupHours, stage lifecycle.Stage, at int64, was, now []float64) {
	from, length := to.upTo, at-to.upTo
	for k := (from - h.zero) / h.step; ; k++ {
		begin := h.zero + k*h.step
		part := 1.0
		if length > 0 {
			part = float64(min(at, begin+h.step)-max(from, begin)) / float64(length)
		}
		if part > 0 {
			for i := range now {
				if d := now[i] - was[i]; d != 0 {
					to.at(stage, int(k), len(now))[i] += part * d
				}
			}
		}
		if begin+h.step >= at {
			return
		}
	}
}

// at is the vector of a step.
func (to *groupHours) at(stage lifecycle.Stage, k, width int) []float64 {
	steps := to.steps[stage]
	for len(steps) <= k {
		steps = append(steps, nil)
	}
	to.steps[stage] = steps
	if steps[k] == nil {
		steps[k] = make([]float64, width)
	}
	return steps[k]
}

// makeRoom makes steps longer until those up to a time are few enough.
func (h *hours) makeRoom(at int64, stages int) {
	width := 0
	for i := range h.groups {
		width += 2*h.groups[i].domains + 2
	}
	most := int64(max(min(maxSteps, maxNumbers/max(width, 1))/max(stages, 1), 2))
	for (at-h.zero)/h.step+1 > most {
		h.double()
	}
}

// double makes steps of twice the length.
func (h *hours) double() {
	zero := floor(h.zero, 2*h.step)
	shift := int((h.zero - zero) / h.step)
	h.zero, h.step = zero, 2*h.step
	for i := range h.groups {
		g := &h.groups[i]
		for stage, steps := range g.steps {
			joined := make([][]float64, (len(steps)+shift+1)/2)
			for k, v := range steps {
				to := &joined[(k+shift)/2]
				if *to == nil {
					*to = v
					continue
				}
				for i := range v {
					(*to)[i] += v[i]
				}
			}
			g.steps[stage] = joined
		}
	}
}
