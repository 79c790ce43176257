package lifecycle

import (
	"reflect"
	"strconv"
	"strings"
)

// whereabouts is what a JSON Pointer leads to in a record.
type whereabouts int

const (
	nowhere whereabouts = iota // the schema has no such member, or a list no such entry
	orphan                     // its parent is not there
	gone                       // its parent is there, it is not
	present
)

// lookup follows a JSON Pointer. The value is valid if it is present.
func lookup(r *Record, pointer string) (reflect.Value, whereabouts) {
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return reflect.Value{}, nowhere
	}
	v, there := reflect.ValueOf(r).Elem(), present
	for _, part := range splitPointer(pointer) {
		if there != present {
			there = orphan
		}
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			switch {
			case v.IsNil() && v.Kind() == reflect.Interface:
				return reflect.Value{}, nowhere
			case v.IsNil():
				v = reflect.New(v.Type().Elem()).Elem() // to see whether the schema goes on
			default:
				v = v.Elem()
			}
		}
		switch {
		case v.Kind() == reflect.Struct && v.Type() != timeType:
			l := layouts()[v.Type()]
			i, ok := 0, false
			if l != nil {
				i, ok = l.byName[part]
			}
			if !ok {
				return reflect.Value{}, nowhere
			}
			v = v.FieldByIndex(l.fields[i].index)
			if there == present && absent(v, &l.fields[i]) {
				there = gone
			}
		case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
			elem := v.MapIndex(reflect.ValueOf(part).Convert(v.Type().Key()))
			if !elem.IsValid() {
				elem = reflect.Zero(v.Type().Elem())
				if there == present {
					there = gone
				}
			}
			v = elem
		case v.Kind() == reflect.Slice:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= v.Len() || part != strconv.Itoa(i) {
				return reflect.Value{}, nowhere
			}
			v = v.Index(i)
		default:
			return reflect.Value{}, nowhere
		}
	}
	return v, there
}
