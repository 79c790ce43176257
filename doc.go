// Package ecotracer embeds tracer hooks in ML and data pipelines.
package ecotracer
