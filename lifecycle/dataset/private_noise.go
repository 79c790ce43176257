package dataset

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Noise is how a site shares sums with differential privacy: whoever sees what
// it releases can tell hardly better whether a run is among its records than
// one who guesses, whatever else they know, and however the runs of others are
// combined with it. What "hardly" is, ε and δ say: no outcome is more than e^ε
// times as likely with the run than without it, but for a probability of δ.
//
// It is runs that are protected, one at a time, not the organisation that has
// many of them: runs that count (see [Reader.Read]). A record may also decide
// whether others count, as one of scope machine does of all that ran there; that
// it is there is protected only as far as they are as well.
//
// What a run adds to a group is cut at bounds, which the release states and
// which must be chosen without looking at the records; it adds to Groups groups
// at most. Noise of the discrete Gaussian distribution is added to each sum. A
// group is released if its noisy count of runs is high enough that no group of
// fewer than MinRuns runs is but for a probability of δ/2 for the groups of a
// run. Distributions among runs, units of work and factors are not released;
// the interval that goes with a figure takes all of a group's factors as shared.
type Noise struct {
	Epsilon, Delta float64 // of the release: 1e-6 to 100; 1e-100 to 0.1, and far below one in the number of runs

	Groups    int   // that a run may add to: those where it emitted most; 0: 4
	MinRuns   int64 // 0: 10; at least 2
	Publisher bool  // groups may be by publisher

	// What a run may add to a group at most; 0 is the figure behind it.
	EnergyJ float64 // 3.6e8: 100 kWh
	GCO2e   float64 // 5e4: 50 kg
	WaterL  float64 // 1000
	StageS  float64 // 86400: a day
}

// quantity is what is told of a group.
type quantity uint8

const (
	runsNoisy quantity = iota
	stageNoisy
	figuresNoisy // of each of privateFigures: how many runs tell it, value, low, high
	quantities   = figuresNoisy + 4*quantity(len(privateFigures))
)

var privateFigures = [...]string{"energy_j", "gco2e", "water_l"}

// weight is a quantity's part of the budget.
func (q quantity) weight() float64 {
	switch {
	case q == runsNoisy:
		return 6
	case q == stageNoisy:
		return 2
	}
	return [4]float64{1, 4, 2, 2}[(q-figuresNoisy)%4]
}

// counts is whether it is a count of runs.
func (q quantity) counts() bool {
	return q == runsNoisy || q >= figuresNoisy && (q-figuresNoisy)%4 == 0
}

func (q quantity) name() string {
	switch q {
	case runsNoisy:
		return "runs"
	case stageNoisy:
		return "stage_s"
	}
	q -= figuresNoisy
	return privateFigures[q/4] + [4]string{"_known", "", "_low", "_high"}[q%4]
}

// Private adds up what a release is made of. It is as secret as the records.
// It may be used by one goroutine at a time.
type Private struct {
	noise  Noise
	by     []dimension
	bounds [quantities]float64 // what a run adds at most
	units  [quantities]float64 // of which sums are whole numbers
	groups map[string]*secret
	many   bool

	run     string
	begun   bool
	touched []*secret
	buffer  []byte
	rows    []Row
}

// secret is the account of a group.
type secret struct {
	texts []string
	sums  [quantities]int64 // in units

	pending   [quantities]float64
	told      uint8 // by privateFigures
	lacks     uint8
	stage     string
	inRun     bool
	stageSeen bool
}

// maxSecrets bounds the memory. What is beyond cannot be left out without
// telling, so that it is an error.
const maxSecrets = 1_000_000

// Private begins to add up runs by these dimensions. An error tells of
// settings that are not usable.
func (n Noise) Private(by ...Dimension) (*Private, error) {
	if err := usablePrivacy(n.Epsilon, n.Delta); err != nil {
		return nil, err
	}
	s, err := NewSummary(by...)
	if err != nil {
		return nil, err
	}
	n.Groups, n.MinRuns = cmp.Or(n.Groups, 4), cmp.Or(n.MinRuns, 10)
	n.EnergyJ, n.GCO2e, n.WaterL, n.StageS = cmp.Or(n.EnergyJ, 3.6e8), cmp.Or(n.GCO2e, 5e4), cmp.Or(n.WaterL, 1000), cmp.Or(n.StageS, 86400)
	if n.Groups < 1 || n.Groups > 1000 || n.MinRuns < 2 || n.MinRuns > 1e9 {
		return nil, errors.New("dataset: noise: Groups is 1 to 1000, MinRuns at least 2")
	}
	if err := mayLeave(s.by, n.Publisher); err != nil {
		return nil, err
	}
	p := &Private{noise: n, by: s.by, groups: map[string]*secret{}}
	for q := range quantities {
		bound := 1.
		switch {
		case q == stageNoisy:
			bound = n.StageS
		case !q.counts():
			bound = [...]float64{n.EnergyJ, n.GCO2e, n.WaterL}[(q-figuresNoisy)/4]
		}
		if !(bound >= 1e-9 && bound <= 1e18) {
			return nil, fmt.Errorf("dataset: noise: the bound of %s is %g; it is 1e-9 to 1e18", q.name(), bound)
		}
		p.bounds[q], p.units[q] = bound, 1
		if !q.counts() {
			p.units[q] = math.Pow(10, math.Floor(math.Log10(bound))-5) // a run is at most some 100,000 of them
		}
	}
	return p, nil
}

// Add adds a run: the rows of its record.
func (p *Private) Add(r *lifecycle.Record) {
	p.rows = AppendRows(p.rows[:0], r)
	for i := range p.rows {
		p.AddRow(&p.rows[i])
	}
	p.endRun()
	clear(p.rows)
}

// Summarise adds up all records of a data set that count, as [Summarise] does.
func (n Noise) Summarise(ctx context.Context, from Reader, paths []string, by ...Dimension) (*Private, Report, error) {
	return summarise(ctx, from, paths, func() (*Private, error) { return n.Private(by...) }, (*Private).Merge)
}

// AddRow adds a row under the rules of [Summary.AddRow].
func (p *Private) AddRow(row *Row) {
	if !p.begun || p.run != row.RunID {
		p.endRun()
		p.run, p.begun = strings.Clone(row.RunID), true
	}
	g := p.group(row)
	if g == nil {
		return
	}
	if !g.inRun {
		*g = secret{texts: g.texts, sums: g.sums, inRun: true}
		p.touched = append(p.touched, g)
	}
	if !g.stageSeen || g.stage != row.Stage {
		g.stage, g.stageSeen = strings.Clone(row.Stage), true
		if x, ok := summable(row.StageS); ok {
			g.pending[stageNoisy] += x
		}
	}
	add := func(figure int, f Figure) {
		value, ok1 := summable(f.Value)
		low, ok2 := summable(f.Low)
		high, ok3 := summable(f.High)
		if !ok1 || !ok2 || !ok3 {
			g.lacks |= 1 << figure
			return
		}
		g.told |= 1 << figure
		q := figuresNoisy + 4*quantity(figure)
		g.pending[q+1] += value
		g.pending[q+2] += min(low, value)
		g.pending[q+3] += max(high, value)
	}
	if isDevice(row) {
		add(1, row.Embodied)
		return
	}
	add(0, row.Energy)
	add(1, row.Operational)
	add(2, row.Water)
}

// group is the account of a row's group; nil if there are too many.
func (p *Private) group(row *Row) *secret {
	b := p.buffer[:0]
	for i := range p.by {
		b = appendPart(b, tidy(p.by[i].text(row)))
	}
	p.buffer = b
	g := p.groups[string(b)]
	if g == nil {
		if len(p.groups) >= maxSecrets {
			p.many = true
			return nil
		}
		g = &secret{}
		for i := range p.by {
			g.texts = append(g.texts, strings.Clone(tidy(p.by[i].text(row))))
		}
		p.groups[string(b)] = g
	}
	return g
}

// endRun adds what the run came to, cut at the bounds.
func (p *Private) endRun() {
	p.begun = false
	const joules, grams = figuresNoisy + 1, figuresNoisy + 5
	slices.SortFunc(p.touched, func(a, b *secret) int {
		return cmp.Or(cmp.Compare(b.pending[grams], a.pending[grams]), cmp.Compare(b.pending[joules], a.pending[joules]), slices.Compare(a.texts, b.texts))
	})
	for i, g := range p.touched {
		g.inRun = false
		if i >= p.noise.Groups {
			continue
		}
		g.pending[runsNoisy] = 1
		for f := range privateFigures {
			if g.told>>f&1 != 0 && g.lacks>>f&1 == 0 {
				g.pending[figuresNoisy+4*quantity(f)] = 1
			}
		}
		for q := range quantities {
			g.sums[q] += int64(math.RoundToEven(min(g.pending[q], p.bounds[q]) / p.units[q]))
		}
	}
	p.touched = p.touched[:0]
}

// Merge adds all that o has seen, which has the same settings: of the workers
// of one site, before it releases anything.
func (p *Private) Merge(o *Private) error {
	p.endRun()
	o.endRun()
	if p.noise != o.noise || !slices.EqualFunc(p.by, o.by, func(a, b dimension) bool { return a.name == b.name }) {
		return errors.New("dataset: noise: parts of a release must have the same settings and dimensions")
	}
	for key, from := range o.groups {
		g := p.groups[key]
		if g == nil {
			if len(p.groups) >= maxSecrets {
				p.many = true
				break
			}
			g = &secret{texts: from.texts}
			p.groups[key] = g
		}
		for q := range quantities {
			g.sums[q] += from.sums[q]
		}
	}
	p.many = p.many || o.many
	return nil
}

// Release takes ε and δ from the budget and then makes what may leave the site,
// with noise by the system's random numbers. Each release takes its part of the
// budget anew. An error that [errors.Is] [ErrBudget] tells that too little is
// left; then, as with any error, nothing is released.
func (p *Private) Release(from *Budget) (*Released, error) {
	p.endRun()
	if p.many {
		return nil, fmt.Errorf("dataset: noise: there are more than %d groups; summarise by fewer dimensions", maxSecrets)
	}
	rho, groups := lossOf(p.noise.Epsilon, p.noise.Delta)
	if err := from.spend(rho, groups); err != nil {
		return nil, err
	}
	return p.release(rand.Reader)
}

// variance is that of the noise of a quantity, in units: for a run adds at most
// the bound to each of Groups groups, √Groups × bound in all (Theorem 14 of
// Canonne, Kamath and Steinke).
func (p *Private) variance(q quantity) *big.Int {
	var all float64
	for q := range quantities {
		all += q.weight()
	}
	rho, _ := lossOf(p.noise.Epsilon, p.noise.Delta)
	bound := math.Ceil(p.bounds[q] / p.units[q])
	v, _ := big.NewFloat(math.Ceil(bound * bound * float64(p.noise.Groups) / (2 * rho * q.weight() / all) * (1 + 1e-9))).Int(nil)
	return v
}

// threshold is the least noisy count of runs with which a group is released.
// The discrete Gaussian has no heavier tail than the continuous one of its
// parameter: more than t only with probability exp(−t²/2σ²).
func (p *Private) threshold() int64 {
	_, groups := lossOf(p.noise.Epsilon, p.noise.Delta)
	sigma2, _ := new(big.Float).SetInt(p.variance(runsNoisy)).Float64()
	return p.noise.MinRuns - 1 + int64(math.Ceil(math.Sqrt(2*sigma2*math.Log(float64(p.noise.Groups)/groups))))
}

func (p *Private) release(random io.Reader) (*Released, error) {
	s := sampler{random: random}
	rho, _ := lossOf(p.noise.Epsilon, p.noise.Delta)
	r := &Released{groups: map[string]*released{}, file: releasedFile{
		By: []Dimension{}, Sites: 1,
		Privacy: Privacy{
			Protects: "run", Mechanism: "discrete-gaussian", Epsilon: p.noise.Epsilon, Delta: p.noise.Delta, Rho: rho,
			Groups: p.noise.Groups, MinRuns: p.noise.MinRuns, Threshold: p.threshold(), Bounds: map[string]float64{},
		},
		Units: map[string]float64{},
	}}
	for _, d := range p.by {
		r.file.By = append(r.file.By, d.name)
	}
	var variances [quantities]*big.Int
	for q := range quantities {
		variances[q] = p.variance(q)
		r.file.Privacy.Bounds[q.name()], r.file.Units[q.name()] = p.bounds[q], p.units[q]
	}
	threshold := big.NewInt(p.threshold())
	for _, key := range slices.Sorted(maps.Keys(p.groups)) {
		of := p.groups[key]
		g := &released{texts: of.texts}
		for q := range quantities {
			g.values[q].SetInt64(of.sums[q])
			g.values[q].Add(&g.values[q], s.gaussian(variances[q]))
			g.variances[q].Set(variances[q])
			if q == runsNoisy && g.values[q].Cmp(threshold) < 0 {
				g = nil
				break
			}
		}
		if g != nil {
			r.groups[key] = g
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	return r, nil
}
