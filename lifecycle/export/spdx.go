package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// SPDX writes an SPDX 3.0.1 document (JSON-LD) with the model as an AI package
// and what training, fine-tuning and inference used as its energy consumption:
// kWh with PUE, an entry for each stage, as decimal strings. The format has no
// other stages, no emissions and no intervals; in words, the package's comment
// tells the stages, intervals and methods.
//
// The document claims the profiles core and software, and the AI profile only
// if all that this requires is told: version, supplier (publisher.name),
// download location and release time ([Options].ModelURI and ModelReleased).
// Licences are "no assertion". The same record and options give the same bytes.
// A model without a name is an [InputError].
func SPDX(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	name, version := modelOf(r, o)
	if name == "" {
		return nil, &InputError{Format: "spdx", Inputs: []Input{modelNameInput}}
	}
	digest, err := r.SHA256()
	if err != nil {
		return nil, err
	}
	s := spdxWriter{record: r, iri: "urn:uuid:" + derivedUUID("spdx", digest) + "#"}
	notes := s.model(name, version, o)
	s.evidence(o, digest)
	s.document()

	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(map[string]any{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": s.graph}); err != nil {
		return nil, err
	}
	return explained(s.held.lost(r), notes), nil
}

// spdxInfo is the node that tells who made the elements, and when.
const spdxInfo = "_:creation"

// spdxElement has the members that each element has.
type spdxElement struct {
	Type          string            `json:"type"`
	ID            string            `json:"spdxId"`
	Info          string            `json:"creationInfo"`
	Name          string            `json:"name,omitempty"`
	Description   string            `json:"description,omitempty"`
	Comment       string            `json:"comment,omitempty"`
	VerifiedUsing []spdxHash        `json:"verifiedUsing,omitempty"`
	ExternalRef   []spdxExternalRef `json:"externalRef,omitempty"`
}

type spdxHash struct {
	Type      string `json:"type"`
	Algorithm string `json:"algorithm"`
	HashValue string `json:"hashValue"`
	Comment   string `json:"comment,omitempty"`
}

type spdxExternalRef struct {
	Type            string   `json:"type"`
	ExternalRefType string   `json:"externalRefType"`
	Locator         []string `json:"locator"`
}

type spdxCreation struct {
	Type         string   `json:"type"`
	ID           string   `json:"@id"`
	SpecVersion  string   `json:"specVersion"`
	Created      string   `json:"created"`
	CreatedBy    []string `json:"createdBy"`
	CreatedUsing []string `json:"createdUsing"`
}

type spdxDocument struct {
	spdxElement
	ProfileConformance []string `json:"profileConformance"`
	RootElement        []string `json:"rootElement"`
	Element            []string `json:"element"`
}

type spdxRelationship struct {
	spdxElement
	From             string   `json:"from"`
	RelationshipType string   `json:"relationshipType"`
	To               []string `json:"to"`
}

type spdxFile struct {
	spdxElement
	PrimaryPurpose string `json:"software_primaryPurpose"`
	ContentType    string `json:"contentType"`
}

type spdxAIPackage struct {
	spdxElement
	PrimaryPurpose    string           `json:"software_primaryPurpose"`
	PackageVersion    string           `json:"software_packageVersion,omitempty"`
	DownloadLocation  string           `json:"software_downloadLocation,omitempty"`
	SuppliedBy        string           `json:"suppliedBy,omitempty"`
	ReleaseTime       string           `json:"releaseTime,omitempty"`
	TypeOfModel       []string         `json:"ai_typeOfModel,omitempty"`
	AboutApplication  string           `json:"ai_informationAboutApplication,omitempty"`
	Hyperparameters   []spdxEntry      `json:"ai_hyperparameter,omitempty"`
	Metrics           []spdxEntry      `json:"ai_metric,omitempty"`
	EnergyConsumption *spdxConsumption `json:"ai_energyConsumption,omitempty"`
}

type spdxEntry struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

type spdxConsumption struct {
	Type       string       `json:"type"`
	Training   []spdxEnergy `json:"ai_trainingEnergyConsumption,omitempty"`
	Finetuning []spdxEnergy `json:"ai_finetuningEnergyConsumption,omitempty"`
	Inference  []spdxEnergy `json:"ai_inferenceEnergyConsumption,omitempty"`
}

type spdxEnergy struct {
	Type     string `json:"type"`
	Quantity string `json:"ai_energyQuantity"` // xsd:decimal, so no exponent
	Unit     string `json:"ai_energyUnit"`
}

// spdxWriter makes the graph of a document.
type spdxWriter struct {
	record   *lifecycle.Record
	iri      string // that the ids of all elements begin with
	graph    []any
	ids      []string
	profiles []string
	held     holding
}

func (s *spdxWriter) element(kind, id, name string) spdxElement {
	e := spdxElement{Type: kind, ID: s.iri + id, Info: spdxInfo, Name: name}
	s.ids = append(s.ids, e.ID)
	return e
}

func (s *spdxWriter) relate(from, kind, comment, to string) {
	e := s.element("Relationship", kind, "")
	e.Comment = comment
	s.graph = append(s.graph, spdxRelationship{e, from, kind, []string{to}})
}

// spdxTime is a time as the format demands: in UTC, without a fraction.
func spdxTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// document adds what stands before the elements.
func (s *spdxWriter) document() {
	g := s.record.Generator
	agent := s.element("SoftwareAgent", "agent", g.Name+" "+g.Version)
	tool := s.element("Tool", "tool", g.Name+" "+g.Version)
	elements := s.ids
	document := spdxDocument{
		spdxElement:        s.element("SpdxDocument", "document", "energy consumption of run "+s.record.Run.ID),
		ProfileConformance: s.profiles, RootElement: []string{s.iri + "model"}, Element: elements,
	}
	s.graph = append([]any{
		spdxCreation{"CreationInfo", spdxInfo, "3.0.1", spdxTime(s.record.CreatedAt), []string{agent.ID}, []string{tool.ID}},
		document, agent, tool,
	}, s.graph...)
	s.held.hold("/generator/name", "/generator/version", "/run/id", "/created_at")
}

// model adds the package, and tells what of it stands in words alone.
func (s *spdxWriter) model(name, version string, o Options) []Loss {
	r := s.record
	p := spdxAIPackage{
		spdxElement: s.element("ai_AIPackage", "model", name), PrimaryPurpose: "model", PackageVersion: version, DownloadLocation: o.ModelURI,
	}
	p.Description = r.UseCase.Description
	s.held.hold("/technology/ml/model/name", "/technology/ml/model/version", "/use_case/description")
	if ml := r.Technology.ML; ml != nil {
		s.machineLearning(ml, &p)
	}
	p.DownloadLocation = iriOf(p.DownloadLocation)
	var application []string
	for _, text := range []string{r.UseCase.Purpose, r.UseCase.Goal} {
		if text != "" {
			application = append(application, text)
		}
	}
	p.AboutApplication = strings.Join(application, "; ")
	s.held.hold("/use_case/purpose", "/use_case/goal")
	if !o.ModelReleased.IsZero() {
		p.ReleaseTime = spdxTime(o.ModelReleased)
	}
	if r.Publisher.Name != "" {
		supplier := s.element("Organization", "supplier", r.Publisher.Name)
		p.SuppliedBy = supplier.ID
		s.graph = append(s.graph, supplier)
		s.held.hold("/publisher/name")
	}
	s.profiles = []string{"core", "software"}
	if p.PackageVersion != "" && p.DownloadLocation != "" && p.ReleaseTime != "" && p.SuppliedBy != "" {
		s.profiles = append(s.profiles, "ai")
	}
	notes := s.energy(&p)
	s.graph = append(s.graph, p)
	for _, kind := range []string{"hasConcludedLicense", "hasDeclaredLicense"} {
		s.relate(p.ID, kind, "A record of a run does not tell the licence of the model.", "expandedlicensing_NoAssertionLicense")
	}
	return notes
}

func (s *spdxWriter) machineLearning(ml *lifecycle.ML, p *spdxAIPackage) {
	const at = "/technology/ml/"
	if m := ml.Model; m != nil {
		if m.URI != "" {
			p.DownloadLocation = m.URI
			s.held.hold(at + "model/uri")
		}
		if m.Digest != nil {
			p.VerifiedUsing = []spdxHash{{"Hash", "sha256", m.Digest.SHA256, ""}}
			s.held.hold(at + "model/digest")
		}
	}
	if a := ml.Algorithm; a != nil {
		for _, text := range []string{a.Name, a.Type} {
			if text != "" {
				p.TypeOfModel = append(p.TypeOfModel, text)
			}
		}
		s.held.hold(at+"algorithm/name", at+"algorithm/type")
	}
	number := func(key, member string, v *int64) {
		if v != nil {
			p.Hyperparameters = append(p.Hyperparameters, spdxEntry{"DictionaryEntry", key, strconv.FormatInt(*v, 10)})
			s.held.hold(at + member)
		}
	}
	text := func(member, v string) {
		if v != "" {
			p.Hyperparameters = append(p.Hyperparameters, spdxEntry{"DictionaryEntry", member, v})
			s.held.hold(at + member)
		}
	}
	if n := ml.Parameters; n != nil {
		number("parameters", "parameters/total", n.Total)
		number("trainable_parameters", "parameters/trainable", n.Trainable)
		number("active_parameters", "parameters/active", n.Active)
	}
	number("layers", "layers", ml.Layers)
	number("neurons", "neurons", ml.Neurons)
	number("epochs", "epochs", ml.Epochs)
	number("steps", "steps", ml.Steps)
	number("batch_size", "batch_size", ml.BatchSize)
	text("optimizer", ml.Optimizer)
	text("precision", ml.Precision)
	text("training_type", ml.TrainingType)
	text("learning_paradigm", ml.LearningParadigm)
	for _, e := range ml.Evaluation {
		key := e.Metric
		if e.Split != "" {
			key += " (" + e.Split + ")"
		}
		p.Metrics = append(p.Metrics, spdxEntry{"DictionaryEntry", key, plainDecimal(e.Value)})
		s.held.hold(at+"evaluation/*/metric", at+"evaluation/*/value", at+"evaluation/*/split")
	}
}

// energy fills the three lists. What stands in the comment a reader of the
// format does not get back, and so it is among the losses.
func (s *spdxWriter) energy(p *spdxAIPackage) []Loss {
	var notes []Loss
	var words []string
	c := &spdxConsumption{Type: "ai_EnergyConsumption"}
	places := placesOf(s.record)
	for i := range s.record.Phases {
		e := &s.record.Phases[i]
		var list *[]spdxEnergy
		switch e.Stage {
		case lifecycle.PreTraining, lifecycle.Training, lifecycle.Reinforcement, lifecycle.HyperparameterTuning:
			list = &c.Training
		case lifecycle.FineTuning:
			list = &c.Finetuning
		case lifecycle.Serving, lifecycle.Batch, lifecycle.Retrieval:
			list = &c.Inference
		}
		q := e.FacilityEnergyJ
		if list == nil || q == nil || !metersEnergy(e) {
			continue
		}
		*list = append(*list, spdxEnergy{"ai_EnergyConsumptionDescription", joulesAsKWh(q.Value), "kilowattHour"})
		with := ""
		if pue := places.pueOf(e); pue != nil {
			with = ", PUE " + plainDecimal(pue.Value) + " included"
		}
		words = append(words, fmt.Sprintf("%s: %s kWh (95 %%: %s to %s), %s%s", e.Stage, joulesAsKWh(q.Value), joulesAsKWh(q.Low), joulesAsKWh(q.High), q.Method, with))
		at := "/phases/" + strconv.Itoa(i)
		s.held.hold(at+"/phase", at+"/facility_energy_j/value")
		notes = append(notes, Loss{at + "/stage", "in words, in the comment"})
		for _, member := range []string{"low", "high", "method"} {
			notes = append(notes, Loss{at + "/facility_energy_j/" + member, "in words, in the comment"})
		}
	}
	if len(words) > 0 {
		p.EnergyConsumption = c
		p.Comment = fmt.Sprintf("Energy of run %s, boundary %s. %s.", s.record.Run.ID, s.record.Run.Boundary, strings.Join(words, "; "))
	}
	return notes
}

// evidence adds the record itself.
func (s *spdxWriter) evidence(o Options, digest string) {
	if o.Record == "" {
		return
	}
	f := s.element("software_File", "record", o.Record)
	f.VerifiedUsing = []spdxHash{{"Hash", "sha256", digest, recordComment(s.record)}}
	f.ExternalRef = []spdxExternalRef{{"ExternalRef", "metrics", []string{iriOf(o.Record)}}}
	s.graph = append(s.graph, spdxFile{f, "evidence", "application/json"})
	s.relate(s.iri+"model", "hasEvidence", "", f.ID)
	s.held.hold("/integrity")
}
