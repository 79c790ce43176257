//go:build race

package lifecycle

// raced reports whether the race detector is on. It makes all ten times as
// slow, and has nothing to find in one record that it would not in another.
const raced = true
