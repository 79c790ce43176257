package factors

import (
	"fmt"
	"slices"
	"strings"
)

// CPU is what the data set knows of a processor. Powers are those of one
// whole package; a caller that sees a part of it (a virtual machine) takes
// its share by Threads.
type CPU struct {
	Model   string  // as listed; "" if a class or family stands for it
	Class   string  // server, desktop, laptop, embedded or unknown
	TDPW    float64 // rated power, W; the median of the family or class
	Cores   int     // of the package; 0 if unknown
	Threads int     // of the package; 0 if unknown
	Idle    Factor  // kind idle-power, W
	Full    Factor  // kind full-power, W, all threads busy
	Found   Found   // Exact, Normalised, Family, Class or FromWorld
}

// LookupCPU tells what a package of the model draws. The model is as the
// kernel tells it, in /proc/cpuinfo or elsewhere. class (server, desktop,
// laptop, embedded) and cores (of one package) are what else is known of it;
// "" and 0 are unknown. A listed model needs neither. In a virtual machine
// cores is 0: a package is larger than what the guest sees of it.
//
// Found is Exact for a listed name, Normalised for a name that is listed once
// both are brought to a common form, Family when at least three listed models
// begin alike or the name tells a generation ("AMD EPYC-Rome Processor",
// "Neoverse-V1"), Class when only the class is known, else FromWorld. Idle and
// Full are TDPW times the idle and full power per watt of TDP of the class
// (ids idle-power.cpu-server and so on). Their intervals hold the spread of
// the TDP and of these ratios: two independent lognormal errors.
//
// An error wraps ErrUnknownClass: the class is none of the four. LookupCPU is
// safe for concurrent use.
func LookupCPU(model, class string, cores int) (CPU, error) {
	list, err := cpus()
	if err != nil {
		return CPU{}, err
	}
	if class != "" && !slices.Contains(cpuClasses, class) {
		return CPU{}, fmt.Errorf("%w: cpu of %q: write one of %s", ErrUnknownClass, class, strings.Join(cpuClasses, ", "))
	}
	p, found, err := list.find(model, class, cores)
	if err != nil {
		return CPU{}, err
	}
	return power(p, found)
}

var cpuClasses = []string{"server", "desktop", "laptop", "embedded"}

// power applies the ratios of p's class to its TDP.
func power(p processor, found Found) (CPU, error) {
	s, err := figuresOf(IdlePower)
	if err != nil {
		return CPU{}, err
	}
	c := CPU{Model: p.name, Class: p.class, TDPW: p.tdp.value, Cores: p.cores, Threads: p.threads, Found: found}
	for _, x := range []struct {
		kind Kind
		to   *Factor
	}{{IdlePower, &c.Idle}, {FullPower, &c.Full}} {
		f, ok := s.find(Query{Kind: x.kind}, "cpu-"+p.class)
		if !ok {
			return CPU{}, fmt.Errorf("%w: %s of cpu-%s", ErrNoFactor, x.kind, p.class)
		}
		*x.to = watts(f, p.tdp, p.source, p.quality)
		x.to.Found = found
	}
	return c, nil
}

// watts multiplies a ratio by a TDP.
func watts(ratio Factor, tdp quantity, from *sourceOf, quality string) Factor {
	q := quantity{ratio.Value, ratio.Low, ratio.High}.times(tdp)
	f := ratio
	f.Value, f.Low, f.High, f.Unit = q.value, q.low, q.high, "W"
	f.Source = from.text + "; times " + ratio.ID + ": " + ratio.Source
	f.SourceYear = min(ratio.SourceYear, from.year)
	f.Licence = from.licence
	f.Quality = max(ratio.Quality, quality)
	return f
}
