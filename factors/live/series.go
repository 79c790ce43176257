package live

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// maxBridge is the longest hole that is bridged by its neighbours.
	maxBridge = 2 * time.Hour

	// absurd is more than any grid emits: the dirtiest plants are near 2000.
	absurd = 5000 // gCO2e/kWh

	maxPoints = 200_000
)

// point is the intensity of one step.
type point struct {
	at        time.Time
	value     float64 // gCO2e/kWh; NaN: the source says that it does not know
	estimated bool    // by the source, in place of a measurement
}

// line is points in equal steps.
type line struct {
	start     time.Time // UTC
	step      time.Duration
	value     []float64
	estimated int // steps
	bridged   int // steps
}

func (l *line) end() time.Time { return l.start.Add(time.Duration(len(l.value)) * l.step) }

func (l *line) mean() float64 {
	var sum float64
	for _, v := range l.value {
		sum += v
	}
	return sum / float64(len(l.value))
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }

// lineUp brings points into equal steps that cover from to to, in whatever
// order they come. step 0 is to be found out. What is outside is left out; a
// hole of up to maxBridge is bridged by the mean of its two neighbours, or at
// an end by the one that it has. A longer hole is an error that names it, but
// at the ends of a forecast, which then is shorter.
func lineUp(points []point, step time.Duration, from, to time.Time, forecast bool) (line, error) {
	points, err := sorted(points)
	if err != nil {
		return line{}, err
	}
	if step == 0 {
		step = leastDistance(points)
	}
	if step < time.Minute || step > 24*time.Hour {
		return line{}, garbled("the answer has steps of %v", step)
	}
	if n := to.Sub(from) / step; n > maxPoints {
		return line{}, noFigure("", "%d steps of %v are more than can be asked for at once: ask for a shorter time", n, step)
	}
	if len(points) == 0 {
		return line{}, noFigure("", "it tells nothing of %s to %s", minute(from), minute(to))
	}
	// The steps that cover from to to, on the grid that the points stand on.
	origin := points[0].at
	first := origin.Add(step * time.Duration(floorDiv(from.Sub(origin), step)))
	n := int((to.Sub(first) + step - 1) / step)
	l := line{start: first.UTC(), step: step, value: make([]float64, n)}
	estimated := make([]bool, n)
	for k := range l.value {
		l.value[k] = math.NaN()
	}
	known := 0
	for _, p := range points {
		k := floorDiv(p.at.Sub(first), step)
		if !first.Add(step * time.Duration(k)).Equal(p.at) {
			return line{}, garbled("the answer is not in equal steps of %v: it has a value at %s", step, stamp(p.at))
		}
		if k >= 0 && k < int64(n) && !math.IsNaN(p.value) {
			l.value[k], estimated[k] = p.value, p.estimated
			known++
		}
	}
	if known == 0 {
		return line{}, noFigure("", "it tells of %s to %s, and nothing of %s to %s",
			minute(points[0].at), minute(points[len(points)-1].at.Add(step)), minute(from), minute(to))
	}
	if forecast {
		estimated = l.trim(estimated)
	}
	if err := l.bridge(); err != nil {
		return line{}, err
	}
	for _, e := range estimated {
		if e && !forecast { // of which nothing is measured
			l.estimated++
		}
	}
	return l, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func floorDiv(d, step time.Duration) int64 {
	k := int64(d / step)
	if d < 0 && d%step != 0 {
		k--
	}
	return k
}

// sorted puts points in order. A point that is there twice with one value
// counts once; with two values it is an error.
func sorted(points []point) ([]point, error) {
	if len(points) > maxPoints {
		return nil, garbled("the answer has %d values: at most %d are read", len(points), maxPoints)
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	out := points[:0]
	for _, p := range points {
		if p.at.Year() < 1990 || p.at.Year() > 2200 {
			return nil, garbled("the answer has a value of the year %d", p.at.Year())
		}
		if math.IsInf(p.value, 0) || p.value < 0 || p.value > absurd {
			return nil, garbled("it tells of %g gCO2e/kWh at %s, which no grid has", p.value, stamp(p.at))
		}
		if n := len(out); n > 0 && out[n-1].at.Equal(p.at) {
			last := &out[n-1]
			switch {
			case math.IsNaN(last.value):
				*last = p
			case !math.IsNaN(p.value) && p.value != last.value:
				return nil, garbled("it tells of both %g and %g gCO2e/kWh at %s", last.value, p.value, stamp(p.at))
			}
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

// leastDistance is the step of points in order: an hour where there is but one.
func leastDistance(points []point) time.Duration {
	least := time.Duration(0)
	for i := 1; i < len(points); i++ {
		if d := points[i].at.Sub(points[i-1].at); least == 0 || d < least {
			least = d
		}
	}
	if least == 0 {
		return time.Hour
	}
	return least
}

// trim shortens a forecast to what is told of: it ends with the last step that
// is known, and begins with the first if more is missing than can be bridged.
func (l *line) trim(estimated []bool) []bool {
	first := slices.IndexFunc(l.value, isKnown)
	last := len(l.value) - 1
	for !isKnown(l.value[last]) {
		last--
	}
	if time.Duration(first)*l.step <= maxBridge {
		first = 0
	}
	l.start = l.start.Add(time.Duration(first) * l.step)
	l.value = l.value[first : last+1]
	return estimated[first : last+1]
}

func isKnown(v float64) bool { return !math.IsNaN(v) }

// bridge fills the holes.
func (l *line) bridge() error {
	for k := 0; k < len(l.value); k++ {
		if isKnown(l.value[k]) {
			continue
		}
		end := k
		for end < len(l.value) && !isKnown(l.value[end]) {
			end++
		}
		if hole := time.Duration(end-k) * l.step; hole > maxBridge {
			from := l.start.Add(time.Duration(k) * l.step)
			return noFigure("", "it does not know %s to %s (%s): more than %s is not bridged", minute(from), minute(from.Add(hole)), hole, maxBridge)
		}
		var sum, n float64
		if k > 0 {
			sum, n = l.value[k-1], 1
		}
		if end < len(l.value) {
			sum, n = sum+l.value[end], n+1
		}
		for i := k; i < end; i++ {
			l.value[i] = sum / n
			l.bridged++
		}
		k = end
	}
	return nil
}

// told is what of a line was not measured, in words; "" is nothing.
func (l *line) told() string {
	var text string
	if l.estimated > 0 {
		text = fmt.Sprintf("; %d of %d values estimated by it", l.estimated, len(l.value))
	}
	if l.bridged > 0 {
		text += fmt.Sprintf("; %d of %d values missing and bridged by their neighbours", l.bridged, len(l.value))
	}
	return text
}
