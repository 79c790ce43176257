package lifecycle

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// value reads the next value into v.
func (d *decoder) value(v reflect.Value, m member) error {
	t, err := d.token()
	if err != nil {
		return err
	}
	return d.assign(v, m, t)
}

// assign puts the value that begins with t into v, or tells why it cannot and
// passes over it.
func (d *decoder) assign(v reflect.Value, m member, t json.Token) error {
	if len(d.problems) >= maxProblems {
		return errStop
	}
	if t == nil {
		d.wrong("R1", "null", "no member", "null is never written: leave the member out and list it in missing")
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == timeType:
		return d.time(v, t)
	case v.Kind() == reflect.Struct:
		return d.object(v, t)
	case v.Kind() == reflect.Map:
		return d.mapping(v, m, t)
	case v.Kind() == reflect.Slice:
		return d.list(v, m, t)
	case v.Kind() == reflect.Interface:
		x, err := d.any(t)
		if err == nil && x != nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	case v.Kind() == reflect.String:
		if s, ok := t.(string); ok {
			if d.text(s, m.form, maxText) {
				v.SetString(s)
			}
			return nil
		}
		return d.mismatch(t, "a text")
	case v.Kind() == reflect.Bool:
		if b, ok := t.(bool); ok {
			v.SetBool(b)
			return nil
		}
		return d.mismatch(t, "true or false")
	case v.CanInt():
		if n, ok := t.(json.Number); ok {
			d.integer(v, n)
			return nil
		}
		return d.mismatch(t, "a whole number")
	default:
		if n, ok := t.(json.Number); ok {
			d.number(v, m.form, n)
			return nil
		}
		return d.mismatch(t, "a number")
	}
}

// mismatch tells of a value of another type and passes over it.
func (d *decoder) mismatch(t json.Token, expected string) error {
	d.wrong("R1", tokenWords(t), expected, "the member has another type")
	return d.skip(t)
}

// text tells whether s can be kept.
func (d *decoder) text(s string, f *form, limit int) bool {
	if len(s) > limit {
		d.wrong("R1", fmt.Sprintf("%d bytes", len(s)), fmt.Sprintf("at most %d bytes", limit), "the text is too long")
		return false
	}
	if strings.ContainsRune(s, utf8.RuneError) && d.loneSurrogate() {
		d.wrong("R1", "half of a surrogate pair", "UTF-8", "the text is not Unicode")
		return false
	}
	if s == "" && f != nil && (f.enum != nil || f.pattern != "") {
		d.wrong("R5", "an empty text", f.words(), "the member is empty: leave it out if it is unknown")
		return false
	}
	return true
}

// loneSurrogate tells whether the text of the last token escapes half of a
// pair, which encoding/json would replace by U+FFFD.
func (d *decoder) loneSurrogate() bool {
	raw := d.data[d.start:d.dec.InputOffset()]
	for i := 0; i+6 <= len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		if u := hex4(raw[i+2:]); u >= 0xD800 && u < 0xE000 {
			if u >= 0xDC00 || i+12 > len(raw) || raw[i+6] != '\\' || raw[i+7] != 'u' {
				return true
			}
			if low := hex4(raw[i+8:]); low < 0xDC00 || low >= 0xE000 {
				return true
			}
			i += 6
		}
		i += 5
	}
	return false
}

func hex4(b []byte) uint64 {
	u, _ := strconv.ParseUint(string(b[:4]), 16, 32)
	return u
}

func (d *decoder) number(v reflect.Value, f *form, n json.Number) {
	x, err := n.Float64()
	switch {
	case err != nil:
		d.wrong("R1", string(n), "a number that a 64-bit float can hold", "the number is out of range")
	case x < 0 && (f == nil || !f.signed):
		d.wrong("R1", string(n), f.words(), "the number is negative")
	default:
		v.SetFloat(x + 0) // -0 is 0
	}
}

func (d *decoder) integer(v reflect.Value, n json.Number) {
	i, err := n.Int64()
	if err != nil { // 10.0 and 1e3 are whole too
		x, err := n.Float64()
		if err != nil || x != math.Trunc(x) || math.Abs(x) > maxInteger {
			d.wrong("R1", string(n), "a whole number from 0 to 2^53-1", "the number is no count")
			return
		}
		i = int64(x)
	}
	if i < 0 || i > maxInteger || v.OverflowInt(i) {
		d.wrong("R1", string(n), "a whole number from 0 to 2^53-1", "the number is no count")
		return
	}
	v.SetInt(i)
}

func (d *decoder) time(v reflect.Value, t json.Token) error {
	s, ok := t.(string)
	if !ok {
		return d.mismatch(t, instantText.what)
	}
	layouts() // compiles the form
	if !instantText.text(s) {
		d.wrong("R5", quote(s), instantText.what, "the time is not RFC 3339 in UTC")
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return err // the form has parsed it
	}
	v.Set(reflect.ValueOf(at))
	return nil
}

// enter begins an object or a list.
func (d *decoder) enter() error {
	if d.depth++; d.depth > maxDepth {
		return d.tooDeep()
	}
	return nil
}

func (d *decoder) tooDeep() error {
	d.wrong("R1", "a deeper one", fmt.Sprintf("at most %d levels", maxDepth), "objects and lists nest too deep")
	return errStop
}

func (d *decoder) object(v reflect.Value, t json.Token) error {
	if t != json.Delim('{') {
		return d.mismatch(t, "an object")
	}
	if err := d.enter(); err != nil {
		return err
	}
	l := layouts()[v.Type()]
	seen := make([]bool, len(l.fields))
	for {
		name, done, err := d.name()
		if err != nil {
			return err
		}
		if done {
			break
		}
		d.at.down(name)
		i, known := l.byName[name]
		switch {
		case !known:
			err = d.unknown(l, name)
		case seen[i]:
			d.wrong("R1", "a second one", "one", "the member is doubled")
			err = d.pass()
		default:
			seen[i] = true
			err = d.value(v.FieldByIndex(l.fields[i].index), l.fields[i].member)
		}
		if err != nil {
			return err
		}
		d.at.up()
	}
	for i, f := range l.fields {
		if !seen[i] && !f.omit {
			d.problem(nil, "R3", d.at.with(f.name), "nothing", "", "the member is required")
		}
	}
	return nil
}

// name reads the next member's name, or the end of the object.
func (d *decoder) name() (name string, done bool, err error) {
	t, err := d.token()
	if err != nil {
		return "", false, err
	}
	if t == json.Delim('}') {
		d.depth--
		return "", true, nil
	}
	name, ok := t.(string)
	if !ok {
		return "", false, fmt.Errorf("%v is no member's name", t)
	}
	if len(name) > maxText {
		d.wrong("R1", fmt.Sprintf("%d bytes", len(name)), fmt.Sprintf("at most %d bytes", maxText), "a member's name is too long")
		return "", false, errStop
	}
	if strings.ContainsRune(name, utf8.RuneError) && d.loneSurrogate() {
		d.wrong("R1", "half of a surrogate pair", "UTF-8", "a member's name is not Unicode")
		return "", false, errStop
	}
	return name, false, nil
}

// unknown tells of a member that the object does not have.
func (d *decoder) unknown(l *layout, name string) error {
	expected, message := "a member of the schema", "the member is unknown: what is not of the schema belongs under extensions"
	for _, f := range l.fields {
		if strings.EqualFold(f.name, name) {
			expected, message = f.name, "the member is spelt in other case"
			break
		}
	}
	d.wrong("R1", quote(name), expected, message)
	return d.pass()
}

func (d *decoder) mapping(v reflect.Value, m member, t json.Token) error {
	if t != json.Delim('{') {
		return d.mismatch(t, "an object")
	}
	if err := d.enter(); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for {
		name, done, err := d.name()
		if done || err != nil {
			return err
		}
		d.at.down(name)
		key := reflect.ValueOf(name).Convert(v.Type().Key())
		if v.MapIndex(key).IsValid() {
			d.wrong("R1", "a second one", "one", "the member is doubled")
			err = d.pass()
		} else {
			elem := reflect.New(v.Type().Elem()).Elem()
			err = d.value(elem, member{form: m.form})
			v.SetMapIndex(key, elem)
		}
		if err != nil {
			return err
		}
		d.at.up()
	}
}

func (d *decoder) list(v reflect.Value, m member, t json.Token) error {
	if t != json.Delim('[') {
		return d.mismatch(t, "a list")
	}
	if err := d.enter(); err != nil {
		return err
	}
	list := reflect.MakeSlice(v.Type(), 0, 0)
	for i := 0; ; i++ {
		t, err := d.token()
		if err != nil {
			return err
		}
		if t == json.Delim(']') {
			d.depth--
			v.Set(list)
			return nil
		}
		list = reflect.Append(list, reflect.Zero(v.Type().Elem()))
		d.at.item(i)
		if err := d.assign(list.Index(i), member{form: m.form}, t); err != nil {
			return err
		}
		d.at.up()
	}
}

// any reads the value of an extension that begins with t.
func (d *decoder) any(t json.Token) (any, error) {
	if len(d.problems) >= maxProblems {
		return nil, errStop
	}
	switch t := t.(type) {
	case nil:
		d.wrong("R1", "null", "no member", "null is never written: leave the member out")
		return nil, nil
	case json.Number:
		x, err := t.Float64()
		if err != nil {
			d.wrong("R1", string(t), "a number that a 64-bit float can hold", "the number is out of range")
		}
		return x + 0, nil
	case string:
		d.text(t, nil, maxSize)
		return t, nil
	case json.Delim:
		if t == '{' {
			m := map[string]any{}
			return m, d.mapping(reflect.ValueOf(&m).Elem(), member{}, t)
		}
		var l []any
		err := d.list(reflect.ValueOf(&l).Elem(), member{}, t)
		return l, err
	}
	return t, nil // a bool
}

// pass reads over the next value.
func (d *decoder) pass() error {
	t, err := d.token()
	if err != nil {
		return err
	}
	return d.skip(t)
}

// skip reads over the rest of the value that begins with t.
func (d *decoder) skip(t json.Token) error {
	for open := 0; ; {
		switch t {
		case json.Delim('{'), json.Delim('['):
			if d.depth+open >= maxDepth {
				return d.tooDeep()
			}
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		if open == 0 {
			return nil
		}
		var err error
		if t, err = d.token(); err != nil {
			return err
		}
	}
}

// quote is a text for a finding, cut to what a line can hold.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// tokenWords is a token for a finding.
func tokenWords(t json.Token) string {
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return "an object"
		}
		return "a list"
	case string:
		return "the text " + quote(t)
	}
	return fmt.Sprint(t)
}
