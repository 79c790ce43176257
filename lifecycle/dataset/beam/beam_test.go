package beam

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

var many = flag.Int("records", 0, "how many records TestManyRecords makes, reads and compares; 0: it is skipped")

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("beam_strict", "true") // what another runner could not be sent by name is an error
	sdk.Init()
	os.Exit(m.Run())
}

// today is when the records of these tests are read.
var today = time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)

// maker makes records that are each of a run of its own, or have to do with one
// another.
type maker struct {
	*rand.Rand
	base          []*lifecycle.Record
	ranks         []*lifecycle.Record // of one job
	window        *lifecycle.Record   // of a service
	machine, part *lifecycle.Record   // of all that a machine did, and of something while that was counted
}

// newMaker makes a maker of so many records by chance, of no more than so many
// bytes each. Few of them are estimates.
func newMaker(t testing.TB, base, most int) *maker {
	m := &maker{Rand: rand.New(rand.NewPCG(1, 2))}
	for _, rank := range []string{"rank0.json", "rank2.json"} {
		m.ranks = append(m.ranks, decode(t, filepath.Join("..", "testdata", "job", rank)))
	}
	for seed := uint64(0); len(m.base) < base || m.machine == nil || m.window == nil; seed++ {
		r := recordtest.Random(seed)
		if r.Run.Status == lifecycle.Estimated && seed%16 > 0 || len(lineOf(t, *r)) > most {
			continue
		}
		m.base = append(m.base, r)
		if r.Run.Segment != nil && r.Run.Status == lifecycle.Complete {
			m.window = r
		}
		for _, other := range m.base {
			m.pair(r, other)
			m.pair(other, r)
		}
	}
	return m
}

// pair takes two records as that of a machine and one of the same time.
func (m *maker) pair(machine, part *lifecycle.Record) {
	for _, r := range []*lifecycle.Record{machine, part} {
		if r.Run.Status != lifecycle.Complete || len(r.Hardware) == 0 || len(r.Hardware[0].Instance) == 0 || r.Run.Segment != nil || r.Run.Rank != nil || r.Run.Merged != nil {
			return
		}
	}
	if machine.Run.Scope != lifecycle.ScopeMachine || part.Run.Scope != lifecycle.ScopeProcess || m.machine != nil {
		return
	}
	if min(machine.Run.EndedAt.Unix(), part.Run.EndedAt.Unix())-max(machine.Run.StartedAt.Unix(), part.Run.StartedAt.Unix()) > 3600 {
		m.machine, m.part = machine, part
	}
}

func decode(t testing.TB, file string) *lifecycle.Record {
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	r, err := lifecycle.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return r
}

func (m *maker) uuid() string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(m.UintN(256))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// fresh is a record as that of another run, service, job and machine.
func (m *maker) fresh(of *lifecycle.Record, change ...func(*lifecycle.Record)) lifecycle.Record {
	r := *of
	r.Run.ID = m.uuid()
	if r.Run.TraceID != "" {
		r.Run.TraceID = strings.ReplaceAll(m.uuid(), "-", "")
	}
	if r.Run.Segment != nil {
		r.Run.Segment = &lifecycle.Segment{Series: m.uuid(), Index: r.Run.Segment.Index}
	}
	r.Hardware = slices.Clone(r.Hardware)
	for i := range r.Hardware {
		h := &r.Hardware[i]
		h.Instance = slices.Clone(h.Instance)
		for k := range h.Instance {
			h.Instance[k] = fmt.Sprintf("%016x", m.Uint64())
		}
	}
	for _, c := range change {
		c(&r)
	}
	if r.Integrity != nil {
		_ = r.Seal()
	}
	return r
}

func (m *maker) any() *lifecycle.Record { return m.base[m.IntN(len(m.base))] }

func lineOf(t testing.TB, r lifecycle.Record) string {
	var b strings.Builder
	require.NoError(t, lifecycle.EncodeLine(&b, &r))
	return b.String()
}

// mixed makes lines of all sorts, by the hundred.
func (m *maker) mixed(t testing.TB, hundreds int) (lines []string) {
	add := func(r lifecycle.Record) { lines = append(lines, lineOf(t, r)) }
	for range hundreds {
		for range 80 {
			add(m.fresh(m.any()))
		}
		r := m.fresh(m.any())
		add(r)
		add(r) // a copy
		add(m.fresh(&r, func(l *lifecycle.Record) {
			l.Run, l.CreatedAt = r.Run, r.CreatedAt.Add(time.Minute)
		}))
		machine := m.fresh(m.machine)
		add(machine)
		for range 3 {
			add(m.fresh(m.part, func(r *lifecycle.Record) { r.Hardware[0].Instance[0] = machine.Hardware[0].Instance[0] }))
		}
		window := m.fresh(m.window)
		add(window)
		add(m.fresh(m.window, func(r *lifecycle.Record) { r.Run.Segment = window.Run.Segment }))
		parent := m.fresh(m.part)
		add(parent)
		add(m.fresh(m.part, func(r *lifecycle.Record) {
			r.Run.Parent = parent.Run.ID
			r.Warnings = append(slices.Clone(r.Warnings), lifecycle.Warning{Code: "counted-by-parent", Path: "/run/parent"})
		}))
		trace := strings.ReplaceAll(m.uuid(), "-", "")
		for _, rank := range m.ranks {
			add(m.fresh(rank, func(r *lifecycle.Record) { r.Run.TraceID = trace }))
		}
		add(m.fresh(m.part, func(r *lifecycle.Record) { r.Run.DurationS *= 2 })) // invalid
		line := lineOf(t, m.fresh(m.any()))
		lines = append(lines, line[:len(line)/2]+"\n", "nonsense\n", `{"schema": "other"}`+"\n")
	}
	m.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
	return lines
}

// onPrism summarises by Beam.
func onPrism(t testing.TB, r Reading) (summary []byte, report dataset.Report, refused []dataset.Refusal) {
	t.Helper()
	dir := t.TempDir()
	p, s := sdk.NewPipelineWithRoot()
	results, err := Summarise(s, r)
	require.NoError(t, err)
	file := func(name string) string { return filepath.Join(dir, name) }
	results.WriteSummary(s, file("summary"))
	results.WriteReport(s, file("report"))
	results.WriteRefused(s, file("refused"))
	done, err := sdk.Run(context.Background(), "prism", p)
	require.NoError(t, err)

	summary, err = os.ReadFile(file("summary"))
	require.NoError(t, err)
	b, err := os.ReadFile(file("report"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &report))
	b, err = os.ReadFile(file("refused"))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	for line := range strings.Lines(string(b)) {
		var bad dataset.Refusal
		require.NoError(t, json.Unmarshal([]byte(line), &bad))
		refused = append(refused, bad)
	}
	counted := int64(0)
	for _, c := range done.Metrics().AllMetrics().Counters() {
		if c.Namespace() == Namespace && c.Name() == Counted {
			counted += c.Result()
		}
	}
	assert.Equal(t, report.Counted, counted, "the metrics tell what the report does")
	return summary, report, refused
}

// native summarises on this machine alone.
func native(t testing.TB, r Reading) (summary []byte, report dataset.Report, refused []dataset.Refusal) {
	t.Helper()
	var mu sync.Mutex
	of := r.reader()
	of.Workers = 0
	of.Refused = func(bad dataset.Refusal) { mu.Lock(); refused = append(refused, bad); mu.Unlock() }
	s, report, err := dataset.Summarise(t.Context(), of, r.Paths, r.By...)
	require.NoError(t, err)
	summary, err = s.MarshalJSON()
	require.NoError(t, err)
	beyond := 0
	conflicts := []dataset.Conflict{}
	for _, c := range report.Conflicts {
		if c.Reason == dataset.BeyondMeter {
			beyond++
			continue
		}
		conflicts = append(conflicts, c)
	}
	report.Conflicts, report.ConflictCount = conflicts, report.ConflictCount-int64(beyond)
	return append(summary, '\n'), report, refused
}

// requireSame compares what Beam and one machine say of the same records.
func requireSame(t *testing.T, r Reading) dataset.Report {
	t.Helper()
	started := time.Now()
	want, wantReport, wantRefused := native(t, r)
	between := time.Now()
	got, gotReport, gotRefused := onPrism(t, r)
	t.Logf("%d documents: one machine %v, Prism %v", wantReport.Documents, between.Sub(started).Round(time.Millisecond), time.Since(between).Round(time.Millisecond))
	for _, r := range []dataset.Report{wantReport, gotReport} {
		for _, c := range r.Conflicts {
			for i := range c.Places {
				c.Places[i].Line = 0 // it is not known in all parts of a file
			}
		}
	}
	if wantReport.ConflictCount > int64(len(wantReport.Conflicts)) { // of which it lists any
		wantReport.Conflicts, gotReport.Conflicts = nil, nil
	}
	assert.Equal(t, wantReport, gotReport)
	type place struct {
		path, entry string
		off         int64
		reason      dataset.Reason
	}
	places := func(all []dataset.Refusal) (list []place) {
		for _, bad := range all {
			list = append(list, place{bad.Path, bad.Entry, bad.Offset, bad.Reason})
		}
		return list
	}
	assert.ElementsMatch(t, places(wantRefused), places(gotRefused), "the same is refused, at the same places")
	require.True(t, bytes.Equal(want, got), "the summaries are the same bytes: %d and %d of them", len(want), len(got))
	return wantReport
}

func TestPrismSaysWhatOneMachineSays(t *testing.T) {
	m := newMaker(t, 60, 64_000)
	lines := m.mixed(t, 4)
	dir := t.TempDir()
	put := func(name, content string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
	}
	put("lines.ndjson", strings.Join(lines[:200], ""))
	put("deep/er/list.json", "["+strings.Join(lines[len(lines)-1:], ",")+"]")
	put("more.json.zst", zst(t, strings.Join(lines[200:250], "")))
	put("packed.jsonl.gz", gz(t, strings.Join(lines[250:len(lines)-1], "")))
	put("cut.ndjson.gz", gz(t, lines[0]+lines[1])[:3000])
	put("notes.txt", "none of records")
	put(".hidden/x.json", lines[0])
	put("empty.json", "")
	put("other.json", `{"a": 1}`)
	for _, rank := range []string{"rank0.json", "rank2.json"} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "job", rank))
		require.NoError(t, err)
		put(rank, string(b)) // on many lines
	}
	report := requireSame(t, Reading{
		Paths: []string{dir, filepath.Join(dir, "rank0.json"), filepath.Join(dir, "missing")}, By: []dataset.Dimension{"phase", "month", "hardware"},
		Running: true, Now: today, PartBytes: 100_000,
	})
	for _, reason := range []dataset.Reason{dataset.Copy, dataset.Replaced, dataset.OnMachine, dataset.CountedByParent, dataset.OtherWindow, dataset.Estimate} {
		assert.NotZero(t, report.LeftOut[reason], "it happens: %s", reason)
	}
	for _, reason := range []dataset.Reason{dataset.NoRecord, dataset.Invalid, dataset.Damaged, dataset.Unreadable} {
		assert.NotZero(t, report.Refused[reason], "it happens: %s", reason)
	}
	assert.EqualValues(t, 5, report.Merged)
	assert.NotZero(t, report.ConflictCount)
	assert.Greater(t, report.Counted, int64(200))
}

func TestOfNothingTheSummaryIsThatOfNothing(t *testing.T) {
	requireSame(t, Reading{Paths: []string{t.TempDir()}, By: []dataset.Dimension{"phase"}, Now: today})
}

func TestWhatCannotBeSummarisedIsToldBeforeItRuns(t *testing.T) {
	_, s := sdk.NewPipelineWithRoot()
	_, err := Summarise(s, Reading{Paths: []string{"x"}, By: []dataset.Dimension{"colour"}})
	assert.ErrorContains(t, err, `there is no dimension "colour"`)
	_, err = Summarise(s, Reading{})
	assert.ErrorContains(t, err, "no paths")
}

// TestManyRecords is how "Prism = native" is shown of as many records as one
// likes: go test -run Many -records 100000 -v.
func TestManyRecords(t *testing.T) {
	if *many == 0 {
		t.Skip("-records N says of how many")
	}
	m := newMaker(t, 400, 20_000)
	file := filepath.Join(t.TempDir(), "many.ndjson")
	f, err := os.Create(file)
	require.NoError(t, err)
	for made := 0; made < *many; {
		lines := m.mixed(t, 10)
		made += len(lines)
		_, err := f.WriteString(strings.Join(lines, ""))
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	report := requireSame(t, Reading{Paths: []string{file}, By: []dataset.Dimension{"phase", "month"}, Now: today})
	report.Conflicts = nil
	b, err := json.MarshalIndent(report, "", " ")
	require.NoError(t, err)
	t.Logf("%s", b)
}

func gz(t testing.TB, text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func zst(t testing.TB, text string) string {
	z, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return string(z.EncodeAll([]byte(text), nil))
}

// FuzzWhatWorkersSend reads what another worker might have sent.
func FuzzWhatWorkersSend(f *testing.F) {
	f.Add(encodeMention(mention{ref{n: 3}, dataset.Relation{Kind: dataset.OfRun, Start: -1}}))
	f.Add(encodePair(pair{ref{n: 1}, ref{n: 2}}))
	f.Add(encodeMember(member{1, ref{n: 2}}))
	b, _ := encodeDocument(document{dataset.Place{Path: "p", Line: 3}, []byte("text")})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMention(b); err == nil {
			assert.Equal(t, b, encodeMention(m))
		}
		if p, err := decodePair(b); err == nil {
			assert.Equal(t, b, encodePair(p))
		}
		if m, err := decodeMember(b); err == nil {
			assert.Equal(t, b, encodeMember(m))
		}
		if d, err := decodeDocument(b); err == nil {
			again, err := encodeDocument(d)
			require.NoError(t, err)
			same, err := decodeDocument(again)
			require.NoError(t, err)
			assert.Equal(t, d.place, same.place)
			assert.Equal(t, string(d.text), string(same.text))
		}
	})
}
