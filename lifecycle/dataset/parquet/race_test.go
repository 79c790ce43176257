//go:build race

package parquet_test

// underRace is whether the race detector makes all slow.
const underRace = true
