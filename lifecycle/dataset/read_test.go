package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// today is when the data sets of these tests are read.
var today = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// outcome is what came of a reading.
type outcome struct {
	dataset.Report
	records []*lifecycle.Record // by run id
	refused []dataset.Refusal
	left    []dataset.LeftOut
}

// reading reads paths, and holds the report to what every report must be.
func reading(t testing.TB, r dataset.Reader, paths ...string) outcome {
	t.Helper()
	var o outcome
	var mu sync.Mutex
	if r.Now.IsZero() {
		r.Now = today
	}
	r.Refused = func(bad dataset.Refusal) { o.refused = append(o.refused, bad) }
	r.LeftOut = func(l dataset.LeftOut) { o.left = append(o.left, l) }
	var err error
	o.Report, err = r.Read(t.Context(), paths, func(_ int, rec *lifecycle.Record) error {
		mu.Lock()
		defer mu.Unlock()
		o.records = append(o.records, copied(t, rec)) // it is only valid during the call
		return nil
	})
	require.NoError(t, err)
	slices.SortFunc(o.records, func(a, b *lifecycle.Record) int { return strings.Compare(a.Run.ID, b.Run.ID) })
	assert.EqualValues(t, len(o.records), o.Counted)
	assert.Equal(t, o.Documents, o.Counted-o.Merged+o.Shards+sum(o.LeftOut)+sum(o.Refused),
		"each document counts, is a shard of what counts, is left out or was refused: %+v", o.Report)
	assert.EqualValues(t, len(o.left), sum(o.LeftOut), "each is told")
	return o
}

// copied is a record of its own.
func copied(t testing.TB, r *lifecycle.Record) *lifecycle.Record {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, lifecycle.EncodeLine(&b, r))
	c, err := lifecycle.Decode(&b)
	require.NoError(t, err)
	return c
}

func sum(by map[dataset.Reason]int64) (n int64) {
	for _, k := range by {
		n += k
	}
	return n
}

// ids are those of the runs that count.
func (o outcome) ids() (ids []string) {
	for _, r := range o.records {
		ids = append(ids, r.Run.ID)
	}
	return ids
}

func (o outcome) joules() (j float64) {
	for _, r := range o.records {
		j += r.Totals.EnergyJ.Value
	}
	return j
}

// folder is a folder with these files.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
	}
	return dir
}

// host makes up records of runs on one machine.
func host(seed uint64) *madeUp {
	watts := map[string]float64{"cpu0": 100, "cpu1": 120, "dram0": 20, "node0/rest": 60, "gpu0": 300, "gpu1": 300, "gpu2": 300}
	return &madeUp{
		rng: rand.New(rand.NewPCG(seed, 7)), start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), named: true,
		hosts: []madeUpHost{{watts: watts, model: "server", machine: -1}, {watts: watts, model: "server", machine: -1}},
	}
}

// alone is a run on the machine, from and to in s.
func (j *madeUp) alone(t testing.TB, from, to float64, change ...func(*lifecycle.Record)) *lifecycle.Record {
	r := j.shard(t, 0, 1, 0, from, to, lifecycle.ScopeProcess)
	for _, c := range change {
		c(r)
	}
	return r
}

// next is a run after those that it made before.
func (j *madeUp) next(t testing.TB, change ...func(*lifecycle.Record)) *lifecycle.Record {
	from := 200 * float64(len(j.spells))
	j.spells = append(j.spells, [2]float64{from, from + 100})
	return j.alone(t, from, from+100, change...)
}

func (j *madeUp) machine(t testing.TB, from, to float64) *lifecycle.Record {
	return j.shard(t, 0, 1, 0, from, to, lifecycle.ScopeMachine)
}

// lineOf is a record on one line.
func lineOf(t testing.TB, r *lifecycle.Record) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, lifecycle.EncodeLine(&b, r))
	return b.String()
}

// later is a later document of the same run.
func later(t *testing.T, r *lifecycle.Record, by time.Duration, change ...func(*lifecycle.Record)) *lifecycle.Record {
	return edited(t, r, func(r *lifecycle.Record) {
		r.CreatedAt = r.CreatedAt.Add(by)
		for _, c := range change {
			c(r)
		}
	})
}

func renamed(name string) func(*lifecycle.Record) {
	return func(r *lifecycle.Record) { r.Run.Name = name }
}

// What of the documents of one run counts.
func TestOneDocumentOfARunCounts(t *testing.T) {
	j := host(1)
	first := j.alone(t, 0, 100)
	digest, err := first.SHA256()
	require.NoError(t, err)
	running := func(r *lifecycle.Record) { r.Run.Status = lifecycle.Running }
	earlier := later(t, first, -time.Second/2, func(r *lifecycle.Record) { r.Supersedes = []string{digest} }, renamed("assessed by a clock that is slow"))
	other := later(t, first, 0, renamed("another"))
	a, _ := first.SHA256()
	b, _ := other.SHA256()
	greatest := first
	if b > a {
		greatest = other
	}
	invalid := later(t, first, time.Hour, func(r *lifecycle.Record) { r.Totals.EnergyJ.Value *= 2 })
	for name, c := range map[string]struct {
		docs     []*lifecycle.Record
		counts   *lifecycle.Record // nil: none
		left     map[dataset.Reason]int64
		refused  map[dataset.Reason]int64
		conflict bool
		reader   dataset.Reader
	}{
		"the newest":                  {docs: []*lifecycle.Record{first, later(t, first, time.Hour, renamed("new"))}, counts: later(t, first, time.Hour, renamed("new")), left: map[dataset.Reason]int64{dataset.Replaced: 1}},
		"copies are one":              {docs: []*lifecycle.Record{first, first, first}, counts: first, left: map[dataset.Reason]int64{dataset.Copy: 2}},
		"checkpoints give way":        {docs: []*lifecycle.Record{later(t, first, time.Minute, running), first, later(t, first, -time.Second/2, running)}, counts: first, left: map[dataset.Reason]int64{dataset.Checkpoint: 2}},
		"what is superseded does not": {docs: []*lifecycle.Record{first, earlier}, counts: earlier, left: map[dataset.Reason]int64{dataset.Superseded: 1}},
		"of two of one age the greater digest": {docs: []*lifecycle.Record{first, other}, counts: greatest, conflict: true,
			left: map[dataset.Reason]int64{dataset.OtherOfRun: 1}},
		"the next best of one that is not valid": {docs: []*lifecycle.Record{first, invalid}, counts: first, refused: map[dataset.Reason]int64{dataset.Invalid: 1}},
		"the next best of many that are not": {
			docs:   []*lifecycle.Record{later(t, first, 0, renamed("a")), invalid, later(t, invalid, time.Second), later(t, invalid, 2*time.Second), later(t, first, -time.Second/4, renamed("b"))},
			counts: later(t, first, 0, renamed("a")), refused: map[dataset.Reason]int64{dataset.Invalid: 3}, left: map[dataset.Reason]int64{dataset.Replaced: 1},
		},
		"what the run wrote, not who closed it later": {
			docs:   []*lifecycle.Record{first, later(t, first, time.Hour, func(r *lifecycle.Record) { r.Run.Status = lifecycle.Interrupted })},
			counts: first, left: map[dataset.Reason]int64{dataset.Replaced: 1},
		},
		"of what still runs nothing":                {docs: []*lifecycle.Record{later(t, first, 0, running)}, left: map[dataset.Reason]int64{dataset.Unfinished: 1}},
		"of what still runs, if it is asked for":    {docs: []*lifecycle.Record{later(t, first, 0, running)}, counts: later(t, first, 0, running), reader: dataset.Reader{Running: true}},
		"the last checkpoint, if it is asked for":   {docs: []*lifecycle.Record{later(t, first, 0, running), later(t, first, 1, running)}, counts: later(t, first, 1, running), left: map[dataset.Reason]int64{dataset.Checkpoint: 1}, reader: dataset.Reader{Running: true}},
		"one id for two runs":                       {docs: []*lifecycle.Record{first, edited(t, j.alone(t, 500, 600), func(r *lifecycle.Record) { r.Run.ID = first.Run.ID })}, counts: edited(t, j.alone(t, 500, 600), func(r *lifecycle.Record) { r.Run.ID = first.Run.ID }), left: map[dataset.Reason]int64{dataset.OtherOfRun: 1}, conflict: true},
		"not what is of the future":                 {docs: []*lifecycle.Record{first, later(t, first, 365*24*time.Hour)}, counts: first, refused: map[dataset.Reason]int64{dataset.Future: 1}},
		"what is of tomorrow, as clocks may differ": {docs: []*lifecycle.Record{first, later(t, first, today.Add(23*time.Hour).Sub(first.CreatedAt), renamed("x"))}, counts: later(t, first, today.Add(23*time.Hour).Sub(first.CreatedAt), renamed("x")), left: map[dataset.Reason]int64{dataset.Replaced: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var lines strings.Builder
			files := map[string]string{}
			for i, d := range c.docs {
				lines.WriteString(lineOf(t, d))
				files[fmt.Sprintf("sub/%d.json", i)] = text(t, d)
			}
			for how, path := range map[string]string{
				"as files": folder(t, files), "as lines": filepath.Join(folder(t, map[string]string{"all.ndjson": lines.String()}), "all.ndjson"),
				"packed": filepath.Join(folder(t, map[string]string{"all.ndjson.zst": zst(t, lines.String())}), "all.ndjson.zst"),
			} {
				o := reading(t, c.reader, path)
				if c.left == nil {
					c.left = map[dataset.Reason]int64{}
				}
				if c.refused == nil {
					c.refused = map[dataset.Reason]int64{}
				}
				assert.Equal(t, c.left, o.LeftOut, how)
				assert.Equal(t, c.refused, o.Report.Refused, how)
				assert.Equal(t, c.conflict, len(o.Conflicts) == 1 && o.ConflictCount == 1, "%s: %v", how, o.Conflicts)
				if c.counts == nil {
					assert.Empty(t, o.records, how)
				} else if assert.Len(t, o.records, 1, how) {
					if name != "one id for two runs" {
						same(t, text(t, c.counts), text(t, o.records[0]), how)
					} else {
						assert.Equal(t, c.counts.Run.StartedAt, o.records[0].Run.StartedAt, "the newest")
					}
				}
			}
		})
	}
}

func TestShardsOfAJobCountAsOne(t *testing.T) {
	shards := job(t)
	all := merged(t, shards...)
	files := map[string]string{}
	for i, s := range shards {
		files[fmt.Sprintf("%d.json", i)] = text(t, s)
	}
	o := reading(t, dataset.Reader{}, folder(t, files))
	require.Len(t, o.records, 1)
	same(t, text(t, all), text(t, o.records[0]), "as Merge does it")
	assert.EqualValues(t, 1, o.Merged)
	assert.EqualValues(t, 4, o.Shards)
	assert.True(t, o.Sound())

	files["merged.json"] = text(t, all)
	o = reading(t, dataset.Reader{}, folder(t, files))
	require.Len(t, o.records, 1, "a merged record beside its own shards counts alone")
	same(t, text(t, all), text(t, o.records[0]), "it")
	assert.Equal(t, map[dataset.Reason]int64{dataset.InMerged: 4}, o.LeftOut)

	delete(files, "3.json")
	part := merged(t, shards[:2]...)
	files["merged.json"] = text(t, part)
	o = reading(t, dataset.Reader{}, folder(t, files))
	require.Len(t, o.records, 1, "of more shards it is made anew")
	same(t, text(t, merged(t, shards[:3]...)), text(t, o.records[0]), "of three")
	assert.Equal(t, map[dataset.Reason]int64{dataset.Replaced: 1}, o.LeftOut)

	// Packed shards, and one that is not valid.
	bad := edited(t, shards[1], func(r *lifecycle.Record) { r.Totals.EnergyJ.Value *= 3.6e6 })
	lines := lineOf(t, shards[0]) + lineOf(t, bad) + lineOf(t, shards[2]) + lineOf(t, shards[3])
	o = reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"a.ndjson.gz": gz(t, lines)}), "a.ndjson.gz"))
	require.Len(t, o.records, 1)
	same(t, text(t, merged(t, shards[0], shards[2], shards[3])), text(t, o.records[0]), "the others are merged")
	require.Len(t, o.refused, 1)
	assert.EqualValues(t, 2, o.refused[0].Line)
	assert.Contains(t, o.refused[0].Text, "kWh where joules belong")
}

func TestShardsThatDoNotFitAreToldAndNothingCountsTwice(t *testing.T) {
	shards := job(t)
	twice := edited(t, shards[2], func(r *lifecycle.Record) { r.Run.Rank.Index = 1 })
	lines := lineOf(t, shards[0]) + lineOf(t, shards[1]) + lineOf(t, twice) + lineOf(t, shards[3])
	o := reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"a.ndjson": lines}), "a.ndjson"))
	require.Len(t, o.records, 1)
	require.Len(t, o.Conflicts, 1)
	assert.Equal(t, dataset.JobUnrelated, o.Conflicts[0].Reason)
	assert.Contains(t, o.Conflicts[0].Text, "are both of rank 1")
	assert.InEpsilon(t, merged(t, shards...).Totals.EnergyJ.Value, o.joules(), 1e-9, "each joule once")

	// A merged record and a shard that it lacks cannot be taken apart.
	lines = lineOf(t, merged(t, shards[:3]...)) + lineOf(t, shards[3])
	o = reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"a.ndjson": lines}), "a.ndjson"))
	require.NotEmpty(t, o.Conflicts)
	assert.Equal(t, dataset.OtherShard, o.Conflicts[0].Reason)
	assert.LessOrEqual(t, o.joules(), merged(t, shards...).Totals.EnergyJ.Value*(1+1e-9))
}

func TestMachineAndProcessScopeAreNeverBothCounted(t *testing.T) {
	j := host(2)
	wide := j.machine(t, 0, 100)
	inside, across, outside := j.alone(t, 10, 60), j.alone(t, 90, 130), j.alone(t, 100, 200)
	long := j.alone(t, 50, 5000)
	elsewhere := j.shard(t, 0, 1, 1, 0, 100, lifecycle.ScopeProcess)
	for name, c := range map[string]struct {
		docs, count []*lifecycle.Record
	}{
		"the machine has the joules of the others too":             {[]*lifecycle.Record{wide, inside, across}, []*lifecycle.Record{wide}},
		"what ran at another time or place counts":                 {[]*lifecycle.Record{inside, wide, outside, elsewhere}, []*lifecycle.Record{wide, outside, elsewhere}},
		"what ran longer than the machine was counted for stays":   {[]*lifecycle.Record{wide, long}, []*lifecycle.Record{long}},
		"of two that count the machine the longer one":             {[]*lifecycle.Record{j.machine(t, 20, 90), wide}, []*lifecycle.Record{wide}},
		"what is left out for a machine does not leave out others": {[]*lifecycle.Record{wide, long, inside}, []*lifecycle.Record{long, inside}},
	} {
		t.Run(name, func(t *testing.T) {
			var lines strings.Builder
			for _, d := range c.docs {
				lines.WriteString(lineOf(t, d))
			}
			o := reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"a.ndjson": lines.String()}), "a.ndjson"))
			var want []string
			for _, r := range c.count {
				want = append(want, r.Run.ID)
			}
			assert.ElementsMatch(t, want, o.ids())
			assert.Equal(t, map[dataset.Reason]int64{dataset.OnMachine: int64(len(c.docs) - len(want))}, o.LeftOut)
		})
	}

	t.Run("if the machine's record is not valid the others count", func(t *testing.T) {
		bad := edited(t, wide, func(r *lifecycle.Record) { r.Totals.EnergyJ.Value++ })
		o := reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"a.ndjson": lineOf(t, bad) + lineOf(t, inside)}), "a.ndjson"))
		assert.Equal(t, []string{inside.Run.ID}, o.ids())
	})
}

func TestRunsBookNoMoreThanTheirMeterSaw(t *testing.T) {
	file := func(records ...*lifecycle.Record) string {
		var lines strings.Builder
		for _, r := range records {
			lines.WriteString(lineOf(t, r))
		}
		return filepath.Join(folder(t, map[string]string{"a.ndjson": lines.String()}), "a.ndjson")
	}
	h := host(3)
	h.greedy = true
	greedy := []*lifecycle.Record{}
	for range 8 {
		greedy = append(greedy, h.alone(t, 0, 100))
	}
	o := reading(t, dataset.Reader{}, file(greedy...))
	assert.EqualValues(t, 8, o.Counted, "all count")
	require.NotEmpty(t, o.Conflicts)
	assert.Equal(t, dataset.BeyondMeter, o.Conflicts[0].Reason)
	assert.Contains(t, o.Conflicts[0].Text, "runs booked")

	fair := host(4)
	var shares []*lifecycle.Record
	for range 4 {
		shares = append(shares, fair.shard(t, 0, 4, 0, 0, 100, lifecycle.ScopeProcess)) // a fourth at most
	}
	for _, r := range shares {
		r.Run.Rank, r.Run.TraceID = nil, ""
	}
	assert.Empty(t, reading(t, dataset.Reader{}, file(shares...)).Conflicts, "fair shares of one machine")
}

func TestWindowsOfAServiceAreDisjoint(t *testing.T) {
	j := host(5)
	const series = "019cadc6-9a80-7000-8000-0123456789ab"
	window := func(index int, from, to float64) *lifecycle.Record {
		return j.alone(t, from, to, func(r *lifecycle.Record) { r.Run.Segment = &lifecycle.Segment{Series: series, Index: index} })
	}
	first, second, third := window(0, 0, 100), window(1, 100, 200), window(2, 200, 300)
	for name, c := range map[string]struct {
		docs []*lifecycle.Record
		left *lifecycle.Record
	}{
		"one after the other":      {[]*lifecycle.Record{first, second, third}, nil},
		"one index twice":          {[]*lifecycle.Record{first, second, window(1, 400, 500)}, nil},
		"an overlap":               {[]*lifecycle.Record{third, first, second, window(3, 150, 190)}, nil},
		"one in the whole of many": {[]*lifecycle.Record{window(9, 0, 310), first, second}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for i, d := range c.docs {
				files[fmt.Sprintf("%d.json", i)] = text(t, d)
			}
			o := reading(t, dataset.Reader{}, folder(t, files))
			if name == "one after the other" {
				assert.EqualValues(t, 3, o.Counted)
				assert.Empty(t, o.Conflicts)
				return
			}
			require.NotEmpty(t, o.Conflicts)
			assert.Equal(t, dataset.OtherWindow, o.Conflicts[0].Reason)
			assert.Contains(t, o.Conflicts[0].Text, series)
			for i, a := range o.records {
				for _, b := range o.records[i+1:] {
					assert.NotEqual(t, a.Run.Segment.Index, b.Run.Segment.Index)
					assert.False(t, a.Run.StartedAt.Before(*b.Run.EndedAt) && b.Run.StartedAt.Before(*a.Run.EndedAt), "windows that count are disjoint")
				}
			}
		})
	}
}

func TestARunThatItsParentCountsIsLeftOutOfADataSet(t *testing.T) {
	j := host(6)
	outer := j.alone(t, 0, 100)
	child := func(of *lifecycle.Record, counted bool) *lifecycle.Record {
		return j.alone(t, 10, 90, func(r *lifecycle.Record) {
			if r.Run.Parent = of.Run.ID; counted {
				r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "counted-by-parent", Path: "/run/parent"})
			}
		})
	}
	inner := child(outer, true)
	innermost, trial := child(inner, true), child(outer, false)
	files := map[string]string{"a.json": text(t, innermost), "b.json": text(t, outer), "c.json": text(t, inner), "d.json": text(t, trial)}
	o := reading(t, dataset.Reader{}, folder(t, files))
	assert.ElementsMatch(t, []string{outer.Run.ID, trial.Run.ID}, o.ids(), "a trial that its search only started counts")
	assert.Equal(t, map[dataset.Reason]int64{dataset.CountedByParent: 2}, o.LeftOut)

	delete(files, "b.json")
	o = reading(t, dataset.Reader{}, folder(t, files))
	assert.ElementsMatch(t, []string{inner.Run.ID, trial.Run.ID}, o.ids(), "without the one that counts it, it counts")

	files["b.json"] = text(t, edited(t, outer, func(r *lifecycle.Record) { r.Totals.EnergyJ.Value++ }))
	o = reading(t, dataset.Reader{}, folder(t, files))
	assert.ElementsMatch(t, []string{inner.Run.ID, trial.Run.ID}, o.ids(), "so it does if that one is not valid")
}

func TestEstimatesCountIfTheyAreAskedFor(t *testing.T) {
	r := recordtest.Random(0)
	for seed := uint64(1); r.Run.Status != lifecycle.Estimated; seed++ {
		r = recordtest.Random(seed)
	}
	path := folder(t, map[string]string{"a.json": text(t, r)})
	o := reading(t, dataset.Reader{Now: r.CreatedAt}, path)
	assert.Equal(t, map[dataset.Reason]int64{dataset.Estimate: 1}, o.LeftOut)
	o = reading(t, dataset.Reader{Now: r.CreatedAt, Estimates: true}, path)
	assert.Equal(t, []string{r.Run.ID}, o.ids())
}

func TestAnErrorOfUseEndsTheReading(t *testing.T) {
	j := host(8)
	var lines strings.Builder
	for range 50 {
		lines.WriteString(lineOf(t, j.alone(t, 0, 100)))
	}
	path := filepath.Join(folder(t, map[string]string{"a.ndjson": lines.String()}), "a.ndjson")
	enough := errors.New("enough")
	var mu sync.Mutex
	n := 0
	_, err := dataset.Reader{Workers: 2, Now: today}.Read(t.Context(), []string{path}, func(int, *lifecycle.Record) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		return enough
	})
	assert.ErrorIs(t, err, enough)
	assert.LessOrEqual(t, n, 2, "once a worker")

	ctx, cancel := context.WithCancel(t.Context())
	_, err = dataset.Reader{Workers: 1, Now: today}.Read(ctx, []string{path}, func(int, *lifecycle.Record) error {
		cancel()
		return nil
	})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = dataset.Reader{}.Read(ctx, []string{path}, func(int, *lifecycle.Record) error { panic("nothing is handed over") })
	assert.ErrorIs(t, err, context.Canceled)
}

func TestWorkersAreNumbered(t *testing.T) {
	j := host(9)
	var lines strings.Builder
	for range 200 {
		lines.WriteString(lineOf(t, j.alone(t, 0, 100)))
	}
	busy := make([]sync.Mutex, 3)
	dir := folder(t, map[string]string{"a.ndjson": lines.String(), "b.ndjson.zst": zst(t, lines.String())})
	_, err := dataset.Reader{Workers: 3, Now: today}.Read(t.Context(), []string{dir}, func(worker int, rec *lifecycle.Record) error {
		if !busy[worker].TryLock() {
			return fmt.Errorf("worker %d is at work twice", worker)
		}
		defer busy[worker].Unlock()
		return nil
	})
	assert.NoError(t, err)
}
