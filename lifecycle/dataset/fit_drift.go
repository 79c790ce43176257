package dataset

import (
	"fmt"
	"math"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// drift is by how much runs come to more or less from year to year than what is
// told of them. Where it is sure, a column of the model follows it: see learn.
type drift struct {
	perYear             float64 // logarithm; 0 if there is none, or none that is sure
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
	priorTrend  = 0.3 * 0.3   // variance of the logarithm a year
	goesOn      = 0.5         // standard deviation of how much a trend changes beyond the records, of itself: it may end there, or double
)

// driftOf is the slope of what was left out against when it began, by least
// squares, where what has the same key counts as one. Its error is the larger of
// that of as many points as there are keys, and of one that allows for what has
// the same key to be alike (Liang and Zeger 1986).
func (m *pooled) driftOf(out []*leftOut, key func(*observed) string, by string) (d drift) {
	d.by = by
	n := map[string]float64{}
	d.first, d.last, d.least = math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, l := range out {
		if math.IsNaN(l.ob.year) {
			d.undated++
			continue
		}
		n[key(l.ob)]++
		d.first, d.last = min(d.first, l.ob.year), max(d.last, l.ob.year)
		d.least = min(d.least, l.ob.sigma[m.quantity])
	}
	if d.programs = len(n); d.programs < fewDrifting {
		return drift{}
	}
	each := func(do func(w, year, off float64, key string)) {
		for _, l := range out {
			if k := key(l.ob); !math.IsNaN(l.ob.year) {
				do(1/n[k], l.ob.year, (l.ob.ratio[m.quantity]-l.mean)*l.ob.sigma[m.quantity], k)
			}
		}
	}
	count := float64(len(n))
	var off, xx, xy, rest, alike float64
	each(func(w, year, y float64, _ string) { d.middle, off = d.middle+w*year/count, off+w*y/count })
	each(func(w, year, y float64, _ string) {
		xx, xy = xx+w*(year-d.middle)*(year-d.middle), xy+w*(year-d.middle)*(y-off)
	})
	d.perYear = xy / xx
	pulls := map[string]float64{}
	each(func(w, year, y float64, key string) {
		e := y - off - d.perYear*(year-d.middle)
		rest += w * e * e
		alike -= pulls[key] * pulls[key]
		pulls[key] += w * (year - d.middle) * e
		alike += pulls[key] * pulls[key]
	})
	d.standard = math.Sqrt(max(rest/xx, alike/xx/xx*count) / (count - 2))
	if !(math.Abs(d.perYear) > sureOfDrift*d.standard) || math.Abs(d.perYear)*(d.last-d.first) < leastDrift {
		return drift{}
	}
	return d
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
