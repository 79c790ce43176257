//go:build linux && (amd64 || arm64) && !race

package nvml_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

func TestReadAllocatesNothing(t *testing.T) {
	s := &nvmltest.Script{GPUs: []nvmltest.GPU{nvmltest.H100(0), nvmltest.P100(1), nvmltest.GH200(2, 100)}}
	for i := range s.GPUs {
		s.GPUs[i].Processes = []nvmltest.Process{{PID: os.Getpid(), SM: 10}, {PID: other, SM: 20}}
	}
	s.Start(t)
	m, err := nvml.Open(nvml.Config{})
	require.NoError(t, err)
	defer m.Close()
	samples := make([]meter.Sample, 0, 8)
	assert.Less(t, testing.AllocsPerRun(100, func() {
		if _, err := m.Read(samples[:0]); err != nil {
			t.Error(err)
		}
	}), 1.0)
}
