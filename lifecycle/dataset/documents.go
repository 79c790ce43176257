package dataset

import (
	"bufio"
	"bytes"
	"context"
	"hash/maphash"
	"io"
	"time"
)

// File is a file whose documents are wanted, or a part of one.
type File struct {
	Path  string
	Named bool // it was asked for by its name, and is read whatever that is

	// Of a file that is [Divisible]: the lines that begin from byte From on, and
	// before byte To; 0 and 0 is all of it.
	From, To int64
}

// Document is the text of a document, before it is decided whether it counts: it
// may yet be invalid. It is only valid while it is handed over.
type Document struct {
	Place     // without Line, if it is in a part that does not begin its file
	Text      []byte
	Relations []Relation
}

// Documents hands over the documents of one file, in its order: those that
// [Reader.Read] would look at first, cut and taken apart in the same way. It
// reads once, from a reader that is at the beginning of the file, or for a part
// that does not begin it at byte From−1. What is refused at sight is told by
// Refused and counted; whether the others count, others may have a say in (see
// [Relation]). Of the report Files, Skipped, Documents and Refused are given. An
// error is the reader's, the context's or that of use: the report is worth
// nothing then. Limits and Now are those of the Reader.
func (r Reader) Documents(ctx context.Context, f File, from io.Reader, use func(Document) error) (Report, error) {
	r = r.withDefaults()
	x := &intake{Reader: r, ctx: ctx, seed: maphash.MakeSeed()}
	x.Quarantine, x.Progress = "", nil
	x.report.Refused = map[Reason]int64{}
	w := &worker{intake: x, latest: r.Now.Add(grace).UnixNano()}
	d := documents{worker: w, file: f, use: use}
	if is, count := recordFile(f.Path); !f.Named && !is {
		if count {
			x.report.Skipped++
		}
		return x.report, nil
	}
	in := &supply{Reader: from, ctx: ctx}
	err := d.read(in)
	if in.err != nil {
		err = in.err
	}
	return x.report, err
}

// Divisible tells whether a file is of lines, each of which is a document, so
// that parts of it can be read apart from each other. It reads as much of the
// file as that takes.
func Divisible(name string, from io.Reader) bool {
	in := bufio.NewReaderSize(from, headSize)
	head, _ := in.Peek(headSize)
	if form, _ := formOf(head); form != formText {
		return false
	}
	c := cutter{r: in, limit: maxRecord, name: name}
	c.begin()
	return c.layout == layoutLines
}

// withDefaults has the limits of a reader be what they are if they are not given.
func (r Reader) withDefaults() Reader {
	if r.MaxRecord <= 0 || r.MaxRecord > maxRecord {
		r.MaxRecord = maxRecord
	}
	if r.MaxUnpacked <= 0 {
		r.MaxUnpacked = unpackLimit
	}
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	return r
}

// supply remembers what went wrong with reading, which is not what is wrong with
// what was read.
type supply struct {
	io.Reader
	ctx context.Context
	n   int64
	err error
}

func (s *supply) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	s.n += int64(n)
	if err == nil {
		err = s.ctx.Err()
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// documents is one call of [Reader.Documents].
type documents struct {
	*worker
	file  File
	use   func(Document) error
	doc   Document
	whole bool // the document is the file
}

func (d *documents) read(in *supply) error {
	if d.file.From == 0 {
		d.report.Files++
	}
	if d.file.To > 0 {
		return d.part(in)
	}
	u := unpacker{limit: d.MaxUnpacked, packed: &in.n, skipped: d.skip}
	u.visit = func(t *text) error {
		if t.entry != "" {
			d.report.Files++
		}
		c := cutter{r: t, limit: int(d.MaxRecord), packed: t.packed, name: t.name}
		at := Place{Path: d.file.Path, Entry: t.entry}
		for first := true; ; first = false {
			b, stop := c.next()
			if stop == io.EOF && first && !t.packed && t.entry == "" && in.n <= blockSize {
				if foreign, err := d.sole(b, &c, at); foreign || err != nil {
					return err
				}
			}
			if err := d.block(b, at); err != nil {
				return err
			}
			switch {
			case stop == io.EOF:
				return nil
			case in.err != nil:
				return in.err
			case stop != nil:
				u.broken = true
				at.Line, at.Offset = c.line, c.off
				bad := damage(stop)
				return d.refuse(refused{Refusal: Refusal{Place: at, Reason: bad.reason, Text: bad.text}})
			}
		}
	}
	u.refuse = func(entry string, off int64, bad *flaw) error {
		return d.refuse(refused{Refusal: Refusal{Place: Place{Path: d.file.Path, Entry: entry, Offset: off}, Reason: bad.reason, Text: bad.text}})
	}
	return u.walk(text{name: d.file.Path, Reader: in}, 0)
}

// sole looks at a small file, which may be none of records, be empty, or be one
// record: done tells that there is no more to it.
func (d *documents) sole(b block, c *cutter, at Place) (done bool, err error) {
	switch {
	case len(b.docs) == 1 && !d.file.Named:
		f := d.look(b, at)
		if f.foreign(c.layout) {
			d.skip()
			return true, nil
		}
		d.whole = c.layout == layoutValues
	case len(b.docs) == 1:
		d.whole = c.layout == layoutValues
	case len(b.docs) == 0 && recordName(d.file.Path) && c.layout != layoutArray:
		return true, d.refuse(refused{Refusal: Refusal{Place: Place{Path: at.Path}, Reason: NoRecord, Text: "it is empty"}})
	}
	return false, nil
}

// block hands over the documents of a block.
func (d *documents) block(b block, at Place) error {
	for i := range b.docs {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		doc := b.docs[i]
		f := d.look(block{b.buf, b.off, b.docs[i : i+1]}, at)
		for _, bad := range f.refused {
			if d.file.From > 0 {
				bad.Line = 0
			}
			if err := d.refuse(bad); err != nil {
				return err
			}
		}
		if len(f.positions) == 0 {
			continue
		}
		d.report.Documents++
		d.doc.Place = at
		if d.doc.Offset = f.positions[0].off; !d.whole && d.file.From == 0 {
			d.doc.Line = doc.line
		}
		d.doc.Text = b.buf[doc.at : doc.at+doc.n]
		d.doc.Relations = relations(d.doc.Relations[:0], f.notes)
		if err := d.use(d.doc); err != nil {
			return err
		}
	}
	return nil
}

// part hands over the lines that begin in a part of a file.
func (d *documents) part(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	off := d.file.From
	if off > 0 { // the byte before tells whether a line begins here
		n, err := passLine(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		off += n - 1
	}
	if off >= d.file.To {
		return nil
	}
	c := cutter{r: &untilLine{r: r, left: d.file.To - off}, limit: int(d.MaxRecord), name: "lines.ndjson"}
	c.begin()
	c.off += off
	for {
		b, stop := c.next()
		if err := d.block(b, Place{Path: d.file.Path}); err != nil || stop == io.EOF {
			return err
		}
		if stop != nil {
			return stop
		}
	}
}

// passLine passes over the rest of a line and tells how long that was.
func passLine(r *bufio.Reader) (n int64, err error) {
	for {
		b, err := r.ReadSlice('\n')
		n += int64(len(b))
		if err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// untilLine reads so many bytes, and what follows of a line that is not over.
type untilLine struct {
	r    *bufio.Reader
	left int64
	over bool
}

func (u *untilLine) Read(b []byte) (int, error) {
	if u.over || len(b) == 0 {
		return 0, io.EOF
	}
	if u.left > 0 {
		n, err := u.r.Read(b[:min(int64(len(b)), u.left)])
		u.left -= int64(n)
		u.over = u.left == 0 && n > 0 && b[n-1] == '\n'
		return n, err
	}
	if u.r.Buffered() == 0 {
		if _, err := u.r.Peek(1); err != nil {
			return 0, err
		}
	}
	head, err := u.r.Peek(min(u.r.Buffered(), len(b)))
	n := copy(b, head)
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		n, u.over = i+1, true
	}
	_, _ = u.r.Discard(n)
	return n, err
}
