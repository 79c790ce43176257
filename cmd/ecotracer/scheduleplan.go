package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/schedule"
)

// plan is what `schedule` has found.
type plan struct {
	job     schedule.Job
	from    time.Time // earliest start
	home    string    // the place that was named first
	places  []schedule.Place
	windows []schedule.Window
	missing []missingPlace
}

// missingPlace is a place without a usable forecast.
type missingPlace struct {
	Place string `json:"place"`
	Why   string `json:"why"`
}

// planJSON is the plan for programs. Times are in UTC.
type planJSON struct {
	Now       time.Time      `json:"now"`
	Earliest  time.Time      `json:"earliest"`
	Deadline  time.Time      `json:"deadline"`
	DurationS float64        `json:"duration_s"`
	PowerW    float64        `json:"power_w,omitempty"`
	Signal    string         `json:"signal"`
	Basis     string         `json:"basis"`
	Mix       string         `json:"mix"`
	Home      string         `json:"home"`
	Windows   []windowJSON   `json:"windows"` // the best first
	Missing   []missingPlace `json:"missing"`
}

type windowJSON struct {
	schedule.Window
	Source  string `json:"source"`
	Quality string `json:"quality"`
}

// make finds the windows. What concerns single places is noted as missing.
func (p *plan) make() error {
	var err error
	p.windows, err = schedule.Best(p.job, p.places...)
	if err != nil && len(p.windows) == 0 && !errors.Is(err, factors.ErrNoFactor) {
		return err
	}
	var errs []error // one a place without a window, in their order
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, place := range p.places {
		found := slices.ContainsFunc(p.windows, func(w schedule.Window) bool { return w.Place == place.Name })
		if !found && len(errs) > 0 {
			p.missing = append(p.missing, missingPlace{place.Name, strings.TrimPrefix(plainError(errs[0]), place.Name+": ")})
			errs = errs[1:]
		}
	}
	if p.places[0].Name != p.home { // it has no forecast: there is nothing to compare with
		for i := range p.windows {
			p.windows[i].Moving = nil
		}
	}
	return nil
}

func (p *plan) forPrograms() planJSON {
	f := p.places[0].Forecast
	out := planJSON{
		Now: p.job.Now.UTC(), Earliest: p.from.UTC(), Deadline: p.job.Deadline.UTC(), DurationS: p.job.Duration.Seconds(), PowerW: p.job.PowerW,
		Signal: f.Signal, Basis: f.Basis, Mix: f.Mix, Home: p.home, Missing: p.missing,
	}
	if out.Missing == nil {
		out.Missing = []missingPlace{}
	}
	for _, w := range p.windows {
		f := p.forecast(w.Place)
		out.Windows = append(out.Windows, windowJSON{rounded(w), f.Source, f.Quality})
	}
	return out
}

// rounded is a window with figures of six digits: more is noise.
func rounded(w schedule.Window) schedule.Window {
	round := func(f *schedule.Figure) *schedule.Figure {
		if f == nil {
			return nil
		}
		six := func(v float64) float64 {
			v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // what was just written
			return v
		}
		return &schedule.Figure{Value: six(f.Value), Low: six(f.Low), High: six(f.High)}
	}
	w.Intensity, w.G = *round(&w.Intensity), round(w.G)
	for _, s := range []**schedule.Saving{&w.Waiting, &w.Moving} {
		if *s != nil {
			*s = &schedule.Saving{Share: round((*s).Share), G: round((*s).G)}
		}
	}
	return w
}

// forecast is that of a place.
func (p *plan) forecast(name string) factors.Factor {
	i := slices.IndexFunc(p.places, func(at schedule.Place) bool { return at.Name == name })
	return p.places[i].Forecast
}

// plan prints the windows, the best first, and says what they mean.
func (p *page) plan(plan *plan) {
	job, first := plan.job, plan.places[0].Forecast
	what := "A job of " + inwords.Duration(job.Duration.Seconds())
	if job.PowerW > 0 {
		what += " at " + inwords.Amount(job.PowerW, inwords.Watts)
	}
	p.prose("", fmt.Sprintf("%s, to begin at %s or later and to end by %s.", what, onClock(plan.from), onClock(job.Deadline)))

	p.heading("Windows, the greenest first")
	rows := newTable(false, false, true, false, true, false)
	clock := plan.windows[0].Start.In(time.Local)
	_, offset := clock.Zone()
	zone := time.FixedZone("", offset) // one for all rows, also where the clocks change between them
	for _, w := range plan.windows {
		value, bounds := figures(w.Intensity)
		saved, between := "unknown", ""
		if w.Waiting != nil && w.Waiting.Share != nil {
			saved, between = shares(*w.Waiting.Share)
		}
		rows.add(cell{w.Place, p.bold}, cell{w.Start.In(zone).Format("2006-01-02 15:04"), nil}, cell{value, p.bold}, cell{bounds, p.dim}, cell{saved, nil}, cell{between, p.dim})
	}
	p.table(rows)
	p.flow("  ", " ", pieces(inwords.Visible("begin ("+zoneOf(clock)+"); mean gCO2e/kWh of the window; what waiting for it saves against a start at once in the same place; in parentheses: 95 % interval")), p.dim)

	p.heading("Best")
	p.prose("  ", plan.best())
	p.heading("What this rests on")
	p.prose("  ", fmt.Sprintf("Signal: %s, %s, %s.", signals[first.Signal], bases[first.Basis], mixes[first.Mix]))
	for _, w := range plan.windows {
		f := plan.forecast(w.Place)
		text := fmt.Sprintf("%s: %s; quality %s", w.Place, f.Source, f.Quality)
		if w.Until.Before(job.Deadline) {
			text += "; nothing is known beyond " + onClock(w.Until) + ", which is before the deadline"
		}
		if w.From.After(plan.from) {
			text += "; the forecast begins only at " + onClock(w.From)
		}
		p.prose("  ", text+".")
	}
	p.prose("  ", "Two windows of one forecast share its error, and what is left grows with the wait: forecasts are taken to be off by 7 % a day ahead, which fits what was published of 13 grids (9.6 % in the mean of four days).")
}

var (
	signals = map[string]string{"average": "average of all that is generated", "marginal": "what one more kWh emits"}
	bases   = map[string]string{"lifecycle": "over the life cycle", "direct": "direct emissions of the plants only"}
	mixes   = map[string]string{"consumption": "with trade between grids", "production": "of what is generated in the grid"}
)

// best says what the best window is worth.
func (p *plan) best() string {
	w := p.windows[0]
	wait := w.Start.Sub(p.from)
	text := fmt.Sprintf("%s at %s", w.Place, onClock(w.Start))
	if wait > 0 {
		text += ", in " + inwords.Duration(w.Start.Sub(p.job.Now).Seconds())
	} else {
		text += ", at once"
	}
	if w.G != nil {
		value, bounds := massOf(*w.G)
		text += fmt.Sprintf(": %s CO2e %s", value, bounds)
	}
	text += "."
	switch s := w.Moving; {
	case s == nil:
		text += " What starting at once in the first place would emit is not known, so neither is what this saves."
	case wait <= 0 && w.Place == p.home:
		text += " There is nothing to wait or to move for."
	default:
		if s.G != nil {
			value, bounds := massOf(*s.G)
			text += fmt.Sprintf(" That is %s CO2e less %s than starting at once in %s", value, bounds, p.home)
			if s.Share != nil {
				share, between := shares(*s.Share)
				text += fmt.Sprintf(", %s %s", share, between)
			}
			text += "."
		} else if s.Share != nil {
			share, between := shares(*s.Share)
			text += fmt.Sprintf(" That is %s less %s than starting at once in %s.", share, between, p.home)
		}
	}
	if s := w.Waiting; wait > 0 && s != nil && s.Share != nil && s.Share.Low <= 0 {
		share, between := shares(*s.Share)
		text += fmt.Sprintf(" Starting in %s at once may be as good: waiting saves %s %s.", w.Place, share, between)
	}
	return text
}

// onClock is a time on this host's clocks, which it names.
func onClock(t time.Time) string {
	return t.In(time.Local).Format("2006-01-02 15:04 ") + zoneOf(t.In(time.Local))
}

// zoneOf names an offset: UTC, or +01:00.
func zoneOf(t time.Time) string {
	if _, offset := t.Zone(); offset == 0 {
		return "UTC"
	}
	return t.Format("-07:00")
}

// figures is an intensity and its interval.
func figures(f schedule.Figure) (value, bounds string) {
	return inwords.Digits(f.Value), "(" + inwords.Digits(f.Low) + "–" + inwords.Digits(f.High) + ")"
}

// massOf is a mass and its interval in one unit. A saving may be negative.
func massOf(f schedule.Figure) (value, bounds string) {
	u := inwords.UnitFor(max(math.Abs(f.Value), math.Abs(f.High), math.Abs(f.Low))/3, inwords.Grams)
	text := func(v float64) string { return minus(inwords.Digits(v / u.Size)) }
	return text(f.Value) + " " + u.Name, "(" + text(f.Low) + " to " + text(f.High) + ")"
}

// shares is a share and its interval in whole percent.
func shares(f schedule.Figure) (value, bounds string) {
	text := func(v float64) string { return minus(fmt.Sprintf("%.0f", 100*v+0)) }
	if f.Low == f.High {
		return text(f.Value) + " %", ""
	}
	return text(f.Value) + " %", "(" + text(f.Low) + " to " + text(f.High) + " %)"
}

// minus writes a negative number with the sign of that name.
func minus(s string) string {
	if s == "-0" {
		return "0"
	}
	return strings.Replace(s, "-", "−", 1)
}
