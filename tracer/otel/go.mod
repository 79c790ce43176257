module github.com/ecotracer/ecotracer/tracer/otel

go 1.26.0

require github.com/ecotracer/ecotracer v0.1.0
