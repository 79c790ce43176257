package lifecycle

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/canonical"
)

// node is a JSON object whose members keep their order.
type node []entry

type entry struct {
	key   string
	value any
}

func (n node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(canonical.AppendText(nil, e.key))
		b.WriteByte(':')
		var v bytes.Buffer
		enc := json.NewEncoder(&v)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e.value); err != nil {
			return nil, err
		}
		b.Write(bytes.TrimSpace(v.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (n *node) set(key string, value any) { *n = append(*n, entry{key, value}) }

// generator makes the schema from the Go types, the grammar, and the comments
// of the source.
type generator struct {
	docs map[string]string // of types, and of fields as Type.Field
	defs node
	done map[reflect.Type]bool
}

// generateSchema makes the schema of the record.
func generateSchema(t *testing.T) []byte {
	g := &generator{docs: map[string]string{}, done: map[reflect.Type]bool{}}
	g.read(t, "record.go")
	g.read(t, "usecase.go")
	g.read(t, "../factors/factor.go")
	root := node{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", Schema},
		{"title", "ecotracer record, version 1"},
	}
	root = append(root, g.object(reflect.TypeFor[Record]())...)
	root.set("$defs", g.defs)
	compact, err := root.MarshalJSON()
	require.NoError(t, err)
	return layoutLines(compact)
}

// read collects the comments of a file's types.
func (g *generator) read(t *testing.T, name string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	require.NoError(t, err)
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			ts := spec.(*ast.TypeSpec)
			st, ok := ts.Type.(*ast.StructType)
			if !ok {
				continue
			}
			g.docs[ts.Name.Name] = oneLine(gen.Doc)
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					g.docs[ts.Name.Name+"."+n.Name] = oneLine(f.Comment)
				}
			}
		}
	}
}

// oneLine is the first paragraph of a comment.
func oneLine(c *ast.CommentGroup) string {
	first, _, _ := strings.Cut(c.Text(), "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

func (g *generator) object(t reflect.Type) node {
	l := layouts()[t]
	properties, needed := node{}, []string{}
	var service, device []string // members of one axis
	var serviceNeeded, deviceNeeded []string
	var ranNeeded []string
	for _, f := range l.fields {
		sf := t.FieldByIndex(f.index)
		owner := t
		if len(f.index) > 1 {
			owner = t.FieldByIndex(f.index[:len(f.index)-1]).Type
		}
		s := g.schema(sf.Type, f.member, f.need != optional)
		if doc := g.docs[owner.Name()+"."+sf.Name]; doc != "" {
			s.set("description", doc)
		}
		properties.set(f.name, s)
		must := f.need == required
		switch {
		case f.ran && f.axis == anyStage:
			ranNeeded = append(ranNeeded, f.name)
		case f.axis == serviceStage:
			service = append(service, f.name)
			if must && !f.ran {
				serviceNeeded = append(serviceNeeded, f.name)
			}
		case f.axis == deviceStage:
			device = append(device, f.name)
			if must {
				deviceNeeded = append(deviceNeeded, f.name)
			}
		case must:
			needed = append(needed, f.name)
		}
	}
	n := node{}
	if doc := g.docs[t.Name()]; doc != "" {
		n.set("description", doc)
	}
	n.set("type", "object")
	n.set("properties", properties)
	n.set("required", needed)
	n.set("additionalProperties", false)
	switch t {
	case reflect.TypeFor[RunInfo]():
		n.set("if", node{{"properties", node{{"status", node{{"const", Estimated}}}}}})
		n.set("then", node{{"properties", never(ranNeeded)}})
		n.set("else", node{{"required", ranNeeded}})
	case reflect.TypeFor[PhaseEntry]():
		rows := layouts()[reflect.TypeFor[Usage]()]
		n.set("if", node{{"properties", node{{"stage", node{{"enum", deviceStages()}}}}}})
		n.set("then", onAxis(deviceNeeded, service, rows, deviceStage))
		n.set("else", onAxis(serviceNeeded, device, rows, serviceStage))
	}
	return n
}

// onAxis is what holds for the stages of an axis, their rows included.
func onAxis(needed, foreign []string, rows *layout, a axis) node {
	var rowNeeded, rowForeign []string
	for _, f := range rows.fields {
		switch {
		case f.axis != anyStage && f.axis != a:
			rowForeign = append(rowForeign, f.name)
		case f.axis == a && f.need == required:
			rowNeeded = append(rowNeeded, f.name)
		}
	}
	items := node{{"required", rowNeeded}, {"properties", never(rowForeign)}}
	return node{{"required", needed}, {"properties", append(never(foreign), entry{"usage", node{{"items", items}}})}}
}

func never(names []string) node {
	n := node{}
	for _, name := range names {
		n.set(name, false)
	}
	return n
}

func deviceStages() (names []Stage) {
	for _, s := range stages {
		if s.Device() {
			names = append(names, s)
		}
	}
	return names
}

func (g *generator) schema(t reflect.Type, m member, filled bool) node {
	f := m.form
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem(), m, filled)
	case reflect.Slice:
		return node{{"type", "array"}, {"items", g.schema(t.Elem(), member{form: f}, true)}}
	case reflect.Map:
		n := node{{"type", "object"}, {"propertyNames", textSchema(m.keys, true)}}
		if t.Elem().Kind() != reflect.Interface {
			n.set("additionalProperties", g.schema(t.Elem(), member{form: f}, filled))
		}
		return n
	case reflect.String:
		return textSchema(f, filled)
	case reflect.Bool:
		return node{{"type", "boolean"}}
	case reflect.Struct:
		if t == timeType {
			return node{{"type", "string"}, {"format", "date-time"}, {"pattern", instantText.pattern}}
		}
		if !g.done[t] {
			g.done[t] = true
			at := len(g.defs)
			g.defs.set(t.Name(), nil)
			g.defs[at].value = g.object(t)
		}
		return node{{"$ref", "#/$defs/" + t.Name()}}
	}
	n := node{{"type", "number"}}
	if t.Kind() != reflect.Float64 {
		n = node{{"type", "integer"}}
	}
	switch {
	case f != nil && f.signed:
	case f != nil && f.above:
		n.set("exclusiveMinimum", 0)
	case f != nil:
		n.set("minimum", f.from)
	default:
		n.set("minimum", 0)
	}
	switch {
	case f != nil && f.upTo != 0:
		n.set("maximum", f.upTo)
	case t.Kind() != reflect.Float64:
		n.set("maximum", maxInteger)
	}
	return n
}

func textSchema(f *form, filled bool) node {
	switch {
	case f != nil && len(f.enum) == 1:
		return node{{"const", f.enum[0]}}
	case f != nil && f.enum != nil:
		return node{{"enum", f.enum}}
	}
	n := node{{"type", "string"}}
	if f != nil && f.pattern != "" {
		n.set("pattern", f.pattern)
	} else if filled {
		n.set("minLength", 1)
	}
	n.set("maxLength", maxText) // characters here, bytes for Validate
	return n
}
