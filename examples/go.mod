module github.com/ecotracer/ecotracer/examples

go 1.26.0

require (
	github.com/ecotracer/ecotracer v0.1.0
	github.com/stretchr/testify v1.12.1
	gonum.org/v1/gonum v0.17.0
)
