package dataset

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bigSum adds numbers up as package math/big does, with all their bits.
func bigSum(numbers []float64) *big.Float {
	sum := new(big.Float).SetPrec(4000)
	for _, x := range numbers {
		sum.Add(sum, new(big.Float).SetFloat64(x))
	}
	return sum
}

// numbers are n numbers of one of several sorts.
func numbers(rng *rand.Rand, n int) []float64 {
	list := make([]float64, n)
	sort := rng.IntN(4)
	for i := range list {
		switch sort {
		case 0: // joules
			list[i] = math.Exp(30 * rng.Float64())
		case 1: // any at all
			list[i] = math.Float64frombits(rng.Uint64() & (0x7fe<<52 | 1<<52 - 1))
		case 2: // the least
			list[i] = math.Float64frombits(rng.Uint64() & (1<<54 - 1))
		default: // ties, and carries through many bits
			list[i] = math.Ldexp(1, rng.IntN(110)) - float64(rng.IntN(2))
		}
	}
	return list
}

func TestASumIsRoundedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		list := numbers(rng, 1+rng.IntN(50))
		var e exact
		for _, x := range list {
			e.add(x)
		}
		want, _ := bigSum(list).Float64()
		if math.IsInf(want, 1) {
			want = math.MaxFloat64
		}
		require.Equal(t, want, e.value(), "%x", list)
	}
}

func TestTiesGoToEven(t *testing.T) {
	for _, c := range []struct {
		list []float64
		want float64
	}{
		{[]float64{1 << 53, 1}, 1 << 53},
		{[]float64{1 << 53, 1, 0x1p-1074}, 1<<53 + 2},
		{[]float64{1<<53 + 2, 1}, 1<<53 + 4},
		{[]float64{1<<54 - 2, 1}, 1 << 54},
		{[]float64{1<<54 - 2, 0.5}, 1<<54 - 2},
		{[]float64{0x1p-1074, 0x1p-1074}, 0x1p-1073},
		{[]float64{0x1p-1022, 0x1p-1074}, 0x1p-1022 + 0x1p-1074},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64},
		{[]float64{0, 0}, 0},
	} {
		var e exact
		for _, x := range c.list {
			e.add(x)
		}
		assert.Equal(t, c.want, e.value(), "%v", c.list)
	}
}

func TestASumDoesNotDependOnOrderOrParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		list := numbers(rng, 2+rng.IntN(40))
		var whole exact
		for _, x := range list {
			whole.add(x)
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		parts := make([]exact, 1+rng.IntN(5))
		for i, x := range list {
			parts[i%len(parts)].add(x)
		}
		var merged exact
		for i := range parts {
			merged.merge(&parts[i])
		}
		require.Equal(t, string(whole.appendText(nil)), string(merged.appendText(nil)))
		require.Equal(t, whole.value(), merged.value())

		text := whole.appendText(nil)
		var back exact
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, string(text), string(back.appendText(nil)), "it is read back whole")
		if x, err := strconv.ParseFloat(string(text), 64); err == nil && !whole.isZero() {
			require.Equal(t, x, whole.value(), "others read it as its value")
		}
	}
}

func TestASumThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "1", "0x", "0xp", "0x1", "0xgp1", "0x1p", "-0x1p1", "0x-1p1", "0x1p-1075", "0x1p1200", "0x1p99999999999", "0x0p0", "0x_1p3", "NaN"} {
		assert.Error(t, new(exact).UnmarshalText([]byte(text)), text)
	}
}

func FuzzExact(f *testing.F) {
	f.Add([]byte("0x1a3fp-30"), 1e300)
	f.Add([]byte("0x1p-1074"), 1.)
	f.Fuzz(func(t *testing.T, text []byte, x float64) {
		var e exact
		if e.UnmarshalText(text) != nil {
			return
		}
		if x = math.Abs(x); x <= math.MaxFloat64 {
			e.add(x)
		}
		var back exact
		require.NoError(t, back.UnmarshalText(e.appendText(nil)))
		require.Equal(t, e.value(), back.value())
	})
}

func BenchmarkExactAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	var list [1024]float64
	for i := range list {
		list[i] = math.Exp(20 * rng.Float64())
	}
	var e exact
	for i := 0; b.Loop(); i++ {
		e.add(list[i&1023])
	}
}
