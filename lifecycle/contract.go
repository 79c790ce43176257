package lifecycle

import "io"

// Check reads one record and validates it.
func Check(r io.Reader) (*Record, []Finding, error) { return nil, nil, nil }

// Validate checks a record against R1 to R40.
func Validate(r *Record) []Finding { return nil }
