package export

import (
	"encoding/json"
	"strconv"
	"time"

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
			at+"/energy_j/value", at+"/facility_energy_j", at+"/operational_gco2e")
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

func consumptionOf(r *lifecycle.Record, p *lifecycle.PhaseEntry, places *places) cdxConsumption {
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
	add("boundary", string(r.Run.Boundary))
	add("it_energy_j", plainDecimal(p.EnergyJ.Value))
	if pue := places.pueOf(p); pue != "" {
		add("pue", pue)
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

// places are what the environments of a record say of its rows.
type places struct {
	record *lifecycle.Record
	of     map[string]int     // environment of a device
	pue    map[string]float64 // values of factors
}

func placesOf(r *lifecycle.Record) *places {
	p := &places{record: r, of: map[string]int{}, pue: map[string]float64{}}
	index := map[string]int{}
	for i := range r.Environments {
		index[r.Environments[i].ID] = i
	}
	for i := range r.Hardware {
		p.of[r.Hardware[i].ID] = index[r.Hardware[i].Environment]
	}
	for i := range r.Factors {
		p.pue[r.Factors[i].ID] = r.Factors[i].Value
	}
	return p
}

// facility is the facility energy of a stage in each environment, in J, by R18
// of the record.
func (p *places) facility(s *lifecycle.PhaseEntry) []float64 {
	all := make([]float64, len(p.record.Environments))
	for i := range s.Usage {
		u := &s.Usage[i]
		if e, ok := p.of[u.Hardware]; ok && u.EnergyJ != nil {
			all[e] += u.EnergyJ.Value * p.pue[p.record.Environments[e].Factors.PUE]
		}
	}
	if len(all) == 1 {
		all[0] = s.FacilityEnergyJ.Value
	}
	return all
}

// providers are one supply of electricity for each environment that a stage
// was in. Who supplied it a record does not tell; its place is that of the
// devices, so it is no address of a supplier.
func (p *places) providers(s *lifecycle.PhaseEntry) []cdxProvider {
	providers := []cdxProvider{}
	for e, j := range p.facility(s) {
		if j == 0 && len(p.record.Environments) > 1 {
			continue
		}
		env := &p.record.Environments[e]
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

// pueOf is the PUE that a stage's energy was multiplied by, "" if there are
// several.
func (p *places) pueOf(s *lifecycle.PhaseEntry) string {
	pue := ""
	for i := range s.Usage {
		e, ok := p.of[s.Usage[i].Hardware]
		if !ok || s.Usage[i].EnergyJ == nil {
			continue
		}
		v := plainDecimal(p.pue[p.record.Environments[e].Factors.PUE])
		if pue != "" && pue != v {
			return ""
		}
		pue = v
	}
	return pue
}
