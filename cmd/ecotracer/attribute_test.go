package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// deepRun is a record with a timeline, and the execution trace of its run.
const deepRun = "../../tracer/deep/testdata/run.json"

func deepTrace(t *testing.T) (path string, content []byte) {
	t.Helper()
	f, err := os.Open("../../tracer/deep/testdata/run.trace.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	content, err = io.ReadAll(z)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "trace.out")
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path, content
}

func decoded(t *testing.T, text string) *lifecycle.Record {
	t.Helper()
	r, err := lifecycle.Decode(strings.NewReader(text))
	require.NoError(t, err)
	for _, f := range lifecycle.Validate(r) {
		require.True(t, f.Warning, "%s", f)
	}
	return r
}

func TestAttributePrintsTheNewRecordAndTellsWhatMoved(t *testing.T) {
	trace, _ := deepTrace(t)
	old, err := os.ReadFile(deepRun)
	require.NoError(t, err)
	got := call("", "attribute", "--trace", trace, deepRun)
	require.Zero(t, got.code, got.err)
	r := decoded(t, got.out)
	digest, err := decoded(t, string(old)).SHA256()
	require.NoError(t, err)
	assert.Equal(t, []string{digest}, r.Supersedes)
	golden(t, "attribute.txt", got.err)
	assert.Equal(t, got.err, call(string(old), "attribute", "--trace", trace, "-").err, "a record may come from standard input")
}

func TestAttributeCanReplaceTheRecord(t *testing.T) {
	trace, content := deepTrace(t)
	old, err := os.ReadFile(deepRun)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "run.json")
	require.NoError(t, os.WriteFile(file, old, 0o644))
	got := call(string(content), "attribute", file, "--trace", "-", "-o", file, "--json")
	require.Zero(t, got.code, got.err)
	var told struct {
		BookedS float64     `json:"booked_s"`
		MovedJ  float64     `json:"moved_j"`
		Spans   []movedSpan `json:"spans"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &told))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after := decoded(t, string(old)), decoded(t, string(text))
	require.Len(t, told.Spans, len(after.Spans))
	var up float64
	for _, s := range told.Spans {
		i := 0
		for after.Spans[i].Path != s.Path {
			i++
		}
		assert.Equal(t, before.Spans[i].SelfJ, s.Before)
		assert.Equal(t, after.Spans[i].SelfJ, s.After)
		up += max(s.After-s.Before, 0)
	}
	assert.InDelta(t, told.MovedJ, up, 1e-6)
	assert.Greater(t, told.MovedJ, 10.0)

	again := call("", "attribute", "--trace", trace, file)
	assert.Equal(t, exitFound, again.code)
	assert.Contains(t, again.err, "all of it is booked already")
}

func TestAttributeTakesWhatABrokenTraceTells(t *testing.T) {
	trace, content := deepTrace(t)
	require.NoError(t, os.WriteFile(trace, content[:len(content)-1], 0o644)) // the last second is lost
	got := call("", "attribute", "--trace", trace, deepRun)
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.err, "the trace breaks off")
	r := decoded(t, got.out)
	assert.Condition(t, func() bool {
		for _, w := range r.Warnings {
			if w.Code == "attributed-partly" {
				return true
			}
		}
		return false
	})
}

func TestAttributeTellsWhatIsWrong(t *testing.T) {
	trace, _ := deepTrace(t)
	valid := filepath.Join(t.TempDir(), "none.json")
	var text strings.Builder
	require.NoError(t, lifecycle.Encode(&text, measured(t)))
	require.NoError(t, os.WriteFile(valid, []byte(text.String()), 0o644))
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no record":                   {[]string{"--trace", trace}, exitUsage, "takes one record"},
		"two records":                 {[]string{"--trace", trace, deepRun, deepRun}, exitUsage, "takes one record"},
		"no trace":                    {[]string{deepRun}, exitUsage, "--trace"},
		"both from standard input":    {[]string{"--trace", "-", "-"}, exitUsage, "only one"},
		"JSON and record in one":      {[]string{"--trace", trace, "--json", deepRun}, exitUsage, "-o FILE"},
		"no such trace":               {[]string{"--trace", trace + "x", deepRun}, exitFound, "no such file"},
		"no such record":              {[]string{"--trace", trace, deepRun + "x"}, exitFound, "no such file"},
		"the trace is the record":     {[]string{"--trace", trace, trace}, exitFound, trace},
		"the record is the trace":     {[]string{"--trace", deepRun, deepRun}, exitFound, "not a Go execution trace"},
		"a record without a timeline": {[]string{"--trace", trace, valid}, exitFound, "ECOTRACER_TIMELINE=on"},
		"no folder for the record":    {[]string{"--trace", trace, "-o", trace + "/x", deepRun}, exitFound, "cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", append([]string{"attribute"}, c.args...)...)
			assert.Equal(t, c.code, got.code)
			assert.Contains(t, got.err, c.want)
			assert.Empty(t, got.out)
		})
	}
}
