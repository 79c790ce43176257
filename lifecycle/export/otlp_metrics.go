package export

import (
	"io"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// OTLPMetrics writes the sums of a run as OTLP JSON, in one line:
//
//   - hw.energy, in J: what each domain's meter saw during the run, whoever used
//     it; a domain that is a whole host is hw.host.energy instead, for a host's
//     joules are those of its parts. What a host draws beyond its parts is of
//     hw.type enclosure.
//   - ecotracer.ledger.energy, in J: the same joules by whom they were booked to
//     (spans and unattributed are the run's).
//   - ecotracer.stage.energy (without PUE), ecotracer.stage.facility_energy (with
//     it), in J, ecotracer.stage.operational_emissions and
//     ecotracer.stage.embodied_emissions, in g, ecotracer.stage.water, in L: by
//     stage, with interval and method as attributes.
//
// A record without times is an [UnfitError].
func OTLPMetrics(w io.Writer, r *lifecycle.Record, _ Options) ([]Loss, error) {
	f, err := newOTLP(w, r, "otlp-metrics")
	if err != nil {
		return nil, err
	}
	var held holding
	resource := f.resource(&held)
	metrics := append(f.ledger(&held), f.stages(&held)...)
	return held.lost(r), f.Encode(otlpMetrics{[]otlpResourceMetrics{{resource, []otlpScopeMetrics{{f.scope(), metrics, otlpSchema}}, otlpSchema}}})
}

type otlpMetrics struct {
	ResourceMetrics []otlpResourceMetrics `json:"resourceMetrics"`
}

type otlpResourceMetrics struct {
	Resource     otlpResource       `json:"resource"`
	ScopeMetrics []otlpScopeMetrics `json:"scopeMetrics"`
	SchemaURL    string             `json:"schemaUrl"`
}

type otlpScopeMetrics struct {
	Scope     otlpScope    `json:"scope"`
	Metrics   []otlpMetric `json:"metrics"`
	SchemaURL string       `json:"schemaUrl"`
}

type otlpMetric struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Unit        string  `json:"unit"`
	Sum         otlpSum `json:"sum"`
}

type otlpSum struct {
	DataPoints  []otlpPoint `json:"dataPoints"`
	Temporality int         `json:"aggregationTemporality"` // 2: cumulative
	Monotonic   bool        `json:"isMonotonic"`
}

type otlpPoint struct {
	Attributes otlpAttributes `json:"attributes"`
	Start      string         `json:"startTimeUnixNano"`
	Time       string         `json:"timeUnixNano"`
	Double     float64        `json:"asDouble"`
}

func (f *otlpFile) point(a otlpAttributes, v float64) otlpPoint {
	return otlpPoint{a, nanos(f.start), nanos(f.end), v}
}

// sums are the metrics that have points.
func sums(all ...otlpMetric) []otlpMetric {
	var some []otlpMetric
	for _, m := range all {
		if len(m.Sum.DataPoints) > 0 {
			m.Sum.Temporality, m.Sum.Monotonic = 2, true
			some = append(some, m)
		}
	}
	return some
}

// hardwareTypes are the kinds' counterparts among the values of hw.type; a kind
// that has none is its own.
var hardwareTypes = map[lifecycle.HardwareKind]string{lifecycle.KindStorage: "physical_disk", lifecycle.KindNode: "enclosure"}

func (f *otlpFile) ledger(held *holding) []otlpMetric {
	devices := map[string]*lifecycle.Hardware{}
	for i := range f.record.Hardware {
		devices[f.record.Hardware[i].ID] = &f.record.Hardware[i]
	}
	energy := otlpMetric{Name: "hw.energy", Unit: "J", Description: "energy of a hardware component during the run, whoever used it"}
	host := otlpMetric{Name: "hw.host.energy", Unit: "J", Description: "energy of a host as a whole during the run, whoever used it"}
	booked := otlpMetric{Name: "ecotracer.ledger.energy", Unit: "J", Description: "energy of a domain by whom it is booked to"}
	for i := range f.record.Ledger {
		l := &f.record.Ledger[i]
		var a otlpAttributes
		a.text("hw.id", l.Domain)
		into := &energy
		if d := devices[l.Hardware]; d != nil {
			whole := d.Kind == lifecycle.KindNode && !strings.HasSuffix(l.Domain, "/rest")
			if whole {
				into = &host
			} else {
				kind := hardwareTypes[d.Kind]
				if kind == "" {
					kind = string(d.Kind)
				}
				a.text("hw.type", kind)
			}
			a.text("hw.vendor", d.Vendor)
			a.text("hw.model", d.Model)
			a.text("ecotracer.hardware", d.ID)
		}
		a.text("ecotracer.method", string(l.Method))
		into.Sum.DataPoints = append(into.Sum.DataPoints, f.point(a, l.TotalJ))
		part := func(to string, j float64) {
			var b otlpAttributes
			b.text("hw.id", l.Domain)
			b.text("ecotracer.booked_to", to)
			booked.Sum.DataPoints = append(booked.Sum.DataPoints, f.point(b, j))
		}
		part("spans", l.SpansJ)
		part("unattributed", l.UnattributedJ)
		if l.OtherRunsJ != nil {
			part("other_runs", *l.OtherRunsJ)
		}
		part("other_processes", l.OtherProcessesJ)
		part("idle", l.IdleJ)
	}
	const at = "/ledger/*/"
	held.hold(at+"domain", at+"hardware", at+"method", at+"total_j", at+"spans_j", at+"unattributed_j", at+"other_runs_j", at+"other_processes_j", at+"idle_j")
	return sums(energy, host, booked)
}

func (f *otlpFile) stages(held *holding) []otlpMetric {
	all := []otlpMetric{
		{Name: "ecotracer.stage.energy", Unit: "J", Description: "energy of a stage at its devices, without PUE"},
		{Name: "ecotracer.stage.facility_energy", Unit: "J", Description: "energy of a stage with PUE"},
		{Name: "ecotracer.stage.operational_emissions", Unit: "g", Description: "CO2 equivalent of a stage's energy, location-based"},
		{Name: "ecotracer.stage.embodied_emissions", Unit: "g", Description: "CO2 equivalent of the share of the devices' production or end of life"},
		{Name: "ecotracer.stage.water", Unit: "L", Description: "water that a stage consumed"},
	}
	for i := range f.record.Phases {
		p := &f.record.Phases[i]
		for n, q := range []*lifecycle.Quantity{p.EnergyJ, p.FacilityEnergyJ, p.OperationalGCO2e, p.EmbodiedGCO2e, p.WaterL} {
			if q == nil {
				continue
			}
			var a otlpAttributes
			a.text("ecotracer.phase", string(p.Phase))
			a.text("ecotracer.stage", string(p.Stage))
			a.text("ecotracer.method", string(q.Method))
			a.double("ecotracer.low", q.Low)
			a.double("ecotracer.high", q.High)
			all[n].Sum.DataPoints = append(all[n].Sum.DataPoints, f.point(a, q.Value))
		}
		at := "/phases/" + strconv.Itoa(i) + "/"
		held.hold(at+"phase", at+"stage", at+"energy_j", at+"facility_energy_j", at+"operational_gco2e", at+"embodied_gco2e", at+"water_l")
	}
	return sums(all...)
}
