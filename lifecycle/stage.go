package lifecycle

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

	TrainingDataStorage Stage = "training/data-storage"
	DataPreparation     Stage = "training/data-preparation"
	PreTraining         Stage = "training/pre-training"
	Training            Stage = "training/training"
	FineTuning          Stage = "training/fine-tuning"
	Reinforcement       Stage = "training/reinforcement"
	HyperTuning         Stage = "training/tuning"
	Compression         Stage = "training/compression"
	EvaluationStage     Stage = "training/evaluation"

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
