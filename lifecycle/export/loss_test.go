package export

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// reference opens a file of the reference material, which is not part of the
// repository.
func reference(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "reference", name))
	if err != nil {
		t.Skip("the reference material is not here")
	}
	return text
}

// exampleRecord is the example of the record's contract, in which every number
// recomputes.
func exampleRecord(t testing.TB) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "lifecycle", "testdata", "small.json"))
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

func TestWhatIsNotHeldIsLostAsFarUpAsPossible(t *testing.T) {
	r := exampleRecord(t)
	r.Extensions = map[string]any{"org.example/a": 1, "org.example.b": 2}

	var none holding
	assert.Equal(t, []Loss{{Path: ""}}, none.lost(r), "nothing is held")

	var h holding
	h.hold("/schema", "/schema_revision", "/created_at", "/run", "/generator", "/publisher", "/use_case", "/technology", "/environments/*/id",
		"/hardware", "/phases/*/energy_j/value", "/spans", "/ledger", "/totals", "/methods", "/factors", "/missing", "/warnings", "/extensions/org.example~1a", "/integrity")
	lost := h.lost(r)
	var paths []string
	for _, l := range lost {
		paths = append(paths, l.Path)
	}
	assert.Contains(t, paths, "/phases/0/energy_j/low")
	assert.NotContains(t, paths, "/phases/0/energy_j/value")
	assert.NotContains(t, paths, "/phases/0/energy_j")
	assert.Contains(t, paths, "/phases/0/usage")
	assert.NotContains(t, paths, "/phases/0/usage/0")
	assert.Contains(t, paths, "/environments/0/place_found")
	assert.Contains(t, paths, "/extensions/org.example.b")
	assert.NotContains(t, paths, "/extensions")
	for _, p := range paths {
		assert.NotContains(t, p, "/spans")
	}
}
