package export

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// OTLPTraces writes the spans of a run as OTLP JSON, a message on each line
// (.jsonl), below a span that is the run.
//
// Single spans have their own times ([Options].Spans). The energy of such a span
// nobody knows: ecotracer.energy.self_j is its part of what its path used, by
// wall share, and ecotracer.energy.total_j that with its children.
//
// Without them there is one span for each path and stage, which stands for all
// of them and says so (ecotracer.span.aggregated, ecotracer.span.count): its
// times are those of its stage, and its durations are attributes.
// ecotracer.energy.self_j is without its children, ecotracer.energy.total_j
// with them; only the former may be added up.
//
// A record without times is an [UnfitError].
func OTLPTraces(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	f, err := newOTLP(w, r, "otlp-traces")
	if err != nil {
		return nil, err
	}
	var singles []single
	if o.Spans != nil {
		if singles, err = readSingles(r, o.Spans); err != nil {
			return nil, err
		}
	}
	var held holding
	t := otlpTrace{otlpFile: f, id: f.traceID(), root: f.spanID("run")}
	resource := f.resource(&held)
	spans := []otlpSpan{t.run(&held)}
	flush := func() error {
		message := otlpTraces{[]otlpResourceSpans{{resource, []otlpScopeSpans{{f.scope(), spans, otlpSchema}}, otlpSchema}}}
		spans = spans[:0]
		return f.Encode(message)
	}
	add := func(s otlpSpan) error {
		if len(spans) == otlpBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		spans = append(spans, s)
		return nil
	}
	if o.Spans == nil {
		err = t.accounts(add)
		held.hold("/spans")
	} else {
		self, total := joulesOf(r, singles)
		for i := 0; i < len(singles) && err == nil; i++ {
			err = add(t.single(singles, i, self[i], total[i]))
		}
		holdSingles(&held, r, singles)
	}
	if err != nil {
		return nil, err
	}
	return held.lost(r), flush()
}

// otlpBatch is how many spans a message has at most.
const otlpBatch = 1000

type otlpTraces struct {
	ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
}

type otlpResourceSpans struct {
	Resource   otlpResource     `json:"resource"`
	ScopeSpans []otlpScopeSpans `json:"scopeSpans"`
	SchemaURL  string           `json:"schemaUrl"`
}

type otlpScopeSpans struct {
	Scope     otlpScope  `json:"scope"`
	Spans     []otlpSpan `json:"spans"`
	SchemaURL string     `json:"schemaUrl"`
}

type otlpSpan struct {
	TraceID    string         `json:"traceId"`
	SpanID     string         `json:"spanId"`
	ParentID   string         `json:"parentSpanId,omitempty"`
	Name       string         `json:"name"`
	Kind       int            `json:"kind"` // 1: internal
	Start      string         `json:"startTimeUnixNano"`
	End        string         `json:"endTimeUnixNano"`
	Attributes otlpAttributes `json:"attributes,omitempty"`
	Status     *otlpStatus    `json:"status,omitempty"`
}

type otlpStatus struct {
	Code int `json:"code"` // 2: error
}

var otlpFailed = &otlpStatus{Code: 2}

type otlpTrace struct {
	*otlpFile
	id, root string
}

// run is the span that is above all others.
func (t *otlpTrace) run(held *holding) otlpSpan {
	r := t.record
	name := r.Run.Name
	if name == "" {
		name = "run"
	}
	s := otlpSpan{TraceID: t.id, SpanID: t.root, Name: name, Kind: 1, Start: nanos(t.start), End: nanos(t.end)}
	if r.Run.Status == lifecycle.Failed {
		s.Status = otlpFailed
	}
	a := &s.Attributes
	a.quantity("ecotracer.energy.total_j", &r.Totals.EnergyJ)
	a.quantity("ecotracer.energy.facility_j", &r.Totals.FacilityEnergyJ)
	a.quantity("ecotracer.emissions.operational_gco2e", &r.Totals.OperationalGCO2e)
	a.quantity("ecotracer.emissions.embodied_gco2e", r.Totals.EmbodiedGCO2e)
	a.quantity("ecotracer.emissions.gco2e", r.Totals.GCO2e)
	a.quantity("ecotracer.water_l", r.Totals.WaterL)
	held.hold("/totals/energy_j", "/totals/facility_energy_j", "/totals/operational_gco2e", "/totals/embodied_gco2e", "/totals/gco2e", "/totals/water_l")
	if r.Run.TraceID != "" {
		held.hold("/run/trace_id")
	}
	return s
}

// account is the id of the span that stands for a path in a stage.
func (t *otlpTrace) account(s *lifecycle.Span) string {
	return t.spanID("account", s.Path, string(s.Stage))
}

// accounts adds a span for each.
func (t *otlpTrace) accounts(add func(otlpSpan) error) error {
	r := t.record
	stages := map[lifecycle.Stage]*lifecycle.PhaseEntry{}
	for i := range r.Phases {
		stages[r.Phases[i].Stage] = &r.Phases[i]
	}
	above := parentAccounts(r.Spans)
	for i := range r.Spans {
		s := &r.Spans[i]
		start, end := t.start, t.end
		if p := stages[s.Stage]; p != nil && p.StartedAt != nil && p.EndedAt != nil {
			start, end = *p.StartedAt, *p.EndedAt
		}
		span := t.span(t.account(s), s, start, end)
		if above[i] >= 0 {
			span.ParentID = t.account(&r.Spans[above[i]])
		}
		a := &span.Attributes
		a.add("ecotracer.span.aggregated", otlpValue{Bool: true})
		a.int("ecotracer.span.count", s.Count)
		a.int("ecotracer.span.failed", s.Failed)
		if s.Open != nil {
			a.int("ecotracer.span.open", *s.Open)
		}
		a.double("ecotracer.span.self_s", s.SelfS)
		a.double("ecotracer.span.total_s", s.TotalS)
		a.optional("ecotracer.span.min_s", s.MinS)
		a.optional("ecotracer.span.p50_s", s.P50S)
		a.optional("ecotracer.span.p95_s", s.P95S)
		a.optional("ecotracer.span.p99_s", s.P99S)
		a.optional("ecotracer.span.max_s", s.MaxS)
		a.double("ecotracer.energy.self_j", s.SelfJ)
		a.double("ecotracer.energy.total_j", s.TotalJ)
		for _, unit := range sortedUnits(s) {
			u, key := s.Units[unit], "ecotracer.units."+unit
			a.int(key+".count", u.Count)
			a.optional(key+".j_per_unit", u.JPerUnit)
			a.optional(key+".gco2e_per_unit", u.GCO2ePerUnit)
		}
		a.texts("ecotracer.span.flags", s.Flags)
		if err := add(span); err != nil {
			return err
		}
	}
	return nil
}

func sortedUnits(s *lifecycle.Span) []string {
	units := make([]string, 0, len(s.Units))
	for unit := range s.Units {
		units = append(units, unit)
	}
	slices.Sort(units)
	return units
}

// span is what single and aggregated spans have in common.
func (t *otlpTrace) span(id string, s *lifecycle.Span, start, end time.Time) otlpSpan {
	span := otlpSpan{TraceID: t.id, SpanID: id, ParentID: t.root, Name: nameOf(s.Path), Kind: 1, Start: nanos(start), End: nanos(end)}
	span.Attributes = make(otlpAttributes, 0, 20)
	a := &span.Attributes
	a.text("ecotracer.path", s.Path)
	a.text("ecotracer.phase", string(s.Stage.Phase()))
	a.text("ecotracer.stage", string(s.Stage))
	return span
}

func (t *otlpTrace) single(singles []single, i int, self, total float64) otlpSpan {
	s := &singles[i]
	account := &t.record.Spans[s.account]
	span := t.span(t.spanID("single", strconv.Itoa(i)), account,
		t.start.Add(time.Duration(s.beginNS)), t.start.Add(time.Duration(s.endNS)))
	if s.parent >= 0 {
		span.ParentID = t.spanID("single", strconv.Itoa(s.parent))
	}
	if s.failed {
		span.Status = otlpFailed
	}
	if s.selfS > 0 {
		span.Attributes.double("ecotracer.span.self_s", s.selfS)
		span.Attributes.double("ecotracer.energy.self_j", self)
		span.Attributes.double("ecotracer.energy.total_j", total)
		span.Attributes.text("ecotracer.energy.shared_by", "wall")
	}
	return span
}

// parentAccounts tells of each account that which its path's parent has in the
// same stage, else its first; -1 of a root.
func parentAccounts(spans []lifecycle.Span) []int {
	type key struct {
		path  string
		stage lifecycle.Stage
	}
	same, first := make(map[key]int, len(spans)), make(map[string]int, len(spans))
	for i := range spans {
		same[key{spans[i].Path, spans[i].Stage}] = i
		if _, ok := first[spans[i].Path]; !ok {
			first[spans[i].Path] = i
		}
	}
	above := make([]int, len(spans))
	for i := range spans {
		path := parentOf(spans[i].Path)
		above[i] = -1
		if n, ok := same[key{path, spans[i].Stage}]; ok {
			above[i] = n
		} else if n, ok := first[path]; ok {
			above[i] = n
		}
	}
	return above
}

var nameUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

// nameOf is the name of a path's last span.
func nameOf(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if strings.IndexByte(name, '~') < 0 {
		return name
	}
	return nameUnescaper.Replace(name)
}
