package export

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// officialSchemas are those of the standards, which are not part of this
// repository: where they are not, there is no validator.
const officialSchemas = "../../../shared/reference/schemas"

// compiled are validators by the file of their schema.
var compiled sync.Map

// officialSchema is the validator of a schema, with those beside it under the
// addresses by which they refer to one another; nil where they are not here.
func officialSchema(t testing.TB, base string, draft *jsonschema.Draft, file string) func([]byte) error {
	t.Helper()
	file = filepath.Join(officialSchemas, file)
	if _, err := os.Stat(officialSchemas); err != nil {
		return nil
	}
	compile := sync.OnceValues(func() (*jsonschema.Schema, error) {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(draft)
		c.UseRegexpEngine(withoutLookahead)
		var main string
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.json"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				return nil, err
			}
			address := base + filepath.Base(f)
			if m, ok := doc.(map[string]any); ok && base == "" {
				for _, key := range []string{"$id", "id"} {
					if id, ok := m[key].(string); ok {
						address = id
					}
				}
			}
			if err := c.AddResource(address, doc); err != nil {
				return nil, err
			}
			if f == file {
				main = address
			}
		}
		return c.Compile(main)
	})
	v, _ := compiled.LoadOrStore(file, compile)
	s, err := v.(func() (*jsonschema.Schema, error))()
	require.NoError(t, err)
	return func(text []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return s.Validate(doc)
	}
}

func officialBoAmps(t testing.TB) func([]byte) error {
	return officialSchema(t, "", jsonschema.Draft4, "boamps/model/report_schema.json")
}

// officialCycloneDX is that of the version that a document says it is.
func officialCycloneDX(t testing.TB) func([]byte) error {
	const base = "http://cyclonedx.org/schema/"
	v6 := officialSchema(t, base, jsonschema.Draft7, "cyclonedx/schema/bom-1.6.schema.json")
	v7 := officialSchema(t, base, jsonschema.Draft7, "cyclonedx/schema/bom-1.7.schema.json")
	if v6 == nil || v7 == nil {
		return nil
	}
	return func(text []byte) error {
		var doc struct{ SpecVersion string }
		if err := json.Unmarshal(text, &doc); err != nil {
			return err
		}
		if doc.SpecVersion == "1.6" {
			return v6(text)
		}
		return v7(text)
	}
}

func officialSPDX(t testing.TB) func([]byte) error {
	return officialSchema(t, "", jsonschema.Draft2020, "spdx-3.0.1/schema/spdx-json-schema.json")
}

// withoutLookahead compiles patterns, also the one of SPDX that Go's engine
// cannot: text that does not begin with _: and has a colon inside.
func withoutLookahead(pattern string) (jsonschema.Regexp, error) {
	if pattern == `^(?!_:).+:.+` {
		return iri{}, nil
	}
	return regexp.Compile(pattern)
}

type iri struct{}

var colonInside = regexp.MustCompile(`^.+:.+`)

func (iri) MatchString(s string) bool { return colonInside.MatchString(s) && s[:2] != "_:" }
func (iri) String() string            { return `^(?!_:).+:.+` }
