package export

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// cdxConsumption is what one stage used.
type cdxConsumption struct {
	Activity           string        `json:"activity"`
	EnergyProviders    []cdxProvider `json:"energyProviders"` // null is not valid
	ActivityEnergyCost cdxMeasure    `json:"activityEnergyCost"`
	CO2CostEquivalent  *cdxMeasure   `json:"co2CostEquivalent,omitempty"`
	Properties         []cdxProperty `json:"properties"`
}

type cdxProvider struct {
	Description    string          `json:"description"`
	Organization   cdxOrganization `json:"organization"`
	EnergySource   string          `json:"energySource"`
	EnergyProvided cdxMeasure      `json:"energyProvided"`
}

type cdxOrganization struct {
	Name string `json:"name"`
}

type cdxMeasure struct {
	Value json.Number `json:"value"`
	Unit  string      `json:"unit"`
}

func inKWh(j float64) cdxMeasure    { return cdxMeasure{json.Number(joulesAsKWh(j)), "kWh"} }
func inTonnes(g float64) cdxMeasure { return cdxMeasure{json.Number(gramsAsTonnes(g)), "tCO2eq"} }

// consumptionsOf are the entries of the operational stages, and what is to be
// said of those that have none.
func consumptionsOf(r *lifecycle.Record, held *holding) ([]cdxConsumption, []Loss) {
	var entries []cdxConsumption
	var notes []Loss
	places := placesOf(r)
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() || p.FacilityEnergyJ == nil || p.EnergyJ == nil {
			continue
		}
		at := "/phases/" + strconv.Itoa(i)
		if !metersEnergy(p) {
			notes = append(notes, Loss{Path: at, Why: "the energy of its services is unknown, and the format has no entry without energy"})
			continue
		}
		entries = append(entries, consumptionOf(r, p, places))
		held.hold(at+"/phase", at+"/stage", at+"/started_at", at+"/ended_at", at+"/duration_s",
			at+"/energy_j", at+"/facility_energy_j", at+"/operational_gco2e")
	}
	return entries, notes
}

// metersEnergy tells whether any row of a stage tells energy: a service may
// tell grams alone.
func metersEnergy(p *lifecycle.PhaseEntry) bool {
	for i := range p.Usage {
		if p.Usage[i].EnergyJ != nil {
			return true
		}
	}
	return len(p.Usage) == 0
}

func consumptionOf(r *lifecycle.Record, p *lifecycle.PhaseEntry, places *bomPlaces) cdxConsumption {
	activity := activities[p.Stage]
	if activity == "" {
		activity = "other"
	}
	c := cdxConsumption{
		Activity:           activity,
		EnergyProviders:    places.providers(p),
		ActivityEnergyCost: inKWh(p.FacilityEnergyJ.Value),
	}
	add := func(name, value string) { c.Properties = append(c.Properties, cdxProperty{"ecotracer:" + name, value}) }
	add("run", r.Run.ID)
	add("stage", string(p.Stage))
	add("scope", string(r.Run.Scope))
	add("boundary", string(r.Run.Boundary))
	add("it_energy:method", string(p.EnergyJ.Method))
	add("it_energy:value_j", plainDecimal(p.EnergyJ.Value))
	add("it_energy:low_j", plainDecimal(p.EnergyJ.Low))
	add("it_energy:high_j", plainDecimal(p.EnergyJ.High))
	for _, f := range []struct {
		name   string
		factor *factors.Factor
	}{{"pue", places.pueOf(p)}, {"gco2e_per_kwh", places.gridOf(p)}} {
		if f.factor != nil {
			add(f.name, plainDecimal(f.factor.Value))
			add(f.name+":low", plainDecimal(f.factor.Low))
			add(f.name+":high", plainDecimal(f.factor.High))
		}
	}
	add("energy:method", string(p.FacilityEnergyJ.Method))
	add("energy:low_kwh", joulesAsKWh(p.FacilityEnergyJ.Low))
	add("energy:high_kwh", joulesAsKWh(p.FacilityEnergyJ.High))
	if q := p.OperationalGCO2e; q != nil {
		m := inTonnes(q.Value)
		c.CO2CostEquivalent = &m
		add("co2:method", string(q.Method))
		add("co2:low_tco2eq", gramsAsTonnes(q.Low))
		add("co2:high_tco2eq", gramsAsTonnes(q.High))
		if g := servicesOf(p); g > 0 {
			add("co2:services_tco2eq", gramsAsTonnes(g))
		}
	}
	for _, t := range []struct {
		name string
		at   *time.Time
	}{{"started_at", p.StartedAt}, {"ended_at", p.EndedAt}} {
		if t.at != nil {
			add(t.name, t.at.UTC().Format(time.RFC3339Nano))
		}
	}
	if p.DurationS != nil {
		add("duration_s", plainDecimal(*p.DurationS))
	}
	return c
}

// servicesOf are the grams of a stage's services whose energy is unknown: a
// stage's emissions over its energy are no intensity where there are some.
func servicesOf(p *lifecycle.PhaseEntry) float64 {
	var grams float64
	for i := range p.Usage {
		if u := &p.Usage[i]; u.EnergyJ == nil && u.OperationalGCO2e != nil {
			grams += u.OperationalGCO2e.Value
		}
	}
	return grams
}

// runProperties are the figures of a run that the format has no place for: the
// share of the devices' production and end of life.
func runProperties(r *lifecycle.Record, digest string, held *holding) []cdxProperty {
	var all []cdxProperty
	add := func(name, value string) {
		all = append(all, cdxProperty{"ecotracer:" + r.Run.ID + ":" + name, value})
	}
	add("record:sha256", digest)
	for i := range r.Phases {
		p := &r.Phases[i]
		if !p.Stage.Device() || p.EmbodiedGCO2e == nil {
			continue
		}
		q, name := p.EmbodiedGCO2e, string(p.Stage)+":embodied_gco2e"
		add(name, plainDecimal(q.Value))
		add(name+":low", plainDecimal(q.Low))
		add(name+":high", plainDecimal(q.High))
		add(name+":method", string(q.Method))
		at := "/phases/" + strconv.Itoa(i)
		held.hold(at+"/phase", at+"/stage", at+"/embodied_gco2e")
	}
	return all
}

// bomPlaces are what the environments of a record say of its rows.
type bomPlaces struct {
	environments []lifecycle.Environment
	of           map[string]int             // environment of a device
	factors      map[string]*factors.Factor // by id
}

func placesOf(r *lifecycle.Record) *bomPlaces {
	p := &bomPlaces{environments: r.Environments, of: map[string]int{}, factors: map[string]*factors.Factor{}}
	index := map[string]int{}
	for i := range r.Environments {
		index[r.Environments[i].ID] = i
	}
	for i := range r.Hardware {
		if e, ok := index[r.Hardware[i].Environment]; ok {
			p.of[r.Hardware[i].ID] = e
		}
	}
	for i := range r.Factors {
		p.factors[r.Factors[i].ID] = &r.Factors[i]
	}
	return p
}

// facility is the facility energy of a stage in each environment, in J, by R18
// of the record.
func (p *bomPlaces) facility(s *lifecycle.PhaseEntry) []float64 {
	all := make([]float64, len(p.environments))
	if len(all) == 1 {
		all[0] = s.FacilityEnergyJ.Value
		return all
	}
	for i := range s.Usage {
		u := &s.Usage[i]
		if e, ok := p.of[u.Hardware]; ok && u.EnergyJ != nil {
			if pue := p.factors[p.environments[e].Factors.PUE]; pue != nil {
				all[e] += u.EnergyJ.Value * pue.Value
			}
		}
	}
	return all
}

// providers are one supply of electricity for each environment that a stage
// was in. Who supplied it a record does not tell; its place is that of the
// devices, so it is no address of a supplier.
func (p *bomPlaces) providers(s *lifecycle.PhaseEntry) []cdxProvider {
	providers := []cdxProvider{}
	for e, j := range p.facility(s) {
		if j == 0 && len(p.environments) > 1 {
			continue
		}
		env := &p.environments[e]
		where := "electricity at environment " + env.ID
		if env.Country != "" {
			where += ", " + env.Country
		}
		providers = append(providers, cdxProvider{
			Description: where, Organization: cdxOrganization{"unknown"}, EnergySource: "unknown", EnergyProvided: inKWh(j),
		})
	}
	return providers
}

// pueOf and gridOf are the factors that all of a stage's energy was multiplied
// by, nil if there are several.
func (p *bomPlaces) pueOf(s *lifecycle.PhaseEntry) *factors.Factor {
	return p.one(s, func(f *lifecycle.EnvironmentFactors) string { return f.PUE })
}

func (p *bomPlaces) gridOf(s *lifecycle.PhaseEntry) *factors.Factor {
	if len(s.Profile) > 0 { // hour by hour
		return nil
	}
	return p.one(s, func(f *lifecycle.EnvironmentFactors) string { return f.Grid })
}

func (p *bomPlaces) one(s *lifecycle.PhaseEntry, id func(*lifecycle.EnvironmentFactors) string) *factors.Factor {
	var one *factors.Factor
	for i := range s.Usage {
		e, ok := p.of[s.Usage[i].Hardware]
		if !ok || s.Usage[i].EnergyJ == nil {
			continue
		}
		f := p.factors[id(&p.environments[e].Factors)]
		if f == nil || one != nil && (one.Value != f.Value || one.Low != f.Low || one.High != f.High) {
			return nil
		}
		one = f
	}
	return one
}
