package deep_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/deep"
)

var update = flag.Bool("update", false, "run the program of testdata/run.json and its trace anew; needs -trimpath")

// recorded is a run and its execution trace, from a file: some seconds of one
// span that computes beside one that waits.
func recorded(t testing.TB) (*lifecycle.Record, []byte) {
	t.Helper()
	f, err := os.Open("testdata/run.json")
	require.NoError(t, err)
	defer f.Close()
	rec, err := lifecycle.Decode(f)
	require.NoError(t, err)
	packed, err := os.Open("testdata/run.trace.gz")
	require.NoError(t, err)
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	log, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	return rec, log
}

func TestARecordedRunIsAttributed(t *testing.T) {
	if *update {
		record(t)
	}
	rec, log := recorded(t)
	again, report := attribute(t, rec, log)
	total := path(t, again, "compute").SelfJ + path(t, again, "wait").SelfJ
	assert.Greater(t, path(t, again, "compute").SelfJ, 0.85*total, "all but the wall share of 5 W")
	assert.Greater(t, path(t, rec, "wait").SelfJ, 0.45*total)
	assert.Greater(t, report.BookedS, 2.0)
}

// record makes the files anew.
func record(t *testing.T) {
	rec, log := traced(t, func(ctx context.Context) { beside(ctx, 2500*time.Millisecond) }, append(node(t, 5), tracer.Named("fixture"))...)
	wd, err := os.Getwd()
	require.NoError(t, err)
	require.NotContains(t, string(log), filepath.Dir(wd), "the trace names this machine's paths: run it with -trimpath")
	var text bytes.Buffer
	require.NoError(t, lifecycle.Encode(&text, rec))
	require.NoError(t, os.WriteFile("testdata/run.json", text.Bytes(), 0o644))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(log)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile("testdata/run.trace.gz", packed.Bytes(), 0o644))
}

// Of a trace that breaks off, what can be read counts, and the error tells how
// much that is.
func TestATraceThatBreaksOffCountsAsFarAsItGoes(t *testing.T) {
	rec, log := recorded(t)
	last, some := 0.0, 0
	for k := 1; k < 40; k++ {
		cut := log[:len(log)*k/40]
		again, report, err := deep.Attribute(t.Context(), rec, bytes.NewReader(cut))
		if again == nil {
			require.Error(t, err, "%d bytes", len(cut))
			continue
		}
		requireSame(t, rec, again)
		assert.True(t, warned(again, "attributed-partly"), "%d bytes", len(cut))
		assert.GreaterOrEqual(t, report.BookedS, last, "more of the trace tells of no less of the run")
		assert.Less(t, report.BookedS, rec.Run.DurationS)
		last = report.BookedS
		if err != nil {
			some++
			assert.ErrorContains(t, err, "breaks off")
			assert.ErrorContains(t, err, "it told of 0.0 s to")
		}
	}
	assert.Positive(t, some, "some of these traces tell of a part")
	assert.Greater(t, last, 1.0)
}

// Whatever a trace holds, there is an error, or a record that is valid and
// holds the same joules.
func FuzzAttribute(f *testing.F) {
	rec, log := recorded(f)
	f.Add(log)
	f.Add(log[:len(log)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, log []byte) {
		again, report, err := deep.Attribute(t.Context(), rec, bytes.NewReader(log))
		if again == nil {
			require.Error(t, err)
			return
		}
		for _, f := range lifecycle.Validate(again) {
			require.True(t, f.Warning, "%s", f)
		}
		var before, after float64
		for i := range rec.Ledger {
			before += rec.Ledger[i].SpansJ + rec.Ledger[i].UnattributedJ
			after += again.Ledger[i].SpansJ + again.Ledger[i].UnattributedJ
		}
		require.LessOrEqual(t, math.Abs(before-after), 1e-9*before)
		require.LessOrEqual(t, report.BookedS, rec.Run.DurationS+1e-9)
	})
}

// The same of a timeline.
func FuzzTimeline(f *testing.F) {
	_, log := recorded(f)
	text, err := os.ReadFile("testdata/run.json")
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		rec, err := lifecycle.Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, _, err := deep.Attribute(t.Context(), rec, bytes.NewReader(log))
		if again == nil {
			require.Error(t, err)
			return
		}
		for _, f := range lifecycle.Validate(again) {
			require.True(t, f.Warning, "%s", f)
		}
	})
}
