//go:build linux && (amd64 || arm64) && !nonvml

package main

import (
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
)

// meterGPUs has the run tell what the program and its descendants use of the
// NVIDIA GPUs. The tag nonvml leaves them out, and with cgo off makes the
// command static again.
func (p *program) meterGPUs(scope string) {
	nvml.Use(nvml.Config{PIDs: p.tree.pids, All: lifecycle.Scope(scope) == lifecycle.ScopeMachine})
}
