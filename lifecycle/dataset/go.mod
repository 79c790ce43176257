module github.com/ecotracer/ecotracer/lifecycle/dataset

go 1.26.0
