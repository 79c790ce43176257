package parquet_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// needDuckDB skips a test where DuckDB is not.
func needDuckDB(t testing.TB) {
	t.Helper()
	if os.Getenv("ECOTRACER_DUCKDB") == "" {
		t.Skip("DuckDB is not here: set ECOTRACER_DUCKDB to the folder whose node_modules has @duckdb/node-api")
	}
}

// duck runs SQL in DuckDB, in a folder, and returns the rows of each statement.
func duck(t testing.TB, dir string, sql ...string) [][]map[string]any {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "duckdb.cjs"))
	require.NoError(t, err)
	request, err := json.Marshal(map[string]any{"run": sql})
	require.NoError(t, err)
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(request)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	var answer struct {
		Results []struct{ Rows []map[string]any }
	}
	require.NoError(t, json.Unmarshal(out, &answer))
	results := make([][]map[string]any, len(answer.Results))
	for i := range results {
		results[i] = answer.Results[i].Rows
	}
	return results
}

// query is the text of a shipped question.
func query(t testing.TB, name string) string {
	text, err := fs.ReadFile(dataset.Queries, "queries/"+name+".sql")
	require.NoError(t, err)
	return string(text)
}

// number is a number of DuckDB's answer; false for NULL.
func number(t testing.TB, v any) (float64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, false
	case float64:
		return v, true
	case string: // 64 bits and more
		var x float64
		_, err := fmt.Sscan(v, &x)
		require.NoError(t, err, v)
		return x, true
	}
	t.Fatalf("%T is no number", v)
	return 0, false
}

// answer is what a group of a summary answers in a column.
type answer func(*dataset.Group) (float64, bool)

func sum(of func(*dataset.Group) dataset.Sum) answer {
	return func(g *dataset.Group) (float64, bool) {
		if s := of(g); s.Value != nil {
			return *s.Value, true
		}
		return 0, false
	}
}

var (
	runs        answer = func(g *dataset.Group) (float64, bool) { return float64(g.Runs), true }
	energy             = sum(func(g *dataset.Group) dataset.Sum { return g.Energy })
	facility           = sum(func(g *dataset.Group) dataset.Sum { return g.Facility })
	operational        = sum(func(g *dataset.Group) dataset.Sum { return g.Operational })
	embodied           = sum(func(g *dataset.Group) dataset.Sum { return g.Embodied })
	gco2e              = sum(func(g *dataset.Group) dataset.Sum { return g.GCO2e })
	water              = sum(func(g *dataset.Group) dataset.Sum { return g.Water })
	hours       answer = func(g *dataset.Group) (float64, bool) { return g.DeviceS / 3600, true }
)

func quantile(of func(*dataset.Distribution) float64) answer {
	return func(g *dataset.Group) (float64, bool) {
		if g.EnergyPerRun == nil {
			return 0, false
		}
		return of(g.EnergyPerRun), true
	}
}

// agreement is a question and the summary that answers it too.
type question struct {
	query   string
	by      []dataset.Dimension
	keys    []string // the columns that tell the group
	answers map[string]answer
	within  map[string]float64 // else 1e-9
}

var agreement = []question{
	{"by-phase", []dataset.Dimension{"phase"}, []string{"phase"}, map[string]answer{
		"runs": runs, "energy_j": energy, "facility_energy_j": facility, "operational_gco2e": operational, "embodied_gco2e": embodied, "gco2e": gco2e, "water_l": water}, nil},
	{"by-stage-and-hardware", []dataset.Dimension{"stage", "hardware"}, []string{"stage", "hardware_model"}, map[string]answer{
		"runs": runs, "energy_j": energy, "gco2e": gco2e, "device_hours": hours, "median_energy_j": quantile(func(d *dataset.Distribution) float64 { return d.P50 })},
		map[string]float64{"median_energy_j": 0.008}},
	{"by-month", []dataset.Dimension{"month"}, []string{"month"}, map[string]answer{"runs": runs, "energy_j": energy, "gco2e": gco2e}, nil},
	{"by-country", []dataset.Dimension{"country"}, []string{"country"}, map[string]answer{
		"runs": runs, "energy_j": energy, "facility_energy_j": facility, "operational_gco2e": operational, "water_l": water}, nil},
	{"by-method", []dataset.Dimension{"method"}, []string{"method"}, map[string]answer{"energy_j": energy}, nil},
	{"by-hardware-class", []dataset.Dimension{"class"}, []string{"hardware_class"}, map[string]answer{
		"runs": runs, "device_hours": hours, "operational_gco2e": operational, "embodied_gco2e": embodied,
		"adpe_kgsbeq": sum(func(g *dataset.Group) dataset.Sum { return g.ADPe }), "waste_kg": sum(func(g *dataset.Group) dataset.Sum { return g.Waste })}, nil},
	{"quantiles", []dataset.Dimension{"kind"}, []string{"kind"}, map[string]answer{
		"runs":  func(g *dataset.Group) (float64, bool) { return float64(g.EnergyPerRun.Runs), true },
		"least": func(g *dataset.Group) (float64, bool) { return g.EnergyPerRun.Min, true }, "greatest": func(g *dataset.Group) (float64, bool) { return g.EnergyPerRun.Max, true },
		"p5": quantile(func(d *dataset.Distribution) float64 { return d.P5 }), "p25": quantile(func(d *dataset.Distribution) float64 { return d.P25 }),
		"p50": quantile(func(d *dataset.Distribution) float64 { return d.P50 }), "p75": quantile(func(d *dataset.Distribution) float64 { return d.P75 }),
		"p95": quantile(func(d *dataset.Distribution) float64 { return d.P95 })},
		map[string]float64{"p5": 0.008, "p25": 0.008, "p50": 0.008, "p75": 0.008, "p95": 0.008}},
}

// table is a table, and how DuckDB sees it.
type table struct{ name, view string }

// inAllForms writes a data set in all forms to a folder.
func inAllForms(t *testing.T, dir string, records []*lifecycle.Record) (rows []dataset.Row, tables []table) {
	var lines bytes.Buffer
	for _, r := range records {
		rows = dataset.AppendRows(rows, r)
		require.NoError(t, lifecycle.EncodeLine(&lines, r))
	}
	for i := range rows { // names that the view of CSV can read, and few enough to be told apart
		units := map[string]int64{}
		for name, n := range rows[i].Units {
			units[fmt.Sprintf("unit %d", len(name)%7)] += n / 16
		}
		if rows[i].Units = nil; len(units) > 0 {
			rows[i].Units = units
		}
		rows[i].HardwareModel = fmt.Sprintf("model %d", len(rows[i].HardwareModel)%9)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "table.parquet"), encoded(t, rows), 0o644))
	var text bytes.Buffer
	c := dataset.NewCSVWriter(&text)
	require.NoError(t, c.Write(rows))
	require.NoError(t, c.Flush())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "table.csv"), text.Bytes(), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "records.ndjson"), lines.Bytes(), 0o644))
	f, err := parquet.NewFolder(filepath.Join(dir, "table"), "phase", "month")
	require.NoError(t, err)
	require.NoError(t, f.Write(rows))
	require.NoError(t, f.Close())

	view := query(t, "view-parquet")
	return rows, []table{
		{"Parquet", view},
		{"Parquet in folders", strings.Replace(view, "table.parquet", "table/**/*.parquet", 1)},
		{"the same, by Hive's partitions", strings.NewReplacer("table.parquet", "table/**/*.parquet", "false", "true, hive_types_autocast = false").Replace(view)},
		{"CSV", query(t, "view-csv")},
	}
}

func TestDuckDBAgreesWithSummary(t *testing.T) {
	needDuckDB(t)
	dir := t.TempDir()
	var records []*lifecycle.Record
	for seed := range uint64(250) {
		records = append(records, recordtest.Random(seed))
	}
	rows, tables := inAllForms(t, dir, records)

	var sql []string
	for _, table := range tables {
		sql = append(sql, table.view)
		for _, q := range agreement {
			sql = append(sql, query(t, q.query))
		}
	}
	sql = append(sql, tables[0].view, query(t, "per-unit"), query(t, "worst-10"), query(t, "training"), query(t, "records"))
	answers := duck(t, dir, sql...)

	t.Logf("%-32s %-24s %6s  %-18s %s", "table", "question", "groups", "figure", "largest relative difference")
	for _, table := range tables {
		answers = answers[1:]
		for _, q := range agreement {
			q.check(t, table.name, rows, answers[0])
			answers = answers[1:]
		}
	}
	checkPerUnit(t, rows, answers[1])
	checkWorst(t, rows, answers[2])
	var training float64
	for _, row := range answers[3] {
		x, _ := number(t, row["energy_j"])
		training += x
	}
	s, err := dataset.NewSummary("phase")
	require.NoError(t, err)
	for i := range rows {
		s.AddRow(&rows[i])
	}
	for _, g := range s.Groups() {
		if g.Key[0] == "training" {
			assert.InEpsilon(t, *g.Energy.Value, training, 1e-9)
		}
	}
	records1 := question{"records", []dataset.Dimension{"stage"}, []string{"stage"}, map[string]answer{
		"runs": runs, "energy_j": energy, "facility_energy_j": facility, "operational_gco2e": operational, "embodied_gco2e": embodied}, nil}
	rows = slices.DeleteFunc(rows, func(r dataset.Row) bool { // of devices of which a record tells no row
		return r.Phase == "production" && r.Stage != "production/transport" && r.AllocatedS == nil
	})
	records1.check(t, "the records (NDJSON)", rows, answers[4])
}

// check holds DuckDB's answer to that of a summary.
func (q *question) check(t *testing.T, table string, rows []dataset.Row, answers []map[string]any) {
	s, err := dataset.NewSummary(q.by...)
	require.NoError(t, err)
	for i := range rows {
		s.AddRow(&rows[i])
	}
	groups := map[string]*dataset.Group{}
	for _, g := range s.Groups() {
		groups[strings.Join(g.Key, "\x00")] = &g
	}
	worst := map[string]float64{}
	for _, row := range answers {
		var key []string
		for _, k := range q.keys {
			text, _ := row[k].(string)
			key = append(key, text)
		}
		g := groups[strings.Join(key, "\x00")]
		if !assert.NotNil(t, g, "%s: %s: group %q", table, q.query, key) {
			continue
		}
		for column, of := range q.answers {
			want, known := of(g)
			got, there := number(t, row[column])
			switch {
			case known != there:
				assert.True(t, known && want == 0 || there && got == 0, "%s: %s: %s of %q: %v (%v), DuckDB %v (%v)", table, q.query, column, key, want, known, got, there)
			case want != got:
				worst[column] = max(worst[column], math.Abs(want-got)/max(math.Abs(want), math.Abs(got)))
			}
		}
	}
	if q.query != "quantiles" && q.query != "by-method" { // which leave groups out that tell none
		assert.Len(t, answers, len(groups), "%s: %s", table, q.query)
	}
	for _, column := range slices.Sorted(maps.Keys(q.answers)) {
		within := 1e-9
		if w, ok := q.within[column]; ok {
			within = w
		}
		assert.LessOrEqual(t, worst[column], within, "%s: %s: %s", table, q.query, column)
		t.Logf("%-32s %-24s %6d  %-18s %.1e", table, q.query, len(answers), column, worst[column])
	}
}

// checkPerUnit compares what one functional unit took.
func checkPerUnit(t *testing.T, rows []dataset.Row, answers []map[string]any) {
	s, err := dataset.NewSummary("stage")
	require.NoError(t, err)
	for i := range rows {
		s.AddRow(&rows[i])
	}
	told, worst := 0, 0.0
	for _, g := range s.Groups() {
		require.False(t, g.MoreUnits)
		for name, u := range g.PerUnit {
			i := slices.IndexFunc(answers, func(row map[string]any) bool { return row["stage"] == g.Key[0] && row["unit"] == name })
			if !assert.GreaterOrEqual(t, i, 0, "%s %s", g.Key, name) {
				continue
			}
			count, _ := number(t, answers[i]["units"])
			assert.InDelta(t, u.Count, count, 1e-9*count)
			stages, _ := number(t, answers[i]["stages"])
			assert.InDelta(t, float64(u.Stages), stages, 0)
			for column, want := range map[string]*lifecycle.Interval{"j_per_unit": u.Energy, "gco2e_per_unit": u.Operational} {
				if got, ok := number(t, answers[i][column]); want != nil && ok && want.Value > 0 {
					worst = max(worst, math.Abs(want.Value-got)/want.Value)
					told++
				}
			}
		}
	}
	assert.Greater(t, told, 20)
	assert.LessOrEqual(t, worst, 1e-9)
	t.Logf("%-32s %-24s %6d  %-18s %.1e", "Parquet", "per-unit", told, "j, gco2e_per_unit", worst)
}

// checkWorst compares the runs that emitted most.
func checkWorst(t *testing.T, rows []dataset.Row, answers []map[string]any) {
	grams := map[string]float64{}
	for i := range rows {
		for _, f := range []*float64{rows[i].Operational.Value, rows[i].Embodied.Value} {
			if f != nil {
				grams[rows[i].RunID] += *f
			}
		}
	}
	ids := slices.SortedFunc(maps.Keys(grams), func(a, b string) int { return cmp.Compare(grams[b], grams[a]) })
	require.Len(t, answers, 10)
	for i, row := range answers {
		assert.Equal(t, ids[i], row["run_id"])
		got, _ := number(t, row["gco2e"])
		assert.InEpsilon(t, grams[ids[i]], got, 1e-9)
	}
}

func TestATableThatDuckDBWroteIsRead(t *testing.T) {
	needDuckDB(t)
	rows := randomRows(60)
	dir := filepath.Dir(written(t, rows))
	duck(t, dir, query(t, "view-parquet"),
		"COPY flat TO 'snappy.parquet' (COMPRESSION snappy, ROW_GROUP_SIZE 2048)",
		"COPY flat TO 'zstd.parquet' (COMPRESSION zstd, PARQUET_VERSION v2)",
		"COPY (SELECT * EXCLUDE (grid_low) FROM flat) TO 'lacks.parquet'")
	for _, name := range []string{"snappy.parquet", "zstd.parquet"} {
		back, err := read(filepath.Join(dir, name))
		require.NoError(t, err, name)
		require.Len(t, back, len(rows))
		for i := range rows {
			require.Equal(t, rows[i], back[i], "%s: row %d", name, i)
		}
		s, err := parquet.Summarise(t.Context(), dataset.Reader{}, []string{filepath.Join(dir, name)}, "stage")
		require.NoError(t, err)
		assert.Equal(t, summaryOf(t, rows, "stage"), text(t, s))
	}
	_, err := read(filepath.Join(dir, "lacks.parquet"))
	assert.ErrorContains(t, err, "grid_low", "what lacks a bound is not read as if it were 0")
}
