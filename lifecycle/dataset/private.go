package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Sharing makes of a summary one that may leave its site, though the records
// may not (federated analytics). [Summary.Merge] adds up what several sites
// shared. Where no site had to withhold anything, that is the same, to the bit,
// as sharing the summary of all their records at once with the same MinRuns.
//
// What is shared are sums over at least MinRuns distinct runs each, and the
// names of the groups: nothing of a single run, no id, no time but months that
// groups are by. A group with fewer runs is withheld, and so is all that could
// tell it by subtraction: totals are of what is shared. Within a group, the
// same holds of
//
//   - cells: those of fewer runs are added up, with the smallest that is not,
//     to one with the widest of their intervals;
//   - figures and times that fewer runs tell;
//   - figures that follow from another one by a factor, if fewer runs tell one
//     of the two and not the other: their difference would be what these have;
//   - functional units that fewer runs tell, or of which so much was added up
//     with other stages that the difference would tell of fewer;
//   - statuses, of which one was of fewer: then none is shared;
//   - distributions among runs, and the share that was measured: never shared.
//
// How many runs of a group do not tell a figure is shared, and so are the
// identities of the factors that enough runs rest on: who has the same factor
// recognises it, and with it the country of a grid.
//
// This protects no run whose figures are nearly all of its group's. It protects
// none against who can compare two summaries: of the same records by other
// dimensions or with another MinRuns, or before and after a run was added. Sums
// are exact to the last bit, by which one who knows the figures of a run, or of
// all others, to the last digit finds it. [Noise] protects against all of these.
type Sharing struct {
	MinRuns   int64 // 0: 10; at least 2
	Publisher bool  // groups may be by publisher
}

// Share makes the summary, and tells how many groups it withheld. s is not
// changed. An error tells of dimensions that are not to leave, or of a summary
// whose groups count a run several times.
func (h Sharing) Share(s *Summary) (shared *Summary, withheld int, err error) {
	h.MinRuns = cmp.Or(h.MinRuns, 10)
	if h.MinRuns < 2 {
		return nil, 0, fmt.Errorf("dataset: share: a group of %d is a single run; MinRuns is at least 2", h.MinRuns)
	}
	if err := mayLeave(s.by, h.Publisher); err != nil {
		return nil, 0, err
	}
	if s.overlapping {
		return nil, 0, errors.New("dataset: share: how many runs a group has is not known after regrouping; summarise the records by these dimensions")
	}
	if s.shared > 0 && s.shared < h.MinRuns {
		return nil, 0, fmt.Errorf("dataset: share: it was shared with at least %d runs a group, and cannot be with %d", s.shared, h.MinRuns)
	}
	s.settle()
	shared, err = NewSummary(s.By()...)
	if err != nil {
		return nil, 0, err
	}
	shared.limits, shared.shared = s.limits, h.MinRuns
	for _, t := range s.groups {
		if t.runs < h.MinRuns {
			withheld++
			continue
		}
		h.group(shared, s, t)
	}
	if s.others != nil {
		withheld++
	}
	return shared, withheld, nil
}

func mayLeave(by []dimension, publisher bool) error {
	if !publisher && slices.ContainsFunc(by, func(d dimension) bool { return d.name == "publisher" }) {
		return errors.New("dataset: share: groups are by publisher, who would be named; summarise by other dimensions, or say that publishers may be named")
	}
	return nil
}

// MinRuns is the fewest runs that any sum of a summary is of which was shared
// (see [Sharing]); 0 of one that was not.
func (s *Summary) MinRuns() int64 { return s.shared }

// group shares a group.
func (h Sharing) group(to, s *Summary, t *tally) {
	g := to.group(slices.Clone(t.texts))
	g.runs, g.rows, g.moreUnits = t.runs, t.rows, t.moreUnits
	few := func(n int64) bool { return n > 0 && n < h.MinRuns }
	if !slices.ContainsFunc(t.status[:], few) {
		g.status = t.status
	}
	g.known, g.unknown = t.known, t.unknown
	withhold := func(f sumOf) {
		g.known[f], g.unknown[f] = 0, g.unknown[f]+g.known[f]
	}
	for f := range allSums {
		if few(t.known[f]) {
			withhold(f)
		}
	}
	if few(t.known[operationalSum]) || few(t.known[embodiedSum]) {
		withhold(gco2eSum) // of which a part is withheld
	}
	if g.known[stageTime] > 0 {
		g.seconds.merge(&t.seconds)
	}
	if g.known[deviceTime] > 0 {
		g.held.merge(&t.held)
	}
	p := h.parts(s, t, g)
	for f, ok := h.toldByAnother(s, t, p); ok; f, ok = h.toldByAnother(s, t, p) {
		withhold(f)
		if f == operationalSum {
			withhold(gco2eSum)
		}
		p = h.parts(s, t, g)
	}
	for i := range p.cells {
		if p.folded[i] {
			s.foldInto(g, &p.cells[i])
			continue
		}
		to.cells++
		to.mergeCell(g, 0, to.adopt(s, s.blends[p.cells[i].blend].blend), &p.cells[i])
	}
	for f := range ownSums {
		if x := &p.rest[f]; !x.isZero() {
			g.theRest().sums[f].merge(x)
			if t.rest != nil {
				g.rest.low[f], g.rest.high[f] = min(g.rest.low[f], t.rest.low[f]), max(g.rest.high[f], t.rest.high[f])
			}
		}
	}
	for i := range g.cells {
		g.cells[i].runs = 0
	}
	for name, u := range t.units {
		if !slices.Contains(p.units, name) {
			g.moreUnits = true
			delete(g.units, name)
			continue
		}
		of := g.unit(name)
		of.count.merge(&u.count)
		of.stages, of.runs, of.lacking = u.stages, u.runs, u.lacking
	}
}

// parts is how the cells of a group are shared.
type parts struct {
	units  []string // that are
	cells  []sumCell
	folded []bool
	rest   [ownSums]exact // what no cell has
}

// parts decides which cells and units are shared.
func (h Sharing) parts(s *Summary, t, g *tally) *parts {
	p := &parts{}
	for name, u := range t.units {
		if u.runs >= h.MinRuns && t.rest == nil {
			p.units = append(p.units, name)
		}
	}
	slices.Sort(p.units)
	for {
		p.take(s, t, g)
		h.fold(s, p)
		n := len(p.units)
		p.units = slices.DeleteFunc(p.units, func(name string) bool { return h.tellsApart(s, p, name) })
		if len(p.units) == n {
			if p.units = h.apart(s, p); len(p.units) == n {
				return p
			}
		}
	}
}

// take takes the cells of a group, but for what is not shared: which were
// measured, figures of few runs, units of few runs.
func (p *parts) take(s *Summary, t, g *tally) {
	p.cells, p.rest = nil, [ownSums]exact{}
	at := map[int32]int{}
	for i := range t.cells {
		from := &t.cells[i]
		b := s.blends[from.blend].blend
		b.kind &^= measured
		b.units = s.set(slices.DeleteFunc(slices.Clone(s.sets[b.units]), func(name string) bool { return !slices.Contains(p.units, name) }))
		blend := s.blend(b)
		k, ok := at[blend]
		if !ok {
			k = len(p.cells)
			at[blend] = k
			p.cells = append(p.cells, sumCell{blend: blend})
		}
		c := &p.cells[k]
		c.runs = max(c.runs, from.runs) // how many they are together is not known
		for f := energySum; f < gco2eSum; f++ {
			n := b.kind.sumAt(f)
			switch {
			case n < 0 || g.known[f] == 0:
			case f > embodiedSum: // few rows tell it, and it has no interval
				p.rest[f].merge(&from.sums[n])
			default:
				c.sums[n].merge(&from.sums[n])
			}
		}
		if b.kind&ofDevice == 0 && g.known[waterSum] > 0 {
			c.sums[siteWater].merge(&from.sums[siteWater])
		}
	}
	if t.rest != nil {
		for f := range ownSums {
			if g.known[f] > 0 {
				p.rest[f].merge(&t.rest.sums[f])
			}
		}
	}
	slices.SortFunc(p.cells, func(a, b sumCell) int { // the smallest first
		return cmp.Or(cmp.Compare(a.runs, b.runs), s.compareBlends(&s.blends[a.blend], &s.blends[b.blend]))
	})
}

// tells is whether a cell has something of a figure.
func (s *Summary) tells(c *sumCell, f sumOf) bool {
	k := s.blends[c.blend].kind.sumAt(f)
	return k >= 0 && !c.sums[k].isZero()
}

// fold adds up cells of too few runs, for each figure with one of enough.
func (h Sharing) fold(s *Summary, p *parts) {
	p.folded = make([]bool, len(p.cells))
	for i := range p.cells {
		p.folded[i] = p.cells[i].runs < h.MinRuns
	}
	for f := energySum; f <= embodiedSum; f++ {
		small, enough, next := !p.rest[f].isZero(), false, -1
		for i := range p.cells {
			c := &p.cells[i]
			switch {
			case !s.tells(c, f):
			case p.folded[i] && c.runs < h.MinRuns:
				small = true
			case p.folded[i]:
				enough = true
			case next < 0:
				next = i
			}
		}
		if small && !enough && next >= 0 { // else all of the figure is in it, which enough runs tell
			p.folded[next] = true
		}
	}
}

// tellsApart is whether what was added up could be told apart by the stages
// that tell a unit.
func (h Sharing) tellsApart(s *Summary, p *parts, name string) bool {
	for _, f := range unitFigures {
		var some, enough [2]bool // cells whose stages do not, and do
		for i := range p.cells {
			c := &p.cells[i]
			if !p.folded[i] || !s.tells(c, f) {
				continue
			}
			with := 0
			if slices.Contains(s.sets[s.blends[c.blend].units], name) {
				with = 1
			}
			some[with] = true
			enough[with] = enough[with] || c.runs >= h.MinRuns
		}
		if some[0] && some[1] && !(enough[0] && enough[1]) {
			return true
		}
		// Of one kind alone all may be small, if no other cell tells the figure;
		// then the unit's sum is of those runs, and there must be enough.
		if some[1] && !some[0] && !enough[1] && !h.allTell(s, p, f, name) {
			return true
		}
	}
	return false
}

// allTell is whether all cells that tell a figure are of stages that tell a
// unit: then the unit's sum is the group's.
func (h Sharing) allTell(s *Summary, p *parts, f sumOf, name string) bool {
	for i := range p.cells {
		if c := &p.cells[i]; s.tells(c, f) && !slices.Contains(s.sets[s.blends[c.blend].units], name) {
			return false
		}
	}
	return true
}

// sides are the parts of what was added up that can be told apart by units: the
// stages that tell each unit, those that do not, and those that tell the same.
func (p *parts) sides(s *Summary) (sides []func(*sumCell) bool) {
	units := func(c *sumCell) unitSet { return s.sets[s.blends[c.blend].units] }
	for _, name := range p.units {
		tell := func(c *sumCell) bool { return slices.Contains(units(c), name) }
		sides = append(sides, tell, func(c *sumCell) bool { return !tell(c) })
	}
	seen := map[int32]bool{}
	for i := range p.cells {
		if set := s.blends[p.cells[i].blend].units; p.folded[i] && !seen[set] {
			seen[set] = true
			sides = append(sides, func(c *sumCell) bool { return s.blends[c.blend].units == set })
		}
	}
	return sides
}

// apart are the units that may be shared beside one another: all, or those that
// all stages tell of which something was added up, or none of them.
func (h Sharing) apart(s *Summary, p *parts) []string {
	leaks := false
	sides := p.sides(s)
	for k, side := range sides {
		leaks = leaks || h.follows(s, p, energySum, operationalSum, side)
		if k < 2*len(p.units) {
			continue
		}
		for _, f := range unitFigures { // units that differ from one another by few
			some, enough, others := false, false, false
			for i := range p.cells {
				c := &p.cells[i]
				switch {
				case !p.folded[i] || !s.tells(c, f):
				case !side(c):
					others = true
				default:
					some, enough = true, enough || c.runs >= h.MinRuns
				}
			}
			leaks = leaks || some && others && !enough
		}
	}
	if !leaks {
		return p.units
	}
	return slices.DeleteFunc(slices.Clone(p.units), func(name string) bool {
		with, without := false, false
		for i := range p.cells {
			if p.folded[i] {
				tell := slices.Contains(s.sets[s.blends[p.cells[i].blend].units], name)
				with, without = with || tell, without || !tell
			}
		}
		return with && without
	})
}

// toldByAnother is a figure that must be withheld, for it and another one are
// the same but for a factor (facility energy is energy × PUE, and so on), and
// too few runs tell one of them and not the other: what one lacks is what the
// other one has of these.
func (h Sharing) toldByAnother(s *Summary, t *tally, p *parts) (sumOf, bool) {
	for g := facilitySum; g <= waterSum; g++ {
		for f := energySum; f < g; f++ {
			if h.follows(s, p, f, g, func(*sumCell) bool { return true }) {
				return g, true
			}
			lack := t.unknown[g] - t.unknown[f]
			if max(lack, -lack) < h.MinRuns && lack != 0 && !p.rest[f].isZero() && !p.rest[g].isZero() {
				return g, true
			}
		}
	}
	for g := adpeSum; g <= wasteSum; g++ {
		for f := embodiedSum; f < g; f++ {
			lack := t.unknown[g] - t.unknown[f]
			told := !p.rest[g].isZero() && (f == embodiedSum || !p.rest[f].isZero())
			if max(lack, -lack) < h.MinRuns && lack != 0 && told {
				return g, true
			}
		}
	}
	return 0, false
}

// follows tells whether among what was added up on a side are cells that tell
// both figures, and others of too few runs that tell one of them.
func (h Sharing) follows(s *Summary, p *parts, f, g sumOf, side func(*sumCell) bool) bool {
	both := false
	var most [2]int64 // runs of a cell that tells one
	var one [2]bool
	for i := range p.cells {
		c := &p.cells[i]
		if !p.folded[i] || !side(c) {
			continue
		}
		switch x, y := s.tells(c, f), s.tells(c, g); {
		case x && y:
			both = true
		case x:
			one[0], most[0] = true, max(most[0], c.runs)
		case y:
			one[1], most[1] = true, max(most[1], c.runs)
		}
	}
	return both && (one[0] && most[0] < h.MinRuns || one[1] && most[1] < h.MinRuns)
}

// share notes in s, before o is merged into it, that what o was shared with
// holds of both.
func (s *Summary) share(o *Summary) {
	s.overlapping = s.overlapping || o.overlapping
	if s.shared == 0 && o.shared == 0 {
		return
	}
	least := func(s *Summary) int64 {
		switch {
		case s.shared > 0:
			return s.shared
		case s.total.runs > 0:
			return 1 // of a summary that was not shared a group may be one run
		}
		return maxCount // an empty one
	}
	s.shared = min(least(s), least(o))
}

// Regroup is the summary by some of its dimensions. A run that was in several
// groups which are now one counts several times in it, unless each run has but
// one value of what is no longer told apart: then it is the summary that the
// records would have had. Group.Overlapping tells which. s is not changed.
func (s *Summary) Regroup(by ...Dimension) (*Summary, error) {
	fresh, err := NewSummary(by...)
	if err != nil {
		return nil, err
	}
	var places []int
	for _, name := range by {
		at := slices.IndexFunc(s.by, func(d dimension) bool { return d.name == name })
		if at < 0 {
			return nil, fmt.Errorf("dataset: summary: it is by %s, and cannot be by %s", cmp.Or(join(s.By()), "nothing"), name)
		}
		places = append(places, at)
	}
	s.settle()
	fresh.limits, fresh.shared, fresh.overlapping = s.limits, s.shared, s.overlapping
	for _, d := range s.by {
		if !d.ofRun && !slices.Contains(by, d.name) {
			fresh.overlapping = true
		}
	}
	for _, from := range s.groups {
		texts := make([]string, len(places))
		for i, at := range places {
			texts[i] = from.texts[at]
		}
		t := fresh.group(texts)
		t.mergeRuns(from)
		t.mergeRows(from)
		for i := range from.cells {
			fresh.mergeCell(t, 0, fresh.adopt(s, s.blends[from.cells[i].blend].blend), &from.cells[i])
		}
	}
	fresh.mergeOthers(s)
	fresh.total.mergeRuns(s.total)
	return fresh, nil
}
