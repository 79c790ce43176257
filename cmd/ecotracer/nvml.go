//go:build linux && (amd64 || arm64) && !nonvml

package main

// NVIDIA GPUs are metered. The tag nonvml leaves them out, and with cgo off
// makes the command static again.
import _ "github.com/ecotracer/ecotracer/tracer/meter/nvml"
