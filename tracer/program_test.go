package tracer_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// program is a script of spans over scripted power: what a test runs, and what
// the reference is told. Times are in ns from the run's begin.
type program struct {
	seed     uint64
	length   int64
	spans    []scriptedSpan
	domains  []tracertest.Domain
	cpus     int
	own      load
	busy     load
	scope    lifecycle.Scope
	idle     map[string]float64
	sampling time.Duration
	options  []tracer.Option
}

// scriptedSpan is one span of a program.
type scriptedSpan struct {
	parent     int // index of an earlier one, or -1
	name       string
	stage      lifecycle.Stage // "": not told
	async      bool
	claims     []string
	start, end int64
	open       bool // never ended: end is the program's length
	elsewhere  bool // ended on another goroutine
	uses       []scriptedUse
}

// scriptedUse is something that a span stores, moves or calls for, of
// ourServices.
type scriptedUse struct {
	kind   factors.Kind
	amount int64 // bytes or calls
	hours  int64 // of what is stored
	copies float64
	late   bool // after the span's end
}

func (u scriptedUse) do(s *tracer.Span) {
	switch u.kind {
	case factors.Storage:
		s.Store("ssd", u.amount, time.Duration(u.hours)*time.Hour, u.copies)
	case factors.Transfer:
		s.Transfer("local", u.amount)
	default:
		s.Call("ping", int(u.amount))
	}
}

// joules is what it takes: 1 Wh/TBh, 0.001 kWh/GB, 0.001 Wh a call.
func (u scriptedUse) joules() float64 {
	switch u.kind {
	case factors.Storage:
		return float64(u.amount) / 1e12 * float64(u.hours) * u.copies * 3600
	case factors.Transfer:
		return float64(u.amount) / 1e9 * 3600
	}
	return float64(u.amount) * 3.6
}

// reading is what the meters said at one time.
type reading struct {
	at     int64
	joules []float64 // by the program's domains
}

// logged is a meter that keeps what it said.
type logged struct {
	*tracertest.Meter
	begin time.Time
	log   []reading
}

func (m *logged) Read(dst []meter.Sample) ([]meter.Sample, error) {
	dst, err := m.Meter.Read(dst)
	r := reading{at: int64(time.Since(m.begin))}
	for _, s := range dst {
		r.joules = append(r.joules, s.Joules)
	}
	m.log = append(m.log, r)
	return dst, err
}

// randomProgram makes a program: a random tree of spans that nest, overlap,
// run beside each other, outlive their parents, are begun below ended ones,
// are ended by other goroutines or never, over random power.
func randomProgram(seed uint64) *program {
	r := rand.New(rand.NewPCG(seed, 4))
	pick := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	p := &program{
		seed:     seed,
		length:   int64(pick(300*time.Millisecond, 950*time.Millisecond, 2*time.Second, 5*time.Second, 12*time.Second, 30*time.Second)),
		cpus:     1 + r.IntN(8),
		scope:    lifecycle.ScopeProcess,
		idle:     map[string]float64{},
		sampling: pick(50*time.Millisecond, 100*time.Millisecond, 350*time.Millisecond, time.Second, 3*time.Second),
	}
	if r.IntN(4) > 0 {
		p.length += r.Int64N(int64(time.Second)) // no round number
	}
	if r.IntN(3) == 0 {
		p.scope = lifecycle.ScopeMachine
	}
	p.own = randomLoad(r, p.length, float64(p.cpus)/2)
	others := randomLoad(r, p.length, float64(p.cpus)/2)
	p.busy = func(t time.Duration) time.Duration { return p.own(t) + others(t) }
	p.randomDomains(r)
	for range 2 + r.IntN(120) {
		p.randomSpan(r)
	}
	p.randomUses(rand.New(rand.NewPCG(seed, 5)))
	return p
}

func (p *program) randomUses(r *rand.Rand) {
	for i := range p.spans {
		for range max(r.IntN(6)-3, 0) {
			p.spans[i].uses = append(p.spans[i].uses, scriptedUse{
				kind:   []factors.Kind{factors.Storage, factors.Transfer, factors.Service}[r.IntN(3)],
				amount: r.Int64N(1_000_000) / int64([]int{1, 1000, 1_000_000}[r.IntN(3)]), hours: r.Int64N(1_000_000),
				copies: float64(1+r.IntN(6)) / 2, late: r.IntN(2) == 0,
			})
		}
	}
}

func (p *program) randomDomains(r *rand.Rand) {
	// Where these are told nothing else is modelled.
	ids := []string{"node0/rest", "cpu0", "gpu0", "dram0", "gpu1", "cpu1"}
	n := 1 + r.IntN(len(ids))
	if n == 1 {
		ids[0] = "node0"
	}
	for _, id := range ids[:n] {
		idle := 0.0
		if r.IntN(3) > 0 {
			idle = 5 * r.Float64()
		}
		p.idle[id] = idle
		power := tracertest.Constant(idle).Plus(randomPower(r, p.length))
		if r.IntN(8) == 0 {
			power = tracertest.Constant(0)
		}
		p.domains = append(p.domains, domain(id, power))
	}
}

// randomPower steps between powers, some of them zero, up to a hundred watts.
func randomPower(r *rand.Rand, length int64) tracertest.Curve {
	power := tracertest.Constant(100 * r.Float64())
	for range r.IntN(6) {
		next := tracertest.Constant(100 * r.Float64())
		if r.IntN(4) == 0 {
			next = tracertest.Constant(0)
		}
		power = power.Then(time.Duration(r.Int64N(length)), next)
	}
	if r.IntN(3) == 0 {
		power = power.Plus(tracertest.Ramp(0, 50*r.Float64(), time.Duration(1+r.Int64N(length))))
	}
	return power
}

// randomLoad works at one rate, then at another, of up to so many CPUs.
func randomLoad(r *rand.Rand, length int64, most float64) load {
	a, b, at := most*r.Float64(), most*r.Float64(), time.Duration(r.Int64N(length))
	if r.IntN(6) == 0 {
		a = 0
	}
	return func(t time.Duration) time.Duration {
		return cpus(a)(min(t, at)) + cpus(b)(max(t-at, 0))
	}
}

func (p *program) randomSpan(r *rand.Rand) {
	s := scriptedSpan{
		parent: -1, name: string(rune('a' + r.IntN(3))), async: r.IntN(4) == 0,
		open: r.IntN(12) == 0, elsewhere: r.IntN(4) == 0,
	}
	from := int64(0)
	until := p.length
	if n := len(p.spans); n > 0 && r.IntN(4) > 0 {
		s.parent = r.IntN(n)
		from = p.spans[s.parent].start
		if r.IntN(8) > 0 {
			until = max(p.spans[s.parent].end, from+1)
		}
	}
	s.start = from + r.Int64N(max(until-from, 1))
	switch r.IntN(10) {
	case 0:
		s.end = s.start
	case 1:
		s.end = p.length
	case 2: // longer than its parent, as it may be
		s.end = s.start + r.Int64N(max(p.length-s.start, 1))
	default:
		s.end = s.start + r.Int64N(max(until-s.start, 1))
	}
	if r.IntN(3) == 0 { // at the time of a sample
		const tick = int64(50 * time.Millisecond)
		if t := s.start / tick * tick; t >= from {
			s.start = t
		}
		s.end = max(s.end/tick*tick, s.start)
	}
	if s.open {
		s.end = p.length
	}
	if r.IntN(8) == 0 {
		s.stage = [...]lifecycle.Stage{lifecycle.Training, lifecycle.Serving, lifecycle.Unassigned}[r.IntN(3)]
	}
	for _, id := range []string{"gpu0", "gpu1"} {
		if r.IntN(12) == 0 && p.seed%2 == 0 {
			s.claims = append(s.claims, id)
		}
	}
	p.spans = append(p.spans, s)
}

// action is the start or the end of a span.
type action struct {
	at   int64
	span int
	end  bool
}

func (p *program) actions() []action {
	var list []action
	for i, s := range p.spans {
		list = append(list, action{s.start, i, false})
		if !s.open {
			list = append(list, action{s.end, i, true})
		}
	}
	slices.SortStableFunc(list, func(a, b action) int {
		if a.at != b.at {
			return int(max(min(a.at-b.at, 1), -1))
		}
		return 0
	})
	return list
}

// run runs the program in the bubble that it is called in.
func (p *program) run(t *testing.T) (*lifecycle.Record, []reading) {
	t.Helper()
	host := newPlant(p.cpus, p.own, p.busy)
	meters := &logged{Meter: tracertest.NewMeter(p.domains...), begin: time.Now()}
	ctx, run := begin(t, slices.Concat(host.options(meters), []tracer.Option{
		tracer.Scope(p.scope), tracer.IdlePower(p.idle), tracer.Sampling(p.sampling), ourServices(),
	}, p.options)...)
	begun := time.Now()
	contexts := make([]context.Context, len(p.spans))
	spans := make([]*tracer.Span, len(p.spans))
	for _, a := range p.actions() {
		time.Sleep(time.Duration(a.at) - time.Since(begun))
		s := &p.spans[a.span]
		use := func(late bool) {
			for _, u := range s.uses {
				if u.late == late || s.open {
					u.do(spans[a.span])
				}
			}
		}
		switch {
		case !a.end:
			parent := ctx
			if s.parent >= 0 {
				parent = contexts[s.parent]
			}
			contexts[a.span], spans[a.span] = tracer.Start(parent, s.name, s.options()...)
			require.NotNil(t, spans[a.span])
			use(false)
		case s.elsewhere:
			done := make(chan struct{})
			go func() { defer close(done); spans[a.span].End(); use(true) }()
			<-done
		default:
			spans[a.span].End()
			use(true)
		}
	}
	time.Sleep(time.Duration(p.length) - time.Since(begun))
	return finish(t, run), meters.log
}

func (s *scriptedSpan) options() []tracer.StartOption {
	var opts []tracer.StartOption
	if s.stage != "" {
		opts = append(opts, tracer.In(s.stage))
	}
	if s.async {
		opts = append(opts, tracer.Async())
	}
	if len(s.claims) > 0 {
		opts = append(opts, tracer.OnDevices(s.claims...))
	}
	return opts
}

func (p *program) String() string { return "program " + strconv.FormatUint(p.seed, 10) }
