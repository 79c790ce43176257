package factors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// built are the classes of nodes whose board, power supplies, case and drives
// the table of amounts knows.
var built = []string{"server", "cloud-server", "ai-server", "workstation", "desktop"}

func (l *devices) node(d Device) (Embodied, error) {
	for _, p := range d.Parts {
		if p.Kind == "node" || p.Kind == "" || len(p.Parts) > 0 {
			return Embodied{}, fmt.Errorf("%w: part %q: parts of a node are of kind cpu, memory, storage, gpu or npu, and have no parts", ErrNoFactor, p.Kind)
		}
		if err := l.checkClass(p.Device); err != nil {
			return Embodied{}, err
		}
	}
	e := Embodied{}
	class, err := l.nodeClass(d, &e)
	if err != nil {
		return Embodied{}, err
	}
	around := l.parts.bill()
	drives := !slices.ContainsFunc(d.Parts, func(p Part) bool { return p.Kind == "storage" })
	if slices.Contains(built, class) {
		l.chassis(around, class, drives)
	}
	if d.Model != "" {
		key := "node." + slug(withoutMaker(d.Model))
		own := l.published(key, Normalised)
		if own.GCO2e == nil {
			e.pass(key, "no figure of the model is published")
		} else if known := l.known(around, d.Parts); len(d.Parts) > 0 && known > own.GCO2e.High {
			e.pass(key, "what is known of it comes to %.0f kgCO2e, which the published configuration (%.0f to %.0f) does not hold", known/1e3, own.GCO2e.Low/1e3, own.GCO2e.High/1e3)
		} else {
			if class == unknown {
				class = "server" // as are all nodes that the table has
			}
			e.Production, e.Whole = own, true
			e.EndOfLife, e.Transport = l.ofClass(EndOfLife, class), l.ofClass(Transport, class)
			e.took()
			if err := l.life(&e, class); err != nil {
				return Embodied{}, err
			}
			return l.withGPUs(e, d, class)
		}
	}
	if len(d.Parts) > 0 && slices.Contains(built, class) {
		key := "node." + class + "-chassis"
		e.EndOfLife, e.Transport = l.parts.discarded(key, l.parts.amounts[class+".mass"], Class, "discard-machine", "freight-machine")
		if !drives {
			key += "-without-drives"
		}
		e.Production = around.impacts(Production, key, Class)
		e.took()
		if err := l.life(&e, class); err != nil {
			return Embodied{}, err
		}
		return l.withParts(e, slices.DeleteFunc(slices.Clone(d.Parts), func(p Part) bool { return !p.Within }))
	}
	if len(d.Parts) > 0 {
		e.pass("node."+class+"-chassis", "class %s is not summed up by components", class)
	}
	if e, err = l.classOf(e, class, 1); err != nil {
		return Embodied{}, err
	}
	e.Whole = true
	return l.withGPUs(e, d, class)
}

// known is what a node comes to by all that is known of it but its GPUs, gCO2e.
// What is not known of it can only be more.
func (l *devices) known(around *bill, parts []Part) float64 {
	var value float64
	if f := around.sum(gwp, Production, "node", Class); f != nil {
		value = f.Value
	}
	for _, p := range parts {
		if p.Kind == "gpu" || p.Kind == "npu" {
			continue // which are added to it
		}
		e, err := l.lookup(p.Device)
		if f := e.Production.GCO2e; err == nil && f != nil {
			value += float64(max(p.Count, 0)) * f.Value
		}
	}
	return value
}

// nodeClass is the class of a node: as asked, else its processor's, and a
// server with four or more GPUs for data centres is one for AI.
func (l *devices) nodeClass(d Device, e *Embodied) (string, error) {
	class, gpus := d.Class, 0
	for _, p := range d.Parts {
		switch p.Kind {
		case "cpu":
			if class == "" {
				c, _, err := l.cpus.find(p.Model, "", 0)
				if err == nil && c.class != unknown {
					class = machineOf(c.class)
					e.pass("node", "no class is told: %s, as its processor", class)
				}
			}
		case "gpu", "npu":
			boards, err := accelerator()
			if err != nil {
				return "", err
			}
			if boards.find(p.Model, p.Bytes).class == "gpu-datacentre" {
				gpus += p.Count
			}
		}
	}
	if (class == "server" || class == "cloud-server") && gpus >= 4 {
		e.pass(class, "with %d GPUs it is of class ai-server", gpus)
		class = "ai-server"
	}
	return cmp.Or(class, unknown), nil
}

// chassis is what is around the parts of a node.
func (l *devices) chassis(b *bill, class string, drives bool) {
	has := func(what string) quantity { return b.known(class + "." + what) }
	b.add(1, has("board"), "board")
	b.add(1, has("psu").times(has("psu-mass")), "psu")
	b.add(1, has("case"), "case-rack")
	b.add(1, exactly(1), "assembly")
	if drives {
		b.add(1, has("drives"), "ssd-base")
		b.add(1, has("drive-gb").over(b.known("ssd.density")), "ssd-die")
	}
}

// withGPUs adds the discrete GPUs of a node to a figure that has all its other
// parts.
func (l *devices) withGPUs(e Embodied, d Device, class string) (Embodied, error) {
	if class == "single-board" || class == "tablet" || class == "smartphone" || class == "iot" {
		return e, nil // which have it in their chip
	}
	return l.withParts(e, slices.DeleteFunc(slices.Clone(d.Parts), func(p Part) bool { return p.Kind != "gpu" && p.Kind != "npu" }))
}

// withParts adds parts of a node to a figure that does not have them.
func (l *devices) withParts(e Embodied, parts []Part) (Embodied, error) {
	var key []string
	var all []Embodied
	var counts []int
	e.Tried = e.Tried[:len(e.Tried)-1] // which was taken; it is to be the last
	for _, p := range parts {
		if p.Count <= 0 {
			continue
		}
		of, err := l.lookup(p.Device)
		if err != nil && p.Within {
			return Embodied{}, err
		}
		if err != nil {
			e.pass(p.Kind, "%v", err)
			continue
		}
		all, counts = append(all, of), append(counts, p.Count)
		name := strings.TrimPrefix(of.Production.GCO2e.ID, "production.")
		key = append(key, fmt.Sprintf("%d-%s", p.Count, slug(strings.TrimPrefix(name, "gpu."))))
	}
	if len(all) == 0 {
		e.took()
		return e, nil
	}
	name := strings.TrimPrefix(e.Production.GCO2e.ID, "production.")
	if !strings.HasPrefix(name, "node.") {
		name = "node." + name
	}
	name += "-with-" + strings.Join(key, "-")
	for stage, to := range e.stages() {
		for impact, f := range to.all() {
			*f = withAll(*f, name, all, counts, stage, impact)
		}
	}
	e.took()
	return e, nil
}

// withAll adds one impact of so many devices to that of a node; nil if it is
// not known of one of them.
func withAll(node *Factor, name string, all []Embodied, counts []int, stage, impact int) *Factor {
	if node == nil {
		return nil
	}
	sum := *node
	sum.ID = string(sum.Kind) + "." + name + suffixes[sum.Unit]
	sum.Source = "sum of the node: " + sum.Source
	addends := []lognormal.Part{{N: 1, Value: node.Value, Low: node.Low, High: node.High}}
	for k := range all {
		f := *all[k].stages()[stage].all()[impact]
		if f == nil {
			return nil
		}
		addends = append(addends, lognormal.Part{N: float64(counts[k]), Value: f.Value, Low: f.Low, High: f.High})
		each := fmt.Sprintf("; and of %d x %s at %s %s", counts[k], f.ID, quantity{f.Value, f.Low, f.High}, f.Unit)
		if more := each + ": " + beyond(sum.Source, f.Source); len(sum.Source)+len(more) <= fullSource {
			each = more
		}
		if len(sum.Source)+len(each) <= longestSource {
			sum.Source += each
		}
		sum.Quality, sum.SourceYear = max(sum.Quality, f.Quality), min(sum.SourceYear, f.SourceYear)
	}
	sum.Value, sum.Low, sum.High = lognormal.Sum(addends...)
	return &sum
}

// A record's texts have 4096 bytes at most, and a machine may have many kinds of
// drives: up to fullSource a source tells what each addend is made of, after it
// the addends' ids and figures alone, and from longestSource on nothing. The id
// of the sum names them all.
const fullSource, longestSource = 3000, 4000

// beyond is what a source cites that another does not.
func beyond(told, source string) string {
	var more []string
	for part := range strings.SplitSeq(source, "; ") {
		if !strings.Contains(told, part) {
			more = append(more, part)
		}
	}
	return strings.Join(more, "; ")
}

// withoutMaker drops the maker's name, which firmware tells apart or before
// the model.
func withoutMaker(model string) string {
	for _, maker := range []string{"Dell Inc. ", "Dell ", "HPE ", "HP ", "Lenovo ", "LENOVO "} {
		if m, ok := strings.CutPrefix(model, maker); ok {
			return m
		}
	}
	return model
}
