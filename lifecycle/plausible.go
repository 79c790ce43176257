package lifecycle

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
)

// year is the Julian year in seconds.
const year = 365.25 * 86400

// firstYear is that of the schema. What was made before it had a clock that was
// not set, or a simulated one.
const firstYear = 2026

// plausible are the ranges in which figures of a kind are found (R33).
var plausible = map[factors.Kind]struct {
	low, high float64
	words     string
}{
	factors.PUE:      {1, 3, "1 to 3"},
	factors.Grid:     {0, 2000, "0 to 2000 gCO2e/kWh"},
	factors.WUE:      {0, 50, "0 to 50 L/kWh"},
	factors.EWIF:     {0, 50, "0 to 50 L/kWh"},
	factors.Lifetime: {1 * year, 20 * year, "1 to 20 years of 31557600 s"},
}

// checkFactors checks that factors and the years of their sources are plausible
// (R33), that their use outside
// their period is warned of (R34), and that they fit the boundary (R35).
func (c *checker) checkFactors() {
	r := c.record
	for i := range r.Factors {
		f := &r.Factors[i]
		at := c.pointer("factors", i, "value")
		if p, ok := plausible[f.Kind]; ok && (f.Value < p.low || f.Value > p.high) {
			c.warn("R33", at, amountWords(f.Value), p.words, "the figure is out of the range where such figures lie")
		}
		if f.Kind == factors.Utilisation && !(f.Value > 0 && f.Value <= 1) {
			c.wrong("R33", at, amountWords(f.Value), "above 0 and at most 1", "a device is in use for a share of its lifetime")
		}
		if made := r.CreatedAt.UTC().Year(); made >= firstYear && f.SourceYear > made {
			c.warn("R33", c.pointer("factors", i, "source_year"), strconv.Itoa(f.SourceYear), "at most "+strconv.Itoa(made), "the source is of a year after the one in which this document was made")
		}
	}
	c.checkValidity()
	c.checkBoundary()
}

func (c *checker) checkValidity() {
	r := c.record
	if r.Run.StartedAt == nil {
		return // an estimate has no time
	}
	due := map[string]string{}
	for i := range r.Factors {
		if detail, outside := outOfPeriod(&r.Factors[i], &r.Run); outside {
			due[pointer("factors", i)] = detail
		}
	}
	warned := map[string]bool{}
	for i, w := range r.Warnings {
		if w.Code != outsideValidity {
			continue
		}
		warned[w.Path] = true
		if _, outside := due[w.Path]; !outside {
			c.wrong("R34", c.pointer("warnings", i), quote(w.Path), "a factor in whose period the run does not start", "the warning has no reason")
		}
	}
	for at, detail := range due {
		if !warned[at] {
			c.wrong("R34", at, detail, outsideValidity+" in /warnings", "the run does not start in the factor's period, and no warning says so")
		}
	}
}

func (c *checker) checkBoundary() {
	r := c.record
	warned := slices.ContainsFunc(r.Warnings, func(w Warning) bool { return w.Code == belowBoundary })
	for i := range r.Environments {
		k, ok := c.factors.get(r.Environments[i].Factors.PUE)
		if !ok {
			continue
		}
		pue := r.Factors[k].Value
		switch r.Run.Boundary {
		case BoundaryFacility:
			if pue != 1 {
				c.wrong("R35", c.pointer("environments", i, "factors", "pue"), amountWords(pue), "1", "energy of the whole facility has no PUE beyond it")
			}
		case BoundaryComponent, BoundaryAccelerators:
			if pue > 1 && !warned {
				c.wrong("R35", "/run/boundary", fmt.Sprintf("%s with PUE %s", r.Run.Boundary, amountWords(pue)), belowBoundary+" in /warnings",
					"PUE is applied to less than all IT equipment, and no warning says so")
			}
		}
	}
	if r.Run.Boundary == BoundaryNode {
		booked := map[string]bool{}
		for i := range r.Ledger {
			booked[r.Ledger[i].Hardware] = true
		}
		for i := range r.Hardware {
			if h := &r.Hardware[i]; h.Kind == KindNode && !booked[h.ID] {
				c.wrong("R35", c.pointer("hardware", i), "no line of the ledger", "a line for what the node draws", "the boundary is the node, and the node's own energy is not in the ledger")
			}
		}
	}
}
