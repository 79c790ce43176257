package dataset

import "time"

// Row is one line of the flat table of a data set: what one stage of one run
// used of one entry of hardware. Rows of device stages (production,
// end-of-life) hold shares of what the devices cost. The names of the columns
// are the tags; they and their types are stable: columns are only added.
//
// Rows of one run follow one another, and among them those of one stage. What
// tells of the run or the stage is the same in each of its rows: stage_s and
// units must not be added up over the rows of a stage, run_s not over those of
// a run. The other figures are the row's own and add up.
//
// A nil pointer, an empty text and an empty map are unknown or not applicable,
// never zero. Bounds are those of the 95 % interval.
type Row struct {
	// The run.
	RunID      string     `parquet:"run_id"`
	Status     string     `parquet:"status,dict"`
	Scope      string     `parquet:"scope,dict"`
	Boundary   string     `parquet:"boundary,dict"`
	RunS       float64    `parquet:"run_s"`
	StartedAt  *time.Time `parquet:"started_at,optional,timestamp(millisecond)"` // of the stage, or the run; UTC
	Month      string     `parquet:"month,dict"`                                 // 2006-01, of started_at
	Publisher  string     `parquet:"publisher,dict"`
	Licence    string     `parquet:"licence,dict"` // of the record
	SectorCode string     `parquet:"sector,dict"`  // scheme:code, NACE-2.1:62.10

	// What ran.
	Kind             string `parquet:"kind,dict"` // ml, iot, dlt, data-pipeline, other
	Task             string `parquet:"task,dict"`
	Algorithm        string `parquet:"algorithm,dict"`
	TrainingType     string `parquet:"training_type,dict"`
	LearningParadigm string `parquet:"learning_paradigm,dict"`
	Framework        string `parquet:"framework,dict"`
	Precision        string `parquet:"precision,dict"`
	Parameters       *int64 `parquet:"parameters,optional"`
	Layers           *int64 `parquet:"layers,optional"`
	Epochs           *int64 `parquet:"epochs,optional"`

	// Where.
	Country        string `parquet:"country,dict"`
	GridZone       string `parquet:"grid_zone,dict"`
	Infrastructure string `parquet:"infrastructure,dict"`
	Provider       string `parquet:"provider,dict"`
	Region         string `parquet:"region,dict"`

	// Which part of the life cycle.
	Phase  string           `parquet:"phase,dict"`
	Stage  string           `parquet:"stage,dict"`
	StageS *float64         `parquet:"stage_s,optional"`
	Units  map[string]int64 `parquet:"units,optional"` // functional units of the stage: counts of the outermost spans that tell the unit

	// On what.
	HardwareKind   string   `parquet:"hardware_kind,dict"`
	HardwareVendor string   `parquet:"hardware_vendor,dict"`
	HardwareModel  string   `parquet:"hardware_model,dict"`
	HardwareClass  string   `parquet:"hardware_class,dict"` // gpu-datacentre, server, …: the class that package factors puts the model in
	HardwareCount  *int64   `parquet:"hardware_count,optional"`
	Share          *float64 `parquet:"share,optional"`
	UseS           *float64 `parquet:"use_s,optional"`
	DeviceS        *float64 `parquet:"device_s,optional"` // count × use_s × share

	// How the energy was obtained.
	Method     string   `parquet:"method,dict"` // metered, counter, modelled, declared
	Meter      string   `parquet:"meter,dict"`  // identity of the error: see Summary
	MeterError *float64 `parquet:"meter_error,optional"`

	// What it came to.
	Energy      Figure `parquet:"energy_j"`
	Facility    Figure `parquet:"facility_energy_j"`
	Operational Figure `parquet:"operational_gco2e"`
	Embodied    Figure `parquet:"embodied_gco2e"`
	Water       Figure `parquet:"water_l"`

	ADPe          *float64 `parquet:"embodied_adpe_kgsbeq,optional"`
	PrimaryEnergy *float64 `parquet:"embodied_primary_energy_j,optional"`
	Waste         *float64 `parquet:"embodied_waste_kg,optional"`

	// By which factors.
	Grid        Input `parquet:"grid"`
	PUE         Input `parquet:"pue"`
	WUE         Input `parquet:"wue"`
	EWIF        Input `parquet:"ewif"`
	Device      Input `parquet:"device"` // production or end of life of one device, gCO2e
	Lifetime    Input `parquet:"lifetime"`
	Utilisation Input `parquet:"utilisation"`
	Service     Input `parquet:"service"` // of stored, transferred and called
}

// Figure is a figure of a row; its columns are named after it: energy_j,
// energy_j_low and energy_j_high.
type Figure struct {
	Value, Low, High *float64
}

// Input is a factor that a row was computed by; its columns are named after it:
// grid, grid_low, grid_high and grid_id. ID is its identity: rows whose factor
// has the same one share its error, whatever the names of it in their records.
type Input struct {
	ID               string
	Value, Low, High float64 // 0 if ID is ""
}
