package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/internal/inwords"
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
	Units      chartUnits  `json:"units"`
}

// chartUnits are the units that scripts write figures in.
type chartUnits struct {
	Grams     []inwords.Unit `json:"grams"`
	WattHours []inwords.Unit `json:"wattHours"`
	Watts     []inwords.Unit `json:"watts"`
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
	p := &page{Several: len(records) > 1, assets: runAssets()}
	p.Charts.Units = chartUnits{inwords.CO2e, inwords.WattHours, inwords.Watts}
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
			p.Title = inwords.Plural(len(records), "run") + " compared"
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
	if text := inwords.When(r.Run.StartedAt, r.Run.EndedAt); text != "" {
		v.Facts = append(v.Facts, text)
	}
	if r.Run.DurationS > 0 {
		v.Facts = append(v.Facts, duration(r.Run.DurationS))
	}
	if text := inwords.Job(r); text != "" {
		v.Facts = append(v.Facts, text)
	}
	var places []string
	for i := range r.Environments {
		if p := name(inwords.Place(&r.Environments[i])); len(places) < 4 && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	if len(places) == 4 {
		places[3] = "other places"
	}
	v.Facts = append(v.Facts, places...)
}

// why tells why a member of the record is not there; "" if it does not.
func (v *run) why(pointers ...string) string { return name(inwords.Why(v.record, pointers...)) }
