package dataset_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zst(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

func tarOf(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644}))
		_, err := io.WriteString(w, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

// Whatever the layout and the packing, the same records count.
func TestRecordsAreReadInAnyLayout(t *testing.T) {
	j := host(20)
	var pretty, lines, indented []string
	var ids []string
	for range 5 {
		r := j.next(t)
		ids = append(ids, r.Run.ID)
		pretty, lines = append(pretty, text(t, r)), append(lines, lineOf(t, r))
		var b bytes.Buffer
		require.NoError(t, json.Indent(&b, []byte(lines[len(lines)-1]), "", "    "))
		indented = append(indented, b.String())
	}
	canonical, err := host(20).alone(t, 0, 100).Canonical()
	require.NoError(t, err)
	all := strings.Join(lines, "")
	crlf := strings.ReplaceAll(all, "\n", "\r\n")
	var escaped strings.Builder
	for _, l := range lines {
		escaped.WriteString(strings.Replace(l, `"run"`, `"\u0072un"`, 1))
	}
	for name, content := range map[string]string{
		"lines.ndjson":        all,
		"lines.json":          all,
		"crlf.ndjson":         crlf,
		"bom.ndjson":          "\xEF\xBB\xBF" + all,
		"blank lines.ndjson":  "\n \n" + strings.ReplaceAll(all, "\n", "\n\n\t\n"),
		"no line end.jsonl":   strings.TrimSuffix(all, "\n"),
		"pretty.json":         strings.Join(pretty, ""),
		"indented.json":       strings.Join(indented, "\n"),
		"together.json":       strings.Join(indented, ""),
		"list.json":           "[" + strings.Join(indented, ",") + "]",
		"list of lines.json":  "[\n" + strings.Join(lines, ",") + "]\n",
		"list on a line.json": "[" + strings.ReplaceAll(strings.Join(lines, ","), "\n", "") + "]",
		"unusual names.json":  escaped.String(),
		"lines.json.gz":       gz(t, all),
		"members.json.gz":     gz(t, lines[0]+lines[1]) + gz(t, lines[2]+lines[3]+lines[4]),
		"lines.ndjson.zst":    zst(t, all),
		"frames.zst":          zst(t, lines[0]+lines[1]) + zst(t, lines[2]+lines[3]+lines[4]),
		"a.tar":               tarOf(t, "a/1.json", pretty[0], "a/2.ndjson", lines[1]+lines[2], "b.json.gz", gz(t, pretty[3]), "c.tar", tarOf(t, "d.json", indented[4]), "README.md", "# hello", ".hidden.json", "{"),
		"a.tgz":               gz(t, tarOf(t, "1.json", pretty[0], "2.ndjson", lines[1]+lines[2], "3.json", pretty[3], "4.tar.zst", zst(t, tarOf(t, "d.json", indented[4])))),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder(t, map[string]string{name: content}), name)
			o := reading(t, dataset.Reader{}, path)
			assert.ElementsMatch(t, ids, o.ids())
			assert.True(t, o.Sound(), "%+v", o.refused)

			o = reading(t, dataset.Reader{Stdin: strings.NewReader(content), Workers: 1}, "-")
			assert.ElementsMatch(t, ids, o.ids(), "from standard input")
		})
	}
	o := reading(t, dataset.Reader{}, filepath.Join(folder(t, map[string]string{"c.json": string(canonical)}), "c.json"))
	assert.EqualValues(t, 1, o.Counted, "with members in another order")
}

// One bad thing among good ones is told, with its place, and the good ones count.
func TestBadInputIsToldAndTheRestCounts(t *testing.T) {
	j := host(21)
	good := lineOf(t, j.next(t))
	other := lineOf(t, j.next(t))
	wrong := lineOf(t, edited(t, j.next(t), func(r *lifecycle.Record) { r.Totals.EnergyJ.Value *= 2 }))
	kWh := lineOf(t, edited(t, j.next(t), func(r *lifecycle.Record) {
		for i := range r.Ledger {
			r.Ledger[i].TotalJ /= 3.6e6
		}
	}))
	long := `{"schema":"` + strings.Repeat("x", 3<<20) + `"}` + "\n"
	deep := strings.Repeat(`{"a":[`, 1<<20) + "\n"
	for name, c := range map[string]struct {
		file, content string
		reason        dataset.Reason
		line          int64
		says          string
		counts        int
	}{
		"an invalid record":      {"a.ndjson", good + wrong + other, dataset.Invalid, 2, "energy_j", 2},
		"kWh instead of joules":  {"a.ndjson", good + "\n" + kWh + other, dataset.Invalid, 3, "kWh where joules belong", 2},
		"a line of text":         {"a.ndjson", "hello\n" + good + other, dataset.NoRecord, 1, "JSON", 2},
		"a cut off line":         {"a.json", good[:500] + "\n" + good + other, dataset.NoRecord, 1, "truncated", 2},
		"a cut off end":          {"a.json", good + other[:len(other)/2], dataset.NoRecord, 2, "truncated", 1},
		"a long line":            {"a.ndjson", good + long + other, dataset.TooLarge, 2, "longer than 1 MiB", 2},
		"a long value":           {"a.json", "{\n}\n" + long + other, dataset.TooLarge, 3, "longer than 1 MiB", 1},
		"a deep line":            {"a.ndjson", good + deep + other, dataset.TooLarge, 2, "longer than 1 MiB", 2},
		"a less deep line":       {"a.ndjson", good + deep[:6000] + "\n" + other, dataset.NoRecord, 2, "nest", 2},
		"another schema":         {"a.ndjson", good + strings.Replace(other, "record:v1", "record:v7", 1), dataset.NoRecord, 2, "later version", 1},
		"a list that is cut":     {"a.json", "[" + good + ",\n" + strings.TrimSuffix(other, "\n"), dataset.Damaged, 3, "cut off", 2},
		"half a list":            {"a.json", "[" + good + ",\n" + other[:900], dataset.NoRecord, 3, "truncated", 1},
		"words in a list":        {"a.json", "[" + good + ",\nnull,\n" + other + "]", dataset.NoRecord, 3, "no record", 2},
		"a binary file":          {"a.json", "\x00\x01\x02", dataset.NoRecord, 0, "no text", 0},
		"UTF-16":                 {"a.json", "\xFF\xFE{\x00}\x00", dataset.NoRecord, 0, "UTF-16", 0},
		"a Parquet table":        {"a.json", "PAR1....", dataset.NoRecord, 0, "Parquet", 0},
		"a zip archive":          {"a.json", "PK\x03\x04....", dataset.NoRecord, 0, "unpack it first", 0},
		"an empty file":          {"a.json", "", dataset.NoRecord, 0, "empty", 0},
		"a cut off gzip":         {"a.ndjson.gz", gz(t, good+other)[:len(gz(t, good+other))-9], dataset.Damaged, 3, "cut off", 2},
		"a broken zstd":          {"a.ndjson.zst", zst(t, good+other)[:40], dataset.Damaged, 0, "cut off", 0},
		"a cut off tar":          {"a.tar", tarOf(t, "1.json", good, "2.json", other)[:2048+len(good)], dataset.Damaged, 1, "cut off", 1},
		"a broken file in a tar": {"a.tar", tarOf(t, "1.json", good, "2.json.gz", "\x1F\x8B\x00is no header", "3.json", other), dataset.Damaged, 0, "damaged", 2},
		"archives in archives":   {"a.tar", tarOf(t, "1.json", good, "2.tar", tarOf(t, "3.tar", tarOf(t, "4.tar", tarOf(t, "5.tar", tarOf(t, "6.json", other))))), dataset.TooLarge, 0, "more than 4 deep", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{c.file: c.content})
			quarantine := filepath.Join(t.TempDir(), "bad")
			o := reading(t, dataset.Reader{MaxRecord: 1 << 20, Quarantine: quarantine}, dir)
			assert.EqualValues(t, c.counts, o.Counted)
			require.NotEmpty(t, o.refused)
			bad := o.refused[len(o.refused)-1]
			if name == "a long value" {
				assert.Len(t, o.refused, 2, "the empty object too")
			} else {
				assert.Len(t, o.refused, 1)
			}
			assert.Equal(t, filepath.Join(dir, c.file), bad.Path)
			assert.Equal(t, c.reason, bad.Reason, bad.Text)
			assert.Equal(t, c.line, bad.Line, bad.Text)
			assert.Contains(t, bad.Text, c.says)
			if bad.File != "" {
				kept, err := os.ReadFile(filepath.Join(quarantine, bad.File))
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(c.content[bad.Offset:], string(kept)), "the copy is what is at the place")
			}
			list, err := os.ReadFile(filepath.Join(quarantine, "refused.log"))
			require.NoError(t, err)
			var listed dataset.Refusal
			require.NoError(t, json.Unmarshal(bytes.Split(list, []byte("\n"))[len(o.refused)-1], &listed))
			assert.Equal(t, bad, listed)
		})
	}
}

// What a folder has that is no business of a data set.
func TestAFolderMayHoldOtherThings(t *testing.T) {
	j := host(22)
	dir := folder(t, map[string]string{
		"a.json": text(t, j.next(t)), "deep/er/b.json": text(t, j.next(t)), "README.md": "hi", "package.json": `{"name":"x"}`,
		".hidden.json": "{", "c.json.tmp": "{", ".git/d.json": "{", "run.lock": "",
	})
	o := reading(t, dataset.Reader{}, dir)
	assert.EqualValues(t, 2, o.Counted)
	assert.EqualValues(t, 2, o.Skipped, "README.md and package.json")
	assert.True(t, o.Sound())

	o = reading(t, dataset.Reader{}, filepath.Join(dir, "package.json"), filepath.Join(dir, "nowhere"))
	assert.Len(t, o.refused, 2, "what is named must be a record")
	assert.False(t, o.Sound())
}

// A bomb is ended, however it is packed, and in little memory.
func TestBombsAreEnded(t *testing.T) {
	j := host(23)
	good := lineOf(t, j.next(t))
	zeros := func(n int64, to func(io.Writer) io.WriteCloser) string {
		var b bytes.Buffer
		w := to(&b)
		_, err := io.WriteString(w, good)
		require.NoError(t, err)
		buf := make([]byte, 1<<20)
		for ; n > 0; n -= int64(len(buf)) {
			_, err := w.Write(buf)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return b.String()
	}
	gzip := func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed); return z }
	zstd := func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }
	for name, content := range map[string]string{"a.ndjson.gz": zeros(40<<20, gzip), "a.ndjson.zst": zeros(40<<20, zstd), "a.tar.gz": gz(t, tarOf(t, "a.json", good, "b.json", strings.Repeat("\x00", 20<<20)))} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder(t, map[string]string{name: content}), name)
			o := reading(t, dataset.Reader{MaxUnpacked: 10 << 20, MaxRecord: 1 << 20}, path)
			assert.EqualValues(t, 1, o.Counted, "what comes before counts")
			require.NotEmpty(t, o.refused)
			last := o.refused[len(o.refused)-1]
			assert.Contains(t, last.Text, "more than 10 MiB")
			assert.Equal(t, dataset.TooLarge, last.Reason)
		})
	}
}

// A line of any length is passed over, in the memory of a few blocks.
func TestALineLargerThanMemoryIsPassedOver(t *testing.T) {
	j := host(24)
	path := filepath.Join(t.TempDir(), "a.ndjson")
	f, err := os.Create(path)
	require.NoError(t, err)
	good := lineOf(t, j.next(t))
	last := lineOf(t, j.next(t))
	const hole = 300 << 20
	_, err = f.WriteAt([]byte(good), 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("\n"+last), int64(len(good))+hole)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := reading(t, dataset.Reader{MaxRecord: 1 << 20, Workers: 2}, path)
	runtime.ReadMemStats(&after)
	assert.EqualValues(t, 2, o.Counted)
	require.Len(t, o.refused, 1)
	assert.Equal(t, dataset.TooLarge, o.refused[0].Reason)
	assert.EqualValues(t, 2, o.refused[0].Line)
	assert.EqualValues(t, len(good), o.refused[0].Offset)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
}

// Large files are read by all workers at once, and lines are still numbered.
func TestPlacesInLargeFilesAreRight(t *testing.T) {
	j := host(25)
	var b strings.Builder
	want := map[int64]int64{} // line by offset
	var ids []string
	line := int64(1)
	for i := range 700 {
		switch {
		case i%50 == 7:
			want[int64(b.Len())] = line
			fmt.Fprintf(&b, "{\"bad\": %d}\n", i)
		case i%90 == 3:
			b.WriteString("\n\n")
			line++
		default:
			r := j.next(t)
			ids = append(ids, r.Run.ID)
			b.WriteString(lineOf(t, r))
		}
		line++
	}
	require.Greater(t, b.Len(), 4<<20)
	for name, content := range map[string]string{"a.ndjson": b.String(), "a.ndjson.gz": gz(t, b.String())} {
		o := reading(t, dataset.Reader{Workers: 3}, filepath.Join(folder(t, map[string]string{name: content}), name))
		assert.ElementsMatch(t, ids, o.ids())
		got := map[int64]int64{}
		for _, bad := range o.refused {
			got[bad.Offset] = bad.Line
		}
		assert.Equal(t, want, got, name)
	}
}
