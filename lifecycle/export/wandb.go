package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// WandB writes what a run of Weights & Biases can take as one JSON document:
// summary (figures with bounds, keys ecotracer/…), config (what they are of, and
// their methods) and artifact (name, type, metadata and the manifest of its
// files: the record, under [Options.Record] or the name under which a run leaves
// it, with size and SHA-256; [Options.Bare] leaves it out). Three lines of Python
// attach it to the current run:
//
//	e = json.load(open("wandb.json")); run = wandb.run
//	run.summary.update(e["summary"]); run.config.update(e["config"], allow_val_change=True)
//	run.log_artifact(e["artifact"]["files"][0]["path"], name=e["artifact"]["name"], type=e["artifact"]["type"])
func WandB(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
	digest, err := r.SHA256()
	if err != nil {
		return nil, fmt.Errorf("export: W&B: %w", err)
	}
	doc := wandbDoc{Summary: map[string]float64{}, Config: map[string]map[string]string{"ecotracer": trackerFacts(r, digest)}}
	for _, m := range trackerMetrics(r) {
		doc.Summary[m.key] = m.value
	}
	lost := trackerLosses(r)
	if !o.Bare {
		text, sum, err := encodedRecord(r)
		if err != nil {
			return nil, fmt.Errorf("export: W&B: %w", err)
		}
		doc.Artifact = &wandbArtifact{
			Name: "ecotracer-" + r.Run.ID, Type: "ecotracer-record",
			Metadata: map[string]string{"schema": r.Schema, "record_sha256": digest},
			Files:    []wandbFile{{cmp.Or(o.Record, r.Run.ID+".json"), len(text), sum}},
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("export: W&B: %w", err)
	}
	return lost, nil
}

// wandbDoc is what a run takes.
type wandbDoc struct {
	Summary  map[string]float64           `json:"summary"`
	Config   map[string]map[string]string `json:"config"`
	Artifact *wandbArtifact               `json:"artifact,omitempty"`
}

type wandbArtifact struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Metadata map[string]string `json:"metadata"`
	Files    []wandbFile       `json:"files"`
}

type wandbFile struct {
	Path   string `json:"path"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}
