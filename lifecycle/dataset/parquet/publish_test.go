package parquet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	library "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/publish"
)

func publication() publish.Publication {
	return publish.Publication{
		Name: "Runs of a test", Licence: "CC-BY-4.0", URL: "https://example.org/runs", Creators: []string{"Example & Co."},
		Date: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Redacting: lifecycle.Redacting{Salt: bytes.Repeat([]byte{7}, 32)},
		Table: func(w io.Writer) publish.TableWriter { return parquet.NewWriter(w) },
	}
}

// mixed writes records of all levels of confidentiality into a file, and
// returns them.
func mixed(t *testing.T, dir string, n int) (records []*lifecycle.Record) {
	var text bytes.Buffer
	for seed := range uint64(n) {
		r := recordtest.Random(seed)
		records = append(records, r)
		require.NoError(t, lifecycle.EncodeLine(&text, r))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "records.ndjson"), text.Bytes(), 0o600))
	return records
}

// unpacked are all bytes of a folder, those of compressed records in plain.
func unpacked(t *testing.T, dir string) map[string][]byte {
	files := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = b
		return err
	}))
	z, err := zstd.NewReader(bytes.NewReader(files[publish.RecordsFile]))
	require.NoError(t, err)
	defer z.Close()
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	files["(records)"] = plain
	rows, err := read(filepath.Join(dir, publish.TableFile))
	require.NoError(t, err)
	var csv bytes.Buffer
	w := dataset.NewCSVWriter(&csv)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Flush())
	files["(table)"] = csv.Bytes()
	return files
}

func TestAPublishedFolderTellsNothingPrivate(t *testing.T) {
	dir := t.TempDir()
	n := 1000
	if testing.Short() || race.On {
		n = 150
	}
	records := mixed(t, dir, n)
	out := filepath.Join(dir, "public")
	p := publication()
	p.Internal = true
	reader := dataset.Reader{Estimates: true, Running: true, Now: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}
	result, err := p.Publish(context.Background(), reader, []string{filepath.Join(dir, "records.ndjson")}, out)
	require.NoError(t, err)
	assert.Positive(t, result.Published)
	assert.Positive(t, result.LeftOut[publish.Private])
	t.Logf("read %d, published %d, left out %v, redacted %v, notes %d", result.Read.Counted, result.Published, result.LeftOut, result.Redacted, len(result.Notes))
	var left int64
	for _, n := range result.LeftOut {
		left += n
	}
	assert.Equal(t, result.Read.Counted, result.Published+left)

	files := unpacked(t, out)
	published := map[string]bool{}
	for _, line := range bytes.Split(bytes.TrimSpace(files["(records)"]), []byte("\n")) {
		r, err := lifecycle.Decode(bytes.NewReader(line))
		require.NoError(t, err)
		assert.Equal(t, "public", r.Publisher.Confidentiality)
		for _, f := range lifecycle.Validate(r) {
			assert.True(t, f.Warning, "%s", f)
		}
		published[r.Run.ID] = true
	}
	assert.Len(t, published, int(result.Published))

	secret := map[string]string{}
	for _, r := range records {
		if !published[r.Run.ID] { // a public record that was coarsened stays as it is
			secret[r.Run.ID] = "id of a run"
		}
		if r.Publisher.Confidentiality == "public" {
			continue
		}
		for _, h := range r.Hardware {
			for _, i := range h.Instance {
				secret[i] = "instance"
			}
		}
		secret[r.Run.TraceID] = "trace"
		for _, m := range r.Run.Merged {
			secret[m.ID], secret[m.Digest] = "shard", "digest"
		}
	}
	delete(secret, "")
	for name, text := range files {
		for _, word := range regexp.MustCompile(`[0-9a-fA-F-]{16,}`).FindAll(text, -1) {
			for _, n := range []int{16, 32, 36, 64} { // of an instance, a trace, a UUID, a digest
				for i := 0; i+n <= len(word); i++ {
					if what := secret[string(word[i:i+n])]; what != "" {
						t.Errorf("%s repeats the %s %q", name, what, word[i:i+n])
					}
				}
			}
		}
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing else is left beside the folder")
}

func TestAPublishedFolderIsReadBackByDuckDB(t *testing.T) {
	needDuckDB(t)
	dir := t.TempDir()
	mixed(t, dir, 150)
	out := filepath.Join(dir, "public")
	p := publication()
	p.Internal = true
	result, err := p.Publish(context.Background(), dataset.Reader{Now: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{dir}, out)
	require.NoError(t, err)
	answers := duck(t, out, query(t, "view-parquet"), "SELECT COUNT(*) AS n, COUNT(DISTINCT run_id) AS runs FROM flat", query(t, "by-stage-and-hardware"), query(t, "records"),
		"SELECT stage, SUM(energy_j) AS energy_j FROM flat GROUP BY stage ORDER BY stage",
		fmt.Sprintf("SELECT COUNT(*) AS n FROM read_json('%s', format = 'newline_delimited', maximum_object_size = 67108864)", publish.RecordsFile))
	n, _ := number(t, answers[1][0]["n"])
	assert.InDelta(t, float64(result.Rows), n, 0)
	n, _ = number(t, answers[1][0]["runs"])
	assert.LessOrEqual(t, n, float64(result.Published))
	n, _ = number(t, answers[5][0]["n"])
	assert.InDelta(t, float64(result.Published), n, 0)
	byStage := map[any]float64{}
	for _, row := range answers[3] {
		byStage[row["stage"]], _ = number(t, row["energy_j"])
	}
	require.NotEmpty(t, answers[4])
	for _, row := range answers[4] {
		if want, there := number(t, row["energy_j"]); there {
			assert.InEpsilon(t, want+1e-300, byStage[row["stage"]]+1e-300, 1e-9, "%s: table and records agree", row["stage"])
		}
	}
}

func TestTheCroissantDescriptionFollowsItsRules(t *testing.T) {
	dir := t.TempDir()
	mixed(t, dir, 60)
	out := filepath.Join(dir, "public")
	result, err := publication().Publish(context.Background(), dataset.Reader{Now: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{dir}, out)
	require.NoError(t, err)
	assert.Empty(t, slices.DeleteFunc(slices.Clone(result.Notes), func(n string) bool { return strings.Contains(n, "have the licence") }))
	text, err := os.ReadFile(filepath.Join(out, publish.CroissantFile))
	require.NoError(t, err)
	assert.Empty(t, croissantFindings(text, out))

	// The rules find what is wrong.
	for what, change := range map[string]func(m map[string]any){
		"no licence":          func(m map[string]any) { delete(m, "license") },
		"no version it knows": func(m map[string]any) { m["conformsTo"] = "http://mlcommons.org/croissant/9" },
		"a digest": func(m map[string]any) {
			m["distribution"].([]any)[0].(map[string]any)["sha256"] = strings.Repeat("0", 64)
		},
		"a file that is not":     func(m map[string]any) { m["distribution"].([]any)[1].(map[string]any)["contentUrl"] = "absent" },
		"a reference to nothing": func(m map[string]any) { m["distribution"].([]any)[0].(map[string]any)["@id"] = "other" },
		"a column that is not": func(m map[string]any) {
			field := m["recordSet"].([]any)[0].(map[string]any)["field"].([]any)[0].(map[string]any)
			field["source"].(map[string]any)["extract"] = map[string]any{"column": "absent"}
		},
		"a type": func(m map[string]any) {
			m["recordSet"].([]any)[0].(map[string]any)["field"].([]any)[0].(map[string]any)["dataType"] = "sc:Nothing"
		},
	} {
		var m map[string]any
		require.NoError(t, json.Unmarshal(text, &m))
		change(m)
		changed, err := json.Marshal(m)
		require.NoError(t, err)
		assert.NotEmpty(t, croissantFindings(changed, out), what)
	}
}

// croissantFindings checks a description as the validator of Croissant 1.0
// (mlcroissant) does: the properties that a data set must have, types, ids that
// are there once, references that resolve, digests of files, data types that
// readers know, columns that the files have, of the type that is told.
func croissantFindings(text []byte, dir string) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		return []string{err.Error()}
	}
	context, _ := d["@context"].(map[string]any)
	for term, iri := range map[string]string{"cr": "http://mlcommons.org/croissant/", "sc": "https://schema.org/", "dct": "http://purl.org/dc/terms/", "@vocab": "https://schema.org/", "conformsTo": "dct:conformsTo", "recordSet": "cr:recordSet"} {
		if context[term] != iri {
			say("@context: %s is not %s", term, iri)
		}
	}
	if d["@type"] != "sc:Dataset" || d["conformsTo"] != "http://mlcommons.org/croissant/1.0" {
		say("it is no data set of Croissant 1.0")
	}
	for _, name := range []string{"name", "description", "license", "url", "creator", "datePublished", "distribution", "recordSet", "version", "citeAs"} {
		if v, there := d[name]; !there || v == "" {
			say("property %s is required, or recommended", name)
		}
	}
	if v, _ := d["version"].(string); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
		say("version %q", v)
	}
	if _, err := time.Parse(time.DateOnly, fmt.Sprint(d["datePublished"])); err != nil {
		say("datePublished: %v", err)
	}
	ids := map[string]string{}
	seen := func(o map[string]any, is string) string {
		id, _ := o["@id"].(string)
		if id == "" || ids[id] != "" {
			say("@id %q is empty or there twice", id)
		}
		if o["@type"] != is {
			say("%s has type %v, not %s", id, o["@type"], is)
		}
		if name, _ := o["name"].(string); name == "" {
			say("%s has no name", id)
		}
		ids[id] = is
		return id
	}
	table := map[string]library.Kind{}
	for _, o := range list(d["distribution"]) {
		id := seen(o, "cr:FileObject")
		if o["encodingFormat"] == nil || o["contentUrl"] == nil || o["sha256"] == nil {
			say("%s lacks encodingFormat, contentUrl or sha256", id)
		}
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(o["contentUrl"])))
		if err != nil {
			say("%v", err)
			continue
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != o["sha256"] {
			say("%s has another digest", id)
		}
		if o["contentSize"] != fmt.Sprintf("%d B", len(b)) {
			say("%s has another size", id)
		}
		if o["encodingFormat"] == "application/x-parquet" {
			f, err := library.OpenFile(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				say("%v", err)
				continue
			}
			for _, field := range f.Schema().Fields() {
				kind := library.Kind(-1)
				if field.Leaf() {
					kind = field.Type().Kind()
				}
				table[field.Name()] = kind
			}
		}
	}
	described := map[string]bool{}
	var field func(o map[string]any, top bool)
	field = func(o map[string]any, top bool) {
		id := seen(o, "cr:Field")
		if o["description"] == nil {
			say("%s has no description", id)
		}
		parts := list(o["subField"])
		for _, part := range parts {
			field(part, false)
		}
		if len(parts) > 0 {
			described[fmt.Sprint(o["name"])] = true
			return
		}
		var types []string
		switch v := o["dataType"].(type) {
		case string:
			types = []string{v}
		case []any:
			for _, x := range v {
				types = append(types, fmt.Sprint(x))
			}
		}
		atomic := map[string][]library.Kind{"sc:Text": {library.ByteArray}, "sc:Float": {library.Double}, "sc:Integer": {library.Int64}, "sc:Date": {library.Int64}, "sc:Boolean": {library.Boolean}}
		i := slices.IndexFunc(types, func(s string) bool { return atomic[s] != nil })
		if i < 0 {
			say("%s has no data type that readers know: %v", id, types)
			return
		}
		source, _ := o["source"].(map[string]any)
		file, _ := source["fileObject"].(map[string]any)
		extract, _ := source["extract"].(map[string]any)
		column, _ := extract["column"].(string)
		if ids[fmt.Sprint(file["@id"])] != "cr:FileObject" {
			say("%s: its file %v is not there", id, file["@id"])
		}
		kind, there := table[column]
		if !there {
			say("%s: there is no column %q", id, column)
		} else if top && !slices.Contains(atomic[types[i]], kind) {
			say("%s: column %s is of type %s, not %s", id, column, kind, types[i])
		}
		if top {
			described[column] = true
		}
	}
	for _, set := range list(d["recordSet"]) {
		seen(set, "cr:RecordSet")
		for _, o := range list(set["field"]) {
			field(o, true)
		}
	}
	for column := range table {
		if !described[column] {
			say("column %s is not described", column)
		}
	}
	return found
}

// list is a list of objects, also of one.
func list(v any) (objects []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		for _, x := range v {
			if o, ok := x.(map[string]any); ok {
				objects = append(objects, o)
			}
		}
	}
	return objects
}
