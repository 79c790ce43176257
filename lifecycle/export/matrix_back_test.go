package export

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// backs read what a format wrote, and tell how it differs from the record.
var backs = map[string]func(r *lifecycle.Record, text []byte) error{
	"boamps":        backFromBoAmps,
	"codecarbon":    backFromCodeCarbon,
	"cyclonedx":     backFromCycloneDX,
	"cyclonedx-1.6": backFromCycloneDX,
}

// backFromBoAmps: the report carries the record, to the byte.
func backFromBoAmps(r *lifecycle.Record, text []byte) error {
	list, err := ReadBoAmps(bytes.NewReader(text))
	if err != nil || len(list) != 1 {
		return fmt.Errorf("%d records: %w", len(list), err)
	}
	var was, is bytes.Buffer
	if err := errors.Join(lifecycle.Encode(&was, r), lifecycle.Encode(&is, list[0].Record)); err != nil {
		return err
	}
	if !bytes.Equal(was.Bytes(), is.Bytes()) {
		return errors.New("it is another record")
	}
	return nil
}

// backFromCodeCarbon: a line has the energy of the whole run.
func backFromCodeCarbon(r *lifecycle.Record, text []byte) error {
	for row, err := range ReadCodeCarbon(bytes.NewReader(text)) {
		if err != nil {
			return err
		}
		got, err := row.Record()
		if err != nil {
			return err
		}
		return sameJoules(r.Totals.EnergyJ, got.Record.Totals.EnergyJ, got.Record)
	}
	return errors.New("no row")
}

// backFromCycloneDX: an entry has the facility's energy.
func backFromCycloneDX(r *lifecycle.Record, text []byte) error {
	list, err := ReadCycloneDX(bytes.NewReader(text))
	if err != nil || len(list) != 1 {
		return fmt.Errorf("%d records: %w", len(list), err)
	}
	return sameJoules(r.Totals.FacilityEnergyJ, list[0].Record.Totals.FacilityEnergyJ, list[0].Record)
}

// sameJoules holds a record that was read to be valid, and to have the energy.
func sameJoules(was, is lifecycle.Quantity, read *lifecycle.Record) error {
	for _, f := range lifecycle.Validate(read) {
		if !f.Warning {
			return fmt.Errorf("not valid: %s", f)
		}
	}
	if math.Abs(was.Value-is.Value) > 1e-6*max(was.Value, is.Value) {
		return fmt.Errorf("energy %v J, and read %v J", was.Value, is.Value)
	}
	return nil
}
