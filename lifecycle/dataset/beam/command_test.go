package beam_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/beam/internal/command"
)

// call is a call of ecotracer-beam, which runs on Prism.
func call(t *testing.T, args ...string) (code int, out, complaints string) {
	t.Helper()
	var o, e bytes.Buffer
	code = command.Run(t.Context(), flag.NewFlagSet("", flag.ContinueOnError), args, &o, &e)
	return code, o.String(), e.String()
}

func TestTheCommandWritesTheSummaryOfTheRecords(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	var lines bytes.Buffer
	for seed := range uint64(4) {
		require.NoError(t, lifecycle.EncodeLine(&lines, recordtest.Random(seed)))
	}
	lines.WriteString("{}\n")
	records := file("records.ndjson")
	require.NoError(t, os.WriteFile(records, lines.Bytes(), 0o666))
	code, out, complaints := call(t, "--by", "stage, hardware", "--estimates", "--running", "-o", file("sum.json"), "--report", file("report.json"), "--refused", file("refused.ndjson"), records)
	assert.Equal(t, 1, code, "what is no record was refused")
	assert.Empty(t, complaints)

	want, report, err := dataset.Summarise(t.Context(), dataset.Reader{Estimates: true, Running: true}, []string{records}, "stage", "hardware")
	require.NoError(t, err)
	require.NotZero(t, report.Counted)
	text, err := want.MarshalJSON()
	require.NoError(t, err)
	got, err := os.ReadFile(file("sum.json"))
	require.NoError(t, err)
	assert.Equal(t, string(text), strings.TrimSpace(string(got)))
	var told map[string]int64
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	assert.Equal(t, report.Counted, told["counted"])
	assert.Equal(t, sum(report.Refused), told["refused"])
	refused, err := os.ReadFile(file("refused.ndjson"))
	require.NoError(t, err)
	assert.Contains(t, string(refused), records)
	assert.FileExists(t, file("report.json"))
}

func TestTheCommandSaysWhatItTakes(t *testing.T) {
	code, out, complaints := call(t, "--help")
	assert.Zero(t, code)
	assert.Contains(t, out, "usage: ecotracer-beam")
	assert.Empty(t, complaints)
	for _, name := range []string{"by", "o", "report", "refused", "estimates", "running", "help-beam"} {
		assert.Contains(t, out, "-"+name, "the help tells of every flag")
	}
	code, out, _ = call(t, "--help-beam")
	assert.Zero(t, code)
	assert.Contains(t, out, "-estimates")

	out = filepath.Join(t.TempDir(), "sum.json")
	for says, args := range map[string][]string{
		"--help tells what there is":   {"--nothing"},
		"no -o FILE":                   {"runs/"},
		"there are no records":         {"-o", out},
		`there is no dimension "size"`: {"--by", "size", "-o", out, "runs/"},
		`"phase" is named twice`:       {"--by", "phase,phase", "-o", out, "runs/"},
	} {
		code, told, complaints := call(t, args...)
		assert.Equal(t, 2, code, says)
		assert.Empty(t, told)
		assert.Contains(t, complaints, says)
		assert.True(t, strings.HasPrefix(complaints, "ecotracer-beam: "))
	}
	assert.NoFileExists(t, out)
}

func sum(of map[dataset.Reason]int64) (all int64) {
	for _, n := range of {
		all += n
	}
	return all
}
