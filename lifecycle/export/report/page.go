package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// page is what the layout is filled with. All texts of records in it went
// through shortened.
type page struct {
	Title      string
	Several    bool
	Comparison *comparison
	Runs       []*run
	Charts     charts
	assets
}

// charts is what scripts draw, as JSON in the page.
type charts struct {
	Runs       []runCharts `json:"runs"`
	Comparison []contrast  `json:"comparison,omitempty"`
}

type runCharts struct {
	Phases []bar   `json:"phases"`
	Flame  *frames `json:"flame,omitempty"`
	Stages []stage `json:"stages"` // that frames are of
	Power  *power  `json:"power,omitempty"`
	Ledger []share `json:"ledger"`
}

// run is the part of the page that is about one record.
type run struct {
	record *lifecycle.Record
	rows   int // measure of how long tables are

	ID      string // of elements: r1
	Letter  string // of several runs: A
	Name    string
	Facts   []string // one line under the name
	Several bool

	Lead    []string // what it comes to, in sentences
	Figures []keyFigure
	Sure    []string // how sure that is, in sentences

	What       []fact
	LifeCycle  table
	PhaseNotes []string
	Spans      table
	SpanNotes  []string
	Power      powerPart
	Hardware   table
	Meters     table
	LeftOut    string
	Services   table
	Ledger     table
	LedgerNote string
	Missing    table
	Warnings   table
	Factors    table
	Record     []fact

	charts runCharts
}

// keyFigure is one of the few figures that stand out.
type keyFigure struct {
	Name string
	cell
	Note string
}

// fact is a name and what is said of it.
type fact struct{ Name, Text string }

// newPage makes a page whose tables have rows as their measure; against tells how
// the runs but the first compare with the first.
func newPage(records []*lifecycle.Record, o Options, rows int, against []lifecycle.Comparison) (*page, error) {
	p := &page{Several: len(records) > 1, assets: loaded()}
	for i, r := range records {
		v := &run{
			record: r, rows: rows, Several: p.Several,
			ID:   "r" + strconv.Itoa(i+1),
			Name: cmp.Or(shortened(r.Run.Name, titleLength), "Unnamed run"),
		}
		if p.Several {
			v.Letter = string(rune('A' + i))
		}
		if err := v.fill(); err != nil {
			return nil, fmt.Errorf("report: record %d: %w", i+1, err)
		}
		p.Runs = append(p.Runs, v)
		p.Charts.Runs = append(p.Charts.Runs, v.charts)
	}
	p.Title = shortened(o.Title, titleLength)
	if p.Several {
		p.Comparison, p.Charts.Comparison = compare(p.Runs, against)
		if p.Title == "" {
			p.Title = plural(len(records), "run") + " compared"
		}
	}
	if p.Title == "" {
		p.Title = p.Runs[0].Name
	}
	return p, nil
}

// fill makes the parts of a run in the order of the page.
func (v *run) fill() error {
	v.header()
	v.summary()
	v.what()
	v.lifeCycle()
	v.spans()
	v.power()
	v.hardware()
	v.meters()
	v.services()
	v.ledger()
	v.missing()
	v.warnings()
	v.factors()
	return v.about()
}

// Label is how a run is called among several.
func (v *run) Label() string {
	if v.Letter == "" {
		return v.Name
	}
	return v.Letter + " · " + v.Name
}

// heading is that of a section; it is smaller below the name of one of several
// runs.
type heading struct {
	ID, Text string
	Several  bool
}

// Heading is the heading of the section of a run.
func (v *run) Heading(section, text string) heading {
	return heading{v.ID + "-" + section, text, v.Several}
}

func (v *run) header() {
	r := v.record
	v.Facts = []string{name(string(r.Run.Status))}
	if text := when(r.Run.StartedAt, r.Run.EndedAt); text != "" {
		v.Facts = append(v.Facts, text)
	}
	if r.Run.DurationS > 0 {
		v.Facts = append(v.Facts, duration(r.Run.DurationS))
	}
	if rank := r.Run.Rank; rank != nil && rank.Count > 1 {
		v.Facts = append(v.Facts, fmt.Sprintf("rank %d of %d", rank.Index, rank.Count))
	}
	if n := len(r.Run.Merged); n > 0 {
		text := "merged from " + plural(n, "record")
		if c := r.Run.Coverage; c != nil && *c < 1 {
			text += ", " + percent(*c) + " of the job’s ranks"
		}
		v.Facts = append(v.Facts, text)
	}
	var places []string
	for i := range r.Environments {
		if p := place(&r.Environments[i]); len(places) < 4 && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	if len(places) == 4 {
		places[3] = "other places"
	}
	v.Facts = append(v.Facts, places...)
}

// place tells where something ran.
func place(e *lifecycle.Environment) string {
	text := name(cmp.Or(e.GridZone, e.Subdivision, e.Country))
	if text == "" {
		text = "place unknown"
	} else if e.PlaceFound != "" && e.PlaceFound != "unknown" {
		text += " (" + name(e.PlaceFound) + ")"
	}
	text = joined(", ", text, name(e.Provider), name(e.Region), name(e.InstanceType), inWords(e.Infrastructure))
	if e.Virtualisation != "" && e.Virtualisation != "none" {
		text += ", in a " + strings.ReplaceAll(name(e.Virtualisation), "vm", "virtual machine")
	}
	return text
}

// inRecord writes a JSON Pointer as words, an entry of a list by its name:
// /spans/3/units is span fit/epoch: units.
func (v *run) inRecord(pointer string) string {
	words := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range words {
		for _, unit := range []string{"_j", "_s", "_l"} {
			words[i] = strings.TrimSuffix(words[i], unit)
		}
		words[i] = strings.NewReplacer("~1", "/", "~0", "~", "_", " ").Replace(words[i])
	}
	if len(words) > 1 {
		if of := v.entry(words[0], words[1]); of != "" {
			words = append([]string{kinds[words[0]] + " " + of}, words[2:]...)
		}
	}
	return name(strings.Join(words, ": "))
}

// kinds are what the entries of a record's lists are called.
var kinds = map[string]string{
	"environments": "place", "hardware": "device", "phases": "stage", "spans": "span", "ledger": "domain", "methods": "meter", "factors": "factor",
}

// entry is the name of an entry of one of the record's lists, "" if it has none.
func (v *run) entry(list, index string) string {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 {
		return ""
	}
	r := v.record
	switch {
	case list == "environments" && i < len(r.Environments):
		return r.Environments[i].ID
	case list == "hardware" && i < len(r.Hardware):
		return r.Hardware[i].ID
	case list == "phases" && i < len(r.Phases):
		return string(r.Phases[i].Stage)
	case list == "spans" && i < len(r.Spans):
		return r.Spans[i].Path
	case list == "ledger" && i < len(r.Ledger):
		return r.Ledger[i].Domain
	case list == "methods" && i < len(r.Methods):
		return r.Methods[i].ID
	case list == "factors" && i < len(r.Factors):
		return r.Factors[i].ID
	}
	return ""
}

// why tells why a member of the record is not there, by the paths under which
// missing may say so; "" if it does not.
func (v *run) why(pointers ...string) string {
	for _, p := range pointers {
		for _, m := range v.record.Missing {
			if m.Path == p && m.What == "" {
				return reasonInWords(m.Reason)
			}
		}
	}
	return ""
}

func reasonInWords(reason string) string {
	switch reason {
	case "not-applicable":
		return "does not apply"
	case "not-measured":
		return "was not measured"
	case "unknown":
		return "nobody told"
	case "withheld":
		return "withheld by the publisher"
	case "redacted":
		return "taken out before publication"
	}
	return inWords(reason)
}
