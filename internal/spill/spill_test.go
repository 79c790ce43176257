package spill

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEntriesAreInTheOrderOfTheirKeysWhateverFitsIntoMemory(t *testing.T) {
	for _, most := range []int{1, 100, 1 << 20} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			dir := t.TempDir()
			s := New(dir)
			s.most = most
			var mu sync.Mutex
			var want []string
			var all sync.WaitGroup
			for g := range 4 {
				all.Go(func() {
					rng := rand.New(rand.NewPCG(1, uint64(g)))
					for i := range 50 {
						key := fmt.Sprintf("%d-%d-%d", rng.IntN(1000), g, i)
						value := bytes.Repeat([]byte(key), rng.IntN(3))
						assert.NoError(t, s.Add([]byte(key), value))
						mu.Lock()
						want = append(want, key+"="+string(value))
						mu.Unlock()
					}
				})
			}
			all.Wait()
			slices.SortFunc(want, func(a, b string) int {
				return bytes.Compare([]byte(a[:bytes.IndexByte([]byte(a), '=')]), []byte(b[:bytes.IndexByte([]byte(b), '=')]))
			})
			var got []string
			require.NoError(t, s.Each(func(key, value []byte) error {
				got = append(got, string(key)+"="+string(value))
				return nil
			}))
			assert.Equal(t, want, got)
			require.NoError(t, s.Close())
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestAFolderThatCannotBeWrittenToIsToldOf(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "absent"))
	s.most = 1
	require.NoError(t, s.Add([]byte("a"), nil))
	assert.ErrorContains(t, s.Add([]byte("b"), nil), "choose another folder")
	assert.ErrorIs(t, s.Each(func([]byte, []byte) error { return nil }), os.ErrNotExist)
	assert.NoError(t, s.Close())
}

func TestWhoTakesEntriesMayStop(t *testing.T) {
	stop := errors.New("enough")
	for _, most := range []int{1, 1000} {
		s := New(t.TempDir())
		s.most = most
		for _, key := range []string{"b", "a", "c"} {
			require.NoError(t, s.Add([]byte(key), nil))
		}
		n := 0
		assert.Equal(t, stop, s.Each(func([]byte, []byte) error { n++; return stop }))
		assert.Equal(t, 1, n)
		assert.NoError(t, s.Close())
	}
}

func TestOfLargeEntriesOneIsInMemory(t *testing.T) {
	s := New(t.TempDir())
	s.most = 1
	const size, n = 1 << 20, 16
	for i := range byte(n) {
		require.NoError(t, s.Add([]byte{i}, make([]byte, size)))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, s.Each(func(_, value []byte) error {
		assert.Len(t, value, size)
		return nil
	}))
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(n*size/2))
	assert.NoError(t, s.Close())
}
