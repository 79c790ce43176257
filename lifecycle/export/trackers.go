package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// trackerPrefix begins the names of what a tracker of experiments is told, which
// has names of its own (system/, mlflow., _wandb).
const trackerPrefix = "ecotracer/"

// trackerMetric is a number that a tracker of experiments keeps.
type trackerMetric struct {
	key   string
	value float64
}

// trackerMetrics are a record's figures with their bounds: totals, stages, and
// what one functional unit came to.
func trackerMetrics(r *lifecycle.Record) (out []trackerMetric) {
	add := func(key string, v float64) { out = append(out, trackerMetric{trackerPrefix + key, v}) }
	bounded := func(key string, q *lifecycle.Quantity) {
		if q != nil {
			add(key, q.Value)
			add(key+"_low", q.Low)
			add(key+"_high", q.High)
		}
	}
	add("duration_s", r.Run.DurationS)
	add("measured_share", r.Totals.MeasuredShare)
	for _, f := range totalFigures {
		bounded(f.key, f.get(&r.Totals))
	}
	if u := r.Totals.PerUnit; u != nil {
		bounded("gco2e_per_unit", &u.GCO2e)
		add("units", float64(u.Count))
	}
	for i := range r.Phases {
		e := &r.Phases[i]
		if e.DurationS != nil {
			add(string(e.Stage)+"/duration_s", *e.DurationS)
		}
		for _, f := range stageFigures {
			bounded(string(e.Stage)+"/"+f.key, f.get(e))
		}
	}
	return out
}

// trackerFacts are texts that tell what the figures are of, by name.
func trackerFacts(r *lifecycle.Record, digest string) map[string]string {
	facts := map[string]string{
		"schema": r.Schema, "record_sha256": digest, "run_id": r.Run.ID, "status": string(r.Run.Status),
		"boundary": string(r.Run.Boundary), "scope": string(r.Run.Scope),
		"generator": r.Generator.Name + " " + r.Generator.Version, "factors_version": r.Generator.FactorsVersion,
	}
	for _, f := range totalFigures {
		if q := f.get(&r.Totals); q != nil {
			facts["method."+f.key] = string(q.Method)
		}
	}
	if u := r.Totals.PerUnit; u != nil {
		facts["unit"] = u.Unit
	}
	for i := range r.Phases {
		for _, f := range stageFigures {
			if q := f.get(&r.Phases[i]); q != nil {
				facts["method."+string(r.Phases[i].Stage)+"."+f.key] = string(q.Method)
			}
		}
	}
	return facts
}

// trackerLosses lists what metrics and facts do not hold.
func trackerLosses(r *lifecycle.Record) []Loss {
	var h holding
	h.hold("/schema", "/run/id", "/run/status", "/run/boundary", "/run/scope", "/run/duration_s", "/generator/name", "/generator/version", "/generator/factors_version",
		"/totals/measured_share", "/totals/per_unit", "/phases/*/phase", "/phases/*/stage", "/phases/*/duration_s")
	for _, f := range totalFigures {
		h.hold("/totals/" + f.key)
	}
	for _, f := range stageFigures {
		h.hold("/phases/*/" + f.key)
	}
	return h.lost(r)
}

// encodedRecord is a record as it is in a file, with the SHA-256 of the file.
func encodedRecord(r *lifecycle.Record) (text []byte, sum string, err error) {
	var b bytes.Buffer
	if err := lifecycle.Encode(&b, r); err != nil {
		return nil, "", err
	}
	digest := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(digest[:]), nil
}

// truncated is a text of at most n bytes, whole characters.
func truncated(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
