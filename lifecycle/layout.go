package lifecycle

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/ecotracer/ecotracer/internal/canonical"
)

// field is one member of an object as Go holds it.
type field struct {
	member
	name  string
	key   string // the name and its colon in JSON
	index []int
	omit  bool // left out when empty
}

// layout is an object of the record as Go holds it.
type layout struct {
	fields []field // in the order of the Go type
	sorted []field // in the order of RFC 8785
	byName map[string]int
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
	all := map[reflect.Type]*layout{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(t.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if t == timeType || all[t] != nil {
			return
		}
		l := &layout{byName: map[string]int{}}
		all[t] = l
		l.add(g, t, nil)
		l.sorted = slices.SortedFunc(slices.Values(l.fields), func(a, b field) int { return compareUTF16(a.name, b.name) })
		for i, f := range l.fields {
			l.byName[f.name] = i
			visit(t.FieldByIndex(f.index).Type)
		}
	}
	visit(reflect.TypeFor[Record]())
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
