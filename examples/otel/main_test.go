package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheSameCodeHasEnergyOnItsSpansAndTheSumConserves(t *testing.T) {
	t.Setenv("ECOTRACER_DIR", t.TempDir())
	t.Setenv("ECOTRACER_DISABLED", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	before, after, found := strings.Cut(out.String(), "after:")
	require.True(t, found)
	for text, energised := range map[string]int{before: 0, after: 9} {
		for _, name := range []string{"request", "tokenise", "predict"} {
			assert.Equal(t, 3, strings.Count(text, " "+name+" "), "%s in\n%s", name, text)
		}
		assert.Equal(t, energised, strings.Count(text, "self "))
		assert.Equal(t, energised, strings.Count(text, "total "))
	}
	sums := regexp.MustCompile(`have ([0-9.]+) J, in the record their paths have ([0-9.]+) J`).FindStringSubmatch(after)
	require.NotNil(t, sums, after)
	assert.Equal(t, sums[1], sums[2])
	assert.NotEqual(t, "0.000", sums[1])
}
