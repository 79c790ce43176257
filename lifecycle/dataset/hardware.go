package dataset

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// component is one device, or some that an entry tells as one, with the entry
// of each shard that saw it.
type component struct {
	members []member // by rank
	best    member   // whose words are taken
	parent  *component
	class   *class
	count   int  // distinct devices
	covered bool // by the embodied figures of what it is part of
	placing bool // a guard against parts of each other
}

// member is an entry of a shard's hardware.
type member struct {
	*shard
	i int
}

func (m member) entry() *lifecycle.Hardware { return &m.Hardware[m.i] }

// class is an entry of the merged hardware: all components of the same kind.
type class struct {
	id         string
	at         int // in /hardware
	components []*component
	coveredBy  *class
}

// hardware unites the devices: first those that several shards saw, by their
// instances, then what is of the same kind.
func (j *job) hardware() {
	j.unite()
	for _, c := range j.components {
		j.choose(c)
	}
	for _, c := range j.components {
		c.parent = j.wholeOf(c)
		c.covered = c.best.entry().Embodied == nil && j.coverer(c) != nil
	}
	ids := names{}
	byContent := map[string]*class{}
	for _, c := range j.components {
		j.classify(c, byContent)
	}
	for _, k := range j.classes {
		k.id = ids.free(k.name())
		j.rec.Hardware[k.at].ID = k.id
	}
	for _, k := range j.classes {
		j.describeClass(k)
	}
	j.hosts()
}

// unite finds the entries that are of the same devices.
func (j *job) unite() {
	var entries []member
	var lead []int // a union-find forest over entries
	find := func(i int) int {
		for lead[i] != i {
			lead[i] = lead[lead[i]]
			i = lead[i]
		}
		return i
	}
	seen := map[string]int{}
	for _, s := range j.shards {
		s.entry, s.coverer = map[string]int{}, map[string]int{}
		for i := range s.Hardware {
			h := &s.Hardware[i]
			s.entry[h.ID] = i
			if h.Embodied != nil {
				for _, id := range h.Embodied.Covers {
					s.coverer[id] = i
				}
			}
			n := len(entries)
			entries, lead = append(entries, member{s, i}), append(lead, n)
			for _, instance := range h.Instance {
				key := string(h.Kind) + " " + instance
				if first, ok := seen[key]; ok {
					a, b := find(first), find(n)
					lead[max(a, b)] = min(a, b)
				} else {
					seen[key] = n
				}
			}
		}
		s.component = make([]*component, len(s.Hardware))
	}
	at := map[int]*component{}
	for n, m := range entries {
		c := at[find(n)]
		if c == nil {
			c = new(component)
			at[find(n)] = c
			j.components = append(j.components, c)
		}
		c.members = append(c.members, m)
		m.component[m.i] = c
	}
}

// choose decides whose words of a device are taken: those of the lowest rank,
// but of one that knows its production if there is one (a device that a rank
// did not hold is nothing but a part of the node to it). Entries that name a
// device each count the distinct ones.
func (j *job) choose(c *component) {
	c.best = c.members[0]
	if k := slices.IndexFunc(c.members, func(m member) bool { return m.entry().Embodied != nil }); k >= 0 {
		c.best = c.members[k]
	}
	instances := map[string]bool{}
	for _, m := range c.members {
		h := m.entry()
		c.count = max(c.count, h.Count)
		if len(h.Instance) == h.Count {
			for _, i := range h.Instance {
				instances[i] = true
			}
		}
		if place := m.place[h.Environment]; place != c.best.place[c.best.entry().Environment] {
			j.conflicts("/hardware", "shards put one device in several places; that of the lowest rank was taken")
		}
	}
	c.count = max(c.count, len(instances))
}

// wholeOf is the device that a component sits in.
func (j *job) wholeOf(c *component) *component {
	for _, m := range append([]member{c.best}, c.members...) {
		if i, ok := m.shard.entry[m.entry().PartOf]; ok {
			if whole := m.component[i]; whole != c {
				return whole
			}
		}
	}
	return nil
}

// coverer is the device whose embodied figures contain those of a component.
func (j *job) coverer(c *component) *component {
	for _, m := range c.members {
		if i, ok := m.shard.coverer[m.entry().ID]; ok && m.component[i] != c {
			return m.component[i]
		}
	}
	return nil
}

// classify puts a component in the entry of its kind, after what it is part
// of.
func (j *job) classify(c *component, byContent map[string]*class) {
	if c.class != nil || c.placing {
		return
	}
	c.placing = true
	h := *c.best.entry()
	h.Environment, h.Embodied = c.best.place[h.Environment], c.best.embodied(h.Embodied)
	h.ID, h.PartOf, h.Count, h.Instance = "", "", 0, nil
	type content struct {
		Hardware      lifecycle.Hardware
		Within, Under int // index of a class + 1
	}
	key := content{Hardware: h}
	within := func(c *component) *class {
		if c == nil {
			return nil
		}
		j.classify(c, byContent)
		return c.class // nil if it is a part of this one
	}
	if k := within(c.parent); k != nil {
		key.Within = k.at + 1
	}
	var coveredBy *class
	if c.covered {
		if coveredBy = within(j.coverer(c)); coveredBy != nil {
			key.Under = coveredBy.at + 1
		}
	}
	text := contentOf(key)
	k := byContent[text]
	if k == nil {
		k = &class{at: len(j.classes), coveredBy: coveredBy}
		byContent[text] = k
		j.classes = append(j.classes, k)
		j.rec.Hardware = append(j.rec.Hardware, h)
	}
	k.components = append(k.components, c)
	c.class = k
}

// name is what the shards call the devices of a class: cpu, or gpu where they
// are gpu0 and gpu1.
func (k *class) name() string {
	ids := map[string]bool{}
	stems := map[string]bool{}
	for _, c := range k.components {
		for _, m := range c.members {
			id := m.entry().ID
			ids[id] = true
			stems[strings.TrimRight(id, "0123456789")] = true
		}
	}
	if stem := slices.Collect(maps.Keys(stems)); len(ids) > 1 && len(stem) == 1 && stem[0] != "" {
		return strings.TrimRight(stem[0], "-_.")
	}
	return k.components[0].best.entry().ID
}

// describeClass fills in what a class's entry tells of its devices together.
func (j *job) describeClass(k *class) {
	h := &j.rec.Hardware[k.at]
	instances := map[string]bool{}
	for _, c := range k.components {
		h.Count += c.count
		for _, m := range c.members {
			for _, i := range m.entry().Instance {
				instances[i] = true
			}
		}
		if p := c.parent; p != nil && p.class != k && h.PartOf == "" {
			h.PartOf = p.class.id
		}
	}
	h.Instance = slices.Sorted(maps.Keys(instances))
	if k.coveredBy != nil {
		if e := j.rec.Hardware[k.coveredBy.at].Embodied; e != nil {
			e.Covers = append(e.Covers, k.id)
		}
	}
}

// hosts numbers the hosts: shards that saw a device in common are of one. It
// tells where that cannot be known.
func (j *job) hosts() {
	lead := make(map[*shard]*shard, len(j.shards))
	for _, s := range j.shards {
		lead[s] = s
	}
	find := func(s *shard) *shard {
		for lead[s] != s {
			lead[s] = lead[lead[s]]
			s = lead[s]
		}
		return s
	}
	for _, c := range j.components {
		for _, m := range c.members[1:] {
			a, b := find(c.members[0].shard), find(m.shard)
			if a.rank > b.rank {
				a, b = b, a
			}
			lead[b] = a
		}
	}
	hosts, anonymous := 0, 0
	for _, s := range j.shards {
		if first := find(s); first == s {
			hosts++
			s.host = hosts
		} else {
			s.host = first.host
		}
		if slices.ContainsFunc(s.Hardware, func(h lifecycle.Hardware) bool { return len(h.Instance) == 0 && hostWide(h.Kind) }) {
			anonymous++
		}
	}
	if anonymous > 0 && len(j.shards) > 1 {
		j.warn(unrecognised, "/hardware",
			"%d of %d shards do not tell which devices they saw (hardware[].instance): if they ran on one host, what they both saw of it counts twice",
			anonymous, len(j.shards))
	}
}

// hostWide tells whether all processes of a host see the same of a device.
func hostWide(k lifecycle.HardwareKind) bool {
	return k == lifecycle.KindNode || k == lifecycle.KindCPU || k == lifecycle.KindMemory || accelerator(k)
}

// accelerator tells whether a device can be claimed, and may have another
// number in each container.
func accelerator(k lifecycle.HardwareKind) bool {
	return k == lifecycle.KindGPU || k == "npu" || k == "fpga"
}
