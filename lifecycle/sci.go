package lifecycle

import (
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/factors"
)

// Persona is whose part of the life cycle of an AI system a score covers, as
// SCI for AI divides it (Green Software Foundation). The zero Persona is all
// of the run.
type Persona string

// The personas. Energy of no stage is the persona's that alone has stages in
// the record, and otherwise neither's.
const (
	Provider Persona = "provider" // design, data, training, evaluation, deployment, retirement
	Consumer Persona = "consumer" // serving and what goes with it: operation and monitoring
)

// SCIReport is a Software Carbon Intensity (ISO/IEC 21031:2024) and what it is
// made of:
//
//	score = (O + M) / R,  O = E × I,  M = TE × TS × RS
type SCIReport struct {
	Score Quantity `json:"score_gco2e"` // per R
	Unit  string   `json:"unit"`        // R
	Count float64  `json:"count"`       // of R

	OperationalGCO2e Quantity  `json:"operational_gco2e"` // O
	EmbodiedGCO2e    Quantity  `json:"embodied_gco2e"`    // M, the devices used all their life
	EnergyKWh        Quantity  `json:"energy_kwh"`        // E, with PUE
	Intensity        *Quantity `json:"intensity"`         // I, gCO2e/kWh: the mean by energy; nil without any
	MeasuredShare    float64   `json:"measured_share"`    // of E: what counters and meters told

	Persona  Persona  `json:"persona,omitempty"`
	Boundary Boundary `json:"boundary"`           // of the energy
	Scope    Scope    `json:"scope"`              // whose energy
	Stages   []Stage  `json:"stages"`             // that the score covers
	LeftOut  []string `json:"left_out,omitempty"` // what it does not
}

// What a provider's score may be told for one of, beside the functional unit
// of the record (SCI for AI 8.2): floating point operations, parameters,
// tokens of training data.
const (
	perFLOP          = "FLOP"
	perParameter     = "parameter"
	perTrainingToken = "training-token"
)

// SCI computes the Software Carbon Intensity of a run, or of a persona's part
// of it, per unit: the record's functional unit (also ""), or for a provider
// FLOP, parameter or training-token, which the record tells in technology.
//
// O is location-based and average, or what a service tells of itself in grams;
// market instruments are never in it. M is the share of what making, moving
// and discarding the devices takes: TS is the time that they were held over
// their lifetime and RS the share of each that was held, as in the record, but
// with a utilisation of 1, for the specification does not lay the time that a
// device stands idle on those who use it. So the score is at most per_unit of
// the record's totals.
//
// The specification asks for an estimate of the embodied emissions of all
// hardware in the boundary: as long as those of one device are unknown, there
// is no score, and the error names it. So it is without a count of the unit.
// The record must be valid; it is not changed.
func SCI(r *Record, persona Persona, unit string) (SCIReport, error) {
	n := *r
	n.Factors = slices.Clone(r.Factors)
	for i := range n.Factors {
		if f := &n.Factors[i]; f.Kind == factors.Utilisation {
			f.Value, f.Low, f.High = 1, 1, 1
		}
	}
	b := newBasis(&n)
	s := SCIReport{Persona: persona, Boundary: r.Run.Boundary, Scope: r.Run.Scope}
	if err := b.distinct(); err != nil {
		return SCIReport{}, err
	}
	if err := b.chooseStages(&s); err != nil {
		return SCIReport{}, err
	}
	if err := b.chooseUnit(&s, unit); err != nil {
		return SCIReport{}, err
	}
	c, intensity, err := b.score(&s)
	if err != nil {
		return SCIReport{}, err
	}
	s.OperationalGCO2e = *c[operationalGCO2e].quantity(&b.intervals)
	s.EmbodiedGCO2e = *c[embodiedGCO2e].quantity(&b.intervals)
	s.EnergyKWh = c[facilityEnergyJ].quantity(&b.intervals).times(1 / joulesPerKWh)
	if e := c[facilityEnergyJ].value; e > 0 {
		i := intensity.quantity(&b.intervals).times(joulesPerKWh / e)
		s.Intensity = &i
	}
	s.Score = b.both(c).quantity(&b.intervals).times(1 / s.Count)
	for _, m := range r.Missing {
		if m.What != "" {
			s.LeftOut = append(s.LeftOut, m.What+": "+m.Reason)
		}
	}
	if len(r.Amortised) > 0 {
		s.LeftOut = append(s.LeftOut, "what is amortised")
	}
	return s, nil
}

// persona is whose stage it is; "" for neither's.
func (s Stage) persona() Persona {
	switch {
	case s.Phase() == PhaseTraining, s == Deployment, s == Retirement:
		return Provider
	case s.Phase() == PhaseInference:
		return Consumer
	}
	return ""
}

// chooseStages tells which stages are in the score, and which are not.
func (b *basis) chooseStages(s *SCIReport) error {
	if s.Persona != "" && s.Persona != Provider && s.Persona != Consumer {
		return fmt.Errorf("lifecycle: SCI: there is no persona %q: write %q, %q or nothing", s.Persona, Provider, Consumer)
	}
	alone := true
	for i := range b.record.Phases {
		if p := b.record.Phases[i].Stage.persona(); p != "" && p != s.Persona {
			alone = false
		}
	}
	told := false
	for i := range b.record.Phases {
		switch stage := b.record.Phases[i].Stage; {
		case stage.Device():
		case s.Persona == "" || stage.persona() == s.Persona || stage == Unassigned && alone:
			s.Stages = append(s.Stages, stage)
			told = told || stage.persona() == s.Persona
		default:
			s.LeftOut = append(s.LeftOut, "stage "+string(stage))
		}
	}
	if s.Persona != "" && !told {
		return &fault{"R26", "/phases", fmt.Sprintf("no stage of the record is a %s's: leave the persona out to have the score of the run", s.Persona)}
	}
	return nil
}

// chooseUnit finds how many units there were.
func (b *basis) chooseUnit(s *SCIReport, unit string) error {
	r := b.record
	f := r.UseCase.FunctionalUnit
	at := "/use_case/functional_unit"
	switch {
	case f != nil && (unit == "" || unit == f.Unit):
		n, err := b.count(f)
		if err != nil {
			return err
		}
		s.Unit, s.Count = f.Unit, float64(n)
	case unit == "":
		return &fault{"R26", at, "a score is told for one unit of work: declare the functional unit"}
	case s.Persona != Provider || unit != perFLOP && unit != perParameter && unit != perTrainingToken:
		return &fault{"R26", at, fmt.Sprintf("%q is not the functional unit; a provider's score may also be told per %s, %s or %s", unit, perFLOP, perParameter, perTrainingToken)}
	case r.Technology.ML == nil:
		return &fault{"R26", "/technology/ml", fmt.Sprintf("the record does not tell how many of %s there were", unit)}
	default:
		ml := r.Technology.ML
		s.Unit, at = unit, "/technology/ml"
		switch {
		case unit == perFLOP && ml.FLOPs != nil:
			s.Count = *ml.FLOPs
		case unit == perParameter && ml.Parameters != nil && ml.Parameters.Total != nil:
			s.Count = float64(*ml.Parameters.Total)
		case unit == perTrainingToken:
			for _, d := range ml.Datasets {
				if d.Role == "train" && d.Tokens != nil {
					s.Count += float64(*d.Tokens)
				}
			}
		}
	}
	if !(s.Count > 0) {
		return &fault{"R26", at, fmt.Sprintf("no %s was counted, so there is no score", s.Unit)}
	}
	return nil
}

// score adds up the rows of the stages that the score covers, with the shares
// of the devices that they held, and the grams of electricity.
func (b *basis) score(s *SCIReport) (c *columns, intensity *figure, err error) {
	r := b.record
	c, intensity = new(columns), new(figure)
	held := make([]float64, len(r.Hardware)) // device-seconds
	in := make([]bool, len(r.Hardware))      // the boundary
	var measured float64
	rows, err := b.contributions(func(stage Stage) bool { return slices.Contains(s.Stages, stage) })
	if err != nil {
		return nil, nil, err
	}
	for i := range rows {
		row, u := &rows[i].columns, rows[i].usage
		for k := range c {
			c[k].plus(&row[k])
		}
		if e := &row[energyJ]; len(e.terms) > 0 {
			place, _ := b.placeOf(u.Hardware, "")
			intensity.add(&b.intervals, row[operationalGCO2e].value, product{}.Times(place.grid), Modelled)
			if how := e.parts.method(); how == Metered || how == Counter {
				measured += row[facilityEnergyJ].value
			}
		}
		h, _ := b.hardware.get(u.Hardware)
		in[h] = true
		if r.Hardware[h].Embodied == nil {
			continue
		}
		if b.held[h].err != nil {
			return nil, nil, b.held[h].err
		}
		held[h] += float64(*u.Count) * *u.Share * *u.UseS
	}
	for _, h := range b.unknownDevices() {
		if in[h] || s.Persona == "" {
			return nil, nil, &fault{"R24", pointer("hardware", h), "what the device took to make is unknown, and the score needs an estimate for all hardware: give it embodied factors, or list them as not-applicable"}
		}
	}
	told := false
	for h := range held {
		if in[h] && r.Hardware[h].Embodied != nil {
			told = true
			if err := b.addShares(c, h, held[h]); err != nil {
				return nil, nil, err
			}
		}
	}
	if !told {
		return nil, nil, &fault{"R24", "/hardware", "no device tells what it took to make, and the score needs an estimate"}
	}
	if e := c[facilityEnergyJ].value; e > 0 {
		s.MeasuredShare = min(1, measured/e)
	}
	return c, intensity, nil
}

// addShares adds the grams of making, moving and discarding that a device
// answers for after so many device-seconds.
func (b *basis) addShares(c *columns, h int, deviceS float64) error {
	e := b.record.Hardware[h].Embodied
	for _, stage := range []Stage{Production, Transport, EndOfLife} {
		if impacts, _, member := e.impacts(stage); impacts == nil {
			continue
		} else if impacts.GCO2e == "" {
			return &fault{"R24", pointer("hardware", h, "embodied", member), "it tells no gCO2e, and the score needs an estimate for all hardware"}
		}
		share, err := b.share(stage, h, deviceS)
		if err != nil {
			return err
		}
		c[embodiedGCO2e].plus(&share[embodiedGCO2e])
	}
	return nil
}
