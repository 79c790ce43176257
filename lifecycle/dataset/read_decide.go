package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// verdict is what is to become of a document.
type verdict uint8

const (
	verdictUse  verdict = iota // it counts
	verdictLook                // that depends on what only decoding it tells
	verdictJob                 // it is merged with other shards
	verdictGone                // it is refused
	verdictOut                 // and what follows: it is left out
)

// outs are the reasons of the verdicts from verdictOut on.
var outs = []Reason{
	Copy, Checkpoint, Replaced, Superseded, OtherOfRun, InMerged, CountedByParent, OnMachine, OtherWindow, OtherShard, Unfinished, Estimate,
}

func out(reason Reason) verdict { return verdictOut + verdict(slices.Index(outs, reason)) }

// counts tells whether a document is to count, alone or merged.
func (v verdict) counts() bool { return v == verdictUse || v == verdictJob }

// state is what is known of a document.
type state uint8

const (
	stateNew     state = iota
	stateValid         // it was looked at
	stateInvalid       // it was refused
	stateUsed          // it was handed over, alone or merged
	stateLeft          // it must not be, as others of its job were
)

// marks are what a document has to do with others.
type marks uint8

const (
	markRelied marks = 1 << iota // if it is invalid others may count
	markShared                   // its run was not alone on its devices
)

// looked is what was found out of a document that was looked at before it was
// decided on.
type looked struct {
	digest     string
	supersedes []string
}

// index is what is known of all documents, and decided.
type index struct {
	verdict []verdict
	state   []state
	marks   []marks
	looks   map[uint32]*looked
	jobs    [][]uint32 // documents of each job that is to be merged
	booked  notes      // of ledgers whose devices others used at the same time
	spooled log        // documents of jobs that are packed
	spoolAt map[uint32]int64
	left    map[uint32]Reason // of stateLeft

	again   bool // a document that others rely on was refused
	round   int
	telling bool // conflicts are told: nothing is to be found out any more
	ask     int
}

const (
	mostOfRun  = 1000      // documents of one run that are weighed
	mostEdges  = 1 << 20   // overlaps with runs of scope machine
	mostRounds = 3         // of handing over, before all that others rely on is looked at
	slack      = 2e9       // ns by which times may be off
	mostIndex  = 1_000_000 // windows of a service whose index is remembered
)

// decide decides which documents count, by what is known. It returns how many
// have to be looked at before it can be told.
func (r *intake) decide() (ask int, err error) {
	clear(r.verdict)
	clear(r.marks)
	for doc, s := range r.state {
		switch s {
		case stateInvalid:
			r.verdict[doc] = verdictGone
		case stateLeft:
			r.verdict[doc] = out(r.left[uint32(doc)])
		}
	}
	r.jobs, r.ask, r.again = nil, 0, false
	r.round++
	d := decider{intake: r, merged: map[uint32]uint32{}, indices: map[uint32]uint32{}, times: map[uint32][2]int64{}}
	err = r.notes.each(func(n note) error {
		if n.kind.domain() != d.domain || n.key != d.key || !d.begun {
			if err := d.end(); err != nil {
				return err
			}
			d.reach(n.kind.domain())
			d.begin(n)
		}
		return d.note(n)
	})
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return 0, err
	}
	d.reach(noteLine)
	d.machines()
	if r.round > mostRounds && !r.telling {
		for doc, m := range r.marks {
			if m&markRelied != 0 && r.state[doc] == stateNew && r.verdict[doc] != verdictLook {
				r.verdict[doc] = verdictLook
				r.ask++
			}
		}
	}
	return r.ask, nil
}

// decider is one walk through the notes.
type decider struct {
	*intake
	begun  bool
	domain noteKind
	key    [16]byte
	group  []note

	winner  uint32 // of the run, if there is one
	decided bool
	pairs   []pair            // of runs that one of the other counts
	merged  map[uint32]uint32 // the merged record that has a shard

	last    note              // window that counts
	indices map[uint32]uint32 // windows that count, by index

	wide   []note // of scope machine
	widest []int64
	open   note // that ends last
	opens  bool
	edges  []edge
	times  map[uint32][2]int64
}

// reach does what is due before the notes of a domain.
func (d *decider) reach(domain noteKind) {
	if domain >= noteJob {
		d.related()
	}
	if domain > noteJob {
		d.absorb()
	}
}

// pair is a document whose joules may be in that of another run.
type pair struct {
	doc, by uint32
	part    bool // by was merged of it; else it started it
}

func (d *decider) begin(n note) {
	d.begun, d.domain, d.key = true, n.kind.domain(), n.key
	d.group, d.wide, d.widest, d.opens, d.last = d.group[:0], d.wide[:0], d.widest[:0], false, note{}
	clear(d.indices)
	d.decided = false
}

// note takes the next note of a group.
func (d *decider) note(n note) error {
	switch n.kind {
	case noteDocument:
		if len(d.group) < mostOfRun {
			d.group = append(d.group, n)
			return nil
		}
		d.set(n.doc, d.older(n.flags, Replaced))
	case noteChild, notePart:
		if err := d.end(); err != nil { // the documents of the run are all there
			return err
		}
		switch {
		case !d.decided || d.winner == n.doc:
		case n.kind == noteChild:
			d.pairs = append(d.pairs, pair{n.doc, d.winner, false})
		default:
			d.pairs = append(d.pairs, pair{d.winner, n.doc, true})
		}
	case noteJob:
		if d.verdict[n.doc].counts() {
			d.group = append(d.group, n)
		}
	case noteWindow:
		return d.window(n)
	case noteDevice:
		d.device(n)
	}
	return nil
}

// end decides on a group that is there as a whole.
func (d *decider) end() error {
	defer func() { d.group = d.group[:0] }()
	if len(d.group) == 0 {
		return nil
	}
	if d.domain == noteJob {
		d.job()
		return nil
	}
	return d.run()
}

// set leaves a document out, unless it was used or is gone.
func (d *decider) set(doc uint32, v verdict) {
	if s := d.state[doc]; s == stateNew || s == stateValid {
		d.verdict[doc] = v
	}
}

func (d *decider) older(flags uint8, reason Reason) verdict {
	if flags&flagRunning != 0 {
		return out(Checkpoint)
	}
	return out(reason)
}

// run decides which document of a run counts.
func (d *decider) run() error {
	var alive []note
	invalid := false
	for _, n := range d.group {
		if d.state[n.doc] == stateInvalid {
			invalid = true
		} else if d.state[n.doc] != stateLeft {
			alive = append(alive, n)
		}
	}
	if len(alive) == 0 {
		return nil
	}
	best := alive[0]
	if len(alive) > 1 {
		for _, n := range alive {
			d.marks[n.doc] |= markRelied
		}
		var err error
		if best, err = d.best(alive, invalid); err != nil {
			return err
		}
		if d.verdict[best.doc] == verdictLook {
			return nil
		}
	}
	d.winner, d.decided = best.doc, true
	switch {
	case d.state[best.doc] == stateUsed:
	case best.flags&flagRunning != 0 && !d.Running:
		d.set(best.doc, out(Unfinished))
	case best.flags&flagEstimated != 0 && !d.Estimates:
		d.set(best.doc, out(Estimate))
	}
	return nil
}

// best is the document of a run that counts; of the others it says why they do
// not. It may have to look at them first.
func (d *decider) best(alive []note, invalid bool) (note, error) {
	first := alive[0]
	positions := make([]position, len(alive))
	ties, alike, supersede := 0, true, false
	for i, n := range alive {
		list, err := d.positionsAt(n.doc, 1)
		if err != nil {
			return first, err
		}
		positions[i] = list[0]
		if n.flags&flagFinality == first.flags&flagFinality && n.t == first.t {
			ties++
			alike = alike && positions[i].hash == positions[0].hash && positions[i].n == positions[0].n
		} else if n.flags&flagSupersedes != 0 {
			supersede = true // perhaps what was created later
		}
	}
	ordered := slices.Clone(alive)
	if alike && ties > 1 { // the first of the copies
		places := make([]Place, ties)
		for i := range ties {
			var err error
			if places[i], err = d.place(&positions[i]); err != nil {
				return first, err
			}
		}
		order := make([]int, ties)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(d.pinned(alive[a]), d.pinned(alive[b])), comparePlaces(places[a], places[b]))
		})
		for i, k := range order {
			ordered[i] = alive[k]
		}
	}
	if !alike || supersede || invalid {
		for _, n := range alive {
			if d.looks[n.doc] == nil && d.state[n.doc] == stateNew {
				d.verdict[n.doc] = verdictLook
				d.ask++
			}
		}
		for _, n := range alive {
			if d.verdict[n.doc] == verdictLook {
				return n, nil
			}
		}
	}
	gone := map[string]bool{} // digests that are superseded
	digest := func(n note) string {
		if l := d.looks[n.doc]; l != nil {
			return l.digest
		}
		return ""
	}
	if supersede || !alike {
		for _, n := range alive {
			if l := d.looks[n.doc]; l != nil {
				for _, s := range l.supersedes {
					gone[s] = true
				}
			}
		}
	}
	if !alike {
		slices.SortStableFunc(ordered[:ties], func(a, b note) int {
			return cmp.Or(cmp.Compare(d.pinned(a), d.pinned(b)), cmp.Compare(digest(b), digest(a)), cmp.Compare(a.doc, b.doc))
		})
	}
	win := slices.IndexFunc(ordered, func(n note) bool { return d.state[n.doc] == stateUsed })
	if win < 0 {
		win = slices.IndexFunc(ordered, func(n note) bool { return !gone[digest(n)] || digest(n) == "" })
	}
	win = max(win, 0)
	w := ordered[win]
	var conflict []uint32
	for _, n := range ordered {
		same := n.flags&flagFinality == w.flags&flagFinality && n.t == w.t
		switch {
		case n.doc == w.doc:
		case same && (digest(n) == digest(w) && digest(n) != "" || alike):
			d.set(n.doc, out(Copy))
		case gone[digest(n)] && digest(n) != "":
			d.set(n.doc, out(Superseded))
		case same, n.u != 0 && w.u != 0 && abs(n.u-w.u) > slack+1e9*(int64(n.res)+int64(w.res)):
			d.set(n.doc, d.older(n.flags, OtherOfRun))
			conflict = append(conflict, n.doc)
		default:
			d.set(n.doc, d.older(n.flags, Replaced))
		}
	}
	if len(conflict) > 0 {
		return w, d.conflict(OtherOfRun, append([]uint32{w.doc}, conflict...),
			"%d documents of run %s differ though none of them is later than the others or supersedes them: the first of these counts", len(conflict)+1, runOf(d.key))
	}
	return w, nil
}

func abs(x int64) int64 { return max(x, -x) }

// pinned orders what was handed over before what was not.
func (d *decider) pinned(n note) int { return -number(d.state[n.doc] == stateUsed) }

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Offset, b.Offset))
}

// conflict tells of a contradiction, once all is decided.
func (d *decider) conflict(reason Reason, docs []uint32, format string, args ...any) error {
	if !d.telling {
		return nil
	}
	return d.intake.conflict(reason, docs, format, args...)
}

const (
	mostConflicts = 1000
	mostPlaces    = 10
)

func (r *intake) conflict(reason Reason, docs []uint32, format string, args ...any) error {
	r.report.ConflictCount++
	if len(r.report.Conflicts) == mostConflicts {
		return nil
	}
	c := Conflict{Reason: reason, Text: fmt.Sprintf(format, args...)}
	for _, doc := range docs[:min(len(docs), mostPlaces)] {
		at, err := r.placeOf(doc)
		if err != nil {
			return err
		}
		c.Places = append(c.Places, at)
	}
	r.report.Conflicts = append(r.report.Conflicts, c)
	return nil
}

// related leaves out runs whose joules the run above them counts, and finds the
// shards of merged records.
func (d *decider) related() {
	up := map[uint32]uint32{}
	for _, p := range d.pairs {
		if p.part {
			if d.verdict[p.by].counts() {
				d.merged[p.doc] = p.by
			}
		} else if d.verdict[p.doc].counts() {
			up[p.doc] = p.by
		}
	}
	for _, p := range d.pairs {
		if p.part {
			continue
		}
		by := p.by
		for range 64 { // up to the run that nobody else counts
			next, ok := up[by]
			if !ok {
				break
			}
			by = next
		}
		if _, circle := up[by]; !circle && d.verdict[by].counts() {
			d.marks[by] |= markRelied
			d.set(p.doc, out(CountedByParent))
		}
	}
	d.pairs = d.pairs[:0]
}

// absorb leaves out the shards of merged records that are in no job with these.
func (d *decider) absorb() {
	for doc, by := range d.merged {
		if d.verdict[doc] == verdictUse && d.verdict[by].counts() {
			d.marks[by] |= markRelied
			d.set(doc, out(InMerged))
		}
	}
	clear(d.merged)
}

// job decides on the shards of a job.
func (d *decider) job() {
	var docs []uint32
	var whole []uint32 // merged before
	further, used := false, false
	for _, n := range d.group {
		docs = append(docs, n.doc)
		used = used || d.state[n.doc] == stateUsed
		if n.flags&flagMerged != 0 {
			whole = append(whole, n.doc)
		}
	}
	for _, doc := range docs {
		if _, in := d.merged[doc]; !in && !slices.Contains(whole, doc) {
			further = true
		}
	}
	switch {
	case len(docs) < 2:
	case len(whole) == 1 && !further:
		d.marks[whole[0]] |= markRelied
		for _, doc := range docs {
			if doc != whole[0] {
				d.set(doc, out(InMerged))
			}
		}
	case used: // what was handed over takes no more
		for _, doc := range docs {
			d.set(doc, out(OtherShard))
		}
	default:
		for _, doc := range docs {
			d.marks[doc] |= markRelied
			d.verdict[doc] = verdictJob
		}
		d.jobs = append(d.jobs, docs)
	}
}

// notes are what a document tells of how it relates to others.
func (id *identity) notes(to []note, doc uint32) []note {
	res := uint16(min(math.Ceil(max(id.resolution, 0)), math.MaxUint16))
	n := note{key: id.run, kind: noteDocument, doc: doc, t: id.created, u: id.start, flags: id.finality(), res: res}
	switch id.status {
	case lifecycle.Running:
		n.flags |= flagRunning
	case lifecycle.Estimated:
		n.flags |= flagEstimated
	}
	if id.supersedes {
		n.flags |= flagSupersedes
	}
	to = append(to, n)
	if id.counted && id.parent != [16]byte{} {
		to = append(to, note{key: id.parent, kind: noteChild, doc: doc})
	}
	for _, part := range id.parts {
		to = append(to, note{key: part, kind: notePart, doc: doc})
	}
	ranks, flags := id.ranks, uint8(0)
	if len(id.parts) > 0 {
		ranks, flags = len(id.parts), flagMerged
		if id.coverage > 0 {
			ranks = int(math.Round(float64(ranks) / id.coverage))
		}
	}
	job := uint32(0)
	if ranks > 1 && id.trace != [16]byte{} {
		key := keyOf(id.trace[:], id.series[:], uint64(ranks), uint64(id.window))
		job = max(uint32(key[0])|uint32(key[1])<<8|uint32(key[2])<<16|uint32(key[3])<<24, 1)
		to = append(to, note{key: key, kind: noteJob, doc: doc, a: uint32(id.rank), flags: flags})
	}
	if id.start == 0 || id.end < id.start {
		return to
	}
	if id.series != [16]byte{} {
		key := id.series
		key[15] ^= byte(id.rank) // ranks have windows of their own
		key[14] ^= byte(id.rank >> 8)
		to = append(to, note{key: key, kind: noteWindow, doc: doc, a: uint32(id.window), b: uint32(id.rank), t: id.start, u: id.end, res: res})
	}
	for _, instance := range id.instances {
		n := note{kind: noteDevice, doc: doc, a: job, t: id.start, u: id.end, res: res}
		copy(n.key[:], instance[:])
		if !id.machine {
			n.flags = flagProcess
		}
		to = append(to, n)
	}
	return to
}

// conclude tells what became of every document.
func (r *intake) conclude() error {
	r.telling = true
	if _, err := r.decide(); err != nil {
		return err
	}
	if err := r.checkLines(); err != nil {
		return err
	}
	slices.SortStableFunc(r.report.Conflicts, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Text, b.Text))
	})
	return r.notes.each(func(n note) error {
		if n.kind != noteDocument || r.state[n.doc] == stateUsed || r.state[n.doc] == stateInvalid {
			return nil
		}
		v := r.verdict[n.doc]
		if v < verdictOut {
			return fmt.Errorf("dataset: it was not decided on a document of run %s: this is a mistake of the reader", runOf(n.key))
		}
		reason := outs[v-verdictOut]
		r.report.LeftOut[reason]++
		if r.LeftOut == nil {
			return nil
		}
		at, err := r.placeOf(n.doc)
		if err == nil {
			r.LeftOut(LeftOut{at, runOf(n.key), reason})
		}
		return err
	})
}
