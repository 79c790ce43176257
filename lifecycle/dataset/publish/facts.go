package publish

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// facts are what the data card tells of the records.
type facts struct {
	by map[dataset.Dimension]*dataset.Summary

	first, last time.Time // begins of runs
	spans       int64
	counts      map[string]counts // by what is counted
}

// counts are how often something occurs.
type counts map[string]int64

// dimensions are what the card groups by.
var dimensions = []dataset.Dimension{"phase", "kind", "country", "class", "method"}

func newFacts() (*facts, error) {
	f := &facts{by: map[dataset.Dimension]*dataset.Summary{}, counts: map[string]counts{}}
	for _, d := range dimensions {
		s, err := dataset.NewSummary(d)
		if err != nil {
			return nil, err
		}
		f.by[d] = s
	}
	return f, nil
}

// maxCounted bounds the different things of one kind that are counted apart.
const maxCounted = 10_000

func (f *facts) count(what, value string) {
	c := f.counts[what]
	if c == nil {
		c = counts{}
		f.counts[what] = c
	}
	if _, there := c[value]; !there && len(c) >= maxCounted {
		value = "(other)"
	}
	c[value]++
}

// add counts a record and its rows.
func (f *facts) add(r *lifecycle.Record, rows []dataset.Row) {
	for _, s := range f.by {
		for i := range rows {
			s.AddRow(&rows[i])
		}
	}
	if t := r.Run.StartedAt; t != nil {
		if f.first.IsZero() || t.Before(f.first) {
			f.first = t.UTC()
		}
		if t.After(f.last) {
			f.last = t.UTC()
		}
	}
	f.spans += int64(len(r.Spans))
	f.count("status", string(r.Run.Status))
	f.count("scope", string(r.Run.Scope))
	f.count("boundary", string(r.Run.Boundary))
	f.count("generator", r.Generator.Name+" "+r.Generator.Version)
	f.count("factors", cmp.Or(r.Generator.FactorsVersion, "not told"))
	f.count("publisher", cmp.Or(r.Publisher.Name, "not told"))
	f.count("licence", cmp.Or(r.Publisher.Licence, "not told"))
	for _, w := range r.Warnings {
		f.count("warning", w.Code)
	}
	seen := map[string]bool{} // a record lacks something once
	for _, m := range r.Missing {
		if at := general(m.Path) + " (" + m.Reason + ")"; !seen[at] {
			seen[at] = true
			f.count("missing", at)
		}
	}
}

// general is a pointer with * for what differs from record to record.
func general(pointer string) string {
	parts := strings.Split(pointer, "/")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" || i == 2 && parts[1] == "extensions" || i == 4 && parts[1] == "spans" && parts[3] == "units" {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// most are the values that occur most, with how often.
func (c counts) most() []string {
	return slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(cmp.Compare(c[b], c[a]), strings.Compare(a, b)) })
}
