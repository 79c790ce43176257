// Package otel joins runs and OpenTelemetry, both ways.
package otel
