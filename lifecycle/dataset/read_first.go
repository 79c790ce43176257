package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// found is what was found in a block.
type found struct {
	positions []position // without content
	notes     []note     // doc counts from the first of positions
	refused   []refused
	more      map[Reason]int64 // that were refused besides
}

// refused is a document that was.
type refused struct {
	Refusal
	doc []byte // for the quarantine
}

// mostRefusals is how many of one block are told one by one.
const mostRefusals = 1000

// file begins the reading of a file.
func (r *intake) file(path string, named bool, size int64) error {
	r.known(size)
	if size <= blockSize {
		return r.send(func(w *worker) error {
			f, bad := openFile(path)
			if bad != nil {
				return r.refuseFile(path, bad)
			}
			defer f.Close()
			return w.unpack(f, path, named)
		})
	}
	f, bad := openFile(path)
	if bad != nil {
		return r.refuseFile(path, bad)
	}
	return r.large(f, path, size)
}

// large begins the reading of a large file: by all workers at once, if its
// lines are documents.
func (r *intake) large(f *os.File, path string, size int64) error {
	head := make([]byte, headSize)
	n, _ := f.ReadAt(head, 0)
	if form, _ := formOf(head[:n]); form == formText {
		c := cutter{r: io.NewSectionReader(f, 0, size), limit: int(r.MaxRecord), name: path}
		if c.begin(); c.layout == layoutLines {
			return r.lines(f, path, size)
		}
	}
	return r.beside(func(w *worker) error {
		defer r.release(f)
		return w.unpack(f, path, true)
	}, func() { r.release(f) })
}

// release closes a file, unless it is standard input, which is needed once more.
func (r *intake) release(f *os.File) {
	if f != r.stdin {
		_ = f.Close()
	}
}

// unpack cuts the documents out of all texts in a file.
func (w *worker) unpack(f *os.File, path string, named bool) error {
	r := w.intake
	file, err := r.newContent(content{name: path})
	if err != nil {
		return err
	}
	in := &counting{io.NewSectionReader(f, 0, math.MaxInt64), r, 0}
	u := unpacker{limit: r.MaxUnpacked, packed: &in.n}
	var o *inOrder // of what other workers look at
	if w.aside {
		o = r.inOrder(func() {})
		defer o.done()
	}
	seq, nth := 0, uint32(0)
	var spare []byte
	u.visit = func(t *text) error {
		id := file
		if t.packed || t.entry != "" {
			if id, err = r.newContent(content{file, true, nth, t.entry}); err != nil {
				return err
			}
		}
		nth++
		c := cutter{r: t, limit: int(r.MaxRecord), packed: t.packed, name: t.name, buf: spare[:0]}
		defer func() { spare = c.buf }()
		at := Place{Path: path, Entry: t.entry}
		for {
			b, stop := c.next()
			if o != nil {
				err = o.send(seq, id, func(w *worker) (found, int64) { return w.look(b, at), 0 })
			} else {
				f := w.look(b, at)
				if stop == io.EOF && seq == 0 && !t.packed && t.entry == "" {
					switch {
					case !named && f.foreign(c.layout):
						r.skip()
						return nil
					case recordName(path) && len(b.docs) == 0 && c.layout != layoutArray:
						return r.refuseFile(path, flawed(NoRecord, "it is empty"))
					case c.layout == layoutValues && len(f.positions) == 1:
						f.positions[0].line = 0 // the record is the file
					}
				}
				err = r.commit(f, id, uint32(seq))
			}
			seq++
			switch {
			case err != nil:
				return err
			case stop == io.EOF:
				return nil
			case r.ctx.Err() != nil:
				return r.ctx.Err()
			case stop != nil:
				u.broken = true
				at.Line, at.Offset = c.line, c.off
				bad := damage(stop)
				return r.refuse(refused{Refusal: Refusal{Place: at, Reason: bad.reason, Text: bad.text}})
			}
		}
	}
	u.refuse = func(entry string, off int64, bad *flaw) error {
		return r.refuse(refused{Refusal: Refusal{Place: Place{Path: path, Entry: entry, Offset: off}, Reason: bad.reason, Text: bad.text}})
	}
	u.skipped = r.skip
	return u.walk(text{name: path, Reader: in}, 0)
}

// recordName tells whether a name says that there is one record in a file.
func recordName(path string) bool { return len(path) > 5 && path[len(path)-5:] == ".json" }

// foreign tells whether all that was found is one document of another kind,
// which says by nothing that it is a record.
func (f *found) foreign(l layout) bool {
	return len(f.positions) == 0 && len(f.refused) == 1 && f.refused[0].Text == foreignText && l != layoutArray
}

// lines reads a large file of lines by all workers: each line belongs to the
// part that it begins in.
func (r *intake) lines(f *os.File, path string, size int64) error {
	id, err := r.newContent(content{name: path})
	if err != nil {
		r.release(f)
		return err
	}
	o := r.inOrder(func() { r.release(f) })
	defer o.done()
	for k, from := 0, int64(0); from < size; k, from = k+1, from+blockSize {
		err := o.send(k, id, func(w *worker) (found, int64) {
			b, newlines, stop := w.part(f, from, size)
			got := w.look(b, Place{Path: path})
			r.advance(min(blockSize, size-from))
			if stop != nil {
				bad := unreadable(stop)
				got.refuse(Refusal{Place: Place{Path: path, Offset: from}, Reason: bad.reason, Text: bad.text}, nil)
			}
			return got, newlines
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// part reads the lines that begin in a part of a file, with lines counted from
// its first byte on, and how many ends of lines there are in the part.
func (w *worker) part(f *os.File, from, size int64) (b block, newlines int64, err error) {
	limit := int(w.MaxRecord)
	start := max(from-1, 0) // the byte before tells whether a line begins here
	buf := w.room(int(min(blockSize, size-from) + from - start))
	n, err := f.ReadAt(buf, start)
	if err != nil && err != io.EOF {
		return block{}, 0, err
	}
	if buf = buf[:n]; n == 0 { // it became shorter
		return block{}, 0, nil
	}
	end := len(buf) // of what belongs to the part
	at := 0
	if from > 0 {
		newlines = -int64(bytes.Count(buf[:1], []byte{'\n'}))
		if at = bytes.IndexByte(buf, '\n') + 1; at == 0 {
			return block{}, 0, nil // a line passes through
		}
	} else if bytes.HasPrefix(buf, byteOrderMark) {
		at = len(byteOrderMark)
	}
	newlines += int64(bytes.Count(buf, []byte{'\n'}))
	first := int64(1)
	if from > 0 && at > 1 {
		first = 2 // the line that came before ends in this part
	}
	if at == end {
		return block{}, newlines, nil
	}
	last := bytes.LastIndexByte(buf, '\n') + 1
	long := false
	if last < end { // the last line goes on behind the part
		last = max(last, at)
		most := limit - (end - last)
		more, err := restOfLine(f, start+int64(end), size, most)
		if err != nil {
			return block{}, newlines, err
		}
		if long = more > most; !long {
			buf = append(buf, make([]byte, more)...)
			n, err := f.ReadAt(buf[end:], start+int64(end))
			if err != nil && err != io.EOF {
				return block{}, newlines, err
			}
			buf, last = buf[:end+n], end+n
		}
	}
	if cap(buf) <= 4*blockSize {
		w.buf = buf[:0]
	}
	b = block{buf: buf[at:], off: start + int64(at), docs: linesIn(buf[at:last], first, limit)}
	if long {
		line := first + int64(bytes.Count(buf[at:last], []byte{'\n'}))
		b.docs = append(b.docs, document{at: last - at, n: end - last, line: line, bad: tooLong(limit)})
	}
	return b, newlines, nil
}

// restOfLine is how long a line goes on from a place in a file: up to what makes
// it too long, however much longer it is.
func restOfLine(f *os.File, from, size int64, most int) (n int, err error) {
	piece := make([]byte, 64<<10)
	for n <= most && from+int64(n) < size {
		k, err := f.ReadAt(piece, from+int64(n))
		if i := bytes.IndexByte(piece[:k], '\n'); i >= 0 {
			return n + i, nil
		}
		if n += k; err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
	return n, nil // beyond most
}

// room is a buffer of a worker, which it may use until it asks again.
func (w *worker) room(n int) []byte {
	if cap(w.buf) < n {
		w.buf = make([]byte, 0, max(n, blockSize+128<<10))
	}
	return w.buf[:n]
}

// inOrder commits what workers find in the parts of a file in their order, so
// that the numbers of lines are known.
type inOrder struct {
	intake *intake
	end    func()
	window chan struct{} // parts that were begun and not committed

	mu      sync.Mutex
	left    int // parts, and the making of them
	next    int
	line    int64
	waiting map[int]func() error
}

func (r *intake) inOrder(end func()) *inOrder {
	return &inOrder{intake: r, end: end, window: make(chan struct{}, 4*r.Workers), left: 1, line: 1, waiting: map[int]func() error{}}
}

// send has a worker look at part k, whose lines it counts from the first of the
// part on, and tell how many ends of lines are in it.
func (o *inOrder) send(k int, content uint32, look func(w *worker) (found, int64)) error {
	select {
	case o.window <- struct{}{}:
	case <-o.intake.ctx.Done():
		return o.intake.ctx.Err()
	}
	o.mu.Lock()
	o.left++
	o.mu.Unlock()
	err := o.intake.send(func(w *worker) error {
		defer o.done()
		f, newlines := look(w)
		return o.commit(k, content, f, newlines)
	})
	if err != nil {
		o.done()
	}
	return err
}

func (o *inOrder) commit(k int, content uint32, f found, newlines int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[k] = func() error {
		for i := range f.positions {
			f.positions[i].line += uint32(o.line - 1)
		}
		for i := range f.refused {
			if f.refused[i].Line > 0 {
				f.refused[i].Line += o.line - 1
			}
		}
		o.line += newlines
		return o.intake.commit(f, content, uint32(k))
	}
	for {
		f := o.waiting[o.next]
		if f == nil {
			return nil
		}
		delete(o.waiting, o.next)
		o.next++
		<-o.window
		if err := f(); err != nil {
			return err
		}
	}
}

func (o *inOrder) done() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left--; o.left == 0 {
		o.end()
	}
}

const foreignText = "the document names no schema"

// look takes the identity of each document in a block.
func (w *worker) look(b block, at Place) found {
	var f found
	for _, d := range b.docs {
		place := at
		place.Line, place.Offset = d.line, b.off+int64(d.at)
		text := b.buf[min(d.at, len(b.buf)):min(d.at+d.n, len(b.buf))]
		if d.bad != nil {
			if d.bad.off > 0 {
				place.Offset = d.bad.off
			}
			f.refuse(Refusal{Place: place, Reason: d.bad.reason, Text: d.bad.text}, text)
			continue
		}
		id := &w.id
		if !id.scan(text) {
			rec, findings, err := lifecycle.Check(bytes.NewReader(text))
			if bad := wrong(rec, findings, err); bad != nil {
				refusal := Refusal{Place: place, Reason: bad.reason, Text: bad.text, More: bad.more}
				if rec != nil {
					refusal.Run = rec.Run.ID
				}
				f.refuse(refusal, text)
				continue
			}
			if !id.of(rec) {
				f.refuse(Refusal{Place: place, Reason: Invalid, Text: "the id of its run is none"}, text)
				continue
			}
		}
		if t := max(id.created, id.start); t > w.latest {
			f.refuse(Refusal{
				Place: place, Run: runOf(id.run), Reason: Future,
				Text: "it is of " + time.Unix(0, t).UTC().Format(time.RFC3339) + ", which is still to come: the clock of the machine was wrong, or this one's is",
			}, text)
			continue
		}
		f.notes = id.notes(f.notes, uint32(len(f.positions)))
		f.positions = append(f.positions, position{
			n: uint32(d.n), line: uint32(min(d.line, math.MaxUint32)), off: place.Offset, hash: maphash.Bytes(w.seed, text),
		})
	}
	return f
}

func (f *found) refuse(bad Refusal, doc []byte) {
	if len(f.refused) == mostRefusals {
		if f.more == nil {
			f.more = map[Reason]int64{}
		}
		f.more[bad.Reason]++
		return
	}
	f.refused = append(f.refused, refused{bad, bytes.Clone(doc)})
}

// wrong is why a document is no valid record, nil if it is one.
func wrong(rec *lifecycle.Record, findings []lifecycle.Finding, err error) *flaw {
	if err != nil {
		return flawed(Unreadable, "%v", err)
	}
	var first *lifecycle.Finding
	n := 0
	for i := range findings {
		if !findings[i].Warning {
			if first == nil {
				first = &findings[i]
			}
			n++
		}
	}
	if first == nil {
		return nil
	}
	bad := flawed(Invalid, "%s", first)
	bad.more = n - 1
	if rec == nil {
		bad.reason = NoRecord
		if first.Rule == "R3" && first.Pointer == "/schema" {
			bad.text = foreignText
		}
	} else if hint := unitHint(findings); hint != "" {
		bad.text += "; " + hint
	}
	return bad
}

// counting tells the reading how many bytes were read.
type counting struct {
	io.Reader
	of *intake
	n  int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	c.of.advance(int64(n))
	if err == nil {
		err = c.of.ctx.Err()
	}
	return n, err
}

// commit keeps what was found in a block. Blocks of one file come in their order.
func (r *intake) commit(f found, id, seq uint32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.docs
	if int64(first)+int64(len(f.positions)) > math.MaxUint32 {
		return errors.New("dataset: more than 4 thousand million records are too many for one reading")
	}
	var b [positionSize]byte
	for i := range f.positions {
		f.positions[i].content = id
		f.positions[i].put(b[:])
		if _, err := r.positions.append(b[:]...); err != nil {
			return err
		}
	}
	for _, n := range f.notes {
		n.doc += first
		if err := r.notes.add(n); err != nil {
			return err
		}
	}
	if n := uint32(len(f.positions)); n > 0 {
		r.docs += n
		r.report.Documents += int64(n)
		var c [contentSize]byte
		if err := r.contents.read(c[:], int64(id)*contentSize); err != nil {
			return err
		}
		chunk := note{kind: noteChunk, doc: first, a: n, b: id}
		binary.BigEndian.PutUint32(chunk.key[:], binary.LittleEndian.Uint32(c[:]))
		binary.BigEndian.PutUint32(chunk.key[4:], seq)
		if err := r.chunks.add(chunk); err != nil {
			return err
		}
		r.tell(int64(n))
	}
	for _, bad := range f.refused {
		if err := r.refuseLocked(bad); err != nil {
			return err
		}
	}
	for reason, n := range f.more {
		r.report.Documents += n
		r.report.Refused[reason] += n
	}
	return nil
}
