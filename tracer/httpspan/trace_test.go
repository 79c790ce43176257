package httpspan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzTraceparent holds what is passed on to the grammar of W3C Trace Context.
func FuzzTraceparent(f *testing.F) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, s := range []string{good, strings.ToUpper(good), "01" + good[2:], good + "-x", good[:54], strings.Replace(good, "-", "0", 1), "\xff" + good[1:]} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	zero := regexp.MustCompile(`-0+-.`)
	f.Fuzz(func(t *testing.T, s string) {
		assert.Equal(t, grammar.MatchString(s) && !zero.MatchString(s), isTraceparent(s), "%q", s)
	})
}
