package export

import (
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Pprof writes a profile for `go tool pprof` with the paths as stacks, so that
// -top, -tree and the flame graph of -http show where the energy went. Every
// stack's own values (pprof's "flat") are
//
//   - energy, in mJ: self_j; what is not any span's is on stacks of its own,
//     (unattributed) and (services);
//   - emissions, in mg CO2e: operational, the stage's grams by self_j;
//   - wall, in ns: self_s;
//   - count: spans that ended.
//
// Sums are the record's: totals.energy_j, totals.operational_gco2e, and the
// run's duration if the spans and what is unassigned make it up. Values are whole
// numbers, so each is rounded such that the sum is right (by largest
// remainder). Labels are stage and phase: -tagfocus=phase=training.
//
// pprof knows no unit of energy. Millijoules are shown as they are; -unit=joules
// writes another name behind the same number. It shortens names that look like
// those of Go functions at their slashes in graphs.
func Pprof(w io.Writer, r *lifecycle.Record, _ Options) ([]Loss, error) {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{
			{Type: "energy", Unit: "millijoules"}, {Type: "emissions", Unit: "milligrams"},
			{Type: "wall", Unit: "nanoseconds"}, {Type: "count", Unit: "count"},
		},
		DefaultSampleType: "energy",
		DurationNanos:     int64(min(r.Run.DurationS, 9e9) * 1e9),
		Comments:          []string{"run " + r.Run.ID + ", boundary " + string(r.Run.Boundary) + ", by ecotracer " + r.Generator.Version},
	}
	var held holding
	held.hold("/run/id", "/run/boundary", "/run/duration_s", "/generator/version", "/spans/*/path", "/spans/*/stage", "/spans/*/count")
	if at := r.Run.StartedAt; at != nil && at.Year() >= 1970 && at.Year() <= 2200 {
		p.TimeNanos = r.Run.StartedAt.UnixNano()
		held.hold("/run/started_at")
	}
	stacks := stacksOf(r)
	var columns [4][]int64
	for n, c := range []struct {
		unit  float64
		value func(*stack) float64
	}{{1e3, func(s *stack) float64 { return s.joules }}, {1e3, func(s *stack) float64 { return s.grams }}, {1e9, func(s *stack) float64 { return s.seconds }}} {
		var err error
		if columns[n], err = wholeNumbers(stacks, c.unit, c.value); err != nil {
			return nil, &UnfitError{"pprof", p.SampleType[n].Type + " " + err.Error()}
		}
	}
	// The tool looks for a program's file of what has no functions, and calls a
	// profile by it.
	p.Mapping = []*profile.Mapping{{ID: 1, File: "ecotracer", HasFunctions: true}}
	frames := frameTable{profile: p, known: map[string]*profile.Location{}}
	labels := map[lifecycle.Stage]map[string][]string{}
	for i := range stacks {
		s := &stacks[i]
		values := []int64{columns[0][i], columns[1][i], columns[2][i], s.count}
		if values[0]|values[1]|values[2]|values[3] == 0 {
			continue
		}
		if labels[s.stage] == nil {
			labels[s.stage] = map[string][]string{"stage": {string(s.stage)}, "phase": {string(s.stage.Phase())}}
		}
		p.Sample = append(p.Sample, &profile.Sample{Location: frames.stack(s.path), Value: values, Label: labels[s.stage]})
	}
	if err := p.CheckValid(); err != nil {
		return nil, err
	}
	if err := p.Write(w); err != nil {
		return nil, err
	}
	losses := held.lost(r)
	for i := range losses {
		if _, member, ok := strings.Cut(strings.TrimPrefix(losses[i].Path, "/spans/"), "/"); ok && member == "self_j" {
			losses[i].Why = "rounded to 1 mJ"
		} else if ok && member == "self_s" {
			losses[i].Why = "rounded to 1 ns"
		}
	}
	return losses, nil
}

// stack is a path of a stage, with what is its own.
type stack struct {
	path    string
	stage   lifecycle.Stage
	joules  float64
	grams   float64
	seconds float64
	count   int64
}

// stacksOf are the accounts, and of each stage what is in none of them: what
// was not attributed, and what services used.
func stacksOf(r *lifecycle.Record) []stack {
	stacks := make([]stack, 0, len(r.Spans)+1)
	spent := map[lifecycle.Stage]*stack{} // the sum of a stage's spans
	for i := range r.Spans {
		s := &r.Spans[i]
		stacks = append(stacks, stack{path: s.Path, stage: s.Stage, joules: s.SelfJ, seconds: s.SelfS, count: s.Count})
		sum := spent[s.Stage]
		if sum == nil {
			sum = &stack{}
			spent[s.Stage] = sum
		}
		sum.joules += s.SelfJ
		sum.seconds += s.SelfS
	}
	perJoule := map[lifecycle.Stage]float64{}
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() || p.EnergyJ == nil {
			continue
		}
		rest := stack{path: "(services)", stage: p.Stage, joules: p.EnergyJ.Value}
		if p.Stage == lifecycle.Unassigned {
			rest.path = "(unattributed)"
			if p.DurationS != nil {
				rest.seconds = *p.DurationS
			}
		}
		if sum := spent[p.Stage]; sum != nil {
			rest.joules -= sum.joules
			rest.seconds = max(0, rest.seconds-sum.seconds)
		}
		if rest.joules < 1e-9*p.EnergyJ.Value {
			rest.joules = 0 // the tolerance of the record's rules
		}
		if q := p.OperationalGCO2e; q != nil {
			if p.EnergyJ.Value > 0 {
				perJoule[p.Stage] = q.Value / p.EnergyJ.Value
				rest.grams = rest.joules * perJoule[p.Stage]
			} else {
				rest.grams = q.Value
			}
		}
		stacks = append(stacks, rest)
	}
	for i := range r.Spans {
		stacks[i].grams = stacks[i].joules * perJoule[stacks[i].stage]
	}
	return stacks
}

var errTooLarge = errors.New("is in sum more than a profile's whole numbers hold")

// wholeNumbers are the stacks' values in a smaller unit, rounded so that their
// sum is the rounded sum: down, and the largest remainders up.
func wholeNumbers(stacks []stack, unit float64, value func(*stack) float64) ([]int64, error) {
	whole := make([]int64, len(stacks))
	rest := make([]float64, len(stacks))
	order := make([]int, len(stacks))
	var sum, down float64
	for i := range stacks {
		v := value(&stacks[i]) * unit
		sum += v
		if sum >= 1<<62 {
			return nil, errTooLarge
		}
		whole[i] = int64(v)
		rest[i] = v - math.Floor(v)
		down += math.Floor(v)
		order[i] = i
	}
	up := int(math.Round(sum - down))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:min(max(up, 0), len(order))] {
		whole[i]++
	}
	return whole, nil
}

// frameTable gives each name of a path one frame.
type frameTable struct {
	profile *profile.Profile
	known   map[string]*profile.Location
}

// stack is a path with its last span first, as pprof has stacks.
func (t *frameTable) stack(path string) []*profile.Location {
	var stack []*profile.Location
	for name := range strings.SplitSeq(path, "/") {
		name = nameOf(name)
		l := t.known[name]
		if l == nil {
			id := uint64(len(t.known) + 1)
			f := &profile.Function{ID: id, Name: name, SystemName: name}
			l = &profile.Location{ID: id, Mapping: t.profile.Mapping[0], Line: []profile.Line{{Function: f}}}
			t.profile.Function = append(t.profile.Function, f)
			t.profile.Location = append(t.profile.Location, l)
			t.known[name] = l
		}
		stack = append(stack, l)
	}
	slices.Reverse(stack)
	return stack
}
