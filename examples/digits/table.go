package main

import (
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

// printTable prints what each phase of the life cycle cost, what one sample
// and one request cost, and what would make the figures closer.
func printTable(out io.Writer, r *lifecycle.Record) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "PHASE\tTIME\tENERGY (95 %)\tGCO2E (95 %)\tOBTAINED BY")
	for _, phase := range []lifecycle.Phase{
		lifecycle.PhaseProduction, lifecycle.PhaseTraining, lifecycle.PhaseInference,
		lifecycle.PhaseUse, lifecycle.PhaseEndOfLife, lifecycle.PhaseUnassigned,
	} {
		printPhase(w, r, phase)
	}
	row(w, "total", &r.Run.DurationS, &r.Totals.EnergyJ, r.Totals.GCO2e, "")
	w.Flush() // an error of out would come from every print; none is of use here

	fmt.Fprintln(out)
	printUnits(out, r)
	printUnknown(out, r)
}

// printPhase prints one phase, and below it its stages if there are several.
func printPhase(w io.Writer, r *lifecycle.Record, phase lifecycle.Phase) {
	total, ok := r.Totals.ByPhase[phase]
	if !ok {
		return
	}
	var entries []lifecycle.PhaseEntry
	var seconds *float64
	var meters []string
	for _, e := range r.Phases {
		if e.Phase != phase {
			continue
		}
		entries = append(entries, e)
		meters = append(meters, obtainedBy(r, e)...)
		if e.DurationS != nil {
			sum := *e.DurationS
			if seconds != nil {
				sum += *seconds
			}
			seconds = &sum
		}
	}
	slices.Sort(meters)
	row(w, string(phase), seconds, total.EnergyJ, total.GCO2e, strings.Join(slices.Compact(meters), ", "))
	if len(entries) < 2 {
		return
	}
	for _, e := range entries {
		_, stage, _ := strings.Cut(string(e.Stage), "/")
		row(w, "  "+stage, e.DurationS, e.EnergyJ, e.OperationalGCO2e, "")
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

func row(w io.Writer, name string, seconds *float64, energy, grams *lifecycle.Quantity, how string) {
	time := ""
	if seconds != nil {
		time = number(*seconds, 3) + " s"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, time, quantity(energy, " J"), quantity(grams, ""), how)
}

// printUnits prints what one sample and one request cost.
func printUnits(out io.Writer, r *lifecycle.Record) {
	for _, unit := range []struct{ path, unit, one string }{
		{"train/epoch/batch", "samples", "training sample"},
		{"serve/request", "requests", "request"},
	} {
		for _, span := range r.Spans {
			if u, ok := span.Units[unit.unit]; ok && span.Path == unit.path && u.JPerUnit != nil {
				fmt.Fprintf(out, "%s a %s (%d %s in %s)\n", prefixed(*u.JPerUnit, "J"), unit.one, u.Count, unit.unit, span.Path)
			}
		}
	}
	if sci := r.Totals.PerUnit; sci != nil {
		fmt.Fprintf(out, "%s a request, all phases above included (95 %%: %s to %s)\n",
			prefixed(sci.GCO2e.Value, "gCO2e"), prefixed(sci.GCO2e.Low, "gCO2e"), prefixed(sci.GCO2e.High, "gCO2e"))
	}
}

// printUnknown tells what makes the intervals wide, and how to mend it.
func printUnknown(out io.Writer, r *lifecycle.Record) {
	for _, e := range r.Environments {
		if e.PlaceFound != "unknown" {
			continue
		}
		text := "The place is unknown, so the electricity may be any in the world"
		if grid := factorOf(r, e.Factors.Grid); grid != nil {
			text += fmt.Sprintf(" (%s to %s %s)", number(grid.Low, 2), number(grid.High, 2), grid.Unit)
		}
		fmt.Fprintln(out, text+". Tell the country for closer figures, for example ECOTRACER_COUNTRY=FR.")
	}
	if r.Totals.MeasuredShare == 0 && r.Totals.EnergyJ.Value > 0 {
		fmt.Fprintln(out, "No energy counter could be read here, so all energy is modelled. `ecotracer doctor` tells why.")
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

// quantity is a figure and its interval. What is unknown is empty, not zero.
func quantity(q *lifecycle.Quantity, unit string) string {
	if q == nil {
		return ""
	}
	return fmt.Sprintf("%s%s (%s to %s)", number(q.Value, 3), unit, number(q.Low, 2), number(q.High, 2))
}

// prefixed gives a figure between 1 and 1000 by a prefix of its unit.
func prefixed(v float64, unit string) string {
	for _, p := range []struct {
		factor float64
		name   string
	}{{1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "µ"}} {
		if v >= p.factor {
			return number(v/p.factor, 3) + " " + p.name + unit
		}
	}
	return number(v*1e9, 3) + " n" + unit
}

// number writes so many significant digits and never an exponent.
func number(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	decimals := digits - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	if decimals < 0 { // cut digits before the point
		scale := math.Pow10(-decimals)
		v, decimals = math.Round(v/scale)*scale, 0
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
