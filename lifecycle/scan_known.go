package lifecycle

import (
	"encoding/binary"
	"math/bits"
	"reflect"

	"github.com/ecotracer/ecotracer/factors"
)

// texts are those that were met before: most of a record's are in thousands of
// others. A text has one place in it, which it takes from the one before it.
type texts [1 << 10]knownText

// knownText is a text that was met before, and what is known of it as one of a
// form.
type knownText struct {
	text        string
	form        *form
	fits, tells bool
}

// maxKnownText is the longest text that is kept.
const maxKnownText = 64

// slot is the place of the text of n bytes that d begins with; nil if it is not
// to be kept.
func (t *texts) slot(d []byte, n int) *knownText {
	if n > maxKnownText || len(d) < 8 {
		return nil
	}
	first := binary.LittleEndian.Uint64(d)
	if n < 8 {
		first &= 1<<(8*n) - 1
		return &t[mix(first, uint64(n))%uint64(len(t))]
	}
	return &t[mix(first, binary.LittleEndian.Uint64(d[n-8:])+uint64(n))%uint64(len(t))]
}

// mix is a hash of two words.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

// knownFactor is a factor that was met before, and its JSON. The same factors
// are in thousands of records.
type knownFactor struct {
	json   string
	factor factors.Factor
	insight
}

// How many factors are kept, and the longest JSON of one.
const (
	knownFactors     = 1 << 8
	maxKnownFactor   = 1 << 10
	factorIdentified = 64 // bytes of its begin that tell most factors apart
)

// factor reads a factor, or knows it by its bytes: an object ends where its
// brace closes, so that what begins with a known one is that.
func (s *scanner) factor(f *factors.Factor, v reflect.Value, l *layout) bool {
	rest := s.data[s.at:]
	if len(rest) < factorIdentified {
		return false
	}
	var hash uint64
	for i := 0; i < factorIdentified; i += 8 {
		hash = mix(hash, binary.LittleEndian.Uint64(rest[i:]))
	}
	k := &s.known[hash%knownFactors]
	if n := len(k.json); n > 0 && n <= len(rest) && string(rest[:n]) == k.json {
		*f = k.factor
		s.at += n
		s.formed, s.telling = s.formed && k.formed, s.telling || k.telling
		return true
	}
	start, before := s.at, s.insight
	s.insight = insight{formed: true}
	if !s.object(v, l) {
		return false
	}
	s.formed = s.formed && inOrder(f.Value, f.Low, f.High)
	if n := s.at - start; n <= maxKnownFactor && f.Series == nil {
		*k = knownFactor{string(rest[:n]), *f, s.insight}
	}
	s.formed, s.telling = s.formed && before.formed, s.telling || before.telling
	return true
}
