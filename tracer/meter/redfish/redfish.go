package redfish

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Open logs in to a management controller and finds what tells the power of
// this node. That takes a dozen requests, so mostly a second or two; it ends
// with ctx, and after six times the Timeout at the latest. The Meter is a
// meter.Pacer.
//
// No error names the address, the user or a secret. Where the controller looks
// after several chassis, the error lists their Ids.
func Open(ctx context.Context, c Config) (meter.Meter, error) {
	base, pin, err := c.check()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 6*c.Timeout)
	defer cancel()
	a := newClient(c, base, pin)
	m, err := open(ctx, a, c)
	if err != nil {
		a.left = -1
		a.leave()
		return nil, err
	}
	return m, nil
}

func open(ctx context.Context, a *client, c Config) (meter.Meter, error) {
	nodes, err := a.find(ctx, c.Chassis)
	if err != nil {
		return nil, err
	}
	n, p, err := a.metered(ctx, nodes)
	if err != nil {
		return nil, err
	}
	a.left = -1

	r := &reader{client: a, plan: p, period: c.Period, timeout: c.Timeout}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.domains = []meter.Domain{{
		ID:          "node0",
		Kind:        lifecycle.KindNode,
		Name:        p.property,
		Path:        p.property,
		Model:       n.model,
		Method:      lifecycle.Metered,
		Sensor:      "redfish",
		Mode:        p.mode,
		Tool:        n.tool,
		Version:     n.version,
		RelError:    p.relError,
		ResolutionJ: p.stepJ,
		Update:      p.update,
		MaxW:        most(p),
		Average:     p.average,
		IdleFound:   "unknown",
		Why:         "the management controller tells it for the whole node",
	}}
	if !p.counter {
		return meter.Integrate(&gauge{r}), nil
	}
	e := &energy{reader: r}
	e.counter = meter.Counter{MaxW: r.domains[0].MaxW, Rest: rest(p)}
	e.counter.Add(microjoules(p.first), p.at)
	r.domains[0].RawJ = p.first
	return e, nil
}

// metered finds the first of the likely chassis that tells its power. Two that
// are as likely may be two nodes, or a node and a part of it.
func (a *client) metered(ctx context.Context, nodes []node) (node, *plan, error) {
	var found *plan
	var at node
	var first error
	for _, n := range nodes {
		if found != nil && rank(n.chassis.ChassisType) != rank(at.chassis.ChassisType) {
			break
		}
		p, err := a.choose(ctx, n)
		switch {
		case err != nil && !failed(err).answered:
			return node{}, nil, err
		case err != nil && first == nil:
			first = err
		case p != nil && found != nil:
			return node{}, nil, &failure{condition: meter.Unreadable, why: "several chassis of the computer system tell their power",
				detail: "chassis: " + ids([]string{at.path, n.path}), fix: "name the chassis that is this node"}
		case p != nil:
			found, at = p, n
		}
	}
	switch {
	case found != nil:
		return at, found, nil
	case first != nil:
		return node{}, nil, first
	}
	return node{}, nil, &failure{condition: meter.Unreadable, why: "the management controller tells no power of the chassis",
		fix: "see whether it needs a licence or newer firmware for that"}
}

// most is the greatest plausible power, W. Capacity is what the supplies give,
// perhaps but one of a pair; what they draw is up to a fifth more. One that
// half of what is drawn would not fit in is no capacity.
func most(p *plan) float64 {
	limit := 2 * p.capacity
	if limit <= 0 || limit > maxNode || !p.counter && p.first > limit {
		return maxNode
	}
	return limit
}

// rest is how long an energy counter may stay as it is.
func rest(p *plan) time.Duration {
	step := time.Duration(p.stepJ / leastNode * float64(time.Second))
	return max(time.Minute, step, 10*p.update)
}

// microjoules is a reading as a Counter takes it; it was found to be a number
// above 0.
func microjoules(joules float64) uint64 {
	return uint64(min(joules*1e6, math.MaxInt64))
}

const (
	leastRest = time.Minute     // after a refused login: many controllers lock a user out after a few
	mostRest  = 5 * time.Minute // between two attempts
	goodbye   = 2 * time.Second // to give the session back
)

// reader reads the planned property, and asks less often while that fails.
type reader struct {
	domains         []meter.Domain
	plan            *plan
	period, timeout time.Duration

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu        sync.Mutex // held while the controller is asked
	client    *client
	closed    bool
	failures  int             // in a row
	condition meter.Condition // of the last
	until     time.Time       // when to ask again
}

var errClosed = fmt.Errorf("redfish: read: %w", fs.ErrClosed)

// read tells the property and when it was read, or what went wrong.
func (r *reader) read() (value float64, at time.Time, c meter.Condition, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.ctx.Err() != nil {
		return 0, time.Time{}, "", errClosed
	}
	asked := time.Now()
	if asked.Before(r.until) {
		return 0, asked, r.condition, nil
	}
	// A reading that is given up must still be told in time to be taken.
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout-r.timeout/10)
	defer cancel()
	value, err = r.plan.value(ctx)
	answered := time.Now()
	at = asked.Add(answered.Sub(asked) / 2)
	if err == nil {
		r.failures = 0
		return value, at, meter.OK, nil
	}
	if r.ctx.Err() != nil {
		return 0, time.Time{}, "", errClosed
	}
	r.rest(failed(err), answered)
	return 0, at, r.condition, nil
}

// rest says when to ask again after a failure: at once after the first, then
// after one period, two, four ... up to five minutes.
func (r *reader) rest(f *failure, now time.Time) {
	r.condition = f.condition
	if f.calm {
		r.failures = 0
		return
	}
	pause := time.Duration(0)
	if r.failures > 0 {
		pause = min(r.period<<min(r.failures-1, 16), mostRest)
	}
	if f.condition == meter.Denied {
		pause = max(pause, leastRest)
	}
	r.failures++
	r.until = now.Add(pause)
}

// Domains is the node.
func (r *reader) Domains() []meter.Domain { return r.domains }

// Period is how often the controller is asked.
func (r *reader) Period() time.Duration { return r.period }

// Timeout is how long a Read may take.
func (r *reader) Timeout() time.Duration { return r.timeout }

// Close ends a Read that is under way and gives the session back, for which it
// waits two seconds at most.
func (r *reader) Close() error {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.client.leave()
	}
	return nil
}

// leave gives the session back, whatever became of the context.
func (a *client) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	a.logout(ctx)
}

// gauge is a controller that tells power.
type gauge struct{ *reader }

// Read tells the power.
func (g *gauge) Read(dst []meter.Power) ([]meter.Power, error) {
	watts, at, condition, err := g.read()
	if err != nil {
		return dst, err
	}
	return append(dst, meter.Power{Time: at, Watts: watts, Condition: condition}), nil
}

// energy is a controller that counts energy.
type energy struct {
	*reader
	reading sync.Mutex // of the counter
	counter meter.Counter
}

// Read tells the energy.
func (e *energy) Read(dst []meter.Sample) ([]meter.Sample, error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	joules, at, condition, err := e.read()
	if err != nil {
		return dst, err
	}
	if condition == meter.OK {
		condition = e.counter.Add(microjoules(joules), at)
	}
	return append(dst, meter.Sample{Time: at, Joules: e.counter.Joules(), Condition: condition}), nil
}

var (
	_ meter.Gauge = (*gauge)(nil)
	_ meter.Pacer = (*gauge)(nil)
	_ meter.Meter = (*energy)(nil)
	_ meter.Pacer = (*energy)(nil)
)
