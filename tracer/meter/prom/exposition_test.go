package prom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all reads everything of one family.
func all(body, name string, open bool) ([]point, error) {
	var out []point
	err := scan(strings.NewReader(body), open, map[string]bool{name: true}, func(_ string, p point) error {
		out = append(out, p)
		return nil
	})
	return out, err
}

func TestLinesOfAnExposition(t *testing.T) {
	for line, want := range map[string]point{
		"a 1":                      {value: 1, text: "1"},
		"a\t1e3":                   {value: 1000, text: "1e3"},
		"  a  +1.5  ":              {value: 1.5, text: "+1.5"},
		"a{} 2":                    {value: 2, text: "2"},
		`a{x="y"}3`:                {labels: labels{{"x", "y"}}, value: 3, text: "3"},
		`a { x = "y" , z="" , } 4`: {labels: labels{{"x", "y"}, {"z", ""}}, value: 4, text: "4"},
		`a{x="\"\\\n,}"} 5`:        {labels: labels{{"x", "\"\\\n,}"}}, value: 5, text: "5"},
		"a 6 1700000000123":        {value: 6, text: "6", at: time.UnixMilli(1700000000123)},
		`a{x="ü{"} 7` + "\r":       {labels: labels{{"x", "ü{"}}, value: 7, text: "7"},
	} {
		got, err := all("# HELP a b\n\n"+line+"\nb{ garbage\n{\"quoted name\"} 1\n", "a", false)
		require.NoError(t, err, line)
		assert.Equal(t, []point{want}, got, line)
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, line := range []string{
		"a", "a{", "a{} ", `a{x} 1`, `a{x=y} 1`, `a{x="y" 1`, `a{x="y} 1`, `a{x="y\`, `a{="y"} 1`, `a{x="y"z="w"} 1`,
		"a one", "a 0x10", "a 1_0", "a 1 2 3", "a 1 x", "a 1 NaN", "a 1 1e300", "<a> 1", "a-b 1", "1a 1",
		`a{` + strings.Repeat(`x="y",`, maxLabels+1) + `} 1`, `a{x="` + strings.Repeat("y", maxLine) + `"} 1`,
	} {
		_, err := all(line+"\n", "a", false)
		assert.ErrorContains(t, err, "line 1", line[:min(len(line), 40)])
	}
}

func TestLongLineOfAnotherFamilyIsPassed(t *testing.T) {
	long := `b{cmdline="` + strings.Repeat("x", 3*maxLine) + `"} 1`
	got, err := all(long+"\na 1\n", "a", false)
	require.NoError(t, err)
	assert.Len(t, got, 1)
	_, err = all("a 1\n"+long, "a", false)
	assert.ErrorIs(t, err, errTruncated)
}

func TestReadingManyLinesCostsNothingForEach(t *testing.T) {
	body := strings.Repeat("kepler_process_cpu_joules_total{comm=\"x\",zone=\"package\"} 1\n", 10_000)
	r := strings.NewReader(body)
	wanted := map[string]bool{"a": true}
	allocs := testing.AllocsPerRun(10, func() {
		r.Reset(body)
		_ = scan(r, false, wanted, nil)
	})
	assert.Less(t, allocs, 10.0)
}

func FuzzScan(f *testing.F) {
	files, err := filepath.Glob("testdata/*.prom")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(b), false)
		f.Add(string(b)+"# EOF\n", true)
	}
	f.Add("a{x=\"\\\n", false)
	f.Add("scaph_self_version 1 1e400 # {} 1\n# EOF", true)
	f.Fuzz(func(t *testing.T, body string, open bool) {
		m := &prom{rules: rules(nil)}
		wanted := map[string]bool{}
		for name := range m.rules {
			wanted[name] = true
		}
		var found []series
		facts := facts{version: map[string]string{}, sockets: map[string]bool{}}
		err := scan(strings.NewReader(body), open, wanted, func(name string, p point) error {
			facts.take(name, p)
			for _, r := range m.rules[name] {
				if where := r.place(p.labels); where.id != "" {
					found = append(found, series{r, where, p})
				}
			}
			return nil
		})
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		if strings.HasSuffix(body, "\n") && !open {
			// What was read is read again as it was, alone.
			again, err := all(body+"unlike_any_other 1\n", "unlike_any_other", false)
			require.NoError(t, err)
			assert.NotEmpty(t, again)
		}
		domains, counted, err := plan(found, facts, nil, noEnv)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, d := range domains {
			assert.False(t, ids[d.ID], "two domains with the ID %q", d.ID)
			ids[d.ID] = true
			assert.GreaterOrEqual(t, d.RawJ, 0.0)
			assert.GreaterOrEqual(t, d.Device, 0)
		}
		for _, c := range counted {
			assert.Empty(t, domains[c.domain].LeftOut)
		}
	})
}
