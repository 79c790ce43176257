package dataset

import (
	"cmp"
	"slices"
	"sort"
)

// edge is a run of scope machine and another one at the same time.
type edge struct{ wide, other uint32 }

// atOnce is for how long two runs ran at once, in ns; 0 if that may come from
// rounding.
func atOnce(a, b note) int64 {
	both := min(a.u, b.u) - max(a.t, b.t)
	tolerance := slack + 1e9*(int64(a.res)+int64(b.res))
	if both > tolerance || both > 0 && 2*both >= min(a.u-a.t, b.u-b.t) {
		return both
	}
	return 0
}

// window decides on a window of a service; they come in the order of their
// begins.
func (d *decider) window(n note) error {
	if !d.verdict[n.doc].counts() {
		return nil
	}
	other, twice := d.indices[n.a]
	if !twice && d.last.u > 0 && atOnce(d.last, n) > 0 {
		other, twice = d.last.doc, true
	}
	if !twice {
		d.keep(n)
		return nil
	}
	d.marks[n.doc] |= markRelied
	d.marks[other] |= markRelied
	first, second := other, n.doc
	stays := d.state[other] == stateUsed || d.state[n.doc] != stateUsed
	if stays && d.last.doc == other && d.last.t == n.t && d.state[other] != stateUsed {
		a, err := d.placeOf(other)
		if err != nil {
			return err
		}
		b, err := d.placeOf(n.doc)
		if err != nil {
			return err
		}
		// Of windows that begin together the longer one stays.
		stays = d.last.u > n.u || d.last.u == n.u && comparePlaces(a, b) < 0
	}
	if !stays {
		first, second = second, first
	}
	d.set(second, out(OtherWindow))
	if !stays {
		if d.last.doc == other {
			d.last = note{}
		}
		d.keep(n)
	}
	return d.conflict(OtherWindow, []uint32{first, second}, "two windows of service %s overlap or have one index: the first of these counts", seriesOf(d.key, n))
}

func (d *decider) keep(n note) {
	if len(d.indices) < mostIndex {
		d.indices[n.a] = n.doc
	}
	if n.u >= d.last.u {
		d.last = n
	}
}

// device decides on what ran on a device at one time; what is of scope machine
// comes first, each in the order of its begins.
func (d *decider) device(n note) {
	if !d.verdict[n.doc].counts() {
		return
	}
	if n.flags&flagProcess != 0 || len(d.wide) > 0 {
		d.across(n)
	}
	if n.flags&flagProcess == 0 {
		d.wide = append(d.wide, n)
		end := n.u
		if k := len(d.widest); k > 0 {
			end = max(end, d.widest[k-1])
		}
		d.widest = append(d.widest, end)
		return
	}
	if d.opens && atOnce(d.open, n) > 0 {
		d.marks[n.doc] |= markShared
		d.marks[d.open.doc] |= markShared
	}
	if !d.opens || n.u > d.open.u {
		d.open, d.opens = n, true
	}
}

// across notes which runs of scope machine overlap with another run.
func (d *decider) across(n note) {
	from := sort.Search(len(d.wide), func(i int) bool { return d.wide[i].t >= n.u })
	for i := from - 1; i >= 0 && d.widest[i] > n.t; i-- {
		w := d.wide[i]
		if w.doc == n.doc || w.a != 0 && w.a == n.a || atOnce(w, n) == 0 {
			continue // of the same job: it is merged
		}
		if len(d.edges) == mostEdges {
			d.set(n.doc, out(OnMachine))
			return
		}
		d.edges = append(d.edges, edge{w.doc, n.doc})
		d.times[w.doc], d.times[n.doc] = [2]int64{w.t, w.u}, [2]int64{n.t, n.u}
		d.marks[w.doc] |= markRelied
		d.marks[n.doc] |= markRelied
	}
}

// machines decides between runs of scope machine and those that overlap with
// them, the longest first.
func (d *decider) machines() {
	others := map[uint32][]uint32{}
	isWide := map[uint32]bool{}
	for _, e := range d.edges {
		isWide[e.wide] = true
	}
	for _, e := range d.edges {
		others[e.wide] = append(others[e.wide], e.other)
		if isWide[e.other] {
			others[e.other] = append(others[e.other], e.wide)
		}
	}
	var wide []uint32
	for doc := range others {
		slices.Sort(others[doc])
		others[doc] = slices.Compact(others[doc])
		wide = append(wide, doc)
	}
	places := map[uint32]Place{}
	for _, doc := range wide {
		places[doc], _ = d.placeOf(doc) // for order alone
	}
	length := func(doc uint32) int64 { return d.times[doc][1] - d.times[doc][0] }
	slices.SortFunc(wide, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(length(b), length(a)), cmp.Compare(d.times[a][0], d.times[b][0]), comparePlaces(places[a], places[b]))
	})
	for _, w := range wide {
		if !d.verdict[w].counts() {
			continue
		}
		var there []uint32
		outside, used := 0.0, false
		for _, o := range others[w] {
			if !d.verdict[o].counts() {
				continue
			}
			there = append(there, o)
			used = used || d.state[o] == stateUsed
			both := min(d.times[w][1], d.times[o][1]) - max(d.times[w][0], d.times[o][0])
			outside += float64(length(o) - both)
		}
		switch {
		case len(there) == 0:
		case d.state[w] != stateUsed && (used || outside > float64(length(w))):
			d.set(w, out(OnMachine))
		default:
			for _, o := range there {
				d.set(o, out(OnMachine))
			}
		}
	}
}

// seriesOf undoes what identity.notes does to the id of a service.
func seriesOf(key [16]byte, n note) string {
	key[15] ^= byte(n.b)
	key[14] ^= byte(n.b >> 8)
	return runOf(key)
}
