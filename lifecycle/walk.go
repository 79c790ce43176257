package lifecycle

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/factors"
)

// walker checks each value of a record against the grammar.
type walker struct {
	*checker
	at   trail
	skim bool // values are not looked at, only whether they are there
	gaps bool // nor is what must be there whatever missing says
}

// axis is that of the figures of a stage; any if it is none that is known.
func (s Stage) axis() axis {
	switch {
	case !s.Valid():
		return anyStage
	case s.Device():
		return deviceStage
	}
	return serviceStage
}

// all checks the whole record.
func (w *walker) all() {
	v := reflect.ValueOf(w.record).Elem()
	w.object(v, layouts()[v.Type()], anyStage)
}

func (w *walker) here(rule, found, expected, message string) {
	w.wrong(rule, w.at.String(), found, expected, message)
}

// object checks the members of an object that belongs to stages of an axis.
func (w *walker) object(v reflect.Value, l *layout, a axis) {
	switch l.special {
	case aPhase:
		a = v.Addr().Interface().(*PhaseEntry).Stage.axis()
	case aQuantity:
		q := v.Addr().Interface().(*Quantity)
		w.interval(q.Value, q.Low, q.High)
	case aFactor:
		f := v.Addr().Interface().(*factors.Factor)
		w.interval(f.Value, f.Low, f.High)
	}
	for i := range l.fields {
		f := &l.fields[i]
		if w.gaps && !f.gaps {
			continue
		}
		fv := f.of(v)
		there := !absent(fv, f)
		switch {
		case f.axis != anyStage && a == anyStage: // the stage is unknown, and so told
		case f.axis != anyStage && f.axis != a:
			if there {
				w.wrong("R3", w.at.with(f.name), "a value", "no member", "the member does not belong to a stage of "+axisWords[a])
			}
			continue
		case f.ran && w.record.Run.Status == Estimated:
			if there {
				w.wrong("R3", w.at.with(f.name), "a value", "no member", "nothing ran in an estimate, so it has no times")
			}
			continue
		case !there && f.need == required:
			w.wrong("R3", w.at.with(f.name), "nothing", "", "the member is required")
		case !there && f.need == orMissing:
			if at := w.at.with(f.name); !w.missing.excused(at) {
				w.unlisted = append(w.unlisted, at)
				w.wrong("R3", at, "nothing", "", "the member is required, or its path in /missing with the reason")
			}
		}
		if there {
			w.at.down(f.name)
			w.value(fv, f.shape, &f.member, a)
			w.at.up()
		}
	}
}

var axisWords = map[axis]string{
	serviceStage: "the service's life cycle",
	deviceStage:  "the devices' life cycle",
}

// absent tells whether a member is not there. A required text that is empty
// and a time that is zero are not there either.
func absent(v reflect.Value, f *field) bool {
	switch f.shape.kind {
	case reflect.Pointer:
		return f.omit && v.IsNil()
	case reflect.String:
		return v.Len() == 0
	case reflect.Slice, reflect.Map:
		return f.omit && v.Len() == 0
	case reflect.Struct:
		return f.shape.special == aTime && v.Interface().(time.Time).IsZero()
	}
	return false
}

func (w *walker) value(v reflect.Value, sh *shape, m *member, a axis) {
	switch sh.kind {
	case reflect.Pointer:
		if sh.elem.special == aQuantity && v.Interface().(*Quantity).sound() {
			return
		}
		w.value(v.Elem(), sh.elem, m, a)
	case reflect.Struct:
		if sh.special != aTime {
			w.object(v, sh.layout, a)
		} else if y := v.Interface().(time.Time).UTC().Year(); y < 0 || y > 9999 {
			w.here("R5", strconv.Itoa(y), "a year from 0 to 9999", "RFC 3339 has no such year")
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.at.item(i)
			w.value(v.Index(i), sh.elem, m, a)
			w.at.up()
		}
	case reflect.Map:
		w.mapping(v, sh, m, a)
	case reflect.String:
		if !w.skim {
			w.text(v.String(), m.form)
		}
	case reflect.Int, reflect.Int64:
		if !w.skim {
			w.integer(v.Int(), m.form)
		}
	case reflect.Float64:
		if !w.skim {
			w.number(v.Float(), m.form)
		}
	}
}

// sound reports whether there is nothing to tell of a figure's members.
func (q *Quantity) sound() bool {
	return inOrder(q.Value, q.Low, q.High) && slices.Contains(methodNames, q.Method)
}

// inOrder reports whether bounds hold their value, or all three are 0 (R6).
func inOrder(value, low, high float64) bool {
	return low > 0 && low <= value && value <= high && high <= math.MaxFloat64 || value == 0 && low == 0 && high == 0
}

func (w *walker) mapping(v reflect.Value, sh *shape, m *member, a axis) {
	if sh.elem.kind == reflect.Interface {
		if !w.skim {
			w.extensions(v.Interface().(map[string]any), m.keys)
		}
		return
	}
	if v.Len() == 0 {
		return
	}
	key, elem := reflect.New(sh.typ.Key()).Elem(), reflect.New(sh.elem.typ).Elem() // what a map holds has no address
	for entry := v.MapRange(); entry.Next(); {
		key.SetIterKey(entry)
		elem.SetIterValue(entry)
		w.at.down(key.String())
		w.text(key.String(), m.keys)
		w.value(elem, sh.elem, m, a)
		w.at.up()
	}
}

// extensions checks what anybody may put there: only that it can be written.
func (w *walker) extensions(extensions map[string]any, keys *form) {
	if len(extensions) == 0 {
		return
	}
	w.telling = true
	e := encoder{at: append(trail(nil), w.at...)}
	if err := e.value(reflect.ValueOf(extensions)); err != nil {
		var u *unwritable
		if errors.As(err, &u) {
			w.wrong("R1", u.pointer, u.what, "what JSON can hold", "the extension cannot be written")
		}
		w.unsound = true
		return
	}
	for k := range extensions {
		w.at.down(k)
		w.text(k, keys)
		w.at.up()
	}
}

func (w *walker) text(s string, f *form) {
	w.telling = w.telling || f.tells(s)
	switch {
	case len(s) > maxText:
		w.here("R1", fmt.Sprintf("%d bytes", len(s)), fmt.Sprintf("at most %d bytes", maxText), "the text is too long")
	case !utf8.ValidString(s):
		w.here("R1", quote(s), "UTF-8", "the text is not UTF-8")
	case !f.text(s):
		w.here("R5", quote(s), f.words(), "the value is none that the schema knows")
	}
}

func (w *walker) integer(n int64, f *form) {
	switch {
	case n < 0 || n > maxInteger:
		w.here("R1", strconv.FormatInt(n, 10), "a whole number from 0 to 2^53-1", "the number is no count")
		w.unsound = w.unsound || n < 0
	case !f.number(float64(n)):
		w.here("R5", strconv.FormatInt(n, 10), f.words(), "the number is out of its range")
	}
}

func (w *walker) number(x float64, f *form) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		w.here("R1", fmt.Sprint(x), "a finite number", "the number is none that a record can hold")
		w.unsound = true
	case x < 0 && (f == nil || !f.signed):
		w.here("R1", amountWords(x), "a number of at least 0", "the number is negative")
		w.unsound = true
	case !f.number(x):
		w.here("R5", amountWords(x), f.words(), "the number is out of its range")
	}
}

// interval checks the order of a figure's bounds (R6).
func (w *walker) interval(value, low, high float64) {
	switch {
	case !(low <= value):
		w.here("R6", "low "+amountWords(low)+", value "+amountWords(value), "low ≤ value", "the bounds do not hold the value")
	case !(value <= high):
		w.here("R6", "value "+amountWords(value)+", high "+amountWords(high), "value ≤ high", "the bounds do not hold the value")
	case !(low > 0) && (value != 0 || high != 0):
		w.here("R6", "low 0", "low above 0, or all three 0", "a figure above 0 has a lower bound above 0")
	}
}

// amountWords is a number for a finding, as the record writes it.
func amountWords(x float64) string { return string(appendNumber(nil, x)) }
