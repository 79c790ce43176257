package main

import (
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
)

// explanation is how a lookup came to its answer.
type explanation struct {
	Asked   string           `json:"asked"`
	Found   factors.Found    `json:"found,omitempty"`
	Facts   []fact           `json:"facts,omitempty"`
	Factors []factors.Factor `json:"factors,omitempty"` // the answer
	Tried   []candidate      `json:"tried"`             // from the closest on
}

// fact is what is known of a device.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// candidate is a row that a lookup looked at.
type candidate struct {
	ID     string          `json:"id"`
	Taken  bool            `json:"taken"`
	Why    string          `json:"why,omitempty"` // it was passed over
	Factor *factors.Factor `json:"factor,omitempty"`
}

func candidates(list []factors.Candidate) []candidate {
	out := []candidate{}
	for _, t := range list {
		out = append(out, candidate{t.ID, t.Why == "", t.Why, t.Factor})
	}
	return out
}

// explain tells how a factor or a device is found.
func (c *cli) explain(a asking, what string, args []string) int {
	var e explanation
	var err error
	switch what {
	case "cpu", "gpu", "accelerator":
		if len(args) == 0 {
			return c.usage("factors", "explain %s: which? write its name as the kernel or the driver prints it", what)
		}
		name := strings.Join(args, " ")
		if what == "cpu" {
			e, err = explainCPU(name, a.class)
		} else {
			e, err = explainAccelerator(name)
		}
	case "instance":
		provider, typ := a.provider, strings.Join(args, "")
		switch {
		case len(args) == 2:
			provider, typ = args[0], args[1]
		case len(args) == 1 && strings.Contains(args[0], ":"):
			provider, typ, _ = strings.Cut(args[0], ":")
		case len(args) != 1 || provider == "":
			return c.usage("factors", "explain instance: write a provider and a type, such as aws p4d.24xlarge")
		}
		e, err = explainInstance(provider, typ)
	case "device":
		e, err = explainDevice(a, args)
	default:
		e, err = a.explainFactor(what, args)
	}
	if err != nil {
		return c.usage("factors", "explain %s: %v", what, err)
	}
	if a.json {
		return c.json(e)
	}
	p := page{style: styleOf(c.out), all: a.all}
	p.explanation(e)
	p.printTo(c.out)
	return exitOK
}

// explainFactor explains a lookup by place or class. What goes by place alone
// has its place where the rest have their class: grid FR, grid aws:eu-west-1.
func (a *asking) explainFactor(kind string, args []string) (e explanation, err error) {
	q := factors.Query{Kind: factors.Kind(kind), Zone: a.zone, Class: a.class, Unit: a.unit, Own: a.own}
	country, region := a.country, a.region
	switch word := strings.Join(args, " "); {
	case word == "":
	case strings.Contains(word, ":") && region == "":
		region = word
	case goesByPlace(q.Kind) && (country != "" || region != ""):
		return e, fmt.Errorf("%q is too much: the place is told by --country or --region", word)
	case goesByPlace(q.Kind) && strings.Contains(word, "-"):
		region = word
	case goesByPlace(q.Kind):
		country = word
	case len(args) > 1 || q.Class != "":
		return e, fmt.Errorf("%q is too much: write one class, and places as --country and --region", args[len(args)-1])
	default:
		q.Class = word
	}
	if a.provider != "" && !strings.Contains(region, ":") {
		region = a.provider + ":" + region
	}
	if q.Provider, q.CloudRegion, q.Region, err = regionIn(region); err != nil {
		return e, err
	}
	if country != "" {
		if q.Country, err = factors.Country(country); err != nil {
			return e, err
		}
	}
	f, err := factors.Lookup(q)
	if err != nil {
		return e, err
	}
	tried, err := factors.Explain(q)
	if err != nil {
		return e, err
	}
	for _, text := range []string{kind, q.Country, q.Region, q.Zone, q.Provider, q.CloudRegion, q.Class, q.Unit} {
		if text != "" {
			e.Asked = strings.TrimSpace(e.Asked + " " + text)
		}
	}
	e.Found, e.Factors, e.Tried = f.Found, []factors.Factor{f}, candidates(tried)
	return e, nil
}

// goesByPlace tells of which kinds the figures have no class.
func goesByPlace(k factors.Kind) bool {
	switch k {
	case factors.Grid, factors.Residual, factors.Marginal, factors.EWIF, factors.Loss, factors.CarbonFree:
		return true
	}
	return false
}

func explainCPU(name, class string) (e explanation, err error) {
	cpu, err := factors.LookupCPU(name, class, 0)
	if err != nil {
		return e, err
	}
	e = explanation{Asked: "cpu " + name, Found: cpu.Found, Factors: []factors.Factor{cpu.Idle, cpu.Full}, Tried: []candidate{}}
	e.fact("model", cpu.Model)
	e.fact("class", cpu.Class)
	e.fact("TDP", inwords.Amount(cpu.TDPW, inwords.Watts))
	e.count("cores", cpu.Cores)
	e.count("threads", cpu.Threads)
	return e, nil
}

func explainAccelerator(name string) (e explanation, err error) {
	a, err := factors.LookupAccelerator(name, 0)
	if err != nil {
		return e, err
	}
	e = explanation{Asked: "accelerator " + name, Found: a.Found, Factors: []factors.Factor{a.Idle, a.Full}, Tried: candidates(a.Tried)}
	e.fact("model", inwords.Model(a.Vendor, a.Model))
	e.fact("class", a.Class)
	if a.TDPW > 0 {
		e.fact("TDP", inwords.Amount(a.TDPW, inwords.Watts))
	}
	if a.MemoryBytes > 0 {
		e.fact("memory", inwords.Amount(float64(a.MemoryBytes), inwords.Memory))
	}
	if a.PeakFLOPS > 0 {
		e.fact("peak, dense 16-bit", inwords.Trimmed(a.PeakFLOPS/1e12)+" TFLOP/s")
	}
	return e, nil
}

func explainInstance(provider, typ string) (e explanation, err error) {
	i, err := factors.LookupInstance(strings.ToLower(provider), typ)
	if err != nil {
		return e, err
	}
	e = explanation{Asked: "instance " + provider + " " + typ, Found: i.Found, Tried: []candidate{}}
	e.fact("instance", i.Provider+" "+i.Type)
	e.count("virtual CPUs", i.Threads)
	if i.MemoryBytes > 0 {
		e.fact("memory", inwords.Amount(float64(i.MemoryBytes), inwords.Memory))
	}
	e.fact("processor", i.CPU)
	if i.Accelerator != "" {
		e.fact("accelerators", inwords.Trimmed(i.Accelerators)+" × "+i.Accelerator)
	}
	e.fact("source", i.Source)
	return e, nil
}

// explainDevice explains what making and discarding a device costs: of a class
// of machines, or of a kind of part and a model.
func explainDevice(a asking, args []string) (e explanation, err error) {
	d := factors.Device{Kind: "node", Class: a.class}
	switch {
	case len(args) == 0 && a.class == "":
		return e, fmt.Errorf("which? write a class such as server or laptop, or a kind and a model: gpu A100-SXM4-80GB")
	case len(args) > 1:
		d.Kind, d.Model = args[0], strings.Join(args[1:], " ")
	case len(args) == 1 && strings.HasPrefix(args[0], "gpu-"):
		d.Kind, d.Class = "gpu", args[0]
	case len(args) == 1:
		d.Class = args[0]
	}
	known, err := factors.LookupDevice(d)
	if err != nil {
		return e, err
	}
	e = explanation{Asked: strings.Join(append([]string{"device"}, args...), " "), Found: known.Found, Tried: candidates(known.Tried)}
	for _, i := range []factors.Impacts{known.Production, known.Transport, known.EndOfLife} {
		for _, f := range []*factors.Factor{i.GCO2e, i.ADPeKgSbeq, i.PrimaryEnergyJ, i.WasteKg} {
			if f != nil {
				e.Factors = append(e.Factors, *f)
			}
		}
	}
	e.Factors = append(e.Factors, known.Lifetime, known.Utilisation)
	return e, nil
}

func (e *explanation) fact(name, value string) {
	if value != "" {
		e.Facts = append(e.Facts, fact{name, value})
	}
}

func (e *explanation) count(name string, n int) {
	if n > 0 {
		e.fact(name, inwords.Count(int64(n)))
	}
}

// explanation lays out how a lookup came to its answer. Of a device that is what
// making and discarding it emits, unless all is asked for: its other impacts have
// factors as many, and long sources.
func (p *page) explanation(e explanation) {
	p.line("%s  %s", p.bold(inwords.Visible(e.Asked)), inwords.Found(e.Found))
	for _, f := range e.Facts {
		p.prose("  ", f.Name+": "+f.Value)
	}
	short := false
	for _, f := range e.Factors {
		if ofDevice(f.Kind) && !p.all {
			source := inShort(f.Source)
			short = short || f.Unit != "gCO2e" || source != f.Source
			if f.Unit != "gCO2e" {
				continue
			}
			f.Source = source
		}
		p.prose("  ", fmt.Sprintf("%s: %s, quality %s", f.ID, inwords.Factor(&f), f.Quality))
		p.prose("    ", fmt.Sprintf("%s, %d", f.Source, f.SourceYear))
	}
	if short {
		p.flow("  ", " ", pieces("--all shows further impacts and whole sources"), p.dim)
	}
	if len(e.Tried) == 0 {
		return
	}
	p.heading("How it was found")
	for i, t := range e.Tried {
		text := fmt.Sprintf("%d. %s", i+1, t.ID)
		if f := t.Factor; f != nil {
			if f.Found == factors.FromRegion || f.Found == factors.FromCountry {
				text += ", by the figure of " + f.Geography
			}
			text += ": " + inwords.Factor(f)
		}
		if t.Taken {
			p.flow("  ", " ", pieces(inwords.Visible(text+": taken")), p.bold)
			continue
		}
		p.prose("  ", text+": "+t.Why)
	}
}
