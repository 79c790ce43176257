package prom

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

func TestVariables(t *testing.T) {
	assert.Empty(t, fromEnvironment(noEnv))
	assert.Empty(t, fromEnvironment(env("ECOTRACER_PROM_URL", " ")))
	got := fromEnvironment(env("ECOTRACER_PROM_URL", "http://a/metrics  http://b/metrics", "ECOTRACER_PROM_BEARER_FILE", "t",
		"ECOTRACER_PROM_CA_FILE", "ca", "ECOTRACER_PROM_SERVER_NAME", "kepler", "ECOTRACER_PROM_NODE", "n"))
	require.Len(t, got, 2)
	assert.Equal(t, Config{URL: "http://b/metrics", BearerFile: "t", CAFile: "ca", ServerName: "kepler", Node: "n"}, got[1])
}

// The test binary runs itself, as variables are read when a program starts.
func TestNothingIsRegisteredUnlessAskedFor(t *testing.T) {
	if want, ok := os.LookupEnv("PROM_TEST_WANT"); ok {
		names := ""
		for name, open := range meter.Sources() {
			names += name + " "
			_, err := open(os.DirFS("/"))
			assert.Error(t, err, "port 1 is nobody's")
		}
		assert.Equal(t, want, names)
		return
	}
	for url, want := range map[string]string{
		"": "", "http://127.0.0.1:1/metrics": "prom ", "http://127.0.0.1:1/a http://127.0.0.1:1/b": "prom prom2 ",
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsRegisteredUnlessAskedFor$")
		cmd.Env = append(os.Environ(), "ECOTRACER_PROM_URL="+url, "PROM_TEST_WANT="+want)
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s", out)
	}
}
