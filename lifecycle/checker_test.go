package lifecycle_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestACheckerTellsOfEachRecordWhatCheckTells(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var c lifecycle.Checker
	for seed := range uint64(20) {
		doc := line(t, recordtest.Random(seed))
		for _, doc := range [][]byte{doc, lifecycle.Spoilt(doc, rng), doc[:len(doc)/2], nil, doc} {
			want, wantFindings, wantErr := lifecycle.Check(bytes.NewReader(doc))
			got, findings, err := c.Check(bytes.NewReader(doc))
			require.Equal(t, wantErr, err)
			require.Equal(t, wantFindings, findings)
			require.Equal(t, want, got)
		}
	}
}

func TestACheckerUsesItsMemoryAgain(t *testing.T) {
	if race.On {
		t.Skip("pools lose what they hold by chance under the race detector")
	}
	doc, err := os.ReadFile("testdata/small.json")
	require.NoError(t, err)
	var c lifecycle.Checker
	check := func() {
		_, findings, err := c.Check(bytes.NewReader(doc))
		assert.NoError(t, err)
		assert.Empty(t, findings)
	}
	check()
	check()
	with := testing.AllocsPerRun(20, check)
	without := testing.AllocsPerRun(20, func() { _, _, _ = lifecycle.Check(bytes.NewReader(doc)) })
	assert.Less(t, with, 0.6*without)
}

func TestWhatIsAddedToARecordIsNotInTheNext(t *testing.T) {
	t.Parallel()
	doc := func(warnings int) []byte {
		r := recordtest.Random(1)
		r.Warnings = nil
		for i := range warnings {
			r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "below-resolution", Detail: fmt.Sprint(i)})
		}
		return line(t, r)
	}
	var c lifecycle.Checker
	for _, n := range []int{3, 1, 2, 3} {
		want, _, err := lifecycle.Check(bytes.NewReader(doc(n)))
		require.NoError(t, err)
		got, _, err := c.Check(bytes.NewReader(doc(n)))
		require.NoError(t, err)
		require.Equal(t, want.Warnings, got.Warnings)
		got.Warnings = append(got.Warnings, lifecycle.Warning{Code: "mine", Count: new(int64(7))})
	}
}
