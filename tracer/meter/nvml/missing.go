package nvml

import (
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

func missingPlatform(system string) error {
	return &meter.Missing{What: what, Why: fmt.Sprintf("NVIDIA GPUs are metered on Linux on amd64 and arm64, and this is %s", system)}
}
