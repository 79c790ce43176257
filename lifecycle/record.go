package lifecycle

import (
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// Schema names the record format; SchemaRevision grows when optional members
// are added to it.
const (
	Schema         = "urn:ecotracer:record:v1"
	SchemaRevision = 0
)

// Record is the metadata record of one run: what ran, on which hardware, for
// how long, with how much energy, in which phase of the life cycle, with what
// emissions, how each figure was obtained and how sure it is.
//
// Units are joules, seconds, watts, grams of CO2 equivalent, litres and bytes.
// A nil pointer or empty string is an absent member: unknown or not
// applicable, never zero. A Record is plain data; it is not safe for
// concurrent modification.
type Record struct {
	Schema         string     `json:"schema"`
	SchemaRevision int        `json:"schema_revision"`
	CreatedAt      time.Time  `json:"created_at"`
	Supersedes     []string   `json:"supersedes,omitempty"` // SHA-256 of the documents this one replaces
	Run            RunInfo    `json:"run"`
	Generator      Generator  `json:"generator"`
	Publisher      Publisher  `json:"publisher"`
	UseCase        UseCase    `json:"use_case"`
	Technology     Technology `json:"technology"`

	Environments []Environment    `json:"environments"`
	Hardware     []Hardware       `json:"hardware"`
	Phases       []PhaseEntry     `json:"phases"`
	Spans        []Span           `json:"spans"`
	Ledger       []LedgerLine     `json:"ledger"`
	Totals       Totals           `json:"totals"`
	Methods      []MethodEntry    `json:"methods"`
	Factors      []factors.Factor `json:"factors"`
	Missing      []Missing        `json:"missing"`
	Warnings     []Warning        `json:"warnings"`
	Amortised    []Amortised      `json:"amortised,omitempty"`

	Extensions map[string]any `json:"extensions"`
	Integrity  *Integrity     `json:"integrity,omitempty"`
}

// Quantity is a figure that is not an identity: the best estimate, its 95 %
// interval and how it was obtained.
type Quantity struct {
	Value  float64 `json:"value"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Method Method  `json:"method"`
}

// Method tells how a figure was obtained.
type Method string

// The methods, from the most to the least direct.
const (
	Metered  Method = "metered"  // an external meter
	Counter  Method = "counter"  // a hardware energy counter
	Modelled Method = "modelled" // computed by a model
	Declared Method = "declared" // stated by a person
)

// Status is the state of the execution that a record describes.
type Status string

// The states of a run.
const (
	Running     Status = "running"
	Complete    Status = "complete"
	Failed      Status = "failed"
	Interrupted Status = "interrupted"
	Estimated   Status = "estimated" // nothing ran: no times, one span a stage
)

// Scope tells whose joules are the run's.
type Scope string

// The scopes.
const (
	ScopeProcess Scope = "process"
	ScopeCgroup  Scope = "cgroup"
	ScopeMachine Scope = "machine"
)

// Boundary is what energy_j covers.
type Boundary string

// The boundaries, from the inside out.
const (
	BoundaryComponent    Boundary = "component"
	BoundaryAccelerators Boundary = "accelerators"
	BoundaryNode         Boundary = "node"
	BoundaryIT           Boundary = "it"
	BoundaryFacility     Boundary = "facility"
)

// RunInfo identifies one execution and tells when it was.
type RunInfo struct {
	ID        string     `json:"id"` // UUIDv7
	Name      string     `json:"name,omitempty"`
	Status    Status     `json:"status"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	DurationS float64    `json:"duration_s"` // monotonic clock
	Scope     Scope      `json:"scope"`

	OtherRunsS      *float64      `json:"other_runs_s,omitempty"` // wall share of other runs of the process
	Boundary        Boundary      `json:"boundary"`
	TraceID         string        `json:"trace_id,omitempty"`
	Parent          string        `json:"parent,omitempty"`
	Rank            *Rank         `json:"rank,omitempty"`
	Segment         *Segment      `json:"segment,omitempty"`
	Merged          []MergedShard `json:"merged,omitempty"`
	Coverage        *float64      `json:"coverage,omitempty"`
	TimeResolutionS *float64      `json:"time_resolution_s,omitempty"`
}

// Rank is the place of one process in a job of several.
type Rank struct {
	Index int `json:"index"`
	Count int `json:"count"`
}

// Segment is one window of a long-running service.
type Segment struct {
	Series string `json:"series"`
	Index  int    `json:"index"`
}

// MergedShard is a record that a merged record was made from.
type MergedShard struct {
	ID        string  `json:"id"`
	Rank      int     `json:"rank"`
	DurationS float64 `json:"duration_s"`
	Digest    string  `json:"digest"`
}

// Generator is the program and factor data set that made the document.
type Generator struct {
	Name           string `json:"name"`
	Version        string `json:"version"`
	FactorsVersion string `json:"factors_version"`
	Go             string `json:"go,omitempty"`
	OS             string `json:"os"`
	Arch           string `json:"arch"`
}

// Publisher is who publishes the record, and how openly.
type Publisher struct {
	Confidentiality string `json:"confidentiality"` // public, internal, confidential, secret
	Name            string `json:"name,omitempty"`
	Division        string `json:"division,omitempty"`
	Project         string `json:"project,omitempty"`
	Contact         string `json:"contact,omitempty"`
	Licence         string `json:"licence,omitempty"`
}

// Environment is one place with one supply of electricity.
type Environment struct {
	ID             string             `json:"id"`
	Country        string             `json:"country,omitempty"` // ISO 3166-1 alpha-2, and XK
	Subdivision    string             `json:"subdivision,omitempty"`
	GridZone       string             `json:"grid_zone,omitempty"`
	PlaceFound     string             `json:"place_found"`              // declared, provider, unknown
	Infrastructure string             `json:"infrastructure,omitempty"` // on-premise, private-cloud, public-cloud, edge, desk, other
	Virtualisation string             `json:"virtualisation,omitempty"` // none, vm, container
	Provider       string             `json:"provider,omitempty"`
	Region         string             `json:"region,omitempty"`
	InstanceType   string             `json:"instance_type,omitempty"`
	Factors        EnvironmentFactors `json:"factors"`
	Instruments    []Instrument       `json:"instruments,omitempty"`
}

// EnvironmentFactors are the ids of the factors that every figure of a place
// uses.
type EnvironmentFactors struct {
	Grid     string `json:"grid"`
	PUE      string `json:"pue"`
	WUE      string `json:"wue,omitempty"`
	EWIF     string `json:"ewif,omitempty"`
	Residual string `json:"residual,omitempty"`
	Marginal string `json:"marginal,omitempty"`
	Loss     string `json:"loss,omitempty"`
}

// Instrument is a market instrument that covers a share of facility energy.
type Instrument struct {
	Kind   string  `json:"kind"` // PPA, GoO, REC, supplier
	Share  float64 `json:"share"`
	Factor string  `json:"factor"`
}

// HardwareKind is the kind of a device.
type HardwareKind string

// The kinds of devices that the tracer itself meets. A record may also hold
// npu, fpga, board, mcu, device and service.
const (
	KindNode    HardwareKind = "node"
	KindCPU     HardwareKind = "cpu"
	KindGPU     HardwareKind = "gpu"
	KindMemory  HardwareKind = "memory"
	KindStorage HardwareKind = "storage"
	KindNetwork HardwareKind = "network"
	KindOther   HardwareKind = "other"
)

// Hardware is one kind of device. Count devices of it are there; every other
// figure is per device.
type Hardware struct {
	ID          string       `json:"id"`
	Environment string       `json:"environment"`
	PartOf      string       `json:"part_of,omitempty"`
	Kind        HardwareKind `json:"kind"`
	Vendor      string       `json:"vendor,omitempty"`
	Model       string       `json:"model,omitempty"`
	ProductID   string       `json:"product_id,omitempty"`
	Count       int          `json:"count"`
	Cores       *int64       `json:"cores,omitempty"`
	Threads     *int64       `json:"threads,omitempty"`
	MemoryBytes *int64       `json:"memory_bytes,omitempty"`
	TDPW        *float64     `json:"tdp_w,omitempty"`
	PowerLimitW *float64     `json:"power_limit_w,omitempty"`
	Instance    []string     `json:"instance,omitempty"`
	Embodied    *Embodied    `json:"embodied,omitempty"`
}

// Embodied names the factors of a device's production and end of life.
type Embodied struct {
	Production  Impacts  `json:"production"`
	EndOfLife   Impacts  `json:"end_of_life"`
	Transport   *Impacts `json:"transport,omitempty"`
	Lifetime    string   `json:"lifetime"`
	Utilisation string   `json:"utilisation"`
	Covers      []string `json:"covers,omitempty"`
}

// Impacts are factor ids by impact category, per device.
type Impacts struct {
	GCO2e          string `json:"gco2e,omitempty"`
	ADPeKgSbeq     string `json:"adpe_kgsbeq,omitempty"`
	PrimaryEnergyJ string `json:"primary_energy_j,omitempty"`
	WasteKg        string `json:"waste_kg,omitempty"`
}

// PhaseEntry is what one stage of the life cycle used.
type PhaseEntry struct {
	Phase     Phase      `json:"phase"`
	Stage     Stage      `json:"stage"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	DurationS *float64   `json:"duration_s,omitempty"`
	Usage     []Usage    `json:"usage"`

	EnergyJ          *Quantity `json:"energy_j,omitempty"`
	FacilityEnergyJ  *Quantity `json:"facility_energy_j,omitempty"`
	OperationalGCO2e *Quantity `json:"operational_gco2e,omitempty"`
	WaterL           *Quantity `json:"water_l,omitempty"`
	EmbodiedImpacts
	MarketGCO2e   *Quantity `json:"market_gco2e,omitempty"`
	MarginalGCO2e *Quantity `json:"marginal_gco2e,omitempty"`
	LossGCO2e     *Quantity `json:"loss_gco2e,omitempty"`
	Profile       []Profile `json:"profile,omitempty"`
}

// EmbodiedImpacts are shares of what the devices' production or end of life
// costs.
type EmbodiedImpacts struct {
	EmbodiedGCO2e          *Quantity `json:"embodied_gco2e,omitempty"`
	EmbodiedADPeKgSbeq     *Quantity `json:"embodied_adpe_kgsbeq,omitempty"`
	EmbodiedPrimaryEnergyJ *Quantity `json:"embodied_primary_energy_j,omitempty"`
	EmbodiedWasteKg        *Quantity `json:"embodied_waste_kg,omitempty"`
}

// Profile is the energy of one environment step by step.
type Profile struct {
	Environment string    `json:"environment"`
	Start       time.Time `json:"start"`
	StepS       float64   `json:"step_s"`
	EnergyJ     []float64 `json:"energy_j"`
}

// Usage is one row of a stage: one device entry as one meter saw it (in
// operational stages), or the device's share (in production and end-of-life).
type Usage struct {
	Hardware string   `json:"hardware"`
	Count    *int     `json:"count,omitempty"`
	Share    *float64 `json:"share,omitempty"`
	ShareBy  string   `json:"share_by,omitempty"` // exclusive, reserved, cores, memory, cpu-time, declared
	UseS     *float64 `json:"use_s,omitempty"`    // time held, busy or idle
	Meter    string   `json:"meter,omitempty"`

	EnergyJ          *Quantity    `json:"energy_j,omitempty"`
	Stored           *Stored      `json:"stored,omitempty"`
	Transferred      *Transferred `json:"transferred,omitempty"`
	Calls            *Calls       `json:"calls,omitempty"`
	Factor           string       `json:"factor,omitempty"`
	OperationalGCO2e *Quantity    `json:"operational_gco2e,omitempty"`

	DeviceS *float64 `json:"device_s,omitempty"`
	EmbodiedImpacts
}

// Stored is what a storage row kept.
type Stored struct {
	Bytes    float64 `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	Replicas float64 `json:"replicas"`
}

// Transferred is what a network row moved.
type Transferred struct {
	Bytes float64 `json:"bytes"`
}

// Calls is what a service row asked for.
type Calls struct {
	Unit  string `json:"unit"`
	Count int64  `json:"count"`
}

// Span is the account of all spans of one path and stage.
type Span struct {
	Path   string          `json:"path"`
	Stage  Stage           `json:"stage"`
	Count  int64           `json:"count"` // ended spans
	Failed int64           `json:"failed"`
	Open   *int64          `json:"open,omitempty"` // open at the checkpoint
	SelfS  float64         `json:"self_s"`         // wall share of the time active
	TotalS float64         `json:"total_s"`        // sum of durations
	MinS   *float64        `json:"min_s,omitempty"`
	P50S   *float64        `json:"p50_s,omitempty"`
	P95S   *float64        `json:"p95_s,omitempty"`
	P99S   *float64        `json:"p99_s,omitempty"`
	MaxS   *float64        `json:"max_s,omitempty"`
	SelfJ  float64         `json:"self_j"`
	TotalJ float64         `json:"total_j"`
	Units  map[string]Unit `json:"units,omitempty"` // by plural unit: samples, tokens
	Flags  []string        `json:"flags,omitempty"`
}

// Unit is a count of functional units and what one of them cost.
type Unit struct {
	Count        int64    `json:"count"`
	JPerUnit     *float64 `json:"j_per_unit,omitempty"`
	GCO2ePerUnit *float64 `json:"gco2e_per_unit,omitempty"`
}

// LedgerLine books each joule of one domain exactly once.
type LedgerLine struct {
	Domain          string   `json:"domain"`
	Hardware        string   `json:"hardware"`
	Meter           string   `json:"meter"`
	Method          Method   `json:"method"`
	Split           string   `json:"split"` // wall, cpu-time, claimed, declared
	TotalJ          float64  `json:"total_j"`
	SpansJ          float64  `json:"spans_j"`
	UnattributedJ   float64  `json:"unattributed_j"`
	OtherRunsJ      *float64 `json:"other_runs_j,omitempty"`
	OtherProcessesJ float64  `json:"other_processes_j"`
	IdleJ           float64  `json:"idle_j"`
	OfWhich         *OfWhich `json:"of_which,omitempty"`
	IdleW           float64  `json:"idle_w"`
	IdleFound       string   `json:"idle_found"` // calibration, declared, factor, unknown
	Booked          *Booked  `json:"booked,omitempty"`
	Samples         int64    `json:"samples"`
	GapS            *float64 `json:"gap_s,omitempty"`
	ExtrapolatedS   *float64 `json:"extrapolated_s,omitempty"`
}

// OfWhich is what process scope would have left out of a machine's figures.
type OfWhich struct {
	OtherProcessesJ float64 `json:"other_processes_j"`
	IdleJ           float64 `json:"idle_j"`
}

// Booked tells by which weights a line's spans_j was given out.
type Booked struct {
	AloneJ   *float64 `json:"alone_j,omitempty"`   // one path active
	WindowJ  *float64 `json:"window_j,omitempty"`  // CPU samples of the window
	RateJ    *float64 `json:"rate_j,omitempty"`    // the paths' last CPU rates
	WallJ    *float64 `json:"wall_j,omitempty"`    // wall share
	ClaimedJ *float64 `json:"claimed_j,omitempty"` // claims on the device
}

// Totals are sums over all phases, each figure by itself.
type Totals struct {
	EnergyJ          Quantity  `json:"energy_j"`
	FacilityEnergyJ  Quantity  `json:"facility_energy_j"`
	OperationalGCO2e Quantity  `json:"operational_gco2e"`
	EmbodiedGCO2e    *Quantity `json:"embodied_gco2e,omitempty"`
	GCO2e            *Quantity `json:"gco2e,omitempty"`
	WaterL           *Quantity `json:"water_l,omitempty"`

	EmbodiedADPeKgSbeq     *Quantity `json:"embodied_adpe_kgsbeq,omitempty"`
	EmbodiedPrimaryEnergyJ *Quantity `json:"embodied_primary_energy_j,omitempty"`
	EmbodiedWasteKg        *Quantity `json:"embodied_waste_kg,omitempty"`
	MarketGCO2e            *Quantity `json:"market_gco2e,omitempty"`
	MarginalGCO2e          *Quantity `json:"marginal_gco2e,omitempty"`
	LossGCO2e              *Quantity `json:"loss_gco2e,omitempty"`

	MeasuredShare float64              `json:"measured_share"`
	PerUnit       *PerUnit             `json:"per_unit,omitempty"`
	ByPhase       map[Phase]PhaseTotal `json:"by_phase"`
}

// PerUnit is emissions per functional unit: (O + M) / R of the SCI, but for the
// utilisation in M.
type PerUnit struct {
	Unit  string   `json:"unit"`
	Count int64    `json:"count"`
	GCO2e Quantity `json:"gco2e"`
}

// PhaseTotal is what one phase came to; members are there if they occur.
type PhaseTotal struct {
	EnergyJ         *Quantity `json:"energy_j,omitempty"`
	FacilityEnergyJ *Quantity `json:"facility_energy_j,omitempty"`
	GCO2e           *Quantity `json:"gco2e,omitempty"`
	WaterL          *Quantity `json:"water_l,omitempty"`
}

// MethodEntry is one meter: how it measured, and how well. Its 95 % interval
// is [v/(1+e), v·(1+e)] with e = RelError, one error for all that it read.
type MethodEntry struct {
	ID        string    `json:"id"`
	Method    Method    `json:"method"`
	Sensor    string    `json:"sensor"`
	Mode      string    `json:"mode,omitempty"`
	SamplingS *float64  `json:"sampling_s,omitempty"`
	Tool      string    `json:"tool,omitempty"`
	Version   string    `json:"version,omitempty"`
	RelError  float64   `json:"rel_error"`
	LeftOut   []LeftOut `json:"left_out,omitempty"`
}

// LeftOut is a domain that was seen and not counted.
type LeftOut struct {
	Domain string `json:"domain"`
	Reason string `json:"reason"` // contained, mirrored, unreadable, refused
}

// Missing is a required member that is unknown, and why.
type Missing struct {
	Path   string `json:"path"` // JSON Pointer
	What   string `json:"what,omitempty"`
	Reason string `json:"reason"` // not-applicable, not-measured, unknown, withheld, redacted
}

// Warning flags a figure that deserves care.
type Warning struct {
	Code   string `json:"code"`
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail,omitempty"`
	Count  *int64 `json:"count,omitempty"`
}

// Amortised is another record's grams carried by this run's use.
type Amortised struct {
	Run        string   `json:"run"`
	Digest     string   `json:"digest,omitempty"`
	What       string   `json:"what"` // training: operational; production: of devices, with their end of life
	Unit       string   `json:"unit"`
	Expected   float64  `json:"expected"`
	Used       float64  `json:"used"`
	GCO2e      Quantity `json:"gco2e"`
	ShareGCO2e Quantity `json:"share_gco2e"`
}

// Integrity is a digest over the record without this member.
type Integrity struct {
	Canonicalisation string `json:"canonicalisation"` // RFC8785
	SHA256           string `json:"sha256"`
}
