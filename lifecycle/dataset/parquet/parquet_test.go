package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// randomRows are the rows of so many records of all that the schema has.
func randomRows(records int) (rows []dataset.Row) {
	if race.On {
		records = max(records/5, min(records, 10))
	}
	for seed := range uint64(records) {
		rows = dataset.AppendRows(rows, recordtest.Random(seed))
	}
	return rows
}

// written is a table in a file.
func written(t testing.TB, rows []dataset.Row) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.parquet")
	require.NoError(t, os.WriteFile(path, encoded(t, rows), 0o644))
	return path
}

func encoded(t testing.TB, rows []dataset.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewWriter(&b)
	for i := 0; i < len(rows); i += 700 { // whatever the pieces
		require.NoError(t, w.Write(rows[i:min(i+700, len(rows))]))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// read reads rows and keeps them.
func read(paths ...string) (rows []dataset.Row, err error) {
	err = parquet.Read(context.Background(), paths, func(some []dataset.Row) error {
		for _, r := range some {
			rows = append(rows, kept(r))
		}
		return nil
	})
	return rows, err
}

// kept is a row with memory of its own.
func kept(r dataset.Row) dataset.Row {
	v := reflect.ValueOf(&r).Elem()
	var own func(reflect.Value)
	own = func(v reflect.Value) {
		for i := range v.NumField() {
			switch f := v.Field(i); {
			case f.Kind() == reflect.Struct:
				own(f)
			case f.Kind() == reflect.Pointer && !f.IsNil():
				p := reflect.New(f.Type().Elem())
				p.Elem().Set(f.Elem())
				f.Set(p)
			}
		}
	}
	own(v)
	return r
}

func TestRowsAreReadBackAsTheyWere(t *testing.T) {
	rows := randomRows(300)
	require.Greater(t, len(rows), 600)
	back, err := read(written(t, rows))
	require.NoError(t, err)
	require.Len(t, back, len(rows))
	for i := range rows {
		require.Equal(t, rows[i], back[i], "row %d", i)
	}
}

func TestATableWithoutRowsIsOne(t *testing.T) {
	back, err := read(written(t, nil))
	require.NoError(t, err)
	assert.Empty(t, back)
	s, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{written(t, nil)})
	require.NoError(t, err)
	assert.Zero(t, s.Total().Runs)
}

func TestTheSameRowsAreTheSameBytes(t *testing.T) {
	rows := randomRows(50)
	assert.Equal(t, encoded(t, rows), encoded(t, rows))
}

func TestTheFileHasTheColumnsOfTheTableInTheirOrder(t *testing.T) {
	f, err := library.OpenFile(bytes.NewReader(encoded(t, nil)), int64(len(encoded(t, nil))))
	require.NoError(t, err)
	fields := f.Schema().Fields()
	require.Len(t, fields, len(dataset.Columns()))
	types := map[dataset.ColumnType]string{
		dataset.TextColumn: "STRING", dataset.NumberColumn: "DOUBLE", dataset.CountColumn: "INT(64,true)",
		dataset.TimeColumn: "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)",
	}
	for i, c := range dataset.Columns() {
		assert.Equal(t, c.Name, fields[i].Name())
		assert.Equal(t, c.Required, fields[i].Required(), c.Name)
		if c.Type != dataset.UnitsColumn {
			assert.Equal(t, types[c.Type], fields[i].Type().String(), c.Name)
		} else {
			assert.Equal(t, "MAP", fields[i].Type().String(), c.Name)
		}
	}
}

func TestASummaryOfATableIsThatOfItsRows(t *testing.T) {
	rows := randomRows(60)
	path := written(t, rows)
	questions := [][]dataset.Dimension{nil, {"stage", "hardware"}, dataset.Dimensions()}
	for _, d := range dataset.Dimensions() { // each reads the columns that it needs
		questions = append(questions, []dataset.Dimension{d})
	}
	for _, by := range questions {
		got, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{path}, by...)
		require.NoError(t, err)
		require.Equal(t, summaryOf(t, rows, by...), text(t, got), "%s", by)
	}
}

func TestRowGroupsHoldWholeRuns(t *testing.T) {
	rows := randomRows(60)
	var b bytes.Buffer
	w := parquet.NewWriter(&b)
	w.GroupRows(40)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Close())
	f, err := library.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	require.Greater(t, len(f.RowGroups()), 3)
	at := int64(0)
	for _, g := range f.RowGroups() {
		if at > 0 {
			assert.NotEqual(t, rows[at-1].RunID, rows[at].RunID)
		}
		at += g.NumRows()
	}
	require.Equal(t, int64(len(rows)), at)

	path := filepath.Join(t.TempDir(), "t.parquet")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	back, err := read(path)
	require.NoError(t, err)
	require.Equal(t, rows, back)
	got, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{path}, "stage")
	require.NoError(t, err)
	assert.Equal(t, summaryOf(t, rows, "stage"), text(t, got))
}

func summaryOf(t *testing.T, rows []dataset.Row, by ...dataset.Dimension) string {
	s, err := dataset.NewSummary(by...)
	require.NoError(t, err)
	for i := range rows {
		s.AddRow(&rows[i])
	}
	return text(t, s)
}

func text(t *testing.T, s *dataset.Summary) string {
	b, err := s.MarshalJSON()
	require.NoError(t, err)
	return string(b)
}

func TestPartitionsAreFoldersThatEnginesRead(t *testing.T) {
	rows := randomRows(200)
	rows[0].Country = "a/b=c %..\\é" // whatever it is, it leaves no folder
	rows[1].Country = ".."
	dir := t.TempDir()
	f, err := parquet.NewFolder(filepath.Join(dir, "table"), "phase", "country")
	require.NoError(t, err)
	for i := range rows {
		require.NoError(t, f.Write(rows[i:i+1]))
	}
	require.NoError(t, f.Close())
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	}))
	assert.Contains(t, names, "table/phase="+rows[0].Phase+"/country=a%2Fb%3Dc %25..%5C%C3%A9/part-0.parquet")
	assert.Contains(t, names, "table/phase="+rows[1].Phase+"/country=%2E%2E/part-0.parquet")
	assert.True(t, slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "country=__HIVE_DEFAULT_PARTITION__/") }))

	back, err := read(filepath.Join(dir, "table"))
	require.NoError(t, err)
	require.Len(t, back, len(rows))
	count := func(list []dataset.Row) map[string]int {
		m := map[string]int{}
		for i := range list {
			m[list[i].RunID+list[i].Stage+list[i].Country+list[i].HardwareModel]++
		}
		return m
	}
	assert.Equal(t, count(rows), count(back))
}

func TestMoreFilesThanMayBeOpenAreWrittenInParts(t *testing.T) {
	if race.On {
		t.Skip("one goroutine writes a hundred files: nothing for the race detector")
	}
	rows := randomRows(3)
	dir := t.TempDir()
	f, err := parquet.NewFolder(dir, "country")
	require.NoError(t, err)
	var want []string
	for round := range 2 {
		for k := range 40 {
			r := rows[(round+k)%len(rows)]
			r.Country = fmt.Sprintf("C%02d", k)
			require.NoError(t, f.Write([]dataset.Row{r}))
			want = append(want, r.Country)
		}
	}
	require.NoError(t, f.Close())
	back, err := read(dir)
	require.NoError(t, err)
	var got []string
	for _, r := range back {
		got = append(got, r.Country)
	}
	slices.Sort(want)
	slices.Sort(got)
	assert.Equal(t, want, got)
	assert.FileExists(t, filepath.Join(dir, "country=C00", "part-1.parquet"))
}

func TestOnlyTextsPartition(t *testing.T) {
	for _, by := range []string{"energy_j", "nothing", "started_at"} {
		_, err := parquet.NewFolder(t.TempDir(), by)
		assert.ErrorContains(t, err, by)
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	good := encoded(t, randomRows(3))
	type other struct {
		Name string `parquet:"name"`
	}
	var b bytes.Buffer
	w := library.NewGenericWriter[other](&b)
	_, err := w.Write([]other{{"x"}})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"nothing": {}, "text": []byte("run_id,status\n"), "cut": good[:len(good)/2], "another": b.Bytes(),
	} {
		path := filepath.Join(dir, name+".parquet")
		require.NoError(t, os.WriteFile(path, text, 0o644))
		_, err := read(path)
		assert.ErrorContains(t, err, path)
	}
	_, err = read(filepath.Join(dir, "absent.parquet"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = read(t.TempDir())
	assert.ErrorContains(t, err, "no file that ends with .parquet")
}

func TestARowThatCannotBeIsToldOfWithItsFile(t *testing.T) {
	rows := randomRows(2)
	rows[3].RunS = -1
	_, err := read(written(t, rows))
	assert.ErrorContains(t, err, "run_s")
	assert.ErrorContains(t, err, "table.parquet")
	rows[3].RunID = ""
	assert.Error(t, parquet.NewWriter(&bytes.Buffer{}).Write(rows))
}

// FuzzRead reads tables with some bytes changed.
func FuzzRead(f *testing.F) {
	good := encoded(f, randomRows(2)[:6])
	f.Add(good, 40, byte(1), len(good)-200, byte(7))
	f.Fuzz(func(t *testing.T, text []byte, at1 int, x1 byte, at2 int, x2 byte) {
		text = bytes.Clone(text)
		if len(text) > 0 {
			text[uint(at1)%uint(len(text))] ^= x1
			text[uint(at2)%uint(len(text))] ^= x2
		}
		path := filepath.Join(t.TempDir(), "t.parquet")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		rows, err := read(path)
		if err == nil {
			for i := range rows {
				require.NoError(t, rows[i].Check())
			}
		}
		_, _ = parquet.Summarise(context.Background(), dataset.Reader{}, []string{path}, "stage")
	})
}

// manyRows are the rows of so many runs that differ.
func manyRows(runs int, use func(rows []dataset.Row) error) error {
	rng := rand.New(rand.NewPCG(1, 2))
	var kinds [][]dataset.Row
	for k := range 20 {
		kinds = append(kinds, dataset.Rows(recordtest.Many(3+k%5)))
	}
	for n := range runs {
		rows := slices.Clone(kinds[rng.IntN(len(kinds))])
		id := fmt.Sprintf("01a22c2b-%04x-7%03x-8aaa-%012x", rng.IntN(1<<16), n&0xfff, n)
		scale := math.Exp(rng.NormFloat64())
		for i := range rows {
			r := &rows[i]
			r.RunID, r.Month, r.HardwareModel = id, fmt.Sprintf("2026-%02d", 1+n%12), fmt.Sprintf("model %d", rng.IntN(30))
			for _, f := range []*dataset.Figure{&r.Energy, &r.Facility, &r.Operational, &r.Embodied, &r.Water} {
				if f.Value != nil {
					*f = dataset.Figure{Value: new(*f.Value * scale), Low: new(*f.Low * scale), High: new(*f.High * scale)}
				}
			}
		}
		if err := use(rows); err != nil {
			return err
		}
	}
	return nil
}

func BenchmarkWrite(b *testing.B) {
	var rows []dataset.Row
	require.NoError(b, manyRows(5000, func(some []dataset.Row) error { rows = append(rows, some...); return nil }))
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		w := parquet.NewWriter(&out)
		require.NoError(b, w.Write(rows))
		require.NoError(b, w.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	b.ReportMetric(float64(out.Len())/float64(len(rows)), "B/row")
}

func BenchmarkSummarise(b *testing.B) {
	path := filepath.Join(b.TempDir(), "t.parquet")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := parquet.NewWriter(f)
	n := 0
	require.NoError(b, manyRows(30_000, func(some []dataset.Row) error { n += len(some); return w.Write(some) }))
	require.NoError(b, w.Close())
	require.NoError(b, f.Close())
	for b.Loop() {
		_, err := parquet.Summarise(context.Background(), dataset.Reader{}, []string{path}, "stage", "hardware")
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
