package lifecycle

import (
	"reflect"
	"slices"
	"strings"
)

// gaps are the entries of missing by path: what each of them lacks.
type gaps struct {
	whats map[string][]string
	named map[[2]string]bool // answers for a list and a member, so that long lists stay cheap
}

func gapsOf(r *Record) gaps {
	g := gaps{make(map[string][]string, len(r.Missing)), map[[2]string]bool{}}
	for _, m := range r.Missing {
		g.whats[m.Path] = append(g.whats[m.Path], m.What)
	}
	return g
}

// FillMissing lists in missing, as unknown, each member that a record must
// tell or list and does neither: what nobody told the tracer.
func FillMissing(r *Record) {
	c := &checker{record: r, missing: gapsOf(r)}
	w := walker{checker: c, skim: true}
	w.all()
	for _, at := range c.unlisted {
		r.Missing = append(r.Missing, Missing{Path: at, Reason: "unknown"})
	}
}

// excused tells whether missing says why a member is not there: by its path,
// or by the path of a list that it is in, if what names the member. "network
// beyond the node" says nothing about a model.
func (g gaps) excused(pointer string) bool {
	if _, ok := g.whats[pointer]; ok {
		return true
	}
	cut := strings.LastIndexByte(pointer, '/')
	for parent, member := pointer[:cut], pointer[cut+1:]; parent != ""; parent = parent[:strings.LastIndexByte(parent, '/')] {
		whats, ok := g.whats[parent]
		if !ok {
			continue
		}
		key := [2]string{parent, member}
		named, known := g.named[key]
		if !known {
			named = slices.ContainsFunc(whats, func(what string) bool { return what == "" || names(what, member) })
			g.named[key] = named
		}
		if named {
			return true
		}
	}
	return false
}

// names tells whether a text names a member: as it is written, or in words
// without its unit.
func names(what, member string) bool {
	what = strings.ToLower(what)
	words := strings.ReplaceAll(member, "_", " ")
	for _, unit := range []string{" gco2e", " kgsbeq", " bytes", " j", " s", " w", " l"} {
		words = strings.TrimSuffix(words, unit)
	}
	return strings.Contains(what, member) || strings.Contains(what, words)
}

// checkMissing checks that each path of missing is absent while its parent is
// there, or is a list that lacks what it says (R3).
func (c *checker) checkMissing() {
	for i, m := range c.record.Missing {
		at := pointer("missing", i, "path")
		v, there := lookup(c.record, m.Path)
		switch {
		case there == nowhere:
			c.wrong("R3", at, quote(m.Path), "the path of a member that the schema has", "the missing path leads nowhere")
		case there == orphan:
			c.wrong("R3", at, quote(m.Path), "the path of a member whose parent is there", "the parent of what is missing is not there either: name the parent")
		case there == gone:
		case v.Kind() != reflect.Slice:
			c.wrong("R3", at, quote(m.Path), "the path of an absent member", "the member is there, so it is not missing")
		case m.What == "":
			c.wrong("R3", pointer("missing", i, "what"), "nothing", "what the list lacks", "the list is there: say what it lacks")
		}
	}
}
