package lifecycle

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

func TestTheSchemaIsThatOfTheGoTypes(t *testing.T) {
	want := generateSchema(t)
	if *update {
		require.NoError(t, os.WriteFile("schema.json", want, 0o644))
		return
	}
	assert.Equal(t, string(want), string(SchemaJSON()), "run go generate ./lifecycle")
}

// TestSchemaAndGoTypesNameTheSameMembers reads the schema as anybody would,
// without the grammar that it was made from.
func TestSchemaAndGoTypesNameTheSameMembers(t *testing.T) {
	var schema map[string]any
	require.NoError(t, json.Unmarshal(SchemaJSON(), &schema))
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", schema["$schema"])
	defs := schema["$defs"].(map[string]any)
	left := map[string]bool{}
	for name := range defs {
		left[name] = true
	}
	var visit func(t *testing.T, typ reflect.Type, def map[string]any)
	seen := map[reflect.Type]bool{}
	visit = func(t *testing.T, typ reflect.Type, def map[string]any) {
		seen[typ] = true
		properties := def["properties"].(map[string]any)
		var needed []string
		for _, sf := range reflect.VisibleFields(typ) {
			name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
			if name == "" {
				continue
			}
			assert.Contains(t, properties, name, "%s.%s", typ, sf.Name)
			delete(properties, name)
			if options == "" {
				needed = append(needed, name)
			}
			elem := sf.Type
			for elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Slice || elem.Kind() == reflect.Map {
				elem = elem.Elem()
			}
			if elem.Kind() == reflect.Struct && elem != timeType && !seen[elem] {
				require.Contains(t, defs, elem.Name())
				delete(left, elem.Name())
				visit(t, elem, defs[elem.Name()].(map[string]any))
			}
		}
		assert.Empty(t, properties, "members of the schema that %s has not", typ)
		var required []string
		for _, name := range def["required"].([]any) {
			required = append(required, name.(string))
		}
		assert.ElementsMatch(t, needed, required, "members that %s must have, whatever else it has", typ)
		assert.Equal(t, false, def["additionalProperties"], "%s is closed", typ)
	}
	visit(t, reflect.TypeFor[Record](), schema)
	assert.Empty(t, left, "definitions that nothing uses")
}

func TestTheGrammarKnowsTheGoTypesAndNothingElse(t *testing.T) {
	g := grammar()
	for typ, ms := range g {
		inGo := map[string]bool{}
		for i := range typ.NumField() {
			if sf := typ.Field(i); !sf.Anonymous {
				name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
				inGo[name] = true
				m, ok := ms[name]
				require.True(t, ok, "%s.%s is not in the grammar", typ, name)
				always := m.need == required && m.axis == anyStage && !m.ran
				assert.Equal(t, always, options == "", "%s.%s is required exactly if Go always writes it", typ, name)
			}
		}
		for name := range ms {
			assert.True(t, inGo[name], "%s.%s is in the grammar only", typ, name)
		}
	}
}

// TestEveryMemberIsOneOfTheReference compares with the page that the format
// was agreed on, where it is at hand.
func TestEveryMemberIsOneOfTheReference(t *testing.T) {
	page, err := os.ReadFile("../../shared/reference/record-rules.md")
	if err != nil {
		t.Skip("the reference page is not beside this checkout")
	}
	known := regexp.MustCompile(`[a-z0-9_]+`).FindAllString(string(page), -1)
	slices.Sort(known)
	for typ, l := range layouts() {
		for _, f := range l.fields {
			if strings.HasPrefix(f.name, "embodied_") {
				continue // "so for every impact"
			}
			_, ok := slices.BinarySearch(known, f.name)
			assert.True(t, ok, "%s of %s", f.name, typ)
		}
	}
}

// TestThePatternsAreThoseOfECMA keeps out what RE2 reads in another way.
func TestThePatternsAreThoseOfECMA(t *testing.T) {
	for typ, l := range layouts() {
		for _, f := range l.fields {
			for _, form := range []*form{f.form, f.keys} {
				if form == nil || form.pattern == "" {
					continue
				}
				assert.Regexp(t, `^\^.*\$$`, form.pattern, "%s.%s is anchored", typ, f.name)
				assert.NotRegexp(t, `\\|\(\?|\[\[:`, form.pattern, "%s.%s has no class or flag of one dialect", typ, f.name)
			}
		}
	}
}
