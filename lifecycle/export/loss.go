package export

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Loss is a part of a record that a format cannot hold, with all that is below
// it.
type Loss struct {
	Path string `json:"path"` // JSON Pointer into the record, "" for all of it
	// Why is told where it is not that the format has no place for it, such as
	// that figures are rounded. Other losses may then lie below.
	Why string `json:"why,omitempty"`
}

// holding is what of a record a format holds, as a tree of the steps of JSON
// Pointers; "*" stands for each entry of a list or map.
type holding struct {
	all   bool // with all that is below
	below map[string]*holding
}

// hold adds what JSON Pointers lead to.
func (h *holding) hold(pointers ...string) {
	for _, p := range pointers {
		at := h
		for step := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
			if at.below == nil {
				at.below = map[string]*holding{}
			}
			next := at.below[step]
			if next == nil {
				next = &holding{}
				at.below[step] = next
			}
			at = next
		}
		at.all = true
	}
}

// lost lists what of a record is not held, each part as far up as it is lost
// whole, in the order of the record.
func (h *holding) lost(r *lifecycle.Record) []Loss {
	l := lister{members: map[reflect.Type][]member{}}
	l.value(reflect.ValueOf(r).Elem(), []*holding{h})
	return l.losses
}

// lister walks a record in step with what is held of it.
type lister struct {
	at      []byte     // JSON Pointer to where it is
	held    []*holding // what is held on the way there, step by step
	losses  []Loss
	members map[reflect.Type][]member // by type, for a record may have many of one
}

// member is a field of a struct by its name in JSON.
type member struct {
	name                string
	index               []int
	omitEmpty, omitZero bool
}

func (l *lister) membersOf(t reflect.Type) []member {
	members, ok := l.members[t]
	if ok {
		return members
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		members = append(members, member{name, f.Index, strings.Contains(options, "omitempty"), strings.Contains(options, "omitzero")})
	}
	l.members[t] = members
	return members
}

func (l *lister) value(v reflect.Value, held []*holding) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if slices.ContainsFunc(held, func(h *holding) bool { return h.all }) {
		return
	}
	if !slices.ContainsFunc(held, func(h *holding) bool { return len(h.below) > 0 }) {
		l.losses = append(l.losses, Loss{Path: string(l.at)})
		return
	}
	switch {
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for _, m := range l.membersOf(v.Type()) {
			fv := v.FieldByIndex(m.index)
			if m.omitEmpty && empty(fv) || m.omitZero && fv.IsZero() {
				continue
			}
			l.below(append(append(l.at, '/'), m.name...), fv, held)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			l.below(strconv.AppendInt(append(l.at, '/'), int64(i), 10), v.Index(i), held)
		}
	case v.Kind() == reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			l.below(append(append(l.at, '/'), escape(k.String())...), v.MapIndex(k), held)
		}
	}
}

// below goes on to a member or an entry, which is at a step from here.
func (l *lister) below(at []byte, v reflect.Value, held []*holding) {
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return
	}
	here, known := len(l.at), len(l.held)
	step := at[here+1:]
	for _, h := range held {
		if n := h.below[string(step)]; n != nil {
			l.held = append(l.held, n)
		}
		if n := h.below["*"]; n != nil {
			l.held = append(l.held, n)
		}
	}
	l.at = at
	l.value(v, l.held[known:])
	l.at, l.held = l.at[:here], l.held[:known]
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// escape makes a key a step of a JSON Pointer.
func escape(key string) string { return pointerEscaper.Replace(key) }
