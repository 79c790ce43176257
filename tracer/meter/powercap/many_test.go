package powercap_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
)

// many is a host with 32 dies that count apart, each with its memory: 64 zones,
// as many as there are on the largest machines.
func many(t testing.TB) fs.FS {
	dir := t.TempDir()
	for pkg := range 8 {
		for die := range 4 {
			id := fmt.Sprintf("intel-rapl:%d", 4*pkg+die)
			for zone, name := range map[string]string{id: fmt.Sprintf("package-%d-die-%d", pkg, die), id + ":0": "dram"} {
				folder := filepath.Join(dir, "sys/class/powercap", zone)
				require.NoError(t, os.MkdirAll(folder, 0o755))
				for file, text := range map[string]string{"name": name, "energy_uj": fmt.Sprint(uint64(50e9) + uint64(4*pkg+die)*1e9), "max_energy_range_uj": "262143328850"} {
					require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text+"\n"), 0o644))
				}
			}
		}
	}
	return os.DirFS(dir)
}

func TestManyZonesAreReadWithoutAllocation(t *testing.T) {
	m := open(t, many(t))
	dst := make([]meter.Sample, 0, 64)
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		var err error
		if dst, err = m.Read(dst[:0]); err != nil || len(dst) != 64 {
			t.Fatal(len(dst), err)
		}
	}))
}

func BenchmarkOpen(b *testing.B) {
	for name, root := range map[string]fs.FS{"64 zones": many(b), "desktop-amd-dies": hosttest.Open(b, "desktop-amd-dies"), "server-multi-die": hosttest.Open(b, "server-multi-die")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := powercap.Open(root)
				if err != nil {
					b.Fatal(err)
				}
				_ = m.Close()
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for name, root := range map[string]fs.FS{"64 zones": many(b), "8 zones": hosttest.Open(b, "server-multi-die")} {
		b.Run(name, func(b *testing.B) {
			m := open(b, root)
			var dst []meter.Sample
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = m.Read(dst[:0])
			}
		})
	}
}
