package detect

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// missHardware lists the accelerators that the kernel shows and no meter
// counts.
func (r *Report) missHardware(root fs.FS) {
	metered := 0
	for _, d := range r.Domains {
		if d.Kind == lifecycle.KindGPU && d.LeftOut == "" {
			metered++
		}
	}
	nvidia, amd := nvidiaModels(root), amdCards(root)
	if metered >= len(nvidia)+amd {
		return
	}
	for _, m := range counts(nvidia) {
		r.Missing = append(r.Missing, meter.Missing{
			What: "gpu " + m.what,
			Why:  fmt.Sprintf("the kernel shows %d, and no meter counts them", m.count),
			Fix:  noMeter,
		})
	}
	if amd > 0 {
		r.Missing = append(r.Missing, meter.Missing{
			What: "gpu AMD",
			Why:  fmt.Sprintf("the kernel shows %d, and no meter counts them (graphics inside a CPU are part of its package)", amd),
			Fix:  noMeter,
		})
	}
}

// noMeter is what mends hardware for which no meter comes with the library.
const noMeter = "no meter for them comes with this version: pass one of your own to the run (tracer.Meters), or register it (meter.Register)"

// nvidiaModels are the models of the GPUs that the NVIDIA driver shows: its
// folder of each also holds serial numbers, which are not read on.
func nvidiaModels(root fs.FS) []string {
	const dir = "proc/driver/nvidia/gpus"
	entries, _ := fs.ReadDir(root, dir) // none without the driver
	var models []string
	for _, e := range entries {
		model := "NVIDIA"
		b, _ := host.ReadFile(root, path.Join(dir, e.Name(), "information"), 4096)
		for line := range strings.Lines(string(b)) {
			if value, ok := strings.CutPrefix(line, "Model:"); ok {
				model = strings.Join(strings.Fields(value), " ")
			}
		}
		models = append(models, model)
	}
	return models
}

// amdCards counts the graphics cards that the amdgpu driver shows.
func amdCards(root fs.FS) int {
	entries, _ := fs.ReadDir(root, "sys/class/drm") // none without graphics
	cards := 0
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, "card") || strings.Contains(name, "-") {
			continue // an outlet of a card: card0-HDMI-A-1
		}
		b, _ := host.ReadFile(root, path.Join("sys/class/drm", e.Name(), "device/vendor"), 16)
		if strings.TrimSpace(string(b)) == "0x1002" {
			cards++
		}
	}
	return cards
}

type count struct {
	what  string
	count int
}

// counts tells how often each occurs, in the order in which they come.
func counts(list []string) []count {
	var out []count
next:
	for _, s := range list {
		for i := range out {
			if out[i].what == s {
				out[i].count++
				continue next
			}
		}
		out = append(out, count{s, 1})
	}
	return out
}
