package lifecycle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeTellsDocumentsApartThatAreNoRecord(t *testing.T) {
	doc := string(encoded(t, small(t)))
	for _, tc := range []struct {
		name, doc string
		is        error
		says      []string
	}{
		{"truncated in a member", doc[:len(doc)/2], io.ErrUnexpectedEOF, []string{"truncated", "R1"}},
		{"truncated before its end", strings.TrimRight(doc, "\n}"), io.ErrUnexpectedEOF, []string{"truncated"}},
		{"empty", "", io.ErrUnexpectedEOF, []string{"the document is empty"}},
		{"blank", " \n\t\n", io.ErrUnexpectedEOF, []string{"the document is empty"}},
		{"too large", doc + strings.Repeat(" ", maxSize), ErrTooLarge, []string{"64 MiB"}},
		{"of a later revision", strings.Replace(doc, `"schema_revision": 0`, `"schema_revision": 3, "novelty": null`, 1), ErrLaterRevision, []string{"/schema_revision", "later version", "upgrade"}},
		{"of a later schema", strings.Replace(doc, "record:v1", "record:v2", 1), ErrLaterRevision, []string{"/schema", "upgrade"}},
		{"of another schema", strings.Replace(doc, "urn:ecotracer:record:v1", "https://example.org/v1", 1), ErrUnknownSchema, []string{"/schema", "https://example.org/v1"}},
		{"of the zeroth schema", strings.Replace(doc, "record:v1", "record:v0", 1), ErrUnknownSchema, nil},
		{"not JSON", "schema: urn", nil, []string{"not JSON", "byte 0"}},
		{"JSON, but not of ours", `{"name":"x","version":3}`, ErrUnknownSchema, []string{"/schema", "names none"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := Decode(strings.NewReader(tc.doc))
			require.Error(t, err)
			assert.Nil(t, r)
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			if tc.is != nil {
				assert.ErrorIs(t, err, tc.is)
			}
			for _, other := range []error{io.ErrUnexpectedEOF, ErrTooLarge, ErrLaterRevision, ErrUnknownSchema} {
				assert.Equal(t, other == tc.is, errors.Is(err, other), "%v is %v", err, other)
			}
			for _, s := range tc.says {
				assert.ErrorContains(t, err, s)
			}
			whole := tc.is == ErrTooLarge || tc.is == ErrLaterRevision || tc.is == ErrUnknownSchema || slices.Contains(tc.says, "the document is empty")
			assert.Equal(t, whole, de.Offset == -1, "what is wrong with the whole is at no byte")
			assert.Equal(t, whole, !strings.Contains(err.Error(), "at byte"), err.Error())
		})
	}
}

func TestDecodeSaysAtWhichByteTheMistakeIs(t *testing.T) {
	doc := string(encoded(t, small(t)))
	for _, spoilt := range []string{
		strings.Replace(doc, `"scope": "process"`, `"scope": 17`, 1),
		strings.Replace(doc, `"duration_s": 1000`, `"duration_s": "17"`, 1),
		strings.Replace(doc, `"name": "small"`, "\"name\": \"17\xff\"", 1),
	} {
		_, err := Decode(strings.NewReader(spoilt))
		var de *DecodeError
		require.ErrorAs(t, err, &de)
		assert.Contains(t, spoilt[de.Offset-4:de.Offset+4], "17", err.Error())
	}
}

func TestDecodeAndCheckNameTheByte(t *testing.T) {
	doc := string(encoded(t, small(t)))
	for text, place := range map[string]string{
		"schema: urn":      "at byte 0",
		"{\"a\":\"\xff\"}": "at byte 6",
		doc + "\v":         fmt.Sprintf("at byte %d", len(doc)-1),
		doc + "{}":         fmt.Sprintf("at byte %d", len(doc)-1), // its last line ends after the record
		doc[:len(doc)-100]: fmt.Sprintf("at byte %d", len(doc)-100),
	} {
		_, err := Decode(strings.NewReader(text))
		assert.ErrorContains(t, err, place)
		_, findings, err := Check(strings.NewReader(text))
		require.NoError(t, err)
		require.NotEmpty(t, findings)
		for _, f := range findings {
			if f.Pointer == "" {
				assert.Contains(t, f.Message, place, "a finding has its place, too")
			}
		}
	}
}

func TestDecodeTellsOfAllMistakesButStopsInTime(t *testing.T) {
	_, err := Decode(strings.NewReader(`{"schema":"` + Schema + `","a":1,"b":2}`))
	var de *DecodeError
	require.ErrorAs(t, err, &de)
	assert.Equal(t, "/a", de.Pointer)
	assert.Greater(t, de.More, 15, "b, and the required members that are absent")

	endless := `{"hardware":[` + strings.Repeat(`{"x":1},`, 1e5) + `{}]}`
	_, findings, err := Check(strings.NewReader(endless))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(findings), maxProblems+20)
}

func TestDecodeHandsOnTheErrorOfItsReader(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := Decode(iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)
	_, _, err = Check(iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)
	r, err := Decode(iotest.OneByteReader(bytes.NewReader(encoded(t, small(t)))))
	require.NoError(t, err)
	assert.Equal(t, "small", r.Run.Name)
}

func TestDecodeReadsTheSameNumberHoweverItIsWritten(t *testing.T) {
	doc := string(encoded(t, small(t)))
	for _, written := range []string{"5", "5.0", "5e0", "50E-1", "0.5e1"} {
		r, err := Decode(strings.NewReader(strings.Replace(doc, `"epochs": 5`, `"epochs": `+written, 1)))
		require.NoError(t, err, written)
		assert.EqualValues(t, 5, *r.Technology.ML.Epochs, written)
	}
	r, err := Decode(strings.NewReader(strings.Replace(doc, `"value": -0.25`, `"value": -0.0`, 1)))
	require.NoError(t, err)
	assert.Contains(t, string(encoded(t, r)), `"value": 0,`, "there is no negative zero in a record")
}

// Trap 51: a time without its zone is refused.
func TestDecodeTakesTimesInUTCOnly(t *testing.T) {
	doc := string(encoded(t, small(t)))
	created := `"created_at": "2026-05-04T06:16:41Z"`
	require.Contains(t, doc, created)
	for written, ok := range map[string]bool{
		"2026-05-04T06:16:41Z": true, "2026-05-04T06:16:41.5Z": true, "2026-05-04T06:16:41.123456789Z": true, "2026-05-04T06:16:41.500Z": true,
		"2026-05-04T06:16:41+00:00": false, "2026-05-04T08:16:41+02:00": false, "2026-05-04T06:16:41": false, "2026-05-04 06:16:41Z": false,
		"2026-05-04T06:16:41z": false, "2026-05-04T06:16:41,5Z": false, "2026-02-30T06:16:41Z": false, "2026-05-04T06:16:60Z": false,
		"2026-05-04T24:00:00Z": false, "2026-05-04T06:16:41.1234567890Z": false, "yesterday": false, "": false,
	} {
		r, err := Decode(strings.NewReader(strings.Replace(doc, created, `"created_at": "`+written+`"`, 1)))
		if ok {
			require.NoError(t, err, written)
			want, _ := time.Parse(time.RFC3339Nano, written)
			assert.True(t, want.Equal(r.CreatedAt), written)
			continue
		}
		assert.ErrorContains(t, err, "/created_at", written)
	}
}

func TestDecodeReadsEscapesAsJSONHasThem(t *testing.T) {
	doc := string(encoded(t, small(t)))
	read := func(written string) (string, error) {
		r, err := Decode(strings.NewReader(strings.Replace(doc, `"name": "small"`, `"name": "`+written+`"`, 1)))
		if err != nil {
			return "", err
		}
		return r.Run.Name, nil
	}
	for written, want := range map[string]string{
		`\u00e9`: "é", `\ud83c\udf31`: "🌱", `a\\ud800`: `a\ud800`, `\ufffd`: "\ufffd", "\ufffd": "\ufffd", `\"\/\n`: "\"/\n", `\uD83C\uDF31!`: "🌱!",
	} {
		got, err := read(written)
		require.NoError(t, err, written)
		assert.Equal(t, want, got)
	}
	for _, half := range []string{`\ud800`, `\udc00`, `\ud83c!`, `\ud83c\ud83c`, `\ud83c\n`, `x\\\udc00`, `\ufffd\ud800`} {
		_, err := read(half)
		assert.ErrorContains(t, err, "surrogate", half)
	}
}

func TestWhatADocumentMayHoldAtMostIsStillRead(t *testing.T) {
	t.Parallel()
	r := small(t)
	r.Run.Name = strings.Repeat("é", maxText/2)
	var deep any = "bottom"
	for range maxDepth - 2 { // the record and extensions are two levels themselves
		deep = []any{deep}
	}
	r.Extensions["org.example.deep"] = deep
	r.Extensions["org.example.long"] = strings.Repeat("x", 2*maxText)
	doc := encoded(t, r)
	doc = append(doc, bytes.Repeat([]byte(" "), maxSize-len(doc))...)
	again, err := Decode(bytes.NewReader(doc))
	require.NoError(t, err)
	assert.Equal(t, r.Run.Name, again.Run.Name)
	assert.Empty(t, Validate(again))

	r.Extensions["org.example.deep"] = []any{deep}
	assert.ErrorContains(t, Encode(io.Discard, r), "/extensions/org.example.deep", "what Decode would refuse is not written")
	assertHas(t, Validate(r), "R1", "/extensions/org.example.deep"+strings.Repeat("/0", maxDepth-2))
}

func assertHas(t *testing.T, findings []Finding, rule, pointer string) {
	t.Helper()
	for _, f := range findings {
		if f.Rule == rule && f.Pointer == pointer {
			return
		}
	}
	assert.Fail(t, "not found: "+rule+" "+pointer, lines(findings))
}

func FuzzDecode(f *testing.F) {
	doc := encoded(f, small(f))
	f.Add(doc)
	f.Add(doc[:len(doc)/3])
	f.Add([]byte(`{"schema":"urn:ecotracer:record:v1","schema_revision":1}`))
	f.Add([]byte(`{"extensions":{"a.b":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}}`))
	f.Add([]byte(`{"run":{"name":"\ud800","Name":null}} x`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := Decode(bytes.NewReader(doc))
		checked, findings, readErr := Check(bytes.NewReader(doc))
		require.NoError(t, readErr)
		if err != nil {
			var de *DecodeError
			require.ErrorAs(t, err, &de)
			require.NotEmpty(t, findings, "Check tells what Decode does")
			require.Nil(t, checked)
			require.LessOrEqual(t, de.Offset, int64(len(doc)))
			return
		}
		for _, f := range findings {
			require.NotEmpty(t, f.Rule)
			require.NotEmpty(t, f.Message)
		}
		once := encoded(t, r)
		again, err := Decode(bytes.NewReader(once))
		require.NoError(t, err, "what was read can be written and read")
		require.Equal(t, string(once), string(encoded(t, again)), "and comes to the same bytes")
		a, err := r.SHA256()
		require.NoError(t, err)
		b, err := again.SHA256()
		require.NoError(t, err)
		require.Equal(t, a, b, "and to the same digest")
	})
}
