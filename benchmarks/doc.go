// Package benchmarks measures the tracer side by side with its peers.
package benchmarks
