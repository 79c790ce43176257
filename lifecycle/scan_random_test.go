package lifecycle_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func line(t *testing.T, r *lifecycle.Record) []byte {
	var b bytes.Buffer
	require.NoError(t, lifecycle.EncodeLine(&b, r))
	return b.Bytes()
}

func TestTheScannerReadsRecordsOfAllKinds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for seed := range race.Few(uint64(25)) {
		doc := line(t, recordtest.Random(seed))
		assert.True(t, lifecycle.SameAsDecoder(t, doc), "seed %d is left to the decoder", seed)
		for range 4 {
			lifecycle.SameAsDecoder(t, lifecycle.Spoilt(doc, rng))
		}
	}
}

func TestRecordsAreReadAndValidatedSideBySide(t *testing.T) {
	t.Parallel()
	var docs [][]byte
	for seed := range uint64(8) {
		docs = append(docs, line(t, recordtest.Random(seed)))
	}
	again := make([][]byte, 8*len(docs))
	var all sync.WaitGroup
	for i := range again {
		all.Go(func() {
			r, findings, err := lifecycle.Check(bytes.NewReader(docs[i%len(docs)]))
			var b bytes.Buffer
			if assert.NoError(t, err) && assert.Empty(t, findings) && assert.NoError(t, lifecycle.EncodeLine(&b, r)) {
				again[i] = b.Bytes()
			}
		})
	}
	all.Wait()
	for i, doc := range again {
		assert.Equal(t, string(docs[i%len(docs)]), string(doc))
	}
}
