package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// what tells what was run, as far as the record says.
func (v *run) what() {
	r := v.record
	add := func(label string, texts ...string) {
		if text := joined(", ", texts...); text != "" {
			v.What = append(v.What, fact{label, text})
		}
	}
	add("Description", prose(r.UseCase.Description))
	add("Purpose", prose(r.UseCase.Purpose))
	add("Goal", prose(r.UseCase.Goal))
	if s := r.UseCase.Sector; s != nil {
		add("Sector", name(s.Label), name(s.Scheme)+" "+name(s.Code))
	}
	if u := r.UseCase.FunctionalUnit; u != nil {
		add("Functional unit", "one of the "+name(u.Unit)+" that "+name(u.Path)+" counts")
	}
	add("Kind", map[string]string{"ml": "machine learning", "iot": "Internet of things", "dlt": "distributed ledger", "data-pipeline": "data pipeline", "other": "other"}[r.Technology.Kind])
	if m := r.Technology.ML; m != nil {
		v.model(m, add)
	}
	if t := r.Technology.IoT; t != nil {
		add("Devices", name(t.DeviceClass), name(t.Protocol), name(t.PowerSource), counted(t.FleetSize, "devices"))
	}
	if t := r.Technology.DLT; t != nil {
		consensus := ""
		if t.Consensus != nil {
			consensus = joined(", ", name(t.Consensus.Family), name(t.Consensus.Mechanism))
		}
		add("Ledger network", name(t.Network), consensus, name(t.NodeRole), counted(t.Nodes, "nodes"), counted(t.Transactions, "transactions"))
	}
	if t := r.Technology.DataPipeline; t != nil {
		add("Pipeline", name(t.Engine), counted(t.RecordsIn, "records in"), counted(t.RecordsOut, "records out"))
	}
	if t := r.Technology.Other; t != nil {
		add("Technology", prose(t.Description))
	}
}

func counted(n *int64, what string) string {
	if n == nil {
		return ""
	}
	return count(*n) + " " + what
}

func (v *run) model(m *lifecycle.ML, add func(string, ...string)) {
	add("Task", name(m.Task))
	if a := m.Algorithm; a != nil {
		add("Algorithm", name(a.Name), name(a.Type))
	}
	for _, of := range []struct {
		label string
		model *lifecycle.Model
	}{{"Model", m.Model}, {"Base model", m.BaseModel}} {
		if of.model != nil {
			digest := ""
			if of.model.Digest != nil {
				digest = "SHA-256 " + name(of.model.Digest.SHA256)
			}
			add(of.label, joined(" ", name(of.model.Name), name(of.model.Version)), digest)
		}
	}
	if p := m.Parameters; p != nil {
		add("Parameters", counted(p.Total, "in all"), counted(p.Trainable, "trained"), counted(p.Active, "active"))
	}
	add("Size", counted(m.Layers, "layers"), counted(m.Neurons, "neurons"))
	add("Training", name(m.TrainingType), inWords(m.LearningParadigm), name(m.Optimizer), counted(m.Epochs, "epochs"), counted(m.Steps, "steps"), sized(m.BatchSize), name(m.Precision))
	if f := m.Framework; f != nil {
		add("Framework", joined(" ", name(f.Name), name(f.Version)))
	}
	if t := m.TrainingRuns; t != nil {
		add("Runs behind the model", count(t.Count), inWords(t.Role))
	}
	if t := m.Tuning; t != nil && t.Used {
		add("Tuning", inWords(t.Method), counted(t.Trials, "trials"))
	}
	var sets []string
	for _, d := range m.Datasets {
		unit := "items"
		if d.ItemUnit != "" {
			unit = "× " + name(d.ItemUnit)
		}
		bytes := ""
		if d.Bytes != nil {
			bytes = amount(float64(*d.Bytes), inwords.Data)
		}
		sets = append(sets, inWords(d.Role)+": "+joined(", ", name(d.Name), counted(d.Items, unit), counted(d.Tokens, "tokens"), bytes, name(d.Licence)))
	}
	if len(sets) > 0 {
		add("Data", semicolons(sets, 8))
	}
	var metrics []string
	for _, e := range m.Evaluation {
		metrics = append(metrics, name(e.Metric)+" "+strconv.FormatFloat(e.Value, 'g', 4, 64)+inwords.Bracketed(inWords(e.Split)))
	}
	if len(metrics) > 0 {
		add("Evaluation", semicolons(metrics, 12))
	}
	add("Work", counted(m.Requests, "requests"), counted(m.TokensIn, "tokens in"), counted(m.TokensOut, "tokens out"))
}

func sized(n *int64) string {
	if n == nil {
		return ""
	}
	return "batches of " + count(*n)
}

// semicolons lists some texts that have commas in them.
func semicolons(list []string, n int) string {
	if len(list) > n+1 {
		list = append(list[:n:n], count(int64(len(list)-n))+" more")
	}
	return strings.Join(list, "; ")
}

// about tells what the page was made from, so that anyone can check it.
func (v *run) about() error {
	r := v.record
	digest, err := r.SHA256()
	if err != nil {
		return err
	}
	sealed := "computed from its canonical form (RFC 8785); the record itself holds none"
	if r.Integrity != nil {
		sealed = "as the record holds it"
	}
	v.Record = []fact{
		{"Run", name(r.Run.ID)},
		{"SHA-256", digest + ", " + sealed},
		{"Checked", "valid by its own rules: every sum, product and interval in it was computed again when this page was made"},
		{"Form", name(r.Schema) + ", revision " + strconv.Itoa(r.SchemaRevision)},
		{"Made", inwords.When(&r.CreatedAt, nil) + " by " + joined(" ", name(r.Generator.Name), name(r.Generator.Version)) + ", factors " + name(r.Generator.FactorsVersion)},
		{"On", joined(", ", name(r.Generator.OS), name(r.Generator.Arch), name(r.Generator.Go))},
		{"Counted", fmt.Sprintf("the energy of %s; %s, %s scope", name(inwords.Covered(r.Run.Boundary)), name(inwords.Boundary(r.Run.Boundary)), name(string(r.Run.Scope)))},
		{"Publisher", joined(", ", name(r.Publisher.Name), name(r.Publisher.Division), name(r.Publisher.Project), name(r.Publisher.Contact), name(r.Publisher.Confidentiality), name(r.Publisher.Licence))},
	}
	add := func(label, text string) {
		if text != "" {
			v.Record = append(v.Record, fact{label, text})
		}
	}
	add("Trace", name(r.Run.TraceID))
	add("Part of run", name(r.Run.Parent))
	if s := r.Run.Segment; s != nil {
		add("Window", fmt.Sprintf("%d of service %s", s.Index, name(s.Series)))
	}
	if n := len(r.Supersedes); n > 0 {
		add("Replaces", names(r.Supersedes, 3))
	}
	if n := len(r.Extensions); n > 0 {
		add("Not shown", inwords.Plural(n, "extension")+" of the record, but for its timeline")
	}
	return nil
}
