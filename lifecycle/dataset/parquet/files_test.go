package parquet_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// partitioned is a table in a folder of partitions.
func partitioned(t *testing.T, rows []dataset.Row, by ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "table")
	f, err := parquet.NewFolder(dir, by...)
	require.NoError(t, err)
	require.NoError(t, f.Write(rows))
	require.NoError(t, f.Close())
	return dir
}

func TestAPartitionedTableIsSummarisedAsThatInOnePiece(t *testing.T) {
	rows := randomRows(12)
	rows[0].Country, rows[1].Country = "a/b=c %..\\é+", ".."
	for name, by := range map[string][]string{
		"runs are scattered":      {"phase", "kind"},
		"stages are scattered":    {"hardware_kind"},
		"every run is in one":     {"status"},
		"names have to be quoted": {"country"},
	} {
		dir := partitioned(t, rows, by...)
		for _, question := range [][]dataset.Dimension{{"stage", "hardware"}, dataset.Dimensions()} {
			got, err := parquet.Summarise(context.Background(), dataset.Reader{Workers: 3}, []string{dir}, question...)
			require.NoError(t, err, name)
			require.Equal(t, summaryOf(t, rows, question...), text(t, got), "%s: %s", name, question)
		}
	}
}

func TestSomePartitionsAreSummarisedByThemselves(t *testing.T) {
	rows := randomRows(60)
	dir := partitioned(t, rows, "phase")
	var some []dataset.Row
	for _, r := range rows {
		if r.Phase == "training" || r.Phase == "inference" {
			some = append(some, r)
		}
	}
	got, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{filepath.Join(dir, "phase=training"), filepath.Join(dir, "phase=inference", "part-0.parquet")}, "stage")
	require.NoError(t, err)
	assert.Equal(t, summaryOf(t, some, "stage"), text(t, got))
}

func TestAFolderThatIsNoPartitionedTableIsRefused(t *testing.T) {
	rows := randomRows(5)
	one, dir := encoded(t, rows), partitioned(t, rows, "country")
	put := func(t *testing.T, dir, name string, text []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, text, 0o666))
	}
	for name, c := range map[string]struct {
		file string
		text []byte
		says []string
	}{
		"it says otherwise than its file": {"country=nowhere/part-0.parquet", one, []string{"country=nowhere/part-0.parquet", "a row tells country=", "its folder country=nowhere"}},
		"a required column is null":       {"country=/phase=__HIVE_DEFAULT_PARTITION__/part-0.parquet", one, []string{"partitioned by country, phase"}},
		"a table in one piece beside":     {"table.parquet", one, []string{"partitioned by country", "table.parquet beside it by nothing"}},
		"a file that is no table":         {"country=nowhere/notes.parquet", []byte("notes"), []string{"notes.parquet", "no Parquet file"}},
		"a name that was not quoted":      {"country=100%/part-0.parquet", one, []string{"folder country=100%"}},
		"a column that is told twice":     {"country=a/country=b/part-0.parquet", one, []string{"two folders tell of country"}},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, dir, c.file, c.text)
			defer os.Remove(filepath.Join(dir, filepath.FromSlash(c.file)))
			_, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{dir}, "phase")
			for _, says := range c.says {
				assert.ErrorContains(t, err, filepath.FromSlash(says))
			}
			_, err = read(dir)
			assert.Error(t, err)
		})
	}
	t.Run("what engines do not read", func(t *testing.T) {
		dir := partitioned(t, rows, "country")
		for _, name := range []string{"_SUCCESS", "_temporary/country=x/part-0.parquet", ".part-0.parquet.crc", ".hidden.parquet", "notes.txt"} {
			put(t, dir, name, []byte("x"))
		}
		back, err := read(dir)
		require.NoError(t, err)
		assert.Len(t, back, len(rows))
	})
	t.Run("nothing", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "phase=training"), 0o777))
		_, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{dir}, "phase")
		assert.ErrorContains(t, err, "no file that ends with .parquet")
	})
}

func TestTheSummaryOfAPartitionedTableEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := parquet.Summarise(ctx, dataset.Reader{}, []string{partitioned(t, randomRows(10), "phase")}, "phase")
	assert.ErrorIs(t, err, context.Canceled)
}

// Engines leave the columns of the partition out of the files.
func TestATableThatDuckDBPartitionedIsSummarised(t *testing.T) {
	needDuckDB(t)
	dir := t.TempDir()
	rows := randomRows(40)
	rows[0].Country = "a/b=c %..\\é+ü ."
	require.NoError(t, os.WriteFile(filepath.Join(dir, "table.parquet"), encoded(t, rows), 0o644))
	duck(t, dir, `COPY (FROM read_parquet('table.parquet')) TO 'by' (FORMAT parquet, PARTITION_BY (phase, country))`)
	names, err := filepath.Glob(filepath.Join(dir, "by", "phase=*", "country=*", "*.parquet"))
	require.NoError(t, err)
	require.Greater(t, len(names), 3)
	require.Contains(t, strings.Join(names, " "), "__HIVE_DEFAULT_PARTITION__")
	for _, by := range [][]dataset.Dimension{{"phase", "country"}, {"stage", "hardware"}} {
		got, err := parquet.Summarise(t.Context(), dataset.Reader{}, []string{filepath.Join(dir, "by")}, by...)
		require.NoError(t, err)
		assert.Equal(t, summaryOf(t, rows, by...), text(t, got))
	}
}

func TestALinkToAFolderIsFollowedWhereItIsNamedAndElseToldOf(t *testing.T) {
	rows := randomRows(12)
	dir := partitioned(t, rows, "phase")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip("no links here: ", err)
	}
	got, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{link}, "stage")
	require.NoError(t, err)
	assert.Equal(t, summaryOf(t, rows, "stage"), text(t, got))

	require.NoError(t, os.Rename(filepath.Join(dir, "phase=training"), filepath.Join(filepath.Dir(dir), "away")))
	require.NoError(t, os.Symlink("../away", filepath.Join(dir, "phase=training")))
	_, err = parquet.Summarise(context.Background(), dataset.Reader{}, []string{dir}, "stage")
	assert.ErrorContains(t, err, "phase=training is a link to a folder")
}
