package lifecycle

import (
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// The parts of another record that a run may carry.
const (
	carriedTraining   = "training"   // its operational grams
	carriedProduction = "production" // its share of the making and discarding of devices
)

// Amortise has the record of a serving run carry its part of a training: of
// the operational grams of the training record, and of what the devices of the
// training took to make and to discard, each in an entry of /amortised. Over
// its life the model is expected to serve expected units, such as requests
// (or that many were counted), and the serving run served the count of its
// functional unit, which must be that unit:
//
//	share = grams of the training × count / expected
//
// The shares are beside the totals and never in them (R39), so that the grams
// of a training are counted once, in its own record. [FootprintPerUnit] adds
// them up with what the serving itself took.
//
// The training record must be valid and of a provider's stages alone: with
// serving in it, part of its grams are no training. What is unknown of its
// devices is listed in the serving record's missing. What the training itself
// carries, such as a base model's, is not carried on: amortise that as well.
// Doing it again replaces the entries of that training. On an error serving is
// as it was; training is never changed.
func Amortise(serving, training *Record, unit string, expected float64) error {
	b := newBasis(serving)
	f := serving.UseCase.FunctionalUnit
	if f == nil || f.Unit != unit {
		return &fault{"R39", "/use_case/functional_unit", fmt.Sprintf("the run is to carry its part by %q, so that must be its functional unit", unit)}
	}
	count, err := b.count(f)
	if err != nil {
		return err
	}
	carried, err := newCarried(training)
	if err != nil {
		return fmt.Errorf("%w (the training record)", err)
	}
	if training.Run.ID == serving.Run.ID {
		return &fault{"R39", "/run/id", "a run does not carry itself: its own grams are in its totals"}
	}
	digest, err := training.SHA256()
	if err != nil {
		return err
	}

	n := *serving
	n.Amortised = slices.DeleteFunc(slices.Clone(serving.Amortised), func(a Amortised) bool { return a.Run == training.Run.ID })
	lack := "what the devices of run " + training.Run.ID + " took to make"
	n.Missing = slices.DeleteFunc(slices.Clone(serving.Missing), func(m Missing) bool { return m.Path == "/amortised" && m.What == lack })
	if carried.unknown {
		n.Missing = append(n.Missing, Missing{Path: "/amortised", What: lack, Reason: "unknown"})
	}
	for _, what := range []string{carriedTraining, carriedProduction} {
		if g := carried.part(what); !g.unknown {
			n.Amortised = append(n.Amortised, Amortised{
				Run: training.Run.ID, Digest: digest, What: what, Unit: unit,
				Expected: expected, Used: float64(count), GCO2e: *g.quantity(&carried.intervals),
			})
		}
	}
	if err := Assess(&n); err != nil {
		return err
	}
	*serving = n
	return nil
}

// carried is a record that another one carries a share of.
type carried struct {
	*basis
	total   *columns
	unknown bool // what a device took to make is
}

func newCarried(r *Record) (*carried, error) {
	c := &carried{basis: newBasis(r)}
	if err := c.distinct(); err != nil {
		return nil, err
	}
	var stages []*columns
	var err error
	if c.total, stages, err = c.totals(); err != nil {
		return nil, err
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() || p.Stage == Unassigned || p.Stage.persona() == Provider {
			continue
		}
		if stages[i][operationalGCO2e].value > 0 || stages[i][energyJ].value > 0 {
			return nil, &fault{"R39", pointer("phases", i), fmt.Sprintf("the record also tells of %s, which is no part of a training: make a record of the training alone", p.Stage)}
		}
	}
	_, c.unknown = c.unknownDevice()
	c.unknown = c.unknown || c.total[embodiedGCO2e].unknown
	return c, nil
}

// part is what of the record is carried under a name.
func (c *carried) part(what string) *figure {
	if what == carriedTraining {
		return &c.total[operationalGCO2e]
	}
	return &c.total[embodiedGCO2e]
}

// FootprintPerUnit is what one functional unit of a run took in all: the run's
// own grams per unit, operational and of its devices, and the unit's part of
// what the run carries (see [Amortise]):
//
//	totals/gco2e / count + Σ amortised gco2e / expected
//
// Of the trainings that are carried their records may be given: then an error
// that they share with the run, such as that of the same grid factor, is one
// error, as in [Compare]. Without a training's record its grams are taken as
// independent of the run's own.
//
// It is an error if a part is unknown, or amortised by another unit, or if a
// given record is not the one that is carried. The records must be valid, and
// are not changed.
func FootprintPerUnit(r *Record, trainings ...*Record) (PerUnit, error) {
	run, err := newComparand(r)
	if err != nil {
		return PerUnit{}, err
	}
	const total = 0 // of compared figures
	if run.unit == "" {
		return PerUnit{}, &fault{"R26", "/use_case/functional_unit", "there is no unit to tell the footprint of: declare one that a span counts"}
	}
	if why := run.unknown[total]; why != "" {
		return PerUnit{}, &fault{"R24", "/totals/gco2e", "the footprint is unknown: " + why}
	}
	for i, m := range r.Missing {
		if m.Path == "/amortised" {
			return PerUnit{}, &fault{"R39", pointer("missing", i), "the footprint is unknown, for so is " + m.What}
		}
	}
	bases := []*basis{run.basis}
	parts := map[string]*carried{} // by run
	at := map[string]int{}         // in bases
	for _, t := range trainings {
		if !slices.ContainsFunc(r.Amortised, func(a Amortised) bool { return a.Run == t.Run.ID }) {
			return PerUnit{}, &fault{"R39", "/amortised", fmt.Sprintf("the run carries nothing of run %s: Amortise it first", t.Run.ID)}
		}
		c, err := newCarried(t)
		if err != nil {
			return PerUnit{}, fmt.Errorf("%w (run %s)", err, t.Run.ID)
		}
		parts[t.Run.ID], at[t.Run.ID] = c, len(bases)
		bases = append(bases, c.basis)
	}

	p := newPool(bases...)
	value := run.figures[total].value * run.times(run.unit)
	terms := p.terms(0, &run.figures[total], run.times(run.unit))
	for i := range r.Amortised {
		a := &r.Amortised[i]
		if a.Unit != run.unit || !(a.Expected > 0) {
			return PerUnit{}, &fault{"R39", pointer("amortised", i), fmt.Sprintf("it is amortised over %v %s, and the functional unit is %s", a.Expected, a.Unit, run.unit)}
		}
		value += a.GCO2e.Value / a.Expected
		c := parts[a.Run]
		if c == nil {
			s := lognormal.New(a.GCO2e.Value, a.GCO2e.Low, a.GCO2e.High)
			terms = append(terms, term{Median: a.GCO2e.Value * s.Skew / a.Expected, Product: product{}.Times(p.add(s))})
			continue
		}
		part := c.part(a.What)
		if part.unknown || !near(part.value, a.GCO2e.Value, sumTolerance) {
			return PerUnit{}, &fault{"R39", pointer("amortised", i, "gco2e"), fmt.Sprintf("record %s does not tell this: give the record that was amortised, or amortise it again", a.Run)}
		}
		terms = append(terms, p.terms(at[a.Run], part, 1/a.Expected)...)
	}
	low, high := p.Bounds(value, terms)
	return PerUnit{Unit: run.unit, Count: run.count, GCO2e: Quantity{value, min(value, sixDigits(low)), max(value, sixDigits(high)), Modelled}}, nil
}
