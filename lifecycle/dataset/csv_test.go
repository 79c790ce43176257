package dataset_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// randomRows are the rows of so many records of all that the schema has.
func randomRows(records int) (rows []dataset.Row) {
	for seed := range uint64(records) {
		rows = dataset.AppendRows(rows, recordtest.Random(seed))
	}
	return rows
}

func csvOf(t testing.TB, rows []dataset.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w := dataset.NewCSVWriter(&b)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Flush())
	return b.Bytes()
}

func fromCSV(r io.Reader) (rows []dataset.Row, err error) {
	for row, err := range dataset.ReadCSV(r) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, *row)
	}
	return rows, nil
}

func TestRowsAreReadBackFromCSVAsTheyWere(t *testing.T) {
	rows := randomRows(race.Few(150))
	back, err := fromCSV(bytes.NewReader(csvOf(t, rows)))
	require.NoError(t, err)
	require.Len(t, back, len(rows))
	for i := range rows {
		require.Equal(t, plain(rows[i]), back[i], "row %d", i)
	}
}

// plain is a row as a table can tell it: line breaks in texts are LF.
func plain(r dataset.Row) dataset.Row {
	lf := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	for _, c := range dataset.Columns() {
		switch p := c.Field(&r).(type) {
		case *string:
			*p = lf.Replace(*p)
		case *map[string]int64:
			var units map[string]int64
			for name, n := range *p {
				if units == nil {
					units = map[string]int64{}
				}
				units[lf.Replace(name)] = n
			}
			*p = units
		}
	}
	return r
}

func TestATextThatASpreadsheetWouldRunIsMadeHarmless(t *testing.T) {
	row := randomRows(1)[0]
	for _, text := range []string{"=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "'quoted", " blank", "a,b", "a\"b", "a\nb", "ordinary"} {
		row.Task, row.Units = text, map[string]int64{text: 1, `back\slash`: 2, "a=b;c": 3}
		b := csvOf(t, []dataset.Row{row})
		lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		require.NoError(t, err)
		for _, cell := range lines[1] {
			assert.NotRegexp(t, `^[=+\-@\t]`, cell)
		}
		back, err := fromCSV(bytes.NewReader(b))
		require.NoError(t, err)
		assert.Equal(t, row, back[0])
	}
}

func TestATableWithoutRowsHasItsHeader(t *testing.T) {
	rows, err := fromCSV(bytes.NewReader(csvOf(t, nil)))
	require.NoError(t, err)
	assert.Empty(t, rows)
}

func TestWhatIsNoFlatTableIsRefusedWithItsLine(t *testing.T) {
	good := string(csvOf(t, dataset.Rows(recordtest.Many(3))))
	head, rest, _ := strings.Cut(good, "\r\n")
	seconds := strings.Split(rest, ",")[4] // run_s
	for what, c := range map[string]struct{ text, says string }{
		"nothing":              {"", "empty"},
		"another table":        {"a,b\r\n1,2\r\n", `line 1: column "a" is not known`},
		"a column twice":       {"run_id,run_id\r\n", "there twice"},
		"a column that must":   {"run_id,status\r\n", "is not there"},
		"a cell too few":       {head + "\r\nx\r\n", "line 2"},
		"a number that is not": {head + "\r\n" + strings.Replace(rest, seconds, "x", 1), "line 2: run_s"},
		"a negative number":    {head + "\r\n" + strings.Replace(rest, seconds, "-"+seconds, 1), "line 2: run_s"},
		"a quote within":       {head + "\r\n" + strings.Replace(rest, "-", "\"-", 1), "line 2"},
		"a line without end":   {head + "\r\n" + strings.Repeat("x", 17<<20), "longer than 16 MiB"},
	} {
		_, err := fromCSV(strings.NewReader(c.text))
		if assert.Error(t, err, what) {
			assert.Contains(t, err.Error(), c.says, what)
		}
	}
	_, err := fromCSV(strings.NewReader(strings.ReplaceAll(good, "\r\n", "\n")))
	assert.NoError(t, err, "either line end")
}

func FuzzReadCSV(f *testing.F) {
	f.Add(csvOf(f, randomRows(1)[:1]))
	f.Add(csvOf(f, dataset.Rows(recordtest.Many(2))[:2]))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := fromCSV(bytes.NewReader(text))
		if err != nil {
			return
		}
		back, err := fromCSV(bytes.NewReader(csvOf(t, rows)))
		require.NoError(t, err)
		require.Len(t, back, len(rows))
		for i := range rows {
			require.Equal(t, plain(rows[i]), back[i])
		}
	})
}
