package export

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// ModelCard writes what a Hugging Face model card (README.md of a model) tells
// of a run: the front matter key co2_eq_emissions, and a section
// "Environmental Impact". For a card that is there already, see [IntoModelCard].
//
// The key is what the Hub and huggingface_hub read: emissions in grams, source,
// training_type, geographical_location and hardware_used (hub-docs,
// model-cards-co2.md), with the keys that sentence-transformers writes beside
// them: energy_consumed (kWh, with PUE), on_cloud, cpu_model, ram_total_size
// (GB of 2^30 bytes, for it has CodeCarbon's figure there) and hours_used. By
// convention it is about training, so it covers the stages in which the model
// learns, their electricity alone; what the record does not tell is not there. A
// record without such a stage sets no key. The section tells of all phases, with
// intervals.
func ModelCard(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	card, lost, err := IntoModelCard(nil, r, o)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(card); err != nil {
		return nil, fmt.Errorf("export: model card: %w", err)
	}
	return lost, nil
}

// IntoModelCard puts the front matter key and the section of [ModelCard] into
// a card and returns the new one; card itself is not changed. What was put there
// before is replaced, so that doing it twice changes nothing, and every other
// byte stays: comments, the order of keys, line ends, a byte order mark, an end
// without a line end.
//
// Of co2_eq_emissions all that describes a figure is replaced, whoever wrote it,
// because it described another figure; other keys and comment lines in it stay.
// The section stands between two comments. It goes below a heading
// "Environmental Impact" if there is one, such as that of the Hub's template, in
// front of what is written there; else it comes last, with such a heading.
//
// A card whose front matter is broken, or cannot be edited line by line, is a
// [*CardError] that tells where.
func IntoModelCard(card []byte, r *lifecycle.Record, o Options) ([]byte, []Loss, error) {
	digest, err := r.SHA256()
	if err != nil {
		return nil, nil, fmt.Errorf("export: model card: %w", err)
	}
	parts, err := splitCard(card)
	if err != nil {
		return nil, nil, err
	}
	learnt := learningOf(r)
	var out bytes.Buffer
	if err := parts.writeFront(&out, co2Entries(r, o, learnt)); err != nil {
		return nil, nil, err
	}
	bare := cardSection(r, o, learnt, digest)
	if err := parts.writeBody(&out, bare); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), cardLosses(r, learnt), nil
}

// CardError tells what keeps a model card from being edited, and where.
type CardError struct {
	Line, Column int // from 1
	Message      string
}

func (e *CardError) Error() string {
	return fmt.Sprintf("export: model card: line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// cardLosses lists what a card does not tell.
func cardLosses(r *lifecycle.Record, l *learning) []Loss {
	var h holding
	h.hold("/run/boundary", "/run/scope", "/totals/energy_j", "/totals/facility_energy_j", "/totals/gco2e", "/totals/measured_share",
		"/totals/by_phase/*/energy_j", "/totals/by_phase/*/facility_energy_j", "/totals/by_phase/*/gco2e",
		"/environments/*/country", "/environments/*/subdivision", "/environments/*/provider", "/environments/*/region")
	if r.Totals.WaterL != nil {
		h.hold("/totals/water_l")
	}
	if l == nil {
		l = wholeRun(r)
	} else {
		h.hold("/generator/name")
		if ml := r.Technology.ML; ml != nil && ml.TrainingType == l.trainingType(r) {
			h.hold("/technology/ml/training_type")
		}
	}
	told := l.devices(r)
	for i := range r.Hardware {
		if slices.Contains(told, &r.Hardware[i]) {
			at := "/hardware/" + strconv.Itoa(i)
			h.hold(at+"/model", at+"/count")
		}
	}
	return append(h.lost(r), Loss{Path: "/totals", Why: "figures are rounded to three significant digits"})
}
