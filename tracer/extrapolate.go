package tracer

import (
	"math"
	"slices"
)

// What the units to come will take is told from those that are done: by a local
// level model with a drift (Harvey, Forecasting, Structural Time Series Models
// and the Kalman Filter, 1989, chapter 2; Durbin and Koopman, Time Series Analysis
// by State Space Methods, 2012, chapter 2). Unit i takes
//
//	y_i = μ_i + ε_i,  μ_{i+1} = μ_i + b + η_i,  var ε = σ²,  var η = q σ²
//
// With q = 0 and b = 0 the forecast is the mean of what is done and its interval
// that of Student's t, s √(1/n + 1/R) for the mean of R units. Where the units
// hang together, or step, a greater q fits them better: the level is then that of
// the last ones, and the interval grows with R. How far q is from 0 nobody knows;
// each value has its weight by how likely it makes what was seen. b is taken to be
// normal around 0, such that the cost of a unit changes over the whole work by
// likelyDrift (one standard deviation); σ² as if priorUnits units had varied by
// priorSpread, so that two units that happen to be alike do not pretend to know
// the rest. Both are assumptions, and give way to what is seen.
const (
	likelyDrift = 0.10
	priorSpread = 0.05
	priorUnits  = 2
	pause       = 5 // times what others take
)

// levels are the values of q, each with its weight before anything was seen.
var levels = []struct{ q, weight float64 }{{0, 0.6}, {0.003, 0.15}, {0.03, 0.1}, {0.3, 0.07}, {1, 0.05}, {5, 0.03}}

// fewestUnits is how many units are done before there is a forecast.
const fewestUnits = 3

// warmUp is how many of the first units are not like those to come. The first
// never is, as caches are cold, files unread and memory untouched; nor are as many
// as make the mean of the rest the surest, of up to half of them: the marginal
// standard error rule (White, "An effective truncation heuristic for bias reduction
// in simulation output", Simulation 69, 1997). It needs some to look at, and is
// followed where it gains a fifth: by chance it would cut something from everything.
func warmUp(y []float64) int {
	if len(y) < fewestUnits {
		return 0
	}
	best, at := math.Inf(1), 1
	if len(y) < 8 {
		return at
	}
	for d := 1; d <= len(y)/2; d++ {
		rest := y[d:]
		mean, sum := meanOf(rest), 0.0
		for _, v := range rest {
			sum += (v - mean) * (v - mean)
		}
		n := float64(len(rest))
		switch sum /= n * n; {
		case d == 1:
			best = 0.8 * sum
		case sum < best:
			best, at = sum, d
		}
	}
	return at
}

// pauseIn is which one unit took more than pause times the median of all, if there is
// one: the host slept, or waited for something. From the second one on they are taken
// to come again. The first is not asked: it warms up.
func pauseIn(y []float64) (at int, found bool) {
	if len(y) <= fewestUnits+1 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(y[1:]))
	n := len(sorted)
	if limit := pause * sorted[n/2]; sorted[n-1] <= limit || sorted[n-2] > limit {
		return 0, false
	}
	return 1 + slices.Index(y[1:], sorted[n-1]), true
}

// typical is y of the units that are like those to come, and how many of the first
// are not, if such and such was a pause.
func typical(y []float64, at int, paused bool) (of []float64, from int) {
	from = warmUp(y)
	of = y[from:]
	if at -= from; paused && at >= 0 && at < len(of) {
		of = slices.Delete(slices.Clone(of), at, at+1)
	}
	return of, from
}

func meanOf(y []float64) (mean float64) {
	for _, v := range y {
		mean += v / float64(len(y))
	}
	return mean
}

// prospect is what may come of the units to come: a mixture of Student's t.
type prospect struct {
	parts []studentT
	df    int
}

type studentT struct{ weight, mean, scale float64 }

// extrapolate tells the sum of the next r units, of which those that are done took
// y, in the order of time. It needs two of them and r > 0.
func extrapolate(y []float64, r float64) prospect {
	n := len(y)
	mean := meanOf(y)
	spread := priorSpread * math.Abs(mean)
	prior := priorUnits * spread * spread
	steps := 0.0 // by successive differences, which no drift or step disturbs (von Neumann, 1941)
	for i := 1; i < n; i++ {
		steps += (y[i] - y[i-1]) * (y[i] - y[i-1]) / 2
	}
	p := prospect{df: n - 1 + priorUnits}
	drift := likelyDrift * math.Abs(mean) / (float64(n) + r)
	if prior == 0 { // all took nothing
		p.parts = []studentT{{1, mean * r, 0}}
		return p
	}
	ridge := (prior + steps) / float64(p.df) / (drift * drift)
	logs := make([]float64, len(levels))
	for k, l := range levels {
		// The filter, in units of σ², of y and of the regressor i alike.
		level, clock, at := y[0], 1.0, 1.0 // at: the variance of the level
		var yy, xy, xx, logF float64
		for i := 1; i < n; i++ {
			before := at + l.q
			f := before + 1
			vy, vx := y[i]-level, float64(i+1)-clock
			yy, xy, xx = yy+vy*vy/f, xy+vx*vy/f, xx+vx*vx/f
			logF += math.Log(f)
			level, clock, at = level+before/f*vy, clock+before/f*vx, before/f
		}
		b := xy / (xx + ridge)
		sum := prior + max(yy-b*xy, 0)
		logs[k] = math.Log(l.weight) - logF/2 + math.Log(ridge/(xx+ridge))/2 - float64(p.df)/2*math.Log(sum)
		reach := r * (float64(n) + (r+1)/2 - clock)
		variance := r*r*at + l.q*r*(r+1)*(2*r+1)/6 + r + reach*reach/(xx+ridge)
		p.parts = append(p.parts, studentT{0, r*level + b*reach, math.Sqrt(sum / float64(p.df) * variance)})
	}
	most, all := slices.Max(logs), 0.0
	for k := range logs {
		logs[k] = math.Exp(logs[k] - most)
		all += logs[k]
	}
	for k := range logs {
		p.parts[k].weight = logs[k] / all
	}
	p.parts = slices.DeleteFunc(p.parts, func(t studentT) bool { return t.weight < 1e-6 })
	return p
}

func (p *prospect) mean() (mean float64) {
	for _, t := range p.parts {
		mean += t.weight * t.mean
	}
	return mean
}

// below is the probability that it is x at most.
func (p *prospect) below(x float64) (sum float64) {
	for _, t := range p.parts {
		switch {
		case t.scale > 0:
			sum += t.weight * belowT((x-t.mean)/t.scale, p.df)
		case x >= t.mean:
			sum += t.weight
		}
	}
	return sum
}

// quantile is what it does not exceed with probability c, by bisection.
func (p *prospect) quantile(c float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, t := range p.parts {
		low, high = min(low, t.mean-t.scale), max(high, t.mean+t.scale)
	}
	for step := high - low; step > 0 && p.below(low) > c; step *= 2 {
		low -= step
	}
	for step := high - low; step > 0 && p.below(high) < c; step *= 2 {
		high += step
	}
	for range 30 { // nine digits
		if mid := low + (high-low)/2; p.below(mid) < c {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// belowT is the distribution of Student's t (Abramowitz and Stegun, 26.7.3 and
// 26.7.4).
func belowT(t float64, df int) float64 {
	u := t / math.Sqrt(float64(df)) // the tangent of what they call θ
	h := math.Hypot(1, u)
	sin, cos := u/h, 1/h
	term, sum := 1.0, 0.0
	if df%2 == 1 {
		term = cos
	}
	for e := df % 2; e <= df-2; e += 2 { // the powers of cos
		sum += term
		term *= cos * cos * float64(e+1) / float64(e+2)
	}
	if df%2 == 1 {
		return 0.5 + (math.Atan(u)+sin*sum)/math.Pi
	}
	return 0.5 + sin*sum/2
}
