package export

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// What a stream of single spans may be at most: they are held in memory, for a
// span ends, and so is told, after its children.
const (
	maxSingleSpans = 1 << 20
	maxSpanLine    = 1 << 20
)

// single is one span of the stream, with the account that it is in.
type single struct {
	account int // index in the record's spans
	parent  int // index of the parent among the spans, -1 if none is known
	beginNS int64
	endNS   int64
	selfS   float64 // wall share, 0 if it is not told
	failed  bool
}

// readSingles reads the spans that tracer.Spans wrote, in the order in which
// they began, parents before their children. Whose child a span is is found by
// path and time: a stream does not tell.
func readSingles(r *lifecycle.Record, stream io.Reader) ([]single, error) {
	type key struct {
		path  string
		stage lifecycle.Stage
	}
	accounts := make(map[key]int, len(r.Spans))
	for i := range r.Spans {
		accounts[key{r.Spans[i].Path, r.Spans[i].Stage}] = i
	}
	var spans []single
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxSpanLine)
	number := 0
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		s, err := spanOf(line)
		if errors.Is(err, io.ErrUnexpectedEOF) && !lines.Scan() {
			break // the run was killed, or the disk was full, in the middle of the last line
		}
		if err != nil {
			return nil, fmt.Errorf("export: single spans: line %d: %w", number, err)
		}
		account, ok := accounts[key{s.Path, s.Stage}]
		if !ok {
			return nil, fmt.Errorf("export: single spans: line %d: the record has no span %q of stage %q: these are the spans of another run", number, s.Path, s.Stage)
		}
		if len(spans) == maxSingleSpans {
			return nil, fmt.Errorf("export: single spans: there are more than %d: give a part of the file (its lines are spans, in the order in which they ended)", maxSingleSpans)
		}
		spans = append(spans, single{account, -1, int64(math.Round(s.BeginS * 1e9)), int64(math.Round(s.EndS * 1e9)), s.SelfS, s.Failed})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("export: single spans: line %d: %w", number+1, err)
	}
	nest(r, spans)
	return spans, nil
}

// holdSingles holds path and stage of the accounts that have a span in the
// stream, and what these have in sum if they are all.
func holdSingles(held *holding, r *lifecycle.Record, singles []single) {
	shares, counts := make([]float64, len(r.Spans)), make([]int, len(r.Spans))
	for i := range singles {
		shares[singles[i].account] += singles[i].selfS
		counts[singles[i].account]++
	}
	some, all := &holding{}, &holding{}
	some.hold("/path", "/stage")
	all.hold("/path", "/stage", "/self_s", "/self_j")
	spans := &holding{below: map[string]*holding{}}
	for i := range r.Spans {
		whole := r.Spans[i].SelfS
		switch {
		case counts[i] == 0:
		case whole > 0 && math.Abs(shares[i]-whole) <= 1e-6*whole:
			spans.below[strconv.Itoa(i)] = all
		default:
			spans.below[strconv.Itoa(i)] = some
		}
	}
	held.below["spans"] = spans
}

// longest is more than any run lasts, and its ns are whole numbers of a double.
const longest = 1e8 // s

func spanOf(line []byte) (timeline.Span, error) {
	var s timeline.Span
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, err
	}
	if d.More() {
		return s, errors.New("more than one value on a line")
	}
	if !(s.BeginS >= 0 && s.BeginS <= s.EndS && s.EndS <= longest) {
		return s, fmt.Errorf("a span from %v s to %v s", s.BeginS, s.EndS)
	}
	if !(s.SelfS >= 0 && s.SelfS <= longest) {
		return s, fmt.Errorf("a span with a wall share of %v s", s.SelfS)
	}
	return s, nil
}

// joulesOf is what single spans used: of each its part of the energy of its
// path, by wall share, and that with its children in the stream. A span whose
// wall share is not told has none.
func joulesOf(r *lifecycle.Record, singles []single) (self, total []float64) {
	self, total = make([]float64, len(singles)), make([]float64, len(singles))
	for i := len(singles) - 1; i >= 0; i-- { // children are after their parents
		s := &singles[i]
		if account := &r.Spans[s.account]; account.SelfS > 0 {
			self[i] = account.SelfJ * s.selfS / account.SelfS
		}
		total[i] += self[i]
		if s.parent >= 0 {
			total[s.parent] += total[i]
		}
	}
	return self, total
}

// parentOf is the path above a path, "" of a root.
func parentOf(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}

// overlapping is how many open spans of the parent's path are looked at for the
// one that a span lies in.
const overlapping = 64

// nest sorts the spans and gives each its parent: of those of the parent's path
// in whose time it lies, the one that began last; if it lies in none, for it may
// outlive its parent, of those in whose time it began.
func nest(r *lifecycle.Record, spans []single) {
	depth := make([]int, len(r.Spans))
	for i := range r.Spans {
		depth[i] = strings.Count(r.Spans[i].Path, "/")
	}
	slices.SortStableFunc(spans, func(a, b single) int {
		return cmp.Or(cmp.Compare(a.beginNS, b.beginNS), cmp.Compare(b.endNS, a.endNS), cmp.Compare(depth[a.account], depth[b.account]))
	})
	open := map[string][]int{} // by path, in the order in which they began
	for i := range spans {
		s := &spans[i]
		path := r.Spans[s.account].Path
		if above := parentOf(path); above != "" {
			candidates := open[above]
			for len(candidates) > 0 && spans[candidates[len(candidates)-1]].endNS < s.beginNS {
				candidates = candidates[:len(candidates)-1]
			}
			open[above] = candidates
			for n := len(candidates) - 1; n >= max(0, len(candidates)-overlapping); n-- {
				if c := candidates[n]; spans[c].endNS >= s.endNS {
					s.parent = c
					break
				} else if s.parent < 0 && spans[c].endNS >= s.beginNS {
					s.parent = c
				}
			}
		}
		own := open[path]
		for len(own) > 0 && spans[own[len(own)-1]].endNS < s.beginNS {
			own = own[:len(own)-1]
		}
		open[path] = append(own, i)
	}
}
