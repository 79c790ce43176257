module github.com/ecotracer/ecotracer/cmd/ecotracer

go 1.26.0

require (
	github.com/ecotracer/ecotracer v0.1.0
	github.com/ecotracer/ecotracer/lifecycle/dataset v0.1.0
	github.com/ecotracer/ecotracer/lifecycle/export v0.1.0
	github.com/ecotracer/ecotracer/tracer/meter/nvml v0.1.0
	github.com/ecotracer/ecotracer/tracer/meter/prom v0.1.0
	github.com/google/uuid v1.6.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e // indirect
	golang.org/x/text v0.14.0 // indirect
)
