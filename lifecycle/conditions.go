package lifecycle

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/factors"
)

// checkConditions checks what is required or possible only beside something
// else (R3, R5).
func (c *checker) checkConditions() {
	c.checkUseCase()
	c.checkTechnology()
	for i := range c.record.Environments {
		e := &c.record.Environments[i]
		if e.Subdivision != "" && e.Country != "" && !strings.HasPrefix(e.Subdivision, e.Country+"-") {
			c.wrong("R5", c.pointer("environments", i, "subdivision"), quote(e.Subdivision), "a subdivision of "+e.Country, "the subdivision is in another country")
		}
	}
	for i := range c.record.Phases {
		c.checkStage(i)
	}
	stages := map[Stage]bool{}
	for i := range c.record.Spans {
		s := &c.record.Spans[i]
		if s.Stage.Valid() && s.Stage.Device() {
			c.wrong("R5", c.pointer("spans", i, "stage"), quote(string(s.Stage)), "a stage of the service's life cycle", "no span runs in a stage of the devices")
		}
		if c.record.Run.Status == Estimated && stages[s.Stage] {
			c.wrong("R3", c.pointer("spans", i, "stage"), quote(string(s.Stage)), "one span a stage", "an estimate has one span a stage")
		}
		stages[s.Stage] = true
		if s.Count > 0 {
			for _, d := range []struct {
				name  string
				value *float64
			}{{"min_s", s.MinS}, {"p50_s", s.P50S}, {"p95_s", s.P95S}, {"p99_s", s.P99S}, {"max_s", s.MaxS}} {
				if d.value == nil {
					c.wrong("R3", c.pointer("spans", i, d.name), "nothing", "", "the member is required where spans have ended")
				}
			}
		}
	}
	for i := range c.record.Factors {
		c.checkFactorMembers(i)
	}
}

// sectorCodes are the shapes of codes: NACE without its section letter or the
// letter alone, ISIC likewise without a dot, NAICS with its joint sectors.
var sectorCodes = sync.OnceValue(func() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"NACE-2.1":   regexp.MustCompile(`^([A-V]|[0-9]{2}([.][0-9]{1,2})?)$`),
		"ISIC-4":     regexp.MustCompile(`^([A-U]|[0-9]{2,4})$`),
		"NAICS-2022": regexp.MustCompile(`^([0-9]{2,6}|31-33|44-45|48-49)$`),
	}
})

var sectorExamples = map[string]string{
	"NACE-2.1":   "a NACE code such as 95.10, or its section letter alone",
	"ISIC-4":     "an ISIC code such as 9511, or its section letter alone",
	"NAICS-2022": "a NAICS code of 2 to 6 digits such as 811210",
}

func (c *checker) checkUseCase() {
	u := &c.record.UseCase
	if s := u.Sector; s != nil {
		if shape := sectorCodes()[s.Scheme]; shape != nil && s.Code != "" && !shape.MatchString(s.Code) {
			c.wrong("R5", "/use_case/sector/code", quote(s.Code), sectorExamples[s.Scheme], "the code is none of its scheme")
		}
	}
	if f := u.FunctionalUnit; f != nil && c.record.Totals.PerUnit == nil &&
		!slices.ContainsFunc(c.record.Spans, func(s Span) bool { return s.Path == f.Path && s.Units[f.Unit].Count > 0 }) {
		c.warn("R4", "/use_case/functional_unit", quote(f.Unit)+" of "+quote(f.Path), "a span that counts the unit", "the functional unit was never counted")
	}
}

func (c *checker) checkTechnology() {
	t := &c.record.Technology
	for _, block := range []struct {
		kind, name string
		there      bool
	}{
		{"ml", "ml", t.ML != nil}, {"iot", "iot", t.IoT != nil}, {"dlt", "dlt", t.DLT != nil},
		{"data-pipeline", "data_pipeline", t.DataPipeline != nil}, {"other", "other", t.Other != nil},
	} {
		if t.Kind == block.kind && !block.there {
			c.wrong("R3", "/technology/"+block.name, "nothing", "", "the main block, which kind names, is required")
		}
	}
}

// checkStage checks the rows of a stage.
func (c *checker) checkStage(i int) {
	p := &c.record.Phases[i]
	if p.Stage.Valid() && p.Phase.Valid() && p.Phase != p.Stage.Phase() {
		c.wrong("R5", c.pointer("phases", i, "phase"), quote(string(p.Phase)), quote(string(p.Stage.Phase())), "the phase is the first part of the stage")
	}
	if !p.Stage.Valid() || p.Stage.Device() {
		return
	}
	for j := range p.Usage {
		u := &p.Usage[j]
		at := func(member string) string { return c.pointer("phases", i, "usage", j, member) }
		if h, ok := c.hardware.get(u.Hardware); ok && c.record.Hardware[h].Embodied != nil || u.Share != nil || u.ShareBy != "" {
			if u.Share == nil {
				c.wrong("R3", at("share"), "nothing", "", "the member is required of a device with embodied factors")
			}
			if u.ShareBy == "" {
				c.wrong("R3", at("share_by"), "nothing", "", "the member is required beside share")
			}
		}
		service := u.Stored != nil || u.Transferred != nil || u.Calls != nil
		switch {
		case u.EnergyJ == nil && (u.OperationalGCO2e == nil || !service):
			c.wrong("R3", at("energy_j"), "nothing", "", "the member is required, but of a service that tells its grams")
		case u.EnergyJ != nil && u.OperationalGCO2e != nil:
			c.wrong("R3", at("operational_gco2e"), "a value", "no member", "a row with energy has its grams from the place, not from the row")
		}
		switch {
		case service && u.Factor == "":
			c.wrong("R3", at("factor"), "nothing", "", "what was stored, transferred or called for needs its factor")
		case !service && u.Factor != "":
			c.wrong("R3", at("factor"), quote(u.Factor), "stored, transferred or calls", "the factor has nothing to apply to")
		}
	}
}

// checkFactorMembers checks what only some factors must tell.
func (c *checker) checkFactorMembers(i int) {
	f := &c.record.Factors[i]
	switch f.Kind {
	case factors.Grid, factors.Residual, factors.Instrument, factors.Marginal:
		for _, axis := range []struct{ name, value string }{
			{"signal", f.Signal}, {"accounting", f.Accounting}, {"basis", f.Basis}, {"mix", f.Mix},
		} {
			if axis.value == "" {
				c.wrong("R3", c.pointer("factors", i, axis.name), "nothing", "", "the member is required of a "+string(f.Kind)+" factor")
			}
		}
	}
	if f.GWP == "" && strings.Contains(f.Unit, "gCO2e") {
		c.wrong("R3", c.pointer("factors", i, "gwp"), "nothing", "", "the member is required where the unit has gCO2e")
	}
	if f.ValidFrom != "" && f.ValidTo != "" && f.ValidTo < f.ValidFrom {
		c.wrong("R5", c.pointer("factors", i, "valid_to"), quote(f.ValidTo), "a date from "+f.ValidFrom+" on", "the period ends before it begins")
	}
}
