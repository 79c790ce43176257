module github.com/ecotracer/ecotracer/tracer/meter/prom

go 1.26.0
