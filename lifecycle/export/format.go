package export

// Format is a format that records can be written in.
type Format struct {
	Name      string // short, such as boamps
	What      string // in words, on one line
	Extension string // of files, such as .json
	Write     Func
}

// Formats lists the formats, by name.
func Formats() []Format {
	return []Format{
		{"boamps", "a report of Boavizta's BoAmps 1.1, with the record in it", ".json", BoAmps},
		{"codecarbon", "a line of CodeCarbon's emissions.csv", ".csv", CodeCarbon},
		{"cyclonedx", "CycloneDX 1.7, a bill of materials of the model", ".cdx.json", CycloneDX},
		{"cyclonedx-1.6", "CycloneDX 1.6, a bill of materials of the model", ".cdx.json", CycloneDX16},
		{"gpai", "extract for the EU's model documentation form (AI Act, Annex XI)", ".txt", styled(GPAI, Text)},
		{"gpai.json", "the same as JSON", ".json", styled(GPAI, JSON)},
		{"gpai.md", "the same as Markdown", ".md", styled(GPAI, Markdown)},
		{"modelcard", "Hugging Face model card: front matter and a Markdown section", ".md", ModelCard},
		{"otlp-metrics", "OpenTelemetry metrics as OTLP JSON, with hw.energy", ".jsonl", OTLPMetrics},
		{"otlp-traces", "OpenTelemetry spans as OTLP JSON", ".jsonl", OTLPTraces},
		{"pprof", "a profile of energy for go tool pprof", ".pb.gz", Pprof},
		{"rocrate", "ro-crate-metadata.json of a Workflow Run RO-Crate", ".json", ROCrate},
		{"sci", "Software Carbon Intensity report (ISO/IEC 21031)", ".txt", styled(SCI, Text)},
		{"sci.json", "the same as JSON", ".json", styled(SCI, JSON)},
		{"sci.md", "the same as Markdown", ".md", styled(SCI, Markdown)},
		{"spdx", "SPDX 3.0.1 with the AI package of the model", ".spdx.json", SPDX},
		{"table", "result sheet in the manner of SPEC disclosures", ".txt", styled(Table, Text)},
		{"table.json", "the same as JSON", ".json", styled(Table, JSON)},
		{"table.md", "the same as Markdown", ".md", styled(Table, Markdown)},
		{"trace", "spans and power for Perfetto and chrome://tracing", ".trace.json", Trace},
		{"wandb", "summary, config and artifact of a Weights & Biases run", ".json", WandB},
	}
}
