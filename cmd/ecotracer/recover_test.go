package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestRecoverClosesInterruptedRuns(t *testing.T) {
	dir := t.TempDir()
	killed := measured(t)
	killed.Run.Status = lifecycle.Running
	path := filepath.Join(dir, killed.Run.ID+".json")
	require.NoError(t, os.WriteFile(path, encoded(t, killed), 0o644))
	// It was left by a run that held a lock.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "."+killed.Run.ID+".lock"), nil, 0o644))

	r := call("", "recover", dir)
	require.Zero(t, r.code, r.err)
	assert.Equal(t, path+": closed as interrupted\n", r.out)
	shown := call("", "show", path)
	assert.Zero(t, shown.code, shown.err)
	assert.Contains(t, shown.out, "interrupted")

	again := call("", "recover", dir)
	assert.Zero(t, again.code)
	assert.Equal(t, dir+": no interrupted run\n", again.out)
	assert.JSONEq(t, `{"closed": []}`, call("", "recover", dir, "--json").out)
}

func TestRecoverTellsWhatIsNoFolder(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	path := file(t, measured(t))
	for dir, why := range map[string]string{none: "there is no such folder", path: "it is no folder"} {
		r := call("", "recover", dir)
		assert.Equal(t, 1, r.code)
		assert.Empty(t, r.out)
		assert.Equal(t, "ecotracer recover: "+dir+": "+why+"; give the folder that records are written to, such as ecotracer-records\n", r.err)
	}
}

func TestRecoverTellsEachFileThatIsNoRecordOnALine(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(`{}`), 0o644))
	}
	r := call("", "recover", dir)
	assert.Equal(t, 1, r.code)
	assert.Regexp(t, "^ecotracer recover: "+dir+"/a.json is left as it is: .*\n"+
		"ecotracer recover: "+dir+"/b.json is left as it is: .*\n$", r.err)
	assert.NotContains(t, r.err, "tracer: ecotracer")
	assert.NotContains(t, r.err, "lifecycle:")
}
