package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Profiles and contexts of a Process Run Crate. A Workflow Run Crate would also
// describe the workflow, which no record of a run holds; resourceUsage is of
// the vocabulary that the profiles share.
const (
	crateContext   = "https://w3id.org/ro/crate/1.1/context"
	runContext     = "https://w3id.org/ro/terms/workflow-run/context"
	crateVersion   = "https://w3id.org/ro/crate/1.1"
	processProfile = "https://w3id.org/ro/wfrun/process/0.5"

	// qudtUnit begins the codes of units.
	qudtUnit = "https://qudt.org/vocab/unit/"
	// memberDocs begins the identifiers of quantities: what a member of the
	// record means is told there.
	memberDocs = "https://pkg.go.dev/github.com/ecotracer/ecotracer/lifecycle#"
)

// ROCrate writes ro-crate-metadata.json of a research object that holds a run:
// a Process Run Crate 0.5 (Workflow Run RO-Crate) in which the run is a
// CreateAction whose resourceUsage is the record's totals and stages, each a
// PropertyValue with bounds, method and a QUDT unit. Stages are parts of the
// totals, and identified as other quantities, so that nobody adds both up.
//
// The record is a File of the crate, under the name of [Options.Record], else
// that under which a run leaves it (its id and .json), with the size and SHA-256
// that it has as lifecycle.Encode writes it; [Options.Bare] leaves it out.
func ROCrate(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	c := crate{record: r}
	if !o.Bare {
		if err := c.addFile(o); err != nil {
			return nil, fmt.Errorf("export: RO-Crate: %w", err)
		}
	}
	c.addRun()
	c.addRoot()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(map[string]any{"@context": []string{crateContext, runContext}, "@graph": c.graph}); err != nil {
		return nil, fmt.Errorf("export: RO-Crate: %w", err)
	}
	var h holding
	if !o.Bare {
		h.hold("/schema", "/schema_revision")
	}
	h.hold("/created_at", "/run/id", "/run/name", "/run/status", "/run/boundary", "/run/scope", "/run/started_at", "/run/ended_at", "/run/duration_s", "/generator/name", "/generator/version",
		"/publisher/name", "/publisher/licence", "/use_case/description", "/technology/ml/framework", "/environments/*/country", "/environments/*/subdivision",
		"/environments/*/region", "/environments/*/provider", "/totals/measured_share")
	for _, f := range totalFigures {
		h.hold("/totals/" + f.key)
	}
	for _, f := range stageFigures {
		h.hold("/phases/*/" + f.key)
	}
	h.hold("/phases/*/stage", "/phases/*/phase", "/phases/*/duration_s")
	return h.lost(r), nil
}

// entity is an entity of a crate.
type entity map[string]any

// crate collects the entities of a crate.
type crate struct {
	record *lifecycle.Record
	graph  []entity
	file   string // @id of the record, "" if it is not there
	action string // @id of the run
}

// ref refers to an entity.
func ref(id string) map[string]string { return map[string]string{"@id": id} }

// addFile adds the record.
func (c *crate) addFile(o Options) error {
	text, sum, err := encodedRecord(c.record)
	if err != nil {
		return err
	}
	canonical, err := c.record.SHA256()
	if err != nil {
		return err
	}
	name := cmp.Or(o.Record, c.record.Run.ID+".json")
	if c.file, err = crateID(name); err != nil {
		return err
	}
	c.graph = append(c.graph, entity{
		"@id": c.file, "@type": "File", "name": name,
		"description":    "Record of the run: energy and emissions with intervals, methods, factors and sources. SHA-256 of its canonical form (RFC 8785): " + canonical,
		"encodingFormat": "application/json",
		"contentSize":    strconv.Itoa(len(text)),
		"sha256":         sum,
		"dateModified":   c.record.CreatedAt.UTC().Format(time.RFC3339Nano),
		"conformsTo":     ref(c.record.Schema),
	}, entity{"@id": c.record.Schema, "@type": "CreativeWork", "name": "ecotracer run record", "version": strconv.Itoa(c.record.SchemaRevision)})
	return nil
}

// crateID is the @id of a file: a URL, or a path below the crate in the form of
// a URI.
func crateID(name string) (string, error) {
	if u, err := url.Parse(name); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return name, nil
	}
	if name = path.Clean(name); !fs.ValidPath(name) || name == "." {
		return "", fmt.Errorf("the record is to be a file of the crate, and %q is not below it: name it as it is from ro-crate-metadata.json, or by a URL", name)
	}
	return (&url.URL{Path: name}).EscapedPath(), nil
}

// addRoot puts the metadata file and the root in front.
func (c *crate) addRoot() {
	r := c.record
	name := cmp.Or(r.Run.Name, "a run")
	root := entity{
		"@id": "./", "@type": "Dataset", "conformsTo": ref(processProfile),
		"name":          "Energy and emissions of " + name,
		"description":   cmp.Or(r.UseCase.Description, "What "+name+" used and emitted, by stage of the life cycle."),
		"datePublished": r.CreatedAt.UTC().Format(time.RFC3339Nano),
		"license":       cmp.Or(r.Publisher.Licence, "not told by the record"),
		"mentions":      ref(c.action),
	}
	if c.file != "" {
		root["hasPart"] = []any{ref(c.file)}
	}
	c.graph = append([]entity{
		{"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "conformsTo": ref(crateVersion), "about": ref("./")},
		root,
		{"@id": processProfile, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
	}, c.graph...)
}

// actionStatus are the states of a run in the words of schema.org.
var actionStatus = map[lifecycle.Status]string{
	lifecycle.Running:     "ActiveActionStatus",
	lifecycle.Complete:    "CompletedActionStatus",
	lifecycle.Failed:      "FailedActionStatus",
	lifecycle.Interrupted: "FailedActionStatus",
	lifecycle.Estimated:   "PotentialActionStatus",
}

// addRun adds the run, the program, who ran it, where, and what it used.
func (c *crate) addRun() {
	r := c.record
	c.action = "urn:uuid:" + r.Run.ID
	name := cmp.Or(r.Run.Name, "program")
	tool := r.Generator.Name + " " + r.Generator.Version
	action := entity{
		"@id": c.action, "@type": "CreateAction", "name": "Run of " + name,
		"description":  fmt.Sprintf("Status %s; %s of the energy measured; boundary %s, scope %s.", r.Run.Status, inwords.Percent(r.Totals.MeasuredShare), r.Run.Boundary, r.Run.Scope),
		"actionStatus": "http://schema.org/" + actionStatus[r.Run.Status],
		"instrument":   ref("#program"),
	}
	program := entity{"@id": "#program", "@type": "SoftwareApplication", "name": name}
	requirements := []any{ref("#tracer")}
	c.graph = append(c.graph, program, entity{"@id": "#tracer", "@type": "SoftwareApplication", "name": tool, "version": r.Generator.Version,
		"url": "https://github.com/ecotracer/ecotracer"})
	if ml := r.Technology.ML; ml != nil && ml.Framework != nil {
		requirements = append(requirements, ref("#framework"))
		framework := entity{"@id": "#framework", "@type": "SoftwareApplication", "name": ml.Framework.Name}
		if ml.Framework.Version != "" {
			framework["version"] = ml.Framework.Version
		}
		c.graph = append(c.graph, framework)
	}
	program["softwareRequirements"] = requirements
	if t := r.Run.StartedAt; t != nil {
		action["startTime"] = t.UTC().Format(time.RFC3339Nano)
	}
	if t := r.Run.EndedAt; t != nil {
		action["endTime"] = t.UTC().Format(time.RFC3339Nano)
	}
	if r.Publisher.Name != "" {
		action["agent"] = ref("#publisher")
		c.graph = append(c.graph, entity{"@id": "#publisher", "@type": "Organization", "name": r.Publisher.Name})
	}
	places := make([]*lifecycle.Environment, len(r.Environments))
	for i := range places {
		places[i] = &r.Environments[i]
	}
	if where := placesInWords(places); where != "" {
		action["location"] = ref("#place")
		c.graph = append(c.graph, entity{"@id": "#place", "@type": "Place", "name": where})
	}
	if c.file != "" {
		action["result"] = []any{ref(c.file)}
	}
	action["resourceUsage"] = c.addUsage()
	c.graph = append(c.graph, action)
}

// figureOf is a figure of the record: its member, where that is documented, and
// its unit in QUDT.
type figureOf[T any] struct {
	key, doc, unit string
	get            func(*T) *lifecycle.Quantity
}

// totalFigures are the figures of a run.
var totalFigures = []figureOf[lifecycle.Totals]{
	{"energy_j", "Totals.EnergyJ", "J", func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.EnergyJ }},
	{"facility_energy_j", "Totals.FacilityEnergyJ", "J", func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.FacilityEnergyJ }},
	{"operational_gco2e", "Totals.OperationalGCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return &t.OperationalGCO2e }},
	{"embodied_gco2e", "Totals.EmbodiedGCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedGCO2e }},
	{"gco2e", "Totals.GCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.GCO2e }},
	{"water_l", "Totals.WaterL", "L", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.WaterL }},
	{"embodied_adpe_kgsbeq", "Totals.EmbodiedADPeKgSbeq", "KiloGM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedADPeKgSbeq }},
	{"embodied_primary_energy_j", "Totals.EmbodiedPrimaryEnergyJ", "J", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedPrimaryEnergyJ }},
	{"embodied_waste_kg", "Totals.EmbodiedWasteKg", "KiloGM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.EmbodiedWasteKg }},
	{"market_gco2e", "Totals.MarketGCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.MarketGCO2e }},
	{"marginal_gco2e", "Totals.MarginalGCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.MarginalGCO2e }},
	{"loss_gco2e", "Totals.LossGCO2e", "GM", func(t *lifecycle.Totals) *lifecycle.Quantity { return t.LossGCO2e }},
}

// stageFigures are the figures of a stage.
var stageFigures = []figureOf[lifecycle.PhaseEntry]{
	{"energy_j", "PhaseEntry.EnergyJ", "J", func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.EnergyJ }},
	{"facility_energy_j", "PhaseEntry.FacilityEnergyJ", "J", func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.FacilityEnergyJ }},
	{"operational_gco2e", "PhaseEntry.OperationalGCO2e", "GM", func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.OperationalGCO2e }},
	{"water_l", "PhaseEntry.WaterL", "L", func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.WaterL }},
	{"embodied_gco2e", "EmbodiedImpacts.EmbodiedGCO2e", "GM", func(e *lifecycle.PhaseEntry) *lifecycle.Quantity { return e.EmbodiedGCO2e }},
}

// addUsage adds the figures and returns references to them.
func (c *crate) addUsage() []any {
	var refs []any
	add := func(id string, e entity) {
		e["@id"], e["@type"] = id, "PropertyValue"
		refs = append(refs, ref(id))
		c.graph = append(c.graph, e)
	}
	r := c.record
	add("#duration_s", seconds("duration_s", "RunInfo.DurationS", r.Run.DurationS))
	add("#measured_share", entity{"name": "measured_share", "propertyID": memberDocs + "Totals.MeasuredShare", "value": plainDecimal(r.Totals.MeasuredShare)})
	for _, f := range totalFigures {
		if q := f.get(&r.Totals); q != nil {
			add("#"+f.key, usage(f.key, f.doc, f.unit, q))
		}
	}
	for i := range r.Phases {
		e := &r.Phases[i]
		name := func(key string) string { return key + " of " + string(e.Stage) }
		id := func(key string) string { return "#" + strings.ReplaceAll(string(e.Stage), "/", ".") + "." + key }
		if e.DurationS != nil {
			add(id("duration_s"), seconds(name("duration_s"), "PhaseEntry.DurationS", *e.DurationS))
		}
		for _, f := range stageFigures {
			if q := f.get(e); q != nil {
				add(id(f.key), usage(name(f.key), f.doc, f.unit, q))
			}
		}
	}
	return refs
}

// usage is a figure with its bounds and method.
func usage(name, doc, unit string, q *lifecycle.Quantity) entity {
	return entity{"name": name, "propertyID": memberDocs + doc, "unitCode": qudtUnit + unit, "value": plainDecimal(q.Value),
		"minValue": q.Low, "maxValue": q.High, "measurementTechnique": string(q.Method)}
}

// seconds is a duration.
func seconds(name, doc string, s float64) entity {
	return entity{"name": name, "propertyID": memberDocs + doc, "unitCode": qudtUnit + "SEC", "value": plainDecimal(s)}
}
