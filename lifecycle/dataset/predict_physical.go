package dataset

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// What is learned from records.
const (
	ofDuration = iota
	ofEnergy   // where the time follows from arithmetic
	ofPower    // where it is given
	outcomes
)

// physical is what physics tells of a plan before anything was learned.
type physical struct {
	is     [outcomes]logNormal // s, J, W; IT energy
	timed  bool                // the duration follows from arithmetic
	regime string              // what its interval is of, in words
	facts  *facts
	place  *facts
	held   float64 // s, where hours are given
	inputs []estimate.Input
}

// facts are what an estimate tells of devices or of a place.
type facts struct {
	class   string  // of the accelerators or processors
	model   string  // as listed
	listed  bool    // it is that very model
	peak    float64 // FLOP/s of all of them, 16 bits
	peakIs  logNormal
	mfu     [2]estimate.Input // of training, inference
	watts   logNormal         // of all
	bare    logNormal         // without the machines around them
	making  estimate.Input    // production and end of life, gCO2e a second
	made    bool              // it is known
	grid    estimate.Input    // gCO2e/kWh
	pue     estimate.Input
	inputs  []estimate.Input
	unknown string // why nothing is known
}

// lookup finds facts, and keeps those that it found. It is safe for concurrent
// use.
type lookup struct {
	mu   sync.RWMutex
	kept map[string]*facts
}

// knownFacts are the facts of all plans: they follow from these and from the data set
// of factors, and looking one up takes some milliseconds.
var knownFacts lookup

// keptFacts is how many devices and places are kept: some hundred bytes each.
const keptFacts = 1 << 14

func (l *lookup) find(key string, look func() *facts) *facts {
	l.mu.RLock()
	f := l.kept[key]
	l.mu.RUnlock()
	if f != nil {
		return f
	}
	f = look()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || len(l.kept) >= keptFacts {
		l.kept = map[string]*facts{}
	}
	l.kept[key] = f
	return f
}

// What the plans have whose figures are only looked up.
var (
	probeID   = "019cadc6-9a80-7000-8000-000000000000"
	probeTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	probe     = lifecycle.Generator{Name: "ecotracer", Version: "0", OS: "any", Arch: "any"}
)

// plannedDevices are the parts of a plan that power and production follow from, for a
// number of devices that it then is to be multiplied by.
func plannedDevices(p *estimate.Plan) (of estimate.Plan, times float64) {
	of = estimate.Plan{
		Accelerator: p.Accelerator, CPU: p.CPU, Instance: p.Instance, Count: p.Count, CPUs: p.CPUs,
		Utilisation: p.Utilisation, Usage: p.Usage, PowerW: p.PowerW, CPUPowerW: p.CPUPowerW, MemoryPowerW: p.MemoryPowerW, RestPowerW: p.RestPowerW,
		DeviceProductionKg: p.DeviceProductionKg, NodeProductionKg: p.NodeProductionKg, LifetimeYears: p.LifetimeYears, DeviceUse: p.DeviceUse, Own: p.Own,
	}
	if p.Instance != "" {
		of.Provider = p.Provider
	}
	times = 1
	if p.MemoryGB > 0 { // to two digits, so that what is alike is looked up once
		size := math.Pow(10, math.Floor(math.Log10(p.MemoryGB))-1)
		of.MemoryGB = math.Round(p.MemoryGB/size) * size
	}
	if p.Accelerator != "" && p.CPU == "" && p.CPUs == 0 && p.MemoryGB == 0 && p.RestPowerW == nil && p.CPUPowerW == nil && p.MemoryPowerW == nil {
		times, of.Count = float64(max(p.Count, 1)), 1
	}
	if p.Share > 0 {
		times *= p.Share
	}
	return of, times
}

// probeKey tells plans of one estimate apart from those of another.
func probeKey(p *estimate.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %q %d %d %v", p.Accelerator, p.CPU, p.Instance, p.Provider, p.Count, p.CPUs, p.MemoryGB)
	for i, g := range []*estimate.Given{
		p.Utilisation, p.Usage, p.PowerW, p.CPUPowerW, p.MemoryPowerW, p.RestPowerW, p.DeviceProductionKg, p.NodeProductionKg, p.LifetimeYears, p.DeviceUse,
		p.PUE, p.Intensity,
	} {
		if g != nil {
			fmt.Fprintf(&b, " %d %v", i, *g)
		}
	}
	fmt.Fprintf(&b, " %q %q %q %q %q", p.Country, p.Subdivision, p.Zone, p.Region, p.Infrastructure)
	for i := range p.Own {
		fmt.Fprintf(&b, " %v", p.Own[i])
	}
	return b.String()
}

// devices are the facts of a plan's devices, and how many times they are theirs.
func (l *lookup) devices(p *estimate.Plan) (*facts, float64) {
	of, times := plannedDevices(p)
	return l.find("devices "+probeKey(&of), func() *facts { return lookDevices(of) }), times
}

func lookDevices(p estimate.Plan) *facts {
	f := &facts{}
	p.ID, p.CreatedAt, p.Generator = probeID, probeTime, probe
	p.Hours, p.Intensity = &estimate.Given{Value: 1}, &estimate.Given{Value: 100}
	e, err := estimate.Of(p)
	if err != nil {
		f.unknown = err.Error()
		return f
	}
	r := e.Record
	width := 1 + r.Methods[0].RelError
	of := func(joules float64) logNormal { return between95(joules/3600, joules/3600/width, joules/3600*width) }
	f.watts = of(r.Totals.EnergyJ.Value)
	f.bare = f.watts
	var bare float64
	for i := range r.Ledger {
		if l := &r.Ledger[i]; !strings.HasPrefix(l.Domain, "node") {
			bare += l.TotalJ
		}
	}
	if bare > 0 {
		f.bare = of(bare)
	}
	if q := r.Totals.EmbodiedGCO2e; q != nil && q.Value > 0 {
		f.making, f.made = estimate.Input{Value: q.Value / 3600, Low: q.Low / 3600, High: q.High / 3600}, true
	}
	for _, in := range e.Inputs {
		if in.Field != "hours" { // those that were to be divided by
			f.inputs = append(f.inputs, in)
		}
	}
	for i := range r.Hardware {
		switch h := &r.Hardware[i]; h.Kind {
		case lifecycle.KindGPU, "npu":
			a, err := factors.LookupAccelerator(h.Model, 0)
			if err != nil {
				continue
			}
			share := 1.0
			if s := r.Phases[0].Usage[i].Share; s != nil {
				share = *s
			}
			f.class, f.model, f.listed = a.Class, h.Model, a.Found == factors.Exact || a.Found == factors.Normalised
			f.peak = a.PeakFLOPS * float64(h.Count) * share
			f.peakIs = exactly(f.peak)
			f.mfu = assumedMFU(a.Model)
			f.inputs = append(f.inputs, estimate.Input{
				Name: "peak of the accelerators, 16 bits", Field: "device", Value: f.peak, Low: f.peak, High: f.peak, Unit: "FLOP/s",
				Found: a.Found, Source: "data sheet, dense", Quality: "B",
			})
			return f
		}
	}
	for i := range r.Hardware {
		h := &r.Hardware[i]
		if h.Kind != lifecycle.KindCPU {
			continue
		}
		c, err := factors.LookupCPU(p.CPU, "", 0)
		if err != nil || c.Cores == 0 {
			continue
		}
		share := 1.0
		if s := r.Phases[0].Usage[i].Share; s != nil {
			share = *s
		}
		f.class, f.model, f.listed = "cpu-"+c.Class, h.Model, c.Found == factors.Exact || c.Found == factors.Normalised
		cores := float64(c.Cores*h.Count) * share
		in := corePeak
		in.Value, in.Low, in.High = in.Value*cores, in.Low*cores, in.High*cores
		f.peak, f.peakIs = in.Value, between95(in.Value, in.Low, in.High)
		f.mfu = [2]estimate.Input{smallMFU, inferenceMFUofCPU}
		f.inputs = append(f.inputs, in)
		return f
	}
	return f
}

// What is assumed of the share of the peak that is reached, beyond what package
// estimate assumes of language models on accelerators (0.35, 0.2 to 0.6 in
// training; 0.1, 0.01 to 0.5 in inference), and of the peak of a processor.
var (
	smallMFU = estimate.Input{
		Name: "share of the peak that training reaches", Field: "mfu", Value: 0.07, Low: 0.007, High: 0.6, Unit: "1", Found: estimate.Assumed, Quality: "D",
		Source: "analyst range of what is no large language model: input, small matrices and the host's code keep devices waiting; ResNet-50 on A100 reaches 0.2",
	}
	middleMFU = estimate.Input{
		Name: "share of the peak that training reaches", Field: "mfu", Value: 0.15, Low: 0.03, High: 0.6, Unit: "1", Found: estimate.Assumed, Quality: "D",
		Source: "analyst range of smaller language models: between BERT base on 64 V100 (0.04, Strubell et al. 2019), Pythia 70M (0.2) and GPT-2 124M of llm.c (0.6)",
	}
	inferenceMFUofCPU = estimate.Input{
		Name: "share of the peak that inference reaches", Field: "mfu", Value: 0.07, Low: 0.007, High: 0.6, Unit: "1", Found: estimate.Assumed, Quality: "D",
		Source: "analyst range of processors",
	}
	corePeak = estimate.Input{
		Name: "peak of the processors", Field: "cpu", Value: 80e9, Low: 20e9, High: 240e9, Unit: "FLOP/s", Found: estimate.Assumed, Quality: "D",
		Source: "2.5 GHz times 32 single-precision operations a cycle (AVX2, two units); 8 (SSE, one) to 64 (AVX-512) at 2.5 to 3.75 GHz",
	}
)

// The numbers of parameters from which on the ranges of large and of smaller
// language models hold.
const (
	largeModel  = 3e8
	middleModel = 1e7
)

// assumedMFU is what package estimate assumes, of training and of inference.
var assumedMFU = func() func(string) [2]estimate.Input {
	var once sync.Once
	var of [2]estimate.Input
	return func(string) [2]estimate.Input {
		once.Do(func() {
			for i, stage := range []lifecycle.Stage{lifecycle.Training, lifecycle.Serving} {
				e, err := estimate.Of(estimate.Plan{
					ID: probeID, CreatedAt: probeTime, Generator: probe, Stage: stage,
					Accelerator: "A100 SXM4 80GB", Parameters: 1e9, Tokens: 1e9, Intensity: &estimate.Given{Value: 100},
				})
				if err != nil {
					continue
				}
				for _, in := range e.Inputs {
					if in.Field == "mfu" {
						of[i] = in
					}
				}
			}
		})
		return of
	}
}()

// place are the facts of a plan's place.
func (l *lookup) place(p *estimate.Plan) *facts {
	of := estimate.Plan{
		Country: p.Country, Subdivision: p.Subdivision, Zone: p.Zone, Provider: p.Provider, Region: p.Region, Infrastructure: p.Infrastructure,
		PUE: p.PUE, Intensity: p.Intensity, Own: p.Own,
	}
	return l.find("place "+probeKey(&of), func() *facts { return lookPlace(of) })
}

func lookPlace(p estimate.Plan) *facts {
	f := &facts{}
	p.ID, p.CreatedAt, p.Generator = probeID, probeTime, probe
	p.EnergyKWh = &estimate.Given{Value: 1}
	e, err := estimate.Of(p)
	if err != nil {
		f.unknown = err.Error()
		return f
	}
	r := e.Record
	for i := range r.Factors {
		in := estimate.Input{
			Value: r.Factors[i].Value, Low: r.Factors[i].Low, High: r.Factors[i].High, Unit: r.Factors[i].Unit,
			Found: r.Factors[i].Found, Source: r.Factors[i].Source, Quality: r.Factors[i].Quality,
		}
		switch r.Factors[i].ID {
		case r.Environments[0].Factors.Grid:
			in.Name, in.Field = "intensity of the grid", "intensity"
			f.grid = in
		case r.Environments[0].Factors.PUE:
			in.Name, in.Field = "facility energy over that of the devices (PUE)", "pue"
			f.pue = in
		}
	}
	return f
}

// precisions is how many operations of a precision a device does for one of 16
// bits: of data sheets of A100 (single 1/16, TF32 1/2), V100 (single 1/8), H100
// (8 bits 2), EPYC (double 1/2 of single, which corePeak is of).
func precisionOf(word string, cpu bool) (logNormal, bool) {
	w := strings.ToLower(word)
	has := func(list ...string) bool {
		for _, x := range list {
			if strings.Contains(w, x) {
				return true
			}
		}
		return false
	}
	switch {
	case cpu && has("64", "double"):
		return exactly(0.5), true
	case cpu:
		return exactly(1), true
	case w == "" || has("mixed", "amp", "bf16", "bfloat16", "fp16", "float16", "half", "16"):
		return exactly(1), true
	case has("tf32"):
		return exactly(0.5), true
	case has("fp32", "float32", "single", "32"):
		return between95(0.18, 0.06, 0.5), true // with or without TF32 nobody tells
	case has("fp64", "float64", "double"):
		return between95(0.05, 0.015, 0.1), true
	case has("fp8", "float8", "int8", "8"):
		return between95(1.4, 1, 2), true
	case has("fp4", "int4", "nf4", "4"):
		return exactly(1), true // weights only; the arithmetic is of 16 bits
	}
	return logNormal{}, false
}

// UnknownError is of a plan of which something is not known that its figures
// follow from.
type UnknownError struct {
	Missing []string // by the names that the command line has for them
	Why     string
}

func (e *UnknownError) Error() string {
	text := e.Why
	if len(e.Missing) > 0 {
		text += ": give " + strings.Join(e.Missing, ", and ") + "; or flop, or hours"
	}
	return text
}

// physics computes what physics tells of a plan.
//
//	duration = FLOP / (peak · precision · MFU)     energy = duration · power
//
// Where hours are given, they are the duration. The logarithms of the inputs are
// independent and normal.
func (l *lookup) physics(p *Plan) (physical, error) {
	var ph physical
	f, times := l.devices(&p.Plan)
	ph.facts = f
	if f.unknown != "" {
		return ph, &UnknownError{Why: f.unknown}
	}
	watts := f.watts
	if p.Boundary == lifecycle.BoundaryAccelerators || p.Boundary == lifecycle.BoundaryComponent {
		watts = f.bare
	}
	ph.is[ofPower] = watts.times(exactly(times))
	ph.inputs = f.inputs
	phase := 0
	if p.Stage.Phase() == lifecycle.PhaseInference {
		phase = 1
	}
	cpu := strings.HasPrefix(f.class, "cpu-")
	mfu := f.mfu[phase]
	on := ""
	if f.class != "" {
		on = " on " + f.class
	}
	ph.regime = "inference" + on
	if phase == 0 {
		ph.regime = "training" + on
		language := p.Tokens > 0 || p.DatasetTokens > 0 || p.DataType != "image" && p.FLOP > 0
		switch {
		case cpu:
		case language && p.Parameters >= largeModel:
			ph.regime = "training of a large language model" + on
		case language && p.Parameters >= middleModel:
			ph.regime, mfu = "training of a language model"+on, middleMFU
		default:
			mfu = smallMFU
		}
	}
	if p.Hours != nil {
		ph.held = p.Hours.Value * 3600
		low, high := p.Hours.Low, p.Hours.High
		if low == 0 {
			low, high = p.Hours.Value, p.Hours.Value
		}
		ph.is[ofDuration] = between95(ph.held, low*3600, high*3600)
		ph.is[ofEnergy] = ph.is[ofDuration].times(ph.is[ofPower])
		return ph, nil
	}
	flop, missing := p.arithmetic()
	switch {
	case missing != nil:
		return ph, &UnknownError{missing, "how much arithmetic it is cannot be told"}
	case f.peak == 0 && f.class == "":
		return ph, &UnknownError{[]string{"device, or cpu"}, "which devices do it is not told"}
	case f.peak == 0:
		return ph, &UnknownError{nil, fmt.Sprintf("no peak is known of %q: write which model it is (`ecotracer factors list`), or give hours", f.model)}
	}
	precision, ok := precisionOf(p.Precision, cpu)
	if !ok {
		return ph, &UnknownError{nil, fmt.Sprintf("precision %q is none that is known: write bf16, fp16, mixed, tf32, fp32, fp64, fp8 or int8", p.Precision)}
	}
	if p.MFU != nil {
		mfu.Value, mfu.Low, mfu.High, mfu.Found, mfu.Source, mfu.Quality = p.MFU.Value, p.MFU.Low, p.MFU.High, factors.Declared, p.Source, "C"
		if mfu.Low == 0 {
			mfu.Low, mfu.High = mfu.Value, mfu.Value
		}
	}
	amount := math.Exp(flop.log)
	ph.inputs = append([]estimate.Input{{
		Name: "floating-point operations", Field: "flop", Value: amount, Low: amount * math.Exp(-lognormal.Z95*flop.sigma), High: amount * math.Exp(lognormal.Z95*flop.sigma),
		Unit: "FLOP", Found: flopFound(p), Source: flopSource(p), Quality: "C",
	}, mfu}, ph.inputs...)
	ph.timed = true
	ph.is[ofDuration] = flop.over(f.peakIs.times(exactly(times))).over(precision).over(between95(mfu.Value, mfu.Low, mfu.High))
	ph.is[ofEnergy] = ph.is[ofDuration].times(ph.is[ofPower])
	return ph, nil
}

func flopFound(p *Plan) factors.Found {
	if p.FLOP > 0 {
		return factors.Declared
	}
	return estimate.Assumed
}

func flopSource(p *Plan) string {
	if p.FLOP > 0 {
		return "given"
	}
	return "parameters times what is seen: Kaplan et al. 2020, Hoffmann et al. 2022"
}
