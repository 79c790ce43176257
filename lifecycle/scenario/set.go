package scenario

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// With returns the scenario with some values changed: by path, such as
// devices.gpu.lifetime, each written as in YAML ("6 years"; "" or null takes a
// value away; a mapping replaces a whole entry, or adds one). The scenario itself
// is not changed. The error joins those of type *Error. Of records those
// can be asked that Parse opened.
func (s *Scenario) With(changes map[string]string) (*Scenario, error) {
	c, errs := s.with(changes, nil)
	if len(errs) == 0 {
		errs = compiled(c).errs
	}
	if len(errs) > 0 {
		return nil, joined(errs)
	}
	return c, nil
}

func joined(errs []*Error) error {
	var list []error
	for _, e := range errs {
		list = append(list, e)
	}
	return errors.Join(list...)
}

// with changes a scenario and checks nothing else.
func (s *Scenario) with(changes map[string]string, record func(string) (*lifecycle.Record, error)) (*Scenario, []*Error) {
	c := *s
	var errs []*Error
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		for _, e := range c.set(path, changes[path], record) {
			errs = append(errs, &Error{Path: path, Message: e.Message})
		}
	}
	return &c, errs
}

// set changes one value. Maps are copied before: others may hold them.
func (s *Scenario) set(path, text string, record func(string) (*lifecycle.Record, error)) []*Error {
	d := &decoder{record: record, read: s.records, at: map[string]*yaml.Node{}}
	head, _, _ := strings.Cut(path, ".")
	if !slices.Contains([]string{"start", "years", "per", "places", "devices", "services"}, head) {
		return []*Error{{Message: unknown("such path", path, []string{"places.…", "devices.…", "services.…", "years", "start", "per"})}}
	}
	var doc yaml.Node
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(text) > maxText {
		return []*Error{{Message: "the value is longer than 1 MiB"}}
	}
	if strings.TrimSpace(text) != "" {
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
			return []*Error{{Message: fmt.Sprintf("%q is no YAML value", clipped(text))}}
		}
		node = doc.Content[0]
	}
	d.change(reflect.ValueOf(s).Elem(), strings.Split(path, "."), node, field{}, "")
	return d.errs
}

// change sets what is at the end of a path below a value.
func (d *decoder) change(v reflect.Value, path []string, n *yaml.Node, f field, at string) {
	if len(path) == 0 {
		v.SetZero()
		d.value(n, v, f, at, 0)
		return
	}
	key, at := path[0], join(at, path[0])
	switch v.Kind() {
	case reflect.Struct:
		i := fieldOf(v.Type(), key)
		if i < 0 {
			d.wrong(n, at, "%s", unknown("key", key, fieldNames(v.Type())))
			return
		}
		d.change(v.Field(i), path[1:], n, tagsOf(v.Type().Field(i)), at)
	case reflect.Map:
		copied := reflect.MakeMap(v.Type())
		for it := v.MapRange(); it.Next(); {
			copied.SetMapIndex(it.Key(), it.Value())
		}
		name := reflect.ValueOf(key)
		if len(path) == 1 && n.ShortTag() == "!!null" && n.Kind == yaml.ScalarNode {
			copied.SetMapIndex(name, reflect.Value{})
			v.Set(copied)
			return
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if old := copied.MapIndex(name); old.IsValid() {
			elem.Set(old)
		} else if len(path) > 1 || !isKey(key) {
			var known []string
			for _, k := range copied.MapKeys() {
				known = append(known, k.String())
			}
			d.wrong(n, at, "%s", unknown("entry", key, known))
			return
		}
		d.change(elem, path[1:], n, f, at)
		copied.SetMapIndex(name, elem)
		v.Set(copied)
	default:
		d.wrong(n, at, "there is nothing below it")
	}
}

// fieldAt finds the input at a path, and the unit that it is in; nil if there is
// none.
func (s *Scenario) fieldAt(path string) (*Input, string) {
	v := reflect.ValueOf(s).Elem()
	unit := ""
	for key := range strings.SplitSeq(path, ".") {
		switch v.Kind() {
		case reflect.Struct:
			i := fieldOf(v.Type(), key)
			if i < 0 {
				return nil, ""
			}
			unit = v.Type().Field(i).Tag.Get("unit")
			v = v.Field(i)
		case reflect.Map:
			if v = v.MapIndex(reflect.ValueOf(key)); !v.IsValid() {
				return nil, ""
			}
		default:
			return nil, ""
		}
	}
	in, _ := v.Interface().(*Input)
	return in, unit
}
