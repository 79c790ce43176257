package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// The keys of RFC 8032, 7.1, tests 1 and 2.
var ours, others = seeded("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
	seeded("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")

func seeded(seed string) ed25519.PrivateKey {
	b, err := hex.DecodeString(seed)
	if err != nil {
		panic(err)
	}
	return ed25519.NewKeyFromSeed(b)
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// example is a valid record.
func example(t testing.TB) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "small.json"))
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

func encoded(t testing.TB, r *lifecycle.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, lifecycle.Encode(&b, r))
	return b.Bytes()
}

// file is a subject with these bytes.
func file(name, content string) Subject {
	sum := sha256.Sum256([]byte(content))
	return Subject{name, hex.EncodeToString(sum[:])}
}

func model() []Subject {
	return []Subject{file("config.json", "{}"), file("weights/a.bin", "aaaa"), file("weights/b.bin", "bbbb")}
}

func signed(t testing.TB, r *lifecycle.Record, files []Subject) *Envelope {
	t.Helper()
	e, err := Sign(r, files, ours)
	require.NoError(t, err)
	return e
}

func lineOf(t testing.TB, e *Envelope) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, e.Encode(&b))
	return b.Bytes()
}

func verified(t testing.TB, envelope []byte, x Expect) *Verification {
	t.Helper()
	if x.Keys == nil {
		x.Keys = []ed25519.PublicKey{public(ours)}
	}
	v, err := Verify(bytes.NewReader(envelope), x)
	require.NoError(t, err)
	require.Len(t, v.Checks, len(parts), "every part is told of")
	return v
}

// outcomes are those of all parts, one letter each: g, f, u or n (not checked).
func outcomes(v *Verification) string {
	var b strings.Builder
	for _, c := range v.Checks {
		b.WriteByte(string(c.Outcome)[0])
	}
	return b.String()
}

func TestWhatIsSignedVerifies(t *testing.T) {
	r := example(t)
	before := encoded(t, r)
	e := signed(t, r, model())
	assert.Equal(t, before, encoded(t, r), "signing changes no record")
	v := verified(t, lineOf(t, e), Expect{Record: bytes.NewReader(before), Files: model()})
	assert.Equal(t, "gggggg", outcomes(v), "%+v", v.Checks)
	require.NoError(t, v.Err())
	assert.Equal(t, model(), v.Subjects)
	assert.Equal(t, before, encoded(t, v.Record), "the envelope holds the whole record")
	assert.Equal(t, e, signed(t, r, model()), "the same is signed the same")
	assert.True(t, json.Valid(lineOf(t, e)))
	assert.Equal(t, 1, bytes.Count(lineOf(t, e), []byte("\n")), "one line")
}

func TestARecordThatWasLaidOutAnewOrSealedStillVerifies(t *testing.T) {
	r := example(t)
	e := lineOf(t, signed(t, r, nil))
	var plain any
	require.NoError(t, json.Unmarshal(encoded(t, r), &plain))
	indented, err := json.MarshalIndent(plain, "", "\t") // other order, other escapes, other numbers
	require.NoError(t, err)
	require.NoError(t, r.Seal())
	for name, text := range map[string][]byte{"laid out anew": indented, "sealed": encoded(t, r)} {
		v := verified(t, e, Expect{Record: bytes.NewReader(text)})
		assert.Equal(t, Good, v.Of(OfRecord).Outcome, "%s: %+v", name, v.Of(OfRecord))
	}
	sealed := lineOf(t, signed(t, r, nil))
	assert.Equal(t, e, sealed, "a seal follows from the record, so it is not signed")
}

func TestARecordOfNoFilesIsItsOwnSubject(t *testing.T) {
	r := example(t)
	e := signed(t, r, nil)
	v := verified(t, lineOf(t, e), Expect{})
	assert.Equal(t, "ggggng", outcomes(v), "%+v", v.Checks)
	sum, err := r.SHA256()
	require.NoError(t, err)
	assert.Equal(t, []Subject{{"urn:uuid:" + r.Run.ID, sum}}, v.Subjects)
	assert.Equal(t, "ggggnf", outcomes(verified(t, lineOf(t, e), Expect{Files: model()})), "files that nobody signed")

	e = attack(t, ours, func(s map[string]any) {
		s["subject"].([]any)[0].(map[string]any)["name"] = "urn:uuid:" + r.Run.ID
		s["subject"] = s["subject"].([]any)[:1]
	})
	v = verified(t, lineOf(t, e), Expect{})
	assert.ErrorIs(t, v.Err(), OfSubject, "another digest than the record's")
}

// attack signs the example with a change in its statement.
func attack(t testing.TB, key ed25519.PrivateKey, change func(statement map[string]any)) *Envelope {
	t.Helper()
	e := signed(t, example(t), model())
	var s map[string]any
	require.NoError(t, json.Unmarshal(e.Payload, &s))
	change(s)
	payload, err := json.Marshal(s)
	require.NoError(t, err)
	forged := &Envelope{PayloadType: payloadType, Payload: payload}
	require.NoError(t, forged.Sign(key))
	return forged
}

// totals are those of the record of a statement.
func totals(s map[string]any) map[string]any {
	return s["predicate"].(map[string]any)["totals"].(map[string]any)["energy_j"].(map[string]any)
}

func TestEachKindOfTamperingIsNamed(t *testing.T) {
	good := lineOf(t, signed(t, example(t), model()))
	changed := func(change func(e *Envelope)) []byte {
		e, err := ReadEnvelope(bytes.NewReader(good))
		require.NoError(t, err)
		change(e)
		return lineOf(t, e)
	}
	forged := func(key ed25519.PrivateKey, change func(map[string]any)) []byte {
		return lineOf(t, attack(t, key, change))
	}
	spoilt := example(t)
	spoilt.Run.Name = "another"
	unsealed := example(t)
	unsealed.Integrity = &lifecycle.Integrity{Canonicalisation: "RFC8785", SHA256: strings.Repeat("0", 64)}
	for name, test := range map[string]struct {
		envelope []byte
		expect   Expect
		outcomes string // envelope, signature, schema, arithmetic, record, subject
		says     string
	}{
		"a bit of the payload": {changed(func(e *Envelope) { e.Payload[len(e.Payload)/2] ^= 1 }), Expect{Files: model()},
			"", "the payload, its type or the signature was changed"},
		"a digit of a figure": {changed(func(e *Envelope) {
			e.Payload = bytes.Replace(e.Payload, []byte(`"duration_s":1000`), []byte(`"duration_s":1001`), 1)
		}), Expect{Files: model()}, "gfufnu", "the payload, its type or the signature was changed"},
		"a bit of the signature": {changed(func(e *Envelope) { e.Signatures[0].Sig[40] ^= 1 }), Expect{Files: model()},
			"gfuunu", "the payload, its type or the signature was changed"},
		"a signature cut short": {changed(func(e *Envelope) { e.Signatures[0].Sig = e.Signatures[0].Sig[:63] }), Expect{Files: model()},
			"gfuunu", "the signature of this key has 63 bytes, not the 64 of Ed25519"},
		"no signature": {changed(func(e *Envelope) { e.Signatures = []Signature{} }), Expect{}, "gfuunn", "nobody signed"},
		"another key": {good, Expect{Keys: []ed25519.PublicKey{public(others)}, Files: model()},
			"gfuunu", "this key did not sign: the signature names the key \"" + KeyID(public(ours))},
		"another key, unnamed": {changed(func(e *Envelope) { e.Signatures[0].KeyID = "" }), Expect{Keys: []ed25519.PublicKey{public(others)}},
			"gfuunn", "either another key signed, or something was changed"},
		"another key that calls itself ours": {changed(func(e *Envelope) {
			e.Signatures = nil
			require.NoError(t, e.Sign(others))
			e.Signatures[0].KeyID = KeyID(public(ours))
		}), Expect{}, "gfuunn", "the signature of this key does not fit"},
		"one of two keys": {good, Expect{Keys: []ed25519.PublicKey{public(ours), public(others)}}, "gfuunn", KeyID(public(others)) + ": this key did not sign"},
		"a figure, signed by the attacker": {forged(others, func(s map[string]any) { totals(s)["value"] = 1.0 }), Expect{Files: model()},
			"gfffnu", "this key did not sign: the signature names the key \"" + KeyID(public(others))},
		"a figure, signed by us": {forged(ours, func(s map[string]any) { totals(s)["value"] = 1.5 * totals(s)["value"].(float64) }), Expect{Files: model()},
			"ggffng", "/totals/energy_j/value: R23"},
		"a sum, signed by us": {forged(ours, func(s map[string]any) { totals(s)["value"] = 0.9999 * totals(s)["value"].(float64) }), Expect{Files: model()},
			"gggfng", "/totals/energy_j/value: R23"},
		"a member that no record has": {forged(ours, func(s map[string]any) { s["predicate"].(map[string]any)["colour"] = "green" }), Expect{Files: model()},
			"ggfnng", "/colour: R1"},
		"a stage that is none": {forged(ours, func(s map[string]any) {
			s["predicate"].(map[string]any)["run"].(map[string]any)["status"] = "great"
		}), Expect{Files: model()}, "ggfnng", "/run/status: R5"},
		"no record at all": {forged(ours, func(s map[string]any) { s["predicate"] = 7 }), Expect{}, "ggfnnn", "R1"},
		"another predicate type": {forged(ours, func(s map[string]any) { s["predicateType"] = "https://slsa.dev/provenance/v1" }), Expect{Files: model()},
			"ggfnnn", `predicateType is "https://slsa.dev/provenance/v1", not "urn:ecotracer:record:v1"`},
		"another statement type": {forged(ours, func(s map[string]any) { s["_type"] = "https://in-toto.io/Statement/v0.1" }), Expect{},
			"ggfnnn", `_type is "https://in-toto.io/Statement/v0.1", not`},
		"another payload type": {changed(func(e *Envelope) { e.PayloadType = "application/json" }), Expect{Files: model()},
			"ffnnnn", "the payload is of type \"application/json\", not \"application/vnd.in-toto+json\""},
		"another payload type, signed by us": {changed(func(e *Envelope) {
			e.PayloadType, e.Signatures = "application/json", nil
			require.NoError(t, e.Sign(ours))
		}), Expect{Files: model()}, "fgnnnn", "and so is not looked into"},
		"an envelope cut short": {good[:len(good)/2], Expect{Files: model()}, "fnnnnn", "it is cut short"},
		"text behind it":        {append(bytes.Clone(good), "{}"...), Expect{Files: model()}, "fnnnnn", "something follows its end"},
		"two payloads":          {bytes.Replace(good, []byte(`{"payloadType"`), []byte(`{"payload":"e30=","payloadType"`), 1), Expect{}, "fnnnnn", `the member "payload" is there twice`},
		"an empty one":          {nil, Expect{}, "fnnnnn", "it is empty"},
		"a file changed": {good, Expect{Files: []Subject{file("config.json", "{}"), file("weights/a.bin", "aaab"), file("weights/b.bin", "bbbb")}},
			"ggggnf", "weights/a.bin: it was changed"},
		"a file renamed": {good, Expect{Files: []Subject{file("config.json", "{}"), file("weights/c.bin", "aaaa"), file("weights/b.bin", "bbbb")}},
			"ggggnf", `weights/c.bin: it was renamed: in the envelope it is "weights/a.bin"`},
		"two files swapped": {good, Expect{Files: []Subject{file("config.json", "{}"), file("weights/b.bin", "aaaa"), file("weights/a.bin", "bbbb")}},
			"ggggnf", "weights/a.bin: it was changed"},
		"a file missing": {good, Expect{Files: model()[:2]}, "ggggnf", "weights/b.bin: it is missing"},
		"a file more":    {good, Expect{Files: append(model(), file("extra.bin", "x"))}, "ggggnf", "extra.bin: it was not signed"},
		"another record": {good, Expect{Record: bytes.NewReader(encoded(t, spoilt))}, "ggggfn", `/run/name: "another", in the envelope "small"`},
		"a wrong seal":   {good, Expect{Record: bytes.NewReader(encoded(t, unsealed))}, "ggggfn", "/integrity/sha256: its seal is not that of the record"},
		"no record file": {good, Expect{Record: strings.NewReader("{}")}, "ggggfn", "/schema: R3"},
	} {
		t.Run(name, func(t *testing.T) {
			v := verified(t, test.envelope, test.expect)
			if test.outcomes != "" {
				assert.Equal(t, test.outcomes, outcomes(v), "%+v", v.Checks)
			}
			var said []string
			for _, c := range v.Checks {
				for _, p := range c.Problems {
					said = append(said, p.String())
				}
				assert.Equal(t, c.Outcome == Failed, errors.Is(v.Err(), c.Part), "the error tells of what failed and of nothing else")
				assert.Equal(t, c.Outcome == Failed, len(c.Problems) > 0, "what failed says why")
			}
			assert.Contains(t, strings.Join(said, "\n"), test.says)
			if v.Of(OfSignature).Outcome != Good {
				assert.Nil(t, v.Record, "nobody vouches for it")
				assert.Nil(t, v.Subjects)
				for _, c := range v.Checks[2:] {
					assert.NotEqual(t, Good, c.Outcome, "nothing that nobody vouches for is good")
				}
			}
		})
	}
}

func TestSomeOfTheFilesMayBeAtHand(t *testing.T) {
	e := lineOf(t, signed(t, example(t), model()))
	assert.Equal(t, "ggggng", outcomes(verified(t, e, Expect{Files: model()[1:2], Partial: true})))
	assert.Equal(t, "ggggnf", outcomes(verified(t, e, Expect{Files: []Subject{file("weights/a.bin", "x")}, Partial: true})), "but not another")
	v := verified(t, e, Expect{})
	assert.Equal(t, "ggggnn", outcomes(v))
	assert.Contains(t, v.Of(OfSubject).Detail, "no file was given of the 3 in the envelope")
	assert.NoError(t, v.Err())
}

func TestSeveralMaySign(t *testing.T) {
	e := signed(t, example(t), nil)
	require.NoError(t, e.Sign(others))
	require.NoError(t, e.Sign(others), "twice is once")
	require.Len(t, e.Signatures, 2)
	for _, keys := range [][]ed25519.PublicKey{{public(ours)}, {public(others)}, {public(others), public(ours)}} {
		assert.NoError(t, verified(t, lineOf(t, e), Expect{Keys: keys}).Err())
	}
	full := &Envelope{Signatures: make([]Signature, maxSignatures)}
	assert.ErrorContains(t, full.Sign(ours), "has 100 signatures", "or nobody could read it again")
	assert.Len(t, full.Signatures, maxSignatures)

	e.Signatures[0], e.Signatures[1] = Signature{KeyID: "x", Sig: []byte("none")}, Signature{Sig: e.Signatures[0].Sig}
	assert.NoError(t, verified(t, lineOf(t, e), Expect{}).Err(), "beside one that is none, and by no name")
}

func TestSignRefusesWhatWouldNotVerify(t *testing.T) {
	wrong, odd := example(t), example(t)
	wrong.Totals.EnergyJ.Value *= 0.9999
	odd.Run.Status = "great"
	for name, test := range map[string]struct {
		record *lifecycle.Record
		files  []Subject
		key    ed25519.PrivateKey
		is     error
		says   string
	}{
		"a wrong sum":       {wrong, nil, ours, OfArithmetic, "/totals/energy_j/value"},
		"a wrong form":      {odd, nil, ours, OfSchema, "/run/status"},
		"two of one name":   {example(t), []Subject{file("a", "x"), file("a", "y")}, ours, OfSubject, `"a" is there twice`},
		"no digest":         {example(t), []Subject{{Name: "a"}}, ours, OfSubject, "64 lower-case hex digits"},
		"no name":           {example(t), []Subject{file("", "x")}, ours, OfSubject, "a name is a text"},
		"a name of no text": {example(t), []Subject{file("\xff", "x")}, ours, OfSubject, "a name is a text in UTF-8"},
		"no key":            {example(t), nil, nil, errNoKey, "no Ed25519 key"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Sign(test.record, test.files, test.key)
			assert.Nil(t, e)
			require.ErrorIs(t, err, test.is)
			assert.Contains(t, err.Error(), test.says)
		})
	}
}

func TestVerifyNeedsAKey(t *testing.T) {
	for _, keys := range [][]ed25519.PublicKey{nil, {nil}, {public(ours), ed25519.PublicKey("short")}} {
		_, err := Verify(strings.NewReader("{}"), Expect{Keys: keys})
		assert.ErrorContains(t, err, "key")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAReaderThatFailsIsNoTampering(t *testing.T) {
	keys := []ed25519.PublicKey{public(ours)}
	_, err := Verify(broken{}, Expect{Keys: keys})
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	assert.NotErrorIs(t, err, OfEnvelope)
	_, err = Verify(bytes.NewReader(lineOf(t, signed(t, example(t), nil))), Expect{Keys: keys, Record: broken{}})
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

// The vectors are those of github.com/secure-systems-lab/dsse (protocol.md, and
// testvectors/vectors.json), made by another implementation.
func TestEnvelopesAreThoseOfDSSE(t *testing.T) {
	hello := Envelope{PayloadType: "http://example.com/HelloWorld", Payload: []byte("hello world")}
	assert.Equal(t, "DSSEv1 29 http://example.com/HelloWorld 11 hello world", string(hello.signed()))
	for name, test := range map[string]struct {
		payloadType, payload, sig string
		holds                     bool
	}{
		"one signature": {payloadType, "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
			"2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==", true},
		"the other alphabet": {payloadType, "-_-_Pj8=",
			"P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw==", true},
		"another type": {"application/vnd.example.other+json", "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
			"2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==", false},
		"a type counted in bytes": {"application/vnd.exämple+json", "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
			"xmSk/ug66ysT7ayhkCIjhAq42zgZXSsEWuzUaNL7w2eGAdF/NU6/fRXPtmfN+5DNSAs5/i2lUnHjbbjPsu0tAw==", true},
		"an empty payload": {payloadType, "", "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj7CDbDg==", true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ReadEnvelope(strings.NewReader(fmt.Sprintf(`{"payload": %q, "payloadType": %q, "signatures": [{"sig": %q, "keyid": "A", "more": null}], "more": {}}`,
				test.payload, test.payloadType, test.sig)))
			require.NoError(t, err)
			assert.Equal(t, test.holds, e.signedBy(public(ours), e.signed()))
			assert.False(t, e.signedBy(public(others), e.signed()))
		})
	}
}

func TestEnvelopesAreReadStrictly(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"no object":               {`[]`, "it is not an object"},
		"no JSON":                 {`payload`, "it is not JSON"},
		"no UTF-8":                {"{\"payload\": \"\xff\"}", "it is not UTF-8"},
		"no payload":              {`{"payloadType": "x", "signatures": []}`, `"payload" is absent`},
		"a payload in other case": {`{"Payload": "", "payloadType": "x", "signatures": []}`, `"payload" is absent`},
		"a payload of no text":    {`{"payload": 7, "payloadType": "x", "signatures": []}`, `"payload" is not a text`},
		"null":                    {`{"payload": null, "payloadType": "x", "signatures": []}`, `"payload" is not a text`},
		"base64 with line ends":   {`{"payload": "e3\n0=", "payloadType": "x", "signatures": []}`, `"payload" is not base64`},
		"base64 with loose bits":  {`{"payload": "e31=", "payloadType": "x", "signatures": []}`, `"payload" is not base64`},
		"of both alphabets":       {`{"payload": "-_+/", "payloadType": "x", "signatures": []}`, `"payload" is not base64`},
		"no signatures":           {`{"payload": "", "payloadType": "x"}`, `"signatures" is absent`},
		"signatures of no list":   {`{"payload": "", "payloadType": "x", "signatures": {}}`, "signatures: it is not a list"},
		"a signature of no bytes": {`{"payload": "", "payloadType": "x", "signatures": [{"keyid": "a"}]}`, `signatures: 0: the member "sig" is absent`},
		"a signature told twice":  {`{"payload": "", "payloadType": "x", "signatures": [{"sig": "", "s\u0069g": ""}]}`, `"sig" is there twice`},
		"too many":                {`{"payload": "", "payloadType": "x", "signatures": [` + strings.Repeat(`{"sig": ""},`, maxSignatures) + `{"sig": ""}]}`, "more than 100"},
		"members by the thousand": {"{" + many() + `"payload": ""}`, "it has more than 1000 members"},
		"deep":                    {`{"payload": ` + strings.Repeat("[", 100000), "it is not JSON"},
		"too large":               {strings.Repeat(" ", maxEnvelope+1), "larger than 128 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ReadEnvelope(strings.NewReader(test.text))
			assert.Nil(t, e)
			require.ErrorIs(t, err, OfEnvelope)
			assert.Contains(t, err.Error(), test.says)
		})
	}
}

// many are more members than an object may have.
func many() string {
	var b strings.Builder
	for i := range maxMembers {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	return b.String()
}

func TestStatementsAreReadStrictly(t *testing.T) {
	for name, test := range map[string]struct {
		from, to string
		says     string
	}{
		"two predicates":    {`"predicateType"`, `"predicate":{},"predicateType"`, `the member "predicate" is there twice`},
		"two types":         {`"predicateType"`, `"predicateType":"x","predicateType"`, `"predicateType" is there twice`},
		"two digests":       {`[{"digest":{`, `[{"digest":{"sha256":"","sha256":"",`, `digest: the member "sha256" is there twice`},
		"no sha256":         {`[{"digest":{"sha256":`, `[{"digest":{"sha512":`, `"sha256" is absent`},
		"many digests":      {`[{"digest":{`, `[{"digest":{` + many(), "digest: it has more than 1000 members"},
		"another digest":    {`[{"digest":{"sha256":"`, `[{"digest":{"sha256":"A`, "64 lower-case hex digits"},
		"no subject":        {`"subject":[`, `"subject":[],"was":[`, "there is none"},
		"no list":           {`"subject":[`, `"subject":{},"was":[`, "it is not a list"},
		"two of one name":   {`weights/b.bin`, `weights/a.bin`, `"weights/a.bin" is there twice`},
		"no predicate":      {`"predicate":`, `"predicates":`, `"predicate" is absent`},
		"a figure twice":    {`"arch":`, `"arch":"x","arch":`, "R1"},
		"in another case":   {`"_type"`, `"_Type"`, `"_type" is absent`},
		"text of no UTF-8":  {`"arch":"`, "\"arch\":\"\xff", "not UTF-8"},
		"half a surrogate":  {`"name":"weights/a.bin"`, `"name":"\ud800"`, ""},
		"something unknown": {`"subject":[`, `"more":[],"subject":[`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := signed(t, example(t), model())
			payload := bytes.Replace(e.Payload, []byte(test.from), []byte(test.to), 1)
			require.NotEqual(t, e.Payload, payload)
			e = &Envelope{PayloadType: payloadType, Payload: payload}
			require.NoError(t, e.Sign(ours))
			v := verified(t, lineOf(t, e), Expect{})
			if test.says == "" {
				assert.NoError(t, v.Err())
				return
			}
			require.ErrorIs(t, v.Err(), OfSchema)
			assert.Contains(t, v.Err().Error(), test.says)
		})
	}
}

// A rule is one of figures or one of form.
func TestEveryRuleIsOfFormOrOfFigures(t *testing.T) {
	told := map[Part]int{}
	for n := 1; n <= 40; n++ {
		told[of(lifecycle.Finding{Rule: fmt.Sprint("R", n)})]++
	}
	assert.Equal(t, map[Part]int{OfSchema: 13, OfArithmetic: 27}, told)
	assert.Equal(t, OfSchema, of(lifecycle.Finding{Rule: "R1"}), "which is no part of R10")
}

func FuzzVerify(f *testing.F) {
	good := lineOf(f, signed(f, example(f), model()))
	f.Add(good)
	f.Add(good[:200])
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"","sig":"AAAA"}]}`))
	f.Add([]byte(`{"payloadType":"x","payload":"","signatures":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Verify(bytes.NewReader(text), Expect{Keys: []ed25519.PublicKey{public(ours)}, Files: model()})
		require.NoError(t, err)
		if v.Err() == nil {
			e, err := ReadEnvelope(bytes.NewReader(text))
			require.NoError(t, err)
			want, err := ReadEnvelope(bytes.NewReader(good))
			require.NoError(t, err)
			require.Equal(t, want.Payload, e.Payload, "only what we signed holds")
		}
	})
}

// FuzzStatement signs whatever is made up, so that the readers behind the
// signature are reached.
func FuzzStatement(f *testing.F) {
	f.Add(signed(f, example(f), model()).Payload)
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"urn:ecotracer:record:v1","predicate":{},"subject":[]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &Envelope{PayloadType: payloadType, Payload: payload}
		require.NoError(t, e.Sign(ours))
		v := verified(t, lineOf(t, e), Expect{Files: model()})
		require.Equal(t, Good, v.Of(OfSignature).Outcome)
		s, err := parseStatement(payload)
		if err != nil {
			require.ErrorIs(t, v.Err(), OfSchema)
			return
		}
		again, err := parseStatement(s.canonical())
		require.NoError(t, err)
		require.Equal(t, s.subjects, again.subjects, "names and digests travel as they are")
	})
}

func BenchmarkVerify(b *testing.B) {
	e := lineOf(b, signed(b, example(b), model()))
	for b.Loop() {
		verified(b, e, Expect{Files: model()})
	}
}
