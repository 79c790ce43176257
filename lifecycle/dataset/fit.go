package dataset

import (
	"cmp"
	"errors"
	"hash/fnv"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Fitter gathers what records tell of runs, for a [Predictor]. Its zero value
// works. It keeps some 300 bytes of each run that it can learn from, of at most
// 200,000 runs of a phase: of more, those whose ids have the least hashes, which
// is a sample that does not depend on the order. It is not safe for concurrent
// use: give each goroutine its own and Merge them.
type Fitter struct {
	runs   [2][]observed // of training, of inference
	seen   [2]int
	scores []scored
	left   map[string]int
	limit  int // of runs, in tests; 0: maxObserved
}

// maxObserved is how many runs of a phase are learned from.
const maxObserved = 200_000

// Outcome is what a run came to.
type Outcome struct {
	DurationS float64          // 0 is unknown
	EnergyJ   float64          // IT energy, within the plan's boundary; 0 is unknown
	Method    lifecycle.Method // of the energy: what is modelled or declared counts for less
	Began     time.Time        // zero is unknown; only a drift over the years is learned from it
}

// take adds up stages.
func (o *Outcome) take(r *lifecycle.Record, entries []*lifecycle.PhaseEntry) {
	if r.Run.Boundary == lifecycle.BoundaryFacility { // joules beyond the devices are in it
		return
	}
	for _, e := range entries {
		if e.EnergyJ == nil {
			o.EnergyJ = 0
			return
		}
		o.EnergyJ += e.EnergyJ.Value
		if methodRank(e.EnergyJ.Method) > methodRank(o.Method) {
			o.Method = e.EnergyJ.Method
		}
	}
}

func methodRank(m lifecycle.Method) int {
	return slices.Index([]lifecycle.Method{"", lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared}, m)
}

// The features that are learned from, as decimal logarithms.
const features = 6

// featureWords say what they are.
var featureWords = [features]string{"parameters", "tokens or items that are seen", "devices", "batch", "layers", "epochs"}

// The kinds of groups that runs are pooled by.
const (
	byModel = iota
	byRegime
	byTask
	byTraining
	bySeries
	groupings
)

// observed is a run as it is learned from.
type observed struct {
	run    string
	hash   uint64
	in     [groupings]string
	x      [features]float64 // NaN if unknown
	ratio  [outcomes]float64 // logarithm of what it was over what physics told, over sigma; NaN if unknown
	sigma  [outcomes]float64
	weight [outcomes]float64
	year   float64 // it began, with the part of the year; NaN if unknown
}

// featuresOf are those of a plan.
func featuresOf(p *Plan) (x [features]float64) {
	flopless := *p
	flopless.FLOP = 0
	seen, what := flopless.seen(p.Stage.Phase() != lifecycle.PhaseInference)
	work := 0.0
	if what == nil {
		work = math.Exp(seen.log)
	}
	n := p.Parameters
	if p.Active > 0 {
		n = p.Active
	}
	for i, v := range [features]float64{n, work, float64(max(p.Count, p.CPUs, 1)), p.Batch, p.Layers, p.Epochs} {
		if x[i] = math.NaN(); v > 0 {
			x[i] = math.Log10(v)
		}
	}
	return x
}

// groupsOf are the groups of a plan.
func groupsOf(p *Plan, ph *physical) [groupings]string {
	return [groupings]string{ph.facts.model, ph.regime, strings.TrimSpace(p.Kind + " " + p.Task), p.TrainingType, p.Series}
}

// phaseAt is the place of a phase among those that are learned.
func phaseAt(p *Plan) int {
	if p.Stage.Phase() == lifecycle.PhaseInference {
		return 1
	}
	return 0
}

// Add takes in a valid record. What it cannot learn from is counted by its
// reason: see [Predictor.Left]. The record is not kept.
func (f *Fitter) Add(r *lifecycle.Record) {
	if r.Run.Status != lifecycle.Complete {
		f.leave("the run is not complete (" + string(r.Run.Status) + ")")
		return
	}
	any := false
	for _, phase := range []lifecycle.Phase{lifecycle.PhaseTraining, lifecycle.PhaseInference} {
		p, o, err := planned(r, phase)
		if errors.Is(err, ErrNothingToPredict) {
			continue
		}
		any = true
		if err != nil {
			f.leave(err.Error())
			continue
		}
		f.Observe(r.Run.ID, p, o)
		if phase == lifecycle.PhaseTraining && r.Technology.ML != nil {
			f.score(r.Run.ID, &p, r.Technology.ML)
		}
	}
	if !any {
		f.leave(ErrNothingToPredict.Error())
	}
}

// maxReasons is how many reasons are kept apart.
const maxReasons = 100

func (f *Fitter) leave(why string) { f.leaveMany(why, 1) }

func (f *Fitter) leaveMany(why string, n int) {
	if f.left == nil {
		f.left = map[string]int{}
	}
	if _, known := f.left[why]; !known && len(f.left) >= maxReasons {
		why = "other reasons"
	}
	f.left[why] += n
}

// Observe takes in a run that no record tells of: its plan, and what it came to.
func (f *Fitter) Observe(run string, p Plan, o Outcome) {
	given := p
	given.Hours, given.MFU, given.Intensity, given.PUE = nil, nil, nil, nil
	ph, err := knownFacts.physics(&given)
	why := ""
	if unknown := (*UnknownError)(nil); errors.As(err, &unknown) {
		why = unknown.Why
		if len(unknown.Missing) > 0 {
			why += ": it lacks " + strings.Join(unknown.Missing, ", and ")
		}
		if ph.facts == nil || ph.facts.unknown != "" || o.DurationS <= 0 || o.EnergyJ <= 0 {
			f.leave(why)
			return
		}
	}
	run, in := strings.Clone(run), groupsOf(&p, &ph)
	for i := range in {
		in[i] = unique.Make(strings.Clone(in[i])).Value() // does not hold on to a record, and is there once
	}
	ob := observed{run: run, hash: runHash(run), in: in, x: featuresOf(&p), year: yearOf(o.Began)}
	learned := false
	for q := range outcomes {
		ob.ratio[q] = math.NaN()
		was := 0.0
		switch {
		case q == ofDuration && ph.timed:
			was = o.DurationS
		case q == ofEnergy && ph.timed:
			was = o.EnergyJ
		case q == ofPower && o.DurationS > 0:
			was = o.EnergyJ / o.DurationS
		}
		ob.weight[q] = 1
		if q != ofDuration {
			switch o.Method {
			case lifecycle.Modelled:
				ob.weight[q] = 0.25
			case lifecycle.Declared:
				ob.weight[q] = 0.5
			}
		}
		is := ph.is[q]
		if was > 0 && !math.IsInf(was, 0) && is.sigma > 0 && !math.IsInf(is.log, 0) {
			ob.ratio[q] = (math.Log(was) - is.log) / is.sigma
			ob.sigma[q] = is.sigma
			learned = true
		}
	}
	if !learned {
		f.leave(cmp.Or(why, "it tells neither how long it took nor how much energy"))
		return
	}
	if !ph.timed {
		f.leave(why + "; only its power is learned from")
	}
	k := phaseAt(&p)
	f.runs[k] = append(f.runs[k], ob)
	f.seen[k]++
	f.trim(k)
}

// trim drops what is beyond the limit.
func (f *Fitter) trim(k int) {
	limit := cmp.Or(f.limit, maxObserved)
	if len(f.runs[k]) < 2*limit {
		return
	}
	f.runs[k] = f.least(k, limit)
}

func (f *Fitter) least(k, limit int) []observed {
	list := f.runs[k]
	slices.SortFunc(list, func(a, b observed) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.run, b.run)) })
	return list[:min(len(list), limit)]
}

// Merge takes in all that another has gathered.
func (f *Fitter) Merge(o *Fitter) {
	for k := range f.runs {
		f.runs[k] = append(f.runs[k], o.runs[k]...)
		f.seen[k] += o.seen[k]
		f.trim(k)
	}
	f.scores = append(f.scores, o.scores...)
	f.trimScores()
	for why, n := range o.left {
		f.leaveMany(why, n)
	}
}

// Fit computes what can be predicted from all that was gathered. The order in
// which that was does not matter.
func (f *Fitter) Fit() *Predictor {
	p := &Predictor{left: map[string]int{}}
	for why, n := range f.left {
		p.left[why] = n
	}
	var wait sync.WaitGroup
	for k := range f.runs {
		p.runs[k] = slices.Clone(f.least(k, cmp.Or(f.limit, maxObserved)))
		p.seen[k] = f.seen[k]
		for q := range outcomes {
			wait.Go(func() { p.models[k][q] = learn(p.runs[k], q) })
		}
	}
	p.scores = slices.Clone(f.scores)
	slices.SortFunc(p.scores, func(a, b scored) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.metric, b.metric)) })
	wait.Wait()
	return p
}

// Fit learns from records, which must be valid and each counted once.
func Fit(records iter.Seq[*lifecycle.Record]) *Predictor {
	var f Fitter
	for r := range records {
		f.Add(r)
	}
	return f.Fit()
}

func runHash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	x := h.Sum64()
	x ^= x >> 32 // FNV leaves the high bits of short texts alike
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return x
}
