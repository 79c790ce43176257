package lifecycle

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
)

// altered is s with some of its bytes others.
func altered(rng *rand.Rand, s, bytes string) string {
	b := []byte(s)
	for range rng.IntN(3) {
		at := rng.IntN(len(b) + 1)
		c := bytes[rng.IntN(len(bytes))]
		if at == len(b) {
			b = append(b, c)
		} else {
			b[at] = c
		}
	}
	return string(b[rng.IntN(2)*min(1, len(b)):])
}

func TestWhatAFormIsSureOfHasItsPattern(t *testing.T) {
	layouts()
	rng := rand.New(rand.NewPCG(1, 1))
	for f, example := range map[*form]string{
		uuidV7: "01a22c2b-5843-708d-aa8a-05d3d2629ca5", uuid: "01a22c2b-5843-408d-1a8a-05d3d2629ca5", traceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		sha256Hex: strings.Repeat("9f", 32), date: "2026-03-02", country: "FR", spanPath: "fit/epoch", pointerText: "/hardware/0/model", kebab: "below-resolution",
	} {
		require.True(t, f.text(example), example)
		sure := 0
		for range 3000 {
			if s := altered(rng, example, "0179afgxzAF-_/~ .é"); f.simple(s) {
				sure++
				assert.True(t, f.re.MatchString(s), "%s: %q", f.what, s)
			}
		}
		assert.Greater(t, sure, 300, "%s: most of what is good is soon seen to be", f.what)
	}
}

func TestXsAreNoDigits(t *testing.T) {
	layouts()
	for _, f := range []*form{uuid, traceID, sha256Hex} {
		x := strings.Repeat("x", 64)
		assert.False(t, f.text(x[:32]) || f.text(x) || f.text("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"), f.what)
	}
}

func TestATextThatMayNotTellTellsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	pieces := []string{
		"/", "/home/ada", "/etc", "~", "~ada/x", "C:\\x", "C:/x", "\\\\host\\x", "file://", "https://", "u:p@h", "?key=1", "ada@example.org", "GPU-01234567-89ab-cdef-0123-456789abcdef",
		"aa:bb:cc:dd:ee:ff", "aa-bb-cc-dd-ee-ff", "10.0.0.1", "fe80::1", "::", "1.2.3.4:80", "a", "Z9", " ", ".", ":", "-", "\"", "'", "(", "=", ",", "é", "usr", "kWh",
	}
	told, n := 0, race.Few(50_000)
	for range n {
		var s string
		for range 1 + rng.IntN(5) {
			s += pieces[rng.IntN(len(pieces))]
		}
		for _, name := range []bool{true, false} {
			if what := telling(s, name); what != "" {
				told++
				require.True(t, mayTell(s), "%q holds %s", s, what)
			}
		}
	}
	assert.Greater(t, told, n/5)
	for _, plain := range []string{"gCO2e/kWh", "fit/epoch", "node0/rest", "2026-03-02", "01a22c2b-5843-708d-aa8a-05d3d2629ca5", "0.1.0", "EPYC 7543", "Classifies service tickets and proposes the spare part to bring."} {
		assert.False(t, mayTell(plain), plain)
	}
}
