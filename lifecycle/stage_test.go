package lifecycle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASpanLandsInTheStageThatItsNameStandsFor(t *testing.T) {
	for name, want := range map[string]Stage{
		// the words that programs use most
		"train": Training, "training": Training, "Train": Training, "trained": Training, "fit": Training, "fitting": Training,
		"epoch": Training, "epoch 3": Training, "epoch_03": Training, "epoch12": Training, "train_model": Training,
		"trainModel": Training, "train-step": Training, "modelTraining": Training, "model training": Training,
		"retrain": Training, "TRAIN": Training, "fit/epoch": Training,
		"prepare": DataPreparation, "preprocess": DataPreparation, "pre-process": DataPreparation, "pre_processing": DataPreparation,
		"clean": DataPreparation, "data cleaning": DataPreparation, "load data": DataPreparation, "load_data": DataPreparation,
		"loadData": DataPreparation, "load training data": DataPreparation, "Load the training dataset": DataPreparation,
		"download": DataPreparation, "download dataset": DataPreparation, "load": DataPreparation,
		"prepare test data": DataPreparation, "train-test split": DataPreparation,
		"collect": DataProduction, "collect data": DataProduction, "label images": DataProduction, "labelling": DataProduction,
		"labeled": DataProduction, "annotate": DataProduction,
		"pretrain": PreTraining, "pre-train": PreTraining, "Pre-Training": PreTraining,
		"finetune": FineTuning, "fine-tune": FineTuning, "fine_tuning": FineTuning, "fineTuning": FineTuning, "lora": FineTuning,
		"rlhf": Reinforcement, "RLHF": Reinforcement, "reinforcement learning": Reinforcement,
		"tune": HyperparameterTuning, "search": HyperparameterTuning, "hyperparameter search": HyperparameterTuning,
		"hyper-parameter tuning": HyperparameterTuning, "grid-search": HyperparameterTuning,
		"prune": Compression, "quantise": Compression, "quantize": Compression, "quantization": Compression,
		"distil": Compression, "distillation": Compression, "compress model": Compression,
		"eval": ModelEvaluation, "evaluate": ModelEvaluation, "evaluation": ModelEvaluation, "test": ModelEvaluation,
		"validate": ModelEvaluation, "validation": ModelEvaluation, "evaluate fine-tuned model": ModelEvaluation,
		"deploy": Deployment, "export model": Deployment,
		"serve": Serving, "serving": Serving, "infer": Serving, "inference": Serving, "inferring": Serving, "predict": Serving,
		"prediction": Serving, "request": Serving, "POST /request": Serving, "HTTPRequest": Serving,
		"batch-predict": Batch, "batch inference": Batch, "predict batch": Batch,
		"retrieve": Retrieval, "embed": Retrieval, "rag": Retrieval, "vector search": Retrieval,
		"monitor": Monitoring, "drift detection": Monitoring,
		"ingest": Collection, "collect sensor readings": Collection, "etl": Processing, "transmit": Transfer, "persist events": Storage,
		"retire": Retirement, "archive": Retirement, "delete": Retirement, "delete old model": Retirement, "decommissioned": Retirement,

		// words that only look like one, or mean something else
		"latest": "", "contest": "", "constraint": "", "strain": "", "profit": "", "benefit": "", "observer": "", "conserve": "",
		"dragon": "", "research": "", "fortune": "", "preserve": "", "mediate": "", "unrequested": "",
		"batch": "", "batch 7": "", "step": "", "main": "", "load config": "", "load checkpoint": "", "clean up": "", "cleanup": "",
		"cleaning up": "", "delete temp files": "", "search index": "", "operating system": "", "test data": "",
		"compress logs": "", "prune branches": "", "": "", " ": "", "123": "", "~/": "", "été": "", "\xff": "",
	} {
		assert.Equal(t, want, StageOf(name), "span %q", name)
	}
}

func TestTheTableOfStageOfIsWhatItDoes(t *testing.T) {
	documented := stageTable(t)
	for _, row := range stageTerms {
		if row.stage == "" {
			continue
		}
		assert.Equal(t, row.terms, documented[row.stage], "the doc comment's row of %s", row.stage)
		delete(documented, row.stage)
		for term := range strings.SplitSeq(row.terms, ", ") {
			name := strings.NewReplacer("(", "", ")", "", "+", "", "~", "").Replace(term)
			assert.Equal(t, row.stage, StageOf(name), "the term %q, and no other row before it", term)
			assert.Equal(t, row.stage, StageOf(strings.ToUpper(strings.ReplaceAll(name, " ", "_"))), "the term %q in capitals", term)
		}
	}
	assert.Empty(t, documented, "rows of the doc comment that the code lacks")
}

// stageTable reads the table from StageOf's doc comment.
func stageTable(t *testing.T) map[Stage]string {
	src, err := os.ReadFile("stageof.go")
	require.NoError(t, err)
	file, err := parser.ParseFile(token.NewFileSet(), "stageof.go", src, parser.ParseComments)
	require.NoError(t, err)
	table := map[Stage]string{}
	var at Stage
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "StageOf" {
			continue
		}
		for line := range strings.SplitSeq(f.Doc.Text(), "\n") {
			rest, ok := strings.CutPrefix(line, "\t")
			if !ok {
				continue
			}
			if !strings.HasPrefix(rest, " ") {
				name, terms, _ := strings.Cut(rest, " ")
				at, rest = Stage(name), terms
			}
			table[at] = strings.TrimSpace(table[at] + " " + strings.TrimSpace(rest))
		}
	}
	return table
}

func TestAStageKnowsItsPhaseAndItsAxis(t *testing.T) {
	for _, s := range stages {
		assert.True(t, s.Valid(), s)
		assert.True(t, s.Phase().Valid(), s)
		assert.Equal(t, s == Production || s == RawMaterials || s == Manufacturing || s == Transport ||
			s == EndOfLife || s == EndOfLifeTransport || s == Treatment, s.Device(), "%s belongs to the devices", s)
	}
	assert.Equal(t, PhaseTraining, FineTuning.Phase())
	assert.Equal(t, PhaseUnassigned, Unassigned.Phase())
	assert.False(t, Stage("training/fine_tuning").Valid())
	assert.False(t, Stage("").Valid())
	assert.False(t, Phase("learning").Valid())
}

func FuzzStageOf(f *testing.F) {
	for _, s := range []string{"train", "HTTPServe", "fit/epoch", "\xff~", "Ⓐ batch-predict 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if s := StageOf(name); s != "" {
			assert.True(t, s.Valid(), "StageOf(%q) = %q", name, s)
			assert.Equal(t, s, StageOf(" "+name+" "), "blanks around %q say nothing", name)
		}
	})
}
