//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"encoding/csv"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// TestTrueDriver holds the driver of this machine, if it has one, to the rules,
// and what is told of its GPUs to what nvidia-smi tells.
func TestTrueDriver(t *testing.T) {
	t.Setenv(nvml.EnvLibrary, "")
	m, err := nvml.Open(nvml.Config{All: true})
	if errors.Is(err, meter.ErrNoHardware) {
		t.Skip("this machine has no NVIDIA driver")
	}
	require.NoError(t, err)
	require.NoError(t, m.Close())
	tracertest.TestMeter(t, func() (meter.Meter, error) { return nvml.Open(nvml.Config{All: true}) })

	smi, err := exec.LookPath("nvidia-smi")
	if err != nil {
		t.Skip("this machine has no nvidia-smi to compare with")
	}
	out, err := exec.Command(smi, "--query-gpu=uuid,name,pci.bus_id,driver_version,memory.total,enforced.power.limit", "--format=csv,noheader,nounits").Output()
	require.NoError(t, err)
	rows := csv.NewReader(strings.NewReader(string(out)))
	rows.TrimLeadingSpace = true
	table, err := rows.ReadAll()
	require.NoError(t, err)
	byUUID := map[string]meter.Domain{}
	for _, d := range m.Domains() {
		byUUID[d.UUID] = d
	}
	for _, row := range table {
		d, ok := byUUID[row[0]]
		require.True(t, ok, "nvidia-smi knows another GPU")
		assert.Equal(t, row[1], d.Model)
		assert.Equal(t, row[2], d.Path)
		assert.Equal(t, row[3], d.Version)
		if mib, err := strconv.ParseFloat(row[4], 64); err == nil {
			assert.InEpsilon(t, mib*(1<<20), float64(d.MemoryBytes), 0.01)
		}
		if watts, err := strconv.ParseFloat(row[5], 64); err == nil {
			assert.InDelta(t, watts, d.PowerLimitW, 1)
		}
	}
}
