package recordtest

import (
	"reflect"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// about tells what ran, for whom, and with which program.
func (m *maker) about() {
	r := m.r
	r.Publisher.Confidentiality = pick(m, "internal", "confidential", "secret")
	if m.public {
		r.Publisher.Confidentiality = "public"
	}
	m.fill(reflect.ValueOf(&r.Generator).Elem())
	m.fill(reflect.ValueOf(&r.Publisher).Elem())
	if m.public {
		r.Publisher.Contact = ""
	}
	if m.one(2) {
		r.UseCase.Sector = &lifecycle.Sector{}
		*r.UseCase.Sector = pick(m, lifecycle.Sector{Scheme: "NACE-2.1", Code: "95.10"}, lifecycle.Sector{Scheme: "NACE-2.1", Code: "T"},
			lifecycle.Sector{Scheme: "ISIC-4", Code: "9511"}, lifecycle.Sector{Scheme: "NAICS-2022", Code: "31-33"})
		m.maybe(&r.UseCase.Sector.Label)
	}
	m.fill(reflect.ValueOf(&r.UseCase).Elem())

	t := &r.Technology
	blocks := []struct {
		kind string
		make func()
	}{
		{"ml", func() { t.ML = new(lifecycle.ML); m.fill(reflect.ValueOf(t.ML).Elem()) }},
		{"iot", func() { t.IoT = new(lifecycle.IoT); m.fill(reflect.ValueOf(t.IoT).Elem()) }},
		{"dlt", func() { t.DLT = new(lifecycle.DLT); m.fill(reflect.ValueOf(t.DLT).Elem()) }},
		{"data-pipeline", func() {
			t.DataPipeline = new(lifecycle.DataPipeline)
			m.fill(reflect.ValueOf(t.DataPipeline).Elem())
		}},
		{"other", func() { t.Other = new(lifecycle.Other); m.fill(reflect.ValueOf(t.Other).Elem()) }},
	}
	main := m.IntN(len(blocks))
	if !m.one(10) {
		t.Kind = blocks[main].kind
		blocks[main].make()
	}
	if m.one(3) {
		blocks[m.IntN(len(blocks))].make()
	}
}

// codes are what members with a form of their own may hold.
var codes = map[string]func(*maker) string{
	"ML.TrainingType": oneOf("from-scratch", "pre-training", "continued-pre-training", "fine-tuning", "parameter-efficient-fine-tuning",
		"few-shot", "zero-shot", "distillation", "transfer", "retraining", "reinforcement", "none", "other"),
	"ML.LearningParadigm":        oneOf("supervised", "unsupervised", "semi-supervised", "self-supervised", "reinforcement-learning", "other"),
	"TrainingRuns.Role":          oneOf("single", "search", "ensemble", "seed"),
	"Dataset.Role":               oneOf("train", "validation", "test", "input", "output", "calibration"),
	"Dataset.DataType":           oneOf("tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"),
	"Evaluation.Direction":       oneOf("higher", "lower"),
	"DLT.PeriodStart":            oneOf("2026-01-01", "2025-12-31"),
	"DLT.PeriodEnd":              oneOf("2026-02-28"),
	"Digest.SHA256":              func(m *maker) string { return m.hex(64) },
	"Environment.Country":        oneOf("FR", "US", "XK", "NA"),
	"Environment.Infrastructure": oneOf("on-premise", "private-cloud", "public-cloud", "edge", "desk", "other"),
	"Environment.Virtualisation": oneOf("none", "vm", "container"),
	"LeftOut.Reason":             oneOf("contained", "mirrored", "unreadable", "refused"),
}

func oneOf(values ...string) func(*maker) string {
	return func(m *maker) string { return pick(m, values...) }
}

// elsewhere are members that other functions set.
var elsewhere = map[string]bool{
	"UseCase.Sector": true, "UseCase.FunctionalUnit": true, "Environment.Subdivision": true, "Environment.Instruments": true,
	"Hardware.PartOf": true, "Hardware.TDPW": true, "Hardware.PowerLimitW": true, "Hardware.Instance": true, "Hardware.Embodied": true,
}

// fill sets what is not set yet of an object: what it must have, and by chance
// what it may have.
func (m *maker) fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		member := v.Type().Name() + "." + f.Name
		if elsewhere[member] || !v.Field(i).IsZero() || strings.Contains(f.Tag.Get("json"), ",omit") && m.one(2) {
			continue
		}
		m.value(v.Field(i), member)
	}
}

func (m *maker) value(v reflect.Value, member string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.value(v.Elem(), member)
	case reflect.Struct:
		m.fill(v)
	case reflect.Slice:
		for range 1 + m.IntN(3) {
			e := reflect.New(v.Type().Elem()).Elem()
			m.value(e, member)
			v.Set(reflect.Append(v, e))
		}
	case reflect.String:
		if code := codes[member]; code != nil {
			v.SetString(code(m))
		} else {
			v.SetString(m.text())
		}
	case reflect.Bool:
		v.SetBool(m.one(2))
	case reflect.Int64:
		v.SetInt(m.whole())
	case reflect.Float64:
		switch member {
		case "IoT.DutyCycle", "DLT.StakeShare":
			v.SetFloat(pick(m, 0, 1, m.Float64()))
		case "Evaluation.Value":
			v.SetFloat(pick(m, 0.93, -1e-9, m.NormFloat64()*1e12, 0))
		default:
			v.SetFloat(pick(m, 0, 1e-9, 5e-324, 1e300, m.between(1e-6, 1e21)))
		}
	}
}
