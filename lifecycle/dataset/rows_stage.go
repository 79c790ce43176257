package dataset

import (
	"math"
	"slices"
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
		if k := t.environment(f.Environment); k < 0 || &t.places[k] != s {
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
	list   []counted
	at     map[string]int // in the list, if it is long
	stages []stageUnits
	used   int // of stages
}

// counted is an account that counts units.
type counted struct {
	stage lifecycle.Stage
	path  string
	units map[string]lifecycle.Unit
}

type stageUnits struct {
	stage lifecycle.Stage
	units map[string]int64
}

func (a *counted) key() string { return string(a.stage) + "\x00" + a.path }

func (c *unitCounts) begin(r *lifecycle.Record) {
	for i := range c.stages[:c.used] {
		clear(c.stages[i].units)
	}
	clear(c.list)
	c.record, c.read, c.list, c.at, c.used = r, false, c.list[:0], nil, 0
}

// of are the functional units of a stage: Σ count over its outermost spans that
// tell the unit. What a span within one of them counts again is no more work.
func (c *unitCounts) of(s lifecycle.Stage) map[string]int64 {
	if !c.read {
		c.read = true
		c.count()
	}
	for i := range c.stages[:c.used] {
		if c.stages[i].stage == s {
			return c.stages[i].units
		}
	}
	return nil
}

func (c *unitCounts) count() {
	for i := range c.record.Spans {
		if s := &c.record.Spans[i]; len(s.Units) > 0 {
			c.list = append(c.list, counted{s.Stage, s.Path, s.Units})
		}
	}
	c.at = indexLong(c.list, (*counted).key)
	for i := range c.list {
		a := &c.list[i]
		for unit, u := range a.units {
			if c.within(*a, unit) {
				continue
			}
			of := c.stage(a.stage)
			of[unit] += min(u.Count, math.MaxInt64-of[unit])
		}
	}
}

// within tells whether an account above counts the unit.
func (c *unitCounts) within(a counted, unit string) bool {
	for {
		cut := strings.LastIndexByte(a.path, '/')
		if cut < 0 {
			return false
		}
		a.path = a.path[:cut]
		if k := c.find(&a); k >= 0 {
			if _, ok := c.list[k].units[unit]; ok {
				return true
			}
		}
	}
}

func (c *unitCounts) find(a *counted) int {
	if c.at != nil {
		if k, ok := c.at[a.key()]; ok {
			return k
		}
		return -1
	}
	return slices.IndexFunc(c.list, func(b counted) bool { return b.stage == a.stage && b.path == a.path })
}

// stage are the units of a stage, to be counted.
func (c *unitCounts) stage(s lifecycle.Stage) map[string]int64 {
	if of := c.of(s); of != nil {
		return of
	}
	if c.used == len(c.stages) {
		c.stages = append(c.stages, stageUnits{units: map[string]int64{}})
	}
	c.stages[c.used].stage = s
	c.used++
	return c.stages[c.used-1].units
}
