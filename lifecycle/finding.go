package lifecycle

import "strings"

// Finding is something that is wrong with a record.
type Finding struct {
	Rule     string `json:"rule"`               // R1 to R40
	Pointer  string `json:"pointer"`            // JSON Pointer (RFC 6901) to the member; "" is the document
	Found    string `json:"found,omitempty"`    // what is there
	Expected string `json:"expected,omitempty"` // what should be
	Warning  bool   `json:"warning,omitempty"`  // leaves the record valid
	Message  string `json:"message"`            // the rule that is broken, in words
}

// String is the finding in one line, for people.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Rule)
	if f.Warning {
		b.WriteString(" (warning)")
	}
	b.WriteByte(' ')
	if f.Pointer == "" {
		b.WriteString("(document)")
	} else {
		b.WriteString(f.Pointer)
	}
	b.WriteString(": ")
	b.WriteString(f.Message)
	switch {
	case f.Found != "" && f.Expected != "":
		b.WriteString(" (found " + f.Found + ", expected " + f.Expected + ")")
	case f.Found != "":
		b.WriteString(" (found " + f.Found + ")")
	case f.Expected != "":
		b.WriteString(" (expected " + f.Expected + ")")
	}
	return b.String()
}
