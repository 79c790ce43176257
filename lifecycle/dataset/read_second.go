package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"io"
	"math"
	"os"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// chunk are documents that follow one another in one content.
type chunk struct {
	content, first, n uint32
}

// sweep reads the documents of a verdict again, and has workers do something
// with each. Of files that are packed it also keeps those that are to be merged.
func (r *intake) sweep(want verdict, do func(w *worker, doc uint32, p *position, text []byte) error) error {
	wanted := func(doc uint32) bool {
		v := r.verdict[doc]
		return v == want && r.state[doc] != stateUsed || want == verdictUse && v == verdictJob && r.state[doc] != stateUsed
	}
	return r.pass(func() error {
		var file uint32
		var packed []chunk // of one file
		flush := func() error {
			list := packed
			packed = nil
			if len(list) == 0 {
				return nil
			}
			return r.repack(file, list, wanted, do)
		}
		err := r.chunks.each(func(n note) error {
			c := chunk{n.b, n.doc, n.a}
			some := false
			for doc := c.first; doc < c.first+c.n && !some; doc++ {
				some = wanted(doc)
			}
			if !some {
				return r.ctx.Err()
			}
			of := binary.BigEndian.Uint32(n.key[:])
			if of != file {
				if err := flush(); err != nil {
					return err
				}
				file = of
			}
			in, err := r.contentAt(c.content)
			if err != nil {
				return err
			}
			if in.packed {
				packed = append(packed, c)
				return nil
			}
			return r.send(func(w *worker) error {
				return w.chunk(in.name, c, func(doc uint32) bool { return wanted(doc) && r.verdict[doc] != verdictJob }, do)
			})
		})
		if err != nil {
			return err
		}
		return flush()
	})
}

// chunk does something with documents of a file that is not packed.
func (w *worker) chunk(path string, c chunk, wanted func(uint32) bool, do func(*worker, uint32, *position, []byte) error) error {
	list, err := w.positionsAt(c.first, c.n)
	if err != nil {
		return err
	}
	from, to := int64(math.MaxInt64), int64(0)
	for i := range list {
		if wanted(c.first + uint32(i)) {
			from, to = min(from, list[i].off), max(to, list[i].off+int64(list[i].n))
		}
	}
	if to == 0 {
		return nil
	}
	f, bad := w.reopen(path)
	if bad == nil {
		defer w.release(f)
	}
	buf := w.room(int(to - from)) // a block, or one document
	if bad == nil {
		n, err := f.ReadAt(buf, from)
		if err != nil && err != io.EOF {
			bad = unreadable(err)
		}
		buf = buf[:n]
		w.advance(int64(n))
	} else {
		buf = nil
	}
	for i := range list {
		doc, p := c.first+uint32(i), &list[i]
		if !wanted(doc) {
			continue
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if bad != nil {
			if err := w.gone(doc, p, bad, nil); err != nil {
				return err
			}
			continue
		}
		at := min(p.off-from, int64(len(buf)))
		if err := w.checked(doc, p, buf[at:min(at+int64(p.n), int64(len(buf)))], do); err != nil {
			return err
		}
	}
	if cap(w.buf) > 4*blockSize {
		w.buf = nil
	}
	return nil
}

// reopen opens a file again.
func (r *intake) reopen(path string) (*os.File, *flaw) {
	if path == stdin && r.stdin != nil {
		return r.stdin, nil
	}
	return openFile(path)
}

// checked does something with a document that is what it was.
func (w *worker) checked(doc uint32, p *position, text []byte, do func(*worker, uint32, *position, []byte) error) error {
	if len(text) != int(p.n) || maphash.Bytes(w.seed, text) != p.hash {
		return w.gone(doc, p, flawed(Changed, "it changed while it was read: read it again once nothing writes there any more"), nil)
	}
	return do(w, doc, p, text)
}

// repack reads documents of a file that is packed, once more from its beginning.
func (r *intake) repack(file uint32, list []chunk, wanted func(uint32) bool, do func(*worker, uint32, *position, []byte) error) error {
	in, err := r.contentAt(file)
	if err != nil {
		return err
	}
	small := false
	if in.name != stdin {
		st, err := os.Stat(in.name)
		small = err == nil && st.Size() <= blockSize
	}
	work := func(w *worker) error { return w.unpackAgain(in.name, list, wanted, do) }
	if small {
		return r.send(work)
	}
	return r.beside(work, func() {})
}

// unpackAgain hands over documents of a packed file: to other workers, if it is
// large.
func (w *worker) unpackAgain(path string, list []chunk, wanted func(uint32) bool, do func(*worker, uint32, *position, []byte) error) error {
	r := w.intake
	lost := func(bad *flaw) error { // what was not found again
		for _, c := range list {
			positions, err := r.positionsAt(c.first, c.n)
			if err != nil {
				return err
			}
			for i := range positions {
				if doc := c.first + uint32(i); wanted(doc) && r.state[doc] != stateInvalid {
					if err := w.gone(doc, &positions[i], bad, nil); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	f, bad := r.reopen(path)
	if bad != nil {
		return lost(bad)
	}
	defer r.release(f)
	in := &counting{io.NewSectionReader(f, 0, math.MaxInt64), r, 0}
	u := unpacker{limit: r.MaxUnpacked, packed: &in.n, refuse: func(string, int64, *flaw) error { return nil }, skipped: func() {}}
	nth := uint32(0)
	u.visit = func(t *text) error {
		if len(list) == 0 {
			return io.EOF // nothing more is needed
		}
		content, off := list[0].content, int64(0)
		is, err := r.contentAt(content)
		if nth++; err != nil || is.nth != nth-1 {
			return err
		}
		for len(list) > 0 && list[0].content == content {
			c := list[0]
			positions, err := r.positionsAt(c.first, c.n)
			if err != nil {
				return err
			}
			first, last := positions[0], positions[len(positions)-1]
			if _, err := io.CopyN(io.Discard, t, first.off-off); err != nil {
				return r.ctx.Err()
			}
			buf := make([]byte, last.off+int64(last.n)-first.off)
			if n, err := io.ReadFull(t, buf); err != nil && n < len(buf) {
				return r.ctx.Err() // it is less than it was: what is lost is told below
			}
			off = last.off + int64(last.n)
			list = list[1:]
			some := func(w *worker) error {
				for i := range positions {
					doc, p := c.first+uint32(i), &positions[i]
					if !wanted(doc) {
						continue
					}
					if err := r.ctx.Err(); err != nil {
						return err
					}
					text := buf[p.off-first.off:][:p.n]
					var err error
					if r.verdict[doc] == verdictJob {
						err = w.keep(doc, text)
					} else {
						err = w.checked(doc, p, text, do)
					}
					if err != nil {
						return err
					}
				}
				return nil
			}
			if !w.aside {
				err = some(w)
			} else {
				err = r.send(some)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := u.walk(text{name: path, Reader: in}, 0); err != nil && err != io.EOF {
		return err
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return lost(flawed(Changed, "it changed while it was read: read it again once nothing writes there any more"))
}

// keep keeps a document of a packed file that is to be merged.
func (r *intake) keep(doc uint32, text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.spoolAt[doc]; there {
		return nil
	}
	at, err := r.spooled.append(text...)
	r.spoolAt[doc] = at
	return err
}

// gone refuses a document that was taken for a record.
func (r *intake) gone(doc uint32, p *position, bad *flaw, text []byte) error {
	at, err := r.place(p)
	if err != nil {
		return err
	}
	refusal := Refusal{Place: at, Reason: bad.reason, Text: bad.text, More: bad.more}
	var id identity
	if id.scan(text) {
		refusal.Run = runOf(id.run)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state[doc] = stateInvalid
	if r.marks[doc]&markRelied != 0 || r.verdict[doc] == verdictJob {
		r.again = true
	}
	return r.refuseDocument(refused{refusal, text})
}

// check decodes and validates a document, by lifecycle.Check or a Checker's; it is
// nil if it was refused.
func (w *worker) check(doc uint32, p *position, text []byte, by func(io.Reader) (*lifecycle.Record, []lifecycle.Finding, error)) (*lifecycle.Record, error) {
	rec, findings, err := by(bytes.NewReader(text))
	if bad := wrong(rec, findings, err); bad != nil {
		return nil, w.gone(doc, p, bad, bytes.Clone(text))
	}
	return rec, nil
}

// examine looks at a document that cannot be decided on otherwise.
func (w *worker) examine(doc uint32, p *position, text []byte) error {
	rec, err := w.check(doc, p, text, w.checker.Check)
	if rec == nil {
		return err
	}
	digest, err := rec.SHA256()
	if err != nil {
		sum := sha256.Sum256(text) // a record that was decoded can be written
		digest = string(sum[:])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state[doc] = stateValid
	w.looks[doc] = &looked{digest, slices.Clone(rec.Supersedes)}
	return nil
}

// hand hands a record over.
func (w *worker) hand(doc uint32, p *position, text []byte) error {
	rec, err := w.check(doc, p, text, w.checker.Check)
	if rec == nil {
		return err
	}
	if w.marks[doc]&markShared != 0 {
		if err := w.shared(doc, rec); err != nil {
			return err
		}
	}
	if err := w.use(w.number, rec); err != nil {
		return err
	}
	w.state[doc] = stateUsed
	w.counted(1)
	return nil
}

// counted counts records that were handed over.
func (r *intake) counted(n int64) {
	r.mu.Lock()
	r.report.Counted += n
	r.mu.Unlock()
	r.tell(n)
}
