package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

// The keys of RFC 8032, 7.1, tests 1 and 2, so that what is signed is the same
// each time.
var teamKey, otherKey = seed("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
	seed("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")

func seed(text string) ed25519.PrivateKey {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return ed25519.NewKeyFromSeed(b)
}

// signer is a key as an independent implementation of DSSE wants it.
type signer struct{ ed25519.PrivateKey }

func (s signer) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(s.PrivateKey, data), nil
}

func (s signer) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(s.PrivateKey.Public().(ed25519.PublicKey), data, sig) {
		return fmt.Errorf("another signature")
	}
	return nil
}

func (s signer) KeyID() (string, error) {
	return proof.KeyID(s.PrivateKey.Public().(ed25519.PublicKey)), nil
}
func (s signer) Public() crypto.PublicKey { return s.PrivateKey.Public() }

func envelope(t *testing.T, r *lifecycle.Record) []byte {
	t.Helper()
	files := []proof.Subject{{Name: "a\u2028\"\\\t<&>é\U0001f331.bin", SHA256: strings.Repeat("ab", 32)}, {Name: "b", SHA256: strings.Repeat("cd", 32)}}
	e, err := proof.Sign(r, files, teamKey)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, e.Encode(&b))
	return b.Bytes()
}

func keys(all ...ed25519.PrivateKey) (public []ed25519.PublicKey) {
	for _, key := range all {
		public = append(public, key.Public().(ed25519.PublicKey))
	}
	return public
}

func TestAnotherImplementationOfDSSEVerifiesOurs(t *testing.T) {
	for name, r := range map[string]*lifecycle.Record{"measured": measured(t), "modelled": modelled(t), "everything": everything(t)} {
		var e dsse.Envelope
		require.NoError(t, json.Unmarshal(envelope(t, r), &e))
		ours, err := dsse.NewEnvelopeVerifier(signer{teamKey})
		require.NoError(t, err)
		accepted, payload, err := ours.VerifyAndDecode(t.Context(), &e)
		require.NoError(t, err, name)
		require.Len(t, accepted, 1)
		assert.NotEmpty(t, payload)
		theirs, err := dsse.NewEnvelopeVerifier(signer{otherKey})
		require.NoError(t, err)
		_, err = theirs.Verify(t.Context(), &e)
		assert.Error(t, err, "of another key")
		e.Payload = base64.StdEncoding.EncodeToString(append(payload, ' '))
		_, err = ours.Verify(t.Context(), &e)
		assert.Error(t, err, "of another payload")
	}
}

// theirs is an envelope of an independent implementation.
func theirs(t *testing.T, payloadType string, payload []byte, by ...dsse.Signer) []byte {
	t.Helper()
	s, err := dsse.NewEnvelopeSigner(by...)
	require.NoError(t, err)
	e, err := s.SignPayload(t.Context(), payloadType, payload)
	require.NoError(t, err)
	text, err := json.MarshalIndent(e, "", "  ")
	require.NoError(t, err)
	return text
}

func TestWeVerifyThoseOfAnotherImplementation(t *testing.T) {
	e, err := proof.ReadEnvelope(bytes.NewReader(envelope(t, everything(t))))
	require.NoError(t, err)
	var loose any // what another program makes of the same statement
	require.NoError(t, json.Unmarshal(e.Payload, &loose))
	payload, err := json.MarshalIndent(loose, "", "\t")
	require.NoError(t, err)
	text := theirs(t, "application/vnd.in-toto+json", payload, signer{otherKey}, signer{teamKey})
	for _, trusted := range [][]ed25519.PublicKey{keys(teamKey), keys(otherKey), keys(teamKey, otherKey)} {
		v, err := proof.Verify(bytes.NewReader(text), proof.Expect{Keys: trusted, Record: bytes.NewReader(encoded(t, everything(t)))})
		require.NoError(t, err)
		assert.NoError(t, v.Err())
		require.NotNil(t, v.Record)
		assert.Len(t, v.Subjects, 2)
	}
}

func TestTheTypesOfInTotoValidateOurStatement(t *testing.T) {
	e, err := proof.ReadEnvelope(bytes.NewReader(envelope(t, everything(t))))
	require.NoError(t, err)
	var s intoto.Statement
	require.NoError(t, protojson.Unmarshal(e.Payload, &s))
	require.NoError(t, s.Validate())
	assert.Equal(t, intoto.StatementTypeUri, s.GetType())
	assert.Equal(t, proof.PredicateType, s.GetPredicateType())
	assert.Equal(t, lifecycle.Schema, s.GetPredicate().GetFields()["schema"].GetStringValue())
	assert.Equal(t, "a\u2028\"\\\t<&>é\U0001f331.bin", s.GetSubject()[0].GetName())
	assert.Equal(t, map[string]string{"sha256": strings.Repeat("ab", 32)}, s.GetSubject()[0].GetDigest())
}

func TestOpenSSLVerifiesOurSignature(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not here")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "team.key")
	require.Zero(t, call("", "keygen", key).code)
	r := call("", "sign", file(t, measured(t)), "--key", key, "-o", filepath.Join(dir, "run.dsse"))
	require.Zero(t, r.code, r.err)
	text, err := os.ReadFile(filepath.Join(dir, "run.dsse"))
	require.NoError(t, err)
	var e dsse.Envelope
	require.NoError(t, json.Unmarshal(text, &e))
	payload, err := e.DecodeB64Payload()
	require.NoError(t, err)
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	require.NoError(t, err)
	for name, content := range map[string][]byte{"pae": dsse.PAE(e.PayloadType, payload), "sig": sig} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("pkeyutl", "-verify", "-pubin", "-inkey", "team.key.pub", "-rawin", "-in", "pae", "-sigfile", "sig"); assert.NoError(t, err, out) {
		assert.Contains(t, out, "Verified Successfully")
	}
	der, err := run("pkey", "-pubin", "-in", "team.key.pub", "-outform", "DER")
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(der))
	assert.Equal(t, hex.EncodeToString(sum[:]), e.Signatures[0].KeyID, "the name of a key is what openssl makes of it")

	_, err = run("genpkey", "-algorithm", "ed25519", "-out", "other.key")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(filepath.Join(dir, "other.key"), 0o600))
	_, err = run("pkey", "-in", "other.key", "-pubout", "-out", "other.pub")
	require.NoError(t, err)
	r = call("", "sign", file(t, measured(t)), "--key", filepath.Join(dir, "other.key"), "-o", filepath.Join(dir, "other.dsse"))
	require.Zero(t, r.code, r.err)
	r = call("", "verify", filepath.Join(dir, "other.dsse"), "--key", filepath.Join(dir, "other.pub"))
	assert.Zero(t, r.code, "a key of openssl signs and verifies: %s%s", r.out, r.err)
}

// The canonical form is held to an independent implementation of RFC 8785.
func TestTheCanonicalFormIsThatOfRFC8785(t *testing.T) {
	hold := func(name string, r *lifecycle.Record) {
		t.Helper()
		require.Nil(t, r.Integrity)
		ours, err := r.Canonical()
		require.NoError(t, err, name)
		want, err := jcs.Transform(encoded(t, r))
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(want, ours), "%s:\n%s\n%s", name, want, ours)
	}
	hold("measured", measured(t))
	hold("modelled", modelled(t))
	hold("everything", everything(t))
	if text, err := os.ReadFile("../../../shared/reference/record-example.json"); err == nil {
		r, err := lifecycle.Decode(bytes.NewReader(text))
		require.NoError(t, err)
		hold("the published example", r)
	}
	for n := range race.Few(uint64(300)) {
		d := rand.New(rand.NewPCG(n, 1))
		r := measured(t)
		number := func() float64 {
			for {
				if x := math.Float64frombits(d.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
					return x
				}
			}
		}
		hostile := []float64{0, math.Copysign(0, -1), 1, 1e21, 1e20, 999999999999999900000, 1e-6, 9.999999e-7, 1e-7, 5e-324, math.MaxFloat64,
			math.SmallestNonzeroFloat64 * 3, 1 << 53, 1<<53 - 1, 0.1 + 0.2, 333333333.33333329, 4.5, 2e-3, 1e23, 9007199254740994, 123456789012345680000}
		letters := []rune("\x00\x01\b\t\n\v\f\r\x1f \"\\/<>&'\u007f\u0080é\u2028\u2029\ufeff\ufffd\uffff\U00010000\U0001f331\ue000a")
		text := func() string {
			s := make([]rune, d.IntN(12))
			for i := range s {
				s[i] = letters[d.IntN(len(letters))]
			}
			return string(s)
		}
		values := map[string]any{}
		for range d.IntN(20) {
			var v any
			switch d.IntN(4) {
			case 0:
				v = text()
			case 1:
				v = hostile[d.IntN(len(hostile))] * float64(1-2*d.IntN(2))
			case 2:
				v = map[string]any{text(): number(), text(): []any{true, text(), number()}}
			default:
				v = number()
			}
			values[text()] = v
		}
		r.Extensions = map[string]any{"com.example.a": values, "com.example.Z": []any{hostile[n%uint64(len(hostile))]}}
		r.Totals.EnergyJ.Value, r.Totals.EnergyJ.High = math.Abs(number()), hostile[d.IntN(len(hostile))]
		r.Run.Name, r.UseCase.Goal = text(), text()
		hold(fmt.Sprint("random ", n), r)
	}
	e, err := proof.ReadEnvelope(bytes.NewReader(envelope(t, everything(t))))
	require.NoError(t, err)
	canonical, err := jcs.Transform(e.Payload)
	require.NoError(t, err)
	assert.Equal(t, string(canonical), string(e.Payload), "the statement too is in its canonical form")
}

// manifest lists the files of a model as OpenSSF Model Signing v1.0 does: each
// with its SHA-256, sorted by name.
func manifest(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		lines = append(lines, fmt.Sprintf("%s %x", filepath.ToSlash(name), sha256.Sum256(content)))
		return err
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A record in a model's folder is a file of the model. Whoever signs the model
// signs it too, and none of our commands may break that.
func TestARecordInAModelsFolderSurvivesModelSigning(t *testing.T) {
	dir := modelFolder(t)
	before := manifest(t, "model")
	for _, args := range [][]string{
		{"sign", "model/run.json", "model", "--key", "team.key", "-o", "run.dsse"},
		{"verify", "run.dsse", "model", "--record", "model/run.json", "--key", "team.key.pub"},
		{"rate", "model/run.json"},
		{"redact", "model/run.json", "-o", "public.json"},
	} {
		r := call("", args...)
		require.Zero(t, r.code, "%v: %s%s", args, r.out, r.err)
		require.Equal(t, before, manifest(t, "model"), "%v: no file of the model is changed", args)
	}
	r := call("", "sign", "model/run.json", "model", "--key", "team.key")
	require.Zero(t, r.code, r.err)
	after := strings.Split(manifest(t, "model"), "\n")
	require.Len(t, after, 5)
	after = slices.DeleteFunc(after, func(line string) bool { return strings.HasPrefix(line, "run.dsse ") })
	assert.Equal(t, before, strings.Join(after, "\n"), "beside the record lies its envelope, and all else is as it was")
	r = call("", "verify", "model/run.dsse", "model", "--key", "team.key.pub")
	assert.Zero(t, r.code, "the envelope is no file of the model, nor is the record, which is in it: %s", r.out)
	assert.NotEmpty(t, dir)
}

// modelFolder is a folder, which it makes the current one, with keys and a model
// that has its record among its files.
func modelFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.MkdirAll("model/weights", 0o755))
	for name, content := range map[string]string{"model/config.json": "{}\n", "model/weights/a.bin": "aaaa", "model/weights/b.bin": "bbbb", "model/run.json": string(encoded(t, measured(t)))} {
		require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
	}
	for name, key := range map[string]ed25519.PrivateKey{"team.key": teamKey, "other.key": otherKey} {
		writeKey(t, name, key)
	}
	return dir
}

// writeKey writes a key as keygen does.
func writeKey(t *testing.T, name string, key ed25519.PrivateKey) {
	t.Helper()
	// RFC 8410, 7: an algorithm and 32 bytes, in frames of fixed length.
	private := append([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}, key.Seed()...)
	public := append([]byte{0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0}, key.Public().(ed25519.PublicKey)...)
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	require.NoError(t, os.WriteFile(name+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644))
}
