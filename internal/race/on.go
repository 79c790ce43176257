//go:build race

package race

// On tells that the race detector looks on.
const On = true
