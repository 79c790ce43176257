package main

import (
	"runtime/debug"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// useCase is what the run is for.
func useCase() lifecycle.UseCase {
	return lifecycle.UseCase{
		Sector:         &lifecycle.Sector{Scheme: "NACE-2.1", Code: "72.10", Label: "research and experimental development on natural sciences and engineering"},
		Purpose:        "read handwritten digits",
		Goal:           "show what each part of a model's life cycle costs",
		Description:    "Trains a small network on 8×8 images of handwritten digits, tests it and serves it over HTTP.",
		FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "requests", Path: "serve"},
	}
}

// outcome is what is known only as the work goes on.
type outcome struct {
	datasets           []lifecycle.Dataset
	steps              int
	validationAccuracy float64
	testAccuracy       float64
	requests           int
}

// technology describes the model, how it is trained, and what has come of it
// so far.
func technology(c config, net *mlp, found outcome) lifecycle.Technology {
	ml := &lifecycle.ML{
		Task:             "image-classification",
		Algorithm:        &lifecycle.Algorithm{Name: "multilayer perceptron", Type: "feed-forward neural network"},
		Model:            &lifecycle.Model{Name: "digits-mlp"},
		Parameters:       &lifecycle.Parameters{Total: count(len(net.params)), Trainable: count(len(net.params))},
		Layers:           count(2), // that have weights: hidden and output
		Neurons:          count(net.hidden + classes),
		TrainingType:     "from-scratch",
		LearningParadigm: "supervised",
		Optimizer:        "SGD with momentum",
		Epochs:           count(c.epochs),
		BatchSize:        count(c.batch),
		Precision:        "float64",
		Framework:        gonum(),
		TrainingRuns:     &lifecycle.TrainingRuns{Count: 1, Role: "single"},
		Tuning:           &lifecycle.Tuning{Used: false},
		Datasets:         found.datasets,
	}
	if found.steps > 0 {
		flops := float64(found.steps*c.batch) * net.flops()
		ml.Steps, ml.FLOPs = count(found.steps), &flops
		ml.Evaluation = append(ml.Evaluation, accuracyOn("validation", found.validationAccuracy))
	}
	if found.testAccuracy > 0 {
		ml.Evaluation = append(ml.Evaluation, accuracyOn("test", found.testAccuracy))
	}
	if found.requests > 0 {
		ml.Requests = count(found.requests)
	}
	return lifecycle.Technology{Kind: "ml", ML: ml}
}

func accuracyOn(split string, value float64) lifecycle.Evaluation {
	return lifecycle.Evaluation{Metric: "accuracy", Value: value, Split: split, Direction: "higher"}
}

// datasetOf describes the part of the data set that has this role.
func datasetOf(role string, s images) lifecycle.Dataset {
	return lifecycle.Dataset{
		Role:     role,
		DataType: "image",
		Items:    count(s.len()),
		ItemUnit: "image",
		Name:     "Optical Recognition of Handwritten Digits",
		URI:      "https://doi.org/10.24432/C50P49",
		Licence:  "CC-BY-4.0",
	}
}

// gonum tells which version of gonum the program was built with.
func gonum() *lifecycle.Framework {
	framework := &lifecycle.Framework{Name: "gonum"}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "gonum.org/v1/gonum" {
				framework.Version = module.Version
			}
		}
	}
	return framework
}

func count(n int) *int64 { c := int64(n); return &c }
