package dataset

import (
	"errors"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Reassessment is how a record is assessed anew. Of the zero value nothing but
// the data set of factors changes.
type Reassessment struct {
	// Where the run is taken to have been; "" for as it is. With Environment
	// "" all places of a record move.
	Environment string // id
	Country     string // ISO 3166-1 alpha-2
	Subdivision string // ISO 3166-2
	GridZone    string
	Provider    string // with Region: a cloud's
	Region      string

	Own         []factors.Factor // of the user: they go before those of the data set
	PUE         *factors.Factor  // of kind pue
	Instruments []lifecycle.Instrument

	KeepFactors bool      // only what the other fields ask for changes; else all are looked up anew
	CreatedAt   time.Time // of the new document; zero: now
}

// Change is what a re-assessment did to a figure or factor.
type Change struct {
	Pointer string `json:"pointer"` // in the new record
}

// Reassess makes grams anew and keeps joules and device-seconds.
func Reassess(r *lifecycle.Record, how Reassessment) (*lifecycle.Record, []Change, error) {
	return nil, nil, errors.New("dataset: reassess: not yet")
}
