package tracertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// folder is a good sink, one file a run, and the mistakes that it can be told
// to make.
type folder struct {
	dir     string
	before  func(ctx context.Context, r *lifecycle.Record) error // an error ends the Write
	name    func(r *lifecycle.Record) string
	write   func(file string, text []byte) error
	swallow bool // errors

	cancelled func(file string) error // in place of all else, if the context is done
}

func (f *folder) Write(ctx context.Context, r *lifecycle.Record) error {
	if f.before != nil {
		if err := f.before(ctx, r); err != nil {
			return err
		}
	}
	if r == nil {
		return errors.New("no record")
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	name, write := r.Run.ID, replaceFile
	if f.name != nil {
		name = f.name(r)
	}
	if f.write != nil {
		write = f.write
	}
	file := filepath.Join(f.dir, name+".json")
	if f.cancelled != nil && ctx.Err() != nil {
		return f.cancelled(file)
	}
	if err := write(file, text); err != nil && !f.swallow {
		return err
	}
	return nil
}

// replaceFile puts a file in the place of another.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func (f *folder) records() ([]*lifecycle.Record, error) {
	names, err := filepath.Glob(filepath.Join(f.dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []*lifecycle.Record
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r := new(lifecycle.Record)
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (f *folder) target(t *testing.T) SinkTarget {
	f.dir = filepath.Join(t.TempDir(), "records")
	require.NoError(t, os.Mkdir(f.dir, 0o755))
	return SinkTarget{Sink: f, Records: f.records, Break: func() { _ = os.RemoveAll(f.dir) }}
}

func TestSinkSuitePassesGoodSinks(t *testing.T) {
	TestSink(t, func() (SinkTarget, error) { return new(folder).target(t), nil })
}

func TestRecorderIsAGoodSink(t *testing.T) {
	TestSink(t, func() (SinkTarget, error) {
		r := new(Recorder)
		return SinkTarget{
			Sink:    r,
			Records: func() ([]*lifecycle.Record, error) { return r.Records(), nil },
			Break:   func() { r.Fail(syscall.ENOSPC) },
		}, nil
	})
}

// shallow keeps the records themselves.
type shallow struct{ Recorder }

func (s *shallow) Write(_ context.Context, r *lifecycle.Record) error {
	if r == nil {
		return errors.New("no record")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, r)
	return nil
}

func TestSinkSuiteCatchesPlantedMistakes(t *testing.T) {
	planted := map[string]struct {
		sink folder
		want []string
	}{
		"loses a member": {folder{write: func(file string, text []byte) error {
			return replaceFile(file, []byte(strings.Replace(string(text), `"samples":2`, `"samples":0`, 1)))
		}}, []string{"keeps", "replaces", "runs", "concurrent", "cancelled", "untouched"}},
		"one file for all": {folder{name: func(*lifecycle.Record) string { return "record" }},
			[]string{"runs", "concurrent"}},
		"a file for each name": {folder{name: func(r *lifecycle.Record) string { return r.Run.Name }},
			[]string{"replaces", "runs", "atomic", "concurrent", "cancelled"}},
		"a file for each status": {folder{name: func(r *lifecycle.Record) string { return r.Run.ID + string(r.Run.Status) }},
			[]string{"replaces", "concurrent", "cancelled"}},
		"keeps what is long only": {folder{write: func(file string, text []byte) error {
			if old, err := os.Stat(file); err == nil && old.Size() > int64(len(text)) {
				return nil
			}
			return replaceFile(file, text)
		}}, []string{"replaces", "concurrent"}},
		"writes over the old file": {folder{write: func(file string, text []byte) error {
			f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			_, err = f.Write(text)
			return errors.Join(err, f.Close())
		}}, []string{"replaces", "atomic", "concurrent"}},
		"writes piece by piece": {folder{write: func(file string, text []byte) error {
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			for piece := range slices.Chunk(text, 512) {
				if _, err := f.Write(piece); err != nil {
					return errors.Join(err, f.Close())
				}
				runtime.Gosched() // for a reader to come between
			}
			return f.Close()
		}}, []string{"atomic"}},
		"cuts what is long": {folder{write: func(file string, text []byte) error {
			return replaceFile(file, text[:min(len(text), 64<<10)])
		}}, []string{"large"}},
		"temporary files are found": {folder{write: func(file string, text []byte) error {
			return errors.Join(replaceFile(file, text), replaceFile(strings.TrimSuffix(file, ".json")+".tmp.json", text))
		}}, []string{"keeps", "replaces", "runs", "atomic", "concurrent", "cancelled", "untouched"}},
		"removes the old record when cancelled": {folder{cancelled: func(file string) error {
			return errors.Join(context.Canceled, os.Remove(file))
		}}, []string{"cancelled"}},
		"says nothing when cancelled": {folder{cancelled: func(string) error { return nil }}, []string{"cancelled"}},
		"changes the record": {folder{before: func(_ context.Context, r *lifecycle.Record) error {
			if r != nil {
				r.Run.Status = lifecycle.Failed
			}
			return nil
		}}, []string{"untouched"}},
		"panics without a record": {folder{before: func(_ context.Context, r *lifecycle.Record) error {
			_ = r.Run.ID
			return nil
		}}, []string{"no-record"}},
		"writes no record": {folder{before: func(_ context.Context, r *lifecycle.Record) error {
			if r == nil {
				panic("the record is nil")
			}
			return nil
		}}, []string{"no-record"}},
		"swallows errors": {folder{swallow: true}, []string{"broken"}},
		"panics when the target is gone": {folder{write: func(file string, text []byte) error {
			if err := replaceFile(file, text); err != nil {
				panic(err)
			}
			return nil
		}}, []string{"broken"}},
		"makes the folder anew": {folder{write: func(file string, text []byte) error {
			return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), replaceFile(file, text))
		}}, []string{"broken"}},
	}
	var caught []string
	for _, name := range slices.Sorted(maps.Keys(planted)) {
		c := planted[name]
		t.Run(name, func(t *testing.T) {
			var except []string
			if !slices.Contains(c.want, "large") {
				except = []string{"large"} // the slowest rule
			}
			verdicts := try(sinkRules, func() (SinkTarget, error) { sink := c.sink; return sink.target(t), nil }, except)
			assert.Equal(t, c.want, broken(verdicts))
			caught = append(caught, broken(verdicts)...)
		})
	}
	t.Run("keeps the caller's record", func(t *testing.T) {
		verdicts := try(sinkRules, func() (SinkTarget, error) {
			s := new(shallow)
			return SinkTarget{Sink: s, Records: func() ([]*lifecycle.Record, error) { return s.Records(), nil }}, nil
		}, nil)
		assert.Equal(t, []string{"untouched"}, broken(verdicts))
	})
	for _, r := range sinkRules {
		assert.Contains(t, caught, r.name, "every rule catches some mistake")
	}
}

func TestSampleOfTheSinkSuiteIsAValidRecord(t *testing.T) {
	for _, status := range []lifecycle.Status{lifecycle.Running, lifecycle.Complete} {
		for _, f := range lifecycle.Validate(sample(newID(), status, 3)) {
			t.Errorf("%+v", f)
		}
	}
	wrong := sample(newID(), lifecycle.Complete, 3)
	wrong.Totals.EnergyJ.Value *= 1.01
	assert.NotEmpty(t, lifecycle.Validate(wrong), "one that is wrong by a hundredth would be found")
}

func TestSuiteNamesItsRulesToWhoExceptsAnUnknownOne(t *testing.T) {
	probe := &probe{TB: t}
	func() {
		defer func() { _ = recover() }()
		TestSink(probe, func() (SinkTarget, error) { return new(folder).target(t), nil }, "keps")
	}()
	assert.Contains(t, probe.fatal, `no rule "keps"`)
	assert.Contains(t, probe.fatal, "keeps, replaces")
}

func TestSuiteReportsRuleFindingAndReason(t *testing.T) {
	probe := &probe{TB: t}
	sink := folder{swallow: true}
	open := func() (SinkTarget, error) { s := sink; return s.target(t), nil }
	TestSink(probe, open)
	require.Len(t, probe.errors, 1)
	assert.Contains(t, probe.errors[0], `rule "broken": the target is gone and Write has no error`)
	assert.Contains(t, probe.errors[0], "Run.End reports the error")
	probe.errors = nil
	TestSink(probe, open, "broken")
	assert.Empty(t, probe.errors, "a rule that is excepted is not tried")
}

// probe is a test that keeps what would fail it.
type probe struct {
	testing.TB
	errors []string
	fatal  string
}

func (p *probe) Helper() {}

func (p *probe) Errorf(format string, args ...any) {
	p.errors = append(p.errors, fmt.Sprintf(format, args...))
}

func (p *probe) Fatalf(format string, args ...any) {
	p.fatal = fmt.Sprintf(format, args...)
	panic("fatal")
}
