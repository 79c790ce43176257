package lifecycle

import (
	"strings"
	"sync"
	"unicode"
)

// StageOf tells the stage that a span's name stands for, or "" if it stands
// for none: such a span has the stage of its parent, and without one it is
// [Unassigned].
//
// The name is taken apart into words, at whatever is no letter and where camel
// case begins one; case does not matter, and words are compared whole: "latest"
// is no test. The first word that begins a term of the table decides, so that
// "evaluate fine-tuned model" is an evaluation; of several terms the longest,
// whose words may have others between them ("load the training data"). A term
// in parentheses must be the whole name.
//
//	training/design            design model, design experiment, (design)
//	training/data-production   collect~ data, data collection, generate~ data, data generation, simulate~ data, synthesise~ data,
//	                           label+~ data, label+~ images, annotate~, annotation, crawl~, (collect~), (label+~)
//	training/data-storage      store~ data, store~ dataset
//	training/data-preparation  prepare~, preparation, preprocess~, pre process~, clean~, load~ data, load~ dataset, load~ images,
//	                           data loading, read~ data, read~ dataset, download~, augment~, augmentation, extract~ features,
//	                           feature extraction, feature engineering, split~ data, split~ dataset, train test split, (load~)
//	training/pre-training      pretrain~, pre train~
//	training/training          train~, fit+~, epoch, epochs, retrain~, learn~, backward, backprop, backpropagation
//	training/fine-tuning       finetune~, fine tune~, sft, lora, qlora, instruction tuning, transfer learning
//	training/reinforcement     reinforce~, reinforcement, rlhf, rlaif, ppo, dpo, grpo
//	training/tuning            tune~, hyperparameter, hyperparameters, hyper parameter, hyperopt, hpo, sweep~, grid search,
//	                           random search, architecture search, bayesian optimisation, (search~)
//	training/compression       compress~ model, model compression, prune~ model, prune~ weights, quantise~, quantisation, distil+~,
//	                           distill~, distillation, (compress~), (compression), (prune~)
//	training/evaluation        evaluate~, evaluation, eval, test~, validate~, validation, benchmark~ model, verify~ model,
//	                           (benchmark~), (verify~), (verification)
//	inference/deployment       deploy~, deployment, export~ model, release~ model, publish~ model, (export~), (release~)
//	inference/serving          serve~, infer+~, inference, predict~, prediction, predictions, request, requests, classify~,
//	                           generate~ text, generate~ tokens, chat, (generate~)
//	inference/batch            batch predict~, batch prediction, batch inference, batch infer+~, batch scoring, predict~ batch,
//	                           infer+~ batch, offline inference
//	inference/retrieval        retrieve~, retrieval, rag, rerank~, embed+~ query, embed+~ documents, embed+~ text, vector search,
//	                           semantic search, similarity search, (embed+~), (embeddings)
//	inference/data-storage     store~ predictions, store~ embeddings
//	inference/monitoring       monitor~, drift
//	use/operation              operate~, operation
//	use/collection             ingest~, ingestion, collect~ readings, collect~ measurements, collect~ metrics, collect~ telemetry,
//	                           sample~ sensor, sample~ sensors, read~ sensor, read~ sensors
//	use/processing             etl, elt, process~ records, process~ events, process~ stream
//	use/storage                store~ records, store~ events, persist~ records, persist~ events
//	use/transfer               transmit+~, transmission, uplink, downlink, replicate~, replication
//	end-of-life/retirement     retire~, retirement, decommission~, archive~ model, archive~ dataset, archive~ service,
//	                           delete~ model, delete~ dataset, delete~ service, (archive~), (delete~)
//
// A tilde stands for the forms of a verb (train, trains, trained, training; a
// plus for a letter that they double), and -ise for -ize as well. What may mean
// other things stands for nothing: "batch", "step", "clean up", "load config",
// "read training log", "operating system", "test data".
func StageOf(name string) Stage {
	v := vocabularyOf()
	ws := words(name)
	if s, ok := v.whole[strings.Join(ws, " ")]; ok {
		return s
	}
	for i, w := range ws {
		best, found := phrase{}, false
		for _, t := range v.begin[w] {
			if (!found || len(t.rest) > len(best.rest)) && follow(ws[i+1:], t.rest) {
				best, found = t, true
			}
		}
		if found {
			return best.stage
		}
	}
	return ""
}

// stageTerms is the table of StageOf.
var stageTerms = []struct {
	stage Stage
	terms string
}{
	{"", "clean~ up, operating system, operating systems, test data, test dataset, training data, training dataset, " +
		"training set, test set, validation set, training log, training logs"},
	{Design, "design model, design experiment, (design)"},
	{DataProduction, "collect~ data, data collection, generate~ data, data generation, simulate~ data, synthesise~ data, " +
		"label+~ data, label+~ images, annotate~, annotation, crawl~, (collect~), (label+~)"},
	{TrainingDataStorage, "store~ data, store~ dataset"},
	{DataPreparation, "prepare~, preparation, preprocess~, pre process~, clean~, load~ data, load~ dataset, load~ images, " +
		"data loading, read~ data, read~ dataset, download~, augment~, augmentation, extract~ features, " +
		"feature extraction, feature engineering, split~ data, split~ dataset, train test split, (load~)"},
	{PreTraining, "pretrain~, pre train~"},
	{Training, "train~, fit+~, epoch, epochs, retrain~, learn~, backward, backprop, backpropagation"},
	{FineTuning, "finetune~, fine tune~, sft, lora, qlora, instruction tuning, transfer learning"},
	{Reinforcement, "reinforce~, reinforcement, rlhf, rlaif, ppo, dpo, grpo"},
	{HyperparameterTuning, "tune~, hyperparameter, hyperparameters, hyper parameter, hyperopt, hpo, sweep~, grid search, " +
		"random search, architecture search, bayesian optimisation, (search~)"},
	{Compression, "compress~ model, model compression, prune~ model, prune~ weights, quantise~, quantisation, distil+~, " +
		"distill~, distillation, (compress~), (compression), (prune~)"},
	{ModelEvaluation, "evaluate~, evaluation, eval, test~, validate~, validation, benchmark~ model, verify~ model, " +
		"(benchmark~), (verify~), (verification)"},
	{Deployment, "deploy~, deployment, export~ model, release~ model, publish~ model, (export~), (release~)"},
	{Serving, "serve~, infer+~, inference, predict~, prediction, predictions, request, requests, classify~, " +
		"generate~ text, generate~ tokens, chat, (generate~)"},
	{Batch, "batch predict~, batch prediction, batch inference, batch infer+~, batch scoring, predict~ batch, " +
		"infer+~ batch, offline inference"},
	{Retrieval, "retrieve~, retrieval, rag, rerank~, embed+~ query, embed+~ documents, embed+~ text, vector search, " +
		"semantic search, similarity search, (embed+~), (embeddings)"},
	{InferenceDataStorage, "store~ predictions, store~ embeddings"},
	{Monitoring, "monitor~, drift"},
	{Operation, "operate~, operation"},
	{Collection, "ingest~, ingestion, collect~ readings, collect~ measurements, collect~ metrics, collect~ telemetry, " +
		"sample~ sensor, sample~ sensors, read~ sensor, read~ sensors"},
	{Processing, "etl, elt, process~ records, process~ events, process~ stream"},
	{Storage, "store~ records, store~ events, persist~ records, persist~ events"},
	{Transfer, "transmit+~, transmission, uplink, downlink, replicate~, replication"},
	{Retirement, "retire~, retirement, decommission~, archive~ model, archive~ dataset, archive~ service, " +
		"delete~ model, delete~ dataset, delete~ service, (archive~), (delete~)"},
}

// phrase is a known term but for its first word.
type phrase struct {
	rest  []string
	stage Stage
}

// vocabulary is the table in the form in which it is looked up.
type vocabulary struct {
	whole map[string]Stage // names
	begin map[string][]phrase
}

var vocabularyOf = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{whole: map[string]Stage{}, begin: map[string][]phrase{}}
	for _, row := range stageTerms {
		for t := range strings.SplitSeq(row.terms, ", ") {
			bare := strings.Trim(t, "()")
			first, rest, _ := strings.Cut(bare, " ")
			for _, w := range forms(first) {
				if bare != t {
					v.whole[w] = row.stage
				} else {
					v.begin[w] = append(v.begin[w], phrase{strings.Fields(rest), row.stage})
				}
			}
		}
	}
	return v
})

// follow tells whether the words of rest occur in ws in this order.
func follow(ws, rest []string) bool {
	for _, w := range ws {
		if len(rest) == 0 {
			break
		}
		for _, f := range forms(rest[0]) {
			if w == f {
				rest = rest[1:]
				break
			}
		}
	}
	return len(rest) == 0
}

// forms are the words that one of the table stands for.
func forms(w string) []string {
	verb, isVerb := strings.CutSuffix(w, "~")
	verb, doubled := strings.CutSuffix(verb, "+")
	all := []string{verb}
	if isVerb {
		stem := verb
		switch {
		case doubled:
			stem += verb[len(verb)-1:]
		case strings.HasSuffix(verb, "e"):
			stem = verb[:len(verb)-1]
		}
		third, past := verb+"s", stem+"ed"
		switch {
		case strings.HasSuffix(verb, "y"):
			third, past = verb[:len(verb)-1]+"ies", verb[:len(verb)-1]+"ied"
		case strings.HasSuffix(verb, "s"):
			third = verb + "es"
		}
		all = append(all, third, past, stem+"ing")
	}
	for _, f := range all {
		if american := strings.NewReplacer("isation", "ization", "ise", "ize", "ising", "izing", "labell", "label").Replace(f); american != f {
			all = append(all, american)
		}
	}
	return all
}

// words takes a name apart, in lower case.
func words(name string) []string {
	var ws []string
	var w []rune
	end := func() {
		if len(w) > 0 {
			ws = append(ws, strings.ToLower(string(w)))
			w = w[:0]
		}
	}
	rs := []rune(name)
	for i, r := range rs {
		if !unicode.IsLetter(r) {
			end()
			continue
		}
		// trainModel, HTTPServe
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])) {
			end()
		}
		w = append(w, r)
	}
	end()
	return ws
}
