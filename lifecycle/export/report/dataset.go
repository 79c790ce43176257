package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// What a page of a data set shows of what may be many: tables have so many rows,
// charts so many of something. What is left out is told.
const (
	mostValues    = 8    // of a trait
	mostBoxes     = 12   // in a chart
	mostMonths    = 60   // the last ones
	mostFront     = 20   // of a front
	mostFound     = 25   // outliers
	mostDots      = 1000 // runs beyond the front
	mostFrontDots = 300
)

// datasetPage is what the layout of a data set is filled with. All texts of
// records in it went through shortened.
type datasetPage struct {
	Title   string
	Several bool // of no meaning here: the parts that pages share ask for it
	Facts   []string
	Lead    []string
	Sure    []string
	Figures []keyFigure

	Makeup    []table
	Absent    []string
	LifeCycle table
	PhaseNote string

	Boxes     []boxPart
	Months    table
	MonthNote string

	FrontNotes []string
	Front      table

	OutlierNotes []string
	Outliers     table

	ClusterNotes []string
	Clusters     table

	Quality  []table
	Reading  table
	Problems table

	Charts datasetCharts
	assets
}

// boxPart is how energy is distributed by one trait.
type boxPart struct {
	Index int
	Table table
}

// datasetCharts is what scripts draw, as JSON in the page.
type datasetCharts struct {
	Phases []bar      `json:"phases"`
	Boxes  [][]box    `json:"boxes"`
	Months []monthBar `json:"months"`
	Front  *frontDots `json:"front,omitempty"`
	Units  chartUnits `json:"units"`
}

// box is the energy of the runs that have a trait, J.
type box struct {
	Name  string  `json:"name"`
	Label string  `json:"label"`
	P5    float64 `json:"p5"`
	P25   float64 `json:"p25"`
	P50   float64 `json:"p50"`
	P75   float64 `json:"p75"`
	P95   float64 `json:"p95"`
}

// monthBar is what the runs of a month used, J.
type monthBar struct {
	Month  string   `json:"month"`
	Value  float64  `json:"value"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Median *float64 `json:"median,omitempty"` // of a run
	P25    float64  `json:"p25"`
	P75    float64  `json:"p75"`
}

// frontDots are runs by metric and energy.
type frontDots struct {
	Metric string       `json:"metric"`
	Front  [][2]float64 `json:"front"` // energy in J, metric
	Others [][2]float64 `json:"others"`
	Knee   int          `json:"knee"` // place in Front, -1 if none
}

// WriteDataset writes a page of a data set, smaller than a megabyte however many
// runs there are: totals and quantiles are of all, dots are of a sample. The same
// survey makes the same page, byte for byte. On an error of its own it has
// written nothing.
func WriteDataset(w io.Writer, s *dataset.Survey, o Options) error {
	if s == nil || len(s.Points) == 0 {
		return errors.New("report: no run: there is nothing to tell of")
	}
	p, err := newDatasetPage(s, o)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := layout().ExecuteTemplate(&b, "dataset.html", p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if b.Len() >= maxSize {
		return fmt.Errorf("report: the page would be larger than %d bytes, so long are the texts of the records", maxSize)
	}
	_, err = w.Write(b.Bytes())
	return err
}

func newDatasetPage(s *dataset.Survey, o Options) (*datasetPage, error) {
	p := &datasetPage{Title: shortened(o.Title, titleLength), assets: datasetAssets()}
	if p.Title == "" {
		p.Title = "Data set"
	}
	p.Charts.Units = chartUnits{inwords.CO2e, inwords.WattHours, inwords.Watts}
	p.summary(s)
	p.makeup(s)
	p.lifeCycle(s)
	p.months(s)
	p.quality(s)
	for _, part := range []func(*dataset.Survey) error{p.boxes, p.front, p.outliers, p.clusters} {
		if err := part(s); err != nil {
			return nil, err
		}
	}
	return p, nil
}
