package proof

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Sign makes the envelope in which the owner of a key vouches for a record and
// for the files that it is of ([Subjects]). Without files the record itself is
// the subject: in-toto demands one. The same record, subjects and key give the
// same envelope.
//
// A record that lifecycle.Validate finds fault with is not signed; the error
// wraps [OfSchema] or [OfArithmetic] and tells the first finding. So is none
// whose subjects have no proper digest or not each a name of its own
// ([OfSubject]). Sign changes neither.
func Sign(r *lifecycle.Record, subjects []Subject, key ed25519.PrivateKey) (*Envelope, error) {
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			return nil, fmt.Errorf("proof: sign: %w: %s", of(f), f)
		}
	}
	predicate, err := r.Canonical()
	if err != nil {
		return nil, fmt.Errorf("proof: sign: %w", err)
	}
	if len(subjects) == 0 {
		own, err := itself(r)
		if err != nil {
			return nil, fmt.Errorf("proof: sign: %w", err)
		}
		subjects = []Subject{own}
	}
	if err := fit(subjects); err != nil {
		return nil, fmt.Errorf("proof: sign: %w: %w", OfSubject, err)
	}
	s := statement{slices.Clone(subjects), predicate}
	slices.SortFunc(s.subjects, byName)
	e := &Envelope{PayloadType: payloadType, Payload: s.canonical()}
	if len(e.Payload) > maxPayload {
		return nil, fmt.Errorf("proof: sign: record and names of files come to %d bytes, and an envelope holds %d: sign fewer files", len(e.Payload), maxPayload)
	}
	if err := e.Sign(key); err != nil {
		return nil, err
	}
	return e, nil
}
