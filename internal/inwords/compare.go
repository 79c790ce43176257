package inwords

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Compared is a figure of a comparison in words.
type Compared struct {
	Figure string // as lifecycle.Difference has it
	Name   string
	Units  []Unit

	does, of string // what a run is said to do of it
}

// ComparedFigures are those that lifecycle.Compare tells.
var ComparedFigures = []Compared{
	{"gco2e", "CO2e in all", CO2e, "emits", ""},
	{"operational_gco2e", "electricity", CO2e, "emits", " by its electricity"},
	{"embodied_gco2e", "devices", CO2e, "carries", " of its devices' production and end of life"},
	{"energy_j", "energy", WattHours, "uses", " energy"},
	{"facility_energy_j", "facility", WattHours, "uses", " energy with its facility"},
	{"water_l", "water", Litres, "uses", " water"},
}

// ComparedFigure is one of them by its name in the record.
func ComparedFigure(figure string) *Compared {
	for i := range ComparedFigures {
		if ComparedFigures[i].Figure == figure {
			return &ComparedFigures[i]
		}
	}
	return &Compared{Figure: figure, Name: figure, Units: []Unit{{1, ""}}, does: "comes to"}
}

// Foremost tells by which units of work figures are told ("" is the whole run),
// and the figure that the verdict is told for, nil if none can be compared but
// that of the devices, which is no verdict on what was done with them. Runs that
// did the same amount of work differ by unit as they do as a whole.
func Foremost(figures []lifecycle.Difference) (units []string, lead *lifecycle.Difference) {
	units = []string{""}
	for i := range figures {
		d := &figures[i]
		switch {
		case d.Verdict == lifecycle.NotComparable || d.Figure == "embodied_gco2e":
		case lead == nil:
			lead = d
		case d.Figure == lead.Figure && d.Ratio != nil && lead.Ratio != nil && math.Abs(d.Ratio.Value/lead.Ratio.Value-1) > 1e-9:
			units, lead = append(units, d.Unit), d
		}
	}
	return units, lead
}

// Alike tells whether all draws found two runs alike.
func Alike(d *lifecycle.Difference) bool { return d.Lower+d.Higher == 0 }

// Verdict tells of one figure which of the runs a and b came to less; the verdict
// is on a.
func Verdict(d *lifecycle.Difference, a, b string) string {
	f := ComparedFigure(d.Figure)
	text := ""
	if d.Unit != "" {
		text = "For one " + One(d.Unit) + ", "
	}
	if Alike(d) {
		return text + fmt.Sprintf("%s %s as much%s as %s.", a, f.does, f.of, b)
	}
	times := "another amount"
	if d.Ratio != nil {
		times = Ratio(d) + " as much" + Bracketed(Bounds(d.Ratio.Low, d.Ratio.High))
	}
	less, sure := "less", d.Lower
	if d.Higher > d.Lower {
		less, sure = "more", d.Higher
	}
	if d.Verdict == lifecycle.NotToldApart {
		return text + fmt.Sprintf("%s and %s cannot be told apart: %s %s %s%s, and %s than %s with a probability of only %s.", a, b, a, f.does, times, f.of, less, b, Probability(sure))
	}
	return text + fmt.Sprintf("%s %s %s%s than %s: %s, with a probability of %s.", a, f.does, less, f.of, b, times, Probability(sure))
}

// Ratio is how many times as much the first run came to: 0.84 times.
func Ratio(d *lifecycle.Difference) string { return Trimmed(d.Ratio.Value) + " times" }

// Probability writes a share of the draws, to the digits that they are good for.
func Probability(x float64) string {
	scale := 100.0
	switch {
	case x >= 0.9995:
		return "over 99.9 %"
	case x >= 0.975:
		scale = 1000
	}
	return Percent(math.Round(x*scale) / scale)
}

// Input tells what of a row makes a difference.
func Input(by lifecycle.Driver) string {
	switch by.Input {
	case "use":
		if by.Stage.Device() {
			return "time held"
		}
		return "use"
	case "pue", "wue", "ewif":
		return strings.ToUpper(by.Input)
	case "utilisation":
		return "share in use"
	}
	return Code(by.Input)
}

// Obstacle is why some figures cannot be compared.
type Obstacle struct {
	Figures string // their names
	Reason  string
}

// Obstacles tells which figures cannot be compared, and why, each reason once.
func Obstacles(figures []lifecycle.Difference) (list []Obstacle) {
	of := map[string][]string{} // by reason: the names of figures
	var reasons []string
	for _, d := range figures {
		name := ComparedFigure(d.Figure).Name
		for _, reason := range d.Reasons {
			reason = strings.Replace(reason, "/totals/"+d.Figure+" is unknown", "it is unknown", 1)
			if of[reason] == nil {
				reasons = append(reasons, reason)
			}
			if !slices.Contains(of[reason], name) {
				of[reason] = append(of[reason], name)
			}
		}
	}
	for _, reason := range reasons {
		names := strings.Join(of[reason], ", ")
		if len(of[reason]) == len(ComparedFigures) {
			names = "anything"
		}
		list = append(list, Obstacle{names, reason})
	}
	return list
}

// Step tells what a step to a better run costs: 0.3 better in f1 for 4.1 times
// the energy, which is 3.2 kWh more.
func Step(gain, times, more float64, metric, cost string, units []Unit) string {
	return fmt.Sprintf("%s better in %s for %s times the %s, which is %s more", Trimmed(gain), metric, Trimmed(times), cost, Amount(more, units))
}
