package live

import "fmt"

// Secret is a key, a token or a password. It is shown as … however it is
// printed, encoded or logged.
type Secret string

const hidden = "…"

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
