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
var today = time.Date(2028, 6, 1, 0, 0, 0, 0, time.UTC)

// maker makes records that are each of a run of its own, or have to do with one
// another.
type maker struct {
	*rand.Rand
	base []*lifecycle.Record
	run  *lifecycle.Record // of which most is known: on one device, for 1000 s
}

func newMaker(t testing.TB, base int) *maker {
	m := &maker{Rand: rand.New(rand.NewPCG(1, 2))}
	for seed := range uint64(base) {
		m.base = append(m.base, recordtest.Random(seed))
	}
	m.run = decode(t, filepath.Join("..", "..", "testdata", "small.json"))
	return m
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

// fresh is a base record as that of another run, service and job.
func (m *maker) fresh() lifecycle.Record {
	r := *m.base[m.IntN(len(m.base))]
	r.Run.ID = m.uuid()
	if r.Run.TraceID != "" {
		r.Run.TraceID = strings.ReplaceAll(m.uuid(), "-", "")
	}
	if r.Run.Segment != nil {
		r.Run.Segment = &lifecycle.Segment{Series: m.uuid(), Index: r.Run.Segment.Index}
	}
	r.Hardware = append([]lifecycle.Hardware(nil), r.Hardware...)
	for i := range r.Hardware {
		h := &r.Hardware[i]
		if len(h.Instance) > 0 {
			h.Instance = append([]string(nil), h.Instance...)
			for k := range h.Instance {
				h.Instance[k] = fmt.Sprintf("%016x", m.Uint64())
			}
		}
	}
	if r.Integrity != nil {
		_ = r.Seal()
	}
	return r
}

// at is the small run at another time, on a host's device.
func (m *maker) at(host, from int, change ...func(*lifecycle.Record)) lifecycle.Record {
	r := *m.run
	r.Run.ID, r.Run.TraceID, r.Run.Rank = m.uuid(), "", nil
	start := r.Run.StartedAt.Add(time.Duration(from) * time.Second)
	end := start.Add(1000 * time.Second)
	r.Run.StartedAt, r.Run.EndedAt, r.CreatedAt = &start, &end, end.Add(time.Second)
	r.Hardware = append([]lifecycle.Hardware(nil), r.Hardware...)
	for i := range r.Hardware {
		r.Hardware[i].Instance = []string{fmt.Sprintf("%08x%08x", host, i)}
		for len(r.Hardware[i].Instance) < r.Hardware[i].Count {
			r.Hardware[i].Instance = append(r.Hardware[i].Instance, fmt.Sprintf("%04x%04x%08x", len(r.Hardware[i].Instance), host, i))
		}
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func wide(r *lifecycle.Record) { r.Run.Scope = lifecycle.ScopeMachine }

func lineOf(t testing.TB, r lifecycle.Record) string {
	var b strings.Builder
	require.NoError(t, lifecycle.EncodeLine(&b, &r))
	return b.String()
}

// mixed makes lines of all sorts, by the hundred.
func (m *maker) mixed(t testing.TB, hundreds int) (lines []string) {
	add := func(r lifecycle.Record) { lines = append(lines, lineOf(t, r)) }
	for h := range hundreds {
		for range 80 {
			add(m.fresh())
		}
		r := m.fresh()
		add(r)
		add(r) // a copy
		r.CreatedAt = r.CreatedAt.Add(time.Minute)
		if r.Integrity != nil {
			require.NoError(t, r.Seal())
		}
		add(r) // a later document
		add(m.at(h, 0, wide))
		for i := range 4 {
			add(m.at(h, 400*i))
		}
		series := m.uuid()
		for _, from := range []int{0, 1000, 2000, 2500} { // the last two overlap
			add(m.at(-1-h, from, func(r *lifecycle.Record) { r.Run.Segment = &lifecycle.Segment{Series: series, Index: from} }))
		}
		parent := m.at(1000+h, 0)
		add(parent)
		add(m.at(2000+h, 0, func(r *lifecycle.Record) {
			r.Run.Parent = parent.Run.ID
			r.Warnings = append([]lifecycle.Warning{{Code: "counted-by-parent", Path: "/run/parent"}}, r.Warnings...)
		}))
		bad := m.at(3000+h, 0, func(r *lifecycle.Record) { r.Run.DurationS++ })
		add(bad)
		line := lineOf(t, m.fresh())
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
	for _, c := range done.Metrics().AllMetrics().Counters() {
		switch {
		case c.Namespace() == Namespace && c.Name() == Counted && strings.Contains(c.Transform(), "Count"):
			assert.LessOrEqual(t, c.Result(), report.Counted)
		}
	}
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
	m := newMaker(t, 60)
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
		put(rank, string(b))
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
	assert.EqualValues(t, 1, report.Merged)
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
	m := newMaker(t, 300)
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
	b, err := json.MarshalIndent(report, "", " ")
	require.NoError(t, err)
	report.Conflicts = nil
	t.Logf("%s", b[:min(len(b), 1000)])
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
