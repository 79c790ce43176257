package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// CycloneDX writes a bill of materials in CycloneDX 1.7 (ECMA-424) with the
// model as its component and what the run used under the model's
// environmentalConsiderations: an entry for each operational stage, in kWh with
// PUE and in tonnes of CO2 equivalent, location-based. Who supplied the
// electricity a record does not know: it is "unknown". Citations attribute the
// figures to the tracer.
//
// What the format has no member for is in properties. Those of an entry are
// "ecotracer:" and run, stage, scope, boundary, started_at, ended_at, duration_s
// (s); it_energy:value_j, :low_j, :high_j and :method (without PUE); pue and
// gco2e_per_kwh, each with :low and :high; energy:low_kwh, :high_kwh and :method
// (with PUE); co2:low_tco2eq, :high_tco2eq and :method, and of it
// co2:services_tco2eq, of services whose energy is unknown. The share of the
// devices' production and end of life is among those of all entries, as
// "ecotracer:RUN:STAGE:embodied_gco2e" (g), and so is the digest of the record,
// as "ecotracer:RUN:record:sha256". Intervals are of 95 %.
//
// The same record and options give the same bytes. A model without a name is
// an [InputError].
func CycloneDX(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	return newBOM(w, r, o, "1.7")
}

// CycloneDX16 is as [CycloneDX], in version 1.6, which has no citations.
func CycloneDX16(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	return newBOM(w, r, o, "1.6")
}

// cdxDocument and what follows are the parts of the format that are written.
// Their numbers are text, so that they are the decimals that they should be.
type cdxDocument struct {
	Schema       string         `json:"$schema"`
	BOMFormat    string         `json:"bomFormat"`
	SpecVersion  string         `json:"specVersion"`
	SerialNumber string         `json:"serialNumber"`
	Version      int            `json:"version"`
	Metadata     cdxMetadata    `json:"metadata"`
	Components   []cdxComponent `json:"components"`
}

type cdxMetadata struct {
	Timestamp    string           `json:"timestamp"`
	Manufacturer *cdxOrganization `json:"manufacturer,omitempty"` // of the BOM
}

type cdxComponent struct {
	Type        string        `json:"type"`
	BOMRef      string        `json:"bom-ref"`
	Name        string        `json:"name"`
	Version     string        `json:"version,omitempty"`
	Description string        `json:"description,omitempty"`
	Hashes      []cdxHash     `json:"hashes,omitempty"`
	ModelCard   *cdxModelCard `json:"modelCard,omitempty"`
}

type cdxHash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type cdxModelCard struct {
	ModelParameters      cdxParameters      `json:"modelParameters,omitzero"`
	QuantitativeAnalysis *cdxAnalysis       `json:"quantitativeAnalysis,omitempty"`
	Considerations       *cdxConsiderations `json:"considerations,omitempty"`
}

type cdxParameters struct {
	Approach           *cdxApproach `json:"approach,omitempty"`
	Task               string       `json:"task,omitempty"`
	ArchitectureFamily string       `json:"architectureFamily,omitempty"`
	ModelArchitecture  string       `json:"modelArchitecture,omitempty"`
}

type cdxApproach struct {
	Type string `json:"type"`
}

type cdxAnalysis struct {
	PerformanceMetrics []cdxMetric `json:"performanceMetrics"`
}

type cdxMetric struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Slice string `json:"slice,omitempty"`
}

type cdxConsiderations struct {
	UseCases []string `json:"useCases,omitempty"`
}

type cdxProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type cdxReference struct {
	Type    string    `json:"type"`
	URL     string    `json:"url"`
	Comment string    `json:"comment"`
	Hashes  []cdxHash `json:"hashes"`
}

type cdxCitation struct {
	BOMRef       string   `json:"bom-ref"`
	Pointers     []string `json:"pointers"`
	Timestamp    string   `json:"timestamp"`
	AttributedTo string   `json:"attributedTo"`
	Note         string   `json:"note"`
}

type cdxTool struct {
	Type    string `json:"type"`
	BOMRef  string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// newBOM writes a BOM that holds the model, and adds the run to it as to any
// other.
func newBOM(w io.Writer, r *lifecycle.Record, o Options, version string) ([]Loss, error) {
	name, _ := modelOf(r, o)
	if name == "" {
		return nil, &InputError{Format: "cyclonedx", Inputs: []Input{modelNameInput}}
	}
	digest, err := r.SHA256()
	if err != nil {
		return nil, err
	}
	var held holding
	metadata := cdxMetadata{Timestamp: r.CreatedAt.UTC().Format(time.RFC3339Nano)}
	if r.Publisher.Name != "" {
		metadata.Manufacturer = &cdxOrganization{r.Publisher.Name}
		held.hold("/publisher/name")
	}
	text, err := json.Marshal(cdxDocument{
		Schema:       "http://cyclonedx.org/schema/bom-" + version + ".schema.json",
		BOMFormat:    "CycloneDX",
		SpecVersion:  version,
		SerialNumber: "urn:uuid:" + derivedUUID("cyclonedx", version, digest),
		Version:      1,
		Metadata:     metadata,
		Components:   []cdxComponent{componentOf(r, o, &held)},
	})
	if err != nil {
		return nil, err
	}
	b, err := readBOM(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	notes, err := b.add(r, o, digest, &held)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append(b.text("  "), '\n')); err != nil {
		return nil, err
	}
	return explained(held.lost(r), notes), nil
}

// derivedUUID is a UUID that is made of the parts, so that the same record is
// the same document: version 8 of RFC 9562, of the first bits of a SHA-256.
func derivedUUID(parts ...string) string {
	id := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

var modelNameInput = Input{Option: "ModelName", Path: "/technology/ml/model/name", Want: "what the model is called"}

// modelOf is the name and version of the run's model, as the record tells
// them, else the options.
func modelOf(r *lifecycle.Record, o Options) (name, version string) {
	name, version = o.ModelName, o.ModelVersion
	if ml := r.Technology.ML; ml != nil && ml.Model != nil {
		if ml.Model.Name != "" {
			name = ml.Model.Name
		}
		if ml.Model.Version != "" {
			version = ml.Model.Version
		}
	}
	return name, version
}

// componentOf is what the record tells of the model but for what it used.
func componentOf(r *lifecycle.Record, o Options, held *holding) cdxComponent {
	name, version := modelOf(r, o)
	c := cdxComponent{
		Type: "machine-learning-model", BOMRef: "ecotracer:model:" + name,
		Name: name, Version: version, Description: r.UseCase.Description,
	}
	if version != "" {
		c.BOMRef += "@" + version
	}
	held.hold("/technology/ml/model/name", "/technology/ml/model/version", "/use_case/description")
	var card cdxModelCard
	held.hold("/use_case/purpose", "/use_case/goal")
	for _, text := range []string{r.UseCase.Purpose, r.UseCase.Goal} {
		if text != "" {
			if card.Considerations == nil {
				card.Considerations = &cdxConsiderations{}
			}
			card.Considerations.UseCases = append(card.Considerations.UseCases, text)
		}
	}
	if ml := r.Technology.ML; ml != nil {
		if r.Technology.Kind == "ml" {
			held.hold("/technology/kind")
		}
		modelCardOf(ml, &c, &card, held)
	}
	if card != (cdxModelCard{}) {
		c.ModelCard = &card
	}
	return c
}

func modelCardOf(ml *lifecycle.ML, c *cdxComponent, card *cdxModelCard, held *holding) {
	const at = "/technology/ml/"
	if ml.Model != nil && ml.Model.Digest != nil {
		c.Hashes = []cdxHash{{"SHA-256", ml.Model.Digest.SHA256}}
		held.hold(at + "model/digest")
	}
	p := &card.ModelParameters
	switch ml.LearningParadigm {
	case "supervised", "unsupervised", "semi-supervised", "self-supervised", "reinforcement-learning":
		p.Approach = &cdxApproach{ml.LearningParadigm}
		held.hold(at + "learning_paradigm")
	}
	p.Task = ml.Task
	held.hold(at + "task")
	if a := ml.Algorithm; a != nil {
		p.ArchitectureFamily, p.ModelArchitecture = a.Type, a.Name
		held.hold(at+"algorithm/type", at+"algorithm/name")
	}
	for _, e := range ml.Evaluation {
		if card.QuantitativeAnalysis == nil {
			card.QuantitativeAnalysis = &cdxAnalysis{}
		}
		q := card.QuantitativeAnalysis
		q.PerformanceMetrics = append(q.PerformanceMetrics, cdxMetric{Type: e.Metric, Value: plainDecimal(e.Value), Slice: e.Split})
		held.hold(at+"evaluation/*/metric", at+"evaluation/*/value", at+"evaluation/*/split")
	}
}

// activities are the stages' counterparts among the activities of CycloneDX;
// what has none is "other", and tells its stage in a property. The draft of
// version 2.0 drops "other".
var activities = map[lifecycle.Stage]string{
	lifecycle.Design:               "design",
	lifecycle.DataProduction:       "data-collection",
	lifecycle.DataPreparation:      "data-preparation",
	lifecycle.PreTraining:          "training",
	lifecycle.Training:             "training",
	lifecycle.FineTuning:           "fine-tuning",
	lifecycle.Reinforcement:        "training",
	lifecycle.HyperparameterTuning: "training",
	lifecycle.Compression:          "training", // "model building, training and generalized tuning"
	lifecycle.ModelEvaluation:      "validation",
	lifecycle.Deployment:           "deployment",
	lifecycle.Serving:              "inference",
	lifecycle.Batch:                "inference",
	lifecycle.Retrieval:            "inference",
	lifecycle.Monitoring:           "validation",
	lifecycle.Collection:           "data-collection",
	lifecycle.Processing:           "data-preparation",
}

// plainDecimal is the shortest decimal that reads back as x, without an
// exponent, which not every reader takes.
func plainDecimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// joulesAsKWh is x J in kWh of 3.6e6 J: the decimal of the float64 that is
// nearest to the quotient.
func joulesAsKWh(x float64) string { return plainDecimal(x / 3.6e6) }

// gramsAsTonnes is x g in t, exact in decimal: the decimal point of the
// shortest form of x moves six places.
func gramsAsTonnes(x float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	digits := strings.Replace(mantissa, ".", "", 1)
	e, _ := strconv.Atoi(exponent)
	point := e + 1 - 6 // of digits, that are before the decimal point
	switch {
	case strings.Trim(digits, "0") == "":
		return "0"
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits))
	}
	return sign + digits[:point] + "." + digits[point:]
}

// explained is what is lost, with the reasons of notes; what of these is not
// among it is added.
func explained(losses, notes []Loss) []Loss {
	at := make(map[string]int, len(losses))
	for i := range losses {
		at[losses[i].Path] = i
	}
	for _, n := range notes {
		if i, ok := at[n.Path]; ok {
			losses[i].Why = n.Why
		} else {
			losses = append(losses, n)
		}
	}
	return losses
}

// iriOf makes a name or URL one that may stand where a URI reference must.
func iriOf(name string) string {
	u, err := url.Parse(name)
	urn := strings.HasPrefix(name, "urn:") && !strings.ContainsAny(name, ` \"<>^{|}`)
	if err != nil || u.Opaque != "" && !urn {
		u = &url.URL{Path: name}
	}
	return u.String()
}

// recordComment tells what the digest beside it is of, for it is not that of
// the bytes of a file.
func recordComment(r *lifecycle.Record) string {
	return fmt.Sprintf("ecotracer record of run %s. The SHA-256 is of the record's canonical form (RFC 8785, without its member integrity), not of the file as it is laid out.", r.Run.ID)
}
