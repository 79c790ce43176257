package dataset

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func TestDump(t *testing.T) {
	out := os.Getenv("Q_DUMP")
	if out == "" {
		t.Skip()
	}
	f, err := os.Create(out)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 600 {
		m := usualRun(i)
		switch i % 4 {
		case 1:
			m.task, m.parameters, m.devices, m.seconds, m.hardware, m.country, m.grid = "text-generation", 7e9, 64, 400_000, "NVIDIA A100", "US", 380
		case 2:
			m.task, m.parameters, m.devices, m.seconds, m.watts, m.idle = "tabular-classification", 1e4, 1, 60, 80, 10
			m.hardware, m.hardwareKind, m.training, m.stage, m.method, m.sensor, m.relError = "AMD EPYC 7543", lifecycle.KindCPU, "from-scratch", lifecycle.Training, lifecycle.Modelled, "model", 0.5
			m.boundary = lifecycle.BoundaryComponent
		case 3:
			m.stage, m.unit, m.training, m.seconds, m.parameters = lifecycle.Serving, "requests", "", 86_400, 3e9
		}
		m.precision = []string{"bf16", "fp32"}[i/4%2]
		if m.precision == "bf16" {
			m.watts *= 0.75
		}
		m.seconds *= math.Exp(0.3 * r.NormFloat64())
		m.count = int64(float64(m.count) * m.seconds / 3600 * math.Exp(0.1*r.NormFloat64()))
		m.watts *= math.Exp(0.1 * r.NormFloat64())
		if i%4 < 3 {
			m.evaluations = []lifecycle.Evaluation{{Metric: "f1", Value: 0.6 + 0.03*math.Log(m.seconds) - 0.1*r.Float64()*r.Float64(), Split: "test", Direction: "higher"}}
		}
		switch i {
		case 100:
			m.watts /= 3600
		case 201:
			m.seconds, m.watts = m.seconds*9, 70
		case 303:
			m.held = 8
		case 404:
			m.watts *= 5
		case 405:
			m.status, m.count = lifecycle.Interrupted, m.count/10
		}
		require.NoError(t, lifecycle.EncodeLine(f, m.record(t)))
	}
	require.NoError(t, f.Close())
}
