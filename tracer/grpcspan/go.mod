module github.com/ecotracer/ecotracer/tracer/grpcspan

go 1.26.0

require github.com/ecotracer/ecotracer v0.1.0
