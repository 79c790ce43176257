package dataset

import (
	"math"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/series"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// intensity is the grid intensity that a stage met at a place, gCO2e/kWh: the
// factor's value, or with a profile and hourly values their mean weighted by
// the energy of each step (R36).
func (t *tabler) intensity(s *place, p *lifecycle.PhaseEntry) float64 {
	if s.hourly == nil {
		return s.grid.Value
	}
	if s.stage == p {
		return s.intensity
	}
	s.stage, s.intensity = p, s.grid.Value
	start, err := time.Parse(time.RFC3339, s.hourly.Start)
	if err != nil {
		return s.intensity
	}
	var energy, grams float64
	for i := range p.Profile {
		f := &p.Profile[i]
		if k := t.environment(f.Environment); k < 0 || t.places[k] != s {
			continue
		}
		from := f.Start.Sub(start).Seconds()
		for n, e := range f.EnergyJ {
			energy += e
			grams += e * series.Mean(s.hourly.Value, s.hourly.StepS, from+float64(n)*f.StepS, f.StepS)
		}
	}
	if energy > 0 {
		s.intensity = grams / energy
	}
	return s.intensity
}

func (t *tabler) environment(id string) int {
	for i := range t.record.Environments {
		if t.record.Environments[i].ID == id {
			return i
		}
	}
	return -1
}

// unitCounts counts the functional units of a record's stages.
type unitCounts struct {
	record *lifecycle.Record
	read   bool
	stages map[lifecycle.Stage]map[string]int64
}

// of are the functional units of a stage: Σ count over its outermost spans that
// tell the unit. What a span within one of them counts again is no more work.
func (c *unitCounts) of(s lifecycle.Stage) map[string]int64 {
	if !c.read {
		c.read = true
		c.count()
	}
	return c.stages[s]
}

func (c *unitCounts) count() {
	type account struct {
		stage lifecycle.Stage
		path  string
	}
	var tell map[account]map[string]lifecycle.Unit
	spans := c.record.Spans
	for i := range spans {
		if len(spans[i].Units) > 0 {
			if tell == nil {
				tell = map[account]map[string]lifecycle.Unit{}
			}
			tell[account{spans[i].Stage, spans[i].Path}] = spans[i].Units
		}
	}
	within := func(a account, unit string) bool {
		for {
			cut := strings.LastIndexByte(a.path, '/')
			if cut < 0 {
				return false
			}
			a.path = a.path[:cut]
			if _, ok := tell[a][unit]; ok {
				return true
			}
		}
	}
	for a, units := range tell {
		for unit, u := range units {
			if within(a, unit) {
				continue
			}
			if c.stages == nil {
				c.stages = map[lifecycle.Stage]map[string]int64{}
			}
			if c.stages[a.stage] == nil {
				c.stages[a.stage] = map[string]int64{}
			}
			if n := c.stages[a.stage][unit]; n <= math.MaxInt64-u.Count {
				c.stages[a.stage][unit] = n + u.Count
			} else {
				c.stages[a.stage][unit] = math.MaxInt64
			}
		}
	}
}
