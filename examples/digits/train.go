package main

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// trainer teaches a network by stochastic gradient descent with momentum. The
// learning rate falls from rate to 0 along half a cosine over all steps.
type trainer struct {
	net      *mlp
	gradient *mlp
	velocity []float64
	pass     *pass
	labels   []int

	rate, momentum float64
	step, steps    int
}

func newTrainer(net *mlp, batch, steps int) *trainer {
	return &trainer{
		net:      net,
		gradient: newMLP(net.hidden),
		velocity: make([]float64, len(net.params)),
		pass:     newPass(batch, net.hidden),
		labels:   make([]int, batch),
		rate:     0.1,
		momentum: 0.9,
		steps:    steps,
	}
}

// learn takes one step on a batch of images and returns their mean loss
// before it.
func (t *trainer) learn(s images, batch []int) float64 {
	for row, i := range batch {
		t.pass.x.SetRow(row, s.x.RawRowView(i))
		t.labels[row] = s.y[i]
	}
	t.net.forward(t.pass)
	loss := t.net.backward(t.pass, t.labels, t.gradient)

	rate := t.rate * (1 + math.Cos(math.Pi*float64(t.step)/float64(t.steps))) / 2
	floats.Scale(t.momentum, t.velocity)
	floats.AddScaled(t.velocity, -rate, t.gradient.params)
	floats.Add(t.net.params, t.velocity)
	t.step++
	return loss
}
