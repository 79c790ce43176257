package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// randomNet is a small network and a batch of random images for it.
func randomNet(t *testing.T, n int) (*mlp, *pass, []int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	net := newMLP(5)
	net.randomise(rng)
	for _, biases := range [][]float64{net.b1, net.b2} {
		for i := range biases {
			biases[i] = rng.NormFloat64() / 10
		}
	}
	ps := newPass(n, net.hidden)
	labels := make([]int, n)
	for i := range n {
		for j := range pixels {
			ps.x.Set(i, j, rng.Float64())
		}
		labels[i] = rng.IntN(classes)
	}
	return net, ps, labels
}

func TestGradientAgreesWithFiniteDifferences(t *testing.T) {
	net, ps, labels := randomNet(t, 7)
	loss := func() float64 {
		net.forward(ps)
		sum := 0.0
		for i, label := range labels {
			sum -= math.Log(ps.p.At(i, label))
		}
		return sum / float64(len(labels))
	}

	gradient := newMLP(net.hidden)
	net.forward(ps)
	assert.InDelta(t, loss(), net.backward(ps, labels, gradient), 1e-12, "backward returns the mean cross-entropy")

	const step = 1e-5
	for i, was := range net.params {
		net.params[i] = was + step
		above := loss()
		net.params[i] = was - step
		below := loss()
		net.params[i] = was
		require.InDelta(t, (above-below)/(2*step), gradient.params[i], 1e-7, "parameter %d", i)
	}
	assert.Positive(t, floats.Norm(gradient.params, 2), "a gradient of zeros agrees with nothing")
}

func TestBackwardForgetsTheLastBatch(t *testing.T) {
	net, ps, labels := randomNet(t, 7)
	once, twice := newMLP(net.hidden), newMLP(net.hidden)
	net.forward(ps)
	net.backward(ps, labels, once)
	for range 2 {
		net.forward(ps)
		net.backward(ps, labels, twice)
	}
	assert.Equal(t, once.params, twice.params)
}

func TestSoftmaxIsADistributionForAnyScores(t *testing.T) {
	for name, scores := range map[string][]float64{
		"equal":      {3, 3, 3},
		"very large": {1e308, 1, -1e308},
		"very small": {-1e300, -1e301},
		"ordinary":   {-1, 0, 2.5},
	} {
		t.Run(name, func(t *testing.T) {
			greatest := floats.MaxIdx(scores)
			softmax(scores)
			assert.InDelta(t, 1, floats.Sum(scores), 1e-12, "probabilities sum to 1")
			assert.GreaterOrEqual(t, floats.Min(scores), 0.0)
			assert.Equal(t, greatest, floats.MaxIdx(scores), "the greatest score is the most probable")
		})
	}
}

func TestLossIsFiniteWhenTheTruthSeemsImpossible(t *testing.T) {
	net := newMLP(1)
	net.b2[0] = 1e6 // certain of a 0
	ps := newPass(1, 1)
	net.forward(ps)
	loss := net.backward(ps, []int{1}, newMLP(1))
	assert.False(t, math.IsInf(loss, 0) || math.IsNaN(loss), "loss is %v", loss)
	assert.Greater(t, loss, 100.0)
}

func TestClassifyAgreesWithForward(t *testing.T) {
	net, ps, _ := randomNet(t, 20)
	net.forward(ps)
	for i := range 20 {
		digit, probability := net.classify(ps.x.RawRowView(i))
		assert.Equal(t, floats.MaxIdx(ps.p.RawRowView(i)), digit, "image %d", i)
		assert.InDelta(t, floats.Max(ps.p.RawRowView(i)), probability, 1e-12, "image %d", i)
	}
}

func TestParametersAreAllCounted(t *testing.T) {
	net := newMLP(128)
	assert.Len(t, net.params, 64*128+128+128*10+10)
	net.w1.Set(0, 0, 1)
	net.b2[classes-1] = 2
	assert.Equal(t, 1.0, net.params[0], "weights are windows on the parameters")
	assert.Equal(t, 2.0, net.params[len(net.params)-1], "biases are windows on the parameters")
}
