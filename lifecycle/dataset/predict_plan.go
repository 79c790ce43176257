package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// Plan is what is known of a run to come: what an estimate takes (devices, place,
// hours, parameters, tokens seen in all, figures given instead of looked up), and
// what else records tell of runs. What is "", 0 or nil is not known. A Plan is
// plain data; Share, CPUs and so on mean what they mean in [estimate.Plan].
type Plan struct {
	estimate.Plan

	Series       string             // runs of one program: its project and name; "" is a new one
	Kind         string             // ml, ...: as in the record's technology
	Task         string             // image-classification, ...
	TrainingType string             // from-scratch, pre-training, fine-tuning, ...
	Algorithm    string             // name and type of the architecture, in words
	DataType     string             // of the items: text, image, tabular, ...
	Precision    string             // of the arithmetic: bf16, fp16, mixed, fp32, fp8, ...
	Boundary     lifecycle.Boundary // of the energy that is asked for: component and accelerators, or all of the machines ("")

	Trainable float64 // parameters; all if 0
	Layers    float64
	Epochs    float64
	Steps     float64 // in all
	Batch     float64 // items a step

	// The data set of training. What is seen follows from Tokens; else from
	// DatasetTokens × Epochs; else from Steps × Batch or Items × Epochs.
	Items         float64
	DatasetTokens float64
	Bytes         float64

	FLOP float64 // floating-point operations of the whole run

	When time.Time // it begins; zero is now. Only what drifts over the years follows from it
}

// workedStages are the stages that arithmetic on a model is done in, by phase.
var workedStages = map[lifecycle.Phase][]lifecycle.Stage{
	lifecycle.PhaseTraining:  {lifecycle.PreTraining, lifecycle.Training, lifecycle.FineTuning, lifecycle.Reinforcement},
	lifecycle.PhaseInference: {lifecycle.Serving, lifecycle.Batch},
}

// ErrNothingToPredict is of a record that has no stage in which a model is
// trained or used, as a plan or as something to learn from.
var ErrNothingToPredict = errors.New("no stage in which a model is trained or used")

// PlanOf is the plan of a run that a record tells, of its training or of its
// inference; "" is its training, where it has one. The plan shares nothing with
// the record. An error wraps [ErrNothingToPredict], or says why the devices of
// the stage cannot be told as those of one plan.
func PlanOf(r *lifecycle.Record, phase lifecycle.Phase) (Plan, error) {
	p, _, err := planned(r, phase)
	return p, err
}

// planned is the plan of a record, and what it came to.
func planned(r *lifecycle.Record, phase lifecycle.Phase) (Plan, Outcome, error) {
	if phase == "" {
		if phase = lifecycle.PhaseTraining; len(entriesOf(r, phase)) == 0 {
			phase = lifecycle.PhaseInference
		}
	}
	entries := entriesOf(r, phase)
	if len(entries) == 0 {
		return Plan{}, Outcome{}, fmt.Errorf("%w (%s)", ErrNothingToPredict, phase)
	}
	p := Plan{Series: programOf(r), Kind: r.Technology.Kind}
	p.Name = r.Run.Name
	if r.Run.Boundary == lifecycle.BoundaryAccelerators || r.Run.Boundary == lifecycle.BoundaryComponent {
		p.Boundary = r.Run.Boundary
	}
	var o Outcome
	longest := -1.0
	for _, e := range entries {
		if e.DurationS != nil {
			o.DurationS += *e.DurationS
			if *e.DurationS > longest {
				longest, p.Stage = *e.DurationS, e.Stage
			}
		}
	}
	p.Stage = cmp.Or(p.Stage, entries[0].Stage)
	if err := p.devices(r, entries); err != nil {
		return Plan{}, Outcome{}, err
	}
	o.take(r, entries)
	if r.Run.StartedAt != nil {
		o.Began = *r.Run.StartedAt
	}
	if r.Technology.ML != nil {
		p.model(r.Technology.ML)
	}
	return p, o, nil
}

func entriesOf(r *lifecycle.Record, phase lifecycle.Phase) (list []*lifecycle.PhaseEntry) {
	for i := range r.Phases {
		for _, s := range workedStages[phase] {
			if r.Phases[i].Stage == s {
				list = append(list, &r.Phases[i])
			}
		}
	}
	return list
}

// programOf names the program of a run, so that its runs are not taken for
// independent of one another; "" if nothing tells.
func programOf(r *lifecycle.Record) string {
	if r.Run.Segment != nil {
		return r.Run.Segment.Series
	}
	model := ""
	if ml := r.Technology.ML; ml != nil && ml.Model != nil && r.Run.Name == "" {
		model = ml.Model.Name
	}
	var parts []string
	for _, s := range []string{r.Publisher.Name, r.Publisher.Project, r.Run.Name, model} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "/")
}

// devices takes over what worked, and where.
func (p *Plan) devices(r *lifecycle.Record, entries []*lifecycle.PhaseEntry) error {
	at := make(map[string]*lifecycle.Hardware, len(r.Hardware))
	for i := range r.Hardware {
		at[r.Hardware[i].ID] = &r.Hardware[i]
	}
	type part struct {
		hw      *lifecycle.Hardware
		n, held float64 // devices, and their share times time
		share   float64
	}
	best := map[lifecycle.HardwareKind]part{}
	models := map[lifecycle.HardwareKind]string{}
	memory := 0.0
	for _, e := range entries {
		for i := range e.Usage {
			u := &e.Usage[i]
			hw := at[u.Hardware]
			if hw == nil {
				continue
			}
			n, share, use := float64(hw.Count), 1.0, 1.0
			if u.Count != nil {
				n = float64(*u.Count)
			}
			if u.Share != nil {
				share = *u.Share
			}
			if u.UseS != nil {
				use = *u.UseS
			}
			kind := hw.Kind
			if kind == "npu" {
				kind = lifecycle.KindGPU
			}
			switch kind {
			case lifecycle.KindMemory:
				if hw.MemoryBytes != nil {
					memory = max(memory, float64(*hw.MemoryBytes)*n*share/1e9)
				}
				continue
			case lifecycle.KindGPU, lifecycle.KindCPU:
			default:
				continue
			}
			if n == 0 || share == 0 {
				continue
			}
			if m := models[kind]; m != "" && m != hw.Model && kind == lifecycle.KindGPU {
				return fmt.Errorf("devices of several models (%s, %s) worked in one stage", m, hw.Model)
			}
			models[kind] = hw.Model
			if held := n * share * use; held > best[kind].held {
				best[kind] = part{hw, n, held, share}
			}
		}
	}
	worker := best[lifecycle.KindGPU]
	switch cpu := best[lifecycle.KindCPU]; {
	case worker.hw != nil && worker.hw.Model == "":
		return errors.New("the model of the accelerators is not told")
	case worker.hw != nil:
		p.Accelerator, p.Count = worker.hw.Model, max(int(worker.n), 1)
	case cpu.hw != nil:
		worker = cpu
		p.CPU, p.CPUs = cmp.Or(cpu.hw.Model, "unknown"), max(int(cpu.n), 1)
		p.MemoryGB = memory / cpu.share // which Share makes what the run had
	default:
		return errors.New("no accelerator and no processor is told to have worked")
	}
	if p.Share = worker.share; p.Share == 1 {
		p.Share = 0
	}
	for i := range r.Environments {
		if e := &r.Environments[i]; e.ID == worker.hw.Environment {
			p.Country, p.Subdivision, p.Zone = e.Country, e.Subdivision, e.GridZone
			p.Provider, p.Region, p.Infrastructure = e.Provider, e.Region, e.Infrastructure
			for k := range r.Factors {
				f := &r.Factors[k]
				if f.Found != factors.Declared {
					continue
				}
				g := &estimate.Given{Value: f.Value, Low: f.Low, High: f.High}
				switch f.ID {
				case e.Factors.Grid:
					p.Intensity = g
				case e.Factors.PUE:
					p.PUE = g
				}
			}
		}
	}
	return nil
}

// model takes over what is told of the model and its data.
func (p *Plan) model(ml *lifecycle.ML) {
	number := func(n *int64) float64 {
		if n == nil {
			return 0
		}
		return float64(*n)
	}
	p.Task, p.TrainingType, p.Precision = ml.Task, ml.TrainingType, ml.Precision
	if a := ml.Algorithm; a != nil {
		p.Algorithm = strings.TrimSpace(a.Type + " " + a.Name)
	}
	if n := ml.Parameters; n != nil {
		p.Parameters, p.Active, p.Trainable = number(n.Total), number(n.Active), number(n.Trainable)
	}
	p.Layers, p.Epochs, p.Steps, p.Batch = number(ml.Layers), number(ml.Epochs), number(ml.Steps), number(ml.BatchSize)
	training := p.Stage.Phase() == lifecycle.PhaseTraining
	for i := range ml.Datasets {
		d := &ml.Datasets[i]
		if training == (d.Role == "train") && (training || d.Role == "input") {
			p.Items += number(d.Items)
			p.DatasetTokens += number(d.Tokens)
			p.Bytes += number(d.Bytes)
			p.DataType = cmp.Or(p.DataType, d.DataType)
		}
	}
	if training {
		if p.Tokens = number(ml.TokensIn); p.Tokens > 0 && p.Epochs > 0 {
			p.DatasetTokens, p.Tokens = p.Tokens/p.Epochs, 0 // so that other epochs see other tokens
		}
	} else {
		p.Tokens, p.Epochs, p.Steps = number(ml.TokensIn)+number(ml.TokensOut), 0, 0
		if ml.Requests != nil {
			p.Requests = *ml.Requests
		}
	}
	if ml.FLOPs != nil && training {
		p.FLOP = *ml.FLOPs
	}
}

// planMembers are what Set knows, and whether the amount of arithmetic follows from
// it.
var planMembers = map[string]struct {
	number func(*Plan) *float64
	text   func(*Plan) *string
	work   bool
}{
	"params":         {number: func(p *Plan) *float64 { return &p.Parameters }, work: true},
	"active":         {number: func(p *Plan) *float64 { return &p.Active }, work: true},
	"trainable":      {number: func(p *Plan) *float64 { return &p.Trainable }, work: true},
	"tokens":         {number: func(p *Plan) *float64 { return &p.Tokens }, work: true},
	"dataset-tokens": {number: func(p *Plan) *float64 { return &p.DatasetTokens }, work: true},
	"items":          {number: func(p *Plan) *float64 { return &p.Items }, work: true},
	"bytes":          {number: func(p *Plan) *float64 { return &p.Bytes }, work: true},
	"epochs":         {number: func(p *Plan) *float64 { return &p.Epochs }, work: true},
	"steps":          {number: func(p *Plan) *float64 { return &p.Steps }, work: true},
	"batch":          {number: func(p *Plan) *float64 { return &p.Batch }, work: true},
	"layers":         {number: func(p *Plan) *float64 { return &p.Layers }},
	"flop":           {number: func(p *Plan) *float64 { return &p.FLOP }},
	"device":         {text: func(p *Plan) *string { return &p.Accelerator }},
	"cpu":            {text: func(p *Plan) *string { return &p.CPU }},
	"precision":      {text: func(p *Plan) *string { return &p.Precision }},
	"kind":           {text: func(p *Plan) *string { return &p.Kind }},
	"task":           {text: func(p *Plan) *string { return &p.Task }},
	"training-type":  {text: func(p *Plan) *string { return &p.TrainingType }},
	"algorithm":      {text: func(p *Plan) *string { return &p.Algorithm }},
	"data-type":      {text: func(p *Plan) *string { return &p.DataType }},
	"series":         {text: func(p *Plan) *string { return &p.Series }},
	"count":          {},
	"country":        {},
}

// ErrUnknownMember is of a name that no member of a plan has.
var ErrUnknownMember = errors.New("it is no part of a plan")

// Set gives one member another value, by the name that the command line has for
// it: epochs, params, tokens, device, count, country and so on; numbers may be
// written 70B or 1.4T. What else of the plan follows from it is told anew: with
// other epochs all tokens, steps and FLOP that were known for the old ones. An
// error wraps [ErrUnknownMember], or says what the value should be.
func (p *Plan) Set(member, value string) error {
	m, ok := planMembers[member]
	if !ok {
		return fmt.Errorf("%s: %w", member, ErrUnknownMember)
	}
	switch {
	case m.text != nil:
		*m.text(p) = value
		if member == "device" { // what was another's
			p.CPU, p.CPUs, p.MemoryGB, p.Instance = "", 0, 0, ""
			p.PowerW, p.CPUPowerW, p.MemoryPowerW, p.RestPowerW, p.DeviceProductionKg = nil, nil, nil, nil, nil
		}
		return nil
	case member == "country":
		code, err := factors.Country(value)
		if err != nil {
			return fmt.Errorf("%s: %w", member, err)
		}
		p.Country, p.Subdivision, p.Zone, p.Provider, p.Region = code, "", "", "", ""
		p.Intensity = nil // of the place that it was
		return nil
	case member == "count":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 1e9 {
			return fmt.Errorf("%s: %q: write a whole number above 0", member, value)
		}
		if p.Accelerator == "" && p.Instance == "" {
			return fmt.Errorf("%s: it is that of accelerators: name their model", member)
		}
		p.Count = n
		return nil
	}
	x, err := amountOf(value)
	if err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	if m.work {
		return p.work(member, x)
	}
	*m.number(p) = x
	return nil
}

// work gives a member that arithmetic follows from another value.
func (p *Plan) work(member string, x float64) error {
	old := *p
	to := planMembers[member].number(p)
	ratio := 0.0
	if *to > 0 {
		ratio = x / *to
	}
	*to = x
	if ratio > 0 {
		switch member {
		case "epochs":
			p.Steps *= ratio
			p.Tokens *= ratio
		case "items":
			if p.Epochs > 0 {
				p.Steps *= ratio
			}
		case "batch":
			if p.Epochs > 0 { // as many epochs in fewer steps
				p.Steps /= ratio
			}
		case "params":
			p.Active *= ratio
			p.Trainable *= ratio
		}
	}
	if p.FLOP == 0 || ratio == 1 {
		return nil
	}
	flop := p.FLOP
	old.FLOP = 0
	now := *p
	now.FLOP = 0
	before, missing := old.arithmetic()
	after, alsoMissing := now.arithmetic()
	switch {
	case missing == nil && alsoMissing == nil:
		p.FLOP *= math.Exp(after.log - before.log)
	case ratio > 0 && member != "batch" && member != "trainable":
		p.FLOP *= ratio
	case alsoMissing == nil:
		p.FLOP = 0 // they were of something else
	default:
		*p = old
		p.FLOP = flop
		return fmt.Errorf("%s: %.4g FLOP are known, and not of what %s: give flop anew", member, flop, member)
	}
	return nil
}

// amountOf reads an amount such as 70B, 1.4T, 3e-4 or 12.
func amountOf(text string) (float64, error) {
	number := strings.TrimSpace(text)
	size := 1.0
	if n := len(number); n > 0 {
		switch number[n-1] {
		case 'k', 'K':
			size = 1e3
		case 'm', 'M':
			size = 1e6
		case 'b', 'B', 'g', 'G':
			size = 1e9
		case 't', 'T':
			size = 1e12
		}
		if size > 1 {
			number = number[:n-1]
		}
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || !(x > 0) || math.IsInf(x*size, 0) {
		return 0, fmt.Errorf("%q: write a number above 0, such as 12, 350M, 70B or 1.4T", text)
	}
	return x * size, nil
}
