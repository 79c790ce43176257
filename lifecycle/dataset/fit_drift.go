package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// drift is by how much runs come to more or less from year to year than what else
// is told of them.
type drift struct {
	perYear             float64 // logarithm
	standard            float64 // error of it
	first, middle, last float64 // years of the runs
	least               float64 // sigma of physics
	programs, undated   int
	by                  string // what programs are: "program", or "run" of a single one
}

const (
	fewDrifting = 10          // programs
	sureOfDrift = 3.0         // standard errors: in one of a hundred models by chance
	leastDrift  = 0.182321557 // logarithm of 1.2, between the first and the last run
	leastSpan   = 0.25        // years
	priorTrend  = 0.3 * 0.3   // variance of the logarithm a year
	goesOn      = 0.5         // standard deviation of how much a trend changes beyond the records, of itself: it may end there, or double
)

// follow gives the model a column for the years, and keeps it where its slope is
// sure beside all else that the model has: hardware that comes later and models
// that grow are no drift. The error of the slope is the larger of that of the model
// and of one by which runs of a program may be alike (Liang and Zeger 1986).
func (m *pooled) follow(list []*observed) {
	d := drift{first: math.Inf(1), last: math.Inf(-1), least: math.Inf(1), by: "program"}
	key, pulls := ownSeries, map[string]float64{}
	if len(m.known[bySeries]) == 1 && m.known[bySeries][list[0].in[bySeries]] == len(list) {
		key, d.by = ownRun, "run"
	}
	dated := 0.0
	for _, ob := range list {
		if math.IsNaN(ob.year) {
			d.undated++
			continue
		}
		dated++
		d.middle += (ob.year - d.middle) / dated
		d.first, d.last = min(d.first, ob.year), max(d.last, ob.year)
		d.least = min(d.least, ob.sigma[m.quantity])
		pulls[key(ob)] = 0
	}
	if d.programs = len(pulls); d.programs < fewDrifting || d.last-d.first < leastSpan {
		return
	}
	without := *m
	m.drift, m.trend = d, m.width
	m.width++
	m.b = nil
	if m.settle(list); m.b == nil {
		*m = without
		return
	}
	column := m.cov.row(m.trend)
	for i, ob := range list {
		if !math.IsNaN(ob.year) {
			e := ob.ratio[m.quantity] - m.rows[i].dot(m.b)
			pulls[key(ob)] += m.rows[i].dot(column) * m.influence(i, ob) * e
		}
	}
	alike := 0.0
	for _, k := range slices.Sorted(maps.Keys(pulls)) { // in one order, so that sums are the same
		alike += pulls[k] * pulls[k]
	}
	n := float64(d.programs)
	m.drift.perYear, m.drift.standard = m.b[m.trend], math.Sqrt(max(column[m.trend], alike*n/(n-2)))
	if slope := math.Abs(m.drift.perYear); !(slope > sureOfDrift*m.drift.standard) || slope*(d.last-d.first) < leastDrift {
		*m = without
	}
}

// followed is as far as a trend is followed: beyond the records no longer than
// these reach back.
func (d drift) followed(year float64) float64 {
	span := d.last - d.first
	return min(max(year, d.first-span), d.last+span)
}

// outside is how many years there are between the records and a year.
func (d drift) outside(year float64) float64 { return max(d.first-year, year-d.last, 0) }

// elapsed is what the column of the trend has for a run: years from the middle, in
// the unit of the model. What tells no year is taken to be of the middle; a plan
// that is surer than all records, for it gives what physics assumes of them, follows
// the trend by so much less.
func (m *pooled) elapsed(year, sigma float64) float64 {
	if m.trend == 0 || math.IsNaN(year) {
		return 0
	}
	return (m.drift.followed(year) - m.drift.middle) / max(sigma, m.drift.least)
}

// beyond is the standard deviation of what a trend may come to in so many years
// that no record is of.
func (m *pooled) beyond(years, sigma float64) float64 {
	if m.trend == 0 {
		return 0
	}
	return goesOn * math.Abs(m.b[m.trend]) * years / max(sigma, m.drift.least)
}

// words tell of a drift that is followed to a year.
func (d drift) words(what string, year float64) string {
	times := func(x float64) string { return inwords.Trimmed(math.Exp(x)) }
	text := fmt.Sprintf("%s: since %.0f runs come from year to year to %s times as much (%s to %s; %s, the last of %.0f), and that trend is followed to %.0f",
		what, math.Floor(d.first), times(d.perYear), times(d.perYear-z90*d.standard), times(d.perYear+z90*d.standard),
		inwords.Plural(d.programs, d.by), math.Floor(d.last), math.Floor(d.followed(year)))
	if h := d.outside(year); h > 1.0/12 {
		text += fmt.Sprintf("; that is %s years away from all of them: the interval allows for a trend that ends there, or doubles", inwords.Trimmed(inwords.Rounded(h, 2)))
		if d.followed(year) != year {
			text += fmt.Sprintf(", and it is followed no farther than the %s years that they span", inwords.Trimmed(d.last-d.first))
		}
	}
	if d.undated > 0 {
		text += fmt.Sprintf("; %s that tell no date are taken to be of the middle", inwords.Plural(d.undated, "run"))
	}
	return text
}

func yearOf(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	t = t.UTC()
	return float64(t.Year()) + float64(t.YearDay()-1)/366
}
