package dataset

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// ClusterOptions tell how many kinds of runs are sought. The zero value lets the
// runs tell.
type ClusterOptions struct {
	K    int // clusters; 0 is the number, up to Most, that tells them best apart
	Most int // 0 is 8
}

// Clusters are kinds of runs that are alike.
type Clusters struct {
	Runs       int       `json:"runs"`
	Sampled    int       `json:"sampled"`    // runs of a sample that medoids were sought in; Runs: in all
	Samples    int       `json:"samples"`    // of which the best was taken
	Silhouette float64   `json:"silhouette"` // mean of those in the sample, 1 at best; 0 of one cluster
	Clusters   []Cluster `json:"clusters"`   // the largest first; one: no structure was found
	Features   []string  `json:"features"`   // that runs are compared by
}

// Cluster is one kind of runs.
type Cluster struct {
	Runs    int       `json:"runs"`
	Medoid  string    `json:"medoid"` // the run in the middle of it
	Words   string    `json:"words"`  // what sets it apart, in a sentence
	Apart   []Mark    `json:"apart"`  // the same, one by one, the most telling first
	EnergyJ Quartiles `json:"energy_j"`
	Members []string  `json:"-"` // ids, sorted
}

// Mark is what sets a cluster apart from the rest.
type Mark struct {
	Feature string  `json:"feature"`
	Value   string  `json:"value,omitempty"`  // that is commonest in it
	Share   float64 `json:"share,omitempty"`  // of its runs that have the value
	Rest    float64 `json:"rest,omitempty"`   // of the others that have it
	Median  float64 `json:"median,omitempty"` // of a number
	Times   float64 `json:"times,omitempty"`  // of the median of the others; 0 if there are none
}

// Quartiles are the median and what half of the runs are within.
type Quartiles struct {
	Low    float64 `json:"low"`
	Median float64 `json:"median"`
	High   float64 `json:"high"`
}

// The measures of the search.
const (
	sampleSize  = 500  // runs; medoids of so many are found in a tenth of a second
	sampleCount = 5    // as Kaufman and Rousseeuw took
	someKinds   = 0.25 // the silhouette below which they saw no substantial structure
	apart       = 0.1  // the least that two medoids must differ by
)

// FindClusters groups runs that are alike: by kind of technology, task,
// algorithm, training type, main stage, hardware and how its energy was told,
// and by the logarithms of energy, duration, devices, power, parameters, layers
// and epochs, each counting the same. The distance of two runs is Gower's (A
// general coefficient of similarity, Biometrics 27, 1971): the mean over what
// both tell of 0 or 1 for a text, and for a number of the difference over the
// range (between the 1st and the 99th percentile, at most 1).
//
// Clusters are of medoids, by PAM (Kaufman and Rousseeuw, Finding Groups in
// Data, 1990, chapters 2 and 3, with the quicker swap of Schubert and Rousseeuw,
// Fast and eager k-medoids clustering, Information Systems 101, 2021); among
// more than 500 runs, they are sought in five samples, and those that are
// nearest to all runs are taken (CLARA). The number of clusters is that of the
// greatest mean silhouette of those above 0.25 whose medoids all differ by a tenth
// or more, so that one cloud is not cut in two; else there is one. Samples are
// drawn by a fixed seed from the runs in order of their ids, so that the
// order of points does not matter.
func FindClusters(points []Point, o ClusterOptions) (*Clusters, error) {
	o.Most = cmp.Or(o.Most, 8)
	if o.K < 0 || o.K > 50 {
		return nil, fmt.Errorf("dataset: clusters can be 1 to 50, or 0 for as many as there are, not %d", o.K)
	}
	if o.Most < 2 || o.Most > 50 {
		return nil, fmt.Errorf("dataset: at most 2 to 50 clusters can be sought, not %d", o.Most)
	}
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Point) int { return slices.Compare(a.run[:], b.run[:]) })
	c := &Clusters{Runs: len(points), Clusters: []Cluster{}, Features: featureNames()}
	if len(points) == 0 {
		return c, nil
	}
	g := newGower(points)
	samples := drawSamples(len(points))
	c.Sampled, c.Samples = len(samples[0]), len(samples)
	k, most := o.K, o.K
	if k == 0 {
		k, most = 2, o.Most
	}
	distances := make([][]float32, len(samples))
	for i, sample := range samples {
		distances[i] = g.matrix(sample)
	}
	best := []int{samples[0][pam(distances[0], len(samples[0]), 1)[0]]}
	for ; k <= min(most, c.Sampled) && k > 1; k++ {
		medoids, silhouette := g.best(samples, distances, k)
		if o.K == 0 && (silhouette <= someKinds || silhouette <= c.Silhouette+1e-6 || g.closest(medoids) < apart) {
			continue
		}
		best, c.Silhouette = medoids, silhouette
	}
	c.describe(g, best)
	return c, nil
}

// drawSamples are places of runs, all of them if there are few.
func drawSamples(n int) [][]int {
	if n <= sampleSize {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	r := rand.New(rand.NewPCG(0x6761, uint64(n)))
	samples := make([][]int, sampleCount)
	for i := range samples {
		drawn := map[int]bool{}
		for len(drawn) < sampleSize {
			if k := r.IntN(n); !drawn[k] {
				drawn[k] = true
				samples[i] = append(samples[i], k)
			}
		}
		slices.Sort(samples[i])
	}
	return samples
}

// best are the k medoids of a sample that are nearest to all runs, and the mean
// silhouette of that sample.
func (g *gower) best(samples [][]int, distances [][]float32, k int) (medoids []int, silhouette float64) {
	least := math.Inf(1)
	for i, sample := range samples {
		of := pam(distances[i], len(sample), k)
		places := make([]int, k)
		for j, m := range of {
			places[j] = sample[m]
		}
		sum := 0.0
		for p := range g.points {
			_, d := g.nearest(p, places)
			sum += d
		}
		if sum < least-1e-9 {
			least, medoids, silhouette = sum, places, meanSilhouette(distances[i], len(sample), of)
		}
	}
	return medoids, silhouette
}

// gower are runs with what they are compared by.
type gower struct {
	points  []Point
	words   []word    // by run and feature; "" is unknown
	numbers []float32 // by run and feature, over the range; NaN is unknown
}

// wordFeatures and numberFeatures are what runs are compared by.
var (
	wordFeatures = []struct {
		name string
		of   func(*Point, *stagePoint) word
	}{
		{"kind", func(p *Point, _ *stagePoint) word { return p.kind }},
		{"task", func(p *Point, _ *stagePoint) word { return p.task }},
		{"algorithm", func(p *Point, _ *stagePoint) word { return p.algorithm }},
		{"training type", func(p *Point, _ *stagePoint) word { return p.training }},
		{"main stage", func(_ *Point, s *stagePoint) word { return s.stage }},
		{"hardware", func(_ *Point, s *stagePoint) word { return s.hardware }},
		{"method", func(_ *Point, s *stagePoint) word { return s.method }},
	}
	numberFeatures = []struct {
		name string
		of   func(*Point, *stagePoint) float64
	}{
		{"energy", func(p *Point, _ *stagePoint) float64 { return p.energy.value }},
		{"duration", func(p *Point, _ *stagePoint) float64 { return p.runS }},
		{"devices", func(_ *Point, s *stagePoint) float64 { return s.devices }},
		{"power per device", func(_ *Point, s *stagePoint) float64 { return math.Exp(logRatio(s.energy, s.deviceS)) }},
		{"parameters", func(p *Point, _ *stagePoint) float64 { return p.parameters }},
		{"layers", func(p *Point, _ *stagePoint) float64 { return p.layers }},
		{"epochs", func(p *Point, _ *stagePoint) float64 { return p.epochs }},
	}
)

func featureNames() (names []string) {
	for _, f := range wordFeatures {
		names = append(names, f.name)
	}
	for _, f := range numberFeatures {
		names = append(names, f.name)
	}
	return names
}

// main is the stage with the most energy.
func (p *Point) main() *stagePoint {
	most := &stagePoint{}
	for i := range p.stages {
		if s := &p.stages[i]; i == 0 || s.energy > most.energy {
			most = s
		}
	}
	return most
}

func newGower(points []Point) *gower {
	g := &gower{
		points:  points,
		words:   make([]word, len(points)*len(wordFeatures)),
		numbers: make([]float32, len(points)*len(numberFeatures)),
	}
	logs := make([]float64, len(points)*len(numberFeatures))
	for i := range points {
		p := &points[i]
		s := p.main()
		for f := range wordFeatures {
			g.words[i*len(wordFeatures)+f] = wordFeatures[f].of(p, s)
		}
		for f := range numberFeatures {
			logs[i*len(numberFeatures)+f] = logRatio(numberFeatures[f].of(p, s), 1)
		}
	}
	xs := make([]float64, 0, len(points))
	for f := range numberFeatures {
		xs = xs[:0]
		for i := range points {
			if x := logs[i*len(numberFeatures)+f]; !math.IsNaN(x) {
				xs = append(xs, x)
			}
		}
		slices.Sort(xs)
		wide := 1.0
		if n := len(xs); n > 0 {
			// What scatters by less than a factor of two is no difference of kind.
			wide = max(xs[(n-1)*99/100]-xs[(n-1)/100], math.Ln2)
		}
		for i := range points {
			g.numbers[i*len(numberFeatures)+f] = float32(logs[i*len(numberFeatures)+f] / wide)
		}
	}
	return g
}

// distance is Gower's; 1 of runs that tell nothing in common.
func (g *gower) distance(a, b int) float64 {
	var sum, n float64
	wa, wb := g.words[a*len(wordFeatures):][:len(wordFeatures)], g.words[b*len(wordFeatures):][:len(wordFeatures)]
	for f := range wa {
		if wa[f] != (word{}) && wb[f] != (word{}) {
			if n++; wa[f] != wb[f] {
				sum++
			}
		}
	}
	na, nb := g.numbers[a*len(numberFeatures):][:len(numberFeatures)], g.numbers[b*len(numberFeatures):][:len(numberFeatures)]
	for f := range na {
		if d := math.Abs(float64(na[f] - nb[f])); d == d {
			sum += min(d, 1)
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return sum / n
}

// closest is the least distance of two of some runs.
func (g *gower) closest(runs []int) float64 {
	least := 1.0
	for i, a := range runs {
		for _, b := range runs[:i] {
			least = min(least, g.distance(a, b))
		}
	}
	return least
}

// matrix are the distances of all pairs of some runs.
func (g *gower) matrix(runs []int) []float32 {
	n := len(runs)
	d := make([]float32, n*n)
	for i := range runs {
		for j := range i {
			x := float32(g.distance(runs[i], runs[j]))
			d[i*n+j], d[j*n+i] = x, x
		}
	}
	return d
}

// nearest is the medoid nearest to a run, the first of those alike, and how far
// it is.
func (g *gower) nearest(run int, medoids []int) (at int, d float64) {
	d = math.Inf(1)
	for k, m := range medoids {
		if x := g.distance(run, m); x < d {
			at, d = k, x
		}
	}
	return at, d
}
