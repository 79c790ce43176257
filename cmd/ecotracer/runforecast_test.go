package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

func TestRunTellsWhatItsProgramForetellsOnceATenth(t *testing.T) {
	dir := t.TempDir()
	const parent, child = "019df4e5-8ac0-7000-8000-000000000001", "019df4e5-8ac1-7000-8000-000000000002"
	written := time.Now()
	write := func(id, parent string, status lifecycle.Status, f ...tracer.Forecast) {
		r := measured(t)
		r.Run.ID, r.Run.Parent, r.Run.Status = id, parent, status
		if len(f) > 0 {
			r.Extensions[lifecycle.ForecastExtension] = map[string]any{"version": 1, "forecasts": f}
		}
		path := filepath.Join(dir, id+".json")
		require.NoError(t, os.WriteFile(path, encoded(t, r), 0o644))
		written = written.Add(time.Second)
		require.NoError(t, os.Chtimes(path, written, written))
	}
	var out bytes.Buffer
	o := outlook{out: &out, dir: dir, parent: parent, seen: map[string]time.Time{}, told: map[string]int64{}}
	looked := func() (line string) {
		out.Reset()
		o.look()
		return out.String()
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "019df4e5-8ac2-no-record.json"), []byte("{"), 0o644))
	write("019df4e5-8ac3-7000-8000-000000000003", child, lifecycle.Running, foretold(10))
	write("019df4e5-8ac4-7000-8000-000000000004", parent, lifecycle.Running)
	assert.Empty(t, looked(), "nobody has foretold anything, but another's program")

	write(child, parent, lifecycle.Running, foretold(5), foretold(20))
	assert.Equal(t, "ecotracer: fit: epoch 20 of 50 · 10 min more (8 min 56 s–11 min 12 s) · 10.0 kJ (8.93–11.2) in all · 2.00 gCO2e (1.79–2.24)\n",
		strings.ReplaceAll(looked(), "\r", ""))
	assert.Empty(t, looked(), "nothing is new")
	write(child, parent, lifecycle.Running, foretold(21))
	assert.Empty(t, looked(), "nor is this")
	write(child, parent, lifecycle.Running, foretold(25))
	assert.Contains(t, looked(), "epoch 25 of 50")
	write(child, parent, lifecycle.Complete, foretold(25), foretold(50))
	assert.Empty(t, looked(), "it is over, and the last line tells")
}
