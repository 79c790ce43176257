package lifecycle

import "github.com/ecotracer/ecotracer/internal/lognormal"

// The inputs of a record's figures and their sums (R31).
type (
	intervals = lognormal.Intervals
	source    = lognormal.Source
	product   = lognormal.Product
	term      = lognormal.Term
)
