package lifecycle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/canonical"
)

// filled is a record with every member there is, of no meaning.
func filled() *Record {
	n := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Struct:
			if v.Type() == timeType {
				v.Set(reflect.ValueOf(time.Unix(1e9+int64(n), int64(n)*1000).UTC()))
				return
			}
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0))
			fill(v.Index(1))
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			for _, k := range []string{"b/~", "a\u2028", "\U0001f331", "\uffff"} {
				elem := reflect.New(v.Type().Elem()).Elem()
				fill(elem)
				v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), elem)
			}
		case reflect.Interface:
			v.Set(reflect.ValueOf(map[string]any{"list": []any{1.5, "x", true, map[string]any{}}}))
		case reflect.String:
			v.SetString(fmt.Sprintf("text <%d> & \"\\\u0001\u2028é", n))
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Float64:
			v.SetFloat(float64(n) * 1.1e-7)
		default:
			v.SetInt(int64(n))
		}
	}
	r := new(Record)
	fill(reflect.ValueOf(r).Elem())
	r.Schema, r.SchemaRevision = Schema, SchemaRevision
	return r
}

// TestEveryMemberComesBackAsItWasWritten uses encoding/json as a witness that
// Encode writes what the tags of the Go types say.
func TestEveryMemberComesBackAsItWasWritten(t *testing.T) {
	r := filled()
	doc := encoded(t, r)

	var witness Record
	require.NoError(t, json.Unmarshal(doc, &witness))
	assert.Equal(t, r, &witness)

	plain, err := json.Marshal(r)
	require.NoError(t, err)
	assert.JSONEq(t, string(plain), string(doc))
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, doc))
	var line bytes.Buffer
	require.NoError(t, EncodeLine(&line, r))
	assert.Equal(t, compact.String()+"\n", line.String())
	assert.Equal(t, strings.Count(string(plain), `":`), strings.Count(compact.String(), `":`))

	for _, escape := range []string{`\u003c`, `\u0026`, `\u2028`} {
		assert.NotContains(t, string(doc), escape, "only what JSON must escape is escaped")
	}
}

func TestFilledRecordDecodes(t *testing.T) {
	r := small(t)
	doc := encoded(t, r)
	again, err := Decode(bytes.NewReader(doc))
	require.NoError(t, err)
	assert.Equal(t, r, again)
}

func TestAnEmptyRecordIsWrittenWithoutNull(t *testing.T) {
	doc := string(encoded(t, &Record{Phases: []PhaseEntry{{Profile: []Profile{{}}}}}))
	assert.NotContains(t, doc, "null")
	for _, want := range []string{`"spans": []`, `"missing": []`, `"extensions": {}`, `"by_phase": {}`, `"usage": []`, `"energy_j": []`} {
		assert.Contains(t, doc, want)
	}
	for _, f := range Validate(&Record{}) {
		assert.NotEmpty(t, f.Message, "an empty record has findings and does no harm")
	}
}

func TestWhatJSONCannotHoldIsAnErrorWithItsPlace(t *testing.T) {
	for place, spoil := range map[string]func(*Record){
		"/phases/2/usage/1/energy_j/high": func(r *Record) { r.Phases[2].Usage[1].EnergyJ.High = math.NaN() },
		"/totals/by_phase/training/gco2e/value": func(r *Record) {
			r.Totals.ByPhase[PhaseTraining].GCO2e.Value = math.Inf(1)
		},
		"/run/other_runs_s":               func(r *Record) { r.Run.OtherRunsS = to(math.Inf(-1)) },
		"/created_at":                     func(r *Record) { r.CreatedAt = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) },
		"/extensions/org.example.test":    func(r *Record) { r.Extensions["org.example.test"] = func() {} },
		"/extensions/org.example.test/1":  func(r *Record) { r.Extensions["org.example.test"] = []any{1, nil} },
		"/extensions/org.example.test/~1": func(r *Record) { r.Extensions["org.example.test"] = map[string]any{"/": math.NaN()} },
	} {
		r := small(t)
		spoil(r)
		var b bytes.Buffer
		assert.ErrorContains(t, Encode(&b, r), place+":")
		assert.Zero(t, b.Len(), "nothing is written of it")
		_, err := r.Canonical()
		assert.ErrorContains(t, err, place+":")
		findings := Validate(r)
		if place == "/created_at" {
			assertHas(t, findings, "R5", place)
		} else {
			assertHas(t, findings, "R1", place)
		}
	}
}

func TestEncodeHandsOnTheErrorOfItsWriter(t *testing.T) {
	full := errors.New("disk full")
	r, w := io.Pipe()
	require.NoError(t, r.CloseWithError(full))
	assert.ErrorIs(t, Encode(w, small(t)), full)
}

func TestTimesAreWrittenInUTC(t *testing.T) {
	r := small(t)
	r.CreatedAt = time.Date(2026, 7, 1, 12, 0, 0, 120_000_000, time.FixedZone("", 7200))
	assert.Contains(t, string(encoded(t, r)), `"created_at": "2026-07-01T10:00:00.12Z"`)
}

func TestExtensionsTakeWhatGoHolds(t *testing.T) {
	r := small(t)
	type mine struct {
		A int     `json:"a"`
		B []int   `json:"b"`
		C *string `json:"c"`
	}
	r.Extensions = map[string]any{
		"org.example.typed": mine{A: 1, B: []int{2}}, "org.example.ints": map[string]int{"x": 3}, "org.example.raw": json.RawMessage(`{"y":4}`),
		"org.example.none": nil, "org.example.number": json.Number("1e2"),
	}
	again, err := Decode(bytes.NewReader(encoded(t, r)))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"org.example.typed": map[string]any{"a": 1.0, "b": []any{2.0}}, "org.example.ints": map[string]any{"x": 3.0},
		"org.example.raw": map[string]any{"y": 4.0}, "org.example.number": 100.0,
	}, again.Extensions, "null is an absent member")
}

// Numbers of RFC 8785, appendix B.
func TestNumbersAreWrittenAsECMAScriptDoes(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0",
		0x8000000000000000: "0",
		0x0000000000000001: "5e-324",
		0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308",
		0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992",
		0xc340000000000000: "-9007199254740992",
		0x4430000000000000: "295147905179352830000",
		0x44b52d02c7e14af5: "9.999999999999997e+22",
		0x44b52d02c7e14af6: "1e+23",
		0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000",
		0x444b1ae4d6e2ef4f: "999999999999999900000",
		0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7",
		0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332",
		0x41b3de4355555554: "333333333.33333325",
		0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334",
		0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333",
		0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		assert.Equal(t, want, string(appendNumber(nil, math.Float64frombits(bits))), "%016x", bits)
	}
}

// The texts and keys of RFC 8785, 3.2.2 and 3.2.3.
func TestTextsAndKeysAreInTheCanonicalForm(t *testing.T) {
	assert.Equal(t, `"€$\u000f\nA'B\"\\\\\"/"`, string(canonical.AppendText(nil, "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f")))
	assert.Equal(t, "\"\\b\\t\\f\\r\\u001f\u007f\u2028\ufffd\"", string(canonical.AppendText(nil, "\b\t\f\r\x1f\x7f\u2028\xff")))

	e := encoder{canonical: true}
	require.NoError(t, e.value(reflect.ValueOf(map[string]any{
		"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
		"\U0001f600": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
	})))
	want := "7b225c72223a2243617272696167652052657475726e222c2231223a224f6e65222c22c280223a22436f6e74726f6c222c22c3b6223a224c6174696e20536d616c6c204c6574746572204f20576974682044696165726573697322" +
		"2c22e282ac223a224575726f205369676e222c22f09f9880223a22456d6f6a693a204772696e6e696e672046616365222c22efacb3223a22486562726577204c65747465722044616c6574205769746820446167657368227d"
	assert.Equal(t, want, hex.EncodeToString(e.buf))
}

func TestTheDigestIsThatOfWhatTheRecordSays(t *testing.T) {
	r := small(t)
	sum, err := r.SHA256()
	require.NoError(t, err)
	canonical, err := r.Canonical()
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(canonical, []byte(`{"created_at":"2026-05-04T06:16:41Z","environments":[{"country":"IS"`)), "members in the order of their names: %s", canonical[:120])
	assert.NotContains(t, string(canonical), ": ", "and no white space")

	require.NoError(t, r.Seal())
	assert.Equal(t, sum, r.Integrity.SHA256)
	sealed, err := r.SHA256()
	require.NoError(t, err)
	assert.Equal(t, sum, sealed, "the digest is over the record without integrity")
	assert.Empty(t, Validate(r))

	var laidOutElsewhere bytes.Buffer
	require.NoError(t, json.Indent(&laidOutElsewhere, untree(t, tree(t, encoded(t, r))), "", "\t"))
	again, findings, err := Check(&laidOutElsewhere)
	require.NoError(t, err)
	assert.Empty(t, findings)
	elsewhere, err := again.SHA256()
	require.NoError(t, err)
	assert.Equal(t, sum, elsewhere, "white space and order change nothing")

	r.Run.Name = "smaller"
	changed, err := r.SHA256()
	require.NoError(t, err)
	assert.NotEqual(t, sum, changed)
	assertHas(t, Validate(r), "R40", "/integrity/sha256")
}
