package lifecycle

import (
	"bytes"
	"io"
	"reflect"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/factors"
)

// scanner reads records that have nothing wrong with them, which are nearly
// all, without a token or a text of its own for each value. Where it is in any
// doubt it gives up, and the decoder, which can tell what is wrong and where,
// reads the document instead: what a scanner takes, a decoder takes, and for
// the same record.
//
// While it reads it looks at the form of every value, so that Check need not walk
// the record again: see insight.
//
// What it keeps from one document to the next is bounded: a buffer, texts and
// factors that were met before, and slabs that figures are cut from.
type scanner struct {
	buf  bytes.Buffer
	data []byte
	at   int
	insight
	axis axis // of the phase that it is in

	texts   texts
	known   [knownFactors]knownFactor
	lengths []int // of the last list, by its number

	quantities slab[Quantity]
	numbers    slab[float64]
	counts     slab[int64]
	times      slab[time.Time]
	memory     *memory // nil: each record has its own
}

// maxKept is the largest buffer that is kept for the next document.
const maxKept = 1 << 20

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// read fills the buffer from r, with a byte more than a document may have if
// there is as much.
func (s *scanner) read(r io.Reader) error {
	s.buf.Reset()
	_, err := s.buf.ReadFrom(io.LimitReader(r, maxSize+1))
	s.data, s.at = s.buf.Bytes(), 0
	return err
}

// release hands the scanner to whoever reads next.
func (s *scanner) release() {
	s.forget()
	scanners.Put(s)
}

// forget lets go of the document.
func (s *scanner) forget() {
	s.data = nil
	if s.buf.Cap() > maxKept {
		s.buf = bytes.Buffer{}
	}
}

// record reads the document; ok is false if a decoder has to.
func (s *scanner) record() (r *Record, ok bool) {
	if len(s.data) > maxSize || !utf8.Valid(s.data) {
		return nil, false
	}
	s.insight, s.axis = insight{formed: true}, anyStage
	l := layouts()[reflect.TypeFor[Record]()]
	if s.lengths == nil {
		s.lengths = make([]int, l.rooms)
	}
	if s.memory == nil {
		r = new(Record)
	} else {
		r = s.memory.begin(l.rooms, len(s.data))
		s.quantities.reset(nil)
		s.numbers.reset(nil)
		s.counts.reset(nil)
		s.times.reset(nil)
	}
	s.blank()
	if !s.object(reflect.ValueOf(r).Elem(), l) {
		return nil, false
	}
	s.blank()
	s.formed = s.formed && r.Run.Status != Estimated // which has no times
	return r, s.at == len(s.data) && r.Schema == Schema && r.SchemaRevision <= SchemaRevision
}

// blank passes over white space.
func (s *scanner) blank() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// next passes over white space and tells the byte behind it, 0 at the end.
func (s *scanner) next() byte {
	if s.at < len(s.data) && s.data[s.at] > ' ' {
		return s.data[s.at]
	}
	s.blank()
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

// take passes over c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// more passes over what stands between two members or elements, or over the end
// of the object or list.
func (s *scanner) more(end byte) (more, ok bool) {
	switch s.next() {
	case ',':
		s.at++
		return true, true
	case end:
		s.at++
		return false, true
	}
	return false, false
}

func (s *scanner) object(v reflect.Value, l *layout) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		s.formed = s.formed && l.needed[s.axis] == 0
		return l.required == 0
	}
	var seen uint64
	for i := 0; ; i++ {
		if i = s.member(l, i); i < 0 || seen&(1<<i) != 0 {
			return false
		}
		seen |= 1 << i
		f := &l.fields[i]
		fv := f.of(v)
		if !s.value(fv, f.shape, &f.member) {
			return false
		}
		if l.special == aPhase && i == l.stage {
			s.axis = Stage(fv.String()).axis()
		}
		more, ok := s.more('}')
		if !ok {
			return false
		}
		if !more {
			s.formed = s.formed && seen&l.needed[s.axis] == l.needed[s.axis] && seen&l.foreign[s.axis] == 0
			if l.special == aPhase {
				s.formed = s.formed && s.axis != anyStage
				s.axis = anyStage
			}
			return seen&l.required == l.required
		}
	}
}

// member passes over the name of a member and tells its place in the layout, -1
// if it is none or is written in another way. Members are mostly in the order
// of the layout.
func (s *scanner) member(l *layout, from int) int {
	s.blank()
	rest := s.data[s.at:]
	for range l.fields {
		if from >= len(l.fields) {
			from = 0
		}
		if key := l.fields[from].key; len(rest) >= len(key) && string(rest[:len(key)]) == key {
			s.at += len(key)
			return from
		}
		from++
	}
	return -1
}

// value reads a value into v.
func (s *scanner) value(v reflect.Value, sh *shape, m *member) bool {
	if c := s.next(); sh.kind != reflect.Float64 && c == '-' { // -0 is rare
		return false
	}
	switch sh.kind {
	case reflect.String:
		text, ok := s.text(m.form)
		if !ok || text == "" && m.form != nil && (m.form.enum != nil || m.form.pattern != "") {
			return false
		}
		v.SetString(text)
	case reflect.Float64:
		x, ok := s.number(m.form)
		if !ok {
			return false
		}
		v.SetFloat(x)
	case reflect.Int, reflect.Int64:
		n, ok := s.integer(m.form)
		if !ok || v.OverflowInt(n) {
			return false
		}
		v.SetInt(n)
	case reflect.Bool:
		b, ok := s.bool()
		if !ok {
			return false
		}
		v.SetBool(b)
	case reflect.Pointer:
		return s.pointer(v, sh, m)
	case reflect.Slice:
		return s.list(v, sh, m)
	case reflect.Map:
		return s.mapping(v, sh, m)
	case reflect.Struct:
		return s.structure(v, sh)
	default:
		return false
	}
	return true
}

// pointer reads a value that may be absent. What there is much of is cut from
// slabs.
func (s *scanner) pointer(v reflect.Value, sh *shape, m *member) bool {
	switch sh.elem.special {
	case aQuantity:
		q := s.quantities.one()
		v.Set(reflect.ValueOf(q))
		return s.quantity(q, sh.elem.layout)
	case aNumber:
		x, ok := s.number(m.form)
		p := s.numbers.one()
		*p = x
		v.Set(reflect.ValueOf(p))
		return ok
	case aCount:
		n, ok := s.integer(m.form)
		p := s.counts.one()
		*p = n
		v.Set(reflect.ValueOf(p))
		return ok
	case aTime:
		p := s.times.one()
		v.Set(reflect.ValueOf(p))
		return s.time(p)
	}
	s.newStruct(v, sh)
	return s.value(v.Elem(), sh.elem, m)
}

func (s *scanner) structure(v reflect.Value, sh *shape) bool {
	switch sh.special {
	case aQuantity:
		return s.quantity(v.Addr().Interface().(*Quantity), sh.layout)
	case aTime:
		return s.time(v.Addr().Interface().(*time.Time))
	case aFactor:
		return s.factor(v.Addr().Interface().(*factors.Factor), v, sh.layout)
	}
	return s.object(v, sh.layout)
}

// quantity reads the object that is most of a record, as it is mostly written.
func (s *scanner) quantity(q *Quantity, l *layout) bool {
	start := s.at
	ok := s.pass(`{"value":`)
	if ok {
		q.Value, ok = s.number(nil)
	}
	if ok = ok && s.pass(`,"low":`); ok {
		q.Low, ok = s.number(nil)
	}
	if ok = ok && s.pass(`,"high":`); ok {
		q.High, ok = s.number(nil)
	}
	if ok = ok && s.pass(`,"method":`); ok {
		var method string
		method, ok = s.text(nil)
		q.Method = Method(method)
		ok = ok && method != ""
	}
	if ok = ok && s.pass("}"); !ok {
		s.at = start
		ok = s.object(reflect.ValueOf(q).Elem(), l)
	}
	s.formed = s.formed && q.sound()
	return ok
}

// pass passes over text if it comes next.
func (s *scanner) pass(text string) bool {
	if rest := s.data[s.at:]; len(rest) < len(text) || string(rest[:len(text)]) != text {
		return false
	}
	s.at += len(text)
	return true
}

// maxRoom is the longest list that is made room for before it is read.
const maxRoom = 64

func (s *scanner) list(v reflect.Value, sh *shape, m *member) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		v.Set(reflect.MakeSlice(sh.typ, 0, 0))
		s.lengths[sh.room] = 0
		s.formed = s.formed && m.need == required // else it is as if it were not there
		return true
	}
	kept := s.newList(v, sh)
	ok := s.elements(v, sh, m)
	if kept.IsValid() {
		kept.Set(v)
	}
	return ok
}

// elements reads the rest of a list, of one element at least.
func (s *scanner) elements(v reflect.Value, sh *shape, m *member) bool {
	for n := 0; ; n++ {
		if n == v.Cap() {
			v.Grow(n)
		}
		v.SetLen(n + 1)
		e := v.Index(n)
		if s.memory != nil {
			e.SetZero()
		}
		if !s.value(e, sh.elem, m) {
			return false
		}
		more, ok := s.more(']')
		if !ok {
			return false
		}
		if !more {
			s.lengths[sh.room] = min(n+1, maxRoom)
			return true
		}
	}
}

func (s *scanner) mapping(v reflect.Value, sh *shape, m *member) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		v.Set(reflect.MakeMap(sh.typ))
		return true
	}
	if sh.elem.kind == reflect.Interface {
		extensions, ok := s.extensions(m.keys)
		v.Set(reflect.ValueOf(extensions))
		return ok
	}
	key, elem := s.newMap(v, sh)
	for {
		s.blank()
		name, ok := s.text(m.keys)
		if !ok || !s.take(':') {
			return false
		}
		key.SetString(name)
		if v.MapIndex(key).IsValid() {
			return false
		}
		elem.SetZero()
		if !s.value(elem, sh.elem, m) {
			return false
		}
		v.SetMapIndex(key, elem)
		more, ok := s.more('}')
		if !ok {
			return false
		}
		if !more {
			return true
		}
	}
}

// extensions reads what anybody may have put there. The scanner is behind the
// begin of the object, which is the second level of the record.
func (s *scanner) extensions(keys *form) (map[string]any, bool) {
	m := map[string]any{}
	return m, s.members(keys, 2, m)
}

// members reads the rest of an object of an extension, at a level of the record.
func (s *scanner) members(keys *form, level int, m map[string]any) bool {
	for {
		s.blank()
		name, ok := s.text(keys)
		if !ok || !s.take(':') {
			return false
		}
		if _, twice := m[name]; twice {
			return false
		}
		if m[name], ok = s.any(level); !ok {
			return false
		}
		more, ok := s.more('}')
		if !ok || !more {
			return ok
		}
	}
}

// any reads a value of an extension.
func (s *scanner) any(level int) (any, bool) {
	c := s.next()
	if c == '{' || c == '[' {
		if level++; level > maxDepth {
			return nil, false
		}
		s.at++
	}
	switch c {
	case '{':
		m := map[string]any{}
		return m, s.take('}') || s.members(nil, level, m)
	case '[':
		l := []any{}
		if s.take(']') {
			return l, true
		}
		for {
			x, ok := s.any(level)
			if !ok {
				return nil, false
			}
			l = append(l, x)
			more, ok := s.more(']')
			if !ok || !more {
				return l, ok
			}
		}
	case '"':
		t, ok := s.text(nil)
		return t, ok
	case 't', 'f':
		b, ok := s.bool()
		return b, ok
	}
	x, ok := s.number(anyNumber)
	return x, ok
}

// powers of ten that a float64 holds exactly.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}
