// Package prom meters by the energy counters that a Prometheus endpoint tells.
package prom
