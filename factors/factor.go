package factors

// Kind is what a factor is a figure of.
type Kind string

// The kinds that a record may hold (record-rules name their units), and those
// that only the power model reads.
const (
	Grid        Kind = "grid"        // gCO2e/kWh
	PUE         Kind = "pue"         // 1
	WUE         Kind = "wue"         // L/kWh of IT energy
	EWIF        Kind = "ewif"        // L/kWh of electricity
	Residual    Kind = "residual"    // gCO2e/kWh
	InstrumentK Kind = "instrument"  // gCO2e/kWh
	Marginal    Kind = "marginal"    // gCO2e/kWh
	Loss        Kind = "loss"        // 1
	Production  Kind = "production"  // gCO2e (or other impacts) a device
	EndOfLife   Kind = "end-of-life" // gCO2e a device
	Transport   Kind = "transport"   // gCO2e a device
	Lifetime    Kind = "lifetime"    // s
	Utilisation Kind = "utilisation" // 1
	Storage     Kind = "storage"     // Wh/TBh
	Transfer    Kind = "transfer"    // kWh/GB
	Service     Kind = "service"     // Wh or gCO2e a call

	IdlePower Kind = "idle-power" // W a device, or W/B for memory
	FullPower Kind = "full-power" // W a device, all cores busy
)

// Factor is a sourced figure with its unit, its 95 % interval and its validity
// in time and place.
type Factor struct {
	ID    string  `json:"id"`
	Kind  Kind    `json:"kind"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Unit  string  `json:"unit"`

	Geography  string  `json:"geography,omitempty"`
	Signal     string  `json:"signal,omitempty"`     // average, marginal
	Accounting string  `json:"accounting,omitempty"` // location, market
	Basis      string  `json:"basis,omitempty"`      // lifecycle, direct
	Mix        string  `json:"mix,omitempty"`        // production, consumption, residual
	GWP        string  `json:"gwp,omitempty"`        // AR5, AR6, unstated
	ValidFrom  string  `json:"valid_from,omitempty"` // 2006-01-02
	ValidTo    string  `json:"valid_to,omitempty"`
	Series     *Series `json:"series,omitempty"`

	Licence    string `json:"licence,omitempty"`
	Found      Found  `json:"found"`
	Source     string `json:"source"`
	SourceYear int    `json:"source_year"`
	Quality    string `json:"quality"` // A to D
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
	Live        Found = "live"
	DeclaredBy  Found = "declared"
	Exact       Found = "exact"
	Normalised  Found = "normalised"
	Family      Found = "family"
	Class       Found = "class"
	FromRegion  Found = "region"
	FromCountry Found = "country"
	FromWorld   Found = "world"
)
