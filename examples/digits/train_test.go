package main

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// quick is a run that is short and still learns to read.
func quick(t *testing.T) config {
	t.Setenv("ECOTRACER_DISABLED", "")
	c := defaults()
	c.epochs, c.copies, c.requests, c.dir = 4, 10, 200, t.TempDir()
	return c
}

// learned is a network that was trained by seed, and the images it has not
// seen.
func learned(t *testing.T, c config) (*mlp, images) {
	t.Helper()
	var found outcome
	net := newMLP(c.hidden)
	rng := rand.New(rand.NewPCG(c.seed, 0))
	training, validation, test, err := prepare(t.Context(), c, &found, rng)
	require.NoError(t, err)
	require.NoError(t, train(t.Context(), c, net, &found, training, validation, rng, io.Discard))
	return net, test
}

func TestReadsMoreThan95PercentOfUnseenDigits(t *testing.T) {
	c := quick(t)
	for c.seed = 1; c.seed <= 3; c.seed++ {
		net, test := learned(t, c)
		accuracy := net.accuracy(test)
		t.Logf("seed %d: test accuracy %.1f %%", c.seed, 100*accuracy)
		assert.Greater(t, accuracy, 0.95, "seed %d", c.seed)
	}
}

func TestSameSeedTrainsTheSameNetwork(t *testing.T) {
	c := quick(t)
	c.epochs, c.copies = 1, 2
	one, _ := learned(t, c)
	two, _ := learned(t, c)
	assert.Equal(t, one.params, two.params)
	c.seed++
	other, _ := learned(t, c)
	assert.NotEqual(t, one.params, other.params)
}

func TestTrainingStepAllocatesNothing(t *testing.T) {
	s, err := loadDigits()
	require.NoError(t, err)
	trainer := newTrainer(newMLP(128), 64, 1000)
	batch := rand.New(rand.NewPCG(1, 0)).Perm(64)
	assert.Zero(t, testing.AllocsPerRun(100, func() { trainer.learn(s, batch) }))
}

func TestLearningRateFallsToZero(t *testing.T) {
	s, err := loadDigits()
	require.NoError(t, err)
	net := newMLP(4)
	net.randomise(rand.New(rand.NewPCG(1, 0)))
	trainer := newTrainer(net, 2, 10)
	trainer.momentum = 0 // a step is then the rate times the gradient
	var sizes []float64
	for range 11 {
		before := append([]float64(nil), net.params...)
		trainer.learn(s, []int{0, 1})
		sizes = append(sizes, floats.Distance(before, net.params, 2)/floats.Norm(trainer.gradient.params, 2))
	}
	assert.InDelta(t, trainer.rate, sizes[0], 1e-9, "the first step is at the full rate")
	assert.InDelta(t, trainer.rate/2, sizes[5], 1e-9, "the middle one at half of it")
	assert.InDelta(t, 0, sizes[10], 1e-9, "after the last nothing is learned")
}
