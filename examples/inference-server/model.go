package main

import (
	_ "embed"
	"math"
	"math/rand/v2"
	"slices"
)

// speech is what the model learns from: Abraham Lincoln's address at Gettysburg of
// 1863, in the words of the Bliss copy; in the public domain.
//
//go:embed data/gettysburg.txt
var speech string

const (
	window = 3  // characters that the next one follows from
	width  = 12 // numbers that stand for a character
	hidden = 64
)

// model tells the next character from the last three: a neural probabilistic
// language model (Bengio et al., Journal of Machine Learning Research 3, 2003).
type model struct {
	letters []rune
	index   map[rune]int
	embed   [][]float64 // by letter: width
	in      [][]float64 // hidden × window·width
	out     [][]float64 // letters × hidden
}

func newModel(text string, rng *rand.Rand) *model {
	m := &model{index: map[rune]int{}}
	for _, r := range text {
		if !slices.Contains(m.letters, r) {
			m.letters = append(m.letters, r)
		}
	}
	slices.Sort(m.letters)
	for i, r := range m.letters {
		m.index[r] = i
	}
	matrix := func(rows, columns int, spread float64) [][]float64 {
		x := make([][]float64, rows)
		for i := range x {
			x[i] = make([]float64, columns)
			for j := range x[i] {
				x[i][j] = spread * rng.NormFloat64()
			}
		}
		return x
	}
	m.embed = matrix(len(m.letters), width, 0.5)
	m.in = matrix(hidden, window*width, 1/math.Sqrt(window*width))
	m.out = matrix(len(m.letters), hidden, 1/math.Sqrt(hidden))
	return m
}

func (m *model) parameters() int {
	return len(m.letters)*width + hidden*window*width + len(m.letters)*hidden
}

// tokens are the numbers of a text's characters; those that are not known are left
// out.
func (m *model) tokens(text string) (ts []int) {
	for _, r := range text {
		if i, known := m.index[r]; known {
			ts = append(ts, i)
		}
	}
	return ts
}

// state is what one pass works out.
type state struct{ x, h, p []float64 }

func (m *model) newState() *state {
	return &state{make([]float64, window*width), make([]float64, hidden), make([]float64, len(m.letters))}
}

// forward works out how likely each character comes next.
func (m *model) forward(s *state, last []int) {
	for k, t := range last {
		copy(s.x[k*width:], m.embed[t])
	}
	for i, row := range m.in {
		s.h[i] = math.Tanh(dot(row, s.x))
	}
	most, sum := math.Inf(-1), 0.0
	for i, row := range m.out {
		s.p[i] = dot(row, s.h)
		most = max(most, s.p[i])
	}
	for i := range s.p {
		s.p[i] = math.Exp(s.p[i] - most)
		sum += s.p[i]
	}
	for i := range s.p {
		s.p[i] /= sum
	}
}

// learn makes what came next more likely, and tells how unlikely it was, in nats.
func (m *model) learn(s *state, last []int, next int, rate float64) (loss float64) {
	m.forward(s, last)
	loss = -math.Log(s.p[next])
	var dh [hidden]float64
	var dx [window * width]float64
	for i, row := range m.out {
		d := s.p[i]
		if i == next {
			d--
		}
		for j := range row {
			dh[j] += d * row[j]
			row[j] -= rate * d * s.h[j]
		}
	}
	for i, row := range m.in {
		d := dh[i] * (1 - s.h[i]*s.h[i])
		for j := range row {
			dx[j] += d * row[j]
			row[j] -= rate * d * s.x[j]
		}
	}
	for k, t := range last {
		for j := range width {
			m.embed[t][j] -= rate * dx[k*width+j]
		}
	}
	return loss
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// generate goes on from a prompt for n characters.
func (m *model) generate(prompt []int, n int, rng *rand.Rand) string {
	last := slices.Repeat([]int{m.index[' ']}, window)
	last = append(last, prompt...)
	last = last[len(last)-window:]
	s := m.newState()
	out := make([]rune, 0, n)
	for range n {
		m.forward(s, last)
		u, next := rng.Float64(), 0
		for next < len(s.p)-1 && u >= s.p[next] {
			u -= s.p[next]
			next++
		}
		out = append(out, m.letters[next])
		copy(last, last[1:])
		last[window-1] = next
	}
	return string(out)
}
