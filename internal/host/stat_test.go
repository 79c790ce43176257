package host_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/hosttest"
)

func TestStatTellsBusyTime(t *testing.T) {
	tests := map[string]struct {
		text string
		busy time.Duration
		cpus int
	}{
		"user, nice, system, irq and softirq are busy": {"cpu  100 20 3 5000 400 7 8 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n", 1380 * time.Millisecond, 2},
		"idle, waiting and stolen time are not":        {"cpu  0 0 0 5000 400 0 0 300 0 0\ncpu0 1\n", 0, 1},
		"guests are counted once":                      {"cpu  100 50 0 0 0 0 0 0 90 40\ncpu0 1\n", 1500 * time.Millisecond, 1},
		"old kernels tell four fields":                 {"cpu 1 2 3 4\ncpu0 1 2 3 4\n", 60 * time.Millisecond, 1},
		"later kernels may tell more":                  {"cpu  1 0 0 0 0 0 0 0 0 0 99 99\ncpu0\ncpu1\ncpu2\n", 10 * time.Millisecond, 3},
		"CPUs that are offline have no line":           {"cpu  1 0 0 0 0\ncpu0 1\ncpu3 1\nintr\ncpu9\n", 10 * time.Millisecond, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := host.OpenStat(fstest.MapFS{"proc/stat": {Data: []byte(test.text)}})
			require.NoError(t, err)
			busy, cpus, err := s.Read()
			require.NoError(t, err)
			assert.Equal(t, test.busy, busy)
			assert.Equal(t, test.cpus, cpus)
		})
	}
}

func TestStatOfHosts(t *testing.T) {
	for name, cpus := range map[string]int{"laptop-intel": 8, "server-multi-die": 192, "vm-aws": 4, "board-arm": 4} {
		s, err := host.OpenStat(hosttest.Open(t, name))
		require.NoError(t, err, name)
		busy, n, err := s.Read()
		require.NoError(t, err, name)
		assert.Equal(t, cpus, n, name)
		assert.Equal(t, time.Duration(cpus)*(1000+10+500+5)*10*time.Millisecond, busy, name)
		require.NoError(t, s.Close())
	}
}

func TestStatThatIsMissingOrGarbledIsAnError(t *testing.T) {
	_, err := host.OpenStat(fstest.MapFS{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, text := range []string{"", "\n", "cpu", "cpu  \n", "cpu  1 2 3\n", "cpu0 1 2 3 4\n", "cpu  1 2 x 4 5\n", "cpu  1 2 -3 4 5\n", "cpu  18446744073709551615 0 0 0\n", "intr 1\n"} {
		_, err := host.OpenStat(fstest.MapFS{"proc/stat": {Data: []byte(text)}})
		require.ErrorContains(t, err, "CPU times", "%q", text)
	}
}

func TestBusyTimeNeverFalls(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "proc", "stat")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o644)) }
	write("cpu  100 0 0 0 0\ncpu0\n")
	s, err := host.OpenStat(os.DirFS(dir))
	require.NoError(t, err)
	defer s.Close()
	write("cpu  99 0 0 0 0\ncpu0\n")
	busy, _, err := s.Read()
	require.NoError(t, err)
	assert.Equal(t, time.Second, busy)
	write("garbage")
	busy, _, err = s.Read()
	require.Error(t, err)
	assert.Equal(t, time.Second, busy, "what was told stays")
}

func TestStatIsReadWithoutAllocation(t *testing.T) {
	s, err := host.OpenStat(hosttest.Open(t, "server-multi-die"))
	require.NoError(t, err)
	defer s.Close()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, _, err := s.Read(); err != nil {
			t.Fatal(err)
		}
	}))
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("cpu  100 20 3 5000 400 7 8 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n"))
	f.Add([]byte("cpu  \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := host.OpenStat(fstest.MapFS{"proc/stat": {Data: text}})
		if err != nil {
			return
		}
		busy, cpus, err := s.Read()
		require.NoError(t, err)
		assert.GreaterOrEqual(t, busy, time.Duration(0), "busy time is not negative")
		assert.Positive(t, cpus, "there is a CPU")
	})
}
