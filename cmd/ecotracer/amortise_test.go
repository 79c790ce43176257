package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// estimated is a record that `estimate` makes, in a file.
func estimated(t *testing.T, flags string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.json")
	r := call("", append(words("estimate "+flags), "-o", path)...)
	require.Zero(t, r.code, r.err)
	return path
}

func TestAmortiseTellsTheFootprintOfAPrediction(t *testing.T) {
	training := estimated(t, "--device A100-SXM4-80GB --count 8 --hours 720 --country FR --node-production-kg 1300 --name llama")
	serving := estimated(t, "--device L4 --hours 24 --requests 1M --country FR")
	out := filepath.Join(t.TempDir(), "both.json")
	r := call("", "amortise", serving, training, "--expected", "1B", "-o", out)
	require.Zero(t, r.code, r.err)
	assert.Empty(t, r.err)

	c := &cli{}
	before, err := c.read(serving)
	require.NoError(t, err)
	carried, err := c.read(training)
	require.NoError(t, err)
	after, err := c.read(out)
	require.NoError(t, err)
	assert.Empty(t, lifecycle.Validate(after))
	assert.Equal(t, before.Totals, after.Totals, "what is carried is in no total")
	want := before.Totals.GCO2e.Value/1e6 + carried.Totals.GCO2e.Value/1e9
	value := inwords.Amount(want, inwords.Grams)
	assert.Contains(t, r.out, "One request: "+value+"CO2e (")
	assert.Contains(t, r.out, "Carried of run "+short(carried.Run.ID)+": 1 000 000 of 1 000 000 000 requests")

	shown := call("", "show", out)
	require.Zero(t, shown.code, shown.err)
	assert.Regexp(t, `footprint +`+value+`CO2e +\(.*one request, with what is carried`, shown.out)

	told := call("", "amortise", serving, training, "--expected", "1B", "-o", out, "--json")
	require.Zero(t, told.code, told.err)
	var footprint lifecycle.PerUnit
	require.NoError(t, json.Unmarshal([]byte(told.out), &footprint))
	assert.InEpsilon(t, want, footprint.GCO2e.Value, 1e-9)
	assert.EqualValues(t, 1e6, footprint.Count)

	piped := call("", "amortise", serving, training, "--expected", "1B")
	require.Zero(t, piped.code)
	assert.Equal(t, "-: valid\n", call(piped.out, "validate", "-").out, "standard output is the record alone")
	assert.Equal(t, r.out, piped.err)
}

func TestAmortiseOfWhatIsUnknownSaysSo(t *testing.T) {
	training := estimated(t, "--power-w 300 --hours 24 --country FR")
	serving := estimated(t, "--device L4 --hours 24 --requests 1M --country FR")
	out := filepath.Join(t.TempDir(), "both.json")
	r := call("", "amortise", serving, training, "--expected", "1B", "-o", out)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, strings.Join(strings.Fields(r.out), " "), "One request: the footprint is unknown, for so is what the devices of run ")
	assert.Contains(t, r.out, "electricity", "what is known is carried")
	told := call("", "amortise", serving, training, "--expected", "1B", "-o", out, "--json")
	assert.Zero(t, told.code)
	assert.Contains(t, told.out, `"error": "the footprint is unknown`)
}

func TestAmortiseTakesAServingAndATraining(t *testing.T) {
	training := estimated(t, "--device A100-SXM4-80GB --hours 10 --country FR")
	serving := estimated(t, "--device L4 --hours 24 --requests 1M --country FR")
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"one record":         {[]string{serving, "--expected", "1B"}, 2, "ecotracer amortise SERVING.json TRAINING.json"},
		"nothing expected":   {[]string{serving, training}, 2, "--expected N"},
		"expected of none":   {[]string{serving, training, "--expected", "0"}, 2, "above 0"},
		"json without file":  {[]string{serving, training, "--expected", "1B", "--json"}, 2, "write -o FILE"},
		"turned round":       {[]string{training, serving, "--expected", "1B"}, 1, "counts no unit of work"},
		"serving as a train": {[]string{serving, serving, "--expected", "1B"}, 1, "which is no part of a training"},
		"another unit":       {[]string{serving, training, "--expected", "1B", "--unit", "tokens"}, 1, `by "tokens"`},
		"fewer than served":  {[]string{serving, training, "--expected", "1k"}, 1, "no less than used"},
		"no file":            {[]string{serving, "none.json", "--expected", "1B"}, 1, "none.json: there is no such file"},
		"nowhere to write":   {[]string{serving, training, "--expected", "1B", "-o", filepath.Join(t.TempDir(), "none", "x.json")}, 1, "it cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"amortise"}, test.args...)...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
		})
	}
}
