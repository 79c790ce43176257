package scenario

import (
	"cmp"
	"math"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// BreakEven is when one thing that grows passes another, in years from the start.
type BreakEven struct {
	Years *float64 `json:"years"` // by the best estimates; nil: not within the years of the scenario
	Low   *float64 `json:"low"`   // 95 %; nil likewise
	High  *float64 `json:"high"`

	Probability float64 `json:"probability"` // that it is within the years
	Error       float64 `json:"error"`       // 95 % bound on that of the probability
}

// Passing is when what a phase has come to, in gCO2e as it occurs, passes what
// another has.
type Passing struct {
	Phase lifecycle.Phase `json:"phase"`
	Of    lifecycle.Phase `json:"of"`
	BreakEven
}

// passings are those that are asked of a result.
var passings = [][2]int{{inference, training}, {inference, production}, {use, production}}

// curve is what grows: evenly within a year, and by steps.
type curve struct {
	slope []float64 // by year
	steps []step
}

type step struct{ at, by float64 }

// add adds a figure of some phases of an outcome, times x.
func (c *curve) add(o *outcome, figure int, x float64, phases ...int) {
	if c.slope == nil {
		c.slope = make([]float64, len(o.flow))
	}
	for y := range o.flow {
		for _, p := range phases {
			c.slope[y] += x * o.flow[y][p][figure]
		}
	}
	for i := range o.lumps {
		if l := &o.lumps[i]; slices.Contains(phases, l.phase) {
			c.steps = append(c.steps, step{l.at, x * l.figures[figure]})
		}
	}
}

func (c *curve) reset() {
	clear(c.slope)
	c.steps = c.steps[:0]
}

// above is when the curve first rises above 0, +Inf if it does not.
func (c *curve) above() float64 {
	slices.SortFunc(c.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	scale := 0.0
	for _, s := range c.steps {
		scale += math.Abs(s.by)
	}
	for _, s := range c.slope {
		scale += math.Abs(s)
	}
	least := 1e-12 * scale // what is no more than rounding
	at, sum, k := 0.0, 0.0, 0
	for y := range c.slope {
		for {
			next := float64(y + 1)
			jump := k < len(c.steps) && c.steps[k].at < next-moment
			if jump {
				next = max(at, c.steps[k].at)
			}
			rise := c.slope[y] * (next - at)
			if sum+rise > least {
				if c.slope[y] <= 0 {
					return at
				}
				if at += max(0, -sum) / c.slope[y]; at < moment {
					at = 0 // not the rounding of a sum
				}
				return at
			}
			at, sum = next, sum+rise
			if !jump {
				break
			}
			for k < len(c.steps) && c.steps[k].at <= at+moment { // all of one moment together
				sum += c.steps[k].by
				k++
			}
			if sum > least {
				return at
			}
		}
	}
	return math.Inf(1)
}

// breakEven is told by when it is for the best estimates and for each draw.
func breakEven(best float64, drawn []float64) BreakEven {
	within := 0
	for _, t := range drawn {
		if !math.IsInf(t, 1) {
			within++
		}
	}
	q := interval(best, drawn)
	b := BreakEven{Probability: float64(within) / float64(len(drawn))}
	b.Error = probabilityError(b.Probability, len(drawn))
	for _, t := range []struct {
		to **float64
		at float64
	}{{&b.Years, q.Value}, {&b.Low, q.Low}, {&b.High, q.High}} {
		if !math.IsInf(t.at, 1) {
			*t.to = &t.at
		}
	}
	return b
}

// passages are when phases pass one another, by draw.
type passages struct {
	of    [][2]int
	best  []float64
	drawn [][]float64
	curve curve
}

// newPassages are those of phases that both have grams by the best estimates.
func newPassages(best *outcome) *passages {
	p := &passages{}
	sum := best.sums(true)
	for _, pair := range passings {
		if sum[pair[0]][gco2e] > 0 && sum[pair[1]][gco2e] > 0 {
			p.of = append(p.of, pair)
			p.best = append(p.best, p.at(best, pair))
			p.drawn = append(p.drawn, nil)
		}
	}
	return p
}

func (p *passages) at(o *outcome, pair [2]int) float64 {
	p.curve.reset()
	p.curve.add(o, gco2e, 1, pair[0])
	p.curve.add(o, gco2e, -1, pair[1])
	return p.curve.above()
}

func (p *passages) add(o *outcome) {
	for i, pair := range p.of {
		p.drawn[i] = append(p.drawn[i], p.at(o, pair))
	}
}

func (p *passages) told() (list []Passing) {
	for i, pair := range p.of {
		list = append(list, Passing{phaseList[pair[0]], phaseList[pair[1]], breakEven(p.best[i], p.drawn[i])})
	}
	return list
}
