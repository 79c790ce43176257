package lifecycle

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxNamed is how many things the text of a criterion names.
const maxNamed = 6

// some names the first few of a list.
func some(list []string) string {
	if len(list) <= maxNamed+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNamed], ", "), len(list)-maxNamed)
}

// rateCompleteness rates how much of what a record must tell or list as missing it
// tells.
func rateCompleteness(r *Record) Criterion {
	groups := toldOf(r)
	var share float64
	var untold, hardly []string // hardly: of parts that are told to less than half
	told, total := 0, 0
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.total, b.total) }) // where one member weighs most
	for _, g := range groups {
		share += g.share / float64(len(groups))
		told, total = told+g.total-len(g.untold), total+g.total
		untold = append(untold, g.untold...)
		if !atLeast(g.share, g.half) {
			hardly = append(hardly, g.untold...)
		}
	}
	c := Criterion{Name: "completeness", Found: fmt.Sprintf("%d of %d members are told, %s in the mean of the parts of a record", told, total, percentage(share))}
	switch level, next := reached(share, [3]float64{0.5, 0.75, 0.9}); {
	case level < Gold:
		c.Level, c.Lacks = level, fmt.Sprintf("tell %s; untold: %s", percentage(next), some(untold))
	case len(hardly) > 0:
		c.Level, c.Lacks = Silver, "tell half of each part; untold: "+some(hardly)
	default:
		c.Level = Gold
	}
	return c
}

// group is a part of a record: what of it must be told.
type group struct {
	total  int
	untold []string // pointers
	apart  []string // of what does not apply to the technology, which is not in total
	share  float64  // told
	half   float64  // of it, or what counts as that
}

// toldOf tells of each part of a record that must be told how much of it is.
func toldOf(r *Record) (groups []group) {
	t := teller{record: r, inapplicable: map[string]bool{}}
	for _, m := range r.Missing {
		if m.Reason == "not-applicable" && strings.HasPrefix(m.Path, "/technology/") {
			t.inapplicable[m.Path] = true
		}
	}
	v := reflect.ValueOf(r).Elem()
	for _, f := range layouts()[v.Type()].fields {
		t.group = group{half: 0.5}
		t.at.down(f.name)
		if f.name == "technology" {
			t.technology()
		} else {
			t.value(v.FieldByIndex(f.index), anyStage)
			t.group.share = t.toldShare()
		}
		t.at.up()
		if t.group.total > 0 {
			groups = append(groups, t.group)
		}
	}
	return groups
}

// teller counts what is told of one part of a record after the other.
type teller struct {
	record       *Record
	inapplicable map[string]bool
	at           trail
	group        group
}

func (t *teller) toldShare() float64 {
	if t.group.total == 0 {
		return 1
	}
	return 1 - float64(len(t.group.untold))/float64(t.group.total)
}

// technology counts for one half what kind it is, and for the other what its
// main block tells. So a kind that was unknown can only add: it makes members
// due that were not asked for before. At most two thirds of a block may not
// apply, for else a technology of which nothing is told would be told in full.
func (t *teller) technology() {
	tech := &t.record.Technology
	main := map[string]any{"ml": tech.ML, "iot": tech.IoT, "dlt": tech.DLT, "data-pipeline": tech.DataPipeline, "other": tech.Other}[tech.Kind]
	if main == nil { // the kind is unknown
		t.group = group{half: 0.5, total: 1, untold: []string{t.at.with("kind")}}
		return
	}
	t.at.down(strings.ReplaceAll(tech.Kind, "-", "_"))
	t.value(reflect.ValueOf(main), anyStage)
	t.at.up()
	g := &t.group
	if most := 2 * (g.total + len(g.apart)) / 3; len(g.apart) > most {
		g.total += len(g.apart) - most
		g.untold = append(g.untold, g.apart[most:]...)
	}
	g.share, g.half = (1+t.toldShare())/2, 0.75
	g.total++
}

func (t *teller) value(v reflect.Value, a axis) {
	switch {
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			t.value(v.Elem(), a)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			t.at.item(i)
			t.value(v.Index(i), a)
			t.at.up()
		}
	case v.Kind() == reflect.Struct && layouts()[v.Type()] != nil:
		t.object(v, a)
	}
}

func (t *teller) object(v reflect.Value, a axis) {
	if entry, ok := v.Interface().(PhaseEntry); ok {
		if a = serviceStage; entry.Stage.Device() {
			a = deviceStage
		}
	}
	for _, f := range layouts()[v.Type()].fields {
		if f.axis != anyStage && f.axis != a || f.ran && t.record.Run.Status == Estimated {
			continue
		}
		fv := v.FieldByIndex(f.index)
		if f.need == orMissing {
			switch at := t.at.with(f.name); {
			case !absent(fv, &f):
				t.group.total++
			case t.inapplicable[at]:
				t.group.apart = append(t.group.apart, at)
			default:
				t.group.total++
				t.group.untold = append(t.group.untold, at)
			}
		}
		t.at.down(f.name)
		t.value(fv, a)
		t.at.up()
	}
}
