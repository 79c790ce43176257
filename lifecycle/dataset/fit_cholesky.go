package dataset

import "math"

// square is a symmetric positive definite matrix, row by row. Those of a fit have
// some hundred rows at most, and a prior on their diagonal keeps them well away
// from singular: sixty lines do here what would else be a library of linear
// algebra in everybody's go.sum.
type square struct {
	n int
	a []float64
}

func newSquare(n int) *square { return &square{n, make([]float64, n*n)} }

func (m *square) row(i int) []float64 { return m.a[i*m.n : (i+1)*m.n] }

// factor overwrites the lower triangle with that of L in m = L·Lᵀ (Cholesky). It
// tells whether m is positive definite.
func (m *square) factor() bool {
	for i := range m.n {
		row := m.row(i)
		for j := 0; j <= i; j++ {
			other := m.row(j)
			sum := row[j]
			for k, v := range other[:j] {
				sum -= row[k] * v
			}
			if i == j {
				if !(sum > 0) {
					return false
				}
				row[i] = math.Sqrt(sum)
			} else {
				row[j] = sum / other[j]
			}
		}
	}
	return true
}

// solve overwrites b with the solution of m·x = b, m being factored.
func (m *square) solve(b []float64) {
	for i := range m.n {
		row := m.row(i)
		sum := b[i]
		for k, v := range row[:i] {
			sum -= v * b[k]
		}
		b[i] = sum / row[i]
	}
	for i := m.n - 1; i >= 0; i-- {
		b[i] /= m.a[i*m.n+i]
		for k, v := range m.row(i)[:i] {
			b[k] -= v * b[i]
		}
	}
}

// inverse is that of m, which is factored.
func (m *square) inverse() *square {
	// The columns of L⁻¹ are kept as rows, so that all loops run along memory.
	t := newSquare(m.n)
	for j := range m.n {
		col := t.row(j)
		col[j] = 1 / m.a[j*m.n+j]
		for i := j + 1; i < m.n; i++ {
			row := m.row(i)
			sum := 0.0
			for k := j; k < i; k++ {
				sum -= row[k] * col[k]
			}
			col[i] = sum / row[i]
		}
	}
	inv := newSquare(m.n)
	for i := range m.n {
		for j := 0; j <= i; j++ {
			sum := 0.0
			a, b := t.row(i)[i:], t.row(j)[i:]
			for k, v := range a {
				sum += v * b[k]
			}
			inv.a[i*m.n+j], inv.a[j*m.n+i] = sum, sum
		}
	}
	return inv
}
