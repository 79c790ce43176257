package report

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// mostSteps is how many steps a chart of power has: more than there are dots
// on a phone.
const mostSteps = 240

// powerPart is what the page tells of power over time.
type powerPart struct {
	Note  string // whose power it is, or why none is told
	Table table
	Times table
}

// power is the chart: mean power in steps of one length.
type power struct {
	StepS  float64  `json:"step"`
	Series []series `json:"series"`
	Stages []spell  `json:"stages"` // behind it
	EndS   float64  `json:"end"`
}

type series struct {
	Name  string    `json:"name"`
	Watts []float64 `json:"watts"`
}

// spell is the time from the first to the last moment of a stage.
type spell struct {
	Stage string  `json:"stage"`
	Phase string  `json:"phase"`
	From  float64 `json:"from"` // s from the run's begin
	To    float64 `json:"to"`
}

// cumulative is joules since the run's begin at some instants.
type cumulative struct {
	name      string
	ts, total []float64
}

// power tells the power of each domain over time if the run kept it; else that of
// its stages if the record has their profile; else how to have it kept.
func (v *run) power() {
	r := v.record
	if r.Run.Status == lifecycle.Estimated {
		v.Power.Note = "Nothing ran, so there is no power over time."
		return
	}
	lines, err := fromTimeline(r)
	what := "Domain"
	v.Power.Note = "Mean power of each domain as its meter told it, other programs and idling included."
	if len(lines) == 0 {
		lines, what = fromProfile(r), "Stage"
		v.Power.Note = "Power of the run by stage, from the steps of its assessment; the run kept no finer timeline."
	}
	if len(lines) == 0 {
		v.Power.Note = "Power over time was not kept. To keep it, run with ECOTRACER_TIMELINE=on, or begin the run with tracer.Timeline()."
		if err != nil && !errors.Is(err, timeline.ErrNone) {
			v.Power.Note = "The record’s timeline cannot be used: " + name(err.Error()) + "."
		}
		return
	}
	chart := &power{EndS: r.Run.DurationS}
	instants := 1
	for _, l := range lines {
		chart.EndS = max(chart.EndS, l.ts[len(l.ts)-1])
		instants = max(instants, len(l.ts))
	}
	steps := min(instants, mostSteps)
	chart.StepS = chart.EndS / float64(steps)
	t := table{Caption: "Power over time in numbers", Head: head(what, "#Energy", "#Mean", "#Lowest step", "#Highest step")}
	for i, l := range lines {
		s := series{Name: name(l.name), Watts: l.steps(steps, chart.StepS)}
		energy := l.energy()
		if i < v.rows {
			chart.Series = append(chart.Series, s)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{title(s.Name), number(energy, inwords.WattHours, ""), number(energy/chart.EndS, inwords.Watts, ""),
			number(slices.Min(s.Watts), inwords.Watts, ""), number(slices.Max(s.Watts), inwords.Watts, "")}})
	}
	if more := len(lines) - v.rows; more > 0 {
		v.Power.Note += " The chart shows the first " + count(int64(v.rows)) + " of " + inwords.Plural(len(lines), "series") + "."
	}
	t.cut(2*v.rows, "row")
	v.Power.Table = t
	chart.Stages = v.spells()
	v.charts.Power = chart
}

// energy is that from the first instant to the last.
func (c *cumulative) energy() float64 { return c.total[len(c.total)-1] - c.total[0] }

// steps is the mean power in n steps. Their joules are all that the line tells.
func (c *cumulative) steps(n int, length float64) []float64 {
	watts := make([]float64, n)
	before := c.total[0]
	for i := range watts {
		at := timeline.At(c.ts, c.total, float64(i+1)*length)
		if i == n-1 {
			at = c.total[len(c.total)-1]
		}
		w := (at - before) / length
		// Four digits are more than a chart can show.
		watts[i], _ = strconv.ParseFloat(strconv.FormatFloat(max(w, 0), 'g', 4, 64), 64)
		before = at
	}
	return watts
}

// fromTimeline is what the meters of the record's ledger told over time.
func fromTimeline(r *lifecycle.Record) ([]cumulative, error) {
	t, err := timeline.Of(r)
	if err != nil {
		return nil, err
	}
	counted := map[string]bool{}
	for _, l := range r.Ledger {
		counted[l.Domain] = true
	}
	var lines []cumulative
	for _, g := range t.Groups {
		if len(g.TS) < 2 || !(g.TS[len(g.TS)-1] > 0) || g.TS[0] < 0 {
			continue
		}
		for _, d := range g.Domains {
			if counted[d.Domain] {
				lines = append(lines, cumulative{d.Domain, g.TS, d.TotalJ})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b cumulative) int { return cmp.Compare(b.energy(), a.energy()) })
	return lines, nil
}

// fromProfile is the energy of stages step by step.
func fromProfile(r *lifecycle.Record) []cumulative {
	if r.Run.StartedAt == nil {
		return nil
	}
	var lines []cumulative
	for i := range r.Phases {
		for _, p := range r.Phases[i].Profile {
			if len(p.EnergyJ) == 0 || !(p.StepS > 0) {
				continue
			}
			l := cumulative{name: string(r.Phases[i].Stage), ts: []float64{p.Start.Sub(*r.Run.StartedAt).Seconds()}, total: []float64{0}}
			if len(r.Environments) > 1 {
				l.name += " at " + p.Environment
			}
			end := math.Inf(1)
			if e := r.Phases[i].EndedAt; e != nil {
				end = e.Sub(*r.Run.StartedAt).Seconds()
			}
			sum := 0.0
			for n, j := range p.EnergyJ {
				sum += j
				at := l.ts[0] + float64(n+1)*p.StepS
				if n == len(p.EnergyJ)-1 { // the last step may be a part of one
					at = max(min(at, end), l.ts[len(l.ts)-1])
				}
				l.ts, l.total = append(l.ts, at), append(l.total, sum)
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// spells are the times of the stages, and their table.
func (v *run) spells() []spell {
	r := v.record
	t := table{Caption: "When each stage ran", Head: head("Stage", "#From", "#To", "#Time of its own")}
	list := []spell{}
	for i := range r.Phases {
		e := &r.Phases[i]
		if e.StartedAt == nil || e.EndedAt == nil || r.Run.StartedAt == nil {
			continue
		}
		s := spell{name(string(e.Stage)), phaseClass(e.Stage), max(e.StartedAt.Sub(*r.Run.StartedAt).Seconds(), 0), e.EndedAt.Sub(*r.Run.StartedAt).Seconds()}
		list = append(list, s)
		t.Rows = append(t.Rows, row{Class: "phase-" + s.Phase, Cells: []cell{title(s.Stage), text(duration(s.From)), text(duration(s.To)), seconds(e.DurationS, "/phases/"+strconv.Itoa(i)+"/duration_s")}})
	}
	t.cut(2*v.rows, "stage")
	v.Power.Times = t
	return list[:min(len(list), 2*v.rows)]
}
