package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

const (
	// gridTimeout is how long the end of a run waits for its sources.
	gridTimeout = 5 * time.Second
	// hourly is how long a run is in which hours differ.
	hourly = time.Hour
	// maxLate is how much of a run's end a source may not know yet.
	maxLate = 3 * time.Hour
	// maxGrid is the greatest intensity that is believed, gCO2e/kWh: above it a
	// record's is found implausible (R33).
	maxGrid = 2000
	// maxSeries bounds the values of a source's series: a year of five minutes
	// has 105,408.
	maxSeries = 200_000
)

// Grid has the run assessed by what the grid's intensity was while it ran, as
// sources of package factors/live or of your own tell it, and not by the mean
// of a past year or a factor of Site.Factors. They are asked once, at the end of
// the run, for the place that tracer.At says.
//
// A run of an hour or more is assessed hour by hour (GridSource.History): the
// grid factor of its record has a series, and each stage a profile of its
// energy. A joule then is not worth the same at all times, so that spans tell no
// grams per unit. What spans store and move at the run's place is spread evenly
// over the run. Hours at the end that the source does not know yet, three at
// most and no more than half of the run, have the value of the last that it
// knows, with the range of those that it knows, and a warning (grid-live-late).
// A shorter run has the intensity of its end (GridSource.Current).
//
// Each source is asked for the average intensity and for the marginal one; of
// either the first source that knows it counts. Marginal grams are told beside
// the others, never in them. Of a source that knows no life-cycle intensity the
// direct one is taken, which its factor says.
//
// If nobody answers within 5 s with what can be believed, the figure is that of
// the data set, and the record says so (grid-live-failed). What the source said
// is in the error of End and not in the record, as it may hold a key. The record
// of a run that was killed has the figure of the data set too. The sources of
// several Grids add up.
func Grid(sources ...factors.GridSource) Option {
	return func(c *config) { c.grids = append(c.grids, sources...) }
}

// gridAnswer is what a source said of the time of a run.
type gridAnswer struct {
	factor factors.Factor
	start  int64         // of its series, Unix time in ns
	step   int64         // ns; 0: it has none
	late   time.Duration // of the run's end, that it does not know
	err    error
}

// liveGrid is what a run's sources said.
type liveGrid struct {
	average, marginal *gridAnswer // nil: nobody knows it
	failed            []error     // by source: why it does not know the average
}

// gridFault is a reason why an answer does not count. The record has the words.
type gridFault struct {
	words string
	err   error
}

func (e *gridFault) Error() string {
	if e.err == nil {
		return e.words
	}
	return e.words + ": " + e.err.Error()
}

func (e *gridFault) Unwrap() error { return e.err }

func refused(format string, args ...any) error {
	return &gridFault{"its answer is not believed: " + fmt.Sprintf(format, args...), nil}
}

// askGrid asks the run's sources for its time.
func (r *Run) askGrid(duration time.Duration) *liveGrid {
	sources := r.cfg.grids
	if len(sources) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), gridTimeout)
	defer cancel()
	q, confidentiality := r.gridQuery()
	from := r.started.Round(0).UTC()
	to := from.Add(duration)
	question := func(src factors.GridSource, kind factors.Kind) <-chan gridAnswer {
		q := q
		q.Kind = kind
		return ask(ctx, q, func(q factors.Query) (factors.Factor, error) {
			if duration < hourly {
				return src.Current(ctx, q)
			}
			// The step in which the run begins, too.
			return src.History(ctx, q, from.Truncate(hourly), to)
		})
	}
	var average, marginal []<-chan gridAnswer
	for _, src := range sources {
		average = append(average, question(src, factors.Grid))
		marginal = append(marginal, question(src, factors.Marginal))
	}
	live := new(liveGrid)
	var failed []error
	for i := range sources {
		a := await(ctx, average[i]).believe(factors.Grid, from, to, confidentiality)
		m := await(ctx, marginal[i]).believe(factors.Marginal, from, to, confidentiality)
		switch {
		case a.err == nil && live.average == nil:
			live.average = &a
		case a.err != nil && !(m.err == nil && unknown(a.err)): // who tells the marginal one need not know the average
			failed = append(failed, a.err)
		}
		if m.err == nil && live.marginal == nil {
			live.marginal = &m
		}
	}
	if live.average == nil {
		live.failed = failed
	}
	return live
}

// unknown tells whether a source has said that it does not know.
func unknown(err error) bool {
	return errors.Is(err, factors.ErrNoFactor) || errors.Is(err, factors.ErrUnknownCountry) || errors.Is(err, factors.ErrUnknownRegion)
}

// gridQuery asks for the place of the run. It also tells how openly the record
// is published.
func (r *Run) gridQuery() (q factors.Query, confidentiality string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.cfg.site
	return factors.Query{
		Country: s.Country, Region: s.Subdivision, Zone: s.GridZone,
		Provider: cmp.Or(s.Provider, r.ledger.facts.Provider), CloudRegion: s.Region,
	}, r.cfg.publisher.Confidentiality
}

// ask calls a source, which may hang or panic, in a goroutine of its own. Where
// it knows no life-cycle intensity it is asked for what plants emit, of which
// the factor tells. A figure of the data set is no answer.
func ask(ctx context.Context, q factors.Query, f func(factors.Query) (factors.Factor, error)) <-chan gridAnswer {
	answer := make(chan gridAnswer, 1)
	try := func(basis string) (a gridAnswer) {
		q := q
		q.Basis = basis
		err := guard("the grid source", func() (err error) {
			a.factor, err = f(q)
			return err
		})
		if found := a.factor.Found; err == nil && found != "" && found != factors.Live && found != factors.Declared {
			err = fmt.Errorf("%w: it has only that of the data set: %s", factors.ErrNoFactor, a.factor.Source)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			a.err = &gridFault{"it did not answer in time", err}
		case unknown(err):
			a.err = &gridFault{"it has no figure of that place and time", err}
		default:
			a.err = &gridFault{"it failed", err}
		}
		return a
	}
	go func() {
		a := try(q.Basis)
		if q.Basis == "" && unknown(a.err) {
			if direct := try("direct"); direct.err == nil {
				a = direct
			}
		}
		answer <- a
	}()
	return answer
}

// await is the answer, if it comes before ctx is done.
func await(ctx context.Context, answer <-chan gridAnswer) gridAnswer {
	select {
	case a := <-answer:
		return a
	case <-ctx.Done():
	}
	select {
	case a := <-answer:
		return a
	default:
		return gridAnswer{err: &gridFault{"it did not answer in time", ctx.Err()}}
	}
}

// believe makes sure that an answer is a figure of that kind and that time, as
// far as one can tell who was not there, and that a record may hold it.
func (a gridAnswer) believe(kind factors.Kind, from, to time.Time, confidentiality string) gridAnswer {
	if a.err != nil {
		return a
	}
	f := &a.factor
	signal := "average"
	if kind == factors.Marginal {
		signal = "marginal"
	}
	if f.Found == "" {
		f.Found = factors.Live
	}
	switch err := f.Check(); {
	case err != nil:
		a.err = &gridFault{"its answer is not believed: it is no factor", err}
	case f.Kind != kind || f.Signal != signal || f.Accounting != "location":
		a.err = refused("it is not the %s intensity, location-based", signal)
	case !believed(f.Value):
		a.err = refused("%v gCO2e/kWh", f.Value)
	case to.Sub(from) >= hourly:
		a.err = a.believeSeries(from, to)
	default:
		f.Series = nil
	}
	if a.err == nil {
		d := declared{site: Site{Factors: []factors.Factor{*f}}}
		d.publisher.Confidentiality = confidentiality
		d.site.Factors[0].Series = nil
		if len(d.findings()) > 0 {
			a.err = refused("a record could not hold it")
		}
	}
	return a
}

func believed(v float64) bool { return v >= 0 && v <= maxGrid }

// believeSeries makes sure that a series tells of a time.
func (a *gridAnswer) believeSeries(from, to time.Time) error {
	s := a.factor.Series
	if s == nil || len(s.Value) == 0 {
		return refused("it has no series")
	}
	const century = 100 * 365 * 24 * time.Hour
	start, err := time.Parse(time.RFC3339, s.Start)
	switch {
	case err != nil || from.Sub(start) > century:
		return refused("its series has no begin")
	case !(s.StepS >= 1) || len(s.Value) > maxSeries || s.StepS*float64(len(s.Value)) > century.Seconds():
		return refused("its series has %d steps of %v s", len(s.Value), s.StepS)
	case start.After(from.Add(time.Second)):
		return refused("its series begins %v after the run", start.Sub(from).Round(time.Second))
	}
	if i := slices.IndexFunc(s.Value, func(v float64) bool { return !believed(v) }); i >= 0 {
		return refused("step %d of its series is %v gCO2e/kWh", i, s.Value[i])
	}
	if v, most := a.factor.Value, slices.Max(s.Value); v < slices.Min(s.Value)*(1-1e-9) || v > most*(1+1e-9) || v == 0 && most > 0 {
		return refused("%v gCO2e/kWh is not the mean of its series", v)
	}
	// Its worst hour must be a factor as well: it may stand for others.
	worst := a.factor
	if most := slices.Max(s.Value); most > 0 {
		worst.Value, worst.Low, worst.High = most, most*(worst.Low/worst.Value), most*(worst.High/worst.Value)
	}
	if err := worst.Check(); err != nil || worst.Low < worst.Value/1000 {
		return &gridFault{"its answer is not believed: its interval is absurd", err}
	}
	a.start, a.step = start.UnixNano(), int64(math.Round(s.StepS*1e9))
	end := time.Unix(0, a.start+a.step*int64(len(s.Value)))
	if a.late = max(to.Sub(end), 0); a.late > min(maxLate, to.Sub(from)/2) {
		return refused("its series ends %v before the run", a.late.Round(time.Second))
	}
	return nil
}

// mean is that of the series from one Unix time to another, in ns; beyond its
// ends it is last at the one and its first value at the other.
func (a *gridAnswer) mean(from, to int64, last float64) float64 {
	values := a.factor.Series.Value
	end := a.start + a.step*int64(len(values))
	var sum float64
	sum += values[0] * float64(max(min(to, a.start)-from, 0))
	sum += last * float64(max(to-max(from, end), 0))
	for k := max((from-a.start)/a.step, 0); k < int64(len(values)); k++ {
		begin := a.start + k*a.step
		if begin >= to {
			break
		}
		sum += values[k] * float64(max(min(to, begin+a.step)-max(from, begin), 0))
	}
	return sum / float64(to-from)
}

// over is the factor of a time, with the values of n steps of it if it is to
// have some. Its interval is as wide as the source says; what the source does
// not know has the range of what it knows.
func (a *gridAnswer) over(from, step int64, n int) factors.Factor {
	f := a.factor
	values := f.Series.Value
	mean := func(last float64) (m float64, series []float64) {
		for k := range n {
			v := a.mean(from+int64(k)*step, from+int64(k+1)*step, last)
			series = append(series, v)
			m += v
		}
		return m / float64(n), series
	}
	v, series := mean(values[len(values)-1])
	low, high := v, v
	if a.late > 0 {
		low, _ = mean(slices.Min(values))
		high, _ = mean(slices.Max(values))
	}
	if v > 0 && a.factor.Value > 0 {
		// A low of 0 is no bound of what is above it.
		f.Low, f.High = max(low, v/maxGrid)*(f.Low/f.Value), high*(f.High/f.Value)
	} else {
		f.Low, f.High = v, v
	}
	f.Value = v
	f.Series = &factors.Series{Start: time.Unix(0, from).UTC().Format(time.RFC3339), StepS: float64(step) / 1e9, Value: series}
	return f
}

// words tells the record why there is no live figure.
func (g *liveGrid) words() string {
	var list []string
	for _, err := range g.failed {
		var fault *gridFault
		if errors.As(err, &fault) && !slices.Contains(list, fault.words) {
			list = append(list, fault.words)
		}
	}
	return strings.Join(list, "; ")
}

// err tells the program why there is no live figure.
func (g *liveGrid) err() error {
	if g == nil || len(g.failed) == 0 {
		return nil
	}
	return fmt.Errorf("tracer: the grid's intensity during the run is not known, so that the record has that of the data set: %w", errors.Join(g.failed...))
}
