package proof

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAKeyIsWrittenForItsOwnerAndReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.key")
	made, err := CreateKey(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		st, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), st.Mode())
	}
	private, err := ReadPrivateKey(path)
	require.NoError(t, err)
	assert.Equal(t, made, private.Public())
	text, err := os.ReadFile(path + ".pub")
	require.NoError(t, err)
	public, err := ParsePublicKey(text)
	require.NoError(t, err)
	assert.Equal(t, made, public)
}

func TestAKeyThatIsThereIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.key")
	_, err := CreateKey(path)
	require.NoError(t, err)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = CreateKey(path)
	assert.ErrorIs(t, err, os.ErrExist)
	require.NoError(t, os.Remove(path))
	_, err = CreateKey(path)
	assert.ErrorIs(t, err, os.ErrExist, "nor the public half of one")
	assert.NoFileExists(t, path, "half a pair is of no use")
	assert.NotEmpty(t, before)
}

func TestAPrivateKeyThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	path := filepath.Join(t.TempDir(), "team.key")
	_, err := CreateKey(path)
	require.NoError(t, err)
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = ReadPrivateKey(path)
		assert.ErrorContains(t, err, "others may read this private key", "%o", mode)
		assert.ErrorContains(t, err, "chmod 600")
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = ReadPrivateKey(path)
	assert.NoError(t, err)
}

func TestWhatIsNoKeyIsRefusedInWords(t *testing.T) {
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	private, err := x509.MarshalPKCS8PrivateKey(ours)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := x509.MarshalPKCS8PrivateKey(curve)
	require.NoError(t, err)
	otherPublic, err := x509.MarshalPKIXPublicKey(curve.Public())
	require.NoError(t, err)
	pair := block(privateBlock, private)
	for name, test := range map[string]struct {
		text            []byte
		private, public string // what is said where such a key is wanted; "" if it is one
	}{
		"nothing":                 {nil, "no key in PEM", "no key in PEM"},
		"text":                    {[]byte("secret"), "no key in PEM", "no key in PEM"},
		"a private key":           {pair, "", "this is a private key: keep it to yourself"},
		"a public key":            {block(publicBlock, spki(public(ours))), "this is a public key", ""},
		"two":                     {bytes.Repeat(pair, 2), "several keys", "several keys"},
		"garbage":                 {block(privateBlock, []byte("garbage")), "this is no PRIVATE KEY", "this is a private key"},
		"encrypted":               {block("ENCRYPTED PRIVATE KEY", private), "encrypted: decrypt it first", "encrypted"},
		"of another kind":         {block(privateBlock, other), "not an Ed25519 key", "this is a private key"},
		"public, of another kind": {block(publicBlock, otherPublic), "this is a public key", "not an Ed25519 key"},
		"a certificate":           {block("CERTIFICATE", other), `a PEM block of type "CERTIFICATE"`, `a PEM block of type "CERTIFICATE"`},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ParsePrivateKey(test.text)
			if test.private == "" {
				require.NoError(t, err)
				assert.Equal(t, ours, key)
			} else {
				assert.ErrorContains(t, err, test.private)
			}
			pub, err := ParsePublicKey(test.text)
			if test.public == "" {
				require.NoError(t, err)
				assert.Equal(t, public(ours), pub)
			} else {
				assert.ErrorContains(t, err, test.public)
			}
		})
	}
}

// A signature that nobody made is that of the neutral element and of 0.
func TestAKeyThatAnybodyCanSignForIsRefused(t *testing.T) {
	forged := make([]byte, ed25519.SignatureSize)
	forged[0] = 1
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(smallOrder, "\n")) {
		key, err := hex.DecodeString(strings.TrimSpace(line))
		require.NoError(t, err)
		for range 2 {
			holds := false
			for i := range 200 {
				holds = holds || ed25519.Verify(key, []byte{byte(i)}, forged)
			}
			assert.True(t, holds, "%x is as weak as is said", key)
			_, err = ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: spki(key)}))
			assert.ErrorContains(t, err, "whoever likes can sign for it")
			_, err = Verify(strings.NewReader("{}"), Expect{Keys: []ed25519.PublicKey{key}})
			assert.ErrorContains(t, err, "whoever likes can sign for it")
			key[31] |= 0x80
			n++
		}
	}
	assert.Equal(t, 14, n)
	assert.NoError(t, sound(public(ours)))
}

// The digest was made by `openssl pkey -pubin -outform DER | sha256sum`.
func TestAKeyIsNamedByTheDigestOfItsSPKI(t *testing.T) {
	assert.Equal(t, "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9", KeyID(public(ours)))
	assert.NotEqual(t, KeyID(public(ours)), KeyID(public(others)))
	assert.Len(t, public(ours), ed25519.PublicKeySize)
}
