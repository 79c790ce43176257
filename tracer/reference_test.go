package tracer_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// mistake is one that an accountant could make. The reference can make each,
// to show that the comparison with the tracer would find it.
type mistake int

const (
	noMistake         mistake = iota
	parentsStayActive         // a parent goes on working while it waits for its children
	asyncBlocks               // a parent waits also for what runs beside it
	orphansBlock              // what an ended child left behind keeps the grandparent waiting
	pathsShare                // each path has one part, however many spans it has
	remainderToSpans          // time with no span active goes to the spans as well
	aloneIsPooled             // what one path used alone goes by the weights of the window
	noWindows                 // active energy goes by wall share at once
	idleByActive              // idle energy goes like active energy
	idleIsShared              // idle energy goes by the share of busy time
	activeByCPUs              // active energy goes by the share of all CPUs
	claimsStay                // claims do not pass to children
	claimsFromClaim           // before a claim a device goes by wall share
	openIsLost                // spans left open are not booked
	lateIsLost                // what ended spans declare is not booked
	mistakes
)

// account is what the reference books to a path.
type account struct{ j, selfS, totalS float64 }

// books is what the reference makes of a program.
type books struct {
	spans        map[[2]string]*account // by path and stage
	unattributed []float64              // J by domain
	others, idle []float64
	unassignedS  float64
}

// slice is a stretch of time in which nothing changes: no span begins or ends,
// and no meter is read.
type slice struct {
	length  float64 // s
	sample  int     // reading that ends it
	active  []float64
	claim   map[string][]float64 // by device: the claimers' parts
	none    bool
	several bool // accounts
}

// reference books a program as the ledger should, slowly: it cuts
// time at every event, asks of each slice who is active, and adds up.
type reference struct {
	*program
	mistake  mistake
	readings []reading
	idleW    []float64 // as the record tells
	claimed  map[string]bool
	keys     []string          // by span: path, stage and claims: what has an account
	paths    [][2]string       // by span
	claims   []map[string]bool // by span, with what the parents claim
}

func newReference(p *program, readings []reading, idleW []float64, m mistake) *reference {
	ref := &reference{program: p, mistake: m, readings: readings, idleW: idleW, claimed: map[string]bool{}}
	for _, s := range p.spans {
		path, stage, claims := s.name, lifecycle.Unassigned, map[string]bool{}
		if s.parent >= 0 {
			path = ref.paths[s.parent][0] + "/" + s.name
			stage = lifecycle.Stage(ref.paths[s.parent][1])
			for id := range ref.claims[s.parent] {
				claims[id] = m != claimsStay
			}
		}
		if s.stage != "" {
			stage = s.stage
		}
		key := path + " " + string(stage)
		for _, id := range s.claims {
			claims[id] = true
		}
		for _, d := range p.domains {
			if claims[d.ID] {
				ref.claimed[d.ID] = true
				key += " " + d.ID
			}
		}
		ref.keys = append(ref.keys, key)
		ref.paths = append(ref.paths, [2]string{path, string(stage)})
		ref.claims = append(ref.claims, claims)
	}
	return ref
}

// activeAt tells of each span whether it is active from a to b.
func (ref *reference) activeAt(a, b int64) []bool {
	open := func(i int) bool {
		s := &ref.spans[i]
		if s.open && ref.mistake == openIsLost {
			return false
		}
		return s.start <= a && b <= s.end
	}
	active := make([]bool, len(ref.spans))
	for i := range ref.spans {
		active[i] = open(i)
	}
	if ref.mistake == parentsStayActive {
		return active
	}
	for i, s := range ref.spans {
		if !open(i) || s.parent < 0 || s.async && ref.mistake != asyncBlocks {
			continue
		}
		active[s.parent] = false
		if ref.mistake == orphansBlock {
			for p := s.parent; p >= 0; p = ref.spans[p].parent {
				active[p] = false
			}
		}
	}
	return active
}

// slices cuts the run at every start, end and reading.
func (ref *reference) slices() []slice {
	var cuts []int64
	for _, r := range ref.readings {
		cuts = append(cuts, r.at)
	}
	for _, s := range ref.spans {
		cuts = append(cuts, s.start, s.end)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []slice
	sample := 0
	for i := 1; i < len(cuts); i++ {
		a, b := cuts[i-1], cuts[i]
		for ref.readings[sample].at < b {
			sample++
		}
		active := ref.activeAt(a, b)
		s := slice{length: float64(b-a) / 1e9, sample: sample, claim: map[string][]float64{}}
		s.active = ref.parts(active)
		first := ""
		s.none = true
		for k, is := range active {
			if is && first != "" && ref.keys[k] != first {
				s.several = true
			}
			if is {
				first, s.none = ref.keys[k], false
			}
		}
		for id := range ref.claimed {
			claimers := slices.Clone(active)
			for k := range claimers {
				claimers[k] = claimers[k] && ref.claims[k][id]
			}
			s.claim[id] = ref.parts(claimers)
		}
		out = append(out, s)
	}
	return out
}

// parts divides one among the spans that are in.
func (ref *reference) parts(in []bool) []float64 {
	parts := make([]float64, len(in))
	var n float64
	seen := map[string]float64{}
	for k, is := range in {
		if is {
			seen[ref.keys[k]]++
			n++
		}
	}
	for k, is := range in {
		switch {
		case is && ref.mistake == pathsShare:
			parts[k] = 1 / float64(len(seen)) / seen[ref.keys[k]]
		case is:
			parts[k] = 1 / n
		}
	}
	return parts
}

// window is a settled window: the readings that it begins and ends with.
type window struct{ from, to int }

// windows settles at the first reading after nine tenths of a second (a tick
// may come early), and at the end.
func (ref *reference) windows() []window {
	var out []window
	for k := 1; k < len(ref.readings); k++ {
		from := 0
		if n := len(out); n > 0 {
			from = out[n-1].to
		}
		if ref.readings[k].at-ref.readings[from].at >= int64(900*time.Millisecond) || k == len(ref.readings)-1 {
			out = append(out, window{from, k})
		}
	}
	return out
}

// shares is the process's share of what is above idle power, and of idle
// power, in a window; over at least a second, if the run is that old.
func (ref *reference) shares(windows []window, i int) (s, q float64) {
	from := windows[i].from
	to := ref.readings[windows[i].to].at
	if i > 0 && to-ref.readings[from].at < int64(time.Second) {
		from = windows[i-1].from
	}
	a, b := time.Duration(ref.readings[from].at), time.Duration(to)
	host := plant{busy: ref.busy}
	own := (ref.own(b) - ref.own(a)).Seconds()
	busy := max(float64(host.jiffies(b)-host.jiffies(a))/100, own)
	if busy > 0 {
		s = own / busy
	}
	q = min(own/(float64(ref.cpus)*(b-a).Seconds()), 1)
	return s, q
}

// book makes the books.
func (ref *reference) book() *books {
	out := &books{spans: map[[2]string]*account{}}
	all := ref.slices()
	for i, s := range ref.spans {
		if s.open && ref.mistake == openIsLost {
			continue
		}
		a := out.spans[ref.paths[i]]
		if a == nil {
			a = &account{}
			out.spans[ref.paths[i]] = a
		}
		a.totalS += float64(s.end-s.start) / 1e9
		for _, u := range s.uses {
			if !(u.late && !s.open && ref.mistake == lateIsLost) {
				a.j += u.joules()
			}
		}
	}
	for _, s := range all {
		if s.none {
			out.unassignedS += s.length
		}
		for k, part := range s.active {
			if part > 0 {
				out.spans[ref.paths[k]].selfS += part * s.length
			}
		}
	}
	for i := range ref.domains {
		spans, none, others, idle := ref.bookDomain(i, all)
		for k, j := range spans {
			if a := out.spans[ref.paths[k]]; a != nil {
				a.j += j
			}
		}
		out.unattributed = append(out.unattributed, none)
		out.others = append(out.others, others)
		out.idle = append(out.idle, idle)
	}
	return out
}

// bookDomain gives out the joules of one domain: to each span, and to nobody.
func (ref *reference) bookDomain(i int, all []slice) (spans []float64, none, others, idle float64) {
	spans = make([]float64, len(ref.spans))
	id := ref.domains[i].ID
	if strings.HasPrefix(id, "gpu") {
		none = ref.bookDevice(i, all, spans)
		return spans, none, 0, 0
	}
	windows := ref.windows()
	for w := range windows {
		n, o, id := ref.bookWindow(i, windows, w, all, spans)
		none, others, idle = none+n, others+o, idle+id
	}
	return spans, none, others, idle
}

func (ref *reference) joules(i, sample int) float64 {
	return ref.readings[sample].joules[i] - ref.readings[sample-1].joules[i]
}

func (ref *reference) seconds(sample int) float64 {
	return float64(ref.readings[sample].at-ref.readings[sample-1].at) / 1e9
}

// bookWindow books one window of a domain that is given out by CPU time: as no
// profiler runs in these programs, by wall share while several paths work.
func (ref *reference) bookWindow(i int, windows []window, w int, all []slice, spans []float64) (none, others, idle float64) {
	s, q := ref.shares(windows, w)
	own, left := s, q
	if ref.scope == lifecycle.ScopeMachine {
		own, left = 1, 1
	}
	switch ref.mistake {
	case idleIsShared:
		left = own
	case activeByCPUs:
		own = left
	}
	p := ref.idleW[i]
	var pool, pooled, energy, length float64 // J, s
	share := make([]float64, len(spans))     // s, of pooled time
	active := func(k int, joules, seconds float64) { spans[k] += own * (joules - p*seconds) }
	for _, c := range all {
		if c.sample <= windows[w].from || c.sample > windows[w].to {
			continue
		}
		e := ref.joules(i, c.sample) * c.length / ref.seconds(c.sample)
		energy += e
		length += c.length
		switch {
		case c.none:
			none += own*(e-p*c.length) + left*p*c.length
			if ref.mistake == remainderToSpans {
				pool, pooled = pool+e, pooled+c.length
			}
		case c.several || ref.mistake == aloneIsPooled:
			if ref.mistake != noWindows {
				pool, pooled = pool+e, pooled+c.length
			}
		}
		for k, part := range c.active {
			if part == 0 {
				continue
			}
			if ref.mistake != idleByActive {
				spans[k] += left * p * part * c.length
			}
			if c.several && ref.mistake != noWindows || ref.mistake == aloneIsPooled {
				share[k] += part * c.length
			} else {
				active(k, e*part, part*c.length)
			}
			if ref.mistake == idleByActive && !c.several {
				spans[k] += left * p * part * c.length
			}
		}
	}
	var sum float64
	for _, x := range share {
		sum += x
	}
	for k, x := range share {
		if x > 0 {
			active(k, pool*x/sum, pooled*x/sum)
			if ref.mistake == idleByActive {
				// By energy in place of time: whoever met the high power.
				spans[k] += left * p * pooled / float64(len(share))
			}
		}
	}
	if ref.scope == lifecycle.ScopeMachine {
		return none, 0, 0
	}
	return none, (1 - s) * (energy - p*length), p * length * (1 - q)
}

// bookDevice books a device of its own: to those who claim it, the rest to
// nobody; by wall share if nobody ever does.
func (ref *reference) bookDevice(i int, all []slice, spans []float64) (none float64) {
	id := ref.domains[i].ID
	var seen bool
	for _, c := range all {
		e := ref.joules(i, c.sample) * c.length / ref.seconds(c.sample)
		parts := c.active
		if ref.claimed[id] && (seen || ref.mistake != claimsFromClaim) {
			parts = c.claim[id]
		}
		rest := 1.0
		for k, part := range parts {
			spans[k] += e * part
			rest -= part
			seen = seen || ref.claims[k][id] && part > 0
		}
		none += e * rest
	}
	return none
}

// differ tells how far the record is from the books, in parts of the whole.
func differ(rec *lifecycle.Record, want *books) (worst float64, what string) {
	note := func(name string, got, want, whole float64) {
		if d := math.Abs(got-want) / max(whole, 1e-9); d > worst || math.IsNaN(d) {
			worst, what = d, name
		}
	}
	var whole float64
	for _, l := range rec.Ledger {
		whole += l.TotalJ
	}
	seen := 0
	for _, s := range rec.Spans {
		a := want.spans[[2]string{s.Path, string(s.Stage)}]
		if a == nil {
			return math.Inf(1), "no span " + s.Path
		}
		seen++
		note("self_j of "+s.Path, s.SelfJ, a.j, whole)
		note("self_s of "+s.Path, s.SelfS, a.selfS, rec.Run.DurationS)
		note("total_s of "+s.Path, s.TotalS, a.totalS, max(rec.Run.DurationS, a.totalS))
	}
	if seen != len(want.spans) {
		return math.Inf(1), "the number of spans"
	}
	for i, l := range meterLines(rec) {
		note("unattributed_j of "+l.Domain, l.UnattributedJ, want.unattributed[i], whole)
		note("other_processes_j of "+l.Domain, l.OtherProcessesJ, want.others[i], whole)
		note("idle_j of "+l.Domain, l.IdleJ, want.idle[i], whole)
	}
	return worst, what
}

// meterLines are the ledger's lines of what meters told.
func meterLines(rec *lifecycle.Record) (lines []lifecycle.LedgerLine) {
	for _, l := range rec.Ledger {
		if l.Split != "declared" {
			lines = append(lines, l)
		}
	}
	return lines
}

// requireConservation holds each ledger line to what the meter said, and the
// seconds to the run's.
func requireConservation(t *testing.T, rec *lifecycle.Record, readings []reading) {
	t.Helper()
	first, last := readings[0], readings[len(readings)-1]
	for i, l := range meterLines(rec) {
		total := last.joules[i] - first.joules[i]
		require.InDelta(t, total, l.TotalJ, 1e-9*total, "what the meter of %s told", l.Domain)
		booked := l.SpansJ + l.UnattributedJ + of(l.OtherRunsJ) + l.OtherProcessesJ + l.IdleJ
		require.InDelta(t, total, booked, 1e-9*total, "each joule of %s is booked once", l.Domain)
	}
	require.InDelta(t, float64(last.at-first.at)/1e9, rec.Run.DurationS, 1e-9)
	var spans, ledger, seconds float64
	for _, s := range rec.Spans {
		spans += s.SelfJ
		seconds += s.SelfS
	}
	for _, l := range rec.Ledger {
		ledger += l.SpansJ
	}
	require.InDelta(t, ledger, spans, 1e-9*ledger, "the spans hold what the ledger gave them")
	var stages float64
	for _, p := range rec.Phases {
		stages += of(p.DurationS)
	}
	require.InDelta(t, rec.Run.DurationS, stages, 1e-9*rec.Run.DurationS, "the stages divide the run's time")
	require.LessOrEqual(t, seconds, rec.Run.DurationS*(1+1e-9))
}

// Trap 39: parts make the total, no less and no more. Trap 43: also with the time
// between spans.
func TestRandomProgramsAreBookedAsTheReferenceBooksThem(t *testing.T) {
	programs := race.Few(uint64(400))
	const mistaken = 40 // programs that every mistake is tried on
	found := make([]int, mistakes)
	for seed := range programs {
		synctest.Test(t, func(t *testing.T) {
			p := randomProgram(seed)
			rec, readings := p.run(t)
			var idleW []float64
			for _, l := range meterLines(rec) {
				require.LessOrEqual(t, l.IdleW, p.idle[l.Domain], "%v: idle power of %s is no more than was declared: %+v", p, l.Domain, l)
				idleW = append(idleW, l.IdleW)
			}
			requireConservation(t, rec, readings)
			worst, what := differ(rec, newReference(p, readings, idleW, noMistake).book())
			require.LessOrEqual(t, worst, 1e-9, "%v: %s", p, what)
			if seed >= mistaken {
				return
			}
			for m := noMistake + 1; m < mistakes; m++ {
				if worst, _ := differ(rec, newReference(p, readings, idleW, m).book()); worst > 1e-9 {
					found[m]++
				}
			}
		})
	}
	for m := noMistake + 1; m < mistakes; m++ {
		assert.Positive(t, found[m], "the comparison does not find mistake %d", m)
	}
	t.Logf("of %d programs so many tell each mistake: %v", mistaken, found[1:])
}
