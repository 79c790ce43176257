package dataset

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// names gives the entries of a list their ids: what is equal has one, and of
// what is not each its own.
type names struct {
	ids   map[string]string // by content
	taken map[string]bool
}

// of is the id of an entry, and whether it is a new one.
func (n *names) of(id string, content any) (merged string, added bool) {
	key := contentOf(content)
	if known, ok := n.ids[key]; ok {
		return known, false
	}
	if n.ids == nil {
		n.ids = map[string]string{}
	}
	id = n.free(id)
	n.ids[key] = id
	return id, true
}

// free is an id that no other entry has: id itself, id-2, id-3 and so on.
func (n *names) free(id string) string {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	unique := id
	for k := 2; n.taken[unique]; k++ {
		unique = id + "-" + strconv.Itoa(k)
	}
	n.taken[unique] = true
	return unique
}

// contentOf is what two values are compared by. A shard is valid, so that JSON
// can hold all that is in it.
func contentOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// facts unites the factors, environments and methods.
func (j *job) facts() {
	j.methodAt = map[string]int{}
	j.uniteHours()
	leftOut := map[leftOutBy]bool{}
	for _, s := range j.shards {
		s.factor, s.place, s.meter = map[string]string{}, map[string]string{}, map[string]string{}
		for _, f := range s.Factors {
			old := f.ID
			if u, ok := s.united[old]; ok {
				f = u
			}
			f.ID = ""
			id, added := j.factors.of(old, f)
			if s.factor[old] = id; added {
				f.ID = id
				j.rec.Factors = append(j.rec.Factors, f)
			}
		}
		for _, e := range s.Environments {
			old := e.ID
			e.ID, e.Factors, e.Instruments = "", s.placeFactors(e.Factors), slices.Clone(e.Instruments)
			for i := range e.Instruments {
				e.Instruments[i].Factor = s.factor[e.Instruments[i].Factor]
			}
			id, added := j.places.of(old, e)
			if s.place[old] = id; added {
				e.ID = id
				j.rec.Environments = append(j.rec.Environments, e)
			}
		}
		for _, m := range s.Methods {
			j.method(s, m, leftOut)
		}
	}
}

// leftOutBy is a domain that a meter of the merged record did not count.
type leftOutBy struct {
	meter string
	lifecycle.LeftOut
}

// method adds a meter. How often it was read is no part of what it is.
func (j *job) method(s *shard, m lifecycle.MethodEntry, known map[leftOutBy]bool) {
	old, sampling, leftOut := m.ID, m.SamplingS, m.LeftOut
	m.ID, m.SamplingS, m.LeftOut = "", nil, nil
	id, added := j.meters.of(old, m)
	s.meter[old] = id
	if added {
		m.ID = id
		j.methodAt[id] = len(j.rec.Methods)
		j.rec.Methods = append(j.rec.Methods, m)
	}
	to := &j.rec.Methods[j.methodAt[id]]
	if sampling != nil && (to.SamplingS == nil || *sampling > *to.SamplingS) {
		to.SamplingS = new(*sampling)
	}
	for _, l := range leftOut {
		if key := (leftOutBy{id, l}); !known[key] {
			known[key] = true
			to.LeftOut = append(to.LeftOut, l)
		}
	}
}

func (s *shard) placeFactors(f lifecycle.EnvironmentFactors) lifecycle.EnvironmentFactors {
	for _, id := range []*string{&f.Grid, &f.PUE, &f.WUE, &f.EWIF, &f.Residual, &f.Marginal, &f.Loss} {
		*id = s.factor[*id]
	}
	return f
}

// embodied is what a device of the shard names, by the ids of the merged
// record, but for what it covers.
func (s *shard) embodied(e *lifecycle.Embodied) *lifecycle.Embodied {
	if e == nil {
		return nil
	}
	impacts := func(i lifecycle.Impacts) lifecycle.Impacts {
		for _, id := range []*string{&i.GCO2e, &i.ADPeKgSbeq, &i.PrimaryEnergyJ, &i.WasteKg} {
			*id = s.factor[*id]
		}
		return i
	}
	n := &lifecycle.Embodied{
		Production: impacts(e.Production), EndOfLife: impacts(e.EndOfLife),
		Lifetime: s.factor[e.Lifetime], Utilisation: s.factor[e.Utilisation],
	}
	if e.Transport != nil {
		n.Transport = new(impacts(*e.Transport))
	}
	return n
}

// prune drops environments and factors that nothing in the merged record uses:
// those of entries that were taken for others.
func (j *job) prune() {
	used := map[string]bool{}
	for i := range j.rec.Hardware {
		used[j.rec.Hardware[i].Environment] = true
	}
	for i := range j.rec.Phases {
		for _, p := range j.rec.Phases[i].Profile {
			used[p.Environment] = true
		}
	}
	j.rec.Environments = slices.DeleteFunc(j.rec.Environments, func(e lifecycle.Environment) bool { return !used[e.ID] })

	used = map[string]bool{}
	use := func(ids ...string) {
		for _, id := range ids {
			used[id] = true
		}
	}
	impacts := func(i *lifecycle.Impacts) {
		if i != nil {
			use(i.GCO2e, i.ADPeKgSbeq, i.PrimaryEnergyJ, i.WasteKg)
		}
	}
	for i := range j.rec.Environments {
		e := &j.rec.Environments[i]
		f := &e.Factors
		use(f.Grid, f.PUE, f.WUE, f.EWIF, f.Residual, f.Marginal, f.Loss)
		for _, in := range e.Instruments {
			use(in.Factor)
		}
	}
	for i := range j.rec.Hardware {
		if e := j.rec.Hardware[i].Embodied; e != nil {
			use(e.Lifetime, e.Utilisation)
			impacts(&e.Production)
			impacts(&e.EndOfLife)
			impacts(e.Transport)
		}
	}
	for i := range j.rec.Phases {
		for _, u := range j.rec.Phases[i].Usage {
			use(u.Factor)
		}
	}
	j.rec.Factors = slices.DeleteFunc(j.rec.Factors, func(f factors.Factor) bool { return !used[f.ID] })
}
