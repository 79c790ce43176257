package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
)

// canonicalisation names the form of JSON that digests of records are made of.
const canonicalisation = "RFC8785"

// Canonical is the record in the canonical form of RFC 8785, without its
// integrity member. Documents that hold the same record have the same
// canonical form, however they are laid out.
func (r *Record) Canonical() ([]byte, error) {
	bare := *r
	bare.Integrity = nil
	e := encoder{buf: roomFor(r), canonical: true}
	if err := e.value(reflect.ValueOf(&bare).Elem()); err != nil {
		return nil, fmt.Errorf("lifecycle: canonical form: %w", err)
	}
	return e.buf, nil
}

// SHA256 is the digest of the record's canonical form in lower-case hex: what
// integrity holds, and by which other records refer to this one.
func (r *Record) SHA256() (string, error) {
	canonical, err := r.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// Seal sets the record's integrity member to its digest, by which [Validate]
// finds any later change. The record must be one that [Encode] can write.
func (r *Record) Seal() error {
	sum, err := r.SHA256()
	if err != nil {
		return err
	}
	r.Integrity = &Integrity{Canonicalisation: canonicalisation, SHA256: sum}
	return nil
}
