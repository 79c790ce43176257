package proof

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Part is a part of what is verified. It is the error, too, that tells what is
// wrong: [errors.Is] finds it in those of [Sign], [ReadEnvelope] and
// [Verification.Err].
type Part string

// The parts, in the order in which they are told.
const (
	OfEnvelope   Part = "envelope"   // DSSE, and the type of its payload
	OfSignature  Part = "signature"  // by each of the keys
	OfSchema     Part = "schema"     // statement, and form of the record
	OfArithmetic Part = "arithmetic" // sums, products, shares and intervals of the record
	OfRecord     Part = "record"     // the record's file
	OfSubject    Part = "subject"    // the files that the record is of
)

var parts = []Part{OfEnvelope, OfSignature, OfSchema, OfArithmetic, OfRecord, OfSubject}

// Error is the name of the part, which stands before what is wrong with it.
func (p Part) Error() string { return string(p) }

// Outcome is what checking one part came to.
type Outcome string

// The outcomes.
const (
	Good       Outcome = "good"
	Failed     Outcome = "failed"
	Unproven   Outcome = "unproven"    // nothing is wrong with it, but nobody vouches for it
	NotChecked Outcome = "not-checked" // and why is told
)

// Check tells of one part whether it holds.
type Check struct {
	Part     Part      `json:"part"`
	Outcome  Outcome   `json:"outcome"`
	Detail   string    `json:"detail,omitempty"` // what was found good, or why it is neither good nor failed
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is something that is wrong.
type Problem struct {
	At   string `json:"at,omitempty"` // key id, JSON Pointer into the record, or name of a file
	What string `json:"what"`
}

// String is the problem in one line.
func (p Problem) String() string {
	if p.At == "" {
		return p.What
	}
	return p.At + ": " + p.What
}

// Verification is what verifying an envelope came to.
type Verification struct {
	Checks []Check `json:"checks"` // one a part

	// Record is the record that was signed, nil if the signature does not hold
	// or there is none. That it adds up is told by the checks.
	Record *lifecycle.Record `json:"-"`
	// Subjects are those that were signed, likewise.
	Subjects []Subject `json:"-"`
}

// Of is the check of a part.
func (v *Verification) Of(p Part) Check {
	for _, c := range v.Checks {
		if c.Part == p {
			return c
		}
	}
	return Check{Part: p, Outcome: NotChecked}
}

// Err is nil if nothing failed, be it checked or not, else an error for each part that failed, with
// its first problem; they wrap the parts.
func (v *Verification) Err() error {
	var all []error
	for _, c := range v.Checks {
		if c.Outcome != Failed {
			continue
		}
		more := ""
		if n := len(c.Problems) - 1; n > 0 {
			more = fmt.Sprintf(", and %d more", n)
		}
		all = append(all, fmt.Errorf("%w: %s%s", c.Part, c.Problems[0], more))
	}
	return errors.Join(all...)
}

// figures are the rules of a record that recompute or weigh its figures; the
// others are of its form, its references, its times and what it may tell.
const figures = " R9 R10 R11 R13 R14 R15 R16 R17 R18 R19 R20 R21 R22 R23 R24 R25 R26 R27 R28 R29 R30 R31 R32 R36 R37 R38 R39 "

// of tells what a finding makes fail.
func of(f lifecycle.Finding) Part {
	if strings.Contains(figures, " "+f.Rule+" ") {
		return OfArithmetic
	}
	return OfSchema
}
