package dataset

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

// inMemory is how much of what a reading remembers stays there: bytes of a log,
// and notes. More goes to temporary files.
var inMemory = struct{ log, notes int }{16 << 20, 512 << 10}

// log is a list of bytes that only grows: the first of it in a file, once it is
// large. It is not for concurrent appending.
type log struct {
	dir   string
	most  int
	mem   []byte
	file  *os.File
	spilt int64 // bytes that are in file
}

// append adds bytes, and tells where they are.
func (l *log) append(b ...byte) (at int64, err error) {
	at = l.spilt + int64(len(l.mem))
	l.mem = append(l.mem, b...)
	if len(l.mem) < l.most {
		return at, nil
	}
	if l.file == nil {
		if l.file, err = temporary(l.dir); err != nil {
			return at, err
		}
	}
	if _, err = l.file.WriteAt(l.mem, l.spilt); err != nil {
		return at, fmt.Errorf("dataset: cannot keep what does not fit into memory (choose another folder: TempDir): %w", err)
	}
	l.spilt += int64(len(l.mem))
	l.mem = l.mem[:0]
	return at, nil
}

// read fills b with what is at a place.
func (l *log) read(b []byte, at int64) error {
	if at < l.spilt {
		n := min(int64(len(b)), l.spilt-at)
		if _, err := l.file.ReadAt(b[:n], at); err != nil {
			return fmt.Errorf("dataset: cannot read back what was kept in a temporary file: %w", err)
		}
		b, at = b[n:], at+n
	}
	if len(b) > 0 {
		copy(b, l.mem[at-l.spilt:])
	}
	return nil
}

func (l *log) size() int64 { return l.spilt + int64(len(l.mem)) }

func (l *log) close() error { return discard(l.file) }

// temporary makes a file that nobody else can read, and that is gone with the
// program where the system can do that.
func temporary(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "ecotracer-dataset-*")
	if err != nil {
		return nil, fmt.Errorf("dataset: no temporary file for what does not fit into memory (choose another folder: TempDir): %w", err)
	}
	_ = os.Remove(f.Name()) // fails on Windows, where discard does it
	return f, nil
}

// discard closes and removes a temporary file, if there is one.
func discard(f *os.File) error {
	if f == nil {
		return nil
	}
	err := f.Close()
	if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// note is something that one document says and that may have to do with others.
// Notes with one domain and key are looked at together.
type note struct {
	key   [16]byte
	kind  noteKind
	flags uint8
	res   uint16 // seconds that its times are rounded to
	doc   uint32
	a, b  uint32
	t, u  int64 // ns since 1970
}

type noteKind uint8

// The kinds of notes, in the order in which they are looked at.
const (
	noteDocument noteKind = iota // key: run; t: created; u: started
	noteChild                    // key: the run that started it and counts its joules
	notePart                     // key: a run that it was merged of
	noteJob                      // key: job; a: rank
	noteWindow                   // key: service and rank; a: index; t, u: from, to
	noteDevice                   // key: instance; a: job; t, u: from, to
	noteChunk                    // key: file, and number in it; doc, a: first document, and how many; b: content
	noteLine                     // key: device and domain; a, b: booked and total J, as float32; t, u: from, to
)

// domain are the kinds whose keys are of one kind.
func (k noteKind) domain() noteKind { return max(k, notePart) }

// The flags of notes.
const (
	flagFinality   = 3 // noteDocument
	flagSupersedes = 4
	flagRunning    = 8
	flagEstimated  = 16
	flagMerged     = 1 // noteJob
	flagProcess    = 1 // noteDevice: not of scope machine
)

// compareNotes orders notes: documents of a run the best first, what happened by
// its time, what is of scope machine before all else.
func compareNotes(a, b note) int {
	if c := cmp.Or(cmp.Compare(a.kind.domain(), b.kind.domain()), bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.kind, b.kind)); c != 0 {
		return c
	}
	if a.kind == noteDocument {
		return cmp.Or(cmp.Compare(b.flags&flagFinality, a.flags&flagFinality), cmp.Compare(b.t, a.t), cmp.Compare(a.doc, b.doc))
	}
	return cmp.Or(cmp.Compare(a.flags, b.flags), cmp.Compare(a.t, b.t), cmp.Compare(a.u, b.u), cmp.Compare(a.a, b.a), cmp.Compare(a.doc, b.doc))
}

const noteSize = 16 + 4 + 4 + 8 + 16

func (n *note) put(b []byte) {
	copy(b, n.key[:])
	b[16], b[17] = byte(n.kind), n.flags
	binary.LittleEndian.PutUint16(b[18:], n.res)
	binary.LittleEndian.PutUint32(b[20:], n.doc)
	binary.LittleEndian.PutUint32(b[24:], n.a)
	binary.LittleEndian.PutUint32(b[28:], n.b)
	binary.LittleEndian.PutUint64(b[32:], uint64(n.t))
	binary.LittleEndian.PutUint64(b[40:], uint64(n.u))
}

func (n *note) get(b []byte) {
	copy(n.key[:], b)
	n.kind, n.flags = noteKind(b[16]), b[17]
	n.res = binary.LittleEndian.Uint16(b[18:])
	n.doc = binary.LittleEndian.Uint32(b[20:])
	n.a = binary.LittleEndian.Uint32(b[24:])
	n.b = binary.LittleEndian.Uint32(b[28:])
	n.t = int64(binary.LittleEndian.Uint64(b[32:]))
	n.u = int64(binary.LittleEndian.Uint64(b[40:]))
}

// notes are sorted, however many they are: in memory, or as sorted runs in a
// file that are merged as they are read.
type notes struct {
	mem    []note
	most   int
	sorted bool
	file   log
	runs   []int // lengths of the runs in file
}

func (s *notes) add(n note) error {
	s.mem, s.sorted = append(s.mem, n), false
	if len(s.mem) < s.most {
		return nil
	}
	s.sort()
	b := make([]byte, noteSize)
	for i := range s.mem {
		s.mem[i].put(b)
		if _, err := s.file.append(b...); err != nil {
			return err
		}
	}
	s.runs = append(s.runs, len(s.mem))
	s.mem = s.mem[:0]
	return nil
}

func (s *notes) sort() {
	if !s.sorted {
		slices.SortFunc(s.mem, compareNotes)
		s.sorted = true
	}
}

// each hands over the notes in their order.
func (s *notes) each(f func(n note) error) error {
	s.sort()
	if len(s.runs) == 0 {
		for i := range s.mem {
			if err := f(s.mem[i]); err != nil {
				return err
			}
		}
		return nil
	}
	m := make(merger, 0, len(s.runs)+1)
	at := int64(0)
	for _, n := range s.runs {
		m = append(m, &noteRun{file: &s.file, at: at, left: n})
		at += int64(n) * noteSize
	}
	m = append(m, &noteRun{ready: s.mem})
	live := m[:0]
	for _, r := range m {
		ok, err := r.fill()
		if err != nil {
			return err
		}
		if ok {
			live = append(live, r)
		}
	}
	heap.Init(&live)
	for len(live) > 0 {
		r := live[0]
		if err := f(r.ready[0]); err != nil {
			return err
		}
		r.ready = r.ready[1:]
		ok, err := r.fill()
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(&live, 0)
		} else {
			heap.Pop(&live)
		}
	}
	return nil
}

func (s *notes) close() error { return s.file.close() }

// noteRun is a sorted run of notes that is being read.
type noteRun struct {
	file  *log
	at    int64
	left  int    // that are still in file
	ready []note // that were read of it
	buf   []byte
	notes []note
}

// fill makes sure that there is a note, unless the run is over.
func (r *noteRun) fill() (ok bool, err error) {
	if len(r.ready) > 0 || r.left == 0 {
		return len(r.ready) > 0, nil
	}
	n := min(r.left, 256)
	if r.buf == nil {
		r.buf, r.notes = make([]byte, n*noteSize), make([]note, n)
	}
	if err := r.file.read(r.buf[:n*noteSize], r.at); err != nil {
		return false, err
	}
	for i := range n {
		r.notes[i].get(r.buf[i*noteSize:])
	}
	r.ready, r.left, r.at = r.notes[:n], r.left-n, r.at+int64(n*noteSize)
	return true, nil
}

type merger []*noteRun

func (m merger) Len() int           { return len(m) }
func (m merger) Less(i, j int) bool { return compareNotes(m[i].ready[0], m[j].ready[0]) < 0 }
func (m merger) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merger) Push(x any)        { *m = append(*m, x.(*noteRun)) }
func (m *merger) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
