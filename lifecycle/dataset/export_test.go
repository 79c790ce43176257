package dataset

import "testing"

// Forgetful has readings keep next to nothing in memory.
func Forgetful(t testing.TB) {
	was := inMemory
	inMemory.log, inMemory.notes = 300, 7
	t.Cleanup(func() { inMemory = was })
}
