package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// traceFile is what the published description of the Trace Event Format (its
// JSON object form) says of the events that are used here.
type traceFile struct {
	TraceEvents []struct {
		Name *string
		Cat  string
		Ph   string
		TS   *float64
		Dur  *float64
		PID  *int
		TID  *int
		Args map[string]any
	}
	DisplayTimeUnit string
	OtherData       map[string]string
}

// checkTrace holds a file to the format: X events need ts and dur, and on one
// thread lie in one another or apart; counters need numbers; names are told by
// metadata.
func checkTrace(t testing.TB, text []byte) traceFile {
	t.Helper()
	var f traceFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&f))
	require.Contains(t, []string{"ms", "ns"}, f.DisplayTimeUnit)
	type track struct{ pid, tid int }
	named := map[track]bool{}
	open := map[track][][2]int64{}
	for i, e := range f.TraceEvents {
		require.NotNil(t, e.Name, "event %d", i)
		require.NotNil(t, e.PID)
		require.NotNil(t, e.TID)
		at := track{*e.PID, *e.TID}
		switch e.Ph {
		case "M":
			switch *e.Name {
			case "process_name", "thread_name":
				require.NotEmpty(t, e.Args["name"])
				if *e.Name == "process_name" {
					at.tid = 0
				}
				require.False(t, named[at] && at.tid != 0, "a track is named once")
				named[at] = true
			case "process_sort_index", "thread_sort_index":
				require.IsType(t, 0., e.Args["sort_index"])
			default:
				t.Fatalf("metadata %q", *e.Name)
			}
		case "X":
			require.NotNil(t, e.TS)
			require.NotNil(t, e.Dur)
			require.GreaterOrEqual(t, *e.Dur, 0.)
			require.True(t, named[at] && named[track{at.pid, 0}], "tracks are named before")
			begin, end := int64(math.Round(*e.TS*1e3)), int64(math.Round(*e.TS*1e3))+int64(math.Round(*e.Dur*1e3))
			for n := len(open[at]); n > 0 && open[at][n-1][1] <= begin; n-- {
				open[at] = open[at][:n-1]
			}
			if n := len(open[at]); n > 0 {
				require.True(t, open[at][n-1][0] <= begin && end <= open[at][n-1][1], "event %d crosses another of its thread", i)
			}
			open[at] = append(open[at], [2]int64{begin, end})
		case "C":
			require.NotNil(t, e.TS)
			require.NotEmpty(t, e.Args)
			for _, v := range e.Args {
				require.IsType(t, 0., v)
			}
		default:
			t.Fatalf("phase %q", e.Ph)
		}
	}
	return f
}

func TestSpansAndStagesAreShownAsTheyWere(t *testing.T) {
	r := exampleRecord(t)
	text, losses := exported(t, Trace, r, Options{Spans: strings.NewReader(stream(r))})
	f := checkTrace(t, text)
	lanes, shown := map[string]map[int]bool{}, map[string]int{}
	for _, e := range f.TraceEvents {
		if e.Ph != "X" || *e.PID != traceSpans {
			continue
		}
		shown[*e.Name]++
		if lanes[*e.Name] == nil {
			lanes[*e.Name] = map[int]bool{}
		}
		lanes[*e.Name][*e.TID] = true
		if *e.Name == "fit" {
			assert.Equal(t, 200e6, *e.TS)
			assert.Equal(t, 700e6, *e.Dur)
			assert.Equal(t, map[string]any{"path": "fit", "stage": "training/training", "self_s": 10., "self_j": 5000., "total_j": 405000.}, e.Args)
		}
	}
	assert.Equal(t, map[string]int{"prepare": 1, "fit": 1, "epoch": 5, "serve": 50}, shown)
	assert.Equal(t, lanes["fit"], lanes["epoch"], "children are on the lane of their parent")
	assert.Len(t, lanes["serve"], 2, "two requests at a time are two lanes, used again and again")
	assert.Equal(t, r.Run.ID, f.OtherData["run"])
	assert.NotContains(t, lossPaths(losses), "/phases/1/energy_j")
	assert.Contains(t, lossPaths(losses), "/spans/0/total_s")
}

func TestPowerIsWhatTheMeterSawByTheTime(t *testing.T) {
	r := exampleRecord(t)
	r.Extensions = map[string]any{timeline.Key: timeline.Timeline{Version: 1, Accounts: []int{0}, Groups: []timeline.Group{{
		TS: []float64{0, 0.5, 0.5, 2.5}, CPUS: []float64{0, 1, 1, 1},
		Domains: []timeline.Domain{{Domain: "gpu0", TotalJ: []float64{0, 50, 50, 350}}},
	}}}}
	f := checkTrace(t, must(exported(t, Trace, r, Options{})))
	watts := map[float64]any{}
	for _, e := range f.TraceEvents {
		if e.Ph == "C" {
			assert.Equal(t, "gpu0 (W)", *e.Name)
			watts[*e.TS] = e.Args["W"]
		}
	}
	assert.Equal(t, map[float64]any{0: 100., 500000: 150.}, watts)
}

func TestATraceOfNothingTellsWhatToSwitchOn(t *testing.T) {
	_, err := Trace(&bytes.Buffer{}, exampleRecord(t), Options{})
	assert.ErrorContains(t, err, "tracer.Spans")
	assert.ErrorContains(t, err, "tracer.Timeline")
	r := exampleRecord(t)
	r.Extensions = map[string]any{timeline.Key: map[string]any{"version": 99}}
	_, err = Trace(&bytes.Buffer{}, r, Options{})
	assert.ErrorContains(t, err, "version 99")
}

// Spans in any nesting and overlap are laid out without crossing, and no wider
// than they must: as many lanes as spans that cannot share one.
func TestLanesHoldForAnySpans(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	r := exampleRecord(t)
	for range 50 {
		var b strings.Builder
		span := func(path string, stage lifecycle.Stage, begin, end float64) {
			fmt.Fprintf(&b, `{"path":%q,"stage":%q,"begin_s":%v,"end_s":%v}`+"\n", path, stage, begin, end)
		}
		for range random.IntN(20) {
			begin := random.Float64() * 100
			end := begin + random.Float64()*50
			span("fit", lifecycle.Training, begin, end)
			for range random.IntN(5) {
				x := begin + random.Float64()*(end-begin)
				span("fit/epoch", lifecycle.Training, x, x+random.Float64()*1.2*(end-x))
			}
		}
		checkTrace(t, must(exported(t, Trace, r, Options{Spans: strings.NewReader(b.String())})))
	}
}
