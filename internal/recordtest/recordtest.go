// Package recordtest makes valid records by chance, for tests of whatever reads
// records.
package recordtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Random is a valid record, the same for the same seed. Over some hundred seeds
// every member of the schema occurs: all kinds of technology and their mixtures,
// places known and unknown, hourly values, market instruments, services,
// devices with and without factors, all stages, deep trees of spans, ranks,
// segments and merged shards, every status and level of confidentiality. Texts
// are such as break a careless writer of HTML, CSV, YAML, XML or Markdown, and
// magnitudes go from those of a sensor's millisecond to those of a fleet's years.
func Random(seed uint64) *lifecycle.Record {
	m := newMaker(seed)
	m.public = m.one(4)
	return m.record()
}

// Many is a valid record with so many paths of spans, in plain words.
func Many(paths int) *lifecycle.Record {
	m := newMaker(1)
	m.plain, m.paths = true, paths
	return m.record()
}

// maker makes one record.
type maker struct {
	*rand.Rand
	r *lifecycle.Record

	public bool // texts tell nothing of a machine or a person
	plain  bool // ordinary texts, and a run that came to its end
	paths  int  // of spans, if plain

	shardS float64   // s: the longest shard, or the run
	bookS  float64   // s: what the stages share among them
	watts  []float64 // by hardware: of one device
	spansJ []float64 // by hardware: booked to spans
	openJ  []float64 // by hardware: of the run, no span active
	shared map[lifecycle.Stage]sum
}

// sum is what the spans of a stage share.
type sum struct{ joules, seconds float64 }

func newMaker(seed uint64) *maker {
	return &maker{
		Rand: rand.New(rand.NewPCG(seed, 0x7265636f7264)), shared: map[lifecycle.Stage]sum{},
		r: &lifecycle.Record{
			Schema: lifecycle.Schema, Environments: []lifecycle.Environment{}, Hardware: []lifecycle.Hardware{}, Phases: []lifecycle.PhaseEntry{},
			Spans: []lifecycle.Span{}, Ledger: []lifecycle.LedgerLine{}, Methods: []lifecycle.MethodEntry{}, Factors: []factors.Factor{},
			Missing: []lifecycle.Missing{}, Warnings: []lifecycle.Warning{}, Extensions: map[string]any{},
		},
	}
}

func (m *maker) record() *lifecycle.Record {
	r := m.r
	m.run()
	m.about()
	for range 1 + m.IntN(3) {
		m.environment()
	}
	m.meters()
	m.hardware()
	m.stages()
	m.spans()
	m.ledger()
	m.amortised()
	m.extensions()
	m.notes()
	if err := lifecycle.Assess(r); err != nil {
		panic(fmt.Sprintf("recordtest: %v", err))
	}
	before := len(r.Missing)
	lifecycle.FillMissing(r)
	for i := range r.Missing[before:] {
		r.Missing[before+i].Reason = pick(m, "unknown", "withheld", "not-measured", "not-applicable", "redacted")
	}
	if m.one(3) {
		if err := r.Seal(); err != nil {
			panic(fmt.Sprintf("recordtest: %v", err))
		}
	}
	return r
}

// run tells which run it is, when it was, and what of a job or a service.
func (m *maker) run() {
	run := &m.r.Run
	seconds := m.between(1e-3, 1e8)
	run.ID, run.DurationS = m.uuid('7'), seconds
	run.Scope = pick(m, lifecycle.ScopeProcess, lifecycle.ScopeCgroup, lifecycle.ScopeMachine)
	run.Boundary = pick(m, lifecycle.BoundaryNode, lifecycle.BoundaryComponent, lifecycle.BoundaryAccelerators, lifecycle.BoundaryIT, lifecycle.BoundaryFacility)
	run.Status = lifecycle.Complete
	if !m.plain {
		run.Status = pick(m, lifecycle.Complete, lifecycle.Complete, lifecycle.Complete, lifecycle.Running, lifecycle.Failed, lifecycle.Interrupted, lifecycle.Estimated)
	}
	m.maybe(&run.Name)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(m.Int64N(int64(700 * 24 * time.Hour))))
	end := begin.Add(time.Duration(seconds * 1e9))
	m.r.CreatedAt = end
	if run.Status != lifecycle.Running {
		m.r.CreatedAt = end.Add(time.Duration(m.Int64N(int64(time.Hour))))
	}
	if run.Status != lifecycle.Estimated {
		run.StartedAt, run.EndedAt = &begin, &end
	}
	m.shardS, m.bookS = seconds, seconds
	if m.one(3) {
		run.TraceID = "1" + m.hex(31)
	}
	if m.one(4) {
		run.Parent = m.uuid('4')
	}
	if m.one(6) {
		run.TimeResolutionS = new(float64(m.IntN(3600)))
	}
	for m.one(4) {
		m.r.Supersedes = append(m.r.Supersedes, m.hex(64))
	}
	switch m.IntN(6) {
	case 0:
		n := 1 + m.IntN(9)
		run.Rank = &lifecycle.Rank{Index: m.IntN(n), Count: n}
	case 1:
		run.Segment = &lifecycle.Segment{Series: m.uuid('4'), Index: m.IntN(1000)}
	case 2:
		if run.Status != lifecycle.Estimated && run.Status != lifecycle.Running {
			m.merged()
		}
	}
	if m.one(5) {
		other := m.bookS * m.Float64() / 2
		run.OtherRunsS = &other
		m.bookS -= other
	}
}

// merged has the run be a job of which not all ranks need be there.
func (m *maker) merged() {
	run := &m.r.Run
	n := 2 + m.IntN(4)
	ranks := n + m.IntN(2)*m.IntN(3)
	m.shardS, m.bookS = 0, 0
	for rank := range n {
		s := run.DurationS * (0.5 + m.Float64()/2)
		run.Merged = append(run.Merged, lifecycle.MergedShard{ID: m.uuid('7'), Rank: rank, DurationS: s, Digest: m.hex(64)})
		m.shardS, m.bookS = max(m.shardS, s), m.bookS+s
	}
	run.Coverage = new(float64(n) / float64(ranks))
	if ranks > n {
		m.r.Missing = append(m.r.Missing, lifecycle.Missing{Path: "/run/merged", What: fmt.Sprintf("ranks from %d on", n), Reason: "unknown"})
	}
}

// one is true one time in n.
func (m *maker) one(n int) bool { return m.IntN(n) == 0 }

// between is a number of any magnitude between two.
func (m *maker) between(low, high float64) float64 { return low * math.Pow(high/low, m.Float64()) }

// whole is a count of any magnitude.
func (m *maker) whole() int64 { return int64(m.between(1, 1<<50)) - 1 }

// parts are n shares that sum to 1.
func (m *maker) parts(n int) []float64 {
	shares, sum := make([]float64, n), 0.0
	for i := range shares {
		shares[i] = m.ExpFloat64()
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

func (m *maker) hex(digits int) string {
	b := make([]byte, digits)
	for i := range b {
		b[i] = "0123456789abcdef"[m.IntN(16)]
	}
	return string(b)
}

func (m *maker) uuid(version byte) string {
	return m.hex(8) + "-" + m.hex(4) + "-" + string(version) + m.hex(3) + "-8" + m.hex(3) + "-" + m.hex(12)
}

func pick[T any](m *maker, values ...T) T { return values[m.IntN(len(values))] }
