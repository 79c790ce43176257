package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sure is what the workflow asks for.
var sure = config{confidence: 0.99, least: 0.05}

// runs are n runs of a benchmark that uses so much, and differs by noise.
func runs(rng *rand.Rand, n int, joules, noise float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = joules * math.Exp(noise*rng.NormFloat64())
	}
	return values
}

// printed is what benchmarks print, by name and unit.
func printed(t *testing.T, cpu string, of map[string][]float64) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "goos: linux\ngoarch: amd64\npkg: example.com/encode\ncpu: %s\n", cpu)
	for nameAndUnit, values := range of {
		name, unit, _ := strings.Cut(nameAndUnit, " ")
		for _, v := range values {
			fmt.Fprintf(&b, "%s-8   \t     592\t   2026705 ns/op\t%13.0f %s\t      3363 ngCO2e/op\n", name, v, strings.Replace(unit, "J", "nJ", 1))
			fmt.Fprintf(&b, "--- BENCH: %s-8\n    encode_test.go:162: energy: 0 %% of it measured\n", name)
		}
	}
	b.WriteString("PASS\n")
	name := filepath.Join(t.TempDir(), "printed.txt")
	require.NoError(t, os.WriteFile(name, []byte(b.String()), 0o600))
	return name
}

func TestARegressionIsFoundAndNothingElseIs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const J = "J/op"
	for name, c := range map[string]struct {
		before, after map[string][]float64
		status        int
		says          string
	}{
		"10 % more": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.02)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1.1e6, 0.02)},
			regression, "REGRESSION",
		},
		"10 % more of what is modelled": {
			map[string][]float64{"BenchmarkEncode modelled-" + J: runs(rng, 10, 1e6, 0.02)},
			map[string][]float64{"BenchmarkEncode modelled-" + J: runs(rng, 10, 1.1e6, 0.02)},
			regression, "REGRESSION",
		},
		"the same": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.02)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.02)},
			fine, "fine",
		},
		"a little more, which does not count": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.005)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1.02e6, 0.005)},
			fine, "fine",
		},
		"noise": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.3)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.3)},
			cannotTell, "the runs differ too much",
		},
		"too few runs": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 3, 1e6, 0.02)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 3, 2e6, 0.02)},
			cannotTell, "3 and 3 runs, it takes 5 of each",
		},
		"one of two": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.02), "BenchmarkDecode " + J: runs(rng, 10, 1e3, 0.3)},
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1.2e6, 0.02), "BenchmarkDecode " + J: runs(rng, 10, 1e3, 0.3)},
			regression, "cannot tell",
		},
		"measured before, modelled after": {
			map[string][]float64{"BenchmarkEncode " + J: runs(rng, 10, 1e6, 0.02)},
			map[string][]float64{"BenchmarkEncode modelled-" + J: runs(rng, 10, 1e6, 0.02)},
			cannotTell, "cannot tell: not measured after",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			status, err := run(sure, []string{printed(t, "X", c.before), printed(t, "X", c.after)}, &out)
			require.NoError(t, err)
			t.Log("\n" + out.String())
			assert.Equal(t, c.status, status)
			assert.Contains(t, out.String(), c.says)
		})
	}
}

// TestAWrongAlarmIsAsRareAsIsSaid: of changes that are just not too large, a
// share of 1 − confidence at most is called a regression; and of those that are
// just too large, at most that share is called fine.
func TestAWrongAlarmIsAsRareAsIsSaid(t *testing.T) {
	const (
		trials = 5_000
		alpha  = 0.05
		least  = 0.05
	)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, runsOfEach := range [][2]int{{6, 6}, {10, 5}} {
		var alarms, passes int
		for range trials {
			before := runs(rng, runsOfEach[0], 1, 0.1)
			after := runs(rng, runsOfEach[1], 1+least, 0.1)
			d, err := decide(before, after, alpha, least)
			require.NoError(t, err)
			switch d.status(least) {
			case regression:
				alarms++
			case fine:
				passes++
			}
		}
		// Exactly alpha or less, and not so much less that the test is of no use.
		for _, wrong := range []int{alarms, passes} {
			share := float64(wrong) / trials
			assert.Less(t, share, alpha+3*math.Sqrt(alpha*(1-alpha)/trials), "%v", runsOfEach)
			assert.Greater(t, share, alpha/3, "%v", runsOfEach)
		}
	}
}

func TestARegressionIsRarelyMissed(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 1000 {
		d, err := decide(runs(rng, 10, 1, 0.02), runs(rng, 10, 1.1, 0.02), 0.01, 0.05)
		require.NoError(t, err)
		if d.status(0.05) == regression {
			found++
		}
	}
	assert.Greater(t, found, 980, "of 10 % more, with 2 %% of noise")
}

func TestRunsForTellsTheLeastNumberOfRuns(t *testing.T) {
	for _, alpha := range []float64{0.2, 0.05, 0.01, 0.001, 1e-6} {
		n := runsFor(alpha)
		for _, c := range []struct {
			runs  int
			bound bool
		}{{n, true}, {n - 1, false}} {
			before, after := make([]float64, c.runs), make([]float64, c.runs)
			for i := range before {
				before[i], after[i] = 1, 2
			}
			d, err := decide(before, after, alpha, 0)
			require.NoError(t, err)
			assert.Equal(t, c.bound, d.low > 0, "%d runs, alpha %g", c.runs, alpha)
		}
	}
}

func TestTwoTestBinariesAreRunByTurns(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for name, joules := range map[string]int{"before.test": 1000, "after.test": 1300} {
		script := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>%s\necho 'BenchmarkX-2 100 5 ns/op %d nJ/op'\n", name, log, joules)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700))
	}
	c := sure
	c.runs, c.bench, c.benchtime = 6, "X", "2s"
	var out bytes.Buffer
	status, err := run(c, []string{filepath.Join(dir, "before.test"), filepath.Join(dir, "after.test")}, &out)
	require.NoError(t, err)
	assert.Equal(t, regression, status)
	assert.Contains(t, out.String(), "+30.0 %")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("before.test ARGS\nafter.test ARGS\nafter.test ARGS\nbefore.test ARGS\n", 3), strings.ReplaceAll(string(text), "-test.run ^$ -test.bench X -test.benchtime 2s", "ARGS"))
}

func TestEitherUnitIsReadAndTheFinerCounts(t *testing.T) {
	r, err := read(strings.NewReader(`
BenchmarkX-2	100	5 ns/op	0.001041 J/op	0.0001 gCO2e/op
BenchmarkX-2	100	5 ns/op	0.0009587 J/op	958655 nJ/op
BenchmarkX-2	100	5 ns/op	0.0009600 modelled-J/op	960000 modelled-nJ/op
BenchmarkX-2	100	5 ns/op
`), "printed")
	require.NoError(t, err)
	measured, modelled := key{name: "X-2", unit: "J/op"}, key{name: "X-2", unit: "modelled-J/op"}
	assert.Equal(t, []key{measured, modelled}, r.order)
	assert.InDeltaSlice(t, []float64{0.001041, 958655e-9}, r.values[measured], 1e-15)
	assert.InDeltaSlice(t, []float64{960000e-9}, r.values[modelled], 1e-15)
}

func TestWithoutAnythingItShowsWhatItDoes(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, demo(sure, &out))
	assert.Regexp(t, `(?m)^Digest-2 +modelled-J/op +\+\d.* REGRESSION$`, out.String())
}

// TestTheWorkflowInstallsThisVersion, the one that is tagged next.
func TestTheWorkflowInstallsThisVersion(t *testing.T) {
	workflow, err := os.ReadFile("workflow.yml")
	require.NoError(t, err)
	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`ecotracer/ecotracer (v\S+)`).FindSubmatch(mod)
	require.NotNil(t, version)
	assert.Contains(t, string(workflow), "examples/energyregression@"+string(version[1])+"\n")
}

func TestWhatIsWrongIsTold(t *testing.T) {
	same := map[string][]float64{"BenchmarkEncode J/op": {1, 2, 3}}
	good := printed(t, "X", same)
	zero := printed(t, "X", map[string][]float64{"BenchmarkEncode J/op": {0, 0, 0}})
	many := printed(t, "X", map[string][]float64{"BenchmarkEncode J/op": make([]float64, maxRuns+1)})
	for name, c := range map[string]struct {
		c    config
		args []string
		want string
	}{
		"no files":               {sure, nil, "tell two files"},
		"a file that is not":     {sure, []string{good, "nowhere"}, "nowhere"},
		"a binary that is not":   {config{confidence: 0.99, runs: 1}, []string{filepath.Join(t.TempDir(), "nowhere"), good}, "nowhere"},
		"a confidence of 1":      {config{confidence: 1}, []string{good, good}, "-confidence"},
		"other machines":         {sure, []string{good, printed(t, "Y", same)}, "one machine"},
		"benchmarks without any": {sure, []string{printed(t, "X", nil), printed(t, "X", nil)}, "ReportEnergy"},
		"no energy at all":       {sure, []string{good, zero}, "not above 0"},
		"far too many runs":      {sure, []string{good, many}, "51 runs, of at most 50"},
	} {
		t.Run(name, func(t *testing.T) {
			status, err := run(c.c, c.args, new(bytes.Buffer))
			assert.Equal(t, wrong, status)
			assert.ErrorContains(t, err, c.want)
		})
	}
}
