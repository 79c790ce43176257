// Package beam summarises data sets that are too large for one machine, as
// Apache Beam transforms: the same reading, validation and counting as
// [dataset.Summarise], and the same bytes for the same records. Beam's own Prism
// runner runs them on one machine, and Flink, Spark or Dataflow on many.
//
// [Summarise] builds the transforms. The command ecotracer-beam beside this
// package is a whole program:
//
//	ecotracer-beam --by phase,month -o summary.json PATH…
//
// runs on this machine, by Prism. What else it runs on is a matter of Beam's
// flags (https://beam.apache.org/documentation/runners/capability-matrix):
//
//	--runner=flink    --endpoint=HOST:8099   --environment_type=DOCKER
//	--runner=spark    --endpoint=HOST:8099   --environment_type=DOCKER
//	--runner=dataflow --project=P --region=R --staging_location=gs://B/staging
//
// with the address of the runner's job service, and paths and -o that all workers
// reach (gs://…, or a folder that all have). These three are Beam's ways; of this
// package only Prism was tried.
//
// # How
//
// Whether a document counts may depend on others, anywhere in the data set: a
// later document of its run, the other ranks of its job, a record that counts
// the machine. What could is told by a [dataset.Relation], which a light scan of
// each text finds. Documents without related ones, most of them, are decoded,
// validated and summed up where they are read. The others are brought together,
// those that hang together on one worker, and a [dataset.Reader] decides on them:
// by the same code and the same rules. Summaries are exact, so that it does not
// matter which worker had which records, or in what order.
//
//	list paths, cut files into parts ─ scan ─┬─ relations by key ─ related pairs ─ groups ─┐
//	                                         └─ parts ──────────────────────────────────────┴─ count what is alone ─┬─ sum
//	                                                                                           texts of groups ─ decide ┘
//
// # Limits
//
// Files of lines are cut into parts of 64 MiB, if the file system can seek (that
// of the machine can; that of Google Cloud Storage cannot); all other files are
// read by one worker each, so that many files are better than one. One worker
// holds the relations of one key (in some 100 bytes each: of one device, all runs
// on it), one the list of pairs that are related (150 bytes a document that is),
// and one the texts of documents that hang together. Prism keeps all that workers
// send each other in memory: of a data set in which every seventh document has
// to do with another that was twice as much as the files have (3.3 GB of 1.6 GB),
// of one in which none does 0.2 GB. A file must not change meanwhile: that is an
// error.
//
// Runs at once on one device that booked more than its meter saw, which the
// reader of one machine tells as a conflict ([dataset.BeyondMeter]) and leaves
// none of them out for, are not looked for. Lines of a part that does not begin
// its file are not numbered: their Offset tells where they are.
package beam

import (
	"errors"
	"fmt"
	"time"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Reading is what is summarised, and which records count.
type Reading struct {
	// Files, folders with all below them, and patterns, of any file system that
	// is registered with Beam. Folders are looked into where the file system is
	// that of the machine; elsewhere write a pattern. What a pattern or folder has
	// is read if its name is one of records (see [dataset.Reader.Read]).
	Paths []string

	By []dataset.Dimension // of the summary

	Estimates bool      // as in [dataset.Reader]
	Running   bool      // as in [dataset.Reader]
	Now       time.Time // as in [dataset.Reader]; zero: the time at which Summarise is called

	MaxRecord   int64 // as in [dataset.Reader]
	MaxUnpacked int64 // as in [dataset.Reader]
	PartBytes   int64 // of what a file of lines is cut into; 0: 64 MiB
}

// Results are what comes out.
type Results struct {
	Summary sdk.PCollection // of one Summary
	Report  sdk.PCollection // of one Report
	Refused sdk.PCollection // of dataset.Refusal: each thing that was refused
}

// Summary is a summary that travels between workers.
type Summary struct{ *dataset.Summary }

// Report is a report that travels between workers.
type Report struct{ dataset.Report }

// Summarise adds the reading of records to a pipeline. An error tells of a
// dimension that there is not, or that nothing is to be read.
func Summarise(s sdk.Scope, r Reading) (Results, error) {
	empty, err := dataset.NewSummary(r.By...)
	if err != nil {
		return Results{}, err
	}
	if len(r.Paths) == 0 {
		return Results{}, errors.New("dataset: beam: there are no paths: nothing is to be read")
	}
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	if r.PartBytes <= 0 {
		r.PartBytes = 64 << 20
	}
	var paths []part
	for i, path := range r.Paths {
		paths = append(paths, part{Nth: i, Path: path})
	}
	r.Paths = nil // workers need not know them

	s = s.Scope("ecotracer.Summarise")
	parts, told0, refused0 := sdk.ParDo3(s.Scope("List"), &listFn{Reading: r}, sdk.Reshuffle(s, sdk.CreateList(s, paths)))
	parts = sdk.Reshuffle(s, parts)
	scanned, mentions, told1, refused1 := sdk.ParDo4(s.Scope("Scan"), &scanFn{Reading: r}, parts)
	pairs := sdk.ParDo(s.Scope("Relate"), &relateFn{}, sdk.GroupByKey(s, mentions))
	members := sdk.ParDo(s.Scope("Group"), &groupFn{}, sdk.GroupByKey(s, pairs))
	texts, sum2, told2, refused2 := sdk.ParDo4(s.Scope("Count"), &countFn{Reading: r}, sdk.CoGroupByKey(s, scanned, members))
	sum3, told3, refused3 := sdk.ParDo3(s.Scope("Decide"), &decideFn{Reading: r}, sdk.GroupByKey(s, texts))

	sums := sdk.Flatten(s, sdk.Create(s, Summary{empty}), sum2, sum3)
	told := sdk.Flatten(s, sdk.Create(s, newReport()), told0, told1, told2, told3)
	return Results{
		Summary: sdk.Combine(s.Scope("Sum"), &sumFn{By: r.By}, sums),
		Report:  sdk.Combine(s.Scope("Report"), &addFn{}, told),
		Refused: sdk.Flatten(s, refused0, refused1, refused2, refused3),
	}, nil
}

// reader is the reader by whose rules records count.
func (r *Reading) reader() dataset.Reader {
	return dataset.Reader{
		Workers: 1, Estimates: r.Estimates, Running: r.Running, Now: r.Now, MaxRecord: r.MaxRecord, MaxUnpacked: r.MaxUnpacked,
	}
}

// sumFn merges summaries.
type sumFn struct{ By []dataset.Dimension }

func (f *sumFn) CreateAccumulator() (Summary, error) {
	s, err := dataset.NewSummary(f.By...)
	return Summary{s}, err
}

func (f *sumFn) MergeAccumulators(a, b Summary) (Summary, error) {
	if err := a.Merge(b.Summary); err != nil {
		return a, fmt.Errorf("dataset: beam: %w", err)
	}
	return a, nil
}
