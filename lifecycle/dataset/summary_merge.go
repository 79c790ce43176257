package dataset

import (
	"fmt"
	"slices"
)

// Merge adds all that o has seen. Both must have the same dimensions in the
// same order. It is exactly associative and commutative. What is merged
// settles the run that is being added, of both; beside that o is not changed,
// and s shares nothing with it.
func (s *Summary) Merge(o *Summary) error {
	if !slices.EqualFunc(s.by, o.by, func(a, b dimension) bool { return a.name == b.name }) {
		return fmt.Errorf("dataset: summary: one by (%s) and one by (%s) do not add up; summarise the records anew by the same dimensions", join(s.By()), join(o.By()))
	}
	s.flush()
	o.flush()
	s.share(o)
	into := make([]int32, len(o.blends)) // and 1
	for _, from := range o.groups {
		t := s.groups[from.key]
		if t == nil {
			t = s.group(from.texts)
		}
		t.mergeRuns(from)
		t.mergeRows(from)
		for i := range from.cells {
			c := &from.cells[i]
			k := into[c.blend]
			if k == 0 {
				k = s.adopt(o, o.blends[c.blend].blend) + 1
				into[c.blend] = k
			}
			s.mergeCell(t, i, k-1, c)
		}
	}
	s.mergeOthers(o)
	s.total.mergeRuns(o.total)
	if len(s.groups) > 2*s.limits.groups || s.cells > 2*s.limits.cells {
		s.prune()
	}
	return nil
}

// mergeOthers adds what o did not keep apart.
func (s *Summary) mergeOthers(o *Summary) {
	if o.others != nil {
		if s.others == nil {
			s.others = &tally{}
		}
		s.others.mergeRuns(o.others)
		s.others.mergeRows(o.others)
	}
}

// mergeCell adds a cell to that of its blend, which is often at the same place.
func (s *Summary) mergeCell(t *tally, at int, blend int32, from *sumCell) {
	var c *sumCell
	if at < len(t.cells) && t.cells[at].blend == blend {
		c = &t.cells[at]
	} else {
		var fresh bool
		if c, fresh = t.cell(blend); fresh {
			s.cells++
		}
	}
	c.runs += from.runs
	for i := range from.sums {
		c.sums[i].merge(&from.sums[i])
	}
}
