package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/calibration"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// calibrated runs the command on a simulated host, in virtual time.
func calibrated(t *testing.T, host *tracertest.Host, out string, asJSON bool) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := &cli{strings.NewReader(""), &results{Writer: &stdout}, &stderr}
	code := c.calibrate(host, time.Minute, out, asJSON)
	return result{code, stdout.String(), stderr.String()}
}

func TestCalibrateFindsTheIdlePowerAndRunsUseIt(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "calibration.json")
	t.Setenv("ECOTRACER_CALIBRATION", out)
	synctest.Test(t, func(t *testing.T) {
		// A host that draws 30 W when idle and 25 W a busy CPU; it comes to rest
		// after half a minute.
		load := tracertest.Constant(2).Then(30*time.Second, tracertest.Constant(0.04))
		config := tracertest.HostConfig{
			Packages: []tracertest.Curve{tracertest.Constant(30).Plus(load.Times(25))},
			Busy:     load, Process: tracertest.Constant(0.01),
		}
		host := tracertest.NewHost(t.TempDir(), config)
		r := calibrated(t, host, out, false)
		require.Equal(t, exitOK, r.code, r.err)
		assert.Contains(t, r.out, "cpu0: 31.0 W idle", "with what 1 % of its CPUs does")
		assert.Contains(t, r.out, out)

		_, run, err := tracer.Begin(t.Context(), append(tracertest.NewHost(t.TempDir(), config).Options(), tracer.Sinks(discard{}))...)
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		rec, err := run.End()
		require.NoError(t, err)
		for _, l := range rec.Ledger {
			if l.Domain == "cpu0" {
				assert.Equal(t, "calibration", l.IdleFound)
				assert.InDelta(t, 31, l.IdleW, 0.01)
			}
			if l.Method == lifecycle.Modelled {
				assert.NotEqual(t, "calibration", l.IdleFound, "a model is not measured")
			}
		}
	})
}

func TestCalibrateRefusesAHostThatIsBusy(t *testing.T) {
	out := filepath.Join(t.TempDir(), "calibration.json")
	synctest.Test(t, func(t *testing.T) {
		r := calibrated(t, tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Busy: tracertest.Constant(2)}), out, true)
		assert.Equal(t, exitFound, r.code)
		assert.Contains(t, r.err, "busy for 50 %")
		assert.Empty(t, r.out)
	})
	assert.NoFileExists(t, out)
}

func TestCalibrateSaysWhatIsLacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := calibrated(t, tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true}), filepath.Join(t.TempDir(), "c"), false)
		assert.Equal(t, exitFound, r.code)
		assert.Contains(t, r.err, "ecotracer doctor")

		idle := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Busy: tracertest.Constant(0)})
		begun := time.Now()
		r = calibrated(t, idle, "/proc/no/where.json", false)
		assert.Zero(t, time.Since(begun), "nobody waits for a minute to learn that")
		assert.Equal(t, exitFound, r.code)
		assert.Contains(t, r.err, "--out")
	})
}

func TestCalibrateAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := calibrated(t, tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Busy: tracertest.Constant(0)}), filepath.Join(t.TempDir(), "c.json"), true)
		require.Equal(t, exitOK, r.code, r.err)
		var c calibration.Calibration
		require.NoError(t, json.Unmarshal([]byte(r.out), &c))
		assert.InDelta(t, 20, c.IdleW["cpu0"], 1e-6)
		assert.NotEmpty(t, c.Host.CPU)
	})
}
