package dataset_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// The view of the table in CSV names every column with its type: to guess them
// from an empty column is to guess.
func TestTheViewOfACSVTableHasAllColumns(t *testing.T) {
	var types, units string
	for i, c := range dataset.Columns() {
		sep := ","
		if i == len(dataset.Columns())-1 {
			sep = ""
		}
		sql := map[dataset.ColumnType]string{
			dataset.TextColumn: "VARCHAR", dataset.NumberColumn: "DOUBLE", dataset.CountColumn: "BIGINT", dataset.TimeColumn: "TIMESTAMP", dataset.UnitsColumn: "VARCHAR",
		}[c.Type]
		types += fmt.Sprintf("  '%s': '%s'%s\n", c.Name, sql, sep)
		if c.Type == dataset.UnitsColumn {
			units = c.Name
		}
	}
	text := `-- The table that the questions here ask, from CSV: table.csv may be table.csv.gz.
-- samples=60000;tokens=7680000 becomes a map; names of units with a backslash, an
-- equals sign or a semicolon, which CSV escapes, are not read back.
CREATE OR REPLACE VIEW flat AS
SELECT * REPLACE (
  map_from_entries(list_transform(string_split(` + units + `, ';'), lambda u: {
    'key': string_split(u, '=')[1], 'value': CAST(string_split(u, '=')[2] AS BIGINT)
  })) AS ` + units + `)
FROM read_csv('table.csv', header = true, delim = ',', quote = '"', escape = '"', nullstr = '', columns = {
` + types + `});
`
	file := filepath.Join("queries", "view-csv.sql")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, text, string(got))
}

func TestEveryQuestionSaysWhatItAnswers(t *testing.T) {
	files, err := fs.Glob(dataset.Queries, "queries/*.sql")
	require.NoError(t, err)
	assert.Greater(t, len(files), 10)
	for _, file := range files {
		text, err := fs.ReadFile(dataset.Queries, file)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), "-- "), file)
		assert.True(t, strings.HasSuffix(string(text), ";\n"), file)
	}
}
