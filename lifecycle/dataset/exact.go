package dataset

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// exact is a sum of numbers ≥ 0 in which nothing is rounded: it is the same in
// whatever order and in however many parts they were added. It is a whole
// number of the least float64 above 0, 2^-1074, as wide as it needs to be
// (Kulisch and Miranker, Computer Arithmetic in Theory and Practice, 1981). The
// zero value is 0.
type exact struct {
	low  int16               // which limb window[0] is
	at   [4]uint64           // all that is not 0, of 64 bits each, the least first
	wide *[exactLimbs]uint64 // all limbs, once four do not hold it
}

const (
	exactLimbs = 36 // float64 has 2098 bits, a sum that is read up to 2176; the rest is for the carry
	leastExp   = -1074
)

// add adds x, which is finite and ≥ 0.
func (e *exact) add(x float64) {
	b := math.Float64bits(x)
	mantissa, exponent := b&(1<<52-1), uint(b>>52)
	if exponent == 0 {
		if mantissa == 0 {
			return
		}
		exponent = 1
	} else {
		mantissa |= 1 << 52
	}
	limb, shift := int(exponent-1)>>6, (exponent-1)&63
	e.addAt(limb, mantissa<<shift, mantissa>>(64-shift))
}

// addAt adds two limbs.
func (e *exact) addAt(limb int, lo, hi uint64) {
	if e.wide == nil {
		k := limb - int(e.low)
		if uint(k) < 3 {
			lower, carry := bits.Add64(e.at[k], lo, 0)
			upper, carry := bits.Add64(e.at[k+1], hi, carry)
			above := uint(k+2) & 3
			if carry == 0 || k < 2 && e.at[above] != math.MaxUint64 {
				e.at[k], e.at[k+1] = lower, upper
				e.at[above] += carry
				return
			}
		}
		if e.move(limb) {
			e.addAt(limb, lo, hi)
			return
		}
	}
	var carry uint64
	e.wide[limb], carry = bits.Add64(e.wide[limb], lo, 0)
	e.wide[limb+1], carry = bits.Add64(e.wide[limb+1], hi, carry)
	for k := limb + 2; carry != 0; k++ {
		e.wide[k], carry = bits.Add64(e.wide[k], 0, carry)
	}
}

// move moves the window to where it has two limbs more and one above for the
// carry, or else opens all limbs and returns false.
func (e *exact) move(limb int) bool {
	first, end := limb, limb+3
	for k, w := range e.at {
		if w != 0 {
			first, end = min(first, int(e.low)+k), max(end, int(e.low)+k+2)
		}
	}
	if end-first <= len(e.at) {
		if first > 0 && end-first < len(e.at) {
			first-- // as much room below as above
		}
		var moved [4]uint64
		for k, w := range e.at {
			if w != 0 {
				moved[int(e.low)+k-first] = w
			}
		}
		e.low, e.at = int16(first), moved
		return true
	}
	e.wide = new([exactLimbs]uint64)
	copy(e.wide[e.low:], e.at[:])
	e.low, e.at = 0, [4]uint64{}
	return false
}

// merge adds all of o.
func (e *exact) merge(o *exact) {
	if o.wide != nil {
		for k, w := range o.wide {
			if w != 0 {
				e.addAt(k, w, 0)
			}
		}
		return
	}
	if e.low == o.low && e.wide == nil {
		var w [4]uint64
		var carry uint64
		w[0], carry = bits.Add64(e.at[0], o.at[0], 0)
		w[1], carry = bits.Add64(e.at[1], o.at[1], carry)
		w[2], carry = bits.Add64(e.at[2], o.at[2], carry)
		w[3], carry = bits.Add64(e.at[3], o.at[3], carry)
		if carry == 0 {
			e.at = w
			return
		}
	}
	for k, w := range o.at {
		if w != 0 {
			e.addAt(int(o.low)+k, w, 0)
		}
	}
}

// limbs are all that may not be 0, and which is the first.
func (e *exact) limbs() (list []uint64, low int) {
	if e.wide != nil {
		return e.wide[:], 0
	}
	return e.at[:], int(e.low)
}

func (e *exact) isZero() bool {
	list, _ := e.limbs()
	for _, w := range list {
		if w != 0 {
			return false
		}
	}
	return true
}

// value is the sum, rounded once: to nearest, ties to even. What is beyond the
// greatest float64 is that.
func (e *exact) value() float64 {
	list, low := e.limbs()
	top := len(list) - 1
	for top >= 0 && list[top] == 0 {
		top--
	}
	if top < 0 {
		return 0
	}
	length := 64*(low+top) + bits.Len64(list[top])
	if length <= 53 {
		return math.Float64frombits(list[top]) // then it is limb 0: others begin above 53 bits
	}
	// The 53 bits from shift on, the one below, and whether there are more.
	shift := length - 53
	limb, off := shift>>6-low, uint(shift&63)
	part := func(k int) uint64 {
		if k < 0 || k > top {
			return 0
		}
		return list[k]
	}
	mantissa := (part(limb)>>off | part(limb+1)<<(64-off)) & (1<<53 - 1)
	half := shift - 1
	limb, off = half>>6-low, uint(half&63)
	if part(limb)>>off&1 != 0 {
		more := part(limb) & (1<<off - 1)
		for k := 0; k < min(limb, top+1); k++ {
			more |= list[k]
		}
		if more != 0 || mantissa&1 != 0 {
			mantissa++
		}
	}
	b := uint64(shift+1)<<52 + (mantissa - 1<<52)
	if b >= 0x7ff<<52 {
		return math.MaxFloat64
	}
	return math.Float64frombits(b)
}

// appendText appends the sum in full as a hexadecimal floating-point number
// whose mantissa is odd, 0x1a3fp-30, or 0: one value has one text. Go's
// strconv.ParseFloat and Python's float.fromhex read it.
func (e *exact) appendText(b []byte) []byte {
	list, low := e.limbs()
	first := 0
	for first < len(list) && list[first] == 0 {
		first++
	}
	if first == len(list) {
		return append(b, '0')
	}
	down := uint(bits.TrailingZeros64(list[first]))
	exponent := 64*(low+first) + int(down) + leastExp
	b = append(b, "0x"...)
	leading := true
	for k := len(list) - 1; k >= first; k-- {
		w := list[k] >> down
		if k+1 < len(list) {
			w |= list[k+1] << (64 - down)
		}
		switch {
		case !leading:
			for s := 60; s >= 0; s -= 4 {
				b = append(b, "0123456789abcdef"[w>>s&15])
			}
		case w != 0:
			b = strconv.AppendUint(b, w, 16)
			leading = false
		}
	}
	b = append(b, 'p')
	return strconv.AppendInt(b, int64(exponent), 10)
}

// MarshalText writes the sum in full.
func (e exact) MarshalText() ([]byte, error) { return e.appendText(nil), nil }

var errExact = errors.New("a sum is written as 0, or as a hexadecimal number with an exponent of 2, 0x1a3fp-30")

// UnmarshalText reads what MarshalText writes.
func (e *exact) UnmarshalText(text []byte) error {
	*e = exact{}
	if string(text) == "0" {
		return nil
	}
	rest, ok := strings.CutPrefix(string(text), "0x")
	digits, power, found := strings.Cut(rest, "p")
	exponent, err := strconv.Atoi(power)
	if !ok || !found || err != nil || len(digits) > 16*exactLimbs || strings.ContainsAny(digits, "+-_ ") {
		return errExact
	}
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok || n.Sign() <= 0 || exponent < leastExp || exponent > 64*exactLimbs || exponent-leastExp+n.BitLen() > 64*(exactLimbs-2) {
		return errExact
	}
	n.Lsh(n, uint(exponent-leastExp))
	word := new(big.Int)
	mask := new(big.Int).SetUint64(math.MaxUint64)
	for limb := 0; n.Sign() > 0; limb++ {
		if w := word.And(n, mask).Uint64(); w != 0 {
			e.addAt(limb, w, 0)
		}
		n.Rsh(n, 64)
	}
	return nil
}
