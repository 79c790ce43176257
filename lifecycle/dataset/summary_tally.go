package dataset

import (
	"cmp"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// tally is the account of a group.
type tally struct {
	key   string // its texts, joined
	texts []string
	hash  uint64

	cells []sumCell
	at    map[int32]int32 // by blend: which cell; nil while they are few
	rest  *remainder      // of cells that were not kept; nil if all are
	rows  int64
	held  exact // device-seconds

	// Of its runs.
	runs           int64
	status         [len(statuses)]int64
	seconds        exact // of distinct stages
	known, unknown [allSums]int64
	perRun         [len(perRunFigures)]sketch
	units          map[string]*unitTally
	moreUnits      bool // some were not kept

	// The run that is being added.
	runNo, stageNo uint64
	pending        [2]exact // of perRunFigures
	told           uint16   // figures that a row told
	lacks          uint16   // figures that a row did not tell
}

// unitTally is what a functional unit came to in a group.
type unitTally struct {
	count   exact
	stages  int64    // distinct ones that tell it
	runs    int64    // of so many distinct runs
	runNo   uint64   // the last of them, while it is added
	lacking [2]int64 // of unitFigures: rows of such stages that do not tell them
	rest    [2]exact // of unitFigures: in the group's rest
}

var (
	unitFigures   = [2]sumOf{energySum, operationalSum}
	perRunFigures = [2]sumOf{energySum, gco2eSum}
)

// statuses are those of runs; the last is any other.
var statuses = [...]string{string(lifecycle.Complete), string(lifecycle.Failed), string(lifecycle.Interrupted), string(lifecycle.Running), string(lifecycle.Estimated), ""}

// cell is the cell of a blend.
func (t *tally) cell(blend int32) (c *sumCell, fresh bool) {
	const few = 8
	if t.at != nil {
		if k, ok := t.at[blend]; ok {
			return &t.cells[k], false
		}
		t.at[blend] = int32(len(t.cells))
	} else {
		for k := range t.cells {
			if t.cells[k].blend == blend {
				return &t.cells[k], false
			}
		}
		if len(t.cells) == few {
			t.at = make(map[int32]int32, 2*few)
			for k := range t.cells {
				t.at[t.cells[k].blend] = int32(k)
			}
			t.at[blend] = few
		}
	}
	t.cells = append(t.cells, sumCell{blend: blend})
	return &t.cells[len(t.cells)-1], true
}

// index makes t.at anew.
func (t *tally) index() {
	cells := t.cells
	t.cells, t.at = nil, nil
	for _, c := range cells {
		to, _ := t.cell(c.blend)
		to.sums, to.runs, to.runNo = c.sums, c.runs, c.runNo
	}
}

func (t *tally) unit(name string) *unitTally {
	u := t.units[name]
	if u == nil {
		if t.units == nil {
			t.units = map[string]*unitTally{}
		}
		u = &unitTally{}
		t.units[name] = u
	}
	return u
}

// mergeRuns adds what o tells of runs, and not of rows.
func (t *tally) mergeRuns(o *tally) {
	t.runs += o.runs
	for i := range statuses {
		t.status[i] += o.status[i]
	}
	t.seconds.merge(&o.seconds)
	for f := range allSums {
		t.known[f] += o.known[f]
		t.unknown[f] += o.unknown[f]
	}
	for i := range perRunFigures {
		t.perRun[i].merge(&o.perRun[i])
	}
	for name, of := range o.units {
		u := t.unit(name)
		u.count.merge(&of.count)
		u.stages += of.stages
		u.runs += of.runs
		for i := range unitFigures {
			u.lacking[i] += of.lacking[i]
			u.rest[i].merge(&of.rest[i])
		}
	}
	t.moreUnits = t.moreUnits || o.moreUnits
}

// mergeRows adds what o tells of rows, but its cells.
func (t *tally) mergeRows(o *tally) {
	t.rows += o.rows
	t.held.merge(&o.held)
	if o.rest != nil {
		t.theRest().merge(o.rest)
	}
}

func (t *tally) theRest() *remainder {
	if t.rest == nil {
		t.rest = newRest()
	}
	return t.rest
}

// fold moves a cell to the rest of group to.
func (s *Summary) foldInto(to *tally, c *sumCell) {
	s.fold(to.theRest(), c)
	b := &s.blends[c.blend]
	for _, name := range s.sets[b.units] {
		u := to.unit(name)
		for i, f := range unitFigures {
			if k := b.kind.sumAt(f); k >= 0 {
				u.rest[i].merge(&c.sums[k])
			}
		}
	}
}

// prune gives up what is beyond the limits.
func (s *Summary) prune() {
	if len(s.groups) > s.limits.groups {
		s.pruneGroups()
	}
	if s.cells > s.limits.cells {
		s.pruneCells()
	}
	s.pruneUnits(s.total)
	if s.others != nil {
		s.pruneUnits(s.others)
	}
	for _, t := range s.groups {
		s.pruneUnits(t)
	}
	if max(len(s.blends), len(s.inputs)/len(blend{}.of), len(s.sets)) > 2*s.limits.cells {
		s.compact()
	}
}

// ordered are the groups by hash.
func (s *Summary) ordered() []*tally {
	list := make([]*tally, 0, len(s.groups))
	for _, t := range s.groups {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tally) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.key, b.key)) })
	return list
}

func (s *Summary) pruneGroups() {
	if s.others == nil {
		s.others = &tally{}
	}
	for _, t := range s.ordered()[s.limits.groups:] {
		s.others.mergeRuns(t)
		s.others.mergeRows(t)
		for i := range t.cells {
			s.foldInto(s.others, &t.cells[i])
		}
		s.cells -= len(t.cells)
		delete(s.groups, t.key)
	}
	s.latelyTold = map[string]*tally{}
}

// pruneCells keeps the cells that come first by the hash of their group and
// then by their own. A group that is not kept has the greatest hash, so that
// what it has of cells never pushes out one of a group that is.
func (s *Summary) pruneCells() {
	left := s.limits.cells
	for _, t := range s.ordered() {
		if n := len(t.cells); n <= left {
			left -= n
			continue
		}
		slices.SortFunc(t.cells, func(a, b sumCell) int {
			x, y := &s.blends[a.blend], &s.blends[b.blend]
			return cmp.Or(cmp.Compare(x.hash, y.hash), s.compareBlends(x, y))
		})
		for i := left; i < len(t.cells); i++ {
			s.foldInto(t, &t.cells[i])
		}
		s.cells -= len(t.cells) - left
		t.cells = slices.Clip(slices.Clone(t.cells[:left]))
		t.index()
		left = 0
	}
}

func (s *Summary) pruneUnits(t *tally) {
	if len(t.units) <= s.limits.units {
		return
	}
	names := make([]string, 0, len(t.units))
	for name := range t.units {
		names = append(names, name)
	}
	sortByHash(names)
	for _, name := range names[s.limits.units:] {
		delete(t.units, name)
	}
	t.moreUnits = true
}

func sortByHash(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(hashOf(hashSeed, a), hashOf(hashSeed, b)), cmp.Compare(a, b))
	})
}

// compact forgets blends and inputs that no cell has any more.
func (s *Summary) compact() {
	old := *s
	s.forgetBlends()
	for _, t := range s.groups {
		for i := range t.cells {
			t.cells[i].blend = s.adopt(&old, old.blends[t.cells[i].blend].blend)
		}
		t.index()
	}
}

// adopt is the number that a blend of o has here.
func (s *Summary) adopt(o *Summary, b blend) int32 {
	for i, u := range b.of {
		if u != 0 {
			b.of[i] = s.input(o.inputs[u], true)
		}
	}
	b.units = s.set(o.sets[b.units])
	return s.blend(b)
}
