//go:build !linux || !(amd64 || arm64)

package nvml_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
)

func TestOtherPlatformsAreToldThatTheyAreNotMetered(t *testing.T) {
	_, err := nvml.Open(nvml.Config{})
	var m *meter.Missing
	require.ErrorAs(t, err, &m)
	assert.Contains(t, m.Why, "Linux")
}
