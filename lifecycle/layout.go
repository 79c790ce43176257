package lifecycle

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/canonical"
)

// field is one member of an object as Go holds it.
type field struct {
	member
	name  string
	key   string // the name and its colon in JSON
	index []int
	omit  bool // left out when empty
	shape *shape
	words bool // as in shape, with its form
	gaps  bool // as in shape, with its own
}

// of is the member of the object v.
func (f *field) of(v reflect.Value) reflect.Value {
	v = v.Field(f.index[0])
	for _, i := range f.index[1:] {
		v = v.Field(i)
	}
	return v
}

// shape is a Go type, taken apart once.
type shape struct {
	typ    reflect.Type
	kind   reflect.Kind
	elem   *shape  // of a pointer, list or map
	layout *layout // of an object
	room   int     // the number of this list, map or pointer to a struct among all

	special special
	words   bool // there may be texts in it that are of no list: they may tell anything
	gaps    bool // there may be members in it that are absent if /missing says so
}

// special are the types that are so many in a record that they have a way of
// their own.
type special int

const (
	ordinary special = iota
	aQuantity
	aNumber
	aCount
	aTime
	aFactor
	aPhase
)

var specials = map[reflect.Type]special{
	reflect.TypeFor[Quantity]():       aQuantity,
	reflect.TypeFor[float64]():        aNumber,
	reflect.TypeFor[int64]():          aCount,
	timeType:                          aTime,
	reflect.TypeFor[factors.Factor](): aFactor,
	reflect.TypeFor[PhaseEntry]():     aPhase,
}

// layout is an object of the record as Go holds it.
type layout struct {
	fields []field // in the order of the Go type
	sorted []field // in the order of RFC 8785
	byName map[string]int

	special  special
	stage    int       // place of the stage in the fields of a phase
	needed   [3]uint64 // by axis and by place in fields: required there
	foreign  [3]uint64 // likewise: not to be there
	required uint64    // by place in fields: they are there in every document
	rooms    int       // of all layouts
}

var timeType = reflect.TypeFor[time.Time]()

// layouts joins the Go types with the grammar. It panics where the two do not
// agree, which the tests of this package exclude.
var layouts = sync.OnceValue(func() map[reflect.Type]*layout {
	g := grammar()
	for _, ms := range g {
		for _, m := range ms {
			m.form.compile()
			m.keys.compile()
		}
	}
	all, shapes := map[reflect.Type]*layout{}, map[reflect.Type]*shape{}
	rooms := 0
	var visit func(t reflect.Type) *shape
	visit = func(t reflect.Type) *shape {
		if known := shapes[t]; known != nil {
			return known
		}
		sh := &shape{typ: t, kind: t.Kind(), special: specials[t]}
		shapes[t] = sh
		switch sh.kind {
		case reflect.Slice, reflect.Pointer, reflect.Map:
			sh.room = rooms
			rooms++
			sh.elem = visit(t.Elem())
			sh.words, sh.gaps = sh.elem.words || sh.kind == reflect.Map, sh.elem.gaps
			return sh
		case reflect.Struct:
		default:
			sh.words = sh.kind == reflect.String || sh.kind == reflect.Interface
			return sh
		}
		if t == timeType {
			return sh
		}
		l := &layout{byName: map[string]int{}, special: sh.special}
		sh.layout = l
		all[t] = l
		l.add(g, t, nil)
		for i := range l.fields {
			f := &l.fields[i]
			l.byName[f.name] = i
			f.shape = visit(t.FieldByIndex(f.index).Type)
			if !f.omit {
				l.required |= 1 << i
			}
			f.words = f.shape.words && f.form != pointerText && (f.form == nil || f.form.enum == nil)
			sh.words = sh.words || f.words
			f.gaps = f.shape.gaps || f.need == orMissing
			sh.gaps = sh.gaps || f.gaps
			for a := range l.needed {
				switch {
				case f.axis != anyStage && f.axis != axis(a):
					l.foreign[a] |= 1 << i
				case f.need == required:
					l.needed[a] |= 1 << i
				}
			}
			if f.name == "stage" {
				l.stage = i
			}
		}
		l.sorted = slices.SortedFunc(slices.Values(l.fields), func(a, b field) int { return compareUTF16(a.name, b.name) })
		return sh
	}
	visit(reflect.TypeFor[Record]()).layout.rooms = rooms
	return all
})

// add appends the members of t, those of embedded types flattened.
func (l *layout) add(g map[reflect.Type]members, t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clone(index), i)
		if sf.Anonymous {
			l.add(g, sf.Type, at)
			continue
		}
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		m, ok := g[t][name]
		if !ok {
			panic("lifecycle: the grammar lacks " + t.String() + "." + name)
		}
		l.fields = append(l.fields, field{member: m, name: name, key: string(canonical.AppendText(nil, name)) + ":", index: at, omit: options == "omitempty"})
	}
}

// compareUTF16 orders texts by their UTF-16 code units, as RFC 8785, 3.2.3
// does. It differs from the order of Go's strings beyond U+FFFF.
func compareUTF16(a, b string) int {
	if isASCII(a) || isASCII(b) {
		return cmp.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
