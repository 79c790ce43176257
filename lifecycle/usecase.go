package lifecycle

// UseCase is what the run was for.
type UseCase struct {
	Sector         *Sector         `json:"sector,omitempty"`
	Purpose        string          `json:"purpose,omitempty"`
	Goal           string          `json:"goal,omitempty"`
	Description    string          `json:"description,omitempty"`
	FunctionalUnit *FunctionalUnit `json:"functional_unit,omitempty"`
}

// Sector is a code of an industry classification.
type Sector struct {
	Scheme string `json:"scheme"` // NACE-2.1, ISIC-4, NAICS-2022
	Code   string `json:"code"`
	Label  string `json:"label,omitempty"`
}

// FunctionalUnit names the unit and the span path whose count divides the
// emissions: the R of the SCI (ISO/IEC 21031).
type FunctionalUnit struct {
	Unit string `json:"unit"`
	Path string `json:"path"`
}

// Technology describes what ran. Kind names the main block; others may be
// there too.
type Technology struct {
	Kind         string        `json:"kind,omitempty"` // ml, iot, dlt, data-pipeline, other
	ML           *ML           `json:"ml,omitempty"`
	IoT          *IoT          `json:"iot,omitempty"`
	DLT          *DLT          `json:"dlt,omitempty"`
	DataPipeline *DataPipeline `json:"data_pipeline,omitempty"`
	Other        *Other        `json:"other,omitempty"`
}

// ML describes a machine-learning model and its training.
type ML struct {
	Task             string        `json:"task,omitempty"`
	Algorithm        *Algorithm    `json:"algorithm,omitempty"`
	Model            *Model        `json:"model,omitempty"`
	BaseModel        *Model        `json:"base_model,omitempty"`
	Parameters       *Parameters   `json:"parameters,omitempty"`
	Layers           *int64        `json:"layers,omitempty"`
	Neurons          *int64        `json:"neurons,omitempty"`
	TrainingType     string        `json:"training_type,omitempty"`
	LearningParadigm string        `json:"learning_paradigm,omitempty"`
	Optimizer        string        `json:"optimizer,omitempty"`
	Epochs           *int64        `json:"epochs,omitempty"`
	Steps            *int64        `json:"steps,omitempty"`
	BatchSize        *int64        `json:"batch_size,omitempty"`
	Precision        string        `json:"precision,omitempty"`
	Framework        *Framework    `json:"framework,omitempty"`
	TrainingRuns     *TrainingRuns `json:"training_runs,omitempty"`
	Tuning           *Tuning       `json:"tuning,omitempty"`
	Datasets         []Dataset     `json:"datasets,omitempty"`
	Evaluation       []Evaluation  `json:"evaluation,omitempty"`
	FLOPs            *float64      `json:"flops,omitempty"`
	Requests         *int64        `json:"requests,omitempty"`
	TokensIn         *int64        `json:"tokens_in,omitempty"`
	TokensOut        *int64        `json:"tokens_out,omitempty"`
}

// Algorithm is the architecture.
type Algorithm struct {
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
	URI  string `json:"uri,omitempty"`
}

// Model is a model artifact.
type Model struct {
	Name    string  `json:"name,omitempty"`
	Version string  `json:"version,omitempty"`
	Digest  *Digest `json:"digest,omitempty"`
	URI     string  `json:"uri,omitempty"`
}

// Digest is a cryptographic digest in lower-case hex.
type Digest struct {
	SHA256 string `json:"sha256"`
}

// Parameters counts a model's parameters (counts, not billions).
type Parameters struct {
	Total     *int64 `json:"total,omitempty"`
	Trainable *int64 `json:"trainable,omitempty"`
	Active    *int64 `json:"active,omitempty"`
}

// Framework is the library that trained or served the model.
type Framework struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// TrainingRuns is the number of runs behind the model that this record speaks
// for.
type TrainingRuns struct {
	Count int64  `json:"count"`
	Role  string `json:"role,omitempty"` // single, search, ensemble, seed
}

// Tuning tells whether and how hyper-parameters were searched.
type Tuning struct {
	Used   bool   `json:"used"`
	Method string `json:"method,omitempty"`
	Trials *int64 `json:"trials,omitempty"`
	Space  string `json:"space,omitempty"`
}

// Dataset is data that went in or came out.
type Dataset struct {
	Role     string  `json:"role"` // train, validation, test, input, output, calibration
	DataType string  `json:"data_type,omitempty"`
	Items    *int64  `json:"items,omitempty"`
	ItemUnit string  `json:"item_unit,omitempty"`
	Bytes    *int64  `json:"bytes,omitempty"`
	Tokens   *int64  `json:"tokens,omitempty"`
	Name     string  `json:"name,omitempty"`
	URI      string  `json:"uri,omitempty"`
	Digest   *Digest `json:"digest,omitempty"`
	Licence  string  `json:"licence,omitempty"`
}

// Evaluation is one metric of the model; its value may be any finite number.
type Evaluation struct {
	Metric    string  `json:"metric"`
	Value     float64 `json:"value"`
	Split     string  `json:"split,omitempty"`
	Direction string  `json:"direction,omitempty"` // higher, lower
}

// IoT describes a fleet of devices.
type IoT struct {
	DeviceClass   string   `json:"device_class,omitempty"`
	Protocol      string   `json:"protocol,omitempty"`
	PowerSource   string   `json:"power_source,omitempty"`
	FleetSize     *int64   `json:"fleet_size,omitempty"`
	DutyCycle     *float64 `json:"duty_cycle,omitempty"`
	SamplePeriodS *float64 `json:"sample_period_s,omitempty"`
	Messages      *int64   `json:"messages,omitempty"`
	BytesSent     *int64   `json:"bytes_sent,omitempty"`
	BatteryJ      *float64 `json:"battery_j,omitempty"`
	SleepPowerW   *float64 `json:"sleep_power_w,omitempty"`
}

// DLT describes a distributed ledger.
type DLT struct {
	Network      string     `json:"network,omitempty"`
	Consensus    *Consensus `json:"consensus,omitempty"`
	NodeRole     string     `json:"node_role,omitempty"`
	Nodes        *int64     `json:"nodes,omitempty"`
	Transactions *int64     `json:"transactions,omitempty"`
	Blocks       *int64     `json:"blocks,omitempty"`
	PeriodStart  string     `json:"period_start,omitempty"`
	PeriodEnd    string     `json:"period_end,omitempty"`
	StakeShare   *float64   `json:"stake_share,omitempty"`
	HashRate     *float64   `json:"hash_rate,omitempty"`
}

// Consensus is how a distributed ledger agrees.
type Consensus struct {
	Family    string `json:"family,omitempty"`
	Mechanism string `json:"mechanism,omitempty"`
}

// DataPipeline describes a pipeline without a model.
type DataPipeline struct {
	RecordsIn  *int64   `json:"records_in,omitempty"`
	RecordsOut *int64   `json:"records_out,omitempty"`
	BytesIn    *int64   `json:"bytes_in,omitempty"`
	BytesOut   *int64   `json:"bytes_out,omitempty"`
	Sources    []string `json:"sources,omitempty"`
	Engine     string   `json:"engine,omitempty"`
}

// Other describes what fits no other block.
type Other struct {
	Description string `json:"description"`
}
