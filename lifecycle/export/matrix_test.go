package export

import (
	"bytes"
	"cmp"
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

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// records are how many records by chance each format is tried on.
func records() uint64 {
	if raced || testing.Short() {
		return 25
	}
	return 200
}

// told answers what a format may ask for, with single spans of the record.
func told(r *lifecycle.Record) Options {
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

// outcome is what became of one record in one format.
type outcome struct {
	text   []byte
	losses []Loss
	asked  bool // without options the format had to ask
}

// export writes a record twice, without options and with all that a format may
// ask for, and holds it to what every format must do.
func (f *Format) export(r *lifecycle.Record) (o outcome, err error) {
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
	if err := write(told(r)); err != nil {
		return o, fmt.Errorf("with all that may be asked for: %w", err)
	}
	first := o
	if err := write(told(r)); err != nil {
		return o, err
	}
	switch {
	case !bytes.Equal(first.text, o.text) || !slices.Equal(first.losses, o.losses):
		return o, errors.New("the same record gives other bytes")
	case len(o.text) == 0:
		return o, errors.New("nothing was written")
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
var plainNumbers = []string{"cyclonedx", "cyclonedx-1.6", "boamps"}

// official are validators by the beginning of a format's name, with the schemas
// that its standard publishes.
var official = map[string]func(testing.TB) func([]byte) error{
	"boamps":    boampsSchema,
	"cyclonedx": cyclonedxSchema,
	"spdx":      spdxSchema,
}

// backs read a format back and tell whether it is the record that was written.
var backs = map[string]func(r *lifecycle.Record, text []byte) error{}

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
// and to nothing that another one tells of. It returns the leaves that are kept.
func checkLosses(t testing.TB, r *lifecycle.Record, losses []Loss) (kept []string) {
	t.Helper()
	lost := map[string]bool{}
	for _, l := range losses {
		require.False(t, lost[l.Path], "%s is told twice", l.Path)
		lost[l.Path] = true
	}
	used := map[string]bool{}
	for p := range leaves(t, r) {
		var above []string
		ancestors(p, func(a string) bool {
			if lost[a] {
				above = append(above, a)
			}
			return true
		})
		require.LessOrEqual(t, len(above), 1, "losses of the same leaf %s: %v", p, above)
		if len(above) == 0 {
			kept = append(kept, p)
		} else {
			used[above[0]] = true
		}
	}
	for p := range lost {
		require.True(t, used[p], "%q leads to nothing in the record", p)
	}
	slices.Sort(kept)
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
var noNumber = regexp.MustCompile(`\bNaN\b|[+-]Inf\b|\bnull\b|%!`)

var exponent = regexp.MustCompile(`[:,\[\s]-?[0-9.]+[eE][-+]?[0-9]+[,}\]\s]`)

// TestMatrixOfFormats tries each format on the example of the contract, the
// small record, one of examples/digits, and many made by chance; -v shows what
// came of it.
func TestMatrixOfFormats(t *testing.T) {
	type named struct {
		name string
		r    *lifecycle.Record
	}
	ordinary := []named{{"small", exampleRecord(t)}, {"digits", digitsRecord(t)}}
	if text, err := os.ReadFile("../../../shared/reference/record-example.json"); err == nil {
		r, err := lifecycle.Decode(bytes.NewReader(text))
		require.NoError(t, err)
		ordinary = append(ordinary, named{"example", r})
	}
	var random []named
	for seed := range records() {
		random = append(random, named{fmt.Sprint("random ", seed), recordtest.Random(seed)})
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
				var asked, back, failed int
				var losses []int
				for _, n := range slices.Concat(ordinary, random) {
					before := document(t, n.r)
					o, err := f.export(n.r)
					if !assert.NoError(t, err, n.name) {
						if failed++; failed == 5 {
							t.FailNow()
						}
						continue
					}
					require.Equal(t, before, document(t, n.r), "%s: the record was changed", n.name)
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
					if !strings.HasPrefix(n.name, "random") && shape != nil {
						require.NotRegexp(t, noNumber, string(o.text), n.name)
						if slices.Contains(plainNumbers, f.Name) {
							require.NotRegexp(t, exponent, string(o.text), n.name)
						}
					}
					if read := backs[f.Name]; read != nil {
						require.NoError(t, read(n.r, o.text), n.name)
						back++
					}
					checkLosses(t, n.r, o.losses)
					losses = append(losses, len(o.losses))
				}
				if t.Failed() {
					return
				}
				slices.Sort(losses)
				of := func(yes bool, n int) string {
					if !yes {
						return "-"
					}
					return fmt.Sprintf("%d of %d", n, len(losses))
				}
				lines[i] = fmt.Sprintf("%-15s %-6s %10s  %-15s %-15s %6d %6d", f.Name, f.Extension, of(true, asked),
					of(schema != nil, len(losses)), of(backs[f.Name] != nil, back), losses[len(losses)/2], losses[len(losses)-1])
			})
		}
	})
	t.Logf("%d records (%d by chance)\n%-15s %-6s %10s  %-15s %-15s %6s %6s\n%s", len(ordinary)+len(random), len(random),
		"format", "file", "had to ask", "official schema", "round trip", "median", "most losses", strings.Join(lines, "\n"))
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
	index := regexp.MustCompile(`/[0-9]+`)
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			options := told(r)
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
			for _, p := range checkLosses(t, r, losses) {
				kind := index.ReplaceAllString(p, "/*")
				if tried[kind] {
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
			assert.Empty(t, silent, "it is said to hold these, and with others it is the same text")
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
		return x*3 + 0.5
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
	for seed := range records() / 8 {
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
			require.Equal(t, held, checkLosses(t, r, losses), "record %d", seed)
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

// A record of 10,000 paths is written in 100 ms.
func BenchmarkFormats(b *testing.B) {
	r := recordtest.Many(10_000)
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Write(io.Discard, r, told(r)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
