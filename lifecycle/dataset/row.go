package dataset

import "time"

// Row is one line of the flat table of a data set: what one stage of one run
// used of one entry of hardware, by one meter. Rows of device stages
// (production, end-of-life) hold shares of what the devices cost, and of a device
// whose production is unknown that it is. [Columns]
// tells of each column its name, type, unit and meaning; names and types are
// stable: columns are only added.
//
// Rows of one run follow one another, and among them those of one stage. What
// tells of the run or the stage is the same in each of its rows: stage_s and
// units must not be added up over the rows of a stage, run_s not over those of
// a run. The other figures are the row's own and add up to the stage's and the
// run's.
//
// A nil pointer, an empty text and an empty map are unknown or not applicable,
// never zero. Bounds are those of the 95 % interval. A Row is plain data.
type Row struct {
	// The run.
	RunID      string
	Status     string
	Scope      string
	Boundary   string
	RunS       float64
	StartedAt  *time.Time // of the stage, or the run; UTC
	Month      string     // 2006-01, of StartedAt
	Publisher  string
	Licence    string // of the record
	SectorCode string // scheme:code, NACE-2.1:62.10

	// What ran.
	Kind             string // ml, iot, dlt, data-pipeline, other
	Task             string
	Algorithm        string
	Model            string
	TrainingType     string
	LearningParadigm string
	Framework        string
	Precision        string
	Parameters       *int64
	Layers           *int64
	Epochs           *int64
	Steps            *int64
	BatchSize        *int64
	TrainingItems    *int64 // of the first data set of role train

	// Where.
	Country        string
	GridZone       string
	Infrastructure string
	Provider       string
	Region         string

	// Which part of the life cycle.
	Phase  string
	Stage  string
	StageS *float64
	Units  map[string]int64 // functional units of the stage: counts of the outermost spans that tell the unit

	// On what.
	HardwareKind   string
	HardwareVendor string
	HardwareModel  string
	HardwareClass  string // gpu-datacentre, cpu-server, node, …
	HardwareCount  *int64
	Share          *float64
	UseS           *float64
	DeviceS        *float64 // count × use_s × share; of operational stages, so that it adds up
	AllocatedS     *float64 // device-seconds that a share of production or end of life is for

	// How the energy was obtained.
	Method     string // metered, counter, modelled, declared
	Sensor     string // rapl, nvml, …
	Meter      string // identity of the meter's error, as Input.ID is of a factor's; "" if Service is what is uncertain
	MeterError *float64

	// What it came to.
	Energy      Figure
	Facility    Figure
	Operational Figure
	Embodied    Figure
	Water       Figure

	ADPe          *float64
	PrimaryEnergy *float64
	Waste         *float64

	// By which factors.
	Grid        Input // its value; with hourly values, their mean
	PUE         Input
	WUE         Input
	EWIF        Input
	Device      Input // production or end of life of one device, gCO2e
	Lifetime    Input
	Utilisation Input
	Service     Input // of stored, transferred and called
}

// Figure is a figure of a row; its columns are named after it: energy_j,
// energy_j_low and energy_j_high. All three are there, or none.
type Figure struct {
	Value, Low, High *float64
}

// Input is a factor that a row was computed by; its columns are named after it:
// grid, grid_low, grid_high and grid_id.
//
// ID is its identity: rows whose factor has the same one share its error,
// whatever its id in their records. It is made of what the factor is a figure
// of (kind, unit, geography, signal, accounting, basis, mix) and who says so
// (source and its year), with the device for what a device took to make and
// discard, and with the value where a source tells several for one purpose.
// Where values of one source differ by time or size (a grid's by the hour or
// year, a device's by what is in it) they have one identity: their errors are
// the same, though their values and bounds are not. Two sources are taken to
// err independently.
type Input struct {
	ID               string  // "" for none
	Value, Low, High float64 // 0 if ID is ""
}
