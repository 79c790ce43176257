package prom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// maxSeries bounds how many series of the families that are read an endpoint
// may have: more than any node's.
const maxSeries = 16 << 10

// nodeLabels are those by which exporters name the node.
var nodeLabels = []string{"node_name", "Hostname", "hostname", "node", "instance"}

var errSeveralNodes = errors.New("the endpoint tells of several nodes")

// errAnotherNode is that an address leads now here, now there, as that of a
// Service does.
var errAnotherNode = &failure{
	why: "the endpoint tells of another node than when it was opened", fix: "give the address of this node's own exporter, no Service of them all",
	condition: meter.Unreadable,
}

// errStill is that a reading told nothing, as no counter had moved since the
// one before: the exporter had not looked again.
var errStill = errors.New("prom: no counter has moved since the last reading")

// prom is the open meter.
type prom struct {
	domains []meter.Domain
	counted []*tracked
	byID    map[string]*tracked
	rules   map[string][]*rule
	wanted  map[string]bool
	node    string
	nodes   map[string]string // what labels of nodeLabels said when it was opened
	period  time.Duration
	timeout time.Duration
	client  *client

	closed atomic.Bool
	ctx    context.Context // ends when the meter is closed
	cancel context.CancelFunc
	mu     sync.Mutex // held while the endpoint is read
}

// Open reads the endpoint once and opens what it tells; ctx bounds the opening,
// not what comes after. The meter is a [meter.Pacer]: it is read every Period,
// in a goroutine of the ledger's own, and may be closed while it is read. A
// mistake in the Config is a plain error; what is wrong with the endpoint is a
// *[meter.Missing], which holds neither its address nor a secret.
//
// Each Read asks the endpoint once. It tells nothing of a counter that did not
// move unless it has stood still for longer than its exporter takes between
// two looks at it; if that leaves nothing to tell, Read returns an error.
func Open(ctx context.Context, c Config) (meter.Meter, error) {
	return open(ctx, c, (&net.Dialer{}).DialContext, getenv)
}

func open(ctx context.Context, c Config, dial dialer, getenv func(string) (string, bool)) (meter.Meter, error) {
	u, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("prom: %w", err)
	}
	m := &prom{node: c.Node, period: c.Period, timeout: c.Timeout, rules: rules(c.Families), wanted: map[string]bool{}}
	if m.client, err = newClient(c, u, dial); err != nil {
		return nil, fmt.Errorf("prom: %w", err)
	}
	for name := range m.rules {
		m.wanted[name] = true
	}
	if err := m.discover(ctx, c.Devices, getenv); err != nil {
		m.client.http.CloseIdleConnections()
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return m, nil
}

// rules are those of all families, the user's in the place of ours.
func rules(families []Family) map[string][]*rule {
	byName := map[string][]*rule{}
	for i := range known {
		byName[known[i].family] = []*rule{&known[i]}
	}
	own := map[string]bool{}
	for _, f := range families {
		if !own[f.Name] {
			byName[f.Name], own[f.Name] = nil, true
		}
		r := f.asRule()
		byName[f.Name] = append(byName[f.Name], &r)
	}
	return byName
}

// discover reads the endpoint and decides what is counted.
func (m *prom) discover(ctx context.Context, given []string, getenv func(string) (string, bool)) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	f := facts{version: map[string]string{}, sockets: map[string]bool{}}
	var all []series
	m.nodes = map[string]string{}
	several := false
	others := 0 // series of other nodes
	wanted := map[string]bool{}
	for name := range m.wanted {
		wanted[name] = true
	}
	for _, name := range factFamilies {
		wanted[name] = true
	}
	_, err := m.client.scrape(ctx, wanted, func(name string, p point) error {
		if m.node != "" && !m.mine(p.labels) {
			if m.wanted[name] {
				others++
			}
			return nil
		}
		f.take(name, p)
		for _, r := range m.rules[name] {
			where := r.place(p.labels)
			if where.id == "" {
				continue
			}
			if len(all) == maxSeries {
				return &failure{why: "the endpoint tells of more devices than a node has"}
			}
			all = append(all, series{r, where, p})
			several = m.elsewhere(r, p.labels) || several
			for _, l := range p.labels {
				if slices.Contains(nodeLabels, l.name) && !slices.Contains(r.own, l.name) {
					m.nodes[l.name] = l.value
				}
			}
		}
		return nil
	})
	if err != nil {
		return missing(err)
	}
	if several {
		return missing(errSeveralNodes)
	}
	domains, counted, err := plan(all, f, given, getenv)
	switch {
	case err != nil:
		return missing(err)
	case len(domains) == 0:
		return m.nothing(f, others)
	}
	domains = append(domains, m.unmatched(all)...)
	m.domains, m.counted, m.byID = domains, counted, map[string]*tracked{}
	for _, t := range counted {
		d := domains[t.domain]
		t.begin(d, m.period)
		m.byID[d.ID] = t
	}
	return nil
}

// unmatched are the families of the user that have no series, as domains that
// cannot be read.
func (m *prom) unmatched(all []series) []meter.Domain {
	var out []meter.Domain
	for _, name := range slices.Sorted(maps.Keys(m.rules)) {
		for i, r := range m.rules[name] {
			if !r.strict || slices.ContainsFunc(all, func(s series) bool { return s.rule == r }) {
				continue
			}
			out = append(out, meter.Domain{
				ID: "family/" + name + "/" + strconv.Itoa(i), Kind: lifecycle.KindOther, Name: name, Path: name,
				Method: r.method, Sensor: "prom", Mode: r.mode, IdleFound: "unknown", LeftOut: "unreadable",
				Why: "no series of it has the labels of Match and a number in Label", Fix: "compare Config.Families with what the endpoint tells",
			})
		}
	}
	return out
}

// elsewhere tells whether a series is of another node than those before. Where
// the user says which node it is, mine has decided that.
func (m *prom) elsewhere(r *rule, ls labels) bool {
	return m.node == "" && slices.ContainsFunc(ls, func(l label) bool {
		value, known := m.nodes[l.name]
		return known && value != l.value && !slices.Contains(r.own, l.name)
	})
}

// mine tells whether a series is of the node that was asked for.
func (m *prom) mine(ls labels) bool {
	return slices.ContainsFunc(ls, func(l label) bool {
		return l.value == m.node && slices.Contains(nodeLabels, l.name)
	})
}

// missing says why an endpoint gives no meter.
func missing(err error) error {
	out := &meter.Missing{What: "prom", Why: err.Error()}
	if errors.Is(err, errSeveralNodes) {
		out.Fix = "give the address of this node's own exporter, or say in Node which is this one"
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		out.Why, out.Fix, out.Err = f.why, f.fix, f.cause
	}
	return out
}

// nothing says why an exposition has no energy.
func (m *prom) nothing(f facts, others int) error {
	out := &meter.Missing{What: "prom", Why: "the endpoint tells no energy of this node", Fix: "let it be that of Kepler, of the DCGM exporter or of Scaphandre; for another, " + mapIt}
	switch {
	case others > 0:
		out.Why, out.Fix = "the endpoint tells of other nodes only", "compare Node with its labels node_name, Hostname, hostname, node and instance"
	case f.server:
		out.Why, out.Fix = "the endpoint is a Prometheus server's own", "give the address of the exporter that it reads"
	case len(m.unmatched(nil)) > 0:
		out.Why = "no series of the Families has the labels of Match and a number in Label"
		out.Fix = "compare Config.Families with what the endpoint tells"
	case len(f.version) > 0:
		out.Why = "the exporter has no counter that it can read, or tells none of its node"
		out.Fix = "look at its log; Kepler needs the metrics level node"
	}
	return out
}

// Domains lists what the endpoint told when it was opened.
func (m *prom) Domains() []meter.Domain { return m.domains }

// Period is how often the endpoint is read.
func (m *prom) Period() time.Duration { return m.period }

// Timeout is a little more than a reading may take, so that one that took too
// long can still say so.
func (m *prom) Timeout() time.Duration { return m.timeout + time.Second }

// Read reads the endpoint. Where that fails, each domain is told with why.
func (m *prom) Read(dst []meter.Sample) ([]meter.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed.Load() {
		return dst, fmt.Errorf("prom: read: %w", fs.ErrClosed)
	}
	for _, t := range m.counted {
		t.forget()
	}
	ctx, cancel := context.WithTimeout(m.ctx, m.timeout)
	defer cancel()
	at, err := m.client.scrape(ctx, m.wanted, m.take)
	if m.closed.Load() {
		return dst, fmt.Errorf("prom: read: %w", fs.ErrClosed)
	}
	if len(m.counted) == 0 {
		return dst, err
	}
	before := len(dst)
	for _, t := range m.counted {
		if err != nil {
			dst = append(dst, t.sample(time.Now(), conditionOf(err)))
		} else if s, ok := t.tell(at); ok {
			dst = append(dst, s)
		}
	}
	if len(dst) == before {
		return dst, errStill
	}
	return dst, nil
}

// take notes a point of a domain that is counted.
func (m *prom) take(name string, p point) error {
	if m.node != "" && !m.mine(p.labels) {
		return nil
	}
	for _, r := range m.rules[name] {
		where := r.place(p.labels)
		t := m.byID[where.id]
		if t == nil || t.rule.rank != r.rank {
			continue
		}
		if m.elsewhere(r, p.labels) || t.uuid != where.uuid {
			return errAnotherNode
		}
		t.take(where.part, p.value*r.scale, p.at)
	}
	return nil
}

func conditionOf(err error) meter.Condition {
	if f := (*failure)(nil); errors.As(err, &f) && f.condition != meter.OK {
		return f.condition
	}
	return meter.Unreadable
}

// Close ends a Read that is under way, and gives up the connection.
func (m *prom) Close() error {
	m.closed.Store(true)
	m.cancel()
	m.client.http.CloseIdleConnections()
	return nil
}
