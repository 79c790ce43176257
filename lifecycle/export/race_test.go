//go:build race

package export

// raced tells that the race detector looks on: fewer records do then.
const raced = true
