package lifecycle

import (
	"slices"
	"strings"
)

// Phase is a phase of the life cycle. Training, inference and use are phases
// of an AI service (ISO/IEC 22989, 5338); production and end-of-life are
// phases of its devices (ITU-T L.1801).
type Phase string

// The phases.
const (
	PhaseProduction Phase = "production"
	PhaseTraining   Phase = "training"
	PhaseInference  Phase = "inference"
	PhaseUse        Phase = "use" // where no model is used
	PhaseEndOfLife  Phase = "end-of-life"
	PhaseUnassigned Phase = "unassigned"
)

// Stage is a part of a phase, such as training/fine-tuning.
type Stage string

// The stages.
const (
	Production     Stage = "production"
	RawMaterials   Stage = "production/raw-materials"
	Manufacturing  Stage = "production/manufacturing"
	Transport      Stage = "production/transport"
	Design         Stage = "training/design"
	DataProduction Stage = "training/data-production"

	TrainingDataStorage  Stage = "training/data-storage"
	DataPreparation      Stage = "training/data-preparation"
	PreTraining          Stage = "training/pre-training"
	Training             Stage = "training/training"
	FineTuning           Stage = "training/fine-tuning"
	Reinforcement        Stage = "training/reinforcement"
	HyperparameterTuning Stage = "training/tuning"
	Compression          Stage = "training/compression"
	ModelEvaluation      Stage = "training/evaluation"

	Deployment           Stage = "inference/deployment"
	Serving              Stage = "inference/serving"
	Batch                Stage = "inference/batch"
	Retrieval            Stage = "inference/retrieval"
	InferenceDataStorage Stage = "inference/data-storage"
	Monitoring           Stage = "inference/monitoring"

	Operation  Stage = "use/operation"
	Collection Stage = "use/collection"
	Processing Stage = "use/processing"
	Storage    Stage = "use/storage"
	Transfer   Stage = "use/transfer"

	EndOfLife          Stage = "end-of-life"
	EndOfLifeTransport Stage = "end-of-life/transport"
	Treatment          Stage = "end-of-life/treatment"
	Retirement         Stage = "end-of-life/retirement"
	Unassigned         Stage = "unassigned"
)

var phases = []Phase{
	PhaseProduction, PhaseTraining, PhaseInference, PhaseUse, PhaseEndOfLife, PhaseUnassigned,
}

var stages = []Stage{
	Production, RawMaterials, Manufacturing, Transport,
	Design, DataProduction, TrainingDataStorage, DataPreparation, PreTraining, Training,
	FineTuning, Reinforcement, HyperparameterTuning, Compression, ModelEvaluation,
	Deployment, Serving, Batch, Retrieval, InferenceDataStorage, Monitoring,
	Operation, Collection, Processing, Storage, Transfer,
	EndOfLife, EndOfLifeTransport, Treatment, Retirement,
	Unassigned,
}

// Valid reports whether p is one of the phases above.
func (p Phase) Valid() bool { return slices.Contains(phases, p) }

// Valid reports whether s is one of the stages above.
func (s Stage) Valid() bool { return slices.Contains(stages, s) }

// Phase is the first part of the stage's name.
func (s Stage) Phase() Phase {
	phase, _, _ := strings.Cut(string(s), "/")
	return Phase(phase)
}

// in reports whether s.Phase() is p, sooner.
func (s Stage) in(p Phase) bool {
	n := len(p)
	return len(s) >= n && Phase(s[:n]) == p && (len(s) == n || s[n] == '/')
}

// Device reports whether s is a stage of the devices' life cycle, whose figures
// are shares of what their production or end of life costs, rather than of a
// service's, whose figures are operational. Retiring a service is operational.
func (s Stage) Device() bool {
	return s.in(PhaseProduction) || s.in(PhaseEndOfLife) && s != Retirement
}
