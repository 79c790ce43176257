package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// blockSize is how much text is read and worked on at a time.
const blockSize = 1 << 20

// block is a part of a text, and the documents in it.
type block struct {
	buf  []byte
	off  int64 // of buf in the text
	docs []document
}

// document is where one is in a block.
type document struct {
	at, n int   // in buf
	line  int64 // from 1 on
	bad   *flaw // it is none
}

// flaw is why something is refused.
type flaw struct {
	reason Reason
	text   string
	more   int
	off    int64 // of what is not in a block
}

func (f *flaw) Error() string { return f.text }

func flawed(reason Reason, format string, args ...any) *flaw {
	return &flaw{reason: reason, text: fmt.Sprintf(format, args...)}
}

// layout is how documents are laid out in a text.
type layout uint8

const (
	layoutLines  layout = iota // each on a line
	layoutValues               // one after the other
	layoutArray                // in a list
)

// layoutOf tells the layout from the beginning of a text. It is not sure as long
// as the text has no second line and goes on.
func layoutOf(name string, head []byte, whole bool) (l layout, sure bool) {
	switch path.Ext(strings.ToLower(name)) {
	case ".ndjson", ".jsonl":
		return layoutLines, true
	}
	head = bytes.TrimLeft(head, blanks)
	if len(head) == 0 {
		return layoutLines, whole
	}
	if head[0] == '[' {
		return layoutArray, true
	}
	first, rest, more := bytes.Cut(head, []byte{'\n'})
	if !more && !whole {
		return layoutLines, false
	}
	if head[0] != '{' {
		return layoutLines, true // a damaged line, perhaps
	}
	var m matcher
	if n := m.feed(first); n >= 0 && len(bytes.Trim(first[n:], blanks)) == 0 {
		return layoutLines, true
	}
	rest = bytes.TrimLeft(rest, "\r\n")
	if len(rest) == 0 && !whole {
		return layoutLines, false
	}
	if len(rest) > 0 && rest[0] == '{' {
		return layoutLines, true // and the first of them is damaged
	}
	return layoutValues, true
}

// blanks are what JSON has between its tokens.
const blanks = " \t\r\n"

// cutter cuts a text into blocks of whole documents. Its memory is bounded by
// the largest document that is allowed.
type cutter struct {
	r      io.Reader
	limit  int  // bytes of a document
	packed bool // the text was unpacked: long passages without documents are a bomb
	name   string

	buf    []byte // what is read, and not cut yet
	off    int64  // of buf in the text
	line   int64  // that buf begins in
	err    error  // the reader's; io.EOF at the end
	known  bool   // layout is
	layout layout
	state  arrayState
}

// arrayState is where in a list a cutter is.
type arrayState uint8

const (
	beforeArray arrayState = iota
	inArray
	afterArray
)

// mostSkipped is how long a passage of unpacked text may be that can be no
// document: what goes on for longer is not there to be read.
const mostSkipped = 1 << 30

var errBomb = errors.New("it unpacks to far more than records: nothing further of it is read")

// fill reads until there are n bytes, or there is nothing more.
func (c *cutter) fill(n int) {
	if cap(c.buf) < n && c.err == nil {
		grown := make([]byte, len(c.buf), max(n, blockSize))
		copy(grown, c.buf)
		c.buf = grown
	}
	for len(c.buf) < n && c.err == nil {
		k, err := c.r.Read(c.buf[len(c.buf):n])
		c.buf, c.err = c.buf[:len(c.buf)+k], err
	}
}

// skip leaves out n bytes.
func (c *cutter) skip(n int) {
	c.line += int64(bytes.Count(c.buf[:n], []byte{'\n'}))
	c.off += int64(n)
	c.buf = c.buf[:copy(c.buf, c.buf[n:])]
}

// next is the next block. At the end of the text, or of what can be read of it,
// err tells; there may be a block, too.
func (c *cutter) next() (block, error) {
	if !c.known {
		c.begin()
	}
	if c.layout == layoutLines {
		return c.lines()
	}
	return c.values()
}

// begin finds out the layout.
func (c *cutter) begin() {
	c.known, c.line = true, 1
	c.fill(3)
	if bytes.HasPrefix(c.buf, byteOrderMark) {
		c.skip(len(byteOrderMark))
	}
	for n := 4 << 10; ; n *= 4 {
		c.fill(n)
		var sure bool
		if c.layout, sure = layoutOf(c.name, c.buf, c.err != nil); sure || n > c.limit {
			return
		}
	}
}

var byteOrderMark = []byte{0xEF, 0xBB, 0xBF}

// take cuts off the first n bytes as a block.
func (c *cutter) take(n int, docs []document) block {
	b := block{off: c.off, docs: docs}
	if n < cap(c.buf)/4 { // room for a small one is cheaper than for the next
		b.buf = bytes.Clone(c.buf[:n])
		c.skip(n)
		return b
	}
	b.buf = c.buf[:n:n]
	rest := c.buf[n:]
	c.line += int64(bytes.Count(b.buf, []byte{'\n'}))
	c.off += int64(n)
	c.buf = append(make([]byte, 0, max(blockSize, len(rest))), rest...)
	return b
}

// lines takes all lines that are whole.
func (c *cutter) lines() (block, error) {
	c.fill(blockSize)
	for {
		end := bytes.LastIndexByte(c.buf, '\n') + 1
		if c.err == io.EOF || c.err != nil && complete(c.buf[end:]) {
			end = len(c.buf)
		}
		if end > 0 {
			b := c.take(end, linesIn(c.buf[:end], c.line, c.limit))
			return b, c.err
		}
		if c.err != nil {
			return block{}, c.err
		}
		if len(c.buf) > c.limit+1 {
			return c.longLine()
		}
		c.fill(min(2*len(c.buf), c.limit+2))
	}
}

// complete tells whether the value that a text begins with has its end: that is
// of what comes before damage.
func complete(text []byte) bool { return new(matcher).feed(text) >= 0 }

// linesIn are the lines of a text that are not blank.
func linesIn(buf []byte, line int64, limit int) []document {
	docs := make([]document, 0, len(buf)>>13+1)
	for at := 0; at < len(buf); line++ {
		n := bytes.IndexByte(buf[at:], '\n')
		if n < 0 {
			n = len(buf) - at
		}
		if text := bytes.Trim(buf[at:at+n], blanks); len(text) > 0 {
			d := document{at: at + bytes.IndexByte(buf[at:], text[0]), n: len(text), line: line}
			if d.n > limit {
				d.bad = tooLong(limit)
			}
			docs = append(docs, d)
		}
		at += n + 1
	}
	return docs
}

func tooLong(limit int) *flaw {
	return flawed(TooLarge, "it is longer than %s, which is the most that a record may have", size(int64(limit)))
}

// size is a number of bytes in words.
func size(n int64) string {
	for shift, unit := range map[int]string{30: "GiB", 20: "MiB", 10: "KiB"} {
		if n >= 1<<shift && n < 1<<(shift+10) && n&(1<<shift-1) == 0 {
			return fmt.Sprintf("%d %s", n>>shift, unit)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// longLine passes over a line that is too long to be a record.
func (c *cutter) longLine() (block, error) {
	bad := tooLong(c.limit)
	bad.off = c.off
	docs := []document{{line: c.line, bad: bad}}
	var skipped int64
	for {
		n := bytes.IndexByte(c.buf, '\n')
		if n >= 0 {
			c.skip(n + 1)
			return block{off: c.off, docs: docs}, nil
		}
		if skipped += int64(len(c.buf)); c.packed && skipped > mostSkipped && c.err == nil {
			c.err = errBomb
		}
		c.skip(len(c.buf))
		if c.err != nil {
			return block{off: c.off, docs: docs}, c.err
		}
		c.fill(blockSize)
	}
}

// values takes as many values as there are in a block, or one that is larger.
func (c *cutter) values() (block, error) {
	c.fill(blockSize)
	var docs []document
	at, line, counted := 0, c.line, 0
	lineAt := func(i int) int64 {
		line += int64(bytes.Count(c.buf[counted:i], []byte{'\n'}))
		counted = i
		return line
	}
	for {
		for at < len(c.buf) && strings.IndexByte(blanks, c.buf[at]) >= 0 {
			at++
		}
		if at == len(c.buf) {
			if c.err != nil && c.layout == layoutArray && c.state == inArray {
				docs = append(docs, document{at: at, line: lineAt(at), bad: flawed(Damaged, "the list is cut off: its end is missing")})
			}
			if at == 0 {
				return block{off: c.off, docs: docs}, c.err
			}
			return c.take(at, docs), c.err
		}
		if c.layout == layoutArray {
			switch ch := c.buf[at]; {
			case ch == '[' && c.state == beforeArray:
				c.state = inArray
				at++
				continue
			case ch == ']' && c.state == inArray:
				c.state = afterArray
				at++
				continue
			case ch == ',' && c.state == inArray:
				at++
				continue
			}
		}
		if c.buf[at] != '{' {
			n := bytes.IndexByte(c.buf[at:], '\n')
			if n < 0 && c.err == nil && at > 0 {
				return c.take(at, docs), nil
			}
			if n < 0 && c.err == nil && len(c.buf) <= c.limit {
				c.fill(min(2*len(c.buf), c.limit+1))
				continue
			}
			if n < 0 && c.err == nil {
				return c.longLine()
			}
			if n < 0 {
				n = len(c.buf) - at
			}
			docs = append(docs, document{at: at, n: n, line: lineAt(at), bad: flawed(NoRecord, "this is no record, nor other JSON")})
			at += n
			continue
		}
		var m matcher
		n := m.feed(c.buf[at:])
		switch {
		case n >= 0:
			docs = append(docs, document{at: at, n: n, line: lineAt(at)})
			if n > c.limit {
				docs[len(docs)-1].bad = tooLong(c.limit)
			}
			at += n
		case c.err != nil && c.err != io.EOF: // where it is damaged is told
			return c.take(at, docs), c.err
		case c.err != nil: // cut off: what decodes it says so
			docs = append(docs, document{at: at, n: len(c.buf) - at, line: lineAt(at)})
			at, c.state = len(c.buf), afterArray
		case at > 0:
			return c.take(at, docs), nil
		case len(c.buf) <= c.limit:
			c.fill(min(2*len(c.buf), c.limit+1))
		default:
			return c.longValue()
		}
	}
}

// longValue passes over a value that is too long to be a record.
func (c *cutter) longValue() (block, error) {
	bad := tooLong(c.limit)
	bad.off = c.off
	docs := []document{{line: c.line, bad: bad}}
	var m matcher
	var skipped int64
	for {
		if n := m.feed(c.buf); n >= 0 {
			c.skip(n)
			return block{off: c.off, docs: docs}, nil
		}
		if skipped += int64(len(c.buf)); c.packed && skipped > mostSkipped && c.err == nil {
			c.err = errBomb
		}
		c.skip(len(c.buf))
		if c.err != nil {
			return block{off: c.off, docs: docs}, c.err
		}
		c.fill(blockSize)
	}
}
