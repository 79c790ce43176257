package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// branch is a domain and what lies within it, or is left out for it.
type branch struct {
	diagnosedDomain
	parts []*branch
}

// treeOf is the tree of domains. Its root is the node, with a domain of its own
// only if that is counted.
func treeOf(domains []diagnosedDomain) *branch {
	root := &branch{}
	all := make([]*branch, len(domains))
	byID := map[string]*branch{}
	for i, d := range domains {
		all[i] = &branch{diagnosedDomain: d}
		if d.ID == nodeID && d.Decision == counted {
			root.diagnosedDomain = d
			all[i] = root
		}
		if byID[d.ID] == nil {
			byID[d.ID] = all[i]
		}
	}
	byID[nodeID] = root
	root.ID = nodeID
	up := map[*branch]*branch{}
	for _, b := range all {
		if b == root {
			continue
		}
		in := byID[cmp.Or(b.Within, b.By)]
		if b.Decision == "mirrored" {
			in = byID[b.By]
		}
		for o := in; o != nil; o = up[o] {
			if o == b { // a circle
				in = nil
			}
		}
		if in == nil || b.Kind == lifecycle.KindNode {
			in = root
		}
		up[b] = in
		in.parts = append(in.parts, b)
	}
	for _, b := range append(all, root) {
		slices.SortStableFunc(b.parts, byKind)
	}
	return root
}

// nodeID is the domain of the whole machine.
const nodeID = "node0"

// byKind orders domains as people list them: processors, their memory, cards,
// the rest; and what is counted before what is not.
func byKind(a, b *branch) int {
	rank := func(d *branch) int {
		kinds := []lifecycle.HardwareKind{lifecycle.KindCPU, lifecycle.KindMemory, lifecycle.KindGPU}
		if i := slices.Index(kinds, d.Kind); i >= 0 {
			return i
		}
		if d.Kind != lifecycle.KindNode {
			return len(kinds)
		}
		if d.Decision == counted {
			return len(kinds) + 1
		}
		return len(kinds) + 2
	}
	left := func(d *branch) int {
		if d.Decision == counted {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(left(a), left(b)), byNumber(a.ID, b.ID))
}

// list is the tree, each domain before what lies within it, without a root that
// is no domain.
func (b *branch) list() []diagnosedDomain {
	var out []diagnosedDomain
	if b.Decision != "" {
		out = append(out, b.diagnosedDomain)
	}
	for _, p := range b.parts {
		out = append(out, p.list()...)
	}
	return out
}

// treeLine is a domain as it is written: with the lines that lead to it, and
// those that go on below it.
type treeLine struct {
	*branch
	lead, below string
}

func (b *branch) lines(lead, below string) []treeLine {
	out := []treeLine{{b, lead, below}}
	if len(b.parts) > 0 {
		out[0].below += "│"
	}
	for i, p := range b.parts {
		if i == len(b.parts)-1 {
			out = append(out, p.lines(below+"└─ ", below+"   ")...)
		} else {
			out = append(out, p.lines(below+"├─ ", below+"│  ")...)
		}
	}
	return out
}

// treeRow is the columns of a line.
type treeRow [5]string

func (l treeLine) row() treeRow {
	return treeRow{l.lead + inwords.Visible(l.ID), l.decision(), inwords.Visible(l.origin()), l.relError(), l.idle()}
}

// widths are those that hold the row too.
func (r treeRow) widths(w [len(treeRow{})]int) [len(treeRow{})]int {
	for k, text := range r {
		w[k] = max(w[k], utf8.RuneCountInString(text))
	}
	return w
}

// text is the row in columns, the figures to the right, the decision painted.
func (r treeRow) text(widths [len(treeRow{})]int, paint func(string) string) string {
	var b strings.Builder
	for k, text := range r {
		text = cut(text, widths[k])
		pad := strings.Repeat(" ", widths[k]-utf8.RuneCountInString(text))
		switch {
		case k >= 3:
			text = pad + text
		case k == 1:
			text = paint(text) + pad
		default:
			text += pad
		}
		b.WriteString("  " + text)
	}
	return strings.TrimRight(b.String(), " ")
}

// tree draws the domains. Said are the ways to mend that are told elsewhere.
func (p *page) tree(root *branch, said map[string]bool) {
	lines := root.lines("", "")
	head := treeRow{"domain", "is", "told by", "error", "idle"}
	widths := head.widths([len(head)]int{})
	for _, l := range lines {
		widths = l.row().widths(widths)
	}
	room := p.tableWidth() - 2*len(widths)
	for k, w := range widths {
		if k != 2 {
			room -= w
		}
	}
	widths[2] = min(widths[2], max(room, 8))
	p.line("%s", p.dim(head.text(widths, inwords.Visible)))
	for _, l := range lines {
		p.line("%s", l.row().text(widths, l.paint(p.style)))
		indent := "  " + l.below + "    "
		if strings.HasSuffix(l.below, "│") {
			indent = "  " + l.below + "   "
		}
		for _, note := range l.notes(said) {
			p.flow(indent, " ", pieces(inwords.Visible(note)), p.dim)
		}
	}
}

// decision is what becomes of a domain, in a word.
func (b *branch) decision() string {
	if b.Decision == counted && b.Method == lifecycle.Modelled {
		return "modelled"
	}
	return b.Decision
}

func (b *branch) paint(s style) func(string) string {
	switch b.decision() {
	case "modelled":
		return s.yellow
	case counted:
		return s.green
	case "unreadable":
		return s.red
	}
	return s.dim
}

// origin is what tells a domain: its meter, the sensor behind that, the way and
// the name that it has there, each unless it is said already.
func (b *branch) origin() string {
	words := []string{b.Meter}
	for _, w := range []string{b.Sensor, b.Mode, b.Name} {
		said := w == b.ID || slices.Contains(words, w) || slices.Contains(strings.Split(b.ID, "/"), w)
		if w != "" && !said && (w != "rapl" || b.Mode != b.Meter) { // perf and powercap tell nothing else
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

func (b *branch) relError() string {
	switch {
	case b.Decision != counted:
		return ""
	case b.RelError > 0.2: // then no longer about the same up and down
		return "×/÷ " + inwords.Trimmed(1+b.RelError)
	}
	return "±" + inwords.Percent(b.RelError)
}

func (b *branch) idle() string {
	if b.Decision != counted || b.IdleW == nil {
		return ""
	}
	return inwords.Amount(*b.IdleW, inwords.Watts)
}

// notes are the reasons, and what a program must do or what would mend it where
// that is not said yet.
func (b *branch) notes(said map[string]bool) []string {
	var notes []string
	switch {
	case b.Decision == "" && slices.ContainsFunc(b.parts, func(p *branch) bool {
		return p.Kind == lifecycle.KindNode && p.Decision == counted && p.Method != lifecycle.Modelled
	}):
		notes = append(notes, "measured as a whole: what its parts do not tell is its rest")
	case b.Decision == "":
		notes = append(notes, "not measured as a whole: it is what its parts come to")
	case b.Why != "":
		notes = append(notes, b.Why)
	}
	if line := "import _ \"github.com/ecotracer/ecotracer/tracer/meter/nvml\""; b.Meter == "nvml" && b.Decision == counted && !said[line] {
		said[line] = true
		notes = append(notes, "a Go program counts it by: "+line)
	}
	if b.Fix != "" && !said[b.Fix] {
		notes = append(notes, fmt.Sprint("to mend it: ", b.Fix))
	}
	return notes
}
