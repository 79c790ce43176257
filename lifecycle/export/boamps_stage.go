package export

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// boampsStages are the words of BoAmps' taskStage for our stages. Its own
// examples are datacreation, preprocessing, training, finetuning, inference and
// retraining; the rest is free text. Several of ours are one word there, of
// which the first is what it is read as.
var boampsStages = []struct {
	stage lifecycle.Stage
	word  string
}{
	{lifecycle.Design, "design"},
	{lifecycle.DataProduction, "datacreation"},
	{lifecycle.DataPreparation, "preprocessing"},
	{lifecycle.Training, "training"},
	{lifecycle.PreTraining, "training"},
	{lifecycle.Reinforcement, "training"},
	{lifecycle.FineTuning, "finetuning"},
	{lifecycle.HyperparameterTuning, "hyperparameterTuning"},
	{lifecycle.Compression, "compression"},
	{lifecycle.ModelEvaluation, "evaluation"},
	{lifecycle.Deployment, "deployment"},
	{lifecycle.Serving, "inference"},
	{lifecycle.Batch, "inference"},
	{lifecycle.Retrieval, "retrieval"},
	{lifecycle.Monitoring, "monitoring"},
	{lifecycle.TrainingDataStorage, "dataStorage"},
	{lifecycle.InferenceDataStorage, "dataStorage"},
	{lifecycle.Operation, "operation"},
	{lifecycle.Collection, "collection"},
	{lifecycle.Processing, "processing"},
	{lifecycle.Storage, "storage"},
	{lifecycle.Transfer, "transfer"},
	{lifecycle.Retirement, "retirement"},
	{lifecycle.Unassigned, "other"},
}

// boampsStage is the word for a stage.
func boampsStage(s lifecycle.Stage) string {
	for _, b := range boampsStages {
		if b.stage == s {
			return b.word
		}
	}
	return "other"
}

// stageOfBoAmps is the stage that a report's word stands for, "" if it is none.
func stageOfBoAmps(word string) lifecycle.Stage {
	plain := func(s string) string { return strings.ToLower(betweenWords.Replace(s)) }
	told := plain(word)
	for _, b := range boampsStages {
		if plain(b.word) == told {
			return b.stage
		}
	}
	return lifecycle.StageOf(word)
}

var betweenWords = strings.NewReplacer("-", "", "_", "", " ", "")

// operational are the stages of the service's life cycle that a record has.
func operational(r *lifecycle.Record) (list []*lifecycle.PhaseEntry) {
	for i := range r.Phases {
		if !r.Phases[i].Stage.Device() {
			list = append(list, &r.Phases[i])
		}
	}
	return list
}

// boampsRun joins the words of a run's stages by "+". What no span did is in
// none of them, unless it is all there is.
func boampsRun(r *lifecycle.Record) string {
	var words []string
	for _, p := range operational(r) {
		if w := boampsStage(p.Stage); p.Stage != lifecycle.Unassigned && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return boampsStage(lifecycle.Unassigned)
	}
	return strings.Join(words, "+")
}
