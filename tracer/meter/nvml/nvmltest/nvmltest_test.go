package nvmltest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTruthOfAPlantIsTheSumOfItsSteps(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	g := GPU{Plant: []Step{{at, 100}, {at.Add(10 * time.Second), 300}, {at.Add(20 * time.Second), 50}}}
	for after, want := range map[time.Duration]float64{
		-time.Hour: 0, 0: 0, 5 * time.Second: 500, 10 * time.Second: 1000, 15 * time.Second: 2500, 20 * time.Second: 4000, time.Minute: 6000,
	} {
		assert.Equal(t, want, g.EnergyJ(at.Add(after)), "after %v", after)
	}
}

func TestGPUsOfAFleetAreToldApart(t *testing.T) {
	s := Fleet(64, H100)
	seen := map[string]bool{}
	for _, g := range s.GPUs {
		assert.Len(t, g.UUID, len("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"))
		assert.False(t, seen[g.UUID] || seen[g.PCI])
		seen[g.UUID], seen[g.PCI] = true, true
	}
}
