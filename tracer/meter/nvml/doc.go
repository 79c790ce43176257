// Package nvml meters NVIDIA GPUs by the driver's management library.
package nvml
