module github.com/ecotracer/ecotracer/tracer/meter/nvml

go 1.26.0
