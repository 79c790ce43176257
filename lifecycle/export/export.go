package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Func writes a record in the format of another, and tells what that cannot
// hold. The record must be valid (lifecycle.Validate); it is not changed. On an
// error nothing that is of use has been written.
type Func func(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error)

// Options are what a format needs and a record may lack. What the record tells
// goes before what is said here; the zero value adds nothing.
type Options struct {
	// Record is the name or URL under which the record itself is to be found
	// beside what is exported, "" if it is not. Formats that can refer to it do,
	// with its digest.
	Record string

	Task           string // family of the task: technology.ml.task
	DataType       string // of data that goes in: technology.ml.datasets[].data_type
	Infrastructure string // environments[].infrastructure
	ModelName      string // technology.ml.model.name
	ModelVersion   string // technology.ml.model.version
	ModelURI       string // where the model is to be had: technology.ml.model.uri

	// ModelReleased is when the model was released, zero if that is not known.
	ModelReleased time.Time

	// Bare leaves the record itself out of formats that can hold all of it.
	Bare bool

	// PerStage writes a document for each stage instead of one for the run, each
	// on a line of its own, in formats that describe one of either.
	PerStage bool

	// Style is how the forms are written that are for people ([SCI], [GPAI],
	// [Table]).
	Style Style

	// Spans are the single spans of the run, as tracer.Spans wrote them, for
	// formats that show them; nil if they were not kept.
	Spans io.Reader
}

// InputError tells what a format needs and neither the record nor the options
// say.
type InputError struct {
	Format string
	Inputs []Input
}

// Input is a fact that is asked for.
type Input struct {
	Option string // field of Options that would tell it
	Path   string // JSON Pointer of the member of the record that would
	Want   string // in words
}

// Error names what is missing, and both ways to tell it.
func (e *InputError) Error() string {
	var wants []string
	for _, in := range e.Inputs {
		wants = append(wants, fmt.Sprintf("%s (%s; %s of the record, or Options.%s)", in.Option, in.Want, in.Path, in.Option))
	}
	return "export: " + e.Format + " needs " + strings.Join(wants, ", ")
}

// UnfitError tells that a record is not of the kind that a format is for,
// whatever is told besides: an estimate is no trace, for nothing ran.
type UnfitError struct {
	Format string
	Why    string
}

// Error tells the reason.
func (e *UnfitError) Error() string {
	return "export: the record cannot be written as " + e.Format + ": " + e.Why
}

// Guess is what a reader had to make up, because the format does not tell it.
type Guess struct {
	Path string `json:"path"` // JSON Pointer into the record
	Why  string `json:"why"`  // what was taken, and on what ground
}
