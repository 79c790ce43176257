package scenario

import (
	"math/rand/v2"
	"slices"
)

// size is how many settings there are, no more than can be counted.
func (p *problem) size() int {
	n := 1
	for _, k := range p.knobs {
		if n *= len(k.labels); n > maxGrid {
			return maxGrid + 1
		}
	}
	return n
}

// all tries every setting.
func (p *problem) all() {
	at := make([]float64, len(p.knobs))
	for {
		p.try(at)
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; int(at[i]) < len(p.knobs[i].labels) {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			return
		}
	}
}

// better tells whether a is better than b: closer to keeping to the constraints,
// then less.
func better(a, b *candidate) bool {
	switch {
	case a == nil || b == nil:
		return a != nil
	case a.keeps(-1) != b.keeps(-1):
		return a.keeps(-1)
	case !a.keeps(-1):
		return a.amiss() < b.amiss()*(1-1e-12)
	}
	return a.value < b.value*(1-1e-12)
}

// search goes downhill from several settings.
func (p *problem) search() {
	rng := rand.New(rand.NewPCG(21031, 14040))
	for start := range restarts {
		at := make([]float64, len(p.knobs))
		for i, k := range p.knobs {
			switch start {
			case 0: // the middle
				at[i] = float64(len(k.labels) / 2)
			default:
				at[i] = float64(rng.IntN(len(k.labels)))
			}
		}
		now := p.try(at)
		for moved := true; moved && len(p.seen) < maxTried; {
			moved = false
			for i, k := range p.knobs { // all values of each knob
				for v := range k.labels {
					next := slices.Clone(at)
					next[i] = float64(v)
					if c := p.try(next); better(c, now) {
						at, now, moved = next, c, true
					}
				}
			}
			if moved {
				continue
			}
			for i := range p.knobs { // both of two knobs, by one step
				for j := range i {
					for _, d := range [][2]float64{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
						next := slices.Clone(at)
						next[i], next[j] = next[i]+d[0], next[j]+d[1]
						if !p.in(i, next[i]) || !p.in(j, next[j]) {
							continue
						}
						if c := p.try(next); better(c, now) {
							at, now, moved = next, c, true
						}
					}
				}
			}
		}
	}
}

func (p *problem) in(knob int, at float64) bool {
	return at >= 0 && at <= float64(len(p.knobs[knob].labels)-1)
}

// refine looks between the values of ranges without a step, around the best; it
// tells whether there are such.
func (p *problem) refine() bool {
	some := false
	for step := 0.5; step > 1./256; step /= 2 {
		for moved := true; moved; {
			moved = false
			now := p.best(-1)
			for i, k := range p.knobs {
				if !k.real {
					continue
				}
				some = true
				for _, d := range []float64{-step, step} {
					next := slices.Clone(now.at)
					if next[i] += d; p.in(i, next[i]) && better(p.try(next), now) {
						now, moved = p.best(-1), true
					}
				}
			}
			if len(p.seen) >= 2*maxTried {
				return some
			}
		}
	}
	return some
}
