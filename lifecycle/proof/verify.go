package proof

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Expect is what an envelope is verified against.
type Expect struct {
	// Keys are those that must have signed, each of them. At least one is
	// needed.
	Keys []ed25519.PublicKey
	// Record is the record's file, to be compared with what was signed; nil if it
	// is not at hand.
	Record io.Reader
	// Files are those at hand ([Subjects]); nil if there are none.
	Files []Subject
	// Partial is set if only some of the files that were signed are at hand.
	Partial bool
}

// Verify verifies an envelope of at most 128 MiB. The error is of a reader, or of
// keys that are none; whatever is wrong with the envelope and what it holds is
// told by the checks, all that can be told at once.
//
// Which key signed is found by trying: what a signature says of its key nobody
// vouches for. It only serves to tell a changed payload from a wrong key.
func Verify(envelope io.Reader, x Expect) (*Verification, error) {
	if len(x.Keys) == 0 {
		return nil, errors.New("proof: verify: no key was given")
	}
	for _, key := range x.Keys {
		if err := sound(key); err != nil {
			return nil, err
		}
	}
	v := &verifier{Expect: x}
	if err := v.verify(envelope); err != nil {
		return nil, err
	}
	return v.result(), nil
}

// verifier is one verification.
type verifier struct {
	Expect
	checks    map[Part]Check
	statement *statement
	record    *lifecycle.Record
	canonical []byte // form of record
}

func (v *verifier) set(p Part, o Outcome, detail string, problems ...Problem) {
	if len(problems) > 0 {
		o, detail = Failed, ""
	}
	if v.checks == nil {
		v.checks = map[Part]Check{}
	}
	v.checks[p] = Check{Part: p, Outcome: o, Detail: detail, Problems: problems}
}

// result tells of all parts in order. Of what nobody vouches for nothing is
// good, and nothing is handed out.
func (v *verifier) result() *Verification {
	r := &Verification{}
	proven := v.checks[OfSignature].Outcome == Good && v.checks[OfEnvelope].Outcome == Good
	for _, p := range parts {
		c, there := v.checks[p]
		if !there {
			c = Check{Part: p, Outcome: NotChecked, Detail: "what comes before it failed"}
		}
		if c.Outcome == Good && p != OfEnvelope && p != OfSignature && !proven {
			c.Outcome, c.Detail = Unproven, "nothing is wrong with it, but nobody vouches for it"
		}
		r.Checks = append(r.Checks, c)
	}
	if proven {
		r.Record = v.record
		if v.statement != nil {
			r.Subjects = v.statement.subjects
		}
	}
	return r
}

func (v *verifier) verify(envelope io.Reader) error {
	e, wrong, err := readEnvelope(envelope)
	switch {
	case err != nil:
		return err
	case wrong != nil:
		v.set(OfEnvelope, Failed, "", Problem{What: wrong.Error()})
		return nil
	}
	v.signature(e)
	if e.PayloadType != payloadType {
		v.set(OfEnvelope, Failed, "", Problem{What: fmt.Sprintf("the payload is of type %.200q, not %q, and so is not looked into", e.PayloadType, payloadType)})
		return nil
	}
	v.set(OfEnvelope, Good, "DSSE, "+payloadType)
	if v.statement, err = parseStatement(e.Payload); err != nil {
		v.set(OfSchema, Failed, "", Problem{What: err.Error()})
		return nil
	}
	if err := v.predicate(); err != nil {
		return err
	}
	if err := v.file(); err != nil {
		return err
	}
	v.files()
	return nil
}

// signature checks that each key has signed.
func (v *verifier) signature(e *Envelope) {
	signed := e.signed()
	var by []string
	var problems []Problem
	for _, key := range v.Keys {
		id := KeyID(key)
		by = append(by, short(id))
		if !e.signedBy(key, signed) {
			problems = append(problems, Problem{id, whyNot(e, id)})
		}
	}
	v.set(OfSignature, Good, "Ed25519, by key "+strings.Join(by, " and "), problems...)
}

// whyNot tells why an envelope has no signature of a key.
func whyNot(e *Envelope, id string) string {
	var others []string
	unnamed := false
	for _, s := range e.Signatures {
		switch {
		case s.KeyID == id && len(s.Sig) != ed25519.SignatureSize:
			return fmt.Sprintf("the signature of this key has %d bytes, not the %d of Ed25519", len(s.Sig), ed25519.SignatureSize)
		case s.KeyID == id:
			return "the signature of this key does not fit: the payload, its type or the signature was changed"
		case s.KeyID == "":
			unnamed = true
		default:
			others = append(others, s.KeyID)
		}
	}
	switch {
	case len(e.Signatures) == 0:
		return "nobody signed"
	case unnamed:
		return "no signature fits this key, and not every signature names its key: either another key signed, or something was changed"
	}
	more := ""
	if len(others) > 1 {
		more = fmt.Sprintf(" and %d more", len(others)-1)
	}
	return fmt.Sprintf("this key did not sign: the signature names the key %.80q%s", others[0], more)
}

// predicate checks the form and the arithmetic of the record.
func (v *verifier) predicate() error {
	record, findings, err := lifecycle.Check(bytes.NewReader(v.statement.predicate))
	if err != nil {
		return fmt.Errorf("proof: verify: %w", err)
	}
	var form, sums []Problem
	for _, f := range findings {
		switch p := (Problem{f.Pointer, finding(f)}); {
		case f.Warning:
		case of(f) == OfArithmetic:
			sums = append(sums, p)
		default:
			form = append(form, p)
		}
	}
	v.set(OfSchema, Good, lifecycle.Schema, form...)
	switch {
	case record == nil:
		v.set(OfArithmetic, NotChecked, "the record cannot be read")
		return nil
	case len(form) > 0 && len(sums) == 0: // what could not be computed was passed over
		v.set(OfArithmetic, NotChecked, "it can only be told of a record that has the form of one")
	default:
		v.set(OfArithmetic, Good, "every figure recomputed", sums...)
	}
	v.record = record
	if v.canonical, err = record.Canonical(); err != nil {
		return fmt.Errorf("proof: verify: %w", err)
	}
	return nil
}

// finding is a finding without its place, which the problem has.
func finding(f lifecycle.Finding) string {
	text := f.Rule + ": " + f.Message
	if f.Found != "" {
		text += ", found " + f.Found
	}
	if f.Expected != "" {
		text += ", expected " + f.Expected
	}
	return text
}

// file compares the record's file with what was signed.
func (v *verifier) file() error {
	if v.Record == nil {
		v.set(OfRecord, NotChecked, "the record's own file was not given")
		return nil
	}
	if v.record == nil {
		return nil
	}
	at, findings, err := lifecycle.Check(v.Record)
	if err != nil {
		return fmt.Errorf("proof: verify: %w", err)
	}
	if at == nil {
		var problems []Problem
		for _, f := range findings {
			problems = append(problems, Problem{f.Pointer, finding(f)})
		}
		v.set(OfRecord, Failed, "", problems...)
		return nil
	}
	canonical, err := at.Canonical()
	if err != nil {
		return fmt.Errorf("proof: verify: %w", err)
	}
	var problems []Problem
	if !bytes.Equal(canonical, v.canonical) {
		problems = differences(canonical, v.canonical)
	} else if sum, _ := at.SHA256(); at.Integrity != nil && at.Integrity.SHA256 != sum {
		problems = []Problem{{"/integrity/sha256", "its seal is not that of the record"}}
	}
	v.set(OfRecord, Good, "the same record, however it is laid out", problems...)
	return nil
}

// files compares the files at hand with the subjects.
func (v *verifier) files() {
	subjects, own := v.statement.subjects, false
	var problems []Problem
	if v.record != nil && len(subjects) == 1 {
		if s, err := itself(v.record); err == nil && subjects[0].Name == s.Name {
			own, subjects = true, nil
			if v.statement.subjects[0] != s {
				problems = append(problems, Problem{s.Name, "it is not the record in the envelope"})
			}
		}
	}
	if v.Files == nil && !own {
		v.set(OfSubject, NotChecked, fmt.Sprintf("no file was given of the %d in the envelope", len(subjects)))
		return
	}
	problems = append(problems, compare(v.Files, subjects, v.Partial)...)
	detail := fmt.Sprintf("%d of the %d files that were signed", len(v.Files), len(subjects))
	if own {
		detail = "the record itself"
	}
	v.set(OfSubject, Good, detail, problems...)
}
