package tracer_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// inFolder begins a run on a host that draws 10 W, with its record in a folder.
func inFolder(dir string, opts ...tracer.Option) (context.Context, *tracer.Run, error) {
	p := newPlant(1, cpus(1), cpus(1))
	return tracer.Begin(context.Background(), append([]tracer.Option{
		tracer.Host(p), tracer.Meters(ten()), tracer.Dir(dir),
		tracer.CPUTime(func() time.Duration { return p.own(time.Since(p.start)) }),
	}, opts...)...)
}

// readRecord reads the record of a file and holds it to the rules.
func readRecord(t *testing.T, path string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rec, err := lifecycle.Decode(f)
	require.NoError(t, err)
	requireValid(t, rec)
	return rec
}

// readRecords reads all records of a folder, sorted by name.
func readRecords(t *testing.T, dir string) []*lifecycle.Record {
	t.Helper()
	var recs []*lifecycle.Record
	for _, name := range filesIn(t, dir) {
		if strings.HasSuffix(name, ".json") {
			recs = append(recs, readRecord(t, filepath.Join(dir, name)))
		}
	}
	return recs
}

// filesIn lists the names in a folder.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheFolderKeepsTheRulesOfSinks(t *testing.T) {
	tracertest.TestSink(t, func() (tracertest.SinkTarget, error) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		sink, err := tracer.NewDirSink(dir)
		return tracertest.SinkTarget{
			Sink: sink,
			Records: func() (recs []*lifecycle.Record, err error) {
				names, err := filepath.Glob(filepath.Join(dir, "*.json"))
				for _, name := range names {
					f, err := os.Open(name)
					if err != nil {
						return nil, err
					}
					defer f.Close()
					r, err := lifecycle.Decode(f)
					if err != nil {
						return nil, err
					}
					recs = append(recs, r)
				}
				return recs, err
			},
			Break: func() { os.RemoveAll(dir) },
		}, err
	})
}

func TestARunLeavesItsRecordAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "of", "records")
		_, run, err := inFolder(dir)
		require.NoError(t, err)
		time.Sleep(20 * time.Second)
		name := run.ID() + ".json"
		assert.Equal(t, lifecycle.Running, readRecord(t, filepath.Join(dir, name)).Run.Status)
		rec, err := run.End()
		require.NoError(t, err)
		assert.Equal(t, []string{name}, filesIn(t, dir))
		assert.Equal(t, rec.Run, readRecord(t, filepath.Join(dir, name)).Run)
	})
}

func TestARecordThatNamesNoRunIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	sink, err := tracer.NewDirSink(dir)
	require.NoError(t, err)
	for _, id := range []string{"", "../up", "/etc/passwd", "a/b", "."} {
		assert.Error(t, sink.Write(context.Background(), &lifecycle.Record{Run: lifecycle.RunInfo{ID: id}}), "%q", id)
	}
	assert.Empty(t, filesIn(t, dir))
	assert.Len(t, filesIn(t, filepath.Dir(dir)), 1)
}

func TestWhereTheFolderCannotBeNothingMeasuredIsLost(t *testing.T) {
	inTheWay := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(inTheWay, []byte("mine"), 0o600))
	for name, dir := range map[string]string{
		"a file is in the way":           inTheWay,
		"a file is in the way, above":    filepath.Join(inTheWay, "below"),
		"nobody may write there":         "/proc/self/fd-of-records",
		"its name is no name":            "a\x00b",
		"its name is longer than can be": filepath.Join(t.TempDir(), strings.Repeat("x", 5000)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, run, err := inFolder(dir)
				require.ErrorContains(t, err, "tracer.Dir", "it says what to do")
				ctx2, s := tracer.Start(ctx, "work")
				require.NotNil(t, s, "it measures all the same")
				_, below := tracer.Start(ctx2, "below")
				time.Sleep(20 * time.Second)
				below.End()
				s.End()
				rec, err := run.End()
				require.Error(t, err, "the record was not written")
				assert.NotContains(t, err.Error(), "panicked")
				requireValid(t, rec)
				assert.InDelta(t, 200, span(t, rec, "work/below").TotalJ, 1e-9)
				n, flagged := warned(rec, "checkpoint-failed")
				assert.True(t, flagged)
				assert.Positive(t, n)
			})
		})
	}
	content, err := os.ReadFile(inTheWay)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(content))
}

func TestAFolderThatIsRemovedOrFull(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		err  error
	}{
		"it is removed": {func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir)) }, fs.ErrNotExist},
		"it is a file": {func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
		}, syscall.ENOTDIR},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "records")
				ctx, run, err := inFolder(dir)
				require.NoError(t, err)
				_, s := tracer.Start(ctx, "work")
				time.Sleep(10 * time.Second)
				require.Len(t, readRecords(t, dir), 1)
				c.harm(t, dir)
				time.Sleep(10 * time.Second)
				s.End()
				rec, err := run.End()
				require.ErrorIs(t, err, c.err)
				requireValid(t, rec)
				assert.InDelta(t, 200, span(t, rec, "work").SelfJ, 1e-9)
				_, flagged := warned(rec, "checkpoint-failed")
				assert.True(t, flagged)
			})
		})
	}
	t.Run("it comes back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "records")
			_, run, err := inFolder(dir)
			require.NoError(t, err)
			require.NoError(t, os.RemoveAll(dir))
			time.Sleep(20 * time.Second)
			require.NoError(t, os.Mkdir(dir, 0o700))
			time.Sleep(20 * time.Second)
			assert.Equal(t, lifecycle.Running, readRecords(t, dir)[0].Run.Status)
			rec, err := run.End()
			require.NoError(t, err)
			_, flagged := warned(rec, "checkpoint-failed")
			assert.True(t, flagged, "it is still told")
			assert.Equal(t, []string{run.ID() + ".json"}, filesIn(t, dir))
		})
	})
}

func TestASinkThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		sink tracer.Sink
		text string
	}{
		"its disk is full": {full(), syscall.ENOSPC.Error()},
		"it panics":        {panics{}, "panicked: the driver is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := new(tracertest.Recorder)
				ctx, run, err := inFolder("", tracer.Sinks(c.sink, good))
				require.NoError(t, err)
				_, s := tracer.Start(ctx, "work")
				time.Sleep(20 * time.Second)
				s.End()
				rec, err := run.End()
				require.ErrorContains(t, err, c.text)
				requireValid(t, rec)
				assert.InDelta(t, 200, span(t, rec, "work").SelfJ, 1e-9)
				assert.Equal(t, lifecycle.Complete, good.Last().Run.Status, "other sinks are served")
				n, _ := warned(good.Last(), "checkpoint-failed")
				assert.EqualValues(t, len(good.All())-1, n)
			})
		})
	}
}

func full() tracer.Sink {
	r := new(tracertest.Recorder)
	r.Fail(syscall.ENOSPC)
	return r
}

type panics struct{}

func (panics) Write(context.Context, *lifecycle.Record) error { panic("the driver is gone") }

func TestEndDoesNotWaitLongForASink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		sink.Stall()
		_, run, err := inFolder("", tracer.Sinks(sink))
		require.NoError(t, err)
		time.Sleep(3 * time.Second) // into a checkpoint that stalls
		require.NoError(t, run.Describe(tracer.Named("described")), "nothing waits for a sink")
		began := time.Now()
		rec, err := run.End()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(began))
		requireValid(t, rec)
		assert.Equal(t, "described", rec.Run.Name)
	})
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		sink.Stall()
		_, run, err := inFolder("", tracer.Sinks(sink))
		require.NoError(t, err)
		time.Sleep(60 * time.Second)
		sink.Heal()
		time.Sleep(10 * time.Second)
		rec, err := run.End()
		require.NoError(t, err, "one that comes back is written to")
		n, _ := warned(rec, "checkpoint-failed")
		assert.Positive(t, n)
		assert.Equal(t, lifecycle.Complete, sink.Last().Run.Status)
	})
}

func TestACheckpointIsAtMostOnePeriodOld(t *testing.T) {
	for _, period := range []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			sink := new(tracertest.Recorder)
			ctx, run, err := inFolder("", tracer.Sinks(sink), tracer.Checkpoints(period))
			require.NoError(t, err)
			began := time.Now()
			_, s := tracer.Start(ctx, "work")
			for range 300 {
				time.Sleep(period/7 + 3*time.Millisecond)
				last, at := sink.Last(), time.Since(began)
				if last == nil {
					require.LessOrEqual(t, at, period)
					continue
				}
				require.LessOrEqual(t, at.Seconds()-last.Run.DurationS, period.Seconds()+1e-9, "after %v", at)
				require.InDelta(t, last.Run.DurationS, sink.Span("work").TotalS, 1e-9, "an open span is booked so far")
				require.InDelta(t, 10*last.Run.DurationS, sink.Span("work").SelfJ, 1e-6)
			}
			s.End()
			finish(t, run)
			for _, rec := range sink.All() {
				requireValid(t, rec)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		_, run, err := inFolder("", tracer.Sinks(sink), tracer.Checkpoints(-1))
		require.NoError(t, err)
		time.Sleep(time.Hour)
		finish(t, run)
		assert.Len(t, sink.All(), 1, "a negative period writes none")
	})
}
