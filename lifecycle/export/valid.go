package export

import (
	"fmt"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// valid tells why a record cannot be relied on, nil if it can.
func valid(r *lifecycle.Record) error {
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			return fmt.Errorf("export: the record is not valid: %v", f)
		}
	}
	return nil
}
