// Package spill sorts what does not fit into memory.
package spill

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// held is how many bytes of entries are in memory; more are in a temporary file.
const held = 16 << 20

// Sorter sorts entries by their keys. Add may be called by several goroutines at
// once, and Each once, after all of them; entries of one key are in no order.
type Sorter struct {
	dir  string
	most int

	mu     sync.Mutex
	bytes  []byte
	list   []entry
	file   *os.File
	end    int64
	chunks []chunk
	err    error
}

// entry is where a key is, with its value behind.
type entry struct{ key, value, end int }

// chunk are sorted entries in the file.
type chunk struct{ at, n int64 }

// New makes a Sorter with its file in a folder, "" for the system's own.
func New(dir string) *Sorter { return &Sorter{dir: dir, most: held} }

// Add adds an entry, of which it keeps a copy.
func (s *Sorter) Add(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && len(s.bytes) > 0 && len(s.bytes)+len(key)+len(value) > s.most {
		s.err = s.flush()
	}
	if s.err != nil {
		return s.err
	}
	at := len(s.bytes)
	s.bytes = append(append(s.bytes, key...), value...)
	s.list = append(s.list, entry{at, at + len(key), len(s.bytes)})
	return nil
}

func (s *Sorter) sort() {
	slices.SortFunc(s.list, func(a, b entry) int {
		return bytes.Compare(s.bytes[a.key:a.value], s.bytes[b.key:b.value])
	})
}

// flush writes what is in memory to the file.
func (s *Sorter) flush() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot keep what does not fit into memory (choose another folder for temporary files): %w", err)
		}
	}()
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, "ecotracer-sort-*"); err != nil {
			return err
		}
		_ = os.Remove(s.file.Name()) // fails on Windows, where Close does it
	}
	s.sort()
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.end), 256<<10)
	n := int64(0)
	var head [2 * binary.MaxVarintLen64]byte
	for _, e := range s.list {
		h := binary.AppendUvarint(binary.AppendUvarint(head[:0], uint64(e.value-e.key)), uint64(e.end-e.value))
		n += int64(len(h) + e.end - e.key)
		_, _ = w.Write(h) // Flush tells
		_, _ = w.Write(s.bytes[e.key:e.end])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.chunks = append(s.chunks, chunk{s.end, n})
	s.end += n
	s.bytes, s.list = s.bytes[:0], s.list[:0]
	return nil
}

// Each hands over all entries in the order of their keys, each for the time of
// the call.
func (s *Sorter) Each(use func(key, value []byte) error) error {
	if s.err != nil {
		return s.err
	}
	if len(s.chunks) == 0 {
		s.sort()
		for _, e := range s.list {
			if err := use(s.bytes[e.key:e.value], s.bytes[e.value:e.end]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.bytes, s.list = nil, nil
	var value []byte
	var open cursors
	size := min(max(s.most/len(s.chunks), 4<<10), 256<<10)
	for _, c := range s.chunks {
		r := &cursor{in: bufio.NewReaderSize(io.NewSectionReader(s.file, c.at, c.n), size)}
		if err := r.next(); err == io.EOF {
			continue
		} else if err != nil {
			return err
		}
		open = append(open, r)
	}
	heap.Init(&open)
	for len(open) > 0 {
		c := open[0]
		var err error
		if value, err = c.read(value, c.value); err != nil {
			return err
		}
		if err := use(c.key, value); err != nil {
			return err
		}
		switch err := c.next(); err {
		case nil:
			heap.Fix(&open, 0)
		case io.EOF:
			heap.Pop(&open)
		default:
			return err
		}
	}
	return nil
}

// Close removes the file.
func (s *Sorter) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// cursor goes through a chunk, with a key in memory and its value still to be read.
type cursor struct {
	in    *bufio.Reader
	key   []byte
	value uint64 // bytes
}

// next reads the next key; io.EOF if there is none.
func (c *cursor) next() error {
	key, err := binary.ReadUvarint(c.in)
	if err == io.EOF {
		return err
	}
	var err2 error
	c.value, err2 = binary.ReadUvarint(c.in)
	if err = errors.Join(err, err2); err != nil {
		return damaged(err)
	}
	c.key, err = c.read(c.key, key)
	return err
}

// read reads n bytes into b.
func (c *cursor) read(b []byte, n uint64) ([]byte, error) {
	b = slices.Grow(b[:0], int(n))[:n]
	if _, err := io.ReadFull(c.in, b); err != nil {
		return nil, damaged(err)
	}
	return b, nil
}

func damaged(err error) error {
	return fmt.Errorf("cannot read back what was kept in a temporary file: %w", err)
}

// cursors are a heap, with the least key first.
type cursors []*cursor

func (l cursors) Len() int { return len(l) }
func (l cursors) Less(i, j int) bool {
	return bytes.Compare(l[i].key, l[j].key) < 0
}
func (l cursors) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *cursors) Push(x any)   { *l = append(*l, x.(*cursor)) }
func (l *cursors) Pop() (last any) {
	n := len(*l) - 1
	last, *l = (*l)[n], (*l)[:n]
	return last
}
