//go:build !race

package parquet_test

const underRace = false
