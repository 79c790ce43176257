package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/canonical"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// statementType is the type of in-toto Statement v1.
const statementType = "https://in-toto.io/Statement/v1"

// PredicateType is the type of a statement's predicate. It is the name of the
// record's schema, because the predicate is a record and nothing besides: one
// name, one version, and whoever meets the type knows which schema to ask. A
// type URI need not resolve (in-toto, field_types.md), and a URN promises no
// address that could change hands.
const PredicateType = lifecycle.Schema

// Subject is a file that a record is of.
type Subject struct {
	Name   string `json:"name"`   // with / between folders, from where the files lie together
	SHA256 string `json:"sha256"` // of its bytes, in lower-case hex
}

// statement is what is signed.
type statement struct {
	subjects  []Subject
	predicate json.RawMessage
}

// itself is the subject of a record that is of no file: the bytes of its
// canonical form, by the name of its run.
func itself(r *lifecycle.Record) (Subject, error) {
	sum, err := r.SHA256()
	return Subject{"urn:uuid:" + r.Run.ID, sum}, err
}

// canonical is the statement in the canonical form of RFC 8785.
func (s *statement) canonical() []byte {
	b := canonical.AppendText([]byte(`{"_type":`), statementType)
	b = append(append(b, `,"predicate":`...), s.predicate...)
	b = canonical.AppendText(append(b, `,"predicateType":`...), PredicateType)
	b = append(b, `,"subject":[`...)
	for i, subject := range s.subjects {
		if i > 0 {
			b = append(b, ',')
		}
		b = canonical.AppendText(append(b, `{"digest":{"sha256":`...), subject.SHA256)
		b = canonical.AppendText(append(b, `},"name":`...), subject.Name)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// parseStatement reads the statement that a payload is. Members that are unknown
// are passed over, as in-toto asks.
func parseStatement(payload []byte) (*statement, error) {
	if !utf8.Valid(payload) {
		return nil, errors.New("the payload is not UTF-8")
	}
	all, err := members(payload)
	if err != nil {
		return nil, fmt.Errorf("the payload is no statement: %w", err)
	}
	for _, want := range [][2]string{{"_type", statementType}, {"predicateType", PredicateType}} {
		got, err := text(all, want[0])
		if err != nil {
			return nil, fmt.Errorf("the statement: %w", err)
		}
		if got != want[1] {
			return nil, fmt.Errorf("the statement's %s is %q, not %q", want[0], got, want[1])
		}
	}
	s := &statement{predicate: all["predicate"]}
	if s.predicate == nil {
		return nil, errors.New(`the statement: the member "predicate" is absent`)
	}
	if all["subject"] == nil {
		return nil, errors.New(`the statement: the member "subject" is absent`)
	}
	err = each(all["subject"], func(i int, entry json.RawMessage) error {
		subject, err := parseSubject(entry)
		if err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		s.subjects = append(s.subjects, subject)
		return nil
	})
	if err == nil {
		err = fit(s.subjects)
	}
	if err != nil {
		return nil, fmt.Errorf("the statement's subject: %w", err)
	}
	return s, nil
}

func parseSubject(entry []byte) (s Subject, err error) {
	all, err := members(entry)
	if err != nil {
		return s, err
	}
	if s.Name, err = text(all, "name"); err != nil {
		return s, err
	}
	if all["digest"] == nil {
		return s, errors.New(`the member "digest" is absent`)
	}
	digests, err := members(all["digest"])
	if err != nil {
		return s, fmt.Errorf("digest: %w", err)
	}
	s.SHA256, err = text(digests, "sha256")
	return s, err
}

var sha256Hex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })

// fit tells whether subjects can be those of a statement: there is one, and
// each has a digest and a name of its own.
func fit(subjects []Subject) error {
	if len(subjects) == 0 {
		return errors.New("there is none")
	}
	names := make([]string, len(subjects))
	for i, s := range subjects {
		switch names[i] = s.Name; {
		case s.Name == "" || !utf8.ValidString(s.Name):
			return fmt.Errorf("%d has the name %q: a name is a text in UTF-8", i, s.Name)
		case !sha256Hex().MatchString(s.SHA256):
			return fmt.Errorf("%q has the digest %.80q: a digest is 64 lower-case hex digits", s.Name, s.SHA256)
		}
	}
	slices.Sort(names)
	for i := range names[1:] {
		if names[i] == names[i+1] {
			return fmt.Errorf("the name %q is there twice", names[i])
		}
	}
	return nil
}
