package powercap

import (
	"errors"
	"io/fs"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// missing says why there is no counter on this host, and what would mend it.
func missing(root fs.FS, err error) error {
	m := &meter.Missing{What: "rapl", Err: err}
	facts := host.Read(root)
	hidden := (*hiddenError)(nil)
	switch {
	case facts.OS != "linux":
		m.Why = "the counters are read from " + class + ", which only Linux has"
	case errors.As(err, &hidden) && facts.Container:
		m.Why = "the container hides the counters of its host"
		m.Fix = "start the container with --security-opt systempaths=unconfined (Docker) or procMount: Unmasked (Kubernetes), and as root"
	case errors.As(err, &hidden):
		m.Why = "the zones in " + class + " cannot be looked into: " + reason(err)
	case errors.Is(err, fs.ErrPermission):
		m.Why = class + " is not readable"
		m.Fix = "run as root, or with CAP_DAC_READ_SEARCH"
	case !errors.Is(err, fs.ErrNotExist):
		m.Why = class + " cannot be read: " + reason(err)
	case facts.VM:
		m.Why = "a virtual machine does not show the counters of its host"
	case facts.CPU.Vendor == "Intel" || facts.CPU.Vendor == "AMD":
		m.Why = "the kernel shows no counters in " + class
		m.Fix = "as root: modprobe intel_rapl_msr (it also serves AMD; Linux 5.8 or later)"
	default:
		m.Why = "this CPU has no RAPL counters"
	}
	return m
}
