package scenario

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/spelling"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// decoder turns nodes of YAML into a scenario, field by field, and remembers
// where each was.
type decoder struct {
	file   string
	record func(string) (*lifecycle.Record, error)
	read   map[string]*lifecycle.Record // by name
	at     map[string]*yaml.Node        // by path
	nodes  int
	errs   []*Error
}

func (d *decoder) decode(root *yaml.Node, s *Scenario) {
	d.value(root, reflect.ValueOf(s).Elem(), field{}, "", 0)
}

// field is what the tags of a field say.
type field struct {
	unit string
	per  bool
}

func (d *decoder) wrong(n *yaml.Node, path, format string, args ...any) {
	d.errs = append(d.errs, &Error{d.file, n.Line, n.Column, path, inwords.Visible(fmt.Sprintf(format, args...))})
}

// value decodes a node into a value.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field, path string, depth int) {
	if len(d.errs) > maxErrors {
		return
	}
	d.at[path] = n
	if n = d.plain(n, path, depth); n == nil {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path, depth)
	case reflect.Map:
		d.mapping(n, v, f, path, depth)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.wrong(n, path, "a list is expected here: - …, one a line")
			return
		}
		out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, c := range n.Content {
			d.value(c, out.Index(i), f, join(path, strconv.Itoa(i)), depth+1)
		}
		v.Set(out)
	case reflect.Pointer:
		if in := d.input(n, f, path, depth); in != nil {
			v.Set(reflect.ValueOf(in))
		}
	default:
		d.scalar(n, v, path)
	}
}

// plain follows aliases; nil if there is nothing to decode.
func (d *decoder) plain(n *yaml.Node, path string, depth int) *yaml.Node {
	d.nodes++
	switch {
	case depth > maxDepth:
		d.wrong(n, path, "it is deeper than %d levels", maxDepth)
		return nil
	case d.nodes > maxNodes:
		d.wrong(n, path, "more than %d values, aliases followed", maxNodes)
		return nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil // as if the key were not there
	}
	return n
}

// keys are the keys and values of a mapping, each key once.
func (d *decoder) keys(n *yaml.Node, path string) (pairs [][2]*yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "a mapping is expected here: key: value, one a line")
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch line := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			d.wrong(k, path, "a key must be a plain name")
		case k.ShortTag() == "!!merge":
			d.wrong(k, path, "merge keys (<<) are not taken: write the keys out")
		case line > 0:
			d.wrong(k, join(path, k.Value), "it is there twice: also in line %d", line)
		default:
			seen[k.Value] = max(k.Line, 1)
			pairs = append(pairs, [2]*yaml.Node{k, n.Content[i+1]})
		}
	}
	return pairs
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string, depth int) {
	for _, kv := range d.keys(n, path) {
		i := fieldOf(v.Type(), kv[0].Value)
		if i < 0 {
			d.wrong(kv[0], path, "%s", unknown("key", kv[0].Value, fieldNames(v.Type())))
			continue
		}
		d.value(kv[1], v.Field(i), tagsOf(v.Type().Field(i)), join(path, kv[0].Value), depth+1)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, f field, path string, depth int) {
	out := reflect.MakeMap(v.Type())
	texts := v.Type().Elem().Kind() == reflect.String // of changes, by path
	for _, kv := range d.keys(n, path) {
		if !texts && !isKey(kv[0].Value) {
			d.wrong(kv[0], path, "%q cannot be a name: write small letters, digits and dashes", clipped(kv[0].Value))
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if texts {
			d.at[join(path, kv[0].Value)] = kv[1]
			elem.SetString(d.text(kv[1], join(path, kv[0].Value)))
		} else {
			d.value(kv[1], elem, f, join(path, kv[0].Value), depth+1)
		}
		out.SetMapIndex(reflect.ValueOf(kv[0].Value), elem)
	}
	v.Set(out)
}

// text is a value as it can be read again by With.
func (d *decoder) text(n *yaml.Node, path string) string {
	if n.Kind == yaml.ScalarNode && n.Style == 0 {
		return n.Value
	}
	if !d.bounded(n, 0) {
		d.wrong(n, path, "an alias, or more than %d values or %d levels: write the value out", maxNodes, maxDepth)
		return ""
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		d.wrong(n, path, "it cannot be read: %s", err)
	}
	return strings.TrimSpace(string(text))
}

// bounded tells whether a value is not too large once its aliases are followed.
func (d *decoder) bounded(n *yaml.Node, depth int) bool {
	d.nodes++
	if depth > maxDepth || d.nodes > maxNodes || n.Kind == yaml.AliasNode {
		return false // an alias has nothing to be followed to when it is read again
	}
	return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return !d.bounded(c, depth+1) })
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.wrong(n, path, "a plain value is expected here, no list and no mapping")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		if n.Value != "true" && n.Value != "false" {
			d.wrong(n, path, "%q: write true or false", clipped(n.Value))
		}
		v.SetBool(n.Value == "true")
	case reflect.Int:
		x, err := strconv.Atoi(n.Value)
		if err != nil || x < 0 || x > 1e6 {
			d.wrong(n, path, "%q: write a whole number", clipped(n.Value))
		}
		v.SetInt(int64(x))
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || !(x >= 0) || math.IsInf(x, 0) {
			d.wrong(n, path, "%q: write a number from 0 on", clipped(n.Value))
		}
		v.SetFloat(x)
	}
}

// input decodes a figure: of all years, by year, or taken from elsewhere.
func (d *decoder) input(n *yaml.Node, f field, path string, depth int) *Input {
	if n.Kind == yaml.ScalarNode {
		in, err := quantity(n.Value, f.unit, f.per)
		if err != nil {
			d.wrong(n, path, "%s", err)
			return nil
		}
		return in
	}
	pairs := d.keys(n, path)
	if len(pairs) == 0 {
		if n.Kind == yaml.MappingNode {
			d.wrong(n, path, "it is empty: write %s", dimensions[f.unit].what)
		}
		return nil
	}
	if isYear(pairs[0][0].Value) {
		return d.byYear(pairs, f, path, depth)
	}
	var t taken
	d.structure(n, reflect.ValueOf(&t).Elem(), path, depth)
	if len(d.errs) > 0 {
		return nil
	}
	in, err := t.input(f, d.open)
	if err != nil {
		d.wrong(n, path, "%s", err)
		return nil
	}
	return in
}

func (d *decoder) byYear(pairs [][2]*yaml.Node, f field, path string, depth int) *Input {
	var in *Input
	for _, kv := range pairs {
		at := join(path, kv[0].Value)
		if !isYear(kv[0].Value) {
			d.wrong(kv[0], at, "%q among years: write years only, such as 2027: …", clipped(kv[0].Value))
			return nil
		}
		v := d.plain(kv[1], at, depth+1)
		if v == nil || v.Kind != yaml.ScalarNode {
			d.wrong(kv[1], at, "write the figure of that year: %s", dimensions[f.unit].what)
			return nil
		}
		one, err := quantity(v.Value, f.unit, f.per)
		if err != nil {
			d.wrong(v, at, "%s", err)
			return nil
		}
		calendar, _ := strconv.Atoi(kv[0].Value)
		if in == nil {
			in = one
			in.Later = append(in.Later, Later{calendar, one.Interval})
			continue
		}
		if one.Per != in.Per {
			d.wrong(v, at, "a figure of another unit than that of the first year")
			return nil
		}
		in.Later = append(in.Later, Later{calendar, one.Interval})
	}
	if err := in.check(f.unit); err != nil {
		d.wrong(pairs[0][0], path, "%s", err)
		return nil
	}
	return in
}

func isYear(text string) bool { return len(text) == 4 && strings.Trim(text, "0123456789") == "" }

// open opens a record, once.
func (d *decoder) open(name string) (*lifecycle.Record, error) {
	if r := d.read[name]; r != nil {
		return r, nil
	}
	if d.record == nil {
		return nil, errors.New("no record can be read here: write the figure")
	}
	if len(d.read) >= 100 {
		return nil, errors.New("more than 100 records")
	}
	r, err := d.record(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.read == nil {
		d.read = map[string]*lifecycle.Record{}
	}
	d.read[name] = r
	return r, nil
}

// fieldOf is the field of a key, -1 if there is none.
func fieldOf(t reflect.Type, key string) int {
	for i := range t.NumField() {
		if key != "" && t.Field(i).Tag.Get("yaml") == key {
			return i
		}
	}
	return -1
}

func fieldNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func tagsOf(f reflect.StructField) field {
	return field{f.Tag.Get("unit"), f.Tag.Get("per") != ""}
}

// unknown says that there is no such thing, and what may have been meant.
func unknown(thing, name string, known []string) string {
	slices.Sort(known)
	best := ""
	for _, k := range known {
		if n := spelling.Distance(name, k); n <= 2 && n < len(name) && (best == "" || n < spelling.Distance(name, best)) {
			best = k
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("there is no %s %q: did you mean %s?", thing, clipped(name), best)
	case len(known) == 0:
		return fmt.Sprintf("there is no %s %q, nor any other", thing, clipped(name))
	}
	return fmt.Sprintf("there is no %s %q: write one of %s", thing, clipped(name), strings.Join(known, ", "))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// isKey tells whether a text may name a place, a device, a service, …
func isKey(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
