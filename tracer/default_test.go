package tracer_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// nothing is what a program prints that has nothing to say.
var nothing = []string{""}

// left reads what a program left in a folder: what each run is, and how often
// it was called as a library, and as a program.
func left(t *testing.T, dir string) (status []lifecycle.Status, library, work []int64) {
	t.Helper()
	for _, rec := range readRecords(t, dir) {
		status = append(status, rec.Run.Status)
		var l, w int64
		for _, s := range rec.Spans {
			switch s.Path {
			case "library":
				l = s.Count
			case "work":
				w = s.Count
			}
		}
		library, work = append(library, l), append(work, w)
	}
	return status, library, work
}

func TestStartOpensADefaultRunWhereAFolderIsSet(t *testing.T) {
	const (
		complete = lifecycle.Complete
		failed   = lifecycle.Failed
	)
	for name, c := range map[string]struct {
		verbs         []string
		status        []lifecycle.Status
		library, work []int64
		says          []string
	}{
		"a program that flushes":              {[]string{"library", "library", "flush"}, []lifecycle.Status{complete}, []int64{2}, []int64{0}, nothing},
		"one that flushes twice":              {[]string{"library", "flush", "flush"}, []lifecycle.Status{complete}, []int64{1}, []int64{0}, nothing},
		"one that goes on afterwards":         {[]string{"library", "flush", "library", "flush"}, []lifecycle.Status{complete}, []int64{1}, []int64{0}, nothing},
		"one that traces nothing":             {[]string{"flush"}, nil, nil, nil, nothing},
		"a program with a run":                {[]string{"begin", "start", "library", "stop", "end"}, []lifecycle.Status{complete}, []int64{1}, []int64{1}, nothing},
		"one that goes on after its run":      {[]string{"begin", "library", "end", "library", "library", "flush"}, []lifecycle.Status{complete}, []int64{1}, []int64{0}, nothing},
		"one that fails":                      {[]string{"begin", "fail", "end"}, []lifecycle.Status{failed}, []int64{0}, []int64{0}, nothing},
		"two runs":                            {[]string{"begin", "library", "end", "begin", "library", "library", "end"}, []lifecycle.Status{complete, complete}, []int64{1, 2}, []int64{0, 0}, nothing},
		"a library that is before its Begin":  {[]string{"library", "begin", "start", "stop", "library", "library", "end", "library"}, []lifecycle.Status{complete, complete}, []int64{1, 2}, []int64{0, 1}, nothing},
		"and a Flush after that":              {[]string{"library", "begin", "flush", "library", "end"}, []lifecycle.Status{complete, complete}, []int64{1, 1}, []int64{0, 0}, nothing},
		"a Flush that may not take its time":  {[]string{"library", "hurry"}, nil, nil, nil, []string{"hurry: context canceled"}},
		"one that never flushes and is short": {[]string{"library"}, nil, nil, nil, nothing},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "records")
			env := []string{"ECOTRACER_DIR=" + dir}
			says := childSays(t, env, c.verbs...)
			if c.verbs[len(c.verbs)-1] == "hurry" {
				if says[0] != "" { // it may be done before it looks
					assert.Equal(t, c.says, says)
				}
				return
			}
			assert.Equal(t, c.says, says)
			if c.verbs[0] == "flush" {
				assert.NoDirExists(t, dir, "what was not asked for is not made")
				return
			}
			// A run that begins there closes what was killed.
			childSays(t, env, "begin", "end")
			status, library, work := left(t, dir)
			assert.Equal(t, append(c.status, complete), status)
			assert.Equal(t, append(c.library, 0), library)
			assert.Equal(t, append(c.work, 0), work)
			for _, name := range filesIn(t, dir) {
				assert.NotEqual(t, '.', rune(name[0]), "no lock is left: %s", name)
			}
		})
	}
}

func TestADefaultRunThatIsNeverFlushedIsClosedByTheNext(t *testing.T) {
	dir := t.TempDir()
	env := []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_CHECKPOINTS=1ms"}
	cmd := child(t, env, "library", "wait")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var status []lifecycle.Status
	for library := []int64{}; !slices.Equal(library, []int64{1}); { // until a checkpoint has its call
		status, library, _ = left(t, dir)
	}
	assert.Equal(t, []lifecycle.Status{lifecycle.Running}, status)
	require.NoError(t, in.Close()) // it returns from main
	require.NoError(t, cmd.Wait())
	status, _, _ = left(t, dir)
	assert.Equal(t, []lifecycle.Status{lifecycle.Running}, status)
	childSays(t, env, "library", "flush")
	status, library, _ := left(t, dir)
	assert.Equal(t, []lifecycle.Status{lifecycle.Interrupted, lifecycle.Complete}, status)
	assert.Equal(t, []int64{1, 1}, library)
}

func TestWhatIsWrongWithADefaultRunIsToldByFlush(t *testing.T) {
	dir := t.TempDir()
	says := childSays(t, []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_COUNTRY=ZZ", "ECOTRACER_SAMPLING=often"}, "library", "flush")
	assert.Contains(t, says[0], "ECOTRACER_SAMPLING")
	assert.Contains(t, says[1], "ZZ")
	status, library, _ := left(t, dir)
	assert.Equal(t, []lifecycle.Status{lifecycle.Complete}, status, "it measures all the same")
	assert.Equal(t, []int64{1}, library)
}

func TestWithoutARunATracedProgramIsFree(t *testing.T) {
	for name, c := range map[string]struct {
		env   []string
		verbs []string
	}{
		"nobody asked for a record":      {nil, []string{"library", "cost", "goroutines", "flush"}},
		"it is switched off":             {[]string{"ECOTRACER_DISABLED=1", "ECOTRACER_DIR=records"}, []string{"library", "cost", "goroutines", "flush"}},
		"it is switched off, with a run": {[]string{"ECOTRACER_DISABLED=true"}, []string{"begin", "start", "cost", "goroutines", "fail", "stop", "end"}},
		"after its run":                  {[]string{"ECOTRACER_DIR=../elsewhere"}, []string{"begin", "end", "cost", "goroutines", "flush"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := child(t, c.env, c.verbs...)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err)
			assert.Equal(t, "allocations 0\ngoroutines 0\n", string(out))
			assert.Empty(t, filesIn(t, cmd.Dir), "no file is written")
		})
	}
}

func TestADisabledRunIsEmpty(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "1")
	ctx := context.Background()
	got, run, err := tracer.Begin(ctx, tracer.Scope("nonsense"), tracer.Dir("/nowhere"))
	require.NoError(t, err)
	assert.Equal(t, ctx, got)
	require.NotNil(t, run)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		ctx, run, _ := tracer.Begin(ctx)
		_, s := tracer.Start(ctx, "work")
		s.End()
		run.Fail(context.Canceled)
	}))
	assert.Empty(t, run.ID())
	assert.NoError(t, run.Describe(tracer.Named("a")))
	rec, err := run.End()
	require.NoError(t, err)
	assert.Equal(t, &lifecycle.Record{}, rec)
	for value, on := range map[string]bool{"": true, "0": true, "false": true, "No": true, "OFF": true, "1": false, "true": false, "yes": false} {
		t.Setenv("ECOTRACER_DISABLED", value)
		_, run := simple(t)
		assert.Equal(t, on, run.ID() != "", "%q", value)
		_, err := run.End()
		require.NoError(t, err)
	}
}

// atInit is a library's span that is started before the testing package has
// told that this is a test.
var _, atInit = tracer.Start(context.Background(), "library")

func TestATestBinaryOpensNoDefaultRun(t *testing.T) {
	if os.Getenv("ECOTRACER_DIR") != "" {
		assert.Nil(t, atInit, "at init")
		_, s := tracer.Start(context.Background(), "library")
		assert.Nil(t, s, "in a test")
		return
	}
	dir := filepath.Join(t.TempDir(), "records")
	cmd := exec.Command(os.Args[0], "-test.run=^TestATestBinaryOpensNoDefaultRun$")
	cmd.Env = append(os.Environ(), "ECOTRACER_DIR="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NoDirExists(t, dir)
}
