// Package scenario computes what devices and AI services come to over years.
package scenario
