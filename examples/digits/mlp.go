package main

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// mlp is a network with one hidden layer: softmax(ReLU(x·w1 + b1)·w2 + b2).
// The weights and biases are windows on one list of parameters, so that the
// optimizer need not know the shape. Gradients have the same shape.
type mlp struct {
	hidden int
	params []float64
	w1, w2 *mat.Dense
	b1, b2 []float64
	w2T    mat.Matrix
}

// newMLP makes a network of zeros.
func newMLP(hidden int) *mlp {
	m := &mlp{hidden: hidden, params: make([]float64, (pixels+1)*hidden+(hidden+1)*classes)}
	rest := m.params
	next := func(n int) []float64 {
		window := rest[:n:n]
		rest = rest[n:]
		return window
	}
	m.w1, m.b1 = mat.NewDense(pixels, hidden, next(pixels*hidden)), next(hidden)
	m.w2, m.b2 = mat.NewDense(hidden, classes, next(hidden*classes)), next(classes)
	m.w2T = m.w2.T()
	return m
}

// randomise draws the weights from a normal distribution of variance 2/inputs,
// which keeps the size of what passes through ReLU layers (He et al. 2015).
func (m *mlp) randomise(rng *rand.Rand) {
	for _, w := range []*mat.Dense{m.w1, m.w2} {
		raw := w.RawMatrix()
		deviation := math.Sqrt(2 / float64(raw.Rows))
		for i := range raw.Data {
			raw.Data[i] = deviation * rng.NormFloat64()
		}
	}
}

// flops is the number of additions and multiplications that the matrix
// products of one training step take for one image: both layers forward, the
// gradients of both, and the error passed back through the second.
func (m *mlp) flops() float64 {
	return 2 * float64(2*pixels*m.hidden+3*m.hidden*classes)
}

// pass holds the matrices of one batch on its way through a network, so that
// a step allocates nothing. It serves one goroutine at a time.
type pass struct {
	x     *mat.Dense // images, one in a row
	h, dh *mat.Dense // hidden layer, and the error there
	p     *mat.Dense // probabilities of the classes, one image in a row

	xT, hT mat.Matrix
}

func newPass(n, hidden int) *pass {
	p := &pass{
		x: mat.NewDense(n, pixels, nil),
		h: mat.NewDense(n, hidden, nil), dh: mat.NewDense(n, hidden, nil),
		p: mat.NewDense(n, classes, nil),
	}
	p.xT, p.hT = p.x.T(), p.h.T()
	return p
}

// forward computes the probabilities p of the images x.
func (m *mlp) forward(ps *pass) {
	ps.h.Mul(ps.x, m.w1)
	rows, _ := ps.x.Dims()
	for i := range rows {
		h := ps.h.RawRowView(i)
		floats.Add(h, m.b1)
		for j, v := range h {
			h[j] = max(v, 0)
		}
	}
	ps.p.Mul(ps.h, m.w2)
	for i := range rows {
		p := ps.p.RawRowView(i)
		floats.Add(p, m.b2)
		softmax(p)
	}
}

// softmax turns scores into probabilities, in place. The greatest score is
// taken off first: exp of a large one would be infinite.
func softmax(scores []float64) {
	greatest := floats.Max(scores)
	sum := 0.0
	for i, s := range scores {
		scores[i] = math.Exp(s - greatest)
		sum += scores[i]
	}
	floats.Scale(1/sum, scores)
}

// backward follows a forward. It writes the gradient of the mean cross-entropy
// to g and returns that mean; p no longer holds probabilities then.
func (m *mlp) backward(ps *pass, labels []int, g *mlp) float64 {
	n := float64(len(labels))
	loss := 0.0
	clear(g.b1)
	clear(g.b2)

	// Softmax and cross-entropy together have the gradient p - truth.
	for i, label := range labels {
		p := ps.p.RawRowView(i)
		loss -= math.Log(max(p[label], math.SmallestNonzeroFloat64)) / n
		p[label]--
		floats.Scale(1/n, p)
		floats.Add(g.b2, p)
	}
	g.w2.Mul(ps.hT, ps.p)

	ps.dh.Mul(ps.p, m.w2T)
	for i := range labels {
		h, dh := ps.h.RawRowView(i), ps.dh.RawRowView(i)
		for j := range dh {
			if h[j] == 0 { // ReLU was closed
				dh[j] = 0
			}
		}
		floats.Add(g.b1, dh)
	}
	g.w1.Mul(ps.xT, ps.dh)
	return loss
}

// classify returns the most probable digit of one image, and how probable it
// is. It may be called from several goroutines.
func (m *mlp) classify(image []float64) (digit int, probability float64) {
	ps := newPass(1, m.hidden)
	ps.x.SetRow(0, image)
	m.forward(ps)
	p := ps.p.RawRowView(0)
	digit = floats.MaxIdx(p)
	return digit, p[digit]
}

// accuracy is the share of the images that the network reads right.
func (m *mlp) accuracy(s images) float64 {
	ps := newPass(s.len(), m.hidden)
	ps.x.Copy(s.x)
	m.forward(ps)
	right := 0
	for i, label := range s.y {
		if floats.MaxIdx(ps.p.RawRowView(i)) == label {
			right++
		}
	}
	return float64(right) / float64(s.len())
}
