package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// runsLike is a file of runs like the measured one, with more and less energy, of
// which some are odd: every other one is in bf16 and takes less.
func runsLike(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runs.ndjson")
	f, err := os.Create(path)
	require.NoError(t, err)
	for i := range n {
		r := measured(t)
		r.Run.ID = fmt.Sprintf("019df184-1c00-7000-8000-%012x", i)
		r.Integrity, r.Warnings = nil, nil
		ml := r.Technology.ML
		ml.Precision = []string{"fp32", "bf16"}[i%2]
		x := math.Exp(0.1*math.Sin(float64(3*i))) * []float64{1, 0.7}[i%2]
		ml.Evaluation = []lifecycle.Evaluation{{Metric: "f1", Value: 0.8 + 0.1*math.Log(x) - 0.01*float64(i%3), Split: "test", Direction: "higher"}}
		if i == 5 {
			x /= 3600
		}
		for k := range r.Phases {
			for u := range r.Phases[k].Usage {
				if q := r.Phases[k].Usage[u].EnergyJ; q != nil {
					q.Value *= x
				}
			}
		}
		for k := range r.Ledger {
			l := &r.Ledger[k]
			l.SpansJ, l.UnattributedJ, l.Booked = l.SpansJ*x, l.UnattributedJ*x, nil
			l.TotalJ = l.SpansJ + l.UnattributedJ + l.OtherProcessesJ + l.IdleJ
			if l.OtherRunsJ != nil {
				l.TotalJ += *l.OtherRunsJ
			}
		}
		for k := range r.Spans {
			r.Spans[k].SelfJ *= x
		}
		r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool {
			return m.Path == "/technology/ml/evaluation" || m.Path == "/technology/ml/precision"
		})
		require.NoError(t, lifecycle.Assess(r))
		lifecycle.FillMissing(r)
		require.NoError(t, lifecycle.EncodeLine(f, r))
	}
	require.NoError(t, f.Close())
	return path
}

func TestQuestionsAreAnsweredInWords(t *testing.T) {
	runs := runsLike(t, 40)
	for name, args := range map[string][]string{
		"outliers": {"outliers", "--where", "stage=training", runs},
		"pareto":   {"pareto", runs},
		"cluster":  {"cluster", "--k", "2", runs},
		"compare":  {"compare", "--a", "precision=bf16", "--b", "precision=fp32", "--where", "run_id!=*005", runs},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"dataset"}, args...)...)
			require.Zero(t, r.code, r.err)
			golden(t, "dataset-"+name+".txt", r.out)
		})
	}
}

func TestQuestionsAreAnsweredToPrograms(t *testing.T) {
	runs := runsLike(t, 12)
	for _, args := range [][]string{
		{"outliers", "--json", runs}, {"pareto", "--json", runs}, {"cluster", "--json", runs}, {"compare", "--json", "--a", "precision=bf16", "--b", "precision=fp32", runs},
	} {
		r := call("", append([]string{"dataset"}, args...)...)
		require.Zero(t, r.code, r.err)
		var told map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.out), &told), args[0])
		if args[0] != "compare" {
			assert.InDelta(t, 12, told["report"].(map[string]any)["counted"], 0)
		} else {
			assert.InDelta(t, 6, told["a"], 0)
		}
		again := call("", append([]string{"dataset"}, args...)...)
		assert.Equal(t, r, again, "the same runs get the same answer")
	}
}

func TestTwoRunsAreComparedAsRuns(t *testing.T) {
	a, b := file(t, measured(t)), file(t, another(t, func(*lifecycle.Record) {}))
	want := call("", "compare", a, b)
	require.Zero(t, want.code, want.err)
	assert.Equal(t, want, call("", "dataset", "compare", a, b))
	two := call("", "dataset", "compare", runsLike(t, 4), runsLike(t, 4))
	assert.Zero(t, two.code, two.err)
	assert.Contains(t, two.out, "4 runs are in both groups")
}

func TestADataSetIsAPage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "page.html")
	r := call("", "dataset", "report", "--title", "Ours", runsLike(t, 12), "-o", out)
	require.Zero(t, r.code, r.err)
	assert.Regexp(t, "^"+regexp.QuoteMeta(out)+": page of 12 runs, [0-9]+ kB\n$", r.out)
	page, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Contains(t, string(page), "<h1><bdi>Ours</bdi></h1>")
	assert.Equal(t, string(page), call("", "dataset", "report", "--title", "Ours", runsLike(t, 12), "-o", "-").out)
}

func TestWrongQuestionsSayWhatToDo(t *testing.T) {
	runs := runsLike(t, 6)
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no path":             {[]string{"outliers"}, 2, "write `ecotracer dataset outliers PATH…`"},
		"no such column":      {[]string{"cluster", "--where", "colour=red", runs}, 2, `--where: "colour=red": there is no column "colour"`},
		"no such trait":       {[]string{"outliers", "--by", "colour", runs}, 2, "write some of kind, task"},
		"no such figure":      {[]string{"outliers", "--of", "money", runs}, 2, "write one of energy_j"},
		"no such metric":      {[]string{"pareto", "--metric", "bleu", runs}, 2, "no run tells bleu; there are f1"},
		"nothing selected":    {[]string{"cluster", "--where", "country=ZZ", runs}, 1, "country=ZZ: none of 6 records has such a row"},
		"nothing there":       {[]string{"pareto", t.TempDir()}, 1, "no record counts: there is no file of records"},
		"one group":           {[]string{"compare", "--a", "kind=ml", runs}, 2, "write --a and --b"},
		"one folder":          {[]string{"compare", runs}, 2, "write `ecotracer dataset compare A B`"},
		"a wrong group":       {[]string{"compare", "--a", "kind=ml", "--b", "kin=ml", runs}, 2, `--b: "kin=ml": there is no column "kin" (did you mean kind?)`},
		"an empty group":      {[]string{"compare", "--a", "kind=ml", "--b", "kind=iot", runs}, 1, "kind=iot: none of 6 records"},
		"a page of nothing":   {[]string{"report", t.TempDir()}, 1, "no record counts"},
		"a page over records": {[]string{"report", runs, "-o", runs}, 2, "would be overwritten"},
		"too many kinds":      {[]string{"cluster", "--k", "99", runs}, 2, "1 to 50"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"dataset"}, test.args...)...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out, "nothing may be taken for a result")
			assert.Contains(t, r.err, test.says)
		})
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte("{"), 0o600))
	r := call("", "dataset", "cluster", runs, broken)
	assert.Equal(t, 1, r.code, "what is refused is not answered for")
	assert.Contains(t, r.out, "6 runs")
	assert.Contains(t, r.err, "broken.json")
}
