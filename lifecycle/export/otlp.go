package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// The protocol's JSON is that of protobuf but for ids, which are hex; enums are
// integers and 64-bit integers are texts. A file has one kind of data and a
// message on each line (OpenTelemetry, "OTLP file exporter").

// otlpSchema is the version of the semantic conventions whose names are used.
// Those of hw.* are in development; the rest have our own prefix, "ecotracer.".
const otlpSchema = "https://opentelemetry.io/schemas/1.44.0"

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

type otlpValue struct {
	String *string    `json:"stringValue,omitempty"`
	Int    string     `json:"intValue,omitempty"`
	Double *float64   `json:"doubleValue,omitempty"`
	Bool   bool       `json:"boolValue,omitempty"`
	Array  *otlpArray `json:"arrayValue,omitempty"`
}

type otlpArray struct {
	Values []otlpValue `json:"values"`
}

type otlpResource struct {
	Attributes otlpAttributes `json:"attributes"`
}

type otlpScope struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type otlpAttributes []otlpAttribute

func (a *otlpAttributes) add(key string, v otlpValue) { *a = append(*a, otlpAttribute{key, v}) }

// text adds a text, if it is not empty.
func (a *otlpAttributes) text(key, v string) {
	if v != "" {
		a.add(key, otlpValue{String: &v})
	}
}

func (a *otlpAttributes) int(key string, v int64) {
	a.add(key, otlpValue{Int: strconv.FormatInt(v, 10)})
}

func (a *otlpAttributes) double(key string, v float64) { a.add(key, otlpValue{Double: &v}) }

// optional adds a number, if it is known.
func (a *otlpAttributes) optional(key string, v *float64) {
	if v != nil {
		a.double(key, *v)
	}
}

// quantity adds a figure with its interval and method; key ends with the unit.
func (a *otlpAttributes) quantity(key string, q *lifecycle.Quantity) {
	if q == nil {
		return
	}
	a.double(key, q.Value)
	a.double(key+"_low", q.Low) // a name is no prefix of others by the conventions
	a.double(key+"_high", q.High)
	a.text(key+"_method", string(q.Method))
}

func (a *otlpAttributes) texts(key string, v []string) {
	if len(v) == 0 {
		return
	}
	list := otlpArray{}
	for i := range v {
		list.Values = append(list.Values, otlpValue{String: &v[i]})
	}
	a.add(key, otlpValue{Array: &list})
}

// otlpFile writes the messages of a record's file.
type otlpFile struct {
	*json.Encoder
	record     *lifecycle.Record
	start, end time.Time
}

// newOTLP begins a file. A record without times, such as an estimate, has
// nothing that the protocol could hold.
func newOTLP(w io.Writer, r *lifecycle.Record, format string) (*otlpFile, error) {
	if r.Run.StartedAt == nil || r.Run.EndedAt == nil {
		return nil, &UnfitError{format, fmt.Sprintf("it has no times (its run is %s)", r.Run.Status)}
	}
	f := &otlpFile{json.NewEncoder(w), r, *r.Run.StartedAt, *r.Run.EndedAt}
	for _, t := range []time.Time{f.start, f.end} {
		if y := t.UTC().Year(); y < 1970 || y > 2200 {
			return nil, &UnfitError{format, "the format counts ns from 1970 on, and the run's times are not in them"}
		}
	}
	f.SetEscapeHTML(false)
	return f, nil
}

func (f *otlpFile) scope() otlpScope {
	return otlpScope{"github.com/ecotracer/ecotracer", f.record.Generator.Version}
}

// resource is what all of the run has in common.
func (f *otlpFile) resource(held *holding) otlpResource {
	r := f.record
	var a otlpAttributes
	service := r.Run.Name
	if service == "" {
		service = "unknown_service" // as the conventions want it
	}
	a.text("service.name", service)
	a.text("service.instance.id", r.Run.ID)
	a.text("host.arch", r.Generator.Arch)
	a.text("os.type", r.Generator.OS)
	if r.Generator.Go != "" {
		a.text("process.runtime.name", "go")
		a.text("process.runtime.version", r.Generator.Go)
	}
	a.text("ecotracer.version", r.Generator.Version)
	a.text("ecotracer.run.id", r.Run.ID)
	a.text("ecotracer.run.parent", r.Run.Parent)
	a.text("ecotracer.run.status", string(r.Run.Status))
	a.text("ecotracer.scope", string(r.Run.Scope))
	a.text("ecotracer.boundary", string(r.Run.Boundary))
	if k := r.Run.Rank; k != nil {
		a.int("ecotracer.rank.index", int64(k.Index))
		a.int("ecotracer.rank.count", int64(k.Count))
	}
	held.hold("/run/id", "/run/name", "/run/status", "/run/started_at", "/run/ended_at", "/run/scope", "/run/boundary", "/run/parent", "/run/rank",
		"/generator/version", "/generator/go", "/generator/os", "/generator/arch")
	if len(r.Environments) == 1 {
		e := &r.Environments[0]
		a.text("geo.country.iso_code", e.Country)
		a.text("geo.region.iso_code", e.Subdivision)
		a.text("cloud.provider", e.Provider)
		a.text("cloud.region", e.Region)
		a.text("host.type", e.InstanceType)
		held.hold("/environments/0/country", "/environments/0/subdivision", "/environments/0/provider", "/environments/0/region", "/environments/0/instance_type")
	}
	return otlpResource{a}
}

// nanos is a time as the protocol has it.
func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// traceID is the run's, else one made of the run's id.
func (f *otlpFile) traceID() string {
	if f.record.Run.TraceID != "" {
		return f.record.Run.TraceID
	}
	return f.id(16, "trace")
}

// spanID is made of what identifies a span in the run, so that the same record
// gives the same ids.
func (f *otlpFile) spanID(parts ...string) string { return f.id(8, parts...) }

func (f *otlpFile) id(bytes int, parts ...string) string {
	sum := sha256.Sum256([]byte(f.record.Run.ID + "\x00" + strings.Join(parts, "\x00")))
	sum[0] |= 0x80 // an id of zeros is none
	return hex.EncodeToString(sum[:bytes])
}
