package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
)

// scan reads a document as Decode does first.
func scan(doc []byte) (*Record, insight, bool) {
	s := scanners.Get().(*scanner)
	defer s.release()
	if err := s.read(bytes.NewReader(doc)); err != nil {
		return nil, insight{}, false
	}
	r, ok := s.record()
	return r, s.insight, ok
}

// sameAsDecoder holds what a scanner makes of a document to what the decoder
// does, and what it knows of the record to what Validate finds out. It reports
// whether the scanner took the document.
func sameAsDecoder(t *testing.T, doc []byte) bool {
	t.Helper()
	got, known, ok := scan(doc)
	want, problems := decodeStrictly(doc)
	again := reusing.Get().(*scanner)
	defer reusing.Put(again)
	require.NoError(t, again.read(bytes.NewReader(doc)))
	inUsed, same := again.record()
	require.Equal(t, ok, same, "in memory that is used again")
	if !ok {
		return false
	}
	require.Equal(t, want, inUsed, "in memory that is used again")
	require.Equal(t, known, again.insight)
	require.Empty(t, problems, "the scanner takes what the decoder refuses: %s", doc)
	require.Equal(t, want, got)
	findings := plainly(want)
	require.Equal(t, findings, validate(got, known), "with %+v", known)
	require.Equal(t, findings, Validate(got))
	return true
}

// reusing are scanners that read other documents before, into the same memory.
var reusing = sync.Pool{New: func() any { return &scanner{memory: new(memory)} }}

// SameAsDecoder is for records made by packages that this one cannot import.
var SameAsDecoder = sameAsDecoder

// Spoilt likewise.
var Spoilt = spoilt

// plainly validates a record as Validate does, but with every check at once
// telling what it finds, and nothing known or left from before.
func plainly(r *Record) []Finding {
	c := &checker{record: r}
	c.checkForm()
	if c.unsound {
		return sortFindings(c.told)
	}
	for _, check := range formChecks {
		check(c)
	}
	sortFindings(c.told)
	a := new(arithmetic)
	a.redo(r, false)
	for _, f := range a.findings {
		c.add(f)
	}
	return c.told
}

// spoilt is a document that comes from a valid one by a change of a few bytes,
// which few records survive.
func spoilt(doc []byte, rng *rand.Rand) []byte {
	bad := bytes.Clone(doc)
	pieces := []string{
		"-0", "-", "1e3", "1.0", "0.5e1", "1e400", "01", "1.", ".5", "1e", "9007199254740993", "9007199254740992", "0.1234567890123456789", "1e-400", "NaN",
		"null", "true", "false", `""`, `"\ud800"`, `"\u00e9"`, `"\n"`, "\"\n\"", `"é"`, "\"\xff\"", `"�"`, "{}", "[]", "[1]", ",", ":", "}", "]", "\"", " ", "\t", "\\",
		`"x":1`, `,"x":1`, `,"unit":"1"`, `"2026-02-30T00:00:00Z"`, `"2026-02-28T00:00:00.5Z"`, `"2026-02-28T24:00:00Z"`, `"2026-02-28T00:00:00.1234567890Z"`, `"2026-02-28T00:00:00+00:00"`,
	}
	for range 1 + rng.IntN(2) {
		piece := pieces[rng.IntN(len(pieces))]
		at := rng.IntN(len(bad))
		// Mostly a whole value is replaced: a change elsewhere is seldom JSON.
		end := at
		if rng.IntN(4) > 0 {
			for at > 0 && bad[at] != ':' {
				at--
			}
			at = min(at+1, len(bad))
			for end = at; end < len(bad) && !strings.ContainsRune(",}]", rune(bad[end])); {
				end++
			}
		} else if rng.IntN(2) > 0 {
			end = min(at+rng.IntN(3), len(bad))
		}
		bad = append(append(bytes.Clone(bad[:at]), piece...), bad[end:]...)
	}
	return bad
}

func TestWhatTheScannerTakesTheDecoderTakesForTheSameRecord(t *testing.T) {
	t.Parallel()
	doc := encoded(t, small(t))
	require.True(t, sameAsDecoder(t, doc), "an ordinary record is not left to the decoder")
	rng := rand.New(rand.NewPCG(1, 2))
	taken, n := 0, race.Few(1000)
	for range n {
		if sameAsDecoder(t, spoilt(doc, rng)) {
			taken++
		}
	}
	assert.Greater(t, taken, n/40, "some changes leave a record")
	assert.Less(t, taken, n*3/4, "and some do not")
}

func TestTheScannerReadsWhateverOrderAndSpacingMembersHave(t *testing.T) {
	doc := encoded(t, small(t))
	var plain any
	require.NoError(t, json.Unmarshal(doc, &plain))
	sorted, err := json.Marshal(plain)
	require.NoError(t, err)
	wide, err := json.MarshalIndent(plain, "\t", "  ")
	require.NoError(t, err)
	for _, doc := range [][]byte{sorted, wide, append([]byte(" \r\n"), wide...)} {
		assert.True(t, sameAsDecoder(t, doc), string(doc))
	}
}

func TestTheScannerReadsNumbersAsStrconvDoes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	written := []string{"0", "-0", "0.0", "1", "9007199254740992", "9007199254740993", "9007199254740994", "18014398509481984", "99999999999999999999", "0.1", "1e22", "1e23",
		"0.0000000000000000000001", "0.00000000000000000000001", "123456789012345678", "1234567890.123456789", "18446744073709551616", "1.7976931348623157e308", "4.9e-324", "2.2250738585072011e-308"}
	for range 20_000 {
		x := math.Float64frombits(rng.Uint64())
		if !(math.Abs(x) < 1e308) { // nor, rounded up, what no float holds
			continue
		}
		digits := rng.IntN(18)
		written = append(written, fmt.Sprintf("%v", math.Abs(x)), fmt.Sprintf("%.*f", digits, rng.Float64()*math.Pow10(rng.IntN(15))), fmt.Sprintf("%.*e", digits, x))
	}
	for _, w := range written {
		s := scanner{data: []byte(w + ",")}
		got, ok := s.number(anyNumber)
		var want float64
		require.NoError(t, json.Unmarshal([]byte(w), &want))
		require.True(t, ok, w)
		require.Equal(t, math.Float64bits(want+0), math.Float64bits(got), w)
		require.Equal(t, len(w), s.at, w)
	}
}

func TestWhatTheScannerKeepsIsNotWhatItHandsOut(t *testing.T) {
	doc := encoded(t, small(t))
	s := new(scanner)
	read := func() *Record {
		require.NoError(t, s.read(bytes.NewReader(doc)))
		r, ok := s.record()
		require.True(t, ok)
		return r
	}
	first := read()
	for i := range first.Factors {
		first.Factors[i].Value, first.Factors[i].Source = -1, "changed"
	}
	first.Phases[0].EnergyJ.Value = -1
	*first.Phases[0].DurationS = -1
	for i := range s.data {
		s.data[i] = '#'
	}
	assert.Equal(t, string(doc), string(encoded(t, read())), "records share nothing that can be changed")
}

// What is kept from one document to the next is bounded, whatever they hold.
func TestTheScannerForgets(t *testing.T) {
	s := new(scanner)
	r := small(t)
	r.Run.Name = strings.Repeat("x", maxKnownText+1)
	r.Factors[0].Source = strings.Repeat("y", maxKnownFactor)
	require.NoError(t, s.read(bytes.NewReader(encoded(t, r))))
	got, ok := s.record()
	require.True(t, ok)
	require.Equal(t, r.Run.Name, got.Run.Name)
	require.Equal(t, r.Factors[0].Source, got.Factors[0].Source)
	for _, known := range s.texts {
		assert.LessOrEqual(t, len(known.text), maxKnownText)
	}
	for _, k := range s.known {
		assert.LessOrEqual(t, len(k.json), maxKnownFactor)
	}
	for _, n := range s.lengths {
		assert.LessOrEqual(t, n, maxRoom)
	}
	require.NoError(t, s.read(bytes.NewReader(make([]byte, 2*maxKept))))
	s.release()
	assert.LessOrEqual(t, s.buf.Cap(), maxKept)
}

func FuzzScanner(f *testing.F) {
	f.Add(encoded(f, small(f)))
	f.Add([]byte(`{"schema":"urn:ecotracer:record:v1","schema_revision":0,"created_at":"2026-05-04T06:16:41.5Z","extensions":{"a.b":[1,{"c":"\ud83c\udf31"}]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) { sameAsDecoder(t, doc) })
}
