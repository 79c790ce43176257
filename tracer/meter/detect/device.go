package detect

import (
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// same tells whether two sources speak of the same device: by UUID where both
// know it, by PCI address where both know that, else by kind and number.
func same(a, b *meter.Domain) bool {
	if a.Kind != b.Kind || isRest(a) != isRest(b) {
		return false
	}
	if a.Kind == lifecycle.KindNode {
		return a.Device == b.Device
	}
	if a.UUID != "" && b.UUID != "" {
		return strings.EqualFold(a.UUID, b.UUID)
	}
	if at, bt := pciAddress(a.Path), pciAddress(b.Path); at != "" && bt != "" {
		return at == bt
	}
	// Some tell several together, as Kepler does the sockets.
	return a.Device < b.Device+max(b.Count, 1) && b.Device < a.Device+max(a.Count, 1)
}

// pciAddress is the last PCI address in a path, as sysfs writes it
// (0000:17:00.0), or "". NVML writes the number of the bus domain with eight
// digits.
func pciAddress(path string) string {
	for i := len(path) - len("0000:17:00.0"); i >= 0; i-- {
		a := path[i : i+len("0000:17:00.0")]
		if !isPCI(a) || i+len(a) < len(path) && isHex(path[i+len(a)]) {
			continue
		}
		return strings.ToLower(a)
	}
	return ""
}

func isPCI(a string) bool {
	for i := range len(a) {
		switch {
		case i == 4 || i == 7:
			if a[i] != ':' {
				return false
			}
		case i == 10:
			if a[i] != '.' {
				return false
			}
		case !isHex(a[i]):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
