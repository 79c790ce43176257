package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

// edit changes a file.
func editFile(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, change(text), 0o644))
}

// editEnvelope changes the members of the envelope.
func editEnvelope(t *testing.T, change func(e *dsse.Envelope)) {
	t.Helper()
	editFile(t, "run.dsse", func(text []byte) []byte {
		var e dsse.Envelope
		require.NoError(t, json.Unmarshal(text, &e))
		change(&e)
		text, err := json.Marshal(e)
		require.NoError(t, err)
		return text
	})
}

// forge changes the statement in the envelope, and has somebody sign it by an
// independent implementation, which asks for no sense in it.
func forge(t *testing.T, key ed25519.PrivateKey, change func(statement map[string]any)) {
	t.Helper()
	editFile(t, "run.dsse", func(text []byte) []byte {
		var e dsse.Envelope
		require.NoError(t, json.Unmarshal(text, &e))
		payload, err := e.DecodeB64Payload()
		require.NoError(t, err)
		dec := json.NewDecoder(bytes.NewReader(payload))
		dec.UseNumber()
		var s map[string]any
		require.NoError(t, dec.Decode(&s))
		change(s)
		payload, err = json.Marshal(s)
		require.NoError(t, err)
		return theirs(t, e.PayloadType, payload, signer{key})
	})
}

// flip changes a bit in base64.
func flip(t *testing.T, text string, at int) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	b[at] ^= 1
	return base64.StdEncoding.EncodeToString(b)
}

func energy(s map[string]any) map[string]any {
	return s["predicate"].(map[string]any)["totals"].(map[string]any)["energy_j"].(map[string]any)
}

func TestVerifyNamesEachKindOfTampering(t *testing.T) {
	var transcript strings.Builder
	for _, test := range []struct {
		what   string
		tamper func(t *testing.T)
		args   []string // beside envelope, folder and key
		failed string
	}{
		{"Nothing is changed", func(*testing.T) {}, nil, ""},
		{"The record is laid out anew", func(t *testing.T) {
			editFile(t, "model/run.json", func(text []byte) []byte {
				var v any
				require.NoError(t, json.Unmarshal(text, &v))
				text, err := json.Marshal(v)
				require.NoError(t, err)
				return text
			})
		}, nil, ""},
		{"A bit of the payload", func(t *testing.T) {
			editEnvelope(t, func(e *dsse.Envelope) {
				e.Payload = base64.StdEncoding.EncodeToString(bytes.Replace(debased(t, e.Payload), []byte(`"name":"wing beats"`), []byte(`"name":"wing reats"`), 1))
			})
		}, nil, "signature, record"},
		{"A bit of the signature", func(t *testing.T) {
			editEnvelope(t, func(e *dsse.Envelope) { e.Signatures[0].Sig = flip(t, e.Signatures[0].Sig, 10) })
		}, nil, "signature"},
		{"The payload type", func(t *testing.T) {
			editEnvelope(t, func(e *dsse.Envelope) { e.PayloadType = "application/json" })
		}, nil, "envelope, signature"},
		{"Another key signed", func(t *testing.T) { forge(t, otherKey, func(map[string]any) {}) }, nil, "signature"},
		{"A number, signed by the attacker's own key", func(t *testing.T) {
			forge(t, otherKey, func(s map[string]any) { energy(s)["value"] = 600000 })
		}, nil, "signature, schema, arithmetic, record"},
		{"The same with the name of our key", func(t *testing.T) {
			forge(t, otherKey, func(s map[string]any) { energy(s)["value"] = 750000 })
			editEnvelope(t, func(e *dsse.Envelope) { e.Signatures[0].KeyID = proof.KeyID(keys(teamKey)[0]) })
		}, nil, "signature, arithmetic, record"},
		{"A wrong sum, but signed", func(t *testing.T) {
			forge(t, teamKey, func(s map[string]any) { energy(s)["value"] = 750000 })
		}, nil, "arithmetic, record"},
		{"A member that no record has, but signed", func(t *testing.T) {
			forge(t, teamKey, func(s map[string]any) { s["predicate"].(map[string]any)["green"] = true })
		}, nil, "schema"},
		{"The predicate type, but signed", func(t *testing.T) {
			forge(t, teamKey, func(s map[string]any) { s["predicateType"] = "https://slsa.dev/provenance/v1" })
		}, nil, "schema"},
		{"The envelope is cut short", func(t *testing.T) {
			editFile(t, "run.dsse", func(text []byte) []byte { return text[:200] })
		}, nil, "envelope"},
		{"Text behind the envelope", func(t *testing.T) {
			editFile(t, "run.dsse", func(text []byte) []byte { return append(text, text...) })
		}, nil, "envelope"},
		{"The record's own file", func(t *testing.T) {
			editFile(t, "model/run.json", func(text []byte) []byte {
				return bytes.Replace(text, []byte(`"purpose": "count birds"`), []byte(`"purpose": "count words"`), 1)
			})
		}, nil, "record"},
		{"A file is changed", func(t *testing.T) {
			editFile(t, "model/weights/a.bin", func([]byte) []byte { return []byte("aaab") })
		}, nil, "subject"},
		{"A file is renamed", func(t *testing.T) {
			require.NoError(t, os.Rename("model/weights/a.bin", "model/weights/c.bin"))
		}, nil, "subject"},
		{"A file is missing", func(t *testing.T) { require.NoError(t, os.Remove("model/weights/a.bin")) }, nil, "subject"},
		{"It may be", func(t *testing.T) { require.NoError(t, os.Remove("model/weights/a.bin")) }, []string{"--partial"}, ""},
		{"A file has come", func(t *testing.T) {
			require.NoError(t, os.WriteFile("model/weights/d.bin", []byte("dddd"), 0o644))
		}, nil, "subject"},
		{"The envelope stands for a file too", func(t *testing.T) {
			require.NoError(t, os.Link("run.dsse", "model/adapter_config.json"))
		}, nil, "subject"},
		{"All at once", func(t *testing.T) {
			forge(t, otherKey, func(s map[string]any) {
				energy(s)["value"] = 750000
				s["predicate"].(map[string]any)["run"].(map[string]any)["status"] = "great"
			})
			require.NoError(t, os.Rename("model/weights/a.bin", "model/weights/c.bin"))
			require.NoError(t, os.Remove("model/weights/b.bin"))
			editFile(t, "model/config.json", func([]byte) []byte { return []byte("{ }\n") })
		}, nil, "signature, schema, arithmetic, record, subject"},
	} {
		t.Run(test.what, func(t *testing.T) {
			modelFolder(t)
			r := call("", "sign", "model/run.json", "model", "--key", "team.key", "-o", "run.dsse")
			require.Zero(t, r.code, r.err)
			test.tamper(t)
			args := append([]string{"verify", "run.dsse", "model", "--record", "model/run.json", "--key", "team.key.pub"}, test.args...)
			r = call("", args...)
			assert.Empty(t, r.err)
			assert.Equal(t, test.failed == "", r.code == 0)
			want := "run.dsse: verified\n"
			if test.failed != "" {
				want = "run.dsse: not verified: " + test.failed + "\n"
			}
			assert.True(t, strings.HasSuffix(r.out, "\n"+want), "%s", r.out)
			for _, line := range strings.Split(r.out, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must fit a terminal", line)
			}
			fmt.Fprintf(&transcript, "# %s\n$ ecotracer %s\n%s\n", test.what, strings.Join(args, " "), r.out)

			var told verified
			j := call("", append(args, "--json")...)
			require.NoError(t, json.Unmarshal([]byte(j.out), &told))
			assert.Equal(t, r.code, j.code)
			assert.Equal(t, test.failed == "", told.Verified)
			var failed []string
			for _, c := range told.Checks {
				if c.Outcome == proof.Failed {
					failed = append(failed, string(c.Part))
				}
			}
			assert.Equal(t, test.failed, strings.Join(failed, ", "))
			if slices.Contains(failed, "signature") {
				assert.Empty(t, told.Files, "nobody vouches for them")
			}
		})
	}
	golden(t, "verify.txt", transcript.String())
}

func debased(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestKeygenSignVerify(t *testing.T) {
	modelFolder(t)
	r := call("", "keygen", "new.key")
	require.Zero(t, r.code, r.err)
	assert.Regexp(t, `^new.key: private key; .*\nnew.key.pub: public key; .*\nkey [0-9a-f]{64}\n$`, r.out)
	r = call("", "keygen", "new.key")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "new.key: it is there already")
	r = call("", "keygen", "--json", "json.key")
	assert.JSONEq(t, fmt.Sprintf(`{"key": %q, "private": "json.key", "public": "json.key.pub"}`, r.out[strings.Index(r.out, `"key": "`)+8:][:64]), r.out)

	r = call("", "sign", "model/run.json", "model", "--key", "team.key")
	assert.Equal(t, result{0, "model/run.dsse: record and 3 files signed by key 06e3fd8fda29b\n", ""}, r)
	first, err := os.ReadFile("model/run.dsse")
	require.NoError(t, err)
	require.Zero(t, call("", "sign", "model/run.json", "model", "--key", "team.key").code)
	again, err := os.ReadFile("model/run.dsse")
	require.NoError(t, err)
	assert.Equal(t, first, again, "signing twice is signing once")
	r = call("", "sign", "model/run.json", "model", "--key", "other.key")
	assert.Equal(t, result{0, "model/run.dsse: record and 3 files signed by key deb2ded39dc26, and by 1 before\n", ""}, r)
	r = call("", "verify", "model/run.dsse", "model", "--key", "team.key.pub", "--key", "other.key.pub", "-o", "signed.json")
	assert.Zero(t, r.code, r.out+r.err)
	got, err := os.ReadFile("signed.json")
	require.NoError(t, err)
	assert.Equal(t, string(encoded(t, measured(t))), string(got), "the envelope holds the record, to the byte")
	require.NoError(t, os.Remove("signed.json"))

	r = call("", "verify", "model/run.dsse", "model", "--key", "new.key.pub", "-o", "signed.json")
	assert.Equal(t, 1, r.code)
	assert.NoFileExists(t, "signed.json", "what does not verify is not handed out")

	editFile(t, "model/config.json", func([]byte) []byte { return []byte("[]") })
	r = call("", "sign", "model/run.json", "model", "--key", "team.key")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "model/run.dsse is there already, and signs another record or other files")

	r = call(string(encoded(t, measured(t))), "sign", "-", "--key", "team.key", "-o", "-")
	assert.Zero(t, r.code)
	assert.Equal(t, "record signed by key 06e3fd8fda29b\n", r.err)
	v := call(r.out, "verify", "-", "--key", "team.key.pub")
	assert.Zero(t, v.code, v.out+v.err)
	assert.Contains(t, v.out, "the record itself")

	key, err := os.ReadFile("team.key")
	require.NoError(t, err)
	r = call(string(key), "sign", "model/run.json", "--key", "-", "-o", "alone.dsse", "--json")
	assert.JSONEq(t, `{"file": "alone.dsse", "key": "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9", "signatures": 1, "files": []}`, r.out)
}

func TestSignAndVerifySayWhatIsWrong(t *testing.T) {
	modelFolder(t)
	wrong := measured(t)
	wrong.Totals.EnergyJ.Value *= 1.001
	require.NoError(t, os.WriteFile("wrong.json", encoded(t, wrong), 0o644))
	require.NoError(t, os.WriteFile("open.key", []byte("x"), 0o644))
	require.NoError(t, os.WriteFile("text.dsse", []byte("x"), 0o644))
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"keygen without a name":     {[]string{"keygen"}, 2, "ecotracer keygen FILE"},
		"keygen nowhere":            {[]string{"keygen", "none/x.key"}, 1, "none/x.key: it cannot be written"},
		"sign nothing":              {[]string{"sign", "--key", "team.key"}, 2, "ecotracer sign RECORD.json"},
		"sign without a key":        {[]string{"sign", "model/run.json"}, 2, "ecotracer keygen FILE"},
		"sign with no such key":     {[]string{"sign", "model/run.json", "--key", "none"}, 1, "none: there is no such file"},
		"sign with a public key":    {[]string{"sign", "model/run.json", "--key", "team.key.pub"}, 1, "team.key.pub: this is a public key"},
		"sign with no key at all":   {[]string{"sign", "model/run.json", "--key", "open.key"}, 1, "open.key: this is no key in PEM"},
		"sign from standard input":  {[]string{"sign", "-", "--key", "team.key"}, 2, "write -o FILE"},
		"sign two from there":       {[]string{"sign", "-", "--key", "-", "-o", "x"}, 2, "cannot both come from standard input"},
		"sign as JSON to nowhere":   {[]string{"sign", "--json", "model/run.json", "--key", "team.key", "-o", "-"}, 2, "write -o FILE"},
		"sign a wrong record":       {[]string{"sign", "wrong.json", "--key", "team.key"}, 1, "this record is not valid"},
		"sign no record":            {[]string{"sign", "model/config.json", "--key", "team.key"}, 1, "not a record"},
		"sign files that are not":   {[]string{"sign", "model/run.json", "none", "--key", "team.key"}, 1, "none: there is no such file"},
		"sign over something":       {[]string{"sign", "model/run.json", "--key", "team.key", "-o", "text.dsse"}, 1, "text.dsse is there already, and is no envelope"},
		"verify nothing":            {[]string{"verify", "--key", "team.key.pub"}, 2, "ecotracer verify RECORD.dsse"},
		"verify without a key":      {[]string{"verify", "run.dsse"}, 2, "write --key FILE"},
		"verify two from one place": {[]string{"verify", "-", "--record", "-", "--key", "team.key.pub"}, 2, "cannot both come from standard input"},
		"verify with a private key": {[]string{"verify", "run.dsse", "--key", "team.key"}, 1, "team.key: this is a private key"},
		"verify with no such key":   {[]string{"verify", "run.dsse", "--key", "none"}, 1, "none: there is no such file"},
		"verify what is not there":  {[]string{"verify", "none.dsse", "--key", "team.key.pub"}, 1, "none.dsse: there is no such file"},
		"verify without its record": {[]string{"verify", "text.dsse", "--record", "none", "--key", "team.key.pub"}, 1, "none: there is no such file"},
		"verify no files":           {[]string{"verify", "text.dsse", "none", "--key", "team.key.pub"}, 1, "none: there is no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", test.args...)
			assert.Equal(t, test.code, r.code, r.out)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
			assert.NotContains(t, r.err, "proof:", "package names are ours")
		})
	}
	assert.NoFileExists(t, "model/run.dsse")
	require.NoError(t, os.Chmod("team.key", 0o640))
	r := call("", "sign", "model/run.json", "--key", "team.key")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "team.key: others may read this private key (mode 0640): chmod 600 it")
}

func TestTheRecordBesideItsEnvelopeIsCompared(t *testing.T) {
	modelFolder(t)
	require.Zero(t, call("", "sign", "model/run.json", "--key", "team.key").code)
	r := call("", "verify", "model/run.dsse", "--key", "team.key.pub")
	assert.Regexp(t, `record +good`, r.out)
	other := measured(t)
	other.Run.Name = "another"
	require.NoError(t, os.WriteFile("model/run.json", encoded(t, other), 0o644))
	r = call("", "verify", "model/run.dsse", "--key", "team.key.pub")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, `/run/name: "another", in the envelope "wing beats"`)
	require.NoError(t, os.Remove("model/run.json"))
	r = call("", "verify", "model/run.dsse", "--key", "team.key.pub")
	assert.Zero(t, r.code)
	assert.Regexp(t, `record +not checked`, r.out)
}
