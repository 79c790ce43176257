package dataset

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Summary is what many runs came to, by groups: how many they were, for how
// long, with how much energy, emissions and water, of the whole group, of a
// run and of a functional unit. Its size depends on the number of groups and of
// factors, not of runs.
//
// Summaries of the same dimensions add up: [Summary.Merge] is associative and
// commutative, and a fresh one is its identity. Nothing is rounded before a
// figure is read, so that all this holds to the bit, for one machine, the
// workers of a cluster, or sites that do not show their records to each other.
// [Summary.MarshalJSON] tells the format in which summaries travel; equal
// summaries are equal bytes.
//
// # Intervals
//
// A group keeps its sums apart by the factors and the meter that a row's
// figures were multiplied by (a cell). A factor that many runs share is one
// unknown for all of them, as in a record (rules R31): a thousand runs on one
// grid are as unsure as one of them, a thousand runs on a thousand grids much
// less. What is shared is told by identity: the id of an [Input], and Row.Meter
// of a meter, which is off by the same wherever one of its kind and error reads.
// This is the cautious side: the part of a meter's error that is its own
// averages out over many devices, and an interval that takes it as shared is
// too wide. One identity with several intervals has the widest of them.
//
// # What is not known
//
// A figure is known of a run if all of the run's rows in the group tell it. A
// row whose figure is unknown, is no number from 0 to 1e150, or rests on a
// factor without usable bounds, is in no sum, and its run counts as unknown: a
// [Sum] says how many runs it covers, and how many not or only in part.
//
// # Bounds of memory
//
// A summary keeps at most 10 000 groups, 100 000 cells and 16 functional units
// a group. Of more, those are kept whose hash is least, and they are kept
// complete; the rest is added up in the group (other), or in the group with
// one interval as wide as the widest. Which they are depends on their names
// alone, and not on the order: a key among the n least of all is among the n
// least of any part that has seen it, and so was never given up by any.
//
// The zero value has no dimensions. A Summary may be used by one goroutine at a
// time.
type Summary struct {
	by     []dimension
	whole  bool // no group divides the rows of a run
	limits limits

	groups map[string]*tally // by joined key
	total  *tally            // of all rows; cells and what adds up over groups is not in it
	others *tally            // of the groups that were not kept; nil if all are
	cells  int               // of all groups, of which some may have to go

	shared      int64 // the fewest runs of what was shared; 0: it was not
	overlapping bool  // a run may count several times in a group

	inputs  []uncertain
	inputAt map[uncertain]int32
	sets    []unitSet
	setAt   map[string]int32
	blends  []blendOf
	blendAt map[blend]int32

	// The run that is being added.
	run, stage     string
	runNo, stageNo uint64
	units          int32 // of the stage
	counts         []float64
	lateUnits      int32
	touched        []*tally
	lately         *[lateBlends]late
	latelyTold     map[string]*tally // by texts as they were told
	buffer         []byte
	rows           []Row
	tabler         tabler
}

// limits bound a summary's memory.
type limits struct{ groups, cells, units int }

var usualLimits = limits{10_000, 100_000, 16}

// Dimension is what runs are told apart by: a column of the flat table, such as
// phase, hardware or month. [Dimensions] lists all.
type Dimension string

// dimension is a Dimension and its column.
type dimension struct {
	name  Dimension
	ofRun bool // the same in all rows of a run
	text  func(*Row) string
}

var dimensions = []dimension{
	{"phase", false, func(r *Row) string { return r.Phase }},
	{"stage", false, func(r *Row) string { return r.Stage }},
	{"kind", true, func(r *Row) string { return r.Kind }},
	{"task", true, func(r *Row) string { return r.Task }},
	{"algorithm", true, func(r *Row) string { return r.Algorithm }},
	{"training_type", true, func(r *Row) string { return r.TrainingType }},
	{"learning_paradigm", true, func(r *Row) string { return r.LearningParadigm }},
	{"framework", true, func(r *Row) string { return r.Framework }},
	{"precision", true, func(r *Row) string { return r.Precision }},
	{"sector", true, func(r *Row) string { return r.SectorCode }},
	{"publisher", true, func(r *Row) string { return r.Publisher }},
	{"licence", true, func(r *Row) string { return r.Licence }},
	{"status", true, func(r *Row) string { return r.Status }},
	{"scope", true, func(r *Row) string { return r.Scope }},
	{"boundary", true, func(r *Row) string { return r.Boundary }},
	{"hardware", false, func(r *Row) string { return r.HardwareModel }},
	{"hardware_vendor", false, func(r *Row) string { return r.HardwareVendor }},
	{"hardware_kind", false, func(r *Row) string { return r.HardwareKind }},
	{"class", false, func(r *Row) string { return r.HardwareClass }},
	{"method", false, func(r *Row) string { return r.Method }},
	{"country", false, func(r *Row) string { return r.Country }},
	{"grid_zone", false, func(r *Row) string { return r.GridZone }},
	{"infrastructure", false, func(r *Row) string { return r.Infrastructure }},
	{"provider", false, func(r *Row) string { return r.Provider }},
	{"region", false, func(r *Row) string { return r.Region }},
	{"month", false, func(r *Row) string { return r.Month }},
	{"year", false, func(r *Row) string { return r.Month[:min(4, len(r.Month))] }},
}

// Dimensions are all dimensions. class is the class that package factors puts a
// model of hardware in; month and year are of the stage's start in UTC.
func Dimensions() []Dimension {
	names := make([]Dimension, len(dimensions))
	for i, d := range dimensions {
		names[i] = d.name
	}
	return names
}

// NewSummary is an empty summary by these dimensions, in this order; without
// any it has one group. An error tells of a dimension that there is not, or
// that is named twice.
func NewSummary(by ...Dimension) (*Summary, error) {
	s := &Summary{whole: true, limits: usualLimits}
	for i, name := range by {
		k := slices.IndexFunc(dimensions, func(d dimension) bool { return d.name == name })
		if k < 0 {
			return nil, fmt.Errorf("dataset: summary: there is no dimension %q; there are %s", name, join(Dimensions()))
		}
		if slices.Contains(by[:i], name) {
			return nil, fmt.Errorf("dataset: summary: dimension %q is named twice", name)
		}
		s.by = append(s.by, dimensions[k])
		s.whole = s.whole && dimensions[k].ofRun
	}
	s.reset()
	return s, nil
}

// reset empties a summary.
func (s *Summary) reset() {
	*s = Summary{
		by: s.by, whole: s.whole, limits: s.limits,
		groups: map[string]*tally{}, total: &tally{}, latelyTold: map[string]*tally{},
	}
	s.forgetBlends()
}

// forgetBlends empties what cells are keyed by.
func (s *Summary) forgetBlends() {
	s.inputs, s.inputAt = make([]uncertain, 1), map[uncertain]int32{} // 0 is none
	s.sets, s.setAt = make([]unitSet, 1), map[string]int32{"": 0}
	s.blends, s.blendAt = nil, map[blend]int32{}
	s.lately, s.stage, s.stageNo = nil, "", s.stageNo+1
	s.units, s.lateUnits = 0, 0
}

// By are the dimensions of the summary.
func (s *Summary) By() []Dimension {
	by := make([]Dimension, len(s.by))
	for i, d := range s.by {
		by[i] = d.name
	}
	return by
}

// Add adds a run: the rows of its record, which must be valid.
func (s *Summary) Add(r *lifecycle.Record) {
	s.tabler.unbounded = true
	s.rows = s.tabler.append(s.rows[:0], r)
	for i := range s.rows {
		s.AddRow(&s.rows[i])
	}
	s.flush()
	clear(s.rows)
	if cap(s.rows) > keptRows {
		s.rows, s.tabler = nil, tabler{}
	}
}

// keptRows bounds the memory that is used again for the next run.
const keptRows = 4 << 10

// Summarise summarises all records of a data set that count, by these
// dimensions, with the workers of the reader. The report tells what became of
// all that was read. An error beside a report is of what stopped the reading.
func Summarise(ctx context.Context, from Reader, paths []string, by ...Dimension) (*Summary, Report, error) {
	return summarise(ctx, from, paths, func() (*Summary, error) { return NewSummary(by...) }, (*Summary).Merge)
}

// summarise adds up all records with an account for each worker.
func summarise[T interface{ Add(*lifecycle.Record) }](ctx context.Context, from Reader, paths []string, begin func() (T, error), merge func(into, part T) error) (all T, report Report, err error) {
	if from.Workers <= 0 {
		from.Workers = runtime.GOMAXPROCS(0)
	}
	parts := make([]T, from.Workers)
	for i := range parts {
		if parts[i], err = begin(); err != nil {
			return all, report, err
		}
	}
	report, err = from.Read(ctx, paths, func(worker int, r *lifecycle.Record) error {
		parts[worker].Add(r)
		return nil
	})
	for _, part := range parts[1:] {
		if err != nil {
			return all, report, err
		}
		err = merge(parts[0], part)
	}
	if err != nil {
		return all, report, err
	}
	return parts[0], report, nil
}

func join[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}
