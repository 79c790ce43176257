package lifecycle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/internal/canonical"
)

// Encode writes a record as JSON, with a line end. The same record gives the
// same bytes: members are in the order of the Go types, the keys of maps are
// sorted, numbers are the shortest that read back the same, times are in UTC.
// Short objects and lists are on one line.
//
// A figure that JSON cannot hold (NaN, infinite) is an error that names its
// place, and then nothing is written. Encode does not validate: a record that
// is being made can be written as it stands.
func Encode(w io.Writer, r *Record) error { return write(w, r, layoutLines) }

// EncodeLine is as [Encode], with the whole record on one line and without
// white space, for files with a record on each line (JSON Lines).
func EncodeLine(w io.Writer, r *Record) error {
	return write(w, r, func(compact []byte) []byte { return append(compact, '\n') })
}

func write(w io.Writer, r *Record, layout func(compact []byte) []byte) error {
	e := encoder{buf: roomFor(r)}
	if err := e.value(reflect.ValueOf(r).Elem()); err != nil {
		return fmt.Errorf("lifecycle: encode record: %w", err)
	}
	if _, err := w.Write(layout(e.buf)); err != nil {
		return fmt.Errorf("lifecycle: encode record: %w", err)
	}
	return nil
}

// unwritable is a value that JSON cannot hold.
type unwritable struct{ pointer, what string }

func (e *unwritable) Error() string { return e.pointer + ": " + e.what }

// encoder appends a record as JSON without white space.
type encoder struct {
	buf       []byte
	at        trail
	canonical bool // members in the order of RFC 8785
}

// roomFor is an empty buffer that is about as large as a record needs, most of
// which is its paths.
func roomFor(r *Record) []byte { return make([]byte, 0, 16<<10+384*len(r.Spans)) }

func (e *encoder) unwritable(format string, args ...any) error {
	return &unwritable{e.at.String(), fmt.Sprintf(format, args...)}
}

func (e *encoder) value(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		return e.value(v.Elem())
	case reflect.Struct:
		if v.Type() == timeType {
			return e.time(v.Interface().(time.Time))
		}
		return e.object(v)
	case reflect.Map:
		return e.mapping(v)
	case reflect.Slice:
		return e.list(v)
	case reflect.Interface:
		return e.extension(v)
	case reflect.String:
		e.buf = canonical.AppendText(e.buf, v.String())
	case reflect.Bool:
		e.buf = strconv.AppendBool(e.buf, v.Bool())
	case reflect.Float64, reflect.Float32:
		return e.number(v.Float())
	default:
		switch {
		case v.CanInt():
			e.buf = strconv.AppendInt(e.buf, v.Int(), 10)
		case v.CanUint():
			e.buf = strconv.AppendUint(e.buf, v.Uint(), 10)
		default:
			return e.unwritable("JSON has no %s", v.Type())
		}
	}
	return nil
}

func (e *encoder) object(v reflect.Value) error {
	l := layouts()[v.Type()]
	if l == nil {
		return e.foreign(v)
	}
	fields := l.fields
	if e.canonical {
		fields = l.sorted
	}
	e.buf = append(e.buf, '{')
	first := true
	for i := range fields {
		f := &fields[i]
		fv := v.FieldByIndex(f.index)
		if f.omit && emptyMember(fv) {
			continue
		}
		e.separate(&first)
		e.buf = append(e.buf, f.key...)
		e.at.down(f.name)
		if err := e.value(fv); err != nil {
			return err
		}
		e.at.up()
	}
	e.buf = append(e.buf, '}')
	return nil
}

// emptyMember tells whether the value of a member stands for its absence.
func emptyMember(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false
}

func (e *encoder) mapping(v reflect.Value) error {
	if v.Type().Key().Kind() != reflect.String {
		return e.foreign(v)
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		return cmp.Or(compareUTF16(a.String(), b.String()), cmp.Compare(a.String(), b.String()))
	})
	e.buf = append(e.buf, '{')
	first := true
	for _, k := range keys {
		elem := v.MapIndex(k)
		if elem.Kind() == reflect.Interface && elem.IsNil() {
			continue // null is never written: a member without a value is absent
		}
		e.separate(&first)
		e.buf = canonical.AppendText(e.buf, k.String())
		e.buf = append(e.buf, ':')
		e.at.down(k.String())
		if err := e.value(elem); err != nil {
			return err
		}
		e.at.up()
	}
	e.buf = append(e.buf, '}')
	return nil
}

func (e *encoder) list(v reflect.Value) error {
	e.buf = append(e.buf, '[')
	first := true
	for i := range v.Len() {
		e.separate(&first)
		e.at.item(i)
		if err := e.value(v.Index(i)); err != nil {
			return err
		}
		e.at.up()
	}
	e.buf = append(e.buf, ']')
	return nil
}

func (e *encoder) separate(first *bool) {
	if !*first {
		e.buf = append(e.buf, ',')
	}
	*first = false
}

// extension appends a value that a user put under extensions.
func (e *encoder) extension(v reflect.Value) error {
	if v.IsNil() {
		return e.unwritable("a list in an extension holds no value, and null is never written")
	}
	switch v := v.Elem(); v.Kind() {
	case reflect.Map, reflect.Slice:
		if len(e.at) >= maxDepth {
			return e.unwritable("an extension nests deeper than %d levels", maxDepth)
		}
		if v.Type() == reflect.TypeFor[map[string]any]() || v.Type() == reflect.TypeFor[[]any]() {
			return e.value(v)
		}
	case reflect.String, reflect.Bool, reflect.Float64, reflect.Int, reflect.Int64:
		if v.Type() != reflect.TypeFor[json.Number]() {
			return e.value(v)
		}
	}
	return e.foreign(v.Elem())
}

// foreign appends a value of a type that is not the record's, as
// encoding/json has it.
func (e *encoder) foreign(v reflect.Value) error {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return e.unwritable("%v", err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return e.unwritable("%v", err)
	}
	return e.extension(reflect.ValueOf(&plain).Elem())
}

func (e *encoder) time(t time.Time) error {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return e.unwritable("RFC 3339 has no year %d", y)
	}
	e.buf = append(e.buf, '"')
	e.buf = t.AppendFormat(e.buf, time.RFC3339Nano)
	e.buf = append(e.buf, '"')
	return nil
}

func (e *encoder) number(x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return e.unwritable("JSON has no number for %v", x)
	}
	e.buf = appendNumber(e.buf, x)
	return nil
}

// appendNumber writes x as ECMAScript does (ECMA-262, Number::toString), which
// RFC 8785, 3.2.2.3 asks for: the shortest digits that read back as x, with an
// exponent below 1e-6 and from 1e21 on.
func appendNumber(b []byte, x float64) []byte {
	if x == 0 {
		return append(b, '0') // -0 too
	}
	abs := math.Abs(x)
	switch {
	case abs < 1<<53 && x == math.Trunc(x): // the same digits, sooner
		return strconv.AppendInt(b, int64(x), 10)
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, x, 'e', -1, 64)
	if n := len(b); b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') { // e-07 is e-7
		b = append(b[:n-2], b[n-1])
	}
	return b
}
