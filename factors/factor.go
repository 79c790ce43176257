package factors

// Kind is what a factor is a figure of.
type Kind string

// The kinds that a record may hold, with their units, and at the end those
// that only a power model reads.
const (
	Grid        Kind = "grid"        // gCO2e/kWh, location-based and average
	PUE         Kind = "pue"         // 1, facility energy over IT energy
	WUE         Kind = "wue"         // L/kWh of IT energy, consumed on site
	EWIF        Kind = "ewif"        // L/kWh of electricity, consumed by its generation
	Residual    Kind = "residual"    // gCO2e/kWh of what no instrument covers
	Instrument  Kind = "instrument"  // gCO2e/kWh that a market instrument claims
	Marginal    Kind = "marginal"    // gCO2e/kWh of one more kWh
	Loss        Kind = "loss"        // 1, lost in the grid per unit delivered
	CarbonFree  Kind = "carbon-free" // 1, share that a cloud says is free of carbon: told beside, never subtracted
	Production  Kind = "production"  // gCO2e, kgSbeq, J or kg a device
	EndOfLife   Kind = "end-of-life" // gCO2e, kgSbeq, J or kg a device, no credits
	Transport   Kind = "transport"   // gCO2e, kgSbeq, J or kg a device, maker to user
	Lifetime    Kind = "lifetime"    // s
	Utilisation Kind = "utilisation" // 1, share of the lifetime in use
	Storage     Kind = "storage"     // Wh/TBh
	Transfer    Kind = "transfer"    // kWh/GB
	Service     Kind = "service"     // Wh or gCO2e a call

	IdlePower Kind = "idle-power" // W a device, W/GB, W/thread or W/W of TDP: nothing to do
	FullPower Kind = "full-power" // the same, all of it busy
)

// Factor is a sourced figure with its unit, its 95 % interval and its validity
// in time and place. Its JSON form is an entry of a record's factors.
//
// A Factor is a plain value: copies are independent but for Series, which
// nobody may change.
type Factor struct {
	ID    string  `json:"id"`
	Kind  Kind    `json:"kind"`
	Value float64 `json:"value"` // best estimate
	Low   float64 `json:"low"`   // 95 %
	High  float64 `json:"high"`  // 95 %
	Unit  string  `json:"unit"`

	Geography  string  `json:"geography,omitempty"`  // that the figure describes: ISO 3166-1, ISO 3166-2, world, or a zone of a grid (US-CAMX)
	Signal     string  `json:"signal,omitempty"`     // average, marginal
	Accounting string  `json:"accounting,omitempty"` // location, market
	Basis      string  `json:"basis,omitempty"`      // lifecycle, direct
	Mix        string  `json:"mix,omitempty"`        // production, consumption, residual
	GWP        string  `json:"gwp,omitempty"`        // AR5, AR6, unstated
	ValidFrom  string  `json:"valid_from,omitempty"` // 2006-01-02
	ValidTo    string  `json:"valid_to,omitempty"`
	Series     *Series `json:"series,omitempty"`

	Licence    string `json:"licence,omitempty"` // of the figure, SPDX where there is one
	Found      Found  `json:"found"`
	Source     string `json:"source"`
	SourceYear int    `json:"source_year"`
	Quality    string `json:"quality"` // A to D
}

// Times returns f scaled by x, in another unit: 0.3 W/GB times 64 is 19.2 W.
// x is not negative.
func (f Factor) Times(x float64, unit string) Factor {
	f.Value, f.Low, f.High, f.Unit = f.Value*x, f.Low*x, f.High*x, unit
	return f
}

// Series is a factor's values step by step.
type Series struct {
	Start string    `json:"start"` // RFC 3339
	StepS float64   `json:"step_s"`
	Value []float64 `json:"value"`
}

// Found tells how a factor came to be the one that is used.
type Found string

// The ways, from the closest to the widest.
const (
	Live        Found = "live"       // asked of a grid's interface during the run
	Declared    Found = "declared"   // stated by the operator
	Exact       Found = "exact"      // the very place or model that was asked for
	Normalised  Found = "normalised" // the model, once its name was brought to a common form
	Family      Found = "family"     // models of the same family
	Class       Found = "class"      // things of the same class
	FromRegion  Found = "region"     // the region's figure stands for a place in it
	FromCountry Found = "country"    // the country's figure stands for a region of it
	FromWorld   Found = "world"      // anywhere, or anything of the kind
)
