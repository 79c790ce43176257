package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestARecordGoesOutAndComesBackAsItWas(t *testing.T) {
	r := measured(t)
	record, dir := file(t, r), t.TempDir()
	report, back := filepath.Join(dir, "report.json"), filepath.Join(dir, "back.json")
	out := call("", "export", "--to", "boamps", "--data-type", "audio", record, "-o", report)
	require.Zero(t, out.code, out.err)
	assert.Empty(t, out.out+out.err, "all of it is in the report")
	in := call("", "import", "--from", "boamps", report, "-o", back)
	require.Zero(t, in.code, in.err)
	assert.Equal(t, report+": 1 record in "+back+"\n", in.err)
	text, err := os.ReadFile(back)
	require.NoError(t, err)
	assert.Equal(t, string(encoded(t, r)), string(text))

	piped := call(call(string(encoded(t, r)), "export", "--to", "boamps", "--data-type", "audio", "-").out, "import", "--from", "boamps", "-")
	assert.Zero(t, piped.code, piped.err)
	assert.Equal(t, string(encoded(t, r)), piped.out)
}

func TestExportListsTheFormats(t *testing.T) {
	list := call("", "export", "--list")
	require.Zero(t, list.code)
	for _, f := range formats() {
		assert.Contains(t, list.out, f.Name)
		assert.Contains(t, list.out, f.What)
	}
	var listed []struct{ Name, What, Extension string }
	require.NoError(t, json.Unmarshal([]byte(call("", "export", "--list", "--json").out), &listed))
	assert.Len(t, listed, len(formats()))
}

func TestWhatAFormatNeedsIsAskedForByItsFlag(t *testing.T) {
	r := another(t, func(r *lifecycle.Record) {
		r.Environments[0].Infrastructure, r.Technology.ML.Task = "", ""
	})
	record := file(t, r)
	asked := call("", "export", "--to", "boamps", record)
	assert.Equal(t, 1, asked.code)
	assert.Empty(t, asked.out)
	assert.Contains(t, asked.err, "--task (")
	assert.Contains(t, asked.err, "--infrastructure (")
	assert.Contains(t, asked.err, "/environments/0/infrastructure of the record")

	told := call("", "export", "--to", "boamps", record, "--task", "audio-classification", "--infrastructure", "on-premise", "--data-type", "audio")
	assert.Zero(t, told.code, told.err)
	assert.Contains(t, told.out, `"infraType": "onPremise"`)

	wrong := call("", "export", "--to", "boamps", record, "--task", "x", "--infrastructure", "hovercraft", "--data-type", "audio")
	assert.Equal(t, 1, wrong.code)
	assert.Contains(t, wrong.err, `--infrastructure: "hovercraft" is none of desk, edge, on-premise, other, private-cloud, public-cloud`)
}

func TestSpansThatCannotBeReadAreToldByTheirFile(t *testing.T) {
	spans := filepath.Join(t.TempDir(), "run.spans.jsonl")
	require.NoError(t, os.WriteFile(spans, []byte("{}\n"), 0o644))
	r := call("", "export", "--to", "trace", "--spans", spans, file(t, measured(t)))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "ecotracer export: "+spans+": line 1: ")
}

func TestLossesAreCountedListedOrToldAsJSON(t *testing.T) {
	record, dir := file(t, measured(t)), t.TempDir()
	counted := call("", "export", "--to", "codecarbon", record)
	require.Zero(t, counted.code, counted.err)
	assert.Regexp(t, `^`+record+`: [0-9]+ parts of the record have no place in codecarbon; --losses lists them\n$`, counted.err)
	listed := call("", "export", "--to", "codecarbon", record, "--losses")
	assert.Contains(t, listed.err, "\n  /spans\n")
	assert.Equal(t, counted.out, listed.out)

	csv := filepath.Join(dir, "out.csv")
	asJSON := call("", "export", "--to", "codecarbon", record, "-o", csv, "--json")
	require.Zero(t, asJSON.code, asJSON.err)
	assert.Empty(t, asJSON.err)
	var told []exported
	require.NoError(t, json.Unmarshal([]byte(asJSON.out), &told))
	require.Len(t, told, 1)
	assert.Equal(t, csv, told[0].File)
	assert.Equal(t, strings.Count(listed.err, "\n")-1, len(told[0].Losses))
}

func TestSeveralRecordsGoIntoAFolder(t *testing.T) {
	dir := t.TempDir()
	var records []string
	for _, name := range []string{"a.json", "b.json"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, encoded(t, measured(t)), 0o644))
		records = append(records, path)
	}
	r := call("", append([]string{"export", "--to", "boamps", "--data-type", "audio", "-o", dir}, records...)...)
	require.Zero(t, r.code, r.err)
	assert.FileExists(t, filepath.Join(dir, "a.boamps.json"))
	assert.FileExists(t, filepath.Join(dir, "b.boamps.json"))
	assert.Equal(t, string(encoded(t, measured(t))), contentOf(t, records[0]), "no record is written over")

	for _, args := range [][]string{
		{"export", "--to", "boamps", "-o", records[0], records[0]},
		{"export", "--to", "boamps", "-o", dir, records[0], filepath.Join(dir, ".", "a.json")},
	} {
		r := call("", args...)
		assert.Equal(t, 2, r.code)
		assert.Contains(t, r.err, "would be overwritten")
	}
	assert.Equal(t, string(encoded(t, measured(t))), contentOf(t, records[0]))
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// emissions is a file of CodeCarbon 2.2 with two runs, and a line between them
// that was cut off.
const emissions = `timestamp,run_id,duration,emissions,energy_consumed,cpu_energy,country_iso_code,tracking_mode
2026-03-02T11:30:00,a,3600,0.07,1.25,1.25,FRA,machine
2026-03-02T11:30:00,a
2026-03-02T13:30:00,b,3600,0.14,2.5,2.5,FRA,machine
`

func TestLinesThatCannotBeReadAreToldAndTheOthersImported(t *testing.T) {
	dir := t.TempDir()
	path, records := filepath.Join(dir, "emissions.csv"), filepath.Join(dir, "records")+"/"
	require.NoError(t, os.WriteFile(path, []byte(emissions), 0o644))
	r := call("", "import", "--from", "codecarbon", path, "-o", records)
	assert.Equal(t, 1, r.code, "something was skipped")
	assert.Contains(t, r.err, "emissions.csv: line 3 is skipped: it has 2 fields and the file 8 columns")
	assert.Contains(t, r.err, "guess: /run/ended_at: the line tells local time without its zone: taken for UTC (2 records)\n")
	assert.Contains(t, r.err, "2 records in "+records+", 1 line skipped\n")
	files, err := recordsIn(records)
	require.NoError(t, err)
	require.Len(t, files, 2)
	assert.Zero(t, call("", append([]string{"validate"}, files...)...).code)

	again := call("", "import", "--from", "codecarbon", path, "-o", records)
	assert.Equal(t, r, again)
	same, err := recordsIn(records)
	require.NoError(t, err)
	assert.Equal(t, files, same, "the same file gives the same runs")

	lines := call(emissions, "import", "--from", "codecarbon", "-")
	assert.Equal(t, 2, strings.Count(lines.out, "\n"), "several records are a line each")
	for line := range strings.Lines(lines.out) {
		_, err := lifecycle.Decode(strings.NewReader(line))
		assert.NoError(t, err)
	}

	file := filepath.Join(dir, "records.jsonl")
	assert.Contains(t, call("", "import", "--from", "codecarbon", path, "-o", file).err, "2 records in "+file+", a line each (-o DIR/ makes them files")

	asJSON := call("", "import", "--from", "codecarbon", path, "-o", records, "--json")
	assert.Equal(t, 1, asJSON.code)
	assert.Empty(t, asJSON.err)
	told := strings.Split(strings.TrimSpace(asJSON.out), "\n")
	require.Len(t, told, 3)
	assert.Contains(t, told[0], `"where":"line 2"`)
	assert.Contains(t, told[1], `"where":"line 3","skipped":"it has 2 fields`)
}

func TestManyLinesAreToldInTheirOrder(t *testing.T) {
	header, rest, _ := strings.Cut(emissions, "\n")
	line, _, _ := strings.Cut(rest, "\n")
	out := filepath.Join(t.TempDir(), "records.jsonl")
	r := call(header+"\n"+strings.Repeat(line+"\nno,line\n", 100), "import", "--from", "codecarbon", "-", "-o", out, "--json")
	told := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, told, 200)
	for i, text := range told {
		assert.Contains(t, text, fmt.Sprintf(`{"where":"line %d",`, i+2))
		assert.Equal(t, i%2 == 1, strings.Contains(text, "skipped"))
	}
}

func TestAFileThatIsNoneLeavesNoRecord(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	for from, text := range map[string]string{"boamps": `{"task": 1}`, "codecarbon": "a,b\n1,2\n"} {
		r := call(text, "import", "--from", from, "-", "-o", out)
		assert.Equal(t, 1, r.code)
		assert.Contains(t, r.err, "ecotracer import: -: "+from+": ")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, entries)
	}
	r := call("", "import", "--from", "boamps", filepath.Join(dir, "none"))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "there is no such file")
}

func TestARecordIsAddedToABOMThatIsThere(t *testing.T) {
	record := file(t, measured(t))
	bom := filepath.Join(t.TempDir(), "bom.json")
	require.NoError(t, os.WriteFile(bom, []byte(`{
  "bomFormat": "CycloneDX", "specVersion": "1.7", "version": 3, "ours": true,
  "components": [{"type": "machine-learning-model", "name": "voices"}]
}`), 0o644))
	out := call("", "export", "--to", "cyclonedx", record, "--into", bom)
	require.Zero(t, out.code, out.err)
	assert.Empty(t, out.out)
	first, err := os.ReadFile(bom)
	require.NoError(t, err)
	var got struct {
		Version    int  `json:"version"`
		Ours       bool `json:"ours"`
		Components []struct{ ModelCard struct{ Considerations any } }
	}
	require.NoError(t, json.Unmarshal(first, &got))
	assert.Equal(t, 4, got.Version, "it is a new version of the BOM")
	assert.True(t, got.Ours, "what was there stays")
	assert.NotNil(t, got.Components[0].ModelCard.Considerations)
	require.Zero(t, call("", "export", "--to", "cyclonedx", record, "--into", bom).code)
	second, err := os.ReadFile(bom)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, second), "a second time changes nothing")

	back := call("", "import", "--from", "cyclonedx", bom)
	require.Zero(t, back.code, back.err)
	assert.Contains(t, back.out, `"urn:ecotracer:record:v1"`)

	for _, args := range [][]string{
		{"--to", "boamps", record, "--into", bom},
		{"--to", "cyclonedx", record, "--into", bom, "-o", "other.json"},
		{"--to", "cyclonedx", record, record, "--into", bom},
	} {
		assert.Equal(t, exitUsage, call("", append([]string{"export"}, args...)...).code, args)
	}
}
