package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// OutlierOptions tell what is judged, and among whom. The zero value judges
// energy.
type OutlierOptions struct {
	Figure string   // energy_j, facility_energy_j or operational_gco2e; "" is energy_j
	By     []string // what the runs of a group have in common, of Traits; nil is DefaultTraits
	Least  float64  // times more or less than usual that is worth telling; 0 is 1.1
}

// The measures that hold for all that Outliers tells.
const (
	// SmallestGroup is how many make a group of which anything is claimed.
	SmallestGroup = 5

	// FalseShare is the share of what is called an outlier that is expected to be
	// none, if the logarithms of all groups are normal but for their outliers.
	FalseShare = 0.05
)

// Outliers are the stages of runs whose energy is unlike that of their group.
type Outliers struct {
	Figure   string         `json:"figure"`
	By       []string       `json:"by"`
	Judged   int            `json:"judged"`    // stages of runs, in groups that are large enough
	TooSmall GroupCount     `json:"too_small"` // groups of which nothing is claimed
	LeftOut  map[string]int `json:"left_out"`  // stages of which nothing can be judged, by why
	Groups   []OutlierGroup `json:"groups"`    // the largest first
	Found    []Outlier      `json:"found"`     // the farthest from usual first, by z
}

// GroupCount is how many stages of runs are in how many groups.
type GroupCount struct {
	Groups int `json:"groups"`
	Stages int `json:"stages"`
}

// OutlierGroup is a group of stages of runs that are judged together.
type OutlierGroup struct {
	Traits   []string `json:"traits"`  // values of By
	Measure  string   `json:"measure"` // what is judged: J/tokens, W, J/run, gCO2e/...
	Stages   int      `json:"stages"`
	Median   float64  `json:"median"` // of the measure
	Low      float64  `json:"low"`    // 95 % of a lognormal group with this median and scale are within low and high
	High     float64  `json:"high"`
	Outliers int      `json:"outliers"`
}

// Outlier is a stage of a run that is one, and why.
type Outlier struct {
	Run    string  `json:"run"`
	Name   string  `json:"name,omitempty"`
	Stage  string  `json:"stage"`
	Group  int     `json:"group"`  // place in Groups
	Value  float64 `json:"value"`  // of the group's measure
	Times  float64 `json:"times"`  // of the group's median
	Z      float64 `json:"z"`      // scales of the group from its median, of logarithms
	P      float64 `json:"p"`      // of being so far from it by chance
	Parts  []Part  `json:"parts"`  // whose product Times is
	Causes []Cause `json:"causes"` // the likeliest first; none: the record tells none
}

// Part is a factor of what is judged, and how many times the group's median it
// is.
type Part struct {
	What  string  `json:"what"` // time per unit, devices, time held per time of work, power per device, PUE, grid
	Times float64 `json:"times"`
}

// Traits are what runs can be grouped by, with stages of runs as the least.
var Traits = []string{
	"kind", "task", "algorithm", "model", "training_type", "framework", "precision", "parameters", "stage", "hardware", "devices",
	"method", "scope", "boundary", "status", "place",
}

// DefaultTraits are those that runs are grouped by unless others are asked for.
var DefaultTraits = []string{"kind", "task", "training_type", "stage", "hardware"}

// trait is a text that tells what a stage of a run is.
func (p *Point) trait(s *stagePoint, name string) string {
	switch name {
	case "kind":
		return p.kind.String()
	case "task":
		return p.task.String()
	case "algorithm":
		return p.algorithm.String()
	case "model":
		return p.model.String()
	case "training_type":
		return p.training.String()
	case "framework":
		return p.framework.String()
	case "precision":
		return p.precision.String()
	case "parameters": // to a power of ten
		if p.parameters == 0 {
			return ""
		}
		return fmt.Sprintf("1e%.0f", math.Floor(math.Log10(p.parameters)))
	case "stage":
		return s.stage.String()
	case "hardware":
		return s.hardware.String()
	case "devices":
		return inwords.Trimmed(s.devices)
	case "method":
		return s.method.String()
	case "scope":
		return p.scope.String()
	case "boundary":
		return p.boundary.String()
	case "status":
		return p.status.String()
	case "place":
		return p.place.String()
	case "sensors":
		return p.sensors.String()
	case "lacks":
		return p.lacks.String()
	}
	return ""
}

// judged is a stage of a run in its group.
type judged struct {
	point *Point
	stage *stagePoint
	x     float64 // logarithm of the measure
	z, p  float64
	group int
}

// FindOutliers judges each stage of each run among the same stages of runs that
// have the traits By in common: by what one functional unit came to, where
// stages count the same (that of the record, else the first by name), else by
// power (a device-second), else as a whole. What differs in what is judged is in
// different groups. Logarithms are judged, robustly: the distance from the
// median in scales Qn (Rousseeuw and Croux, JASA 88, 1993; at least a percent),
// against Student's t with the degrees of freedom that Qn has of so few numbers
// (82 % of n − 1). Groups
// of less than [SmallestGroup] are told as too small. Of all that is judged at
// once, as many are outliers as keep the share of false ones at [FalseShare]
// (Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995).
//
// Why one is an outlier is found by testing what its record tells against its
// group; a cause is told with what speaks for it, and none is told that does
// not fit. The order of points does not matter.
func FindOutliers(points []Point, o OutlierOptions) (*Outliers, error) {
	o.Figure = cmp.Or(o.Figure, "energy_j")
	if o.Figure == "gco2e" {
		return nil, fmt.Errorf("dataset: stages of a run have no share of the devices' production: judge operational_gco2e")
	}
	if err := checkCost(o.Figure); err != nil {
		return nil, err
	}
	if o.By == nil {
		o.By = DefaultTraits
	}
	for _, name := range o.By {
		if !slices.Contains(Traits, name) {
			return nil, fmt.Errorf("dataset: %q is nothing to group by: write some of %s", name, strings.Join(Traits, ", "))
		}
	}
	o.Least = cmp.Or(o.Least, 1.1)
	if !(o.Least >= 1) {
		return nil, fmt.Errorf("dataset: what is worth telling is at least 1 times the usual, not %g", o.Least)
	}
	out := &Outliers{Figure: o.Figure, By: o.By, Groups: []OutlierGroup{}, Found: []Outlier{}}
	groups := out.group(points, o)
	var all []*judged
	for g := range groups {
		members := groups[g].members
		group := judge(members)
		group.Traits, group.Measure = groups[g].traits, groups[g].measure
		for i := range members {
			members[i].group = g
			all = append(all, &members[i])
		}
		out.Groups = append(out.Groups, group)
	}
	out.Judged = len(all)
	byGroup := make([][]*judged, len(out.Groups))
	for _, j := range discoveries(all) {
		if math.Abs(j.x-math.Log(out.Groups[j.group].Median)) >= math.Log(o.Least) {
			byGroup[j.group] = append(byGroup[j.group], j)
		}
	}
	for g, found := range byGroup {
		if out.Groups[g].Outliers = len(found); len(found) == 0 {
			continue
		}
		usual := newUsual(groups[g].members, o.Figure)
		for _, j := range found {
			of := usual.explain(j)
			of.Run, of.Name, of.Stage = j.point.run.String(), j.point.name.String(), j.stage.stage.String()
			of.Group, of.Value, of.Times = g, math.Exp(j.x), math.Exp(j.x-usual.median)
			of.Z, of.P = j.z, j.p
			out.Found = append(out.Found, of)
		}
	}
	slices.SortFunc(out.Found, func(a, b Outlier) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Z), math.Abs(a.Z)), cmp.Compare(a.Run, b.Run), cmp.Compare(a.Stage, b.Stage))
	})
	return out, nil
}

// ByRun is what was found run by run, in the same order: what is wrong with a
// run is often so with several of its stages.
func (out *Outliers) ByRun() [][]Outlier {
	at := map[string]int{}
	var runs [][]Outlier
	for _, o := range out.Found {
		k, there := at[o.Run]
		if !there {
			k = len(runs)
			at[o.Run] = k
			runs = append(runs, nil)
		}
		runs[k] = append(runs[k], o)
	}
	return runs
}

// memberGroup is a group before it is judged.
type memberGroup struct {
	traits  []string
	measure string
	members []judged
}

// group puts all stages into groups, the largest first, without those that are
// too small.
func (out *Outliers) group(points []Point, o OutlierOptions) []memberGroup {
	byKey := map[string]*memberGroup{}
	left := map[string]int{}
	var key strings.Builder
	for i := range points {
		p := &points[i]
		for k := range p.stages {
			s := &p.stages[k]
			x, measure := measureOf(s, o.Figure)
			if math.IsNaN(x) {
				left[o.Figure+" is zero or unknown"]++
				continue
			}
			key.Reset()
			for _, name := range o.By {
				key.WriteString(p.trait(s, name))
				key.WriteByte(0)
			}
			key.WriteString(measure)
			g := byKey[key.String()]
			if g == nil {
				g = &memberGroup{measure: measure}
				for _, name := range o.By {
					g.traits = append(g.traits, p.trait(s, name))
				}
				byKey[key.String()] = g
			}
			g.members = append(g.members, judged{point: p, stage: s, x: x})
		}
	}
	out.LeftOut = left
	var groups []memberGroup
	for _, g := range byKey {
		if len(g.members) < SmallestGroup {
			out.TooSmall.Groups++
			out.TooSmall.Stages += len(g.members)
			continue
		}
		slices.SortFunc(g.members, func(a, b judged) int { return cmp.Compare(a.point.run.String(), b.point.run.String()) })
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b memberGroup) int {
		return cmp.Or(cmp.Compare(len(b.members), len(a.members)), slices.Compare(a.traits, b.traits), cmp.Compare(a.measure, b.measure))
	})
	return groups
}

// measureOf is the logarithm of what a stage is judged by, and what that is; NaN
// if it is unknown or zero.
func measureOf(s *stagePoint, figure string) (x float64, measure string) {
	v, unit := s.figure(figure)
	switch {
	case s.count > 0:
		v, unit = v/float64(s.count), unit+"/"+inwords.One(s.unit.String())
	case s.deviceS > 0:
		v, unit = v/s.deviceS, unit+"/device-second"
	default:
		unit += "/run"
	}
	if !(v > 0) || math.IsInf(v, 0) {
		return math.NaN(), unit
	}
	return math.Log(v), unit
}

// figure is a figure of a stage and its unit.
func (s *stagePoint) figure(name string) (v float64, unit string) {
	switch name {
	case "facility_energy_j":
		return s.facility, "J"
	case "operational_gco2e":
		return s.grams, "gCO2e"
	}
	return s.energy, "J"
}

// leastScale is the least that the logarithms of a group are taken to scatter:
// no meter tells the same work the same to less than a percent.
const leastScale = 0.01

// judge finds how far the members of a group are from its median.
func judge(members []judged) OutlierGroup {
	n := len(members)
	xs := make([]float64, n)
	for i := range members {
		xs[i] = members[i].x
	}
	m := medianOf(xs)
	scale := max(qn(xs), leastScale)
	degrees := 0.82 * float64(n-1)
	for i := range members {
		j := &members[i]
		j.z = (j.x - m) / scale
		j.p = studentBeyond(j.z, degrees)
	}
	wide := scale * studentBound(math.Inf(1), 0.05)
	return OutlierGroup{Stages: n, Median: math.Exp(m), Low: math.Exp(m - wide), High: math.Exp(m + wide)}
}

// discoveries are the members that are outliers by Benjamini and Hochberg's
// procedure: the largest k of which the k-th smallest p is at most k/n × the
// share of false ones.
func discoveries(all []*judged) []*judged {
	slices.SortFunc(all, func(a, b *judged) int {
		return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(a.point.run.String(), b.point.run.String()), cmp.Compare(a.stage.stage.String(), b.stage.stage.String()))
	})
	k := 0
	for i, j := range all {
		if j.p <= FalseShare*float64(i+1)/float64(len(all)) {
			k = i + 1
		}
	}
	return all[:k]
}
