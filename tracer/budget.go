package tracer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// ErrBudget is what each *BudgetError is, for errors.Is.
var ErrBudget = errors.New("tracer: budget spent")

// Limit is what a Budget may come to: of what is 0 there is no limit. A budget of
// several is spent with the first of them.
type Limit struct {
	EnergyJ float64       // J
	GCO2e   float64       // gCO2e; of a run with its devices' share if that is known, of a span of its electricity and services
	Time    time.Duration // from Budget on

	// Grace is how long the work takes to stop once it is told, as to write what it
	// is to go on from. It is kept back.
	Grace time.Duration

	// Cancel has the context cancelled before the budget is spent, with the
	// *BudgetError as its cause (context.Cause). Without it nothing is stopped.
	Cancel bool

	// Warn, if not nil, is called in a goroutine of its own: once if what the budget
	// is of cannot be told, or not all of it, once when the forecast says that the
	// budget is more likely than not to be spent, and once when it is.
	Warn func(*BudgetError)
}

// BudgetError tells of a budget that is spent, or likely to be, or that cannot be
// relied on.
type BudgetError struct {
	Path        string  // of the span; "" is the run
	Unit        string  // J, gCO2e or s
	Limit       float64 // in that unit
	Used        float64
	Margin      float64  // kept back for what the meters have not told yet, is used until it is looked again, and for Grace
	Probability float64  // that the work expected comes to more; 1 if it has
	Forecast    Forecast // of the run, or of the span's path (but seconds are the run's); its Why tells why there is none
	Spent       bool     // Used and Margin come to Limit
	Unwatched   string   // why what counts towards it is not known, or not all of it; "" of the others
}

// Error says in one line what was spent of what.
func (e *BudgetError) Error() string {
	of := "the run"
	if e.Path != "" {
		of = e.Path
	}
	if e.Unwatched != "" {
		return fmt.Sprintf("tracer: the budget of %.3g %s for %s cannot be relied on: %s", e.Limit, e.Unit, of, e.Unwatched)
	}
	if e.Spent {
		return fmt.Sprintf("tracer: the budget of %.3g %s for %s is spent: %.3g %s are used and %.3g kept back", e.Limit, e.Unit, of, e.Used, e.Unit, e.Margin)
	}
	return fmt.Sprintf("tracer: the budget of %.3g %s for %s will be spent, with a probability of %.2f: %.3g %s are used", e.Limit, e.Unit, of, e.Probability, e.Used, e.Unit)
}

// Is tells whether target is ErrBudget.
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

const (
	maxBudgets = 256
	// likely is the probability from which on it is warned of.
	likely = 0.5
)

// Budget sets a limit to the span in ctx and all below it, else to the run in ctx,
// else to the default run, as Start finds them:
//
//	ctx, release := tracer.Budget(ctx, tracer.Limit{EnergyJ: 3.6e6, Cancel: true})
//	defer release()
//
// The record has a warning as soon as the forecast says that the budget will more
// likely than not be spent, which needs a span to say what it expects
// (Span.Expect), and when it is spent: Limit.Warn is called then, and, if
// Limit.Cancel asks for it, the context that Budget returns is cancelled, which
// nothing else in ctx is. Spent is what with Margin, the greatest power so far of
// each meter for as long as it has told nothing, it takes to look again, and for
// Limit.Grace, comes to the limit. So no more than the limit is used, if the work
// stops within Grace and draws no more than it did at most; by what it draws more,
// and by what was used in the first second, the limit may be passed. Of a meter that
// is read, or whose counter moves, seldom (meter.Pacer, meter.Domain's Update) the
// same holds, but from the first time on that it tells a power, by a second reading
// after Update: what is used up to then, and what a counter that is behind by up to
// Update has not told yet, is not seen before.
//
// Of joules and grams no more is watched than the record will have: what is on no
// meter, and services of which nobody knows a factor, are not in them. Limit.Warn
// and the record tell so at once if nothing is metered, or a device is there that
// no meter counts, and later if a meter tells nothing or such a service is used.
// Nothing is cancelled for it.
//
// A budget counts from the call on. It is looked at when the meters are read, at
// what they told of the last second or before, and needs no goroutine. Energy is
// kept by path: of spans of one path that are open at once each has what all of
// them use. It ends with its span or run, or with the function that is returned,
// which is to be called and also releases the context. Of a run up to 256 are kept at
// a time; what is beyond, and a limit that is negative, no number, or none, is
// flagged in the record and does nothing. So does Budget where Start is free.
func Budget(ctx context.Context, limit Limit) (context.Context, context.CancelFunc) {
	if ctx == nil {
		ctx = context.Background()
	}
	run, span := FromContext(ctx)
	if run == nil || run.ledger == nil || run.over.Load() {
		return ctx, func() {}
	}
	b := &budget{limit: limit, span: span, account: run.root, cancel: func(error) {}}
	if span != nil {
		b.account = span.account
	}
	if limit.Cancel {
		ctx, b.cancel = context.WithCancelCause(ctx)
	}
	l := run.ledger
	t := l.now()
	why := ""
	l.mu.Lock()
	l.advance(t)
	run.planned = true
	if len(run.budgets) == maxBudgets {
		run.budgets = slices.DeleteFunc(run.budgets, (*budget).over)
	}
	switch {
	case run.ended || span != nil && span.ended:
	case !limit.valid() || len(run.budgets) == maxBudgets:
		run.badPlans++
	default:
		b.from, b.base = l.t, run.tally(b.account)
		b.last, b.seen, b.peaks = b.base, b.base, make([]float64, len(l.groups)+2)
		for _, g := range l.groups {
			b.told = append(b.told, g.told)
		}
		b.moved = slices.Clone(b.told)
		b.told = append(b.told, l.settledT)
		if b.amounts() {
			why = l.uncounted()
		}
		b.unwatched = why != ""
		run.budgets = append(run.budgets, b)
	}
	l.mu.Unlock()
	if why != "" {
		run.tellBudget(b, b.unwatchable(why))
	}
	return ctx, func() {
		l.mu.Lock()
		run.budgets = slices.DeleteFunc(run.budgets, func(o *budget) bool { return o == b })
		l.mu.Unlock()
		b.cancel(nil)
	}
}

func (l *Limit) valid() bool {
	for _, v := range []float64{l.EnergyJ, l.GCO2e, l.Time.Seconds(), l.Grace.Seconds()} {
		if !(v >= 0) || math.IsInf(v, 1) {
			return false
		}
	}
	return l.EnergyJ > 0 || l.GCO2e > 0 || l.Time > 0
}

// amounts tells whether it is a limit to what meters and factors tell.
func (b *budget) amounts() bool { return b.limit.EnergyJ > 0 || b.limit.GCO2e > 0 }

func (b *budget) unwatchable(why string) *BudgetError {
	e := &BudgetError{Path: b.account.path, Unit: "J", Limit: b.limit.EnergyJ, Unwatched: why}
	if e.Limit == 0 {
		e.Unit, e.Limit = "gCO2e", b.limit.GCO2e
	}
	return e
}

// uncounted tells what of the host is on no meter, from the beginning.
func (l *ledger) uncounted() string {
	if len(l.groups) == 0 {
		return "nothing is metered (`ecotracer doctor` tells why)"
	}
	var what []string
	for _, m := range l.report.Missing {
		if m.Uncounted {
			what = append(what, m.What)
		}
	}
	if len(what) == 0 {
		return ""
	}
	return "no meter counts " + strings.Join(what, ", ") + " (`ecotracer doctor` tells why)"
}

// budget is a limit that is watched. The ledger's lock guards what changes but for
// what it was looked at with, and whether it is known to be unwatched, which are the
// sampler's.
type budget struct {
	limit   Limit
	account *account
	span    *Span // nil: the run
	from    int64 // ns of the ledger
	base    tally // what had been used by then
	cancel  context.CancelCauseFunc

	last          tally     // what had been used when a power was last told from it
	told          []int64   // and when that was, by group of domains and then of services
	seen          tally     // when it was last looked at
	moved         []int64   // when the books of a group last grew
	peaks         []float64 // the most that was used in a second, J; of services J and gCO2e
	warned, spent bool
	unwatched     bool // and that was told
}

// over tells whether a budget is no longer to be watched. The ledger is locked.
func (b *budget) over() bool { return b.spent || b.span != nil && b.span.ended }

// watched is a budget and what its path has come to.
type watched struct {
	*budget
	plan *plan
}

// checkBudgets looks at the budgets of a run, after a tick; the next one comes
// after a period. It is called by the sampler alone.
func (r *Run) checkBudgets(period time.Duration) {
	l := r.ledger
	l.mu.Lock()
	r.budgets = slices.DeleteFunc(r.budgets, (*budget).over)
	if r.ended || len(r.budgets) == 0 {
		l.mu.Unlock()
		return
	}
	plans := map[*account]*plan{} // many budgets may be of one path
	var of []*account
	for _, b := range r.budgets {
		if plans[b.account] == nil {
			plans[b.account] = new(plan)
			of = append(of, b.account)
		}
	}
	for i, used := range r.tallies(of) {
		*plans[of[i]] = r.planOf(of[i], used)
	}
	var all []watched
	for _, b := range r.budgets {
		all = append(all, watched{b, plans[b.account]})
	}
	l.mu.Unlock()
	at := r.pricesNow()
	for i := range all {
		if why := all[i].untold(at); why != "" {
			all[i].unwatched = true
			r.tellBudget(all[i].budget, all[i].unwatchable(why))
		}
		if why := all[i].look(at, period); why != nil {
			r.tellBudget(all[i].budget, why)
		}
	}
}

// look tells what there is to tell of a budget.
func (w *watched) look(at *prices, period time.Duration) *BudgetError {
	b, p := w.budget, w.plan
	run := b.span == nil
	x := p.foresee(at, run)
	seconds := float64(p.t-b.from) / 1e9
	ahead := (period + b.limit.Grace).Seconds()
	var joules, grams, marginJ, marginG float64
	if at != nil {
		perS := 0.0
		if run {
			perS = at.gPerS
		}
		before := b.base.towards(p.used, 0)
		joules = max(x.usedJ-at.energy(before, run), 0)
		grams = max(x.usedG-at.emissions(before, run)-perS*max(float64(b.from-p.begin), 0)/1e9, 0)
		marginJ, marginG = b.margin(at, p, run, ahead)
		marginG += perS * (float64(p.t-p.settledT)/1e9 + ahead)
	}
	var first *BudgetError
	check := func(unit string, limit, used, margin float64, more guess, known bool) {
		if limit <= 0 {
			return
		}
		e := &BudgetError{Path: b.account.path, Unit: unit, Limit: limit, Used: used, Margin: margin}
		if e.Spent = used+margin >= limit; e.Spent {
			e.Probability = 1
		} else if known && x.why == "" {
			e.Probability = more.above(limit - used)
		}
		if e.Spent && (first == nil || !first.Spent) || first == nil && e.Probability >= likely && !b.warned {
			first = e
		}
	}
	check("J", b.limit.EnergyJ, joules, marginJ, x.joules, x.energyKnown)
	check("gCO2e", b.limit.GCO2e, grams, marginG, x.grams, x.energyKnown)
	check("s", b.limit.Time.Seconds(), seconds, ahead, x.seconds, true)
	if first != nil {
		first.Forecast = p.forecast(at, run)
	}
	return first
}

// margin is what may be used since the meters told, and in the seconds ahead: of
// each group of domains at the greatest power so far. What was used before is
// told by the prices of now: that they have changed is no power.
func (b *budget) margin(at *prices, p *plan, run bool, ahead float64) (joules, grams float64) {
	b.last, b.seen = b.last.towards(p.used, 0), b.seen.towards(p.used, 0)
	last, seen, used := b.last, b.seen, p.used
	for g, of := range p.told {
		size := 2*len(at.idleW[g]) + 2
		// A counter that moves seldom tells of as long at once, and of nothing
		// until it does again.
		if of.t-b.moved[g] >= 2*of.update || !slices.Equal(used[:size-2], seen[:size-2]) {
			b.moved[g] = of.t
		}
		if passed := of.t - b.told[g]; passed > 0 {
			watts := (at.group(g, used, run) - at.group(g, last, run)) / (float64(max(passed, of.update)) / 1e9)
			b.peaks[g] = max(b.peaks[g], watts)
			if passed >= of.update {
				copy(last[:size], used)
				b.told[g] = of.t
			}
		}
		joules += b.peaks[g] * (float64(p.t-max(b.moved[g], b.from))/1e9 + ahead)
		last, seen, used = last[size:], seen[size:], used[size:]
	}
	b.seen = p.used
	grams = joules * at.gPerJ
	n := len(p.told)
	if passed := float64(p.settledT-b.told[n]) / 1e9; passed > 0 {
		b.peaks[n] = max(b.peaks[n], (at.ofServices(p.used, at.serviceJ)-at.ofServices(b.last, at.serviceJ))/passed)
		b.peaks[n+1] = max(b.peaks[n+1], (at.ofServices(p.used, at.serviceG)-at.ofServices(b.last, at.serviceG))/passed)
		copy(last, used)
		b.told[n] = p.settledT
	}
	ahead += float64(p.t-p.settledT) / 1e9
	return joules + b.peaks[n]*ahead, grams + b.peaks[n+1]*ahead
}

// untold tells what counts towards a budget and is not known, if that has not been
// said.
func (w *watched) untold(at *prices) string {
	switch {
	case w.unwatched || !w.amounts():
	case len(w.plan.silent) > 0:
		return strings.Join(w.plan.silent, ", ") + " has told nothing"
	case at != nil:
		if s := at.unpriced(w.plan.used, w.limit.EnergyJ > 0); s != "" {
			return "no factor tells what " + s + " takes"
		}
	}
	return ""
}

// tellBudget says that a budget is spent, or likely to be, or not to be relied on,
// unless it has ended: in the record, to its Warn and, if it is to, by its context.
func (r *Run) tellBudget(b *budget, e *BudgetError) {
	l := r.ledger
	l.mu.Lock()
	if r.ended || b.over() || !slices.Contains(r.budgets, b) { // meanwhile
		l.mu.Unlock()
		return
	}
	if e.Unwatched == "" {
		b.warned = true
	}
	if e.Spent {
		b.spent = true
	}
	r.overspent = noteBudget(r.overspent, e)
	l.mu.Unlock()
	if e.Spent {
		b.cancel(e)
	}
	if warn := b.limit.Warn; warn != nil {
		go func() {
			defer func() { _ = recover() }()
			warn(e)
		}()
	}
}

// overspending is what the record says of budgets of a path.
type overspending struct {
	path, unit string
	limit      float64
	spent      bool
	unwatched  string
	count      int64
}

// noteBudget adds to what the record says; budgets of a path and unit are told
// together, with the last limit.
func noteBudget(list []overspending, e *BudgetError) []overspending {
	for i := range list {
		if o := &list[i]; o.path == e.Path && o.unit == e.Unit && o.spent == e.Spent && o.unwatched == e.Unwatched {
			o.limit = e.Limit
			o.count++
			return list
		}
	}
	if len(list) == maxBudgets {
		return list
	}
	return append(list, overspending{e.Path, e.Unit, e.Limit, e.Spent, e.Unwatched, 1})
}

// foresee looks at what the runs of a ledger expect and may use, after a tick; the
// next one comes after a period.
func (l *ledger) foresee(period time.Duration) {
	l.mu.Lock()
	var runs []*Run
	for _, r := range l.runs {
		if r.planned {
			runs = append(runs, r)
		}
	}
	l.mu.Unlock()
	for _, r := range runs {
		_ = guard("forecasting", func() error {
			r.foretell()
			r.checkBudgets(period)
			return nil
		})
	}
}
