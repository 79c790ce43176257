package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// payloadType is the type of the payload of every envelope of this package.
const payloadType = "application/vnd.in-toto+json"

// What an envelope may be at most, so that one from outside cannot exhaust its
// reader: it has room for a record of the largest size, with its files, in
// base64.
const (
	maxEnvelope   = 128 << 20
	maxPayload    = 90 << 20 // in base64, with a hundred signatures
	maxSignatures = 100
)

// Envelope is a DSSE envelope: a payload and who signed it.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature of an envelope. KeyID tells which key made it
// ([KeyID] here, other programs have other ways); nothing vouches for it, so
// that it is used to tell what went wrong, and for nothing else.
type Signature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   []byte `json:"sig"`
}

// ReadEnvelope reads one envelope, of at most 128 MiB and 100 signatures.
// Members that are doubled or of the wrong kind, base64 with anything in it that
// it need not have, and text behind the envelope are errors that wrap
// [OfEnvelope]; unknown members are passed over, as DSSE asks. The payload may
// be of any type and is not looked into.
func ReadEnvelope(r io.Reader) (*Envelope, error) {
	e, wrong, err := readEnvelope(r)
	if wrong != nil {
		err = fmt.Errorf("proof: %w: %w", OfEnvelope, wrong)
	}
	return e, err
}

// readEnvelope tells what is wrong with an envelope apart from what is with its
// reader.
func readEnvelope(r io.Reader) (e *Envelope, wrong, err error) {
	data, err := io.ReadAll(io.LimitReader(r, maxEnvelope+1))
	if err != nil {
		return nil, nil, fmt.Errorf("proof: read envelope: %w", err)
	}
	e, wrong = parseEnvelope(data)
	return e, wrong, nil
}

func parseEnvelope(data []byte) (*Envelope, error) {
	switch {
	case len(data) > maxEnvelope:
		return nil, errors.New("it is larger than 128 MiB")
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return nil, errors.New("it is empty")
	case !utf8.Valid(data):
		return nil, errors.New("it is not UTF-8")
	}
	all, err := members(data)
	if err != nil {
		return nil, err
	}
	e := &Envelope{}
	if e.PayloadType, err = text(all, "payloadType"); err != nil {
		return nil, err
	}
	if e.Payload, err = bytesOf(all, "payload"); err != nil {
		return nil, err
	}
	if all["signatures"] == nil {
		return nil, errors.New(`the member "signatures" is absent`)
	}
	err = each(all["signatures"], func(i int, entry json.RawMessage) error {
		if i == maxSignatures {
			return fmt.Errorf("there are more than %d", maxSignatures)
		}
		s, err := parseSignature(entry)
		if err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		e.Signatures = append(e.Signatures, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	return e, nil
}

func parseSignature(entry []byte) (s Signature, err error) {
	all, err := members(entry)
	if err != nil {
		return s, err
	}
	if _, there := all["keyid"]; there {
		if s.KeyID, err = text(all, "keyid"); err != nil {
			return s, err
		}
	}
	s.Sig, err = bytesOf(all, "sig")
	return s, err
}

// bytesOf are the bytes that a member holds in base64, of the one alphabet or
// the other, as DSSE allows.
func bytesOf(of map[string]json.RawMessage, name string) ([]byte, error) {
	s, err := text(of, name)
	if err != nil {
		return nil, err
	}
	if !strings.ContainsAny(s, "\r\n") { // which encoding/base64 would pass over
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			if b, err := alphabet.Strict().DecodeString(s); err == nil {
				return b, nil
			}
		}
	}
	return nil, fmt.Errorf("the member %q is not base64", name)
}

// Encode writes the envelope as one line of JSON.
func (e *Envelope) Encode(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(e); err != nil {
		return fmt.Errorf("proof: write envelope: %w", err)
	}
	return nil
}

// Sign adds the signature of a key, unless it is there already. The error is of
// a key that is none, or of an envelope that is full.
func (e *Envelope) Sign(key ed25519.PrivateKey) error {
	if len(key) != ed25519.PrivateKeySize {
		return errNoKey
	}
	s := Signature{KeyID: KeyID(key.Public().(ed25519.PublicKey)), Sig: ed25519.Sign(key, e.signed())}
	switch {
	case slices.ContainsFunc(e.Signatures, func(o Signature) bool { return bytes.Equal(o.Sig, s.Sig) }):
	case len(e.Signatures) >= maxSignatures:
		return fmt.Errorf("proof: the envelope has %d signatures, and holds no more", len(e.Signatures))
	default:
		e.Signatures = append(e.Signatures, s)
	}
	return nil
}

var errNoKey = errors.New("proof: this is no Ed25519 key")

// signedBy tells whether one of the signatures is that of a key, whatever key
// it says that it is of.
func (e *Envelope) signedBy(key ed25519.PublicKey, signed []byte) bool {
	return slices.ContainsFunc(e.Signatures, func(s Signature) bool { return ed25519.Verify(key, signed, s.Sig) })
}

// signed is what signatures are made of: the pre-authentication encoding of
// DSSE, protocol.md, which holds the type and the bytes of the payload.
func (e *Envelope) signed() []byte {
	b := append([]byte("DSSEv1 "), strconv.Itoa(len(e.PayloadType))...)
	b = append(append(b, ' '), e.PayloadType...)
	b = append(append(b, ' '), strconv.Itoa(len(e.Payload))...)
	return append(append(b, ' '), e.Payload...)
}
