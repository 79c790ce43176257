//go:build !linux || !(amd64 || arm64) || nonvml

package main

// meterGPUs does nothing: this command is built without NVIDIA GPUs.
func (p *program) meterGPUs(string) {}
