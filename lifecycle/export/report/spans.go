package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// mostFrames is how many frames the flame graph of a page holds: the costliest
// paths, of however many there are.
const mostFrames = 1000

// frame is a path in the flame graph, or what is beside all paths.
type frame struct {
	name     string
	value    float64 // J, with its children
	stage    int     // in runCharts.Stages
	count    int64
	smaller  int // paths that this frame stands for
	children []*frame
}

// frames are the frames of a flame graph, a parent before its children: by
// columns, which is shorter than a tree.
type frames struct {
	Names   []string  `json:"names"`
	Parents []int     `json:"parents"` // -1: none
	Values  []float64 `json:"values"`  // J
	Stages  []int     `json:"stages"`
	Counts  []int64   `json:"counts"`
	Smaller []int     `json:"smaller"`
}

func (l *frames) add(f *frame, parent int) {
	at := len(l.Names)
	l.Names, l.Parents, l.Values = append(l.Names, f.name), append(l.Parents, parent), append(l.Values, f.value)
	l.Stages, l.Counts, l.Smaller = append(l.Stages, f.stage), append(l.Counts, f.count), append(l.Smaller, f.smaller)
	for _, c := range f.children {
		l.add(c, at)
	}
}

// stage names what frames are of, and the phase that colours them.
type stage struct {
	Stage string `json:"stage"`
	Phase string `json:"phase"`
}

// path is all accounts of one path: it has one for each stage that it was in.
type path struct {
	name     string
	total    float64
	self     float64
	count    int64
	accounts []int
	largest  lifecycle.Stage // of its own joules
	children []*path
	depth    int
	kept     bool
}

// tree makes the paths of a record a tree. The children of each, and the roots,
// are sorted from the costliest on.
func tree(r *lifecycle.Record) (roots, all []*path) {
	byPath := make(map[string]*path, len(r.Spans))
	most := map[*path]float64{}
	for i := range r.Spans {
		s := &r.Spans[i]
		p := byPath[s.Path]
		if p == nil {
			p = &path{name: s.Path, depth: strings.Count(s.Path, "/")}
			byPath[s.Path] = p
			all = append(all, p)
		}
		p.total += s.TotalJ
		p.self += s.SelfJ
		p.count += s.Count
		p.accounts = append(p.accounts, i)
		if p.largest == "" || s.SelfJ > most[p] {
			p.largest, most[p] = s.Stage, s.SelfJ
		}
	}
	for _, p := range all {
		if parent := byPath[p.name[:max(strings.LastIndexByte(p.name, '/'), 0)]]; parent != nil && parent != p {
			parent.children = append(parent.children, p)
		} else {
			roots = append(roots, p)
		}
	}
	for _, list := range [][]*path{roots, all} {
		slices.SortFunc(list, costlier)
	}
	for _, p := range all {
		slices.SortFunc(p.children, costlier)
	}
	return roots, all
}

// costlier orders paths from the costliest on, a parent before its children.
func costlier(a, b *path) int {
	return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.depth, b.depth), cmp.Compare(a.name, b.name))
}

// spans makes the flame graph and the table of the paths.
func (v *run) spans() {
	r := v.record
	roots, all := tree(r)
	v.flame(roots, all)
	if len(all) == 0 {
		v.SpanNotes = append(v.SpanNotes, "No part of the program told what it was doing: there are no spans.")
		return
	}
	t := table{Caption: "Paths of spans, the costliest first within each", Head: head("Path", "#Total", "#Own", "#Share", "#Count", "#Median", "#Per unit", "Notes")}
	energy := r.Totals.EnergyJ.Value
	shown := map[*path]bool{}
	for _, p := range all[:min(len(all), 10*v.rows)] { // closed under parents, which cost as much at least
		shown[p] = true
	}
	var walk func(list []*path, depth int)
	walk = func(list []*path, depth int) {
		for _, p := range list {
			if !shown[p] {
				continue
			}
			for _, i := range p.accounts {
				t.Rows = append(t.Rows, spanRow(r, i, depth, energy, len(p.accounts) > 1))
			}
			walk(p.children, depth+1)
		}
	}
	walk(roots, 0)
	if rest := len(all) - len(shown); rest > 0 {
		t.More = inwords.Plural(rest, "smaller path") + " in the record"
	}
	t.cut(20*v.rows, "account")
	v.Spans = t
}

func spanRow(r *lifecycle.Record, i, depth int, energy float64, several bool) row {
	s := &r.Spans[i]
	at := "/spans/" + strconv.Itoa(i) + "/"
	first := title(name(inwords.Name(s.Path)))
	first.Small, first.Indent = name(string(s.Stage)), min(depth, 12)
	if !several && s.Stage == lifecycle.Unassigned {
		first.Small = "no stage told"
	}
	share := ""
	if energy > 0 {
		share = percent(s.TotalJ / energy)
	}
	median := cell{}
	if s.P50S != nil {
		median = seconds(s.P50S, at+"p50_s")
	}
	var units, notes []string
	for _, u := range slices.Sorted(maps.Keys(s.Units)) {
		if j := s.Units[u].JPerUnit; j != nil && len(units) < 3 {
			units = append(units, amount(*j, inwords.Joules)+" each of "+count(s.Units[u].Count)+" "+name(u))
		}
	}
	if s.Failed > 0 {
		notes = append(notes, count(s.Failed)+" failed")
	}
	if s.Open != nil && *s.Open > 0 {
		notes = append(notes, count(*s.Open)+" still open")
	}
	for _, f := range s.Flags[:min(len(s.Flags), 4)] {
		notes = append(notes, inWords(f))
	}
	return row{Class: "phase-" + phaseClass(s.Stage), Cells: []cell{first,
		number(s.TotalJ, inwords.WattHours, at+"total_j"), number(s.SelfJ, inwords.WattHours, at+"self_j"), text(share),
		{Text: count(s.Count), Exact: strconv.FormatInt(s.Count, 10), At: at + "count"}, median,
		text(strings.Join(units, "; ")), text(strings.Join(notes, ", "))}}
}

// phaseClass is the phase of a stage where that is one that the page knows.
func phaseClass(s lifecycle.Stage) string {
	if p := s.Phase(); p.Valid() {
		return string(p)
	}
	return string(lifecycle.PhaseUnassigned)
}

// flame makes the flame graph: all that the meters told, the run's part of it
// as a tree of paths, the rest as the ledger tells it.
func (v *run) flame(roots, all []*path) {
	numbers := map[lifecycle.Stage]int{}
	stageOf := func(s lifecycle.Stage) int {
		n, ok := numbers[s]
		if !ok {
			n = len(v.charts.Stages)
			numbers[s] = n
			v.charts.Stages = append(v.charts.Stages, stage{name(string(s)), phaseClass(s)})
		}
		return n
	}
	// The costliest: with each its parent, which costs no less.
	kept := min(len(all), mostFrames*v.rows/mostRows)
	for _, p := range all[:kept] {
		p.kept = true
	}
	var below func(list []*path) []*frame
	below = func(list []*path) (children []*frame) {
		rest := frame{}
		for _, p := range list {
			if !p.kept {
				rest.value += p.total
				rest.smaller += size(p)
				continue
			}
			children = append(children, &frame{
				name: shortened(inwords.Name(p.name), 80), value: p.total, stage: stageOf(p.largest), count: p.count, children: below(p.children),
			})
		}
		if rest.smaller > 0 {
			rest.stage = stageOf(lifecycle.Unassigned)
			rest.name = "(" + count(int64(rest.smaller)) + " smaller)"
			children = append(children, &rest)
		}
		return children
	}
	beside := func(f *frame, label string, value float64) {
		if value > 0 {
			f.children = append(f.children, &frame{name: label, value: value, stage: stageOf(lifecycle.Stage(label))})
			f.value += value
		}
	}
	book := sumLedger(v.record)
	run := &frame{name: "this run", stage: stageOf("this run"), children: below(roots)}
	for _, p := range roots {
		run.value += p.total
	}
	beside(run, "no span active", book.unattributed)
	if run.value == 0 {
		return
	}
	root := &frame{name: "all that the meters told", stage: stageOf("all"), value: run.value, children: []*frame{run}}
	beside(root, "other runs", book.otherRuns)
	beside(root, "other programs", book.otherProcesses)
	beside(root, "idle", book.idle)
	v.charts.Flame = &frames{}
	v.charts.Flame.add(root, -1)
	if hidden := len(all) - kept; hidden > 0 {
		v.SpanNotes = append(v.SpanNotes, fmt.Sprintf("Of %s the flame graph shows the costliest %s; “(n smaller)” stands for the rest, with their joules.",
			inwords.Plural(len(all), "path"), count(int64(kept))))
	}
}

// size is the number of paths from one on down.
func size(p *path) int {
	n := 1
	for _, c := range p.children {
		n += size(c)
	}
	return n
}
