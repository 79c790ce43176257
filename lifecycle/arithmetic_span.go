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
	if !near(a.sums.self, a.sums.booked, sumTolerance) {
		a.find("R27", "/spans", number(a.sums.self), number(a.sums.booked), "self_j of all spans sums to spans_j of all ledger lines")
	}
}

// checkTree redoes total_j, children before parents (R27). The accounts that a
// path has in several stages are held to their sum: the record does not tell
// which of them a child was in.
func (a *arithmetic) checkTree() {
	spans := a.record.Spans
	k := kinship(spans)
	// Σ children's total_j, of the account that they seem to be in: as they
	// are, and as they should be, so that a wrong one is told of once.
	under, mended := make([]float64, len(spans)), make([]float64, len(spans))
	accounts := make(map[string][]int, len(spans))
	for i := range spans {
		accounts[spans[i].Path] = append(accounts[spans[i].Path], i)
		if p := k.parent[i]; p >= 0 {
			under[p] += spans[i].TotalJ
			mended[p] += spans[i].TotalJ
		} else if strings.Contains(spans[i].Path, "/") {
			a.find("R27", a.pointer("spans", i, "path"), spans[i].Path, "", "there is no span of the parent's path "+parentPath(spans[i].Path))
		}
	}
	for _, i := range k.deepest {
		all := accounts[spans[i].Path]
		if all[0] != i {
			continue
		}
		var total, want, other float64
		for _, n := range all {
			total += spans[n].TotalJ
			want += spans[n].SelfJ + under[n]
			other += spans[n].SelfJ + mended[n]
		}
		if near(total, want, sumTolerance) || near(total, other, sumTolerance) {
			continue
		}
		if n, wrong := a.unequalSpan(all, under, total-want); wrong && k.parent[n] >= 0 {
			mended[k.parent[n]] -= total - want
		}
	}
}

// unequalSpan tells of a path whose total_j is off by diff, at the account that
// it is most likely to be of, and whether it is total_j that is wrong there.
func (a *arithmetic) unequalSpan(accounts []int, under []float64, diff float64) (account int, total bool) {
	spans := a.record.Spans
	const message = "total_j is self_j and the total_j of the children"
	for _, i := range accounts {
		if a.strangerSelf(&spans[i]) {
			if a.sums.blamed == nil {
				a.sums.blamed = map[Stage]int{}
			}
			a.sums.blamed[spans[i].Stage] = i
			a.find("R27", a.pointer("spans", i, "self_j"), number(spans[i].SelfJ), number(spans[i].SelfJ+diff), message)
			return i, false
		}
	}
	account = accounts[0]
	for _, i := range accounts {
		if !near(spans[i].TotalJ, spans[i].SelfJ+under[i], sumTolerance) {
			account = i
			break
		}
	}
	at := a.pointer("spans", account, "total_j")
	a.find("R27", at, number(spans[account].TotalJ), number(spans[account].TotalJ-diff), message)
	return account, true
}

// strangerSelf reports whether self_j of the span's stage agrees with nothing
// else: then it is self_j that is wrong rather than total_j.
func (a *arithmetic) strangerSelf(s *Span) bool {
	if near(a.sums.self, a.sums.booked, sumTolerance) {
		return false
	}
	i, ok := a.sums.entry.get(s.Stage)
	if !ok || a.record.Phases[i].EnergyJ == nil {
		return true
	}
	return !near(a.record.Phases[i].EnergyJ.Value, a.stageJoules(s.Stage), sumTolerance)
}

// checkDurations holds the times of a span to one another (R28).
func (a *arithmetic) checkDurations(i int) {
	s := &a.record.Spans[i]
	at := a.pointer("spans", i)
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
		switch {
		case near(*short.s, *long.s, sumTolerance):
		case s.Count == 1:
			a.find("R28", at+"/"+long.member, number(*long.s), number(*short.s), "one span has one duration")
		case *short.s > *long.s:
			a.atMost("R28", at+"/"+short.member, *short.s, *long.s, "min ≤ p50 ≤ p95 ≤ p99 ≤ max: it is at most "+long.member)
		}
	}
	if s.Open != nil && *s.Open > 0 {
		return
	}
	if s.Count == 0 {
		for _, used := range []struct {
			member string
			amount float64
		}{{"self_s", s.SelfS}, {"total_s", s.TotalS}, {"self_j", s.SelfJ}} {
			if used.amount > 0 {
				a.find("R28", at+"/"+used.member, number(used.amount), "0", "no span of the path has ended or is open, so none took time or energy")
			}
		}
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
	names := slices.AppendSeq(a.names[:0], maps.Keys(s.Units))
	a.names = names
	slices.Sort(names)
	for _, name := range names {
		u := s.Units[name]
		at := a.pointer("spans", i, "units", name)
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
		if !right && near(*u.GCO2ePerUnit, s.TotalJ/float64(u.Count)*intensity, sumTolerance) {
			continue // it follows from the right j_per_unit
		}
		before := len(a.findings)
		ok := a.equal("R29", at+"/gco2e_per_unit", *u.GCO2ePerUnit, j*intensity, "gco2e_per_unit is j_per_unit × PUE × grid / kWh")
		p := a.places[a.record.Environments[0].ID]
		a.values.note([]term{{Product: product{}.Times(p.pue).Times(p.grid)}}, ok, before)
	}
}
