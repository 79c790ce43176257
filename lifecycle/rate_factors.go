package lifecycle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// weights are the grams of a record by how good the factors are that they rest
// on.
type weights struct {
	electricity, devices resting
	unknown              bool     // what a device took to make
	countries            []string // pointers to those that are not told
}

// resting are grams by the class of the factor that they rest on: 2 is the best
// class, 0 the worst. Index 0 is by quality, 1 by fit.
type resting struct {
	grams float64
	class [2][3]float64
	weak  [2]map[string]float64 // grams by the id of a factor below the best class
}

// grade is the class of a factor, by quality and by fit.
func grade(f *factors.Factor) [2]int {
	quality := map[string]int{"A": 2, "B": 2, "C": 1}[f.Quality]
	switch f.Found {
	case factors.Live, factors.Declared, factors.Exact, factors.Normalised:
		return [2]int{quality, 2}
	case factors.Family, factors.Class, factors.FromRegion, factors.FromCountry:
		return [2]int{quality, 1}
	}
	if f.Kind == factors.PUE { // it is of one order of magnitude anywhere, as grids are not
		return [2]int{quality, 1}
	}
	return [2]int{quality, 0}
}

// add adds the grams of a row to the class of its weakest factor.
func (s *resting) add(grams float64, of ...*factors.Factor) {
	if grams == 0 || len(of) == 0 {
		return
	}
	s.grams += grams
	for by := range s.class {
		weakest := slices.MinFunc(of, func(a, b *factors.Factor) int { return cmp.Compare(grade(a)[by], grade(b)[by]) })
		class := grade(weakest)[by]
		s.class[by][class] += grams
		if class < 2 {
			if s.weak[by] == nil {
				s.weak[by] = map[string]float64{}
			}
			s.weak[by][weakest.ID] += grams
		}
	}
}

// shares are those of the best class, and of at least the middle one.
func (s *resting) shares(by int) (best, middle float64) {
	if s.grams == 0 {
		return 1, 1 // nothing rests on a factor
	}
	return s.class[by][2] / s.grams, (s.class[by][2] + s.class[by][1]) / s.grams
}

// weigh tells what the grams of a record rest on.
func weigh(r *Record) (*weights, error) {
	b := newBasis(r)
	rows, err := b.contributions(func(Stage) bool { return true })
	if err != nil {
		return nil, err
	}
	factor := func(id string) *factors.Factor {
		k, _ := b.factors.get(id)
		return &r.Factors[k]
	}
	w := &weights{unknown: devicesUnknown(r)}
	for i := range r.Environments {
		if r.Environments[i].Country == "" {
			w.countries = append(w.countries, pointer("environments", i, "country"))
		}
	}
	for _, row := range rows {
		h := b.device(row.usage.Hardware)
		if row.stage.Device() {
			if impacts, _, _ := h.Embodied.impacts(row.stage); impacts != nil && impacts.GCO2e != "" {
				w.devices.add(row.columns[embodiedGCO2e].value, factor(impacts.GCO2e))
			}
			continue
		}
		var of []*factors.Factor
		if row.usage.Factor != "" {
			of = append(of, factor(row.usage.Factor))
		}
		if row.usage.EnergyJ != nil { // else the grams are the service's own
			p := b.places[h.Environment]
			of = append(of, &r.Factors[p.grid], &r.Factors[p.pue])
		}
		w.electricity.add(row.columns[operationalGCO2e].value, of...)
	}
	return w, nil
}

func (w *weights) quality() Criterion {
	c := w.criterion("quality", 0, "quality A or B", "C or better")
	c.Lacks = strings.Replace(c.Lacks, "figures", "better figures", 1)
	return c
}

func (w *weights) fit() Criterion {
	c := w.criterion("fit", 1, "figures of the very place or device", "figures of its kind or closer")
	c.Lacks = strings.Replace(c.Lacks, "figures", "figures of the very place or device", 1)
	if c.Level < Silver && len(w.countries) > 0 {
		c.Lacks += "; where it ran is untold: " + some(w.countries)
	}
	return c
}

// criterion rates the factors by quality or by fit.
func (w *weights) criterion(name string, by int, best, middle string) Criterion {
	b, m := w.electricity.shares(by)
	electricity := Unrated
	switch high, low := atLeast(b, 0.9), atLeast(m, 0.9); {
	case high:
		electricity = Gold
	case low:
		electricity = Silver
	case atLeast(m, 0.5):
		electricity = Bronze
	}
	db, dm := w.devices.shares(by)
	devices := Bronze
	switch {
	case w.unknown:
	case atLeast(db, 0.5):
		devices = Gold
	case atLeast(dm, 0.5):
		devices = Silver
	}
	c := Criterion{Name: name, Level: min(electricity, devices)}
	c.Found = fmt.Sprintf("of the grams of electricity %s rest on %s, %s on %s; of devices ", percentage(b), best, percentage(m), middle)
	if w.unknown {
		c.Found += "unknown"
	} else {
		c.Found += percentage(db) + " and " + percentage(dm)
	}
	if c.Level == Gold {
		return c
	}
	var weak []string
	if electricity == c.Level {
		weak = append(weak, heaviest(w.electricity.weak[by])...)
	}
	if devices == c.Level {
		weak = append(weak, heaviest(w.devices.weak[by])...)
		if w.unknown {
			weak = append(weak, "devices that are not known")
		}
	}
	c.Lacks = "figures instead of " + some(weak)
	return c
}

// heaviest are factors by the grams that rest on them.
func heaviest(grams map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(grams), func(a, b string) int {
		return cmp.Or(cmp.Compare(grams[b], grams[a]), cmp.Compare(a, b))
	})
}
