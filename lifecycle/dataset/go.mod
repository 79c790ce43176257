module github.com/ecotracer/ecotracer/lifecycle/dataset

go 1.26.0

require (
	github.com/ecotracer/ecotracer v0.1.0
	github.com/google/uuid v1.6.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/klauspost/compress v1.20.3
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
