package lifecycle

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checkSpans redoes what each span used with its descendants (R27), the order
// of its durations (R28) and what one of its units cost (R29).
func (a *arithmetic) checkSpans() {
	a.checkTree()
	for i := range a.record.Spans {
		a.checkDurations(i)
		a.checkUnits(i)
	}
	if !near(a.sums.self, a.sums.booked, exactly) {
		a.find("R27", "/spans", number(a.sums.self), number(a.sums.booked), "self_j of all spans sums to spans_j of all ledger lines")
	}
}

// checkTree redoes total_j, children before parents (R27). The accounts that a
// path has in several stages are held to their sum: the record does not tell
// which of them a child was in.
func (a *arithmetic) checkTree() {
	spans := a.record.Spans
	k := kinship(spans)
	self, total, under := map[string]float64{}, map[string]float64{}, map[string]float64{}
	accounts := map[string]int{}
	for i := range spans {
		s := &spans[i]
		self[s.Path] += s.SelfJ
		total[s.Path] += s.TotalJ
		accounts[s.Path]++
		if k.parent[i] >= 0 {
			under[parentPath(s.Path)] += s.TotalJ
		}
	}
	done := make(map[string]bool, len(spans))
	for _, i := range k.deepest {
		s := &spans[i]
		at := pointer("spans", i)
		if k.parent[i] < 0 && strings.Contains(s.Path, "/") {
			a.find("R27", at+"/path", s.Path, "", "there is no span of the parent's path "+parentPath(s.Path))
		}
		if done[s.Path] {
			continue
		}
		done[s.Path] = true
		if want := self[s.Path] + under[s.Path]; !near(total[s.Path], want, exactly) {
			if accounts[s.Path] == 1 && a.strangerSelf(s) {
				a.find("R27", at+"/self_j", number(s.SelfJ), number(s.SelfJ+total[s.Path]-want), "total_j is self_j and the total_j of the children, and self_j is in the stage's energy")
			} else {
				a.find("R27", at+"/total_j", number(total[s.Path]), number(want), "total_j is self_j and the total_j of the children")
			}
		}
	}
}

// strangerSelf reports whether self_j of the span's stage agrees with nothing
// else: then it is self_j that is wrong rather than total_j.
func (a *arithmetic) strangerSelf(s *Span) bool {
	if near(a.sums.self, a.sums.booked, exactly) {
		return false
	}
	for i := range a.record.Phases {
		if p := &a.record.Phases[i]; p.Stage == s.Stage && p.EnergyJ != nil {
			return !near(p.EnergyJ.Value, a.stageJoules(s.Stage), exactly)
		}
	}
	return true
}

// checkDurations holds the times of a span to one another (R28).
func (a *arithmetic) checkDurations(i int) {
	s := &a.record.Spans[i]
	at := pointer("spans", i)
	if s.Failed > s.Count {
		a.find("R28", at+"/failed", strconv.FormatInt(s.Failed, 10), "at most "+strconv.FormatInt(s.Count, 10), "no more spans failed than ended")
	}
	a.atMost("R28", at+"/self_s", s.SelfS, s.TotalS, "the wall share of a path is at most the sum of its durations")
	times := []struct {
		member string
		s      *float64
	}{{"min_s", s.MinS}, {"p50_s", s.P50S}, {"p95_s", s.P95S}, {"p99_s", s.P99S}, {"max_s", s.MaxS}}
	for n := 1; n < len(times); n++ {
		short, long := times[n-1], times[n]
		if short.s == nil || long.s == nil {
			continue
		}
		if s.Count == 1 && !near(*short.s, *long.s, exactly) {
			a.find("R28", at+"/"+long.member, number(*long.s), number(*short.s), "one span has one duration")
		} else {
			a.atMost("R28", at+"/"+short.member, *short.s, *long.s, "min ≤ p50 ≤ p95 ≤ p99 ≤ max: it is at most "+long.member)
		}
	}
	if s.Open != nil && *s.Open > 0 || s.Count <= 0 {
		return
	}
	count := float64(s.Count)
	if s.MinS != nil {
		a.atMost("R28", at+"/min_s", count**s.MinS, s.TotalS, "count × min_s is at most total_s")
	}
	if s.MaxS != nil {
		a.atMost("R28", at+"/total_s", s.TotalS, count**s.MaxS, "total_s is at most count × max_s")
	}
}

// checkUnits redoes what one unit cost (R29).
func (a *arithmetic) checkUnits(i int) {
	s := &a.record.Spans[i]
	if len(s.Units) == 0 {
		return
	}
	intensity, told := a.spanIntensity()
	for _, name := range slices.Sorted(maps.Keys(s.Units)) {
		u := s.Units[name]
		at := pointer("spans", i, "units", name)
		if u.Count <= 0 {
			if u.JPerUnit != nil || u.GCO2ePerUnit != nil {
				a.find("R29", at+"/count", strconv.FormatInt(u.Count, 10), "above 0", "what one unit cost needs units")
			}
			continue
		}
		j := s.TotalJ / float64(u.Count)
		right := true
		if u.JPerUnit != nil {
			right = a.equal("R29", at+"/j_per_unit", *u.JPerUnit, j, "j_per_unit is total_j over the count")
			j = *u.JPerUnit
		}
		if u.GCO2ePerUnit == nil || !told {
			continue
		}
		if !right && near(*u.GCO2ePerUnit, s.TotalJ/float64(u.Count)*intensity, exactly) {
			continue // it follows from the right j_per_unit
		}
		ok := a.equal("R29", at+"/gco2e_per_unit", *u.GCO2ePerUnit, j*intensity, "gco2e_per_unit is j_per_unit × PUE × grid / kWh")
		p := a.places[a.record.Environments[0].ID]
		a.values.note([]term{{product: product{}.times(p.pue).times(p.grid)}}, ok, "R29")
	}
}
