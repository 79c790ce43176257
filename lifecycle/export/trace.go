package export

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Trace writes the single spans of a run ([Options].Spans) and its power over
// time, if the record keeps it, in the Trace Event Format that
// chrome://tracing and Perfetto (ui.perfetto.dev) read. Times are from the run's
// begin.
//
// A span is on the lane of its parent if it fits there, else on one of its own,
// so that spans that run beside one another never seem to be in one another. Its
// energy is as in [OTLPTraces].
// Above them are the stages, from their first to their last moment, and a
// counter for each domain: its power in W, between two samples what the meter
// saw divided by the time.
//
// With neither spans nor power there is nothing to show, and an [InputError]
// tells what to switch on.
func Trace(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	power, err := timeline.Of(r)
	if err != nil && !errors.Is(err, timeline.ErrNone) {
		return nil, fmt.Errorf("export: trace: %w", err)
	}
	if power == nil && o.Spans == nil {
		return nil, &InputError{Format: "trace", Inputs: []Input{{
			Option: "Spans", Path: "/extensions/" + timeline.Key,
			Want: "single spans, which tracer.Spans or ECOTRACER_SPANS=on keeps, or power over time, which tracer.Timeline or ECOTRACER_TIMELINE=on keeps",
		}}}
	}
	var singles []single
	if o.Spans != nil {
		if singles, err = readSingles(r, o.Spans); err != nil {
			return nil, err
		}
	}
	t := traceWriter{w: bufio.NewWriterSize(w, 64<<10), record: r}
	t.json = json.NewEncoder(t.w)
	t.json.SetEscapeHTML(false)
	t.begin()
	t.stages()
	t.power(power)
	t.spans(singles)
	t.finish()
	if t.err != nil {
		return nil, t.err
	}
	var held holding
	held.hold("/run/id", "/run/name", "/run/started_at", "/generator/version")
	for i := range r.Phases {
		if at := "/phases/" + strconv.Itoa(i); hasTimes(r, i) {
			held.hold(at+"/stage", at+"/phase", at+"/started_at", at+"/ended_at", at+"/energy_j", at+"/facility_energy_j", at+"/operational_gco2e")
		}
	}
	holdSingles(&held, r, singles)
	return held.lost(r), nil
}

// The processes of a trace are what its tracks are grouped by.
const (
	traceStages = 1
	tracePower  = 2
	traceSpans  = 3
)

// traceEvent is an event of the format. Its times are text: µs with the ns
// behind the point.
type traceEvent struct {
	Name string      `json:"name"`
	Cat  string      `json:"cat,omitempty"`
	Ph   string      `json:"ph"` // X: from ts on for dur; C: counter; M: metadata
	TS   json.Number `json:"ts,omitempty"`
	Dur  json.Number `json:"dur,omitempty"`
	PID  int         `json:"pid"`
	TID  int         `json:"tid"`
	Args any         `json:"args,omitempty"`
}

// traceArgs are shown of a span.
type traceArgs struct {
	Path   string          `json:"path"`
	Stage  lifecycle.Stage `json:"stage"`
	Failed bool            `json:"failed,omitempty"`
	SelfS  float64         `json:"self_s,omitempty"` // and what follows: 0 if it is not told
	SelfJ  float64         `json:"self_j,omitempty"`
	TotalJ float64         `json:"total_j,omitempty"`
}

// micros is a time as the format has it.
func micros(ns int64) json.Number {
	b := strconv.AppendInt(make([]byte, 0, 24), ns/1000, 10)
	rest := ns % 1000
	return json.Number(append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10)))
}

// traceWriter writes event by event; after an error nothing more.
type traceWriter struct {
	w      *bufio.Writer
	json   *json.Encoder // onto w; it ends each event with a line end
	record *lifecycle.Record
	events int
	err    error
}

func (t *traceWriter) begin() { t.string(`{"displayTimeUnit":"ms","traceEvents":[` + "\n") }

func (t *traceWriter) finish() {
	r := t.record
	other := map[string]string{"run": r.Run.ID, "name": r.Run.Name, "ecotracer": r.Generator.Version}
	if r.Run.StartedAt != nil {
		other["started_at"] = r.Run.StartedAt.UTC().Format("2006-01-02T15:04:05.999999999Z")
	}
	text, err := json.Marshal(other)
	if t.err == nil {
		t.err = err
	}
	t.string("],\"otherData\":" + string(text) + "}\n")
	if t.err == nil {
		t.err = t.w.Flush()
	}
}

func (t *traceWriter) string(s string) {
	if t.err == nil {
		_, t.err = t.w.WriteString(s)
	}
}

func (t *traceWriter) event(e traceEvent) {
	if t.err != nil {
		return
	}
	if t.events > 0 {
		t.string(",")
	}
	t.events++
	if t.err == nil {
		t.err = t.json.Encode(e)
	}
}

// process and thread name a group of tracks, and a track.
func (t *traceWriter) process(pid int, name string) {
	t.event(traceEvent{Name: "process_name", Ph: "M", PID: pid, Args: map[string]any{"name": name}})
	t.event(traceEvent{Name: "process_sort_index", Ph: "M", PID: pid, Args: map[string]any{"sort_index": pid}})
}

func (t *traceWriter) thread(pid, tid int, name string) {
	t.event(traceEvent{Name: "thread_name", Ph: "M", PID: pid, TID: tid, Args: map[string]any{"name": name}})
	t.event(traceEvent{Name: "thread_sort_index", Ph: "M", PID: pid, TID: tid, Args: map[string]any{"sort_index": tid}})
}

// hasTimes tells whether a stage has times that can be shown.
func hasTimes(r *lifecycle.Record, i int) bool {
	p := &r.Phases[i]
	return r.Run.StartedAt != nil && p.StartedAt != nil && p.EndedAt != nil
}

// stages have a track each, for they may overlap.
func (t *traceWriter) stages() {
	r := t.record
	t.process(traceStages, "stages")
	for i := range r.Phases {
		if !hasTimes(r, i) {
			continue
		}
		p := &r.Phases[i]
		t.thread(traceStages, i+1, string(p.Stage))
		begin := max(0, p.StartedAt.Sub(*r.Run.StartedAt).Nanoseconds())
		end := max(begin, p.EndedAt.Sub(*r.Run.StartedAt).Nanoseconds())
		args := map[string]any{"started_at": p.StartedAt.UTC(), "ended_at": p.EndedAt.UTC()}
		for name, q := range map[string]*lifecycle.Quantity{"energy_j": p.EnergyJ, "facility_energy_j": p.FacilityEnergyJ, "operational_gco2e": p.OperationalGCO2e} {
			if q != nil {
				args[name] = q
			}
		}
		t.event(traceEvent{Name: string(p.Stage), Cat: string(p.Phase), Ph: "X", TS: micros(begin), Dur: micros(end - begin), PID: traceStages, TID: i + 1, Args: args})
	}
}

// power has a counter for each domain. A counter keeps its value until the
// next, so each tells of the time up to it. After the last sample there is
// nothing known.
func (t *traceWriter) power(l *timeline.Timeline) {
	if l == nil {
		return
	}
	t.process(tracePower, "power")
	for i := range l.Groups {
		g := &l.Groups[i]
		for n := range g.Domains {
			d := &g.Domains[n]
			for k := 1; k < len(g.TS); k++ {
				seconds := g.TS[k] - g.TS[k-1]
				if seconds <= 0 || g.TS[k-1] < 0 || g.TS[k] > longest {
					continue
				}
				t.event(traceEvent{Name: d.Domain + " (W)", Ph: "C", TS: micros(int64(math.Round(g.TS[k-1] * 1e9))), PID: tracePower,
					Args: map[string]any{"W": (d.TotalJ[k] - d.TotalJ[k-1]) / seconds}})
			}
		}
	}
}

// spans are laid out on lanes.
func (t *traceWriter) spans(spans []single) {
	if len(spans) == 0 {
		return
	}
	t.process(traceSpans, "spans")
	layout := lanes{of: make([]int, len(spans))}
	self, total := joulesOf(t.record, spans)
	for i := range spans {
		s := &spans[i]
		lane, isNew := layout.place(spans, i)
		if isNew {
			t.thread(traceSpans, lane+1, "spans "+strconv.Itoa(lane+1))
		}
		account := &t.record.Spans[s.account]
		args := traceArgs{Path: account.Path, Stage: account.Stage, Failed: s.failed}
		if s.selfS > 0 {
			args.SelfS, args.SelfJ, args.TotalJ = s.selfS, self[i], total[i]
		}
		t.event(traceEvent{Name: nameOf(account.Path), Cat: string(account.Stage), Ph: "X", TS: micros(s.beginNS), Dur: micros(s.endNS - s.beginNS),
			PID: traceSpans, TID: lane + 1, Args: args})
	}
}

// lanes are tracks on which spans, placed in the order in which they begin, lie
// in one another or apart.
type lanes struct {
	of    []int   // lane of each span that was placed
	open  [][]int // of each lane, the spans that are not over, each in the one before
	spare laneHeap
}

// place gives span i a lane.
func (l *lanes) place(spans []single, i int) (lane int, isNew bool) {
	s := &spans[i]
	if s.parent >= 0 && s.endNS <= spans[s.parent].endNS {
		lane = l.of[s.parent]
		open := l.open[lane]
		for len(open) > 0 && open[len(open)-1] != s.parent && spans[open[len(open)-1]].endNS <= s.beginNS {
			open = open[:len(open)-1]
		}
		l.open[lane] = open
		if len(open) > 0 && open[len(open)-1] == s.parent {
			l.open[lane] = append(open, i)
			l.of[i] = lane
			return lane, false
		}
	}
	if len(l.spare) > 0 && l.spare[0].free <= s.beginNS {
		lane = l.spare[0].lane
		l.spare[0].free = s.endNS
		heap.Fix(&l.spare, 0)
		l.open[lane] = append(l.open[lane][:0], i)
	} else {
		lane, isNew = len(l.open), true
		l.open = append(l.open, []int{i})
		heap.Push(&l.spare, freeLane{s.endNS, lane})
	}
	l.of[i] = lane
	return lane, isNew
}

// freeLane is when a lane is empty.
type freeLane struct {
	free int64
	lane int
}

// laneHeap has the lane that is the first to be empty at its top.
type laneHeap []freeLane

func (h laneHeap) Len() int { return len(h) }
func (h laneHeap) Less(a, b int) bool {
	return h[a].free < h[b].free || h[a].free == h[b].free && h[a].lane < h[b].lane
}
func (h laneHeap) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *laneHeap) Push(x any)   { *h = append(*h, x.(freeLane)) }
func (h *laneHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
