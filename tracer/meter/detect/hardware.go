package detect

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// The makers of GPUs.
const (
	nvidia = "NVIDIA"
	amd    = "AMD"
	intel  = "Intel"
)

// vendors are the makers by their PCI numbers. What else sits in a drm folder
// only draws a console, as the chip in a server's BMC does.
var vendors = map[string]string{"0x10de": nvidia, "0x1002": amd, "0x8086": intel}

// gpu is a GPU that the kernel shows.
type gpu struct {
	vendor string
	model  string // "" if the kernel does not tell
	pci    string // address, as sysfs writes it
}

// missHardware lists the GPUs that the kernel shows and no meter counts.
func (r *Report) missHardware(root fs.FS) {
	left := unmetered(gpusOf(root), r.Domains)
	numbers := map[gpu]int{}
	var kinds []gpu // in the order in which they come
	for _, g := range left {
		g.pci = ""
		if numbers[g]++; numbers[g] == 1 {
			kinds = append(kinds, g)
		}
	}
	in, node := "", r.node()
	if node != "" {
		in = "; what they draw is in " + node
	}
	for _, g := range kinds {
		name := g.model
		if !strings.HasPrefix(name, g.vendor) {
			name = strings.TrimSpace(g.vendor + " " + name)
		}
		r.Missing = append(r.Missing, meter.Missing{
			What: "gpu " + name,
			Why:  fmt.Sprintf("the kernel shows %d, and no meter counts them", numbers[g]) + inCPU[g.vendor] + in,
			Fix:  mendOf(g.vendor),

			Uncounted: node == "",
		})
	}
}

// inCPU is said of vendors whose graphics may be on the processor.
var inCPU = map[string]string{amd: " (graphics inside a CPU are part of its package)"}

// mendOf is what would let a vendor's GPUs be counted.
func mendOf(vendor string) string {
	const own = ", or pass a meter of your own to the run (tracer.Meters)"
	switch vendor {
	case nvidia:
		for name := range meter.Sources() {
			if name == "nvml" {
				return "see what the NVIDIA driver tells (nvidia-smi)" + own
			}
		}
		return `in the program: import _ "github.com/ecotracer/ecotracer/tracer/meter/nvml"`
	case amd:
		return "load the amdgpu driver, which tells the power of most cards" + own
	default:
		// Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon.
		return "Linux 6.2 or later, where the drivers i915 and xe tell the energy of cards" + own
	}
}

// unmetered are the GPUs that no domain tells: neither by address nor, of those
// that do not say where they are, by number.
func unmetered(gpus []gpu, domains []Found) []gpu {
	told := map[string]bool{} // by address
	number := map[string]int{}
	for _, d := range domains {
		// A driver of graphics may tell of the processor that they are on.
		onCPU := d.Kind == lifecycle.KindCPU && slices.Contains([]string{"amdgpu", "i915", "xe"}, d.Sensor)
		if d.Kind != lifecycle.KindGPU && !onCPU || d.LeftOut != "" && d.LeftOut != "contained" {
			continue
		}
		if at := pciAddress(d.Path); at != "" {
			told[at] = true
		} else {
			number[vendorOf(d.Domain)]++
		}
	}
	var left []gpu
	for _, g := range gpus {
		switch {
		case told[g.pci]:
		case number[g.vendor] > 0:
			number[g.vendor]--
		default:
			left = append(left, g)
		}
	}
	return left[min(number[""], len(left)):]
}

// vendorOf guesses who made a domain's GPU; "" if nothing tells.
func vendorOf(d meter.Domain) string {
	for _, text := range []string{d.Sensor, d.Tool, d.Model} {
		text = strings.ToLower(text)
		for _, v := range []struct{ word, vendor string }{
			{"nvml", nvidia}, {"nvidia", nvidia}, {"dcgm", nvidia}, {"amd", amd}, {"radeon", amd}, {"i915", intel}, {"xe", intel}, {"intel", intel},
		} {
			if strings.Contains(text, v.word) {
				return v.vendor
			}
		}
	}
	return ""
}

// gpusOf lists the GPUs that the drivers show, each once. Graphics on an Intel
// processor, always at the same address, are part of its package.
func gpusOf(root fs.FS) []gpu {
	gpus := nvidiaGPUs(root)
	known := map[string]bool{"0000:00:02.0": true}
	for _, g := range gpus {
		known[g.pci] = true
	}
	cards, _ := fs.ReadDir(root, "sys/class/drm") // none without graphics
	for _, c := range cards {
		if name := c.Name(); !strings.HasPrefix(name, "card") || strings.Contains(name, "-") {
			continue // an outlet of a card: card0-HDMI-A-1
		}
		dir := path.Join("sys/class/drm", c.Name(), "device")
		b, _ := host.ReadFile(root, path.Join(dir, "vendor"), 16)
		g := gpu{vendor: vendors[strings.TrimSpace(string(b))]}
		b, _ = host.ReadFile(root, path.Join(dir, "uevent"), 4096)
		for line := range strings.Lines(string(b)) {
			if slot, ok := strings.CutPrefix(line, "PCI_SLOT_NAME="); ok {
				g.pci = pciAddress(strings.TrimSpace(slot))
			}
		}
		if g.vendor != "" && (g.pci == "" || !known[g.pci]) {
			known[g.pci] = true
			gpus = append(gpus, g)
		}
	}
	return gpus
}

// nvidiaGPUs are the GPUs that the NVIDIA driver shows: its folder of each also
// holds serial numbers, which are not read on.
func nvidiaGPUs(root fs.FS) []gpu {
	const dir = "proc/driver/nvidia/gpus"
	entries, _ := fs.ReadDir(root, dir) // none without the driver
	var gpus []gpu
	for _, e := range entries {
		g := gpu{vendor: nvidia, pci: pciAddress(e.Name())}
		b, _ := host.ReadFile(root, path.Join(dir, e.Name(), "information"), 4096)
		for line := range strings.Lines(string(b)) {
			if value, ok := strings.CutPrefix(line, "Model:"); ok {
				g.model = strings.Join(strings.Fields(value), " ")
			}
		}
		gpus = append(gpus, g)
	}
	return gpus
}
