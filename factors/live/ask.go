package live

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/forecast"
	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// tense is which of the three questions is asked.
type tense string

const (
	current tense = "current"
	past    tense = "history"
	future  tense = "forecast"
)

// request is a question. For current, from is the earliest time of which an
// answer is of use.
type request struct {
	tense    tense
	basis    string
	from, to time.Time // UTC
}

// answer is what a source told, in its own steps.
type answer struct {
	endpoint string // as its documentation calls it, fit for a record
	url      string // that was asked, without secrets
	points   []point
	step     time.Duration // 0: to be found out from the points
	spread   spread        // of what is measured; zero: as the source's traits tell
	notes    []string      // for Source
}

// traits are what is always so of a source.
type traits struct {
	slug    string // for ids and the cache
	base    string // address, if it is not the usual one
	name    string
	licence string
	quality string // of a measured figure
	kind    factors.Kind
	bases   []string
	mix     string
	spread  spread        // of a measured figure
	rough   spread        // of an estimated one
	lag     time.Duration // by which its last figure may be late
}

// source is one interface, as the three questions of a factors.GridSource see
// it.
type source interface {
	traits() (traits, error)
	// locate finds the zone that a query is of, in the source's own names, or
	// says why it cannot.
	locate(q factors.Query) (zone, error)
	// answer asks. It need not look at values or times, and its errors need not
	// tell the source, nor the address if the answer has it.
	answer(ctx context.Context, z zone, r request) (answer, error)
}

// zone is what a source tells of.
type zone struct {
	name      string // the source's own
	geography string // ISO 3166; "" if it is not known
}

// Times that may be asked for at once.
const (
	maxHistory  = 400 * 24 * time.Hour
	maxForecast = 31 * 24 * time.Hour

	usualLag = 24 * time.Hour
)

// ask asks a source and makes a factor of what it tells.
func ask(ctx context.Context, s source, t tense, q factors.Query, from, to time.Time) (factors.Factor, error) {
	tr, z, r, err := prepare(s, t, q, from, to)
	if err != nil {
		return factors.Factor{}, err
	}
	a, err := s.answer(ctx, z, r)
	var f factors.Factor
	if err == nil {
		f, err = a.factor(tr, q.Kind, z, r)
	}
	if err != nil {
		return factors.Factor{}, complete(err, tr.name, a.url)
	}
	return f, nil
}

// prepare says what is to be asked, or why it cannot be.
func prepare(s source, t tense, q factors.Query, from, to time.Time) (traits, zone, request, error) {
	r := request{t, q.Basis, from.Round(0).UTC(), to.Round(0).UTC()}
	tr, err := s.traits()
	if err != nil {
		return tr, zone{}, r, err
	}
	if r.basis == "" {
		r.basis = "lifecycle"
	}
	now := time.Now()
	switch {
	case q.Kind != tr.kind:
		what := map[factors.Kind]string{factors.Grid: "the average of what is generated", factors.Marginal: "what one more kWh emits"}
		return tr, zone{}, r, noFigure(tr.name, "it tells %s: ask for kind %s, not %q", what[tr.kind], tr.kind, q.Kind)
	case !slices.Contains(tr.bases, r.basis):
		return tr, zone{}, r, noFigure(tr.name, "it tells %s intensity: ask for basis %s, not %q",
			strings.Join(tr.bases, " or "), strings.Join(tr.bases, " or "), r.basis)
	case t == current:
		r.from, r.to = now.Add(-cmp.Or(tr.lag, usualLag)).UTC(), now.UTC()
	case !r.from.Before(r.to):
		return tr, zone{}, r, noFigure(tr.name, "the time must begin before it ends, not %s to %s", stamp(from), stamp(to))
	case t == past && r.from.After(now):
		return tr, zone{}, r, noFigure(tr.name, "%s is not history yet", stamp(from))
	case t == future && !r.to.After(now):
		return tr, zone{}, r, noFigure(tr.name, "%s is past: ask for its history", stamp(to))
	}
	switch t {
	case past:
		r.to = earlier(r.to, now)
		if length := r.to.Sub(r.from); length > maxHistory {
			return tr, zone{}, r, noFigure(tr.name, "%d days are more than can be asked for at once", length/(24*time.Hour))
		}
	case future:
		if r.from.Before(now) {
			r.from = now.UTC() // what is past is not forecast
		}
		r.to = earlier(r.to, r.from.Add(maxForecast))
	}
	z, err := zoneOf(s, q)
	return tr, z, r, err
}

// zoneOf is the zone that a query is of. Where it is not certain, there is no
// figure.
func zoneOf(s source, q factors.Query) (zone, error) {
	z, err := s.locate(q)
	if err != nil {
		tr, _ := s.traits() // its name is there without a key
		return zone{}, noFigure(tr.name, "%v", err)
	}
	return z, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b.UTC()
	}
	return a
}

// complete puts the name of a source and an address into a failure.
func complete(err error, name, url string) error {
	f := failure{why: err.Error()}
	if known, ok := err.(*failure); ok {
		f = *known // a copy: others may have the same
	}
	f.source, f.url = cmp.Or(f.source, name), cmp.Or(f.url, url)
	return &f
}

// factor makes a factor of an answer.
func (a answer) factor(tr traits, kind factors.Kind, z zone, r request) (factors.Factor, error) {
	if r.tense == current {
		p, step, err := a.last(r)
		if err != nil {
			return factors.Factor{}, err
		}
		a.points, a.step, r.from, r.to = []point{p}, step, p.at, p.at.Add(step)
	}
	l, err := lineUp(a.points, a.step, r.from, r.to, r.tense == future)
	if err != nil {
		return factors.Factor{}, err
	}
	f := factors.Factor{
		ID: string(kind) + ".live." + tr.slug + "." + z.name, Kind: kind, Unit: "gCO2e/kWh",
		Geography: z.geography, Signal: "average", Accounting: "location", Basis: r.basis, Mix: tr.mix, GWP: "unstated",
		ValidFrom: l.start.Format(time.DateOnly), ValidTo: l.end().Add(-1).Format(time.DateOnly),
		Licence: tr.licence, Found: factors.Live, SourceYear: time.Now().UTC().Year(),
	}
	if kind == factors.Marginal {
		f.Signal = "marginal"
	}
	f.Value = l.mean()
	f.Low, f.High = a.width(tr, l, r).around(f.Value)
	f.Quality = lower(tr.quality, l.estimated > 0, l.bridged > 0, r.tense == future)
	f.Source = a.told(tr, z, l, r)
	if r.tense != current {
		f.Series = &factors.Series{Start: stamp(l.start), StepS: l.step.Seconds(), Value: l.value}
	}
	if err := f.Check(); err != nil {
		return factors.Factor{}, garbled("the answer makes no factor: %v", err)
	}
	return f, nil
}

// last is the last step that has begun and that is known.
func (a answer) last(r request) (point, time.Duration, error) {
	points, err := sorted(a.points)
	if err != nil {
		return point{}, 0, err
	}
	step := a.step
	if step == 0 {
		step = leastDistance(points)
	}
	for _, p := range slices.Backward(points) {
		if !isKnown(p.value) || p.at.After(r.to) {
			continue
		}
		if p.at.Before(r.from) {
			return point{}, 0, noFigure("", "its last figure is of %s, more than %s ago", minute(p.at), r.to.Sub(r.from))
		}
		return p, step, nil
	}
	return point{}, 0, noFigure("", "it knows no figure of the last %s", r.to.Sub(r.from))
}

// width is how far the figure may be from the truth, 95 %.
func (a answer) width(tr traits, l line, r request) spread {
	sure := tr.spread
	if a.spread != (spread{}) {
		sure = a.spread
	}
	rough := tr.rough
	if rough == (spread{}) {
		rough = sure
	}
	n := float64(len(l.value))
	s := sure.towards(rough, float64(l.estimated)/n)
	s = s.and(both(1 + (bridgeSpread-1)*float64(l.bridged)/n))
	if r.tense == future {
		now := time.Now()
		s = s.and(both(math.Exp(lognormal.Z95 * math.Sqrt(forecast.Variance(l.start.Sub(now), l.end().Sub(now))))))
	}
	return s
}

// told is the factor's Source.
func (a answer) told(tr traits, z zone, l line, r request) string {
	text := fmt.Sprintf("%s, %s, zone %s", tr.name, a.endpoint, z.name)
	if r.tense == current {
		text += fmt.Sprintf(", %s of %s", minutes(l.step), minute(l.start))
	}
	text += ", retrieved " + stamp(time.Now()) + l.told()
	if r.tense == future && l.end().Before(r.to) {
		text += "; the forecast ends at " + minute(l.end())
	}
	for _, n := range a.notes {
		text += "; " + n
	}
	return text
}

func minutes(d time.Duration) string { return fmt.Sprintf("%g min", d.Minutes()) }

// lower is a quality, one step down for each thing that is so.
func lower(quality string, down ...bool) string {
	const steps = "ABCD"
	k := strings.Index(steps, quality)
	for _, d := range down {
		if d {
			k++
		}
	}
	return steps[min(k, 3) : min(k, 3)+1]
}
