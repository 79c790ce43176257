module github.com/ecotracer/ecotracer/lifecycle/export

go 1.26.0

require (
	github.com/ecotracer/ecotracer v0.1.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v4 v4.0.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.14.0 // indirect
require golang.org/x/text v0.14.0 // indirect

require (
)
