package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// record reads a record of this repository.
func record(t testing.TB, path ...string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join(path...))
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

// small is the example of the record's contract.
func small(t testing.TB) *lifecycle.Record { return record(t, "..", "..", "testdata", "small.json") }

// everything holds all kinds of parts that a record may have.
func everything(t testing.TB) *lifecycle.Record {
	return record(t, "..", "..", "dataset", "testdata", "everything.json")
}

// another is a run of its own like small, with x times the energy of its GPUs.
func another(t testing.TB, x float64) *lifecycle.Record {
	r := small(t)
	r.Run.ID, r.Run.Name = "019cadc6-9a80-7000-8000-0000000000ff", "another"
	was, is := map[lifecycle.Stage]float64{}, map[lifecycle.Stage]float64{}
	for i := range r.Phases {
		for k := range r.Phases[i].Usage {
			if u := &r.Phases[i].Usage[k]; u.EnergyJ != nil {
				was[r.Phases[i].Stage] += u.EnergyJ.Value
				if u.Hardware == "gpu" {
					u.EnergyJ.Value *= x
				}
				is[r.Phases[i].Stage] += u.EnergyJ.Value
			}
		}
	}
	for i := range r.Ledger {
		if l := &r.Ledger[i]; l.Hardware == "gpu" {
			l.TotalJ, l.SpansJ, l.UnattributedJ = l.TotalJ*x, l.SpansJ*x, l.UnattributedJ*x
		}
	}
	for i := range r.Spans {
		r.Spans[i].SelfJ *= is[r.Spans[i].Stage] / was[r.Spans[i].Stage]
	}
	total(r)
	r.Warnings = nil
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	return r
}

// large is a run with n more paths, of which the shares of the energy fall.
func large(t testing.TB, n int) *lifecycle.Record {
	r := small(t)
	epoch := r.Spans[2]
	var weights float64
	for i := range n {
		weights += 1 / float64(i+1)
	}
	joules, seconds := epoch.SelfJ, epoch.SelfS
	r.Spans[2].SelfJ, r.Spans[2].SelfS = 0, 0
	var self, time float64
	parents := make([]string, n)
	for i := range n {
		s := lifecycle.Span{Stage: epoch.Stage, Count: 1, SelfJ: joules / weights / float64(i+1), SelfS: seconds / weights / float64(i+1)}
		if i == n-1 { // what is left
			s.SelfJ, s.SelfS = joules-self, seconds-time
		}
		self, time = self+s.SelfJ, time+s.SelfS
		s.TotalS = s.SelfS
		s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &s.TotalS, &s.TotalS, &s.TotalS, &s.TotalS, &s.TotalS
		parent := epoch.Path
		if i >= 10 && strings.Count(parents[i/10], "/") < 40 {
			parent = parents[i/10]
		}
		parents[i] = fmt.Sprintf("%s/a part with a rather long name %d", parent, i)
		s.Path = parents[i]
		r.Spans = append(r.Spans, s)
	}
	total(r)
	require.NoError(t, lifecycle.Assess(r))
	return r
}

// total makes total_j of the spans anew.
func total(r *lifecycle.Record) {
	at := map[string]int{}
	for i := range r.Spans {
		r.Spans[i].TotalJ = 0
		at[r.Spans[i].Path] = i
	}
	for i := range r.Spans {
		for path := r.Spans[i].Path; ; path = path[:strings.LastIndexByte(path, '/')] {
			r.Spans[at[path]].TotalJ += r.Spans[i].SelfJ
			if !strings.Contains(path, "/") {
				break
			}
		}
	}
}

// write is the page of some valid records.
func write(t testing.TB, records ...*lifecycle.Record) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, records, Options{}))
	return b.String()
}

// dynamic is a page without its libraries.
func dynamic(page string) string {
	for _, s := range runAssets().Scripts {
		page = strings.ReplaceAll(page, string(s), "")
	}
	return page
}

// fill sets every text in a record.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), text)
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	}
}
