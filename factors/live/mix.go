package live

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// plant is a type of plants, by the source's code, and the class of the data
// set (kind Instrument) that its fuel is.
type plant struct{ code, fuel string }

// storage, in the place of a fuel, gives back what others have generated: it
// counts neither as generation nor as emission, so that its losses spread over
// all.
const storage = "storage"

// mix is generation by type of plants in equal steps: MW, or MWh of an hour;
// NaN where it is not told.
type mix struct {
	start time.Time // UTC
	step  time.Duration
	n     int
	mw    map[plant][]float64
}

// newMix is an empty mix that covers from to to.
func newMix(from, to time.Time, step time.Duration) (*mix, error) {
	start := from.UTC().Truncate(step)
	n := (to.Sub(start) + step - 1) / step
	if n < 1 || n > maxPoints {
		return nil, noFigure("", "%d steps of %v are more than can be asked for at once: ask for a shorter time", n, step)
	}
	return &mix{start, step, int(n), map[plant][]float64{}}, nil
}

// set books what a type of plants gives in a step. It may be told twice, but
// not in two ways. What is outside is left out.
func (m *mix) set(p plant, at time.Time, mw float64) error {
	if math.IsNaN(mw) {
		return nil
	}
	if math.Abs(mw) > 2e6 { // the greatest grid has 1.5e6
		return garbled("plant type %s is said to give %g MW at %s", p.code, mw, stamp(at))
	}
	series := m.mw[p]
	if series == nil {
		series = make([]float64, m.n)
		for k := range series {
			series[k] = math.NaN()
		}
		m.mw[p] = series
	}
	k := floorDiv(at.Sub(m.start), m.step)
	if !m.at(k).Equal(at) {
		return garbled("the answer is not in equal steps of %v: it has a value at %s", m.step, stamp(at))
	}
	if k < 0 || k >= int64(m.n) {
		return nil
	}
	if v := series[k]; !math.IsNaN(v) && v != mw {
		return garbled("plant type %s is said to give both %g and %g MW at %s", p.code, v, mw, stamp(at))
	}
	series[k] = mw
	return nil
}

func (m *mix) at(k int64) time.Time { return m.start.Add(time.Duration(k) * m.step) }

const (
	// minor is the share of a step's generation that may be missing for it to
	// count as told: small plant types report late, or not at all.
	minor = 0.01
	// ownUse is the share that plants may take rather than give.
	ownUse = 0.05
)

// intensity makes points of a mix by the emissions of its fuels, and the
// interval of their mean. A step at which a type of plants that matters is
// missing is not known: without its coal, a grid looks clean.
func (m *mix) intensity(basis string) ([]point, spread, error) {
	var plants []plant
	most := map[plant]float64{}
	for p, series := range m.mw {
		if p.fuel == storage {
			continue
		}
		plants = append(plants, p)
		for _, mw := range series {
			if mw > most[p] { // not if it is NaN
				most[p] = mw
			}
		}
	}
	slices.SortFunc(plants, func(a, b plant) int { return strings.Compare(a.code, b.code) })
	emits := map[string]factors.Factor{} // by fuel
	for _, p := range plants {
		f, err := factors.Lookup(factors.Query{Kind: factors.Instrument, Class: p.fuel, Basis: basis})
		if err != nil {
			return nil, spread{}, err
		}
		emits[p.fuel] = f
	}
	share := map[string]float64{} // sum over the steps that are known
	known := 0.
	points := make([]point, 0, m.n)
	for k := range m.n {
		at := m.at(int64(k))
		var total, missing, taken float64
		for _, p := range plants {
			switch mw := m.mw[p][k]; {
			case math.IsNaN(mw):
				missing += most[p]
			case mw < 0:
				taken -= mw
			default:
				total += mw
			}
		}
		if total <= 0 || missing > minor*(total+missing) {
			points = append(points, point{at: at, value: math.NaN()})
			continue
		}
		if taken > ownUse*total {
			return nil, spread{}, garbled("plants are said to take %g MW and to give %g MW at %s", taken, total, stamp(at))
		}
		var grams float64
		for _, p := range plants {
			if mw := m.mw[p][k]; mw > 0 {
				share[p.fuel] += mw / total
				grams += mw / total * emits[p.fuel].Value
			}
		}
		points = append(points, point{at: at, value: grams})
		known++
	}
	var parts []lognormal.Part
	for _, f := range slices.Sorted(maps.Keys(share)) {
		if e := emits[f]; e.Value > 0 {
			parts = append(parts, lognormal.Part{N: share[f] / known, Value: e.Value, Low: e.Low, High: e.High})
		}
	}
	if len(parts) == 0 {
		return points, both(mixSpread), nil
	}
	value, low, high := lognormal.Sum(parts...)
	return points, spread{low / value, high / value}.and(both(mixSpread)), nil
}

// notes says how an intensity came about.
func (m *mix) notes(basis string) []string {
	of := "life cycle emissions"
	if basis == "direct" {
		of = "CO2 of combustion"
	}
	notes := []string{"intensity of the mix by the " + of + " of its fuels (data set " + factors.Version + ")"}
	for p := range m.mw {
		if p.fuel == storage {
			return append(notes, "without what storage gives back")
		}
	}
	return notes
}
