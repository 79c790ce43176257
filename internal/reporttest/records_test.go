package reporttest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// record reads a record of this repository.
func record(t *testing.T, path ...string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{"..", "..", "lifecycle"}, path...)...))
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

// everything holds all kinds of parts that a record may have.
func everything(t *testing.T) *lifecycle.Record {
	return record(t, "dataset", "testdata", "everything.json")
}

// small is the example of the record's contract, with power over time.
func small(t *testing.T) *lifecycle.Record {
	r := record(t, "testdata", "small.json")
	line := timeline.Timeline{Version: timeline.Version, Accounts: []int{}, Groups: []timeline.Group{{Chapters: []timeline.Chapter{}}}}
	g := &line.Groups[0]
	for s := 0.0; s <= r.Run.DurationS; s++ {
		g.TS, g.CPUS = append(g.TS, s), append(g.CPUS, s/2)
	}
	for i, l := range r.Ledger {
		d := timeline.Domain{Domain: l.Domain}
		sum := 0.0
		for k := range g.TS {
			sum += float64(20 + (k/40*(i+3))%23)
			d.TotalJ = append(d.TotalJ, sum)
		}
		g.Domains = append(g.Domains, d)
	}
	r.Extensions[timeline.Key] = line
	return r
}

// canary is a text that would tell if any of it were more than text.
const canary = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'><svg onload=window.pwned=1>\"'`" +
	"{{.Title}}${window.pwned=1}<!--<script>javascript:window.pwned=1]]>&lt;\u202e\u2066\u2028\u200f"

// hostile is a valid record whose texts are canaries, as long as they may be,
// with 10 MB more in an extension.
func hostile(t *testing.T) *lifecycle.Record {
	r := small(t)
	text := canary + strings.Repeat(" and more", (4<<10-len(canary))/9)
	r.Publisher.Confidentiality, r.Publisher.Name, r.Publisher.Project = "internal", text, text
	r.Run.Name, r.UseCase.Purpose, r.UseCase.Goal, r.UseCase.Description = text, text, text, text
	r.Technology.ML.Task = text
	r.Technology.ML.Optimizer = text
	for i := range r.Hardware {
		r.Hardware[i].Model, r.Hardware[i].Vendor = text, canary
	}
	for i := range r.Methods {
		r.Methods[i].Sensor, r.Methods[i].Mode = text, text
		r.Methods[i].LeftOut = []lifecycle.LeftOut{{Domain: text, Reason: "contained"}}
	}
	for i := range r.Factors {
		r.Factors[i].Source, r.Factors[i].Licence = text, text
	}
	for i := range r.Ledger {
		r.Ledger[i].Domain = r.Ledger[i].Domain + canary
	}
	name := strings.NewReplacer("~", "~0", "/", "~1").Replace(canary)
	renamed := map[string]string{}
	for i := range r.Spans {
		names := strings.Split(r.Spans[i].Path, "/")
		for k := range names {
			names[k] = name + names[k]
		}
		path := strings.Join(names, "/")
		renamed[r.Spans[i].Path] = path
		r.Spans[i].Path = path
		for u, of := range r.Spans[i].Units {
			delete(r.Spans[i].Units, u)
			r.Spans[i].Units[u+canary] = of
		}
	}
	if u := r.UseCase.FunctionalUnit; u != nil {
		u.Path, u.Unit = renamed[u.Path], u.Unit+canary
	}
	r.Missing = slices.DeleteFunc(r.Missing, func(m lifecycle.Missing) bool { return m.Path == "/publisher/name" })
	r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "unheard-of", Detail: text})
	r.Missing = append(r.Missing, lifecycle.Missing{Path: "/hardware", What: text, Reason: "not-measured"})
	if r.Totals.PerUnit != nil {
		r.Totals.PerUnit.Unit += canary
	}
	r.Extensions["org.example.long"] = strings.Repeat(canary, 10<<20/len(canary))
	require.Empty(t, errors(r), "the record is valid")
	return r
}

func errors(r *lifecycle.Record) (wrong []lifecycle.Finding) {
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			wrong = append(wrong, f)
		}
	}
	return wrong
}
