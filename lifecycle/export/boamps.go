package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// boampsExtension is the member of a report, beside those that BoAmps knows,
// that holds the record; its schema forbids none.
const boampsExtension = "ecotracer"

// boampsOriginal is where a record keeps the report that it was made of.
const boampsOriginal = "org.boavizta.boamps"

// BoAmps writes a record as a report of Boavizta's BoAmps 1.1: one for the run,
// whose taskStage joins the stages by "+", or one for each stage
// ([Options].PerStage), which BoAmps recommends, a report a line. Several
// environments become the one that used the most.
//
// The energy is that of IT equipment, in kWh and without PUE, of which BoAmps
// knows nothing; taskDescription names the boundary. measurementDateTime is the
// begin, in UTC; memorySize that of one component, in GB of 1e9 bytes;
// parametersNumber in billions; trainingType the learning paradigm. quality is
// high, medium or low as the interval of the energy is within 10, 25 or 50 % of
// it, and absent where it is wider.
//
// The member "ecotracer" holds the record itself, so that [ReadBoAmps] gives it
// back as it was; [Options].Bare leaves it out. A record that ReadBoAmps made of
// another's report, and that says the same still, is that report again.
//
// An *[InputError] asks for the task, the type of data and the infrastructure,
// which BoAmps requires.
func BoAmps(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	if err := valid(r); err != nil {
		return nil, err
	}
	var record []byte
	if !o.Bare {
		var err error
		if record, err = boampsRecord(r, o.PerStage); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if !o.PerStage {
		if err := writeBoAmps(&out, r, nil, o, record); err != nil {
			return nil, err
		}
	} else {
		stages := operational(r)
		if len(stages) == 0 {
			return nil, fmt.Errorf("export: boamps: the record has no stage that used energy: leave out PerStage")
		}
		for _, p := range stages {
			if err := writeBoAmps(&out, r, p, o, record); err != nil {
				return nil, err
			}
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return nil, err
	}
	return boampsHeld(r, o).lost(r), nil
}

// boampsRecord is the record as a report holds it.
func boampsRecord(r *lifecycle.Record, oneLine bool) ([]byte, error) {
	encode := lifecycle.Encode
	if oneLine {
		encode = lifecycle.EncodeLine
	}
	var text bytes.Buffer
	err := encode(&text, r)
	return bytes.TrimSpace(text.Bytes()), err
}

// writeBoAmps writes one report. The record, which may be long, is put in as it
// is.
func writeBoAmps(out *bytes.Buffer, r *lifecycle.Record, stage *lifecycle.PhaseEntry, o Options, record []byte) error {
	report, err := boampsReport(r, stage, o)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if stage == nil {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(report); err != nil {
		return err
	}
	body := bytes.TrimSpace(text.Bytes())
	if record != nil {
		about, err := json.Marshal(boampsAbout{boampsVersion, boampsCovers(stage), r.Run.Boundary, false})
		if err != nil {
			return err
		}
		body = bytes.TrimSpace(bytes.TrimSuffix(body, []byte("}")))
		between := ","
		if stage == nil {
			between = ",\n  "
		}
		out.Write(body)
		fmt.Fprintf(out, "%s%q: %s,\"record\": ", between, boampsExtension, bytes.TrimSuffix(about, []byte("}")))
		out.Write(record)
		out.WriteString("}}\n")
		return nil
	}
	out.Write(body)
	out.WriteByte('\n')
	return nil
}

const boampsVersion = "1.0"

// boampsAbout is what the extension tells besides the record.
type boampsAbout struct {
	Version     string             `json:"specVersion"` // of the extension
	Covers      string             `json:"covers"`      // run, or a stage
	Boundary    lifecycle.Boundary `json:"boundary"`    // of powerConsumption
	PUEIncluded bool               `json:"pueIncluded"` // never
}

// boampsCovers is what a report is of: a stage, or the run.
func boampsCovers(stage *lifecycle.PhaseEntry) string {
	if stage == nil {
		return "run"
	}
	return string(stage.Stage)
}
