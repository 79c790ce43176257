package proof

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// maxKey is the most that is read of a key file, in bytes.
const maxKey = 64 << 10

// The types of PEM blocks (RFC 7468).
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// CreateKey makes a key and writes it into two new files: the private key at
// path, as PKCS#8 in PEM, readable by its owner alone (mode 0600), and the
// public one beside it, at path with .pub appended, as SPKI in PEM. Neither may
// be there already: a key that is lost cannot be made again.
func CreateKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("proof: make key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("proof: make key: %w", err)
	}
	if err := writeNew(path, privateBlock, pkcs8, 0o600); err != nil {
		return nil, fmt.Errorf("proof: write key: %w", err)
	}
	if err := writeNew(path+".pub", publicBlock, spki(public), 0o644); err != nil {
		_ = os.Remove(path) // half a pair is of no use
		return nil, fmt.Errorf("proof: write key: %w", err)
	}
	return public, nil
}

// writeNew writes a file that must not be there yet, all of it or none.
func writeNew(path, block string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: block, Bytes: der})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// ReadPrivateKey reads a private key from a file. Where files have owners, one
// that others than its owner may read or write is refused, as ssh does: whoever has read it can sign in its owner's name. For keys from
// elsewhere there is [ParsePrivateKey].
func ReadPrivateKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("proof: read key: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("proof: read key: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, fmt.Errorf("proof: read key: %w", err)
	}
	key, err := ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	if mode := st.Mode(); mode.IsRegular() && mode.Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("proof: read key: others may read this private key (mode %04o): chmod 600 it", mode.Perm())
	}
	return key, nil
}

// ParsePrivateKey reads an Ed25519 private key: PKCS#8 in PEM, as [CreateKey]
// and `openssl genpkey -algorithm ed25519` write it.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	key, err := parse(text, privateBlock, x509.ParsePKCS8PrivateKey)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(ed25519.PrivateKey); ok {
		return key, nil
	}
	return nil, notEd25519(key)
}

// ParsePublicKey reads an Ed25519 public key: SPKI in PEM, as [CreateKey] and
// `openssl pkey -pubout` write it.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	key, err := parse(text, publicBlock, x509.ParsePKIXPublicKey)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, notEd25519(key)
	}
	if err := sound(public); err != nil {
		return nil, err
	}
	return public, nil
}

// parse reads the key of a PEM block, the only one of a text.
func parse(text []byte, want string, key func(der []byte) (any, error)) (any, error) {
	block, rest := pem.Decode(text)
	second, _ := pem.Decode(rest)
	switch {
	case block == nil:
		return nil, errors.New("proof: this is no key in PEM")
	case second != nil:
		return nil, errors.New("proof: there are several keys; give one")
	case block.Type == publicBlock && want == privateBlock:
		return nil, errors.New("proof: this is a public key, and a private one is needed to sign")
	case block.Type == privateBlock && want == publicBlock:
		return nil, errors.New("proof: this is a private key: keep it to yourself, and give the public one (.pub)")
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("proof: this private key is encrypted: decrypt it first, for example with `openssl pkey -in FILE`")
	case block.Type != want:
		return nil, fmt.Errorf("proof: this is a PEM block of type %q, not %q", block.Type, want)
	}
	k, err := key(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("proof: this is no %s: %w", want, err)
	}
	return k, nil
}

func notEd25519(key any) error {
	return fmt.Errorf("proof: this is a key of another kind (%T), not an Ed25519 key", key)
}

// smallOrder are the points of the curve by which anybody can make signatures, as
// a key without its highest bit, in hex. crypto/ed25519 takes them, for no key is
// ever made like that; but somebody who hands one out as theirs could say later
// that they signed nothing. Source: RFC 8032, 5.1, and the list of libsodium.
const smallOrder = `
0000000000000000000000000000000000000000000000000000000000000000
0100000000000000000000000000000000000000000000000000000000000000
26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05
c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
`

// sound finds fault with a key that says nothing of who signed.
func sound(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return errNoKey
	}
	y := slices.Clone(key)
	y[len(y)-1] &= 0x7f
	if strings.Contains(smallOrder, hex.EncodeToString(y)) {
		return errors.New("proof: this key is no secret of anybody's: whoever likes can sign for it")
	}
	return nil
}

// KeyID is the name of a public key: the SHA-256 of its SPKI in DER, in
// lower-case hex, as `openssl pkey -pubin -in FILE -outform DER | sha256sum`
// tells it.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(spki(key))
	return hex.EncodeToString(sum[:])
}

// spki is a public key as SubjectPublicKeyInfo in DER (RFC 8410).
func spki(key ed25519.PublicKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(key) // which knows the type, and takes any bytes
	return der
}
