package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// printTable prints what each phase of the life cycle cost, how that is known,
// what one sample and one request cost, and what would make the figures closer.
func printTable(out io.Writer, r *lifecycle.Record) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "phase\ts\tJ (95 %)\tmgCO2e (95 %)")
	for _, phase := range []lifecycle.Phase{
		lifecycle.PhaseProduction, lifecycle.PhaseTraining, lifecycle.PhaseInference,
		lifecycle.PhaseUse, lifecycle.PhaseEndOfLife, lifecycle.PhaseUnassigned,
	} {
		printPhase(w, r, phase)
	}
	row(w, "total", &r.Run.DurationS, &r.Totals.EnergyJ, r.Totals.GCO2e)
	w.Flush()
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(out)
	printSources(out, r)
	printUnits(out, r)
	printUnknown(out, r)
}

// printPhase prints one phase, and below it its stages, or its devices, if there
// are several.
func printPhase(w io.Writer, r *lifecycle.Record, phase lifecycle.Phase) {
	total, ok := r.Totals.ByPhase[phase]
	if !ok {
		return
	}
	var entries []lifecycle.PhaseEntry
	var seconds *float64
	for _, e := range r.Phases {
		if e.Phase != phase {
			continue
		}
		entries = append(entries, e)
		if e.DurationS != nil {
			sum := *e.DurationS
			if seconds != nil {
				sum += *seconds
			}
			seconds = &sum
		}
	}
	row(w, string(phase), seconds, total.EnergyJ, total.GCO2e)
	for _, e := range entries {
		_, stage, part := strings.Cut(string(e.Stage), "/")
		switch {
		case !part && e.Stage.Device() && len(e.Usage) > 1:
			for _, u := range e.Usage {
				row(w, "  "+u.Hardware, nil, nil, u.EmbodiedGCO2e)
			}
		case part && len(entries) > 1:
			row(w, "  "+stage, e.DurationS, e.EnergyJ, cmp.Or(e.OperationalGCO2e, e.EmbodiedGCO2e))
		}
	}
}

// printSources prints how energy and devices' shares were obtained.
func printSources(out io.Writer, r *lifecycle.Record) {
	var energy, devices []string
	for _, e := range r.Phases {
		if e.Stage.Device() {
			devices = append(devices, obtainedBy(r, e)...)
		} else {
			energy = append(energy, obtainedBy(r, e)...)
		}
	}
	slices.Sort(energy)
	slices.Sort(devices)
	fmt.Fprintf(out, "energy: %s, %s %% of it measured\n", strings.Join(slices.Compact(energy), ", "), number(100*r.Totals.MeasuredShare, 3))
	if len(devices) > 0 {
		fmt.Fprintf(out, "devices: %s\n", strings.Join(slices.Compact(devices), ", "))
	}
}

// obtainedBy tells how the figures of a stage came about: by which meters or,
// for shares of the devices, by how close a factor.
func obtainedBy(r *lifecycle.Record, e lifecycle.PhaseEntry) []string {
	var how []string
	for _, usage := range e.Usage {
		for _, m := range r.Methods {
			if usage.Meter == m.ID {
				how = append(how, fmt.Sprintf("%s (%s)", m.Method, strings.TrimSuffix(m.Sensor+" "+m.Mode, " ")))
			}
		}
		if usage.EmbodiedGCO2e == nil {
			continue
		}
		for _, h := range r.Hardware {
			if usage.Hardware != h.ID || h.Embodied == nil {
				continue
			}
			impacts := h.Embodied.Production
			if e.Phase == lifecycle.PhaseEndOfLife {
				impacts = h.Embodied.EndOfLife
			}
			if f := factorOf(r, impacts.GCO2e); f != nil {
				how = append(how, fmt.Sprintf("factor (%s, %d)", f.Found, f.SourceYear))
			}
		}
	}
	return how
}

func row(w io.Writer, name string, seconds *float64, energy, grams *lifecycle.Quantity) {
	time := ""
	if seconds != nil {
		time = number(*seconds, 3)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, time, quantity(energy, 1), quantity(grams, 1000))
}

// quantity is a figure times scale, and its interval. What is unknown is
// empty, not zero.
func quantity(q *lifecycle.Quantity, scale float64) string {
	if q == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s–%s)", number(q.Value*scale, 3), number(q.Low*scale, 3), number(q.High*scale, 3))
}

// printUnits prints what one sample and one request cost.
func printUnits(out io.Writer, r *lifecycle.Record) {
	for _, unit := range []struct{ path, unit, one string }{
		{"train/epoch/batch", "samples", "training sample"},
		{"serve", "requests", "request"},
		{"serve/request", "requests", "request, in its handler alone"},
	} {
		for _, span := range r.Spans {
			if u, ok := span.Units[unit.unit]; ok && span.Path == unit.path && u.JPerUnit != nil {
				fmt.Fprintf(out, "%s a %s (%d %s in %s)\n", prefixed(*u.JPerUnit, "J"), unit.one, u.Count, unit.unit, span.Path)
			}
		}
	}
	if sci := r.Totals.PerUnit; sci != nil {
		fmt.Fprintf(out, "%s a request, all phases included (95 %%: %s to %s)\n",
			prefixed(sci.GCO2e.Value, "gCO2e"), prefixed(sci.GCO2e.Low, "gCO2e"), prefixed(sci.GCO2e.High, "gCO2e"))
	}
}

// printUnknown tells what makes the intervals wide, and how to mend it.
func printUnknown(out io.Writer, r *lifecycle.Record) {
	for _, e := range r.Environments {
		if e.PlaceFound != "unknown" {
			continue
		}
		text := "The place is unknown: the electricity may be any in the world."
		if grid := factorOf(r, e.Factors.Grid); grid != nil {
			text = fmt.Sprintf("The place is unknown: the electricity may be any (%s–%s %s).", number(grid.Low, 2), number(grid.High, 2), grid.Unit)
		}
		fmt.Fprintln(out, text)
		fmt.Fprintln(out, "Tell the country for closer figures, for example ECOTRACER_COUNTRY=FR.")
	}
	if r.Totals.MeasuredShare == 0 && r.Totals.EnergyJ.Value > 0 {
		fmt.Fprintln(out, "No counter could be read, so all energy is modelled: see `ecotracer doctor`.")
	}
	if len(r.Missing) > 0 || len(r.Warnings) > 0 {
		fmt.Fprintf(out, "The record names all that is missing (%d) and all that deserves care (%d).\n", len(r.Missing), len(r.Warnings))
	}
}

func factorOf(r *lifecycle.Record, id string) *factors.Factor {
	i := slices.IndexFunc(r.Factors, func(f factors.Factor) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Factors[i]
}

// prefixed writes a figure with the prefix that puts it between 1 and 1000.
func prefixed(v float64, unit string) string {
	if v == 0 {
		return "0 " + unit
	}
	prefixes := []string{"n", "µ", "m", "", "k", "M"}
	v *= 1e9
	for len(prefixes) > 1 && v >= 999.5 { // 999.5 would be written as 1000
		v, prefixes = v/1000, prefixes[1:]
	}
	return number(v, 3) + " " + prefixes[0] + unit
}

// number writes so many significant digits and never an exponent.
func number(v float64, digits int) string {
	// Rounded first: 9.999 to three digits is 10.0, which has fewer decimals.
	text := strconv.FormatFloat(v, 'e', digits-1, 64)
	rounded, err := strconv.ParseFloat(text, 64)
	if err != nil || rounded == 0 || math.IsInf(rounded, 0) || math.IsNaN(rounded) {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(rounded))))
	return strconv.FormatFloat(rounded, 'f', max(digits-1-magnitude, 0), 64)
}
