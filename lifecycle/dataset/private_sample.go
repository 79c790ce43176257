package dataset

import (
	"fmt"
	"io"
	"math/big"
)

// sampler draws whole numbers exactly: with integer arithmetic alone, so that
// no rounding of a float64 gives away what noise is to hide (Mironov, On
// significance of the least significant bits for differential privacy, CCS
// 2012). The algorithms are 1 to 3 of Canonne, Kamath and Steinke, The discrete
// Gaussian for differential privacy, NeurIPS 2020. How long they take depends on
// what they draw.
type sampler struct {
	random io.Reader
	err    error // the first; then all draws are of no use
}

// below draws a number from 0 to n−1, each as likely.
func (s *sampler) below(n *big.Int) *big.Int {
	length := new(big.Int).Sub(n, one).BitLen()
	b := make([]byte, (length+7)/8)
	x := new(big.Int)
	for s.err == nil {
		if _, err := io.ReadFull(s.random, b); err != nil {
			s.err = fmt.Errorf("dataset: noise: no random numbers: %w", err)
			break
		}
		if len(b) > 0 && length%8 != 0 {
			b[0] &= 1<<(length%8) - 1
		}
		if x.SetBytes(b).Cmp(n) < 0 {
			return x
		}
	}
	return x.SetInt64(0)
}

var one = big.NewInt(1)

// chance is true with probability a/b.
func (s *sampler) chance(a, b *big.Int) bool { return s.below(b).Cmp(a) < 0 }

// chanceExp is true with probability exp(−a/b), a/b at most 1.
func (s *sampler) chanceExp(a, b *big.Int) bool {
	for k, kb := int64(1), new(big.Int).Set(b); s.err == nil; k++ {
		if !s.chance(a, kb) {
			return k%2 == 1
		}
		kb.Add(kb, b)
	}
	return false
}

// chanceExpAny is chanceExp for any a/b ≥ 0.
func (s *sampler) chanceExpAny(a, b *big.Int) bool {
	left := new(big.Int).Set(a)
	for left.Cmp(b) > 0 && s.err == nil {
		if !s.chanceExp(one, one) {
			return false
		}
		left.Sub(left, b)
	}
	return s.chanceExp(left, b)
}

// laplace draws from the discrete Laplace distribution of scale t: x with
// probability in proportion to exp(−|x|/t).
func (s *sampler) laplace(t *big.Int) *big.Int {
	for s.err == nil {
		u := s.below(t)
		if !s.chanceExp(u, t) {
			continue
		}
		v := int64(0)
		for s.err == nil && s.chanceExp(one, one) {
			v++
		}
		x := new(big.Int).Mul(t, big.NewInt(v))
		x.Add(x, u)
		if s.chance(one, big.NewInt(2)) {
			if x.Sign() == 0 {
				continue
			}
			x.Neg(x)
		}
		return x
	}
	return new(big.Int)
}

// gaussian draws from the discrete Gaussian distribution: x with probability
// in proportion to exp(−x²/2σ²).
func (s *sampler) gaussian(variance *big.Int) *big.Int {
	t := new(big.Int).Sqrt(variance)
	t.Add(t, one)
	for s.err == nil {
		y := s.laplace(t)
		// exp(−(|y| − σ²/t)² / 2σ²)
		a := new(big.Int).Abs(y)
		a.Mul(a, t).Sub(a, variance)
		a.Mul(a, a)
		b := new(big.Int).Mul(t, t)
		b.Mul(b, variance).Lsh(b, 1)
		if s.chanceExpAny(a, b) {
			return y
		}
	}
	return new(big.Int)
}
