//go:build linux && (amd64 || arm64)

package nvml

import (
	"errors"
	"fmt"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// what is what every reason for having no meter is about.
const what = "nvml"

func missingDriver() error {
	return &meter.Missing{What: what, Why: "there is no NVIDIA driver", Err: meter.ErrNoHardware}
}

func missingHost() error {
	return &meter.Missing{What: what, Why: "the driver of another host cannot be asked from here"}
}

func missingAnswer() error {
	return &meter.Missing{What: what, Why: "the NVIDIA driver does not answer", Fix: "see what nvidia-smi and the kernel's log say; a GPU may have to be reset"}
}

// missingPanic says that opening went wrong in a way that nobody thought of.
func missingPanic(p any) error {
	return &meter.Missing{What: what, Why: fmt.Sprintf("opening the meter panicked: %v", p)}
}

// missingInit says why the library cannot be used.
func missingInit(r result) error {
	return &meter.Missing{What: what, Why: "the NVIDIA driver cannot be used: " + r.String(), Fix: fixOf(r), Err: r}
}

// missingGPUs says why there is none.
func missingGPUs(r result, count uint32) error {
	switch {
	case r != success:
		return &meter.Missing{What: what, Why: "the NVIDIA driver does not tell its GPUs: " + r.String(), Fix: fixOf(r), Err: r}
	case count > mostGPUs:
		return &meter.Missing{What: what, Why: "the NVIDIA driver tells more GPUs than can be"}
	}
	return &meter.Missing{What: what, Why: "the NVIDIA driver shows no GPU", Fix: "give the container its GPUs (docker run --gpus all), or see what nvidia-smi says"}
}

// fixOf is what would mend a result.
func fixOf(r result) string {
	switch r {
	case driverNotLoaded:
		return "as root: modprobe nvidia"
	case versionMismatch:
		return "the driver was updated while it was in use: restart the machine, or unload the NVIDIA kernel modules and load them again"
	case noPermission, operatingSystem:
		return "give this user and its container access to /dev/nvidiactl and /dev/nvidia0, /dev/nvidia1, …"
	case libraryNotFound, functionNotFound:
		return "install the NVIDIA driver and its library anew, of one version"
	case gpuIsLost, resetRequired:
		return "as root: nvidia-smi --gpu-reset, or restart the machine"
	}
	return ""
}

// missingLibrary says why the library could not be loaded.
func missingLibrary(err error) error {
	m := &meter.Missing{What: what, Err: err}
	symbol := symbolError("")
	switch {
	case errors.As(err, &symbol):
		m.Why = "the driver's library is too old or is none: " + symbol.Error()
		m.Fix = "update the NVIDIA driver"
	case named() != "":
		m.Why = "the library that " + EnvLibrary + " names cannot be loaded"
		m.Fix = "unset " + EnvLibrary + ", or name a libnvidia-ml.so.1 for this processor"
	default:
		m.Why = "there is an NVIDIA driver, and its library libnvidia-ml.so.1 cannot be loaded"
		m.Fix = "install it (it comes with nvidia-smi: package libnvidia-compute, libnvidia-ml1 or nvidia-driver-cuda-libs); in a container set NVIDIA_DRIVER_CAPABILITIES=utility,compute"
	}
	return m
}
