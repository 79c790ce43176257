package schedule

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// maxSteps bounds a forecast: a year of five minutes has 105,408.
const maxSteps = 200_000

// curve is a forecast that can be averaged over any window in it.
type curve struct {
	border []time.Time // of the steps: one more than there are values
	value  []float64
	sum    []float64 // of value × seconds up to each border
	level  source    // how well the source knows the grid, at any lead time
	job    Job
	from   time.Time // what the job allows and the forecast tells of
	until  time.Time
}

func newCurve(job Job, f factors.Factor) (*curve, error) {
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("the forecast is no factor: %w", err)
	}
	if f.Kind != factors.Grid && f.Kind != factors.Marginal {
		return nil, fmt.Errorf("the forecast is of kind %s: it must be %s or %s", f.Kind, factors.Grid, factors.Marginal)
	}
	s := f.Series
	if s == nil || len(s.Value) == 0 {
		return nil, fmt.Errorf("%w: no forecast: the factor has no series", factors.ErrNoFactor)
	}
	start, err := time.Parse(time.RFC3339, s.Start)
	if err != nil {
		return nil, fmt.Errorf("the series' start %q is no RFC 3339 time", s.Start)
	}
	step := s.StepS * float64(time.Second)
	if !(step >= float64(time.Second)) || len(s.Value) > maxSteps || step*float64(len(s.Value)) > math.MaxInt64/2 {
		return nil, fmt.Errorf("the series has %d steps of %v s: at most %d, of at least 1 s", len(s.Value), s.StepS, maxSteps)
	}
	c := &curve{job: job, value: s.Value, border: make([]time.Time, len(s.Value)+1), sum: make([]float64, len(s.Value)+1)}
	for k := range c.border {
		c.border[k] = start.Add(time.Duration(math.Round(step * float64(k))))
	}
	for k, v := range s.Value {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("the series' value at %s is %v: it must be finite and not negative", stamp(c.border[k]), v)
		}
		c.sum[k+1] = c.sum[k] + v*c.border[k+1].Sub(c.border[k]).Seconds()
	}
	end := c.border[len(s.Value)]
	c.from, c.until = latest(job.Earliest, start), earliest(job.Deadline, end)
	if c.until.Sub(c.from) < job.Duration {
		return nil, fmt.Errorf("%w: the forecast tells of %s to %s, which leaves no window of %v between %s and %s",
			factors.ErrNoFactor, stamp(start), stamp(end), short(job.Duration), stamp(job.Earliest), stamp(job.Deadline))
	}
	c.level = levelOf(f, start.Sub(job.Now), end.Sub(job.Now))
	return c, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// window is the best one, compared with a start at once here and at home.
func (c *curve) window(name string, home *estimate) Window {
	best := c.estimate(c.best())
	start := c.job.Now.Add(best.lead)
	w := Window{
		Place: name, Start: start.UTC(), End: start.Add(c.job.Duration).UTC(),
		Intensity: best.figure(1), From: c.from.UTC(), Until: c.until.UTC(),
	}
	kWh := c.job.kWh()
	if kWh > 0 {
		w.G = new(best.figure(kWh))
	}
	if here := c.atOnce(); here != nil {
		w.Waiting = saving(*here, best, kWh)
	}
	if home != nil {
		w.Moving = saving(*home, best, kWh)
	}
	return w
}

// atOnce is the window of the earliest start that the job allows; nil if the
// forecast does not tell of it.
func (c *curve) atOnce() *estimate {
	if !c.from.Equal(c.job.Earliest) {
		return nil
	}
	return new(c.estimate(c.from))
}

// best is the earliest of the best starts.
func (c *curve) best() time.Time {
	starts := c.starts()
	least := math.Inf(1)
	for _, t := range starts {
		least = min(least, c.mean(t))
	}
	return starts[slices.IndexFunc(starts, func(t time.Time) bool { return !lower(least, c.mean(t)) })]
}

// kWh is what the job draws.
func (j Job) kWh() float64 { return j.PowerW / 1000 * j.Duration.Hours() }

// starts are the starts among which the best one is, in order.
func (c *curve) starts() []time.Time {
	last := c.until.Add(-c.job.Duration)
	starts := []time.Time{c.from, last}
	for _, border := range c.border {
		for _, t := range []time.Time{border, border.Add(-c.job.Duration)} {
			if t.After(c.from) && t.Before(last) {
				starts = append(starts, t)
			}
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	return slices.Compact(starts)
}

// mean is that over the window that begins at t, which lies in the forecast.
func (c *curve) mean(t time.Time) float64 {
	end := t.Add(c.job.Duration)
	i, j := c.at(t), c.at(end.Add(-1))
	if i == j {
		return c.value[i]
	}
	sum := c.value[i]*c.border[i+1].Sub(t).Seconds() + c.sum[j] - c.sum[i+1] + c.value[j]*end.Sub(c.border[j]).Seconds()
	return max(0, sum/c.job.Duration.Seconds())
}

// at is the step that holds t.
func (c *curve) at(t time.Time) int {
	k := sort.Search(len(c.border), func(k int) bool { return c.border[k].After(t) }) - 1
	return min(max(k, 0), len(c.value)-1)
}

func (c *curve) estimate(start time.Time) estimate {
	return estimate{mean: c.mean(start), lead: start.Sub(c.job.Now), duration: c.job.Duration, curve: c}
}
