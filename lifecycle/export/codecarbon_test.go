package export

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// codeCarbonValues are the columns of a line with PUE 1.25: 0.8 + 0.2 + 0.25 kWh
// of which 0.64 + 0.16 + 0.2 are the equipment's.
var codeCarbonValues = map[string]string{
	"timestamp": "2026-03-02T11:30:00", "project_name": "digits, again", "run_id": "8c9d8a2c-0d1e-4f0a-9a6b-2f6f6b1c0d3e", "experiment_id": "5b0fa12a-3dd7-45bb-9766-cc326314d9f1",
	"duration": "3600.5", "emissions": "0.07", "emissions_rate": "1.944e-05", "cpu_power": "640.0", "gpu_power": "160.0", "ram_power": "200.0",
	"cpu_energy": "0.8", "gpu_energy": "0.2", "ram_energy": "0.25", "energy_consumed": "1.25", "water_consumed": "0.0",
	"country_name": "France", "country_iso_code": "FRA", "region": "île-de-france", "cloud_provider": "", "cloud_region": "",
	"os": "Linux-5.15.0-130-generic-x86_64-with-glibc2.35", "python_version": "3.11.4", "codecarbon_version": "3.3.0",
	"cpu_count": "30", "cpu_model": "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", "gpu_count": "2.0", "gpu_model": "2 x Tesla V100S-PCIE-32GB",
	"longitude": "2.3", "latitude": "48.9", "ram_total_size": "43.04945373535156", "tracking_mode": "machine",
	"cpu_utilization_percent": "51.2", "gpu_utilization_percent": "70", "ram_utilization_percent": "12.5", "ram_used_gb": "5.4", "on_cloud": "N", "pue": "1.25", "wue": "0.0",
}

// columnsSince are the columns of each version that changed them.
func columnsSince() map[string][]string {
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(codeCarbonColumns), func(c string) bool { return slices.Contains(names, c) })
	}
	use := []string{"cpu_utilization_percent", "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb"}
	water := append([]string{"water_consumed", "wue"}, use...)
	experiment := append([]string{"experiment_id"}, water...)
	return map[string][]string{
		"3.2.1": codeCarbonColumns,
		"3.1.0": without(use...),
		"2.8.4": without(water...),
		"2.5.0": without(experiment...),
		"2.2.0": without(append([]string{"pue"}, experiment...)...),
		"tasks": append([]string{"task_name"}, without("experiment_id", "pue", "wue")...),
	}
}

// lineOf is a line of a file, with some of its values changed.
func lineOf(columns []string, change map[string]string) []string {
	values := maps.Clone(codeCarbonValues)
	maps.Copy(values, change)
	line := make([]string, len(columns))
	for i, name := range columns {
		line[i] = values[name]
	}
	return line
}

func csvOf(t testing.TB, lines ...[]string) string {
	t.Helper()
	var b strings.Builder
	c := csv.NewWriter(&b)
	require.NoError(t, c.WriteAll(lines))
	return b.String()
}

// readRows reads a file to its end.
func readRows(text string) (rows []*CodeCarbonRow, skipped []*RowError, err error) {
	for row, e := range ReadCodeCarbon(strings.NewReader(text)) {
		switch bad := e.(type) {
		case nil:
			rows = append(rows, row)
		case *RowError:
			skipped = append(skipped, bad)
		default:
			err = e
		}
	}
	return rows, skipped, err
}

func oneRow(t testing.TB, columns []string, change map[string]string) *CodeCarbonRow {
	t.Helper()
	rows, skipped, err := readRows(csvOf(t, columns, lineOf(columns, change)))
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Len(t, rows, 1)
	return rows[0]
}

// Traps 63, 68 and 69: the energies have the PUE in them, the memory is that of
// the machine, and the time is the end.
func TestEveryColumnSetOfCodeCarbonIsRead(t *testing.T) {
	numbers := map[string]int{"3.2.1": 38, "3.1.0": 34, "2.8.4": 32, "2.5.0": 31, "2.2.0": 30, "tasks": 36}
	for version, columns := range columnsSince() {
		t.Run(version, func(t *testing.T) {
			require.Len(t, columns, numbers[version])
			row := oneRow(t, columns, map[string]string{"task_name": "train the model"})
			pue := 1.25
			if !slices.Contains(columns, "pue") {
				pue = 1 // CodeCarbon's own, where nobody told one
			}
			imp, err := row.Record()
			require.NoError(t, err)
			r := imp.Record
			assert.Empty(t, errorsIn(r))
			assert.InEpsilon(t, 1.25*3.6e6/pue, r.Totals.EnergyJ.Value, 1e-12)
			assert.InEpsilon(t, 1.25*3.6e6, r.Totals.FacilityEnergyJ.Value, 1e-12)
			assert.InEpsilon(t, 70, r.Totals.OperationalGCO2e.Value, 1e-12, "grams are those of the file")
			assert.InEpsilon(t, 0.8*3.6e6/pue, r.Ledger[0].TotalJ, 1e-12)
			assert.Equal(t, "FR", r.Environments[0].Country)
			assert.Equal(t, 3600.5, r.Run.DurationS)
			assert.Equal(t, "2026-03-02T11:30:00Z", r.Run.EndedAt.Format("2006-01-02T15:04:05Z07:00"))
			assert.Equal(t, "2026-03-02T10:29:59.5Z", r.Run.StartedAt.Format("2006-01-02T15:04:05.9Z07:00"), "the file tells the end")
			assert.EqualValues(t, 45140624<<10, *r.Hardware[2].MemoryBytes)
			assert.Equal(t, "Tesla V100S-PCIE-32GB", r.Hardware[1].Model)
			assert.Equal(t, 2, r.Hardware[1].Count)
			if version == "tasks" {
				assert.Equal(t, lifecycle.Training, r.Phases[0].Stage)
			} else {
				assert.Equal(t, lifecycle.Unassigned, r.Phases[0].Stage)
			}
		})
	}
}

// errorsIn are the findings that make a record invalid.
func errorsIn(r *lifecycle.Record) []lifecycle.Finding {
	return slices.DeleteFunc(lifecycle.Validate(r), func(f lifecycle.Finding) bool { return f.Warning })
}

func TestColumnsAreKnownByTheirNamesWhereverTheyStand(t *testing.T) {
	columns := slices.Clone(codeCarbonColumns)
	slices.Reverse(columns)
	columns = append([]string{"", "note"}, columns...) // an index of pandas, and a column of the user's
	row := oneRow(t, columns, map[string]string{"": "7", "note": "kept"})
	assert.Equal(t, 1.25*3.6e6, row.FacilityEnergyJ)
	imp, err := row.Record()
	require.NoError(t, err)
	assert.Equal(t, "kept", imp.Record.Extensions[codeCarbonExtension].(map[string]any)["note"])
}

func TestALineOutAndInAgainIsTheSame(t *testing.T) {
	for version, columns := range columnsSince() {
		for name, change := range map[string]map[string]string{
			"as it is":        nil,
			"in a cloud":      {"cloud_provider": "aws", "cloud_region": "eu-west-1", "on_cloud": "Y"},
			"no GPU, offline": {"gpu_count": "", "gpu_model": "", "gpu_energy": "0", "longitude": "", "latitude": "", "region": ""},
			"nothing drawn":   {"emissions": "0.0", "cpu_energy": "0.0", "gpu_energy": "0.0", "ram_energy": "0.0", "energy_consumed": "0.0"},
			"no time":         {"duration": "0.0"},
			"nowhere":         {"country_iso_code": "", "country_name": ""},
		} {
			t.Run(version+", "+name, func(t *testing.T) {
				imp, err := oneRow(t, columns, change).Record()
				require.NoError(t, err)
				var text bytes.Buffer
				_, err = CodeCarbon(&text, imp.Record, Options{})
				require.NoError(t, err)
				lines, err := csv.NewReader(&text).ReadAll()
				require.NoError(t, err)
				require.Equal(t, codeCarbonColumns, lines[0], "38 columns, in the order of 3.3")
				for i, column := range codeCarbonColumns {
					want := ""
					if slices.Contains(columns, column) {
						want = lineOf([]string{column}, change)[0]
					}
					assert.Equal(t, want, lines[1][i], column)
				}
			})
		}
	}
}

func TestARecordThatChangedSinceItWasReadIsNotTheOldLine(t *testing.T) {
	imp, err := oneRow(t, codeCarbonColumns, nil).Record()
	require.NoError(t, err)
	imp.Record.Publisher.Project = "another"
	var text bytes.Buffer
	_, err = CodeCarbon(&text, imp.Record, Options{})
	require.NoError(t, err)
	rows, _, err := readRows(text.String())
	require.NoError(t, err)
	assert.Equal(t, "another", rows[0].text("project_name"))
	assert.Equal(t, imp.Record.Run.ID, rows[0].RunID)
}

func TestARecordAsALineKeepsItsJoulesAndGrams(t *testing.T) {
	r := exampleRecord(t)
	var text bytes.Buffer
	losses, err := CodeCarbon(&text, r, Options{})
	require.NoError(t, err)
	rows, skipped, err := readRows(text.String())
	require.NoError(t, err)
	require.Empty(t, skipped)
	imp, err := rows[0].Record()
	require.NoError(t, err)
	back := imp.Record
	assert.InEpsilon(t, r.Totals.EnergyJ.Value, back.Totals.EnergyJ.Value, 1e-12)
	assert.InEpsilon(t, r.Totals.FacilityEnergyJ.Value, back.Totals.FacilityEnergyJ.Value, 1e-12)
	assert.InEpsilon(t, r.Totals.OperationalGCO2e.Value, back.Totals.OperationalGCO2e.Value, 1e-12)
	assert.Equal(t, "IS", back.Environments[0].Country)
	assert.EqualValues(t, 68719476736, *back.Hardware[2].MemoryBytes)
	assert.Equal(t, 2, back.Hardware[1].Count)

	var lost []string
	for _, l := range losses {
		lost = append(lost, l.Path)
	}
	for _, p := range []string{"/phases", "/spans", "/ledger", "/totals/energy_j/low", "/totals/gco2e", "/methods", "/use_case"} {
		assert.Contains(t, lost, p)
	}
	assert.NotContains(t, lost, "/run/duration_s")
}

// Trap 62: CodeCarbon up to 3.3.0 left empty columns out of lines that it
// appended.
func TestAShortLineIsRepairedOrSkippedAndToldNeverShifted(t *testing.T) {
	left := func(names ...string) []string {
		line := lineOf(codeCarbonColumns, nil)
		return slices.DeleteFunc(line, func(s string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return s == codeCarbonValues[n] })
		})
	}
	for name, test := range map[string]struct {
		line     []string
		repaired []string // nil: skipped
	}{
		"offline":               {left("longitude", "latitude"), []string{"longitude", "latitude"}},
		"without a GPU":         {left("gpu_count", "gpu_model"), []string{"gpu_count", "gpu_model"}},
		"without a region":      {left("region"), []string{"region"}},
		"all of them":           {left("region", "gpu_count", "gpu_model", "longitude", "latitude"), []string{"region", "gpu_count", "gpu_model", "longitude", "latitude"}},
		"what is never left":    {left("cpu_model"), nil},
		"cut off":               {lineOf(codeCarbonColumns, nil)[:20], nil},
		"cut off after 36":      {lineOf(codeCarbonColumns, nil)[:36], nil},
		"a field too many":      {append(lineOf(codeCarbonColumns, nil), "1"), nil},
		"one field":             {[]string{"2026-03-02T11:30:00"}, nil},
		"another one left, too": {left("region", "gpu_count", "gpu_model", "os"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			whole := lineOf(codeCarbonColumns, nil)
			rows, skipped, err := readRows(csvOf(t, codeCarbonColumns, whole, test.line, whole))
			require.NoError(t, err)
			if test.repaired == nil {
				require.Len(t, rows, 2, "the lines around it are read")
				require.Len(t, skipped, 1)
				assert.Equal(t, 3, skipped[0].Line)
				return
			}
			require.Empty(t, skipped)
			require.Len(t, rows, 3)
			assert.Equal(t, test.repaired, rows[1].Repaired)
			for i, column := range codeCarbonColumns {
				want := codeCarbonValues[column]
				if slices.Contains(test.repaired, column) {
					want = ""
				}
				assert.Equal(t, want, rows[1].fields[i], column)
			}
			imp, err := rows[1].Record()
			require.NoError(t, err)
			assert.Contains(t, fmt.Sprint(imp.Guesses), "leaves out "+test.repaired[0])
			assert.Equal(t, "line 3", imp.Where)
		})
	}
}

func TestWhatCannotBeIsRefusedWithItsLine(t *testing.T) {
	for name, change := range map[string]map[string]string{
		"negative energy":       {"energy_consumed": "-1"},
		"no number":             {"emissions": "much"},
		"not finite":            {"cpu_energy": "inf"},
		"NaN":                   {"duration": "nan"},
		"hexadecimal":           {"duration": "0x1p4"},
		"digits apart":          {"duration": "3_600"},
		"yesterday":             {"timestamp": "yesterday"},
		"no emissions":          {"emissions": ""},
		"PUE below 1":           {"pue": "0.5"},
		"parts above the total": {"energy_consumed": "0.5"},
		"columns moved":         {"tracking_mode": "43.0"},
		"beyond any run":        {"energy_consumed": "1e300"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, skipped, err := readRows(csvOf(t, codeCarbonColumns, lineOf(codeCarbonColumns, change)))
			require.NoError(t, err)
			assert.Empty(t, rows)
			require.Len(t, skipped, 1)
			assert.Equal(t, 2, skipped[0].Line)
		})
	}
}

// Trap 58: an official example of another format has 78050 gCO2e/kWh.
func TestAnIntensityThatNoGridHasIsTold(t *testing.T) {
	for emissions, told := range map[string]bool{"0.07": false, "70": true} {
		imp, err := oneRow(t, codeCarbonColumns, map[string]string{"emissions": emissions}).Record()
		require.NoError(t, err)
		assert.Equal(t, told, strings.Contains(fmt.Sprint(imp.Guesses), "is a unit wrong there?"), emissions)
	}
}

func TestAFileThatIsNoneIsRefusedAtOnce(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"no columns":   "a,b\n1,2\n",
		"twice":        "timestamp,run_id,duration,emissions,energy_consumed,duration\n",
		"a quote open": "\"timestamp,run_id\n",
		"JSON":         `{"timestamp": 1}`,
		"no text":      "\xff\xfe\n",
		"one long":     strings.Repeat("a", 1<<20),
	} {
		rows, _, err := readRows(text)
		assert.Empty(t, rows, name)
		assert.Error(t, err, name)
	}
}

func TestALineThatIsTooLongIsSkippedInBoundedMemory(t *testing.T) {
	whole := csvOf(t, codeCarbonColumns, lineOf(codeCarbonColumns, nil))
	long := "2026-" + strings.Repeat("x", 300<<10) + "\n"
	rows, skipped, err := readRows(whole + long + whole)
	require.NoError(t, err)
	assert.Len(t, rows, 2, "the names of the columns may be there again")
	require.Len(t, skipped, 1)
	assert.Equal(t, 3, skipped[0].Line)
	assert.Equal(t, 5, rows[1].Line)
}

func TestWindowsAndExcelLeaveTheirMarks(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(csvOf(t, codeCarbonColumns, lineOf(codeCarbonColumns, nil)), "\n", "\r\n") + "\r\n"
	rows, skipped, err := readRows(text)
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Len(t, rows, 1)
	assert.Equal(t, "digits, again", rows[0].text("project_name"), "a field in quotation marks has a comma")
}

func FuzzReadCodeCarbon(f *testing.F) {
	for _, columns := range columnsSince() {
		f.Add(csvOf(f, columns, lineOf(columns, nil)))
	}
	f.Add("timestamp,run_id,duration,emissions,energy_consumed\n2026-03-02T11:30:00,a,1,1,1\n\"2026\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, _, _ := readRows(text)
		for _, row := range rows[:min(len(rows), 20)] {
			imp, err := row.Record()
			if err != nil {
				continue
			}
			require.Empty(t, errorsIn(imp.Record))
			var out bytes.Buffer
			_, err = CodeCarbon(&out, imp.Record, Options{})
			require.NoError(t, err)
			again, skipped, err := readRows(out.String())
			require.NoError(t, err)
			require.Empty(t, skipped)
			require.Len(t, again, 1)
			require.InDelta(t, row.FacilityEnergyJ, again[0].FacilityEnergyJ, 1e-9*row.FacilityEnergyJ)
		}
	})
}

// generated is a file of lines that differ, without end: lines of it are made
// as they are read.
type generated struct {
	line, left []byte
	n, lines   int
}

func newGenerated(b *testing.B, lines int) *generated {
	text := csvOf(b, codeCarbonColumns)
	return &generated{left: []byte(text), line: []byte(csvOf(b, lineOf(codeCarbonColumns, nil))), lines: lines}
}

func (g *generated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(g.left) == 0 {
			if g.n == g.lines {
				return n, io.EOF
			}
			g.n++
			strconv.AppendInt(g.line[:17], int64(10+g.n%50), 10) // a second of the time: no line is the one before
			g.left = g.line
		}
		k := copy(p[n:], g.left)
		n, g.left = n+k, g.left[k:]
	}
	return n, nil
}

// BenchmarkReadCodeCarbon reads rows: every figure of a line checked and taken,
// no record made.
func BenchmarkReadCodeCarbon(b *testing.B) {
	g := newGenerated(b, b.N)
	b.SetBytes(int64(len(g.line)))
	b.ReportAllocs()
	for _, err := range ReadCodeCarbon(g) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCodeCarbonRecord makes the whole record of a row, assessed and
// checked, too.
func BenchmarkCodeCarbonRecord(b *testing.B) {
	g := newGenerated(b, b.N)
	b.SetBytes(int64(len(g.line)))
	b.ReportAllocs()
	for row, err := range ReadCodeCarbon(g) {
		if err != nil {
			b.Fatal(err)
		}
		if _, err := row.Record(); err != nil {
			b.Fatal(err)
		}
	}
}
