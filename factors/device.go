package factors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Device is a device of which it is asked what its making and discarding cost:
// all that is known of it. The zero value of a field is unknown.
type Device struct {
	Kind  string // node (also ""), cpu, memory, storage, gpu or npu, as in a record's hardware
	Model string // as the kernel, the driver or the vendor prints it
	Class string // one of those that the package documentation lists; of a part, the class of its node; of storage also ssd or hdd
	Bytes int64  // of memory, storage or a GPU's memory: how much it holds

	// Parts are what a node is built of: Kind cpu (one entry a socket or with
	// Count), memory, storage, gpu.
	Parts []Part
}

// Part is what a node has Count of.
type Part struct {
	Count  int
	Within bool // it is never told apart: the node's figures have it in them
	Device
}

// Embodied is what the making and the discarding of one device cost, and the
// time that they are shared over.
type Embodied struct {
	Production, EndOfLife Impacts
	Transport             Impacts // from maker to user; none where production has it
	Lifetime, Utilisation Factor

	// Whole tells of a node that these figures have its Parts in them. Else
	// they are those of what is around the parts (board, case, power supply,
	// and drives if there is no part of storage) and of what is Within, and
	// each other part has its own.
	Whole bool

	Found Found       // how the figure of production came to be
	Tried []Candidate // what was looked at before
}

// Impacts are factors of one device by impact category; nil is unknown.
type Impacts struct {
	GCO2e          *Factor // gCO2e
	ADPeKgSbeq     *Factor // kgSbeq, abiotic depletion of elements
	PrimaryEnergyJ *Factor // J
	WasteKg        *Factor // kg
}

// Candidate is a row that a lookup looked at.
type Candidate struct {
	ID     string
	Factor *Factor // nil if there is no such row
	Why    string  // why it was passed over; "" for the one that was taken
}

// LookupDevice tells what the production and the end of life of one device
// cost, by the closest of: what its maker or a life-cycle assessment published
// of the model; the sum of its components (processor: package and chips;
// memory: modules and chips by density; drives; board, power supplies, case
// and assembly of a node; a GPU's chips, memory, board and cooler); the figure
// of its class. Source of a sum names every component with its number and
// value, so that it can be worked out again; its interval is that of a sum of
// independent lognormal addends. End of life has no credits for what is
// recycled, production neither end of life nor use.
//
// The components are those of UBA TEXTE 94/2021 by the method of Boavizta, and
// of ADEME's life-cycle assessments of GPUs (2026; Falk et al. 2025).
//
// A node of class server, cloud-server, ai-server, workstation or desktop of
// which Parts are known is summed up, and so are the parts of their own (Whole
// is false). The class of a node is that of its processor if Class is empty. A
// published figure of a node's model stands for it only if the sum of what is
// known of it lies within its interval: makers publish one configuration. Other
// nodes have their class's figure with all that is in them, and discrete GPUs
// added.
//
// Errors wrap ErrNoFactor (a kind without figures, memory or storage of unknown
// size, a GPU that is part of its processor) or ErrUnknownClass. LookupDevice
// is safe for concurrent use.
func LookupDevice(d Device) (Embodied, error) {
	l, err := allDevices()
	if err != nil {
		return Embodied{}, err
	}
	return l.lookup(d)
}

func (l *devices) lookup(d Device) (Embodied, error) {
	if err := l.checkClass(d); err != nil {
		return Embodied{}, err
	}
	switch d.Kind {
	case "", "node":
		return l.node(d)
	case "cpu":
		return l.cpu(d)
	case "memory":
		return l.memory(d)
	case "storage":
		return l.storage(d)
	case "gpu", "npu":
		return l.accelerator(d)
	}
	return Embodied{}, fmt.Errorf("%w: production of %q: write node, cpu, memory, storage, gpu or npu", ErrNoFactor, d.Kind)
}

// checkClass tells whether a device can be of the class that it is said to be.
func (l *devices) checkClass(d Device) error {
	switch {
	case d.Class == "", slices.Contains(l.classes, d.Class),
		d.Kind == "storage" && (d.Class == "ssd" || d.Class == "hdd"),
		d.Kind == "cpu" && slices.Contains(cpuClasses, d.Class):
		return nil
	}
	return fmt.Errorf("%w: %s of %q: write one of %s", ErrUnknownClass, cmp.Or(d.Kind, "node"), d.Class, strings.Join(l.classes, ", "))
}

// devices is the tables that tell of devices, but that of accelerators, which
// is read when one is asked for.
type devices struct {
	figures figures  // by class, and of models
	classes []string // that have figures
	cpus    *cpuList
	parts   *parts
}

var allDevices = sync.OnceValues(newDevices)

func newDevices() (l *devices, err error) {
	l = &devices{}
	if l.figures, err = figuresOf(Production); err != nil {
		return nil, err
	}
	if l.cpus, err = cpus(); err != nil {
		return nil, err
	}
	if l.parts, err = bottomUp(); err != nil {
		return nil, err
	}
	l.classes = l.figures.classes(Query{Kind: Production})
	return l, nil
}

// life is the lifetime and utilisation of a class.
func (l *devices) life(e *Embodied, class string) error {
	for _, x := range []struct {
		kind Kind
		to   *Factor
	}{{Lifetime, &e.Lifetime}, {Utilisation, &e.Utilisation}} {
		f, err := Lookup(Query{Kind: x.kind, Class: class})
		if err != nil {
			return err
		}
		*x.to = f
	}
	return nil
}

// ofClass is the figures of a class, all that the tables have.
func (l *devices) ofClass(kind Kind, class string) Impacts {
	get := func(unit string) *Factor {
		f, ok := l.figures.find(Query{Kind: kind, Unit: unit}, class)
		if !ok {
			return nil
		}
		f.Found = Class
		if class == unknown || class == "gpu-"+unknown {
			f.Found = FromWorld
		}
		return &f
	}
	return Impacts{get("gCO2e"), get("kgSbeq"), get("J"), get("kg")}
}

// published is what was published of a model, under its id.
func (l *devices) published(key string, found Found) Impacts {
	get := func(unit string) *Factor {
		for _, s := range l.figures {
			if f, ok := s[string(Production)+"."+key+suffixes[unit]]; ok {
				f.Found = found
				return &f
			}
		}
		return nil
	}
	return Impacts{GCO2e: get("gCO2e"), ADPeKgSbeq: get("kgSbeq"), PrimaryEnergyJ: get("J")}
}

// all is every impact, in one order.
func (a *Impacts) all() [4]**Factor {
	return [...]**Factor{&a.GCO2e, &a.ADPeKgSbeq, &a.PrimaryEnergyJ, &a.WasteKg}
}

// or takes the impacts of b that a does not have.
func (a Impacts) or(b Impacts) Impacts {
	for i, f := range a.all() {
		if *f == nil {
			*f = *b.all()[i]
		}
	}
	return a
}

// stages are all impacts of a device: production, end of life, transport.
func (e *Embodied) stages() [3]*Impacts {
	return [...]*Impacts{&e.Production, &e.EndOfLife, &e.Transport}
}

// took ends what was tried with what was taken.
func (e *Embodied) took() {
	if f := e.Production.GCO2e; f != nil {
		e.Found = f.Found
		e.Tried = append(e.Tried, Candidate{ID: f.ID, Factor: f})
	}
}

func (e *Embodied) pass(id, why string, args ...any) {
	e.Tried = append(e.Tried, Candidate{ID: string(Production) + "." + id, Why: fmt.Sprintf(why, args...)})
}
