package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func TestAPartitionedTableIsMadeWhereItIsToBe(t *testing.T) {
	dir := manyRuns(t, 1)
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", filepath.Join(dir, "absent")) // it may be another disk
	r := call("", "dataset", "export", dir, "--to", "parquet", "--partition", "phase", "-o", "table")
	assert.Zero(t, r.code, r.err)
	require.NoError(t, os.Mkdir("empty", 0o700))
	require.NoError(t, os.WriteFile("file", []byte("mine"), 0o600))
	for _, out := range []string{"file", "empty/."} {
		r = call("", "dataset", "export", dir, "--to", "parquet", "--partition", "phase", "-o", out)
		assert.Equal(t, exitUsage, r.code, out)
	}
	kept, err := os.ReadFile("file")
	require.NoError(t, err)
	assert.Equal(t, "mine", string(kept))
	left, err := filepath.Glob(".*")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestExportWritesOneTable(t *testing.T) {
	dir := manyRuns(t, 3)
	r := call("", "dataset", "export", "--to", "csv", "--workers", "1", dir)
	require.Zero(t, r.code, r.err)
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	require.NoError(t, err)
	assert.Len(t, rows[0], len(dataset.Columns()))
	runs := map[string]bool{}
	for _, row := range rows[1:] {
		runs[row[0]] = true
	}
	assert.Len(t, runs, 3)

	out := t.TempDir()
	table := filepath.Join(out, "table.parquet")
	r = call("", "dataset", "export", dir, "--to", "parquet", "-o", table, "--json")
	require.Zero(t, r.code, r.err)
	var told struct{ Records, Rows int }
	require.NoError(t, json.Unmarshal([]byte(r.out), &told))
	assert.Equal(t, 3, told.Records)
	assert.Equal(t, len(rows)-1, told.Rows)

	// A table is summarised as the records are.
	of := func(path string) string {
		r := call("", "dataset", "summarise", "--by", "stage,hardware", "--json", path)
		require.Zero(t, r.code, r.err)
		var told struct{ Groups, Total json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(r.out), &told))
		return string(told.Groups) + string(told.Total)
	}
	assert.Equal(t, of(dir), of(table))
	r = call("", "dataset", "summarise", table, dir)
	assert.Equal(t, exitUsage, r.code, "a table and records may tell of the same runs")

	assert.Equal(t, of(dir), of(csvFile(t, dir)))
	r = call("", "dataset", "summarise", csvFile(t, dir), dir)
	assert.Equal(t, exitUsage, r.code)

	folder := filepath.Join(out, "table")
	r = call("", "dataset", "export", dir, "--to", "parquet", "--partition", "phase,month", "-o", folder)
	require.Zero(t, r.code, r.err)
	files, err := filepath.Glob(filepath.Join(folder, "phase=*", "month=*", "part-0.parquet"))
	require.NoError(t, err)
	assert.NotEmpty(t, files)
	assert.Equal(t, of(dir), of(folder))
	r = call("", "dataset", "export", dir, "--to", "parquet", "--partition", "phase,month", "-o", folder)
	assert.Equal(t, exitUsage, r.code, "a folder that is not empty is not written to")

	r = call("", "dataset", "export", "--to", "ndjson", dir)
	require.Zero(t, r.code, r.err)
	assert.Equal(t, 3, strings.Count(r.out, "\n"))
	again := call(r.out, "dataset", "export", "--to", "ndjson", "-")
	assert.Zero(t, again.code, "what was exported is read")

	queries := filepath.Join(out, "queries")
	r = call("", "dataset", "export", "--queries", queries)
	require.Zero(t, r.code, r.err)
	assert.FileExists(t, filepath.Join(queries, "by-phase.sql"))
}

// csvFile is the table of a data set.
func csvFile(t *testing.T, dir string) string {
	out := filepath.Join(t.TempDir(), "table.csv")
	r := call("", "dataset", "export", "--to", "csv", "-o", out, dir)
	require.Zero(t, r.code, r.err)
	return out
}

func TestTheSameRecordsAreExportedAsTheSameBytes(t *testing.T) {
	dir := manyRuns(t, 6)
	for _, to := range []string{"csv", "ndjson", "parquet"} {
		var first []byte
		for _, workers := range []string{"1", "2", "5"} {
			out := filepath.Join(t.TempDir(), "out."+to)
			r := call("", "dataset", "export", "--to", to, "-o", out, "--workers", workers, dir)
			require.Zero(t, r.code, r.err)
			text, err := os.ReadFile(out)
			require.NoError(t, err)
			if first == nil {
				first = text
			}
			assert.True(t, bytes.Equal(first, text), "%s by %s workers", to, workers)
		}
	}
}

func TestAnExportThatFailsLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"-o", filepath.Join(dir, "new"), "--partition", "phase"}, {"-o", filepath.Join(dir, "new")}} {
		r := call("{}", append([]string{"dataset", "export", "-", "--to", "parquet", "--temp", filepath.Join(dir, "absent")}, args...)...)
		assert.Equal(t, exitFound, r.code)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
	old := filepath.Join(dir, "old")
	require.NoError(t, os.Mkdir(old, 0o777))
	r := call("{}", "dataset", "export", "-", "--to", "parquet", "--temp", filepath.Join(dir, "absent"), "-o", old, "--partition", "phase")
	assert.Equal(t, exitFound, r.code)
	assert.DirExists(t, old)
}

func TestWhatNeedsRecordsRefusesTables(t *testing.T) {
	dir := manyRuns(t, 1)
	out := t.TempDir()
	folder := filepath.Join(out, "table")
	r := call("", "dataset", "export", dir, "--to", "parquet", "--partition", "phase", "-o", folder)
	require.Zero(t, r.code, r.err)
	budget := filepath.Join(out, "budget.json")
	for _, table := range []string{folder, filepath.Join(folder, "phase=training"), csvFile(t, dir)} {
		for _, args := range [][]string{
			{"validate"}, {"outliers"}, {"pareto", "--metric", "accuracy"}, {"cluster"}, {"compare", dir}, {"report"},
			{"publish", "--name", "x", "--licence", "CC0-1.0", "-o", filepath.Join(out, "public")},
			{"export", "--to", "csv"}, {"reassess", "--refresh", "-o", filepath.Join(out, "again")},
			{"summarise", "--federated", "--epsilon", "1", "--budget", budget, "--allow", "4,1e-5", "-o", filepath.Join(out, "site.json")},
		} {
			r := call("", append(append([]string{"dataset"}, args...), table)...)
			assert.Equal(t, exitUsage, r.code, args)
			assert.Contains(t, r.err, table+" is a table, and this needs records", args)
			assert.Contains(t, r.err, "dataset summarise", args)
		}
	}
	assert.NoFileExists(t, budget, "nothing was released, and nothing of the budget is gone")
	r = call("", "dataset", "summarise", t.TempDir())
	assert.Contains(t, r.err, "no file of records")
}

func TestExportAndPublishAskForWhatTheyNeed(t *testing.T) {
	dir := manyRuns(t, 1)
	for what, args := range map[string][]string{
		"no path":             {"export", "--to", "csv"},
		"no format":           {"export", dir},
		"another format":      {"export", dir, "--to", "xls"},
		"parquet on a screen": {"export", dir, "--to", "parquet"},
		"partitions of csv":   {"export", dir, "--to", "csv", "--partition", "phase", "-o", filepath.Join(t.TempDir(), "x")},
		"a partition by sums": {"export", dir, "--to", "parquet", "--partition", "energy_j", "-o", filepath.Join(t.TempDir(), "x")},
		"no folder":           {"publish", dir, "--name", "x", "--licence", "CC0-1.0"},
		"no name":             {"publish", dir, "-o", filepath.Join(t.TempDir(), "x"), "--licence", "CC0-1.0"},
		"no licence":          {"publish", dir, "-o", filepath.Join(t.TempDir(), "x"), "--name", "x"},
		"a date":              {"publish", dir, "-o", filepath.Join(t.TempDir(), "x"), "--name", "x", "--licence", "CC0-1.0", "--date", "soon"},
	} {
		r := call("", append([]string{"dataset"}, args...)...)
		assert.Equal(t, exitUsage, r.code, "%s: %s", what, r.err)
		assert.NotEmpty(t, r.err, what)
	}
}

func TestPublishMakesAFolder(t *testing.T) {
	dir := manyRuns(t, 3)
	out := filepath.Join(t.TempDir(), "public")
	salt := filepath.Join(t.TempDir(), "salt")
	require.NoError(t, os.WriteFile(salt, []byte(strings.Repeat("s", 32)), 0o600))
	args := []string{"dataset", "publish", dir, "-o", out, "--name", "Runs", "--licence", "CC-BY-4.0", "--date", "2026-12-01", "--salt", salt}
	r := call("", args...)
	assert.Equal(t, exitFound, r.code, "internal records are not published unasked")
	assert.Contains(t, r.err, "--internal")
	assert.NoDirExists(t, out)

	r = call("", append(args, "--internal", "--url", "https://example.org")...)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "of 3 runs")
	for _, file := range []string{"README.md", "croissant.json", "records.ndjson.zst", "table.parquet", "record-schema.json", "SHA256SUMS", "queries/by-phase.sql"} {
		assert.FileExists(t, filepath.Join(out, file))
	}
	r = call("", "dataset", "validate", out)
	assert.Zero(t, r.code, "what was published is read: %s", r.err)

	r = call("", append(args, "--internal")...)
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.err, "not empty")
}
