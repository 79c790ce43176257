package spelling

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADistanceIsTheLettersThatDiffer(t *testing.T) {
	for _, test := range []struct {
		a, b string
		far  int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"grid.fr", "grid.frr", 1}, {"kitten", "sitting", 3}, {"frence", "france", 1}} {
		assert.Equal(t, test.far, Distance(test.a, test.b))
		assert.Equal(t, test.far, Distance(test.b, test.a))
	}
}
