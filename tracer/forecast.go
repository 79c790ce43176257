package tracer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Forecast is what a run is expected to come to, once the work that its spans
// expect is done (Span.Expect), if nothing follows. In a record's JSON it has the
// names of its tags.
type Forecast struct {
	AtS      float64 `json:"at_s"` // when it was made, in seconds from the run's begin
	Path     string  `json:"path"` // of the spans that expect; of several loops the one that takes the longest
	Unit     string  `json:"unit"` // what they expect, as Expect was told
	Done     int64   `json:"done"`
	Expected int64   `json:"expected"`
	LeansOn  int64   `json:"leans_on"` // units that it follows from: those done, but for the first ones, which warm up

	// What is to come, and what it comes to with what was. Nil is unknown: all of
	// them while Why tells why there is no forecast yet; energy also where no meter
	// tells it.
	RemainingS     *Estimate `json:"remaining_s,omitempty"`
	TotalS         *Estimate `json:"total_s,omitempty"`
	RemainingJ     *Estimate `json:"remaining_j,omitempty"`
	TotalJ         *Estimate `json:"total_j,omitempty"`
	RemainingGCO2e *Estimate `json:"remaining_gco2e,omitempty"`
	TotalGCO2e     *Estimate `json:"total_gco2e,omitempty"`

	// ElectricityOnly: the production of the devices is unknown, and not in the
	// grams.
	ElectricityOnly bool `json:"electricity_only,omitempty"`

	Why string `json:"why,omitempty"`
}

// Estimate is a figure of a Forecast: its best estimate and its 95 % and 90 %
// intervals. Those of energy and emissions have in them how sure the record's own
// figures are, by the errors of its meters and factors.
type Estimate struct {
	Value  float64 `json:"value"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Low90  float64 `json:"low_90"`
	High90 float64 `json:"high_90"`
}

// maxForetold bounds the forecasts that a record holds.
const maxForetold = 64

// foretold is the extension of a record that holds its forecasts.
type foretold struct {
	Version   int        `json:"version"`
	Forecasts []Forecast `json:"forecasts"`
}

const foretoldVersion = 1

// Forecasts are those that a record holds, under its extensions, in the order in
// which they were made: the first one that could be, one for each tenth of the
// work, the last one of a run that runs, and, once the work is done, what it came
// to, by which those before may be judged: there nothing remains. It has none if
// no span of its run expected anything.
func Forecasts(r *lifecycle.Record) ([]Forecast, error) {
	v, ok := r.Extensions[lifecycle.ForecastExtension]
	if !ok {
		return nil, nil
	}
	text, err := json.Marshal(v)
	var f foretold
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", lifecycle.ForecastExtension, err)
	case f.Version != foretoldVersion:
		return nil, fmt.Errorf("%s: version %d is not known here, which is %d", lifecycle.ForecastExtension, f.Version, foretoldVersion)
	}
	if n := len(f.Forecasts); n > 2*maxForetold {
		return nil, fmt.Errorf("%s: %d forecasts, and a run has no more than %d", lifecycle.ForecastExtension, n, 2*maxForetold)
	}
	return f.Forecasts, nil
}

// Forecast is what the run is expected to come to, as far as its spans say what
// they expect (Span.Expect), from three units on; Why tells why there is none. What
// the units took that are done is followed by a level that may drift (Harvey,
// Forecasting, Structural Time Series Models and the Kalman Filter, 1989), without
// those that warm up: the first, and more by the marginal standard error rule (White
// 1997). Until the units tell otherwise their cost is taken to vary by 5 % and to
// drift by 10 % over all of the work (one standard deviation). One unit that took
// more than five times what others do is taken for a pause that does not come again.
// Loops that are open together take as long as the longest, and as much as all.
//
// What is yet to happen nobody foretells. Of simulated loops of 20 and of 60 units
// that vary by 1 to 15 %, forecast at a quarter, half and three quarters, the 95 %
// intervals held 97–100 % of what came where nothing changes (90 %: 93–100 %), 94–97 %
// (85–91 %) where the cost drifts by 15 % (one standard deviation), 94–98 %
// (91–97 %) after a step to half more, 98–100 % (94–100 %) after a pause of 20 units; and
// 10–38 % where that step, 0–5 % where that pause, was still to come.
//
// What the meters told in the last second or so may not be in it. It reads no meter,
// and makes a record now and then, for its factors. After End it is the last one
// there was.
func (r *Run) Forecast() Forecast {
	if r == nil || r.ledger == nil {
		return Forecast{Why: "nothing is traced"}
	}
	if r.over.Load() {
		select {
		case <-r.done:
		default: // a sink may be asking
			return Forecast{Why: "the run is ending"}
		}
		if all, _ := Forecasts(r.final); len(all) > 0 {
			return all[len(all)-1]
		}
		return Forecast{Why: "the run has ended, and no forecast was made"}
	}
	t := r.ledger.now()
	r.ledger.mu.Lock()
	r.ledger.advance(t)
	p := r.plan()
	r.ledger.mu.Unlock()
	if len(p.loops) == 0 {
		return p.forecast(nil, true)
	}
	return p.forecast(r.pricesNow(), true)
}

// plan is a copy of what a path and all below it, or a run, has used and expects.
type plan struct {
	begin, t, settledT int64
	used               tally
	told               []told   // of each group of domains
	untold             bool     // a slow meter is yet to tell its power
	silent             []string // domains that should have told theirs
	loops              []loop   // of those that none is above
	met                []loop   // that are done, and not told yet
}

// told is up to when a group's books go, and how often its counters move, in ns.
type told struct{ t, update int64 }

// loop is an expectation.
type loop struct {
	path, what           string
	done, expected, left int64
	marks                []mark
	now                  mark
}

// plan copies what is expected of the run. The ledger is locked.
func (r *Run) plan() plan { return r.planOf(r.root, r.tally(r.root)) }

// planOf copies what is expected below an account, of which this is used. The
// ledger is locked.
func (r *Run) planOf(top *account, used tally) plan {
	l := r.ledger
	p := plan{begin: r.begin, t: max(l.t, r.begin), settledT: l.settledT, used: used}
	for _, g := range l.groups {
		of := told{t: g.told}
		for _, d := range g.domains {
			of.update = max(of.update, int64(d.Update))
			every := max(l.sampler.period, windowLength, d.Update)
			if g.slow != nil {
				every = max(every, g.slow.period)
			}
			switch {
			case d.samples > 1:
			case p.t-p.begin >= 3*int64(times(every, l.sampler.every.Load(), seldomRead)):
				p.silent = append(p.silent, d.ID)
			default:
				p.untold = p.untold || g.slow != nil
			}
		}
		p.told = append(p.told, of)
	}
	for _, e := range r.expected {
		if e.account.isBelow(top) && !slices.ContainsFunc(r.expected, func(o *expectation) bool {
			return o != e && o.account.isBelow(top) && e.account.isBelow(o.account) && o.open()
		}) && e.open() {
			p.loops = append(p.loops, e.loop())
		}
	}
	if top == r.root {
		p.met = slices.Clone(r.met)
	}
	return p
}

func (e *expectation) loop() loop {
	return loop{
		path: e.account.path, what: e.what, done: e.done, expected: e.expected(), left: e.left(),
		marks: slices.Clone(e.marks), now: e.now,
	}
}

// fulfil takes an expectation off whose spans have all ended. The ledger is
// locked.
func (r *Run) fulfil(at int) {
	if e := r.expected[at]; e.done > 0 && len(r.met) < maxExpected {
		r.met = append(r.met, e.loop())
	}
	r.expected = slices.Delete(r.expected, at, at+1)
}

// guess is what may come of something: its bounds are of 95 and of 90 %.
type guess struct{ value, low, high, low90, high90 float64 }

// more is so many times what may come, beyond what came since.
func (p *prospect) more(scale, since float64) guess {
	at := func(v float64) float64 { return max(v*scale-since, 0) }
	mean := p.mean()
	low := func(c float64) float64 { return at(min(p.quantile(c), mean)) }
	high := func(c float64) float64 { return at(max(p.quantile(c), mean)) }
	return guess{at(mean), low(0.025), high(0.975), low(0.05), high(0.95)}
}

// plus adds what is independent: the distances to the bounds add up as squares.
func (g guess) plus(o guess) guess {
	side := math.Hypot
	s := guess{value: g.value + o.value}
	s.low, s.high = max(s.value-side(g.value-g.low, o.value-o.low), 0), s.value+side(g.high-g.value, o.high-o.value)
	s.low90, s.high90 = max(s.value-side(g.value-g.low90, o.value-o.low90), 0), s.value+side(g.high90-g.value, o.high90-o.value)
	return s
}

// along adds k times what rises and falls with it.
func (g guess) along(o guess, k float64) guess {
	return guess{g.value + k*o.value, g.low + k*o.low, g.high + k*o.high, g.low90 + k*o.low90, g.high90 + k*o.high90}
}

// later is what takes the longer of two.
func (g guess) later(o guess) guess {
	return guess{max(g.value, o.value), max(g.low, o.low), max(g.high, o.high), max(g.low90, o.low90), max(g.high90, o.high90)}
}

// shift adds what is known.
func (g guess) shift(by float64) guess {
	return guess{g.value + by, g.low + by, g.high + by, g.low90 + by, g.high90 + by}
}

// above is the probability that it is more than x: as that of a normal variable
// on either side.
func (g guess) above(x float64) float64 {
	side := g.high - g.value
	if x < g.value {
		side = g.value - g.low
	}
	if side <= 0 {
		if g.value > x {
			return 1
		}
		return 0
	}
	return math.Erfc((x-g.value)/side*1.959964/math.Sqrt2) / 2
}

// spread is how unsure a figure is: the logarithms of its value over its lower,
// and of its upper bound over its value.
type spread struct{ below, above float64 }

func spreadOf(value, low, high float64) (s spread) {
	if value > 0 && low > 0 && high >= value && low <= value {
		s = spread{math.Log(value / low), math.Log(high / value)}
	}
	return s
}

// estimate is a guess at a figure that is as unsure as s besides: of lognormal
// variables the distances in logarithms add up as squares.
func (g guess) estimate(s spread) *Estimate {
	const to90 = 1.644854 / 1.959964
	away := func(bound, more float64) float64 { return math.Exp(math.Hypot(math.Log(bound/g.value), more)) }
	below := func(bound, more float64) float64 {
		if bound <= 0 { // 0 or more
			return 0
		}
		return g.value / away(bound, more)
	}
	above := func(bound, more float64) float64 {
		if g.value <= 0 {
			return bound
		}
		return g.value * away(bound, more)
	}
	return &Estimate{g.value, below(g.low, s.below), above(g.high, s.above), below(g.low90, s.below*to90), above(g.high90, s.above*to90)}
}

// foresight is what comes of a plan's loops, before the errors of meters and
// factors: what remains after the last settlement, time after now.
type foresight struct {
	longest                   loop
	leansOn                   int64
	seconds                   guess
	joules, grams             guess
	energyKnown               bool
	why                       string
	usedJ, usedG, secondsUsed float64
}

// forecast tells what a plan comes to.
func (p *plan) forecast(at *prices, run bool) Forecast {
	x := p.foresee(at, run)
	f := Forecast{
		AtS: float64(p.t-p.begin) / 1e9, Path: x.longest.path, Unit: x.longest.what,
		Done: x.longest.done, Expected: x.longest.expected, LeansOn: x.leansOn, Why: x.why,
	}
	if x.why != "" {
		return f
	}
	f.RemainingS, f.TotalS = x.seconds.estimate(spread{}), x.seconds.shift(x.secondsUsed).estimate(spread{})
	if x.energyKnown {
		f.RemainingJ, f.TotalJ = x.joules.estimate(at.joules), x.joules.shift(x.usedJ).estimate(at.joules)
		f.RemainingGCO2e, f.TotalGCO2e = x.grams.estimate(at.grams), x.grams.shift(x.usedG).estimate(at.grams)
		f.ElectricityOnly = !at.devicesG || !run
	}
	return f
}

func (p *plan) foresee(at *prices, run bool) (x foresight) {
	x.secondsUsed = float64(p.t-p.begin) / 1e9
	perS := 0.0 // of the devices' share, which is a run's and no path's
	if at != nil && run {
		perS = at.gPerS
	}
	if at != nil {
		x.usedJ, x.usedG = at.energy(p.used, run), at.emissions(p.used, run)+perS*float64(p.settledT-p.begin)/1e9
	}
	if len(p.loops) == 0 {
		x.why = "no open span says what it expects (Span.Expect)"
		return x
	}
	x.energyKnown = at != nil && len(p.used) > 0 && !p.untold
	for i := range p.loops {
		l := &p.loops[i]
		seconds, leansOn, why := l.seconds(p.t)
		if i == 0 || seconds.value > x.seconds.value {
			x.longest, x.leansOn = *l, leansOn
		}
		if why != "" {
			x.longest, x.leansOn, x.why = *l, leansOn, why
			return x
		}
		x.seconds = x.seconds.later(seconds)
		if x.energyKnown {
			joules, known := l.extra(func(t tally) float64 { return at.energy(t, false) })
			grams, _ := l.extra(func(t tally) float64 { return at.emissions(t, false) })
			x.joules, x.grams, x.energyKnown = x.joules.plus(joules), x.grams.plus(grams), known && joules.high > 0
		}
	}
	x.grams = x.grams.along(x.seconds, perS).shift(perS * float64(p.t-p.settledT) / 1e9)
	return x
}

// seconds is how long a loop goes on after a time of the ledger.
func (l *loop) seconds(t int64) (more guess, leansOn int64, why string) {
	switch {
	case l.done == 0:
		return more, 0, fmt.Sprintf("%s: none of %d is done", l.what, l.expected)
	case l.done > l.expected:
		return more, 0, fmt.Sprintf("%s: %d of %d are done, more than expected", l.what, l.done, l.expected)
	case l.left == 0:
		return more, l.done, ""
	case len(l.marks) <= fewestUnits:
		return more, 0, fmt.Sprintf("%s: %d of %d are done, and it takes %d to tell", l.what, l.done, l.expected, fewestUnits)
	}
	last := l.marks[len(l.marks)-1]
	more, from := l.after(l.took(), last, float64(t-last.t)/1e9)
	return more, last.n - l.marks[from].n, ""
}

// took is what the units between two marks took, s.
func (l *loop) took() []float64 {
	y := make([]float64, 0, len(l.marks))
	for i := 1; i < len(l.marks); i++ {
		a, b := l.marks[i-1], l.marks[i]
		y = append(y, float64(b.t-a.t)/1e9/float64(b.n-a.n))
	}
	return y
}

// extra is what a loop uses of something after the last settlement; it is not
// known before that has told of enough marks.
func (l *loop) extra(of func(tally) float64) (more guess, known bool) {
	if l.left == 0 && l.now.n == l.done {
		return more, true
	}
	var y []float64
	last, was := l.marks[0], 0.0
	for i, m := range l.marks {
		if m.used == nil {
			break
		}
		v := of(m.used)
		if i > 0 {
			y = append(y, max(v-was, 0)/float64(m.n-last.n))
		}
		last, was = m, v
	}
	if len(y) < fewestUnits || was == 0 { // nothing told is not nothing used
		return more, false
	}
	more, _ = l.after(y, last, of(l.now.used)-was)
	return more, true
}

// after is what follows a mark beyond what was used since, of units of which
// those before took y; and after how many of y they are warm. What was a pause their
// time tells: a meter that tells seldom has told the joules of many at once.
func (l *loop) after(y []float64, last mark, since float64) (guess, int) {
	at, paused := pauseIn(l.took())
	of, from := typical(y, at, paused)
	each := float64(last.n) / float64(len(y)) // units of one y
	p := extrapolate(of, max(float64(l.left+l.done-last.n), 0)/each)
	return p.more(each, since), from
}

// pricesNow are the prices of the run, from a record that is made if the last one
// is too old, which may take a tenth of the time; nil if none could be made.
func (r *Run) pricesNow() *prices {
	r.mu.Lock()
	p, tried, took := r.prices, r.priced, r.pricing
	r.mu.Unlock()
	r.ledger.mu.Lock()
	settled := r.ledger.settledT
	if settled <= r.begin || r.ended || settled-tried < checkpointShare*int64(took) || p != nil && !p.old(settled, r.begin) {
		r.ledger.mu.Unlock()
		return p
	}
	snap := r.snapshot(r.ledger, true)
	r.ledger.mu.Unlock()
	began := time.Now()
	_, _ = r.makeRecord(&snap, lifecycle.Running) // the next one may be better
	r.mu.Lock()
	defer r.mu.Unlock()
	r.priced, r.pricing = settled, time.Since(began)
	return r.prices
}

// old tells whether prices should be made again: while the run is young they
// change, later seldom.
func (p *prices) old(now, begin int64) bool {
	return now-p.made > min((p.made-begin)/4, int64(30*time.Second))
}

// forecasts puts into the record what was foretold, what is now, and what has
// come of it. The record is assessed.
func (b *recordBuilder) forecasts() {
	r, s := b.run, b.snap
	if s.plan == nil {
		return
	}
	r.prices = b.price()
	all := slices.Clone(r.foretold)
	for i := range s.plan.met {
		all = append(all, s.plan.outcome(r.prices, &s.plan.met[i]))
	}
	if f := s.plan.forecast(r.prices, true); f.Why == "" {
		all = append(all, f)
	}
	if len(all) == 0 {
		return
	}
	for i := range all {
		all[i].shorten()
	}
	b.rec.Extensions[lifecycle.ForecastExtension] = foretold{foretoldVersion, all}
}

// shorten rounds the figures to seven digits: more would only make the record long.
func (f *Forecast) shorten() {
	for _, p := range []**Estimate{&f.RemainingS, &f.TotalS, &f.RemainingJ, &f.TotalJ, &f.RemainingGCO2e, &f.TotalGCO2e} {
		if *p == nil {
			continue
		}
		e := **p
		for _, v := range []*float64{&e.Value, &e.Low, &e.High, &e.Low90, &e.High90} {
			*v, _ = strconv.ParseFloat(strconv.FormatFloat(*v, 'g', 7, 64), 64) // of what was just written
		}
		*p = &e
	}
}

// outcome is what a run had come to when a loop was done.
func (p *plan) outcome(at *prices, l *loop) Forecast {
	x := p.foresee(at, true)
	sure := func(v float64) guess { return guess{}.shift(v) }
	f := Forecast{AtS: x.secondsUsed, Path: l.path, Unit: l.what, Done: l.done, Expected: l.expected, LeansOn: l.done}
	f.RemainingS, f.TotalS = &Estimate{}, sure(x.secondsUsed).estimate(spread{})
	if at != nil && len(p.used) > 0 {
		f.RemainingJ, f.TotalJ = &Estimate{}, sure(x.usedJ).estimate(at.joules)
		f.RemainingGCO2e, f.TotalGCO2e = &Estimate{}, sure(x.usedG).estimate(at.grams)
		f.ElectricityOnly = !at.devicesG
	}
	return f
}

// foretell keeps what is to be told later: the first forecast of each loop, that of
// each tenth of it, and what came of it. It is called after a tick.
func (r *Run) foretell() {
	l := r.ledger
	l.mu.Lock()
	if r.ended || len(r.expected) == 0 && len(r.met) == 0 {
		l.mu.Unlock()
		return
	}
	due := len(r.met) > 0
	for _, e := range r.expected {
		if n := e.expected(); e.done >= fewestUnits && n > 0 && e.open() {
			if tenth := 1 + int(min(e.done, n)*10/n); tenth > e.told && len(e.marks) > fewestUnits && e.marks[fewestUnits].used != nil {
				e.told, due = tenth, true
			}
		}
	}
	if !due {
		l.mu.Unlock()
		return
	}
	p := r.plan()
	r.met = nil
	l.mu.Unlock()
	at := r.pricesNow()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range p.met {
		r.foretold = append(r.foretold, p.outcome(at, &p.met[i]))
	}
	if f := p.forecast(at, true); f.Why == "" {
		r.foretold = append(r.foretold, f)
	}
	if n := len(r.foretold); n > maxForetold {
		// Every second one goes, but the last.
		keep := r.foretold[:0]
		for i, f := range r.foretold {
			if i%2 == 0 || i == n-1 {
				keep = append(keep, f)
			}
		}
		r.foretold = keep
	}
}
