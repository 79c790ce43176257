package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// another is a run like measured, of its own, after a change of its facts.
func another(t *testing.T, change func(*lifecycle.Record)) *lifecycle.Record {
	r := measured(t)
	r.Run.ID, r.Run.Name = "019df4e5-8ac0-7000-8000-0000000000ff", "wing beats, float16"
	change(r)
	r.Warnings = nil
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	require.Empty(t, lifecycle.Validate(r))
	return r
}

// ofEnergy is a run that used x times the energy for the same work.
func ofEnergy(t *testing.T, x float64) *lifecycle.Record {
	return another(t, func(r *lifecycle.Record) {
		for i := range r.Phases {
			for j := range r.Phases[i].Usage {
				if q := r.Phases[i].Usage[j].EnergyJ; q != nil {
					q.Value *= x
				}
			}
		}
		for i := range r.Ledger {
			l := &r.Ledger[i]
			l.TotalJ += (x - 1) * (l.SpansJ + l.UnattributedJ)
			l.SpansJ, l.UnattributedJ = l.SpansJ*x, l.UnattributedJ*x
		}
		for i := range r.Spans {
			r.Spans[i].SelfJ *= x
		}
	})
}

func TestCompareTellsWhichRunCameToLess(t *testing.T) {
	for name, test := range map[string]struct {
		b    *lifecycle.Record
		says string
	}{
		"compare-lower.txt": {ofEnergy(t, 1.5), "A emits less than B: 0.869 times as much (0.764–0.943), with a probability of over 99.9 %."},
		"compare-open.txt": {another(t, func(r *lifecycle.Record) {
			r.Environments[0].Country, r.Environments[0].Factors.Grid = "NO", "grid.NO"
			f := r.Factors[0]
			f.ID, f.Value, f.Low, f.High, f.Geography = "grid.NO", 32, 18, 60, "NO"
			r.Factors[0] = f
		}), "A and B cannot be told apart: A emits 1.03 times as much (0.765–1.35)"},
		"compare-unit.txt": {another(t, func(r *lifecycle.Record) {
			r.Spans[4].Units["clips"] = lifecycle.Unit{Count: 3000}
		}), "For one clip, A emits more than B: 2 times as much (1.90–2.11), with a probability of over 99.9 %."},
		"compare-boundary.txt": {another(t, func(r *lifecycle.Record) {
			r.Run.Boundary = lifecycle.BoundaryIT
		}), "A and B cannot be compared as a whole."},
		"compare-same.txt": {measured(t), "A emits as much as B."},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", "compare", file(t, measured(t)), file(t, test.b))
			require.Zero(t, r.code, r.err)
			lines := strings.SplitAfter(r.out, "\n")
			require.Contains(t, lines[0], "A  /")
			lines[0], lines[2] = "A  a.json\n", "B  b.json\n"
			golden(t, name, "$ ecotracer compare a.json b.json\n"+strings.Join(lines, ""))
			assert.Contains(t, strings.Join(strings.Fields(r.out), " "), test.says)
			for _, line := range lines {
				assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%q must fit a terminal", line)
			}
		})
	}
}

func TestPartsThatCancelOutAreInAUnitOfTheirSize(t *testing.T) {
	p := page{}
	p.drivers(&lifecycle.Difference{
		Figure: "gco2e", Difference: &lifecycle.Interval{Value: 1e-9, Low: -1, High: 2},
		Drivers: []lifecycle.Driver{{Input: "grid", Difference: -50}, {Input: "pue", Difference: 50}},
	})
	assert.Contains(t, p.String(), "+50.0 gCO2e")
	assert.Contains(t, p.String(), "(−1.00 to 2.00)")
}

func TestCompareOfWhatIsUnknownSaysSo(t *testing.T) {
	unknown := another(t, func(r *lifecycle.Record) {
		r.Hardware[0].Embodied = nil
		r.Factors = r.Factors[:4]
		r.UseCase.FunctionalUnit = nil
		for i := range r.Hardware {
			r.Missing = append(r.Missing, lifecycle.Missing{Path: "/hardware/" + string(rune('0'+i)) + "/embodied", Reason: "unknown"})
		}
		phases := r.Phases[:0]
		for _, p := range r.Phases {
			if !p.Stage.Device() {
				phases = append(phases, p)
			}
		}
		r.Phases = phases
	})
	r := call("", "compare", file(t, unknown), file(t, measured(t)))
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "A and B cannot be told apart")
	assert.Contains(t, r.out, "CO2e in all, devices: run A: what node took to make is unknown")
	assert.Contains(t, r.out, "not comparable")
}

func TestCompareAsJSONIsTheComparison(t *testing.T) {
	a, b := measured(t), ofEnergy(t, 1.5)
	want, err := lifecycle.Compare(a, b)
	require.NoError(t, err)
	r := call("", "compare", "--json", file(t, a), file(t, b))
	require.Zero(t, r.code, r.err)
	var got lifecycle.Comparison
	require.NoError(t, json.Unmarshal([]byte(r.out), &got))
	assert.Equal(t, want, got)
}

func TestCompareTakesTwoRecordsThatAddUp(t *testing.T) {
	good := file(t, measured(t))
	for name, test := range map[string]struct {
		files []string
		code  int
		says  string
	}{
		"none":        {nil, 2, "ecotracer compare A.json B.json"},
		"one":         {[]string{good}, 2, "ecotracer compare A.json B.json"},
		"three":       {[]string{good, good, good}, 2, "ecotracer compare A.json B.json"},
		"no file":     {[]string{good, "none.json"}, 1, "none.json: there is no such file"},
		"a wrong sum": {[]string{wrong(t), good}, 1, "this record is not valid; `ecotracer validate` tells why"},
		"no record":   {[]string{good, "compare_test.go"}, 1, "compare_test.go: the document is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"compare"}, test.files...)...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
		})
	}
}
