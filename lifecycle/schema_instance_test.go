package lifecycle

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// judge is a validator of the part of JSON Schema that our schema uses, small
// enough to be seen to be right; it fails on a keyword that it does not know.
// The command's tests ask a full validator as well.
type judge struct {
	t        *testing.T
	defs     map[string]any
	patterns map[string]*regexp.Regexp
}

// accepts tells whether a schema accepts a value.
func (j *judge) accepts(schema, value any) bool {
	if b, ok := schema.(bool); ok {
		return b
	}
	s := schema.(map[string]any)
	for keyword, arg := range s {
		if !j.keyword(s, keyword, arg, value) {
			return false
		}
	}
	return true
}

func (j *judge) keyword(s map[string]any, keyword string, arg, value any) bool {
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	str, isText := value.(string)
	n, isNumber := value.(json.Number)
	switch keyword {
	case "$schema", "$id", "$defs", "title", "description", "format", "then", "else":
		return true
	case "$ref":
		return j.accepts(j.defs[strings.TrimPrefix(arg.(string), "#/$defs/")], value)
	case "type":
		switch arg {
		case "object":
			return isObject
		case "array":
			return isList
		case "string":
			return isText
		case "number":
			return isNumber
		case "integer":
			return isNumber && rational(n).IsInt()
		case "boolean":
			_, ok := value.(bool)
			return ok
		}
		require.Fail(j.t, "unknown type", arg)
	case "const":
		return value == arg
	case "enum":
		return slices.Contains(arg.([]any), value)
	case "pattern":
		if j.patterns[arg.(string)] == nil {
			j.patterns[arg.(string)] = regexp.MustCompile(arg.(string))
		}
		return !isText || j.patterns[arg.(string)].MatchString(str)
	case "minLength":
		return !isText || len([]rune(str)) >= wholeNumber(arg)
	case "maxLength":
		return !isText || len([]rune(str)) <= wholeNumber(arg)
	case "minimum":
		return !isNumber || rational(n).Cmp(rational(arg.(json.Number))) >= 0
	case "exclusiveMinimum":
		return !isNumber || rational(n).Cmp(rational(arg.(json.Number))) > 0
	case "maximum":
		return !isNumber || rational(n).Cmp(rational(arg.(json.Number))) <= 0
	case "items":
		return !slices.ContainsFunc(list, func(v any) bool { return !j.accepts(arg, v) })
	case "required":
		return !isObject || !slices.ContainsFunc(arg.([]any), func(name any) bool { _, ok := object[name.(string)]; return !ok })
	case "properties":
		for name, p := range arg.(map[string]any) {
			if v, ok := object[name]; ok && !j.accepts(p, v) {
				return false
			}
		}
		return true
	case "additionalProperties":
		known, _ := s["properties"].(map[string]any)
		for name, v := range object {
			if _, ok := known[name]; !ok && !j.accepts(arg, v) {
				return false
			}
		}
		return true
	case "propertyNames":
		for name := range object {
			if !j.accepts(arg, name) {
				return false
			}
		}
		return true
	case "if":
		if j.accepts(arg, value) {
			return j.accepts(s["then"], value)
		}
		return j.accepts(s["else"], value)
	}
	require.Fail(j.t, "unknown keyword", keyword)
	return false
}

func wholeNumber(arg any) int {
	n, _ := arg.(json.Number).Int64()
	return int(n)
}

func rational(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic(fmt.Sprint("not a number: ", n))
	}
	return r
}

func newJudge(t *testing.T) (*judge, map[string]any) {
	schema := tree(t, SchemaJSON())
	return &judge{t, schema["$defs"].(map[string]any), map[string]*regexp.Regexp{}}, schema
}

func TestTheSchemaAcceptsValidRecords(t *testing.T) {
	j, schema := newJudge(t)
	for name, doc := range documents(t) {
		assert.True(t, j.accepts(schema, any(tree(t, doc))), name)
	}
	estimate := tree(t, encoded(t, small(t)))
	put(t, estimate, "/run/status", "estimated")
	drop(t, estimate, "/run/started_at")
	drop(t, estimate, "/run/ended_at")
	assert.True(t, j.accepts(schema, any(estimate)), "an estimate has no times")
}

// TestTheSchemaRejectsWhatValidateDoes holds the schema to the mistakes that a
// schema can see.
func TestTheSchemaRejectsWhatValidateDoes(t *testing.T) {
	// What the schema cannot say: it takes another value's sense, or a calendar.
	beyond := []string{
		"no country, and no word about it", "no sector, and no word about it", "no model of a device, and no word about it",
		"no water of a stage, and no word about it", "no total of grams, and no word about it", "no main block",
		"no energy of a row", "no share of a device with embodied factors", "no durations of spans", "no signal of a grid factor",
		"no gwp of grams", "something missing that is there", "something missing that the schema has not",
		"something missing whose parent is", "a list that lacks nothing", "null in an extension", "nesting too deep",
		"a phase that is not the stage's", "a span in a stage of devices", "a country that is none", "a subdivision elsewhere",
		"a trace of zeros", "a date that is none", "a sector by words", "a sector with its letter", "a number beyond floats",
	}
	j, schema := newJudge(t)
	doc := encoded(t, small(t))
	seen := 0
	for _, c := range changes() {
		if c.raw != nil || c.rule != "R1" && c.rule != "R3" && c.rule != "R5" && c.name != "another schema" {
			continue
		}
		root := tree(t, doc)
		c.of(t, root)
		changed := tree(t, untree(t, root))
		if i := slices.Index(beyond, c.name); i >= 0 {
			seen++
			assert.True(t, j.accepts(schema, any(changed)), "the schema sees %q after all: take it off the list", c.name)
			continue
		}
		assert.False(t, j.accepts(schema, any(changed)), "the schema sees %q", c.name)
	}
	assert.Equal(t, len(beyond), seen, "each exception is one of the changes")
}

// TestTheSchemaHoldsEveryMemberToItsName spoils each member by itself.
func TestTheSchemaHoldsEveryMemberToItsName(t *testing.T) {
	j, schema := newJudge(t)
	root := tree(t, encoded(t, small(t)))
	for _, p := range oneOfEachKind(t, root) {
		was := at(t, root, p)
		put(t, root, p, nil)
		assert.False(t, j.accepts(schema, any(root)), "%s: null", p)
		put(t, root, p, was)
	}
}
