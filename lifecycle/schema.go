package lifecycle

import (
	_ "embed"
	"slices"
)

//go:generate go test . -run TestTheSchemaIsThatOfTheGoTypes -update

//go:embed schema.json
var schemaJSON []byte

// SchemaJSON is the JSON Schema (draft 2020-12) of the record, made from the
// Go types and their grammar. What a schema cannot say, such as sums and
// references, is left to [Validate]. The caller owns the bytes.
func SchemaJSON() []byte { return slices.Clone(schemaJSON) }
