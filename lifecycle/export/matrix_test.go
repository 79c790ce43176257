package export

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// matrixOptions answers what a format may ask for, with single spans of the record.
func matrixOptions(r *lifecycle.Record) Options {
	var spans bytes.Buffer
	enc := json.NewEncoder(&spans)
	for i, s := range r.Spans[:min(len(r.Spans), 20)] {
		at := r.Run.DurationS * float64(i) / 20
		_ = enc.Encode(timeline.Span{Path: s.Path, Stage: s.Stage, BeginS: at, EndS: at + r.Run.DurationS/20})
	}
	return Options{
		Task: "classification", DataType: "image", Infrastructure: "on-premise", ModelName: "a-model", ModelVersion: "1", Spans: &spans,
	}
}

// matrixOutcome is what became of one record in one format.
type matrixOutcome struct {
	text   []byte
	losses []Loss
	asked  bool // without options the format had to ask
}

// tryFormat writes a record without options and with all that a format may ask
// for, and holds it to what every format must do.
func tryFormat(f Format, r *lifecycle.Record, twice bool) (o matrixOutcome, err error) {
	write := func(options Options) error {
		var text bytes.Buffer
		losses, err := f.Write(&text, r, options)
		o.text, o.losses = text.Bytes(), losses
		return err
	}
	var asks *InputError
	switch err := write(Options{}); {
	case errors.As(err, &asks):
		o.asked = true
		if len(asks.Inputs) == 0 || asks.Format == "" {
			return o, fmt.Errorf("it asks for nothing: %w", err)
		}
		options := reflect.ValueOf(Options{})
		for _, in := range asks.Inputs {
			if !options.FieldByName(in.Option).IsValid() || in.Want == "" || !strings.HasPrefix(in.Path, "/") {
				return o, fmt.Errorf("it does not say how to tell %+v", in)
			}
		}
	case err != nil:
		return o, fmt.Errorf("without options: %w", err)
	}
	if err := write(matrixOptions(r)); err != nil {
		return o, fmt.Errorf("with all that may be asked for: %w", err)
	}
	if len(o.text) == 0 {
		return o, errors.New("nothing was written")
	}
	if twice {
		first := o
		if err := write(matrixOptions(r)); err != nil {
			return o, err
		}
		if !bytes.Equal(first.text, o.text) || !slices.Equal(first.losses, o.losses) {
			return o, errors.New("the same record gives other bytes")
		}
	}
	return o, nil
}

// shapes check a text by the end of its file's name.
var shapes = map[string]func([]byte) error{
	"json": func(text []byte) error {
		var v any
		d := json.NewDecoder(bytes.NewReader(text))
		if err := d.Decode(&v); err != nil {
			return err
		}
		if _, err := d.Token(); err != io.EOF {
			return errors.New("text follows the JSON")
		}
		return nil
	},
	"csv": func(text []byte) error {
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err == nil && len(rows) < 2 {
			err = errors.New("the table has no row")
		}
		return err
	},
	"jsonl": func(text []byte) error {
		for i, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
			if !json.Valid(line) {
				return fmt.Errorf("line %d is no JSON", i+1)
			}
		}
		return nil
	},
	"gz": func(text []byte) error {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			_, err = io.Copy(io.Discard, z)
		}
		return err
	},
	"md":  utf8Text,
	"txt": utf8Text,
}

func utf8Text(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("the text is not UTF-8")
	}
	return nil
}

// plainNumbers are the formats whose numbers may have no exponent.
var plainNumbers = []string{"cyclonedx", "cyclonedx-1.6"}

// refuses are the records that a format cannot hold at all.
var refuses = map[string]func(*lifecycle.Record) bool{
	"otlp-metrics": withoutTimes,
	"otlp-traces":  withoutTimes,
	"trace":        withoutTimes,
}

func withoutTimes(r *lifecycle.Record) bool { return r.Run.Status == lifecycle.Estimated }

// elsewhere are values that are in a text without being read from the record:
// single spans tell them.
var elsewhere = map[string]*regexp.Regexp{
	"otlp-traces": regexp.MustCompile(`^/spans/[0-9]+/(count|failed|open|total_s|min_s|p50_s|p95_s|p99_s|max_s)$`),
	"trace":       regexp.MustCompile(`^/spans/[0-9]+/(count|failed|open|total_s|min_s|p50_s|p95_s|p99_s|max_s)$`),
}

// official are validators by the beginning of a format's name, with the schemas
// that its standard publishes.
var official = map[string]func(testing.TB) func([]byte) error{
	"boamps":    officialBoAmps,
	"cyclonedx": officialCycloneDX,
	"spdx":      officialSPDX,
}

// leaves are the values of a record that hold no others, by JSON Pointer. A list
// or map of the schema that is empty tells nothing; in an extension it may.
func leaves(t testing.TB, r *lifecycle.Record) map[string]any {
	var text bytes.Buffer
	require.NoError(t, lifecycle.Encode(&text, r))
	d := json.NewDecoder(&text)
	d.UseNumber()
	var tree any
	require.NoError(t, d.Decode(&tree))
	all := map[string]any{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, m := range v {
				walk(at+"/"+escape(k), m)
			}
			if len(v) == 0 && at != "/extensions" {
				all[at] = v
			}
		case []any:
			for i, m := range v {
				walk(at+"/"+strconv.Itoa(i), m)
			}
			if len(v) == 0 && strings.HasPrefix(at, "/extensions/") {
				all[at] = v
			}
		default:
			all[at] = v
		}
	}
	walk("", tree)
	return all
}

// ancestors calls f with a pointer and with those of all that it is in, from
// the inside out, until f says to stop.
func ancestors(p string, f func(string) bool) {
	for f(p) && p != "" {
		p = p[:strings.LastIndexByte(p, '/')]
	}
}

// checkLosses requires that each loss leads to something that is in the record,
// and to nothing that another one tells of, but for those that say why: what is
// only rounded may have parts that are lost. It returns the leaves that are kept.
func checkLosses(t testing.TB, leaves []string, losses []Loss) (kept []string) {
	t.Helper()
	lost, partly := map[string]bool{}, map[string]bool{}
	for _, l := range losses {
		require.False(t, lost[l.Path], "%s is told twice", l.Path)
		lost[l.Path], partly[l.Path] = true, l.Why != ""
	}
	used := map[string]bool{}
	for _, p := range leaves {
		var above []string
		ancestors(p, func(a string) bool {
			if lost[a] {
				above = append(above, a)
			}
			return true
		})
		whole := slices.DeleteFunc(slices.Clone(above), func(a string) bool { return partly[a] })
		if len(whole) > 1 { // a call of testify for each leaf would take most of the time
			t.Fatalf("losses of the same leaf %s: %v", p, whole)
		}
		if len(above) == 0 {
			kept = append(kept, p)
		}
		for _, a := range above {
			used[a] = true
		}
	}
	for p := range lost {
		require.True(t, used[p], "%q leads to nothing in the record", p)
	}
	return kept
}

// digitsRecord is that of a run of examples/digits, without what tells of its
// host.
func digitsRecord(t testing.TB) *lifecycle.Record { return decodeFile(t, "testdata/digits.json") }

func decodeFile(t testing.TB, path string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

// noNumber is what a number must never be. Records whose texts are not made to
// look like it show it.
var noNumber = regexp.MustCompile(`\bNaN\b|[+-]Inf\b|%!`)

var exponent = regexp.MustCompile(`[:,\[\s]-?[0-9.]+[eE][-+]?[0-9]+[,}\]\s]`)

// TestMatrixOfFormats tries each format on the example of the contract, the
// small record, one of examples/digits, and many made by chance; -v shows what
// came of it.
func TestMatrixOfFormats(t *testing.T) {
	type named struct {
		name     string
		r        *lifecycle.Record
		document string
		leaves   []string
	}
	var ordinary, random []named
	of := func(name string, r *lifecycle.Record) named {
		return named{name, r, document(t, r), slices.Sorted(mapKeys(leaves(t, r)))}
	}
	ordinary = append(ordinary, of("small", exampleRecord(t)), of("digits", digitsRecord(t)))
	t.Run("example", func(t *testing.T) {
		r, err := lifecycle.Decode(bytes.NewReader(reference(t, "record-example.json")))
		require.NoError(t, err)
		ordinary = append(ordinary, of("example", r))
	})
	for seed := range race.Few(uint64(64)) {
		random = append(random, of(fmt.Sprint("random ", seed), recordtest.Random(seed)))
	}

	lines := make([]string, len(Formats()))
	t.Run("formats", func(t *testing.T) {
		for i, f := range Formats() {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				var schema func([]byte) error
				for prefix, of := range official {
					if strings.HasPrefix(f.Name, prefix) {
						schema = of(t)
					}
				}
				var asked, refused, back, failed int
				var losses []int
				for k, n := range slices.Concat(ordinary, random) {
					o, err := tryFormat(f, n.r, k%8 < len(ordinary))
					if no := refuses[f.Name]; err != nil && no != nil && no(n.r) {
						refused++
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", n.name, err)
						if failed++; failed == 5 {
							t.FailNow()
						}
						continue
					}
					if o.asked {
						asked++
					}
					shape := shapes[f.Extension[strings.LastIndexByte(f.Extension, '.')+1:]]
					if shape != nil {
						require.NoError(t, shape(o.text), "%s:\n%s", n.name, o.text[:min(len(o.text), 2000)])
					}
					if schema != nil {
						assert.NoError(t, schema(o.text), n.name)
					}
					if k < len(ordinary) && shape != nil {
						require.NotRegexp(t, noNumber, string(o.text), n.name)
						if slices.Contains(plainNumbers, f.Name) {
							require.NotRegexp(t, exponent, string(o.text), n.name)
						}
					}
					if read := backs[f.Name]; read != nil {
						require.NoError(t, read(n.r, o.text), n.name)
						back++
					}
					checkLosses(t, n.leaves, o.losses)
					losses = append(losses, len(o.losses))
				}
				if t.Failed() {
					return
				}
				slices.Sort(losses)
				share := func(yes bool, n int) string {
					if !yes {
						return "-"
					}
					return fmt.Sprintf("%d of %d", n, len(losses))
				}
				lines[i] = fmt.Sprintf("%-14s %-12s %10s %8d  %-15s %-12s %6d %6d", f.Name, f.Extension, share(true, asked), refused,
					share(schema != nil, len(losses)), share(backs[f.Name] != nil, back), losses[len(losses)/2], losses[len(losses)-1])
			})
		}
	})
	for _, n := range slices.Concat(ordinary, random) {
		require.True(t, n.document == document(t, n.r), "a format changed %s", n.name)
	}
	t.Logf("%d records (%d by chance)\n%-14s %-12s %10s %8s  %-15s %-12s %6s %6s\n%s", len(ordinary)+len(random), len(random),
		"format", "file", "had to ask", "refused", "official schema", "round trip", "losses", "most", strings.Join(lines, "\n"))
}

func document(t testing.TB, r *lifecycle.Record) string {
	var text bytes.Buffer
	require.NoError(t, lifecycle.Encode(&text, r))
	return text.String()
}

// What a format is said to hold must be in it: with another value it is another
// text. One value of each kind is tried.
func TestWhatAFormatHoldsIsInIt(t *testing.T) {
	r := exampleRecord(t)
	all := leaves(t, r)
	paths := slices.Sorted(mapKeys(all))
	index := regexp.MustCompile(`/[0-9]+`)
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			options := matrixOptions(r)
			options.Bare = true
			spans, err := io.ReadAll(options.Spans)
			require.NoError(t, err)
			write := func(r *lifecycle.Record) (string, []Loss, error) {
				var text bytes.Buffer
				options.Spans = bytes.NewReader(spans)
				losses, err := f.Write(&text, r, options)
				return text.String(), losses, err
			}
			was, losses, err := write(r)
			require.NoError(t, err)
			var silent []string
			tried := map[string]bool{}
			for _, p := range checkLosses(t, paths, losses) {
				kind := index.ReplaceAllString(p, "/*")
				if in := elsewhere[f.Name]; tried[kind] || kind == "/phases/*/phase" || in != nil && in.MatchString(p) { // the phase is a part of the stage
					continue
				}
				tried[kind] = true
				other, err := lifecycle.Decode(bytes.NewReader(withLeaf(t, r, p, all[p])))
				if err != nil {
					continue // no record may have another
				}
				if is, _, err := write(other); err == nil && is == was {
					silent = append(silent, p)
				}
			}
			assert.Empty(t, silent, "%s is said to hold these, and with others it is the same text", f.Name)
		})
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// withLeaf is a record with another value of a leaf.
func withLeaf(t testing.TB, r *lifecycle.Record, pointer string, value any) []byte {
	var text bytes.Buffer
	require.NoError(t, lifecycle.Encode(&text, r))
	var root any
	d := json.NewDecoder(&text)
	d.UseNumber()
	require.NoError(t, d.Decode(&root))
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	at := root
	steps := strings.Split(pointer[1:], "/")
	for i, step := range steps {
		var put func(any)
		switch v := at.(type) {
		case map[string]any:
			step = unescape.Replace(step)
			at, put = v[step], func(x any) { v[step] = x }
		case []any:
			k, err := strconv.Atoi(step)
			require.NoError(t, err)
			at, put = v[k], func(x any) { v[k] = x }
		}
		if i == len(steps)-1 {
			put(otherThan(value))
		}
	}
	out, err := json.Marshal(root)
	require.NoError(t, err)
	return out
}

// otherThan is a value of the same kind that is no likely rounding of it.
func otherThan(value any) any {
	switch v := value.(type) {
	case bool:
		return !v
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n*3 + 7
		}
		x, _ := v.Float64()
		return x*3.7 + 0.613
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Add(-time.Hour).Format(time.RFC3339Nano)
		}
		return v + "x"
	}
	return value
}

// What is held and what is lost are together all that there is, and what is
// lost is told as far up as it is lost whole.
func TestHeldAndLostAreAllThereIs(t *testing.T) {
	for seed := range race.Few(uint64(24)) {
		r := recordtest.Random(seed)
		all := slices.Sorted(mapKeys(leaves(t, r)))
		for _, every := range []int{1, 2, 10, len(all)} {
			var h holding
			var held []string
			for i, p := range all {
				if (i+int(seed))%every == 0 {
					held = append(held, p)
				}
			}
			h.hold(held...)
			losses := h.lost(r)
			require.Equal(t, held, checkLosses(t, all, losses), "record %d", seed)
			keeps := map[string]bool{}
			for _, p := range held {
				ancestors(p, func(a string) bool { keeps[a] = true; return true })
			}
			for _, l := range losses {
				if cut := strings.LastIndexByte(l.Path, '/'); cut >= 0 {
					require.True(t, keeps[l.Path[:cut]], "record %d: all of %s is lost, not only %s", seed, l.Path[:cut], l.Path)
				}
			}
		}
	}
}

func TestFormatsAreInOrderAndTellWhatTheyAre(t *testing.T) {
	list := Formats()
	assert.True(t, slices.IsSortedFunc(list, func(a, b Format) int { return cmp.Compare(a.Name, b.Name) }), "by name")
	for i, f := range list {
		assert.Regexp(t, `^[a-z0-9][a-z0-9.-]*$`, f.Name)
		assert.Regexp(t, `^[.][a-z0-9.]+$`, f.Extension, f.Name)
		assert.NotEmpty(t, f.What, f.Name)
		assert.NotContains(t, f.What, "\n", f.Name)
		assert.NotNil(t, f.Write, f.Name)
		assert.False(t, i > 0 && list[i-1].Name == f.Name, "%s is there twice", f.Name)
	}
}
