package dataset

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// shared notes what a run that was not alone on its devices booked of each.
func (w *worker) shared(doc uint32, rec *lifecycle.Record) error {
	if r := rec.Run.TimeResolutionS; rec.Run.StartedAt == nil || rec.Run.EndedAt == nil || r != nil && *r > 2 {
		return nil // when it ran is not known well enough
	}
	entry := map[string]*lifecycle.Hardware{}
	for i := range rec.Hardware {
		entry[rec.Hardware[i].ID] = &rec.Hardware[i]
	}
	type sum struct{ booked, total float64 }
	of := map[[16]byte]sum{}
	for _, l := range rec.Ledger {
		h := entry[l.Hardware]
		if h == nil || len(h.Instance) != h.Count {
			continue
		}
		domain := l.Domain
		if accelerator(h.Kind) { // containers number them as they like
			domain = ""
		}
		key := keyOf([]byte(strings.Join(slices.Sorted(slices.Values(h.Instance)), " ")), []byte(domain))
		s := of[key]
		of[key] = sum{s.booked + l.SpansJ + l.UnattributedJ, s.total + l.TotalJ}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, s := range of {
		err := w.booked.add(note{
			key: key, kind: noteLine, doc: doc, t: rec.Run.StartedAt.UnixNano(), u: rec.Run.EndedAt.UnixNano(),
			a: math.Float32bits(float32(s.booked)), b: math.Float32bits(float32(s.total)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mostLines is how many runs of one device are held to one another.
const mostLines = 1 << 18

// checkLines makes sure that what runs booked of a device is no more than what
// its meter saw: of each run, what all booked that ran wholly within its time
// (record rules, section 4). Times are exact to a second or two; what the device
// drew in that is granted.
func (r *intake) checkLines() error {
	var group []note
	check := func() error {
		defer func() { group = group[:0] }()
		if len(group) < 2 {
			return nil
		}
		ends := make([]int64, len(group))
		for i, n := range group {
			ends[i] = n.u
		}
		slices.Sort(ends)
		within := make(fenwick, len(ends)+1)
		slices.SortFunc(group, func(a, b note) int { return -compareNotes(a, b) }) // the last begin first
		for i := 0; i < len(group); {
			k := i
			for ; k < len(group) && group[k].t == group[i].t; k++ {
				at, _ := slices.BinarySearch(ends, group[k].u)
				within.add(at, float64(math.Float32frombits(group[k].a)))
			}
			for ; i < k; i++ {
				n := group[i]
				at, _ := slices.BinarySearch(ends, n.u)
				booked, total := within.sum(at), float64(math.Float32frombits(n.b))
				if booked <= total*(1+1e-5+min(1, slack/float64(max(n.u-n.t, 1)))) {
					continue
				}
				docs := []uint32{n.doc}
				for _, m := range group {
					if m.doc != n.doc && m.t >= n.t && m.u <= n.u {
						docs = append(docs, m.doc)
					}
				}
				if err := r.conflict(BeyondMeter, docs, "%d runs booked %.6g J of a device in the time of the first of these, in which its meter saw %.6g J", len(docs), booked, total); err != nil {
					return err
				}
				return nil // one is told of each device: what follows is often the same
			}
		}
		return nil
	}
	err := r.booked.each(func(n note) error {
		if len(group) > 0 && group[0].key != n.key {
			if err := check(); err != nil {
				return err
			}
		}
		if len(group) < mostLines {
			group = append(group, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return check()
}

// fenwick are sums over the first so many of a list, which change (Fenwick 1994,
// doi:10.1002/spe.4380240306).
type fenwick []float64

func (f fenwick) add(at int, x float64) {
	for i := at + 1; i < len(f); i += i & -i {
		f[i] += x
	}
}

// sum is that of the elements up to and with the given one.
func (f fenwick) sum(at int) (s float64) {
	for i := at + 1; i > 0; i -= i & -i {
		s += f[i]
	}
	return s
}

// figureIn is the number that a text begins with.
func figureIn(text string) (float64, bool) {
	text, _, _ = strings.Cut(text, " ")
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}
