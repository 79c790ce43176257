package dataset

import (
	"fmt"
	"math"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// drift is by how much runs come to more or less from year to year than what is
// told of them. Nothing that is predicted follows it: intervals hold for runs that
// might as well be among those that were learned from, and later ones might not.
type drift struct {
	perYear     float64 // logarithm; 0 if there is none, or none that is sure
	first, last float64 // years of the runs
	programs    int
}

const (
	fewDrifting = 10          // programs
	sureOfDrift = 4.0         // standard errors: in one of some hundred models by chance
	leastDrift  = 0.182321557 // logarithm of 1.2, between the first and the last run
)

// driftOf is the slope of what was left out against when it began, by least
// squares, where what has the same key counts as one.
func (m *pooled) driftOf(out []leftOut, key func(*observed) string) (d drift) {
	type point struct{ year, off, n float64 }
	var list []point // by key, in one order
	at := map[string]int{}
	d.first, d.last = math.Inf(1), math.Inf(-1)
	for _, l := range out {
		if math.IsNaN(l.ob.year) {
			continue
		}
		i, ok := at[key(l.ob)]
		if !ok {
			i = len(list)
			at[key(l.ob)], list = i, append(list, point{})
		}
		p := &list[i]
		p.year, p.off, p.n = p.year+l.ob.year, p.off+l.off*l.ob.sigma[m.quantity], p.n+1
		d.first, d.last = min(d.first, l.ob.year), max(d.last, l.ob.year)
	}
	if d.programs = len(list); d.programs < fewDrifting {
		return drift{}
	}
	var year, off float64
	for i, p := range list {
		list[i] = point{year: p.year / p.n, off: p.off / p.n}
		year, off = year+list[i].year/float64(len(list)), off+list[i].off/float64(len(list))
	}
	var xx, xy, rest float64
	for _, p := range list {
		xx, xy = xx+(p.year-year)*(p.year-year), xy+(p.year-year)*(p.off-off)
	}
	d.perYear = xy / xx
	for _, p := range list {
		e := p.off - off - d.perYear*(p.year-year)
		rest += e * e
	}
	standard := math.Sqrt(rest / float64(len(list)-2) / xx)
	if !(math.Abs(d.perYear) > sureOfDrift*standard) || math.Abs(d.perYear)*(d.last-d.first) < leastDrift {
		return drift{}
	}
	return d
}

// String tells of a drift.
func (d drift) String() string {
	return fmt.Sprintf("the records drift: from year to year runs come to %s times as much (%s, %.0f to %.0f), which no interval allows for: it is that of all these years, and what runs later may well be outside",
		inwords.Trimmed(math.Exp(d.perYear)), inwords.Plural(d.programs, "program"), math.Floor(d.first), math.Floor(d.last))
}

func yearOf(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	t = t.UTC()
	return float64(t.Year()) + float64(t.YearDay()-1)/366
}
