package calibration_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/calibration"
	"github.com/ecotracer/ecotracer/internal/host"
)

var facts = host.Facts{CPU: host.CPU{Model: "AMD EPYC 7543 32-Core Processor", Sockets: 2, Threads: 128}, MemoryBytes: 512 << 30}

func encoded(t testing.TB, c calibration.Calibration) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, c.Encode(&b))
	return b.String()
}

func read(text string, f host.Facts) (map[string]float64, error) {
	return calibration.Read(fstest.MapFS{calibration.Path: {Data: []byte(text)}}, calibration.Path, f)
}

func TestWhatWasMeasuredIsFoundAgain(t *testing.T) {
	idle := map[string]float64{"cpu0": 41.5, "gpu3": 62}
	text := encoded(t, calibration.New(facts, time.Now(), idle))
	got, err := read(text, facts)
	require.NoError(t, err)
	assert.Equal(t, idle, got)

	f := facts
	f.MemoryBytes -= 1 << 30 // the kernel's own
	_, err = read(text, f)
	require.NoError(t, err, "a machine of the same kind")
	for name, other := range map[string]func(*host.Facts){
		"CPU":     func(f *host.Facts) { f.CPU.Model = "Intel(R) Xeon(R) Gold 6230" },
		"sockets": func(f *host.Facts) { f.CPU.Sockets = 1 },
		"threads": func(f *host.Facts) { f.CPU.Threads = 64 },
		"memory":  func(f *host.Facts) { f.MemoryBytes = 256 << 30 },
	} {
		f := facts
		other(&f)
		_, err := read(text, f)
		require.ErrorIs(t, err, calibration.ErrOther, "another %s", name)
	}
	none, err := calibration.Read(fstest.MapFS{}, calibration.Path, facts)
	require.NoError(t, err, "most hosts have none")
	assert.Empty(t, none)
}

func TestWhatIsNoCalibrationIsTold(t *testing.T) {
	good := encoded(t, calibration.New(facts, time.Now(), map[string]float64{"cpu0": 40}))
	for name, text := range map[string]string{
		"empty":         "",
		"garbage":       "idle: 40 W",
		"another form":  strings.Replace(good, ":v1", ":v9", 1),
		"no power":      strings.Replace(good, "40", "-40", 1),
		"zero":          strings.Replace(good, ": 40", ": 0", 1),
		"unknown field": strings.Replace(good, `"idle_w"`, `"idle_kw"`, 1),
	} {
		_, err := read(text, facts)
		require.ErrorContains(t, err, calibration.Path, name)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encoded(f, calibration.New(facts, time.Unix(0, 0), map[string]float64{"cpu0": 40})))
	f.Fuzz(func(t *testing.T, text string) {
		idle, err := read(text, facts)
		if err != nil {
			return
		}
		for _, w := range idle {
			assert.Positive(t, w)
		}
	})
}
