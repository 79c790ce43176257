package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// What the shards of a job may come to, as text: they are in memory together.
const (
	mostOfJob  = 32 << 20
	largeOfJob = 2 << 20 // of more than that one job is merged at a time
)

// runOf is the id of a run, or a service, as text.
func runOf(id [16]byte) string { return uuid.UUID(id).String() }

// keyOf is a key for what is told by several members.
func keyOf(a, b []byte, n ...uint64) (key [16]byte) {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(a))))
	h.Write(a)
	h.Write(b)
	for _, n := range n {
		h.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
	copy(key[:], h.Sum(nil))
	return key
}

// candidate is a document of a job.
type candidate struct {
	doc uint32
	position
	place Place
	rec   *lifecycle.Record
}

// merge merges the jobs, and hands them over.
func (r *intake) merge() error {
	return r.pass(func() error {
		for _, docs := range r.jobs {
			docs = slices.DeleteFunc(slices.Clone(docs), func(doc uint32) bool { return r.verdict[doc] != verdictJob || r.state[doc] == stateInvalid })
			if len(docs) == 0 {
				continue
			}
			if err := r.send(func(w *worker) error { return w.job(docs) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// job merges the shards of a job.
func (w *worker) job(docs []uint32) error {
	var all []*candidate
	size := 0
	for _, doc := range docs {
		m := &candidate{doc: doc}
		list, err := w.positionsAt(doc, 1)
		if err != nil {
			return err
		}
		m.position = list[0]
		if m.place, err = w.intake.place(&m.position); err != nil {
			return err
		}
		all, size = append(all, m), size+int(m.n)
	}
	slices.SortFunc(all, func(a, b *candidate) int { return comparePlaces(a.place, b.place) })
	if size > largeOfJob {
		w.largeJob.Lock()
		defer w.largeJob.Unlock()
	}
	if size > mostOfJob {
		return w.singly(all, "together they are larger than 32 MiB")
	}
	var records []*lifecycle.Record
	whole := true
	for _, m := range all {
		if err := w.load(m); err != nil {
			return err
		}
		whole = whole && m.rec != nil
		records = append(records, m.rec)
	}
	if !whole { // it is decided anew, without what was refused
		return nil
	}
	if len(all) == 1 {
		return w.alone(all[0])
	}
	merger := Merger{Running: w.Running}
	merged, why := merger.Merge(records...)
	if why != nil {
		merger.Unrelated = true
		var err error
		if merged, err = merger.Merge(records...); err != nil {
			return w.singly(all, strings.TrimPrefix(err.Error(), "dataset: merge: "))
		}
	}
	return w.joined(all, merged, why)
}

// load decodes a document of a job; there is no record if it was refused.
func (w *worker) load(m *candidate) error {
	text := make([]byte, m.n)
	w.mu.Lock()
	at, kept := w.spoolAt[m.doc]
	w.mu.Unlock()
	if kept {
		if err := w.spooled.read(text, at); err != nil {
			return err
		}
	} else {
		f, bad := w.reopen(m.place.Path)
		if bad != nil {
			return w.gone(m.doc, &m.position, bad, nil)
		}
		n, err := f.ReadAt(text, m.off)
		w.release(f)
		if err != nil && err != io.EOF {
			return w.gone(m.doc, &m.position, unreadable(err), nil)
		}
		text = text[:n]
	}
	return w.checked(m.doc, &m.position, text, func(w *worker, doc uint32, p *position, text []byte) (err error) {
		m.rec, err = w.check(doc, p, text, lifecycle.Check) // which is kept with the other shards
		return err
	})
}

// alone hands over a document that there is nothing to be merged with.
func (w *worker) alone(m *candidate) error {
	if err := w.use(w.number, m.rec); err != nil {
		return err
	}
	w.state[m.doc] = stateUsed
	w.counted(1)
	return nil
}

// joined hands over what the shards of a job were merged into.
func (w *worker) joined(all []*candidate, merged *lifecycle.Record, why error) error {
	in := map[string]bool{}
	for _, part := range merged.Run.Merged {
		in[part.ID] = true
	}
	before := slices.ContainsFunc(all, func(m *candidate) bool { return m.rec.Run.ID == merged.Run.ID && len(m.rec.Run.Merged) > 0 })
	if err := w.use(w.number, merged); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	shards := int64(0)
	for _, m := range all {
		switch id := m.rec.Run.ID; {
		case before && id == merged.Run.ID:
			w.state[m.doc] = stateUsed
		case before && in[id]:
			w.leave(m.doc, InMerged)
		case in[id]:
			w.state[m.doc] = stateUsed
			shards++
		case len(m.rec.Run.Merged) > 0: // made anew, of more shards
			w.leave(m.doc, Replaced)
		default:
			w.leave(m.doc, CountedByParent)
		}
	}
	w.report.Counted++
	if !before {
		w.report.Merged++
		w.report.Shards += shards
	}
	w.tell(1)
	if why == nil {
		return nil
	}
	return w.conflict(JobUnrelated, docsOf(all), "shards of one job were merged though they do not fit one another: %s", strings.TrimPrefix(why.Error(), "dataset: merge: "))
}

func (r *intake) leave(doc uint32, reason Reason) { r.state[doc], r.left[doc] = stateLeft, reason }

func docsOf(all []*candidate) (docs []uint32) {
	for _, m := range all {
		docs = append(docs, m.doc)
	}
	return docs
}

// singly hands over the shards of a job that cannot be merged, but those that
// may have seen joules which another one has.
func (w *worker) singly(all []*candidate, why string) error {
	type spell struct{ from, to int64 }
	seen := map[string][]spell{} // of each device
	some, unnamed := false, false
	slices.SortStableFunc(all, func(a, b *candidate) int { return cmp.Compare(a.rank(), b.rank()) })
	for _, m := range all {
		if m.rec == nil {
			if err := w.load(m); err != nil {
				return err
			}
		}
		rec := m.rec
		if rec == nil {
			continue
		}
		m.rec = nil // they do not all fit into memory
		now := spell{rec.Run.StartedAt.UnixNano(), rec.Run.EndedAt.UnixNano()}
		named, twice := true, false
		var devices []string
		for _, h := range rec.Hardware {
			if !hostWide(h.Kind) {
				continue
			}
			named = named && len(h.Instance) > 0
			for _, i := range h.Instance {
				devices = append(devices, i)
				twice = twice || slices.ContainsFunc(seen[i], func(s spell) bool { return s.from < now.to && now.from < s.to })
			}
		}
		if some && (!named || unnamed || twice) {
			w.mu.Lock()
			w.leave(m.doc, OtherShard)
			w.mu.Unlock()
			continue
		}
		some, unnamed = true, !named
		for _, i := range devices {
			seen[i] = append(seen[i], now)
		}
		if err := w.alone(&candidate{doc: m.doc, rec: rec}); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conflict(OtherShard, docsOf(all), "the shards of a job cannot be merged (%s): those count singly that have no device in common, or not at the same time", why)
}

// rank is where a member stands among those that count singly.
func (m *candidate) rank() int {
	if m.rec == nil || m.rec.Run.Rank == nil {
		return 0
	}
	return m.rec.Run.Rank.Index
}

// hint of what a wrong figure may come from.
var units = []struct {
	ratio float64
	hint  string
}{
	{3.6e6, "a figure is 3.6 million times off: kWh where joules belong, or the other way round"},
	{3600, "a figure is 3600 times off: Wh where joules belong, or hours where seconds do"},
	{1000, "a figure is 1000 times off: kilograms where grams belong, or another unit with kilo or milli"},
}

// unitHint tells if a figure is off as if it were in another unit.
func unitHint(findings []lifecycle.Finding) string {
	for _, u := range units {
		for _, f := range findings {
			found, ok := figureIn(f.Found)
			expected, there := figureIn(f.Expected)
			if f.Warning || !ok || !there || found <= 0 || expected <= 0 {
				continue
			}
			if r := max(found/expected, expected/found) / u.ratio; r > 0.99 && r < 1.01 {
				return u.hint
			}
		}
	}
	return ""
}
