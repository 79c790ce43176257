//go:build !race

package recordtest_test

const raced = false
