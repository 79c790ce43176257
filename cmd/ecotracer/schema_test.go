package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// schema is what `ecotracer schema` prints, compiled by a validator that knows
// nothing of this module.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	r := call("", "schema")
	require.Zero(t, r.code, r.err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(r.out))
	require.NoError(t, err)
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", doc.(map[string]any)["$schema"])
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource(lifecycle.Schema, doc))
	s, err := c.Compile(lifecycle.Schema)
	require.NoError(t, err, "the schema must be a schema")
	return s
}

// document is a record as JSON values that a test can break.
func document(t *testing.T, text []byte) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return doc.(map[string]any)
}

func TestSchemaAcceptsRecords(t *testing.T) {
	s := schema(t)
	assert.NoError(t, s.Validate(document(t, encoded(t, measured(t)))))
	assert.NoError(t, s.Validate(document(t, encoded(t, modelled(t)))))
	if text, err := os.ReadFile("../../../shared/reference/record-example.json"); err == nil {
		assert.NoError(t, s.Validate(document(t, text)), "the reference record")
	}
}

func TestSchemaRefusesWhatIsNoRecord(t *testing.T) {
	s := schema(t)
	at := func(doc any, path ...any) map[string]any {
		for _, p := range path {
			switch p := p.(type) {
			case string:
				doc = doc.(map[string]any)[p]
			case int:
				doc = doc.([]any)[p]
			}
		}
		return doc.(map[string]any)
	}
	for name, breakIt := range map[string]func(doc map[string]any){
		"no schema":              func(d map[string]any) { delete(d, "schema") },
		"another schema":         func(d map[string]any) { d["schema"] = "urn:other" },
		"an unknown member":      func(d map[string]any) { d["colour"] = "green" },
		"a member in other case": func(d map[string]any) { d["Totals"] = d["totals"]; delete(d, "totals") },
		"an unknown one inside":  func(d map[string]any) { at(d, "totals", "energy_j")["mean"] = 3 },
		"null":                   func(d map[string]any) { at(d, "run")["name"] = nil },
		"a text for a number":    func(d map[string]any) { at(d, "run")["duration_s"] = "4000" },
		"a negative energy":      func(d map[string]any) { at(d, "spans", 0)["self_j"] = -1 },
		"half a device":          func(d map[string]any) { at(d, "hardware", 0)["count"] = 0.5 },
		"an unknown status":      func(d map[string]any) { at(d, "run")["status"] = "fine" },
		"an unknown stage":       func(d map[string]any) { at(d, "phases", 0)["stage"] = "training/yoga" },
		"an unknown method":      func(d map[string]any) { at(d, "totals", "energy_j")["method"] = "guessed" },
		"no bound":               func(d map[string]any) { delete(at(d, "totals", "energy_j"), "low") },
		"no UUID":                func(d map[string]any) { at(d, "run")["id"] = "42" },
		"a time without a zone":  func(d map[string]any) { d["created_at"] = "2026-05-04 22:30" },
		"a share above 1":        func(d map[string]any) { at(d, "totals")["measured_share"] = 1.2 },
		"no ledger":              func(d map[string]any) { delete(d, "ledger") },
	} {
		t.Run(name, func(t *testing.T) {
			doc := document(t, encoded(t, measured(t)))
			require.NoError(t, s.Validate(doc))
			breakIt(doc)
			assert.Error(t, s.Validate(doc))
		})
	}
}
