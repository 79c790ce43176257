package lifecycle

import (
	"errors"
	"fmt"
	"math"
	"reflect"
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
}

func (w *walker) here(rule, found, expected, message string) {
	w.wrong(rule, w.at.String(), found, expected, message)
}

// object checks the members of an object that belongs to stages of an axis.
func (w *walker) object(v reflect.Value, a axis) {
	switch entry := v.Addr().Interface().(type) {
	case *PhaseEntry:
		a = anyStage
		if entry.Stage.Valid() {
			a = serviceStage
			if entry.Stage.Device() {
				a = deviceStage
			}
		}
	case *Quantity:
		w.interval(entry.Value, entry.Low, entry.High)
	case *factors.Factor:
		w.interval(entry.Value, entry.Low, entry.High)
	}
	l := layouts()[v.Type()]
	for i := range l.fields {
		f := &l.fields[i]
		fv := v.FieldByIndex(f.index)
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
			w.value(fv, f.member, a)
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
	switch {
	case v.Kind() == reflect.String:
		return v.Len() == 0
	case v.Type() == timeType:
		return v.Interface().(time.Time).IsZero()
	}
	return f.omit && emptyMember(v)
}

func (w *walker) value(v reflect.Value, m member, a axis) {
	switch {
	case v.Kind() == reflect.Pointer:
		w.value(v.Elem(), m, a)
	case v.Type() == timeType:
		if y := v.Interface().(time.Time).UTC().Year(); y < 0 || y > 9999 {
			w.here("R5", strconv.Itoa(y), "a year from 0 to 9999", "RFC 3339 has no such year")
		}
	case v.Kind() == reflect.Struct:
		w.object(v, a)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			w.at.item(i)
			w.value(v.Index(i), m, a)
			w.at.up()
		}
	case v.Kind() == reflect.Map:
		w.mapping(v, m, a)
	case w.skim:
	case v.Kind() == reflect.String:
		w.text(v.String(), m.form)
	case v.CanInt():
		w.integer(v.Int(), m.form)
	case v.CanFloat():
		w.number(v.Float(), m.form)
	}
}

func (w *walker) mapping(v reflect.Value, m member, a axis) {
	if extensions, ok := v.Interface().(map[string]any); ok {
		if !w.skim {
			w.extensions(extensions, m.keys)
		}
		return
	}
	for _, k := range v.MapKeys() {
		w.at.down(k.String())
		w.text(k.String(), m.keys)
		elem := reflect.New(v.Type().Elem()).Elem() // what a map holds has no address
		elem.Set(v.MapIndex(k))
		w.value(elem, m, a)
		w.at.up()
	}
}

// extensions checks what anybody may put there: only that it can be written.
func (w *walker) extensions(extensions map[string]any, keys *form) {
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
