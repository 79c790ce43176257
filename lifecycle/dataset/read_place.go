package dataset

import (
	"encoding/binary"
	"errors"
	"math"
)

// position is where a document is, and what it was.
type position struct {
	content uint32 // index in the table of contents
	n       uint32
	line    uint32 // 0: the whole file
	off     int64
	hash    uint64
}

const positionSize = 28

func (p *position) put(b []byte) {
	binary.LittleEndian.PutUint32(b, p.content)
	binary.LittleEndian.PutUint32(b[4:], p.n)
	binary.LittleEndian.PutUint32(b[8:], p.line)
	binary.LittleEndian.PutUint64(b[12:], uint64(p.off))
	binary.LittleEndian.PutUint64(b[20:], p.hash)
}

func (p *position) get(b []byte) {
	p.content = binary.LittleEndian.Uint32(b)
	p.n = binary.LittleEndian.Uint32(b[4:])
	p.line = binary.LittleEndian.Uint32(b[8:])
	p.off = int64(binary.LittleEndian.Uint64(b[12:]))
	p.hash = binary.LittleEndian.Uint64(b[20:])
}

// content is a text that documents are in: a file, or an entry of one.
type content struct {
	file   uint32 // the content that is the file itself
	packed bool   // documents cannot be read at their place in the file
	nth    uint32 // of the texts in the file, if it is packed
	name   string // path of the file, or name of the entry
}

const contentSize = 20

// newContent adds to the table of contents.
func (r *intake) newContent(c content) (uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.packed || c.name != "" { // what a file unpacks to is no other file
		r.report.Files++
	}
	at, err := r.names.append([]byte(c.name)...)
	if err != nil {
		return 0, err
	}
	id := r.contents.size() / contentSize
	if id > math.MaxUint32-1 {
		return 0, errors.New("dataset: more than 4 thousand million files are too many for one reading")
	}
	if !c.packed {
		c.file = uint32(id)
	}
	var b [contentSize]byte
	binary.LittleEndian.PutUint32(b[:], c.file)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(c.name)))
	binary.LittleEndian.PutUint64(b[8:], uint64(at)<<1|uint64(number(c.packed)))
	binary.LittleEndian.PutUint32(b[16:], c.nth)
	_, err = r.contents.append(b[:]...)
	return uint32(id), err
}

// contentAt reads the table of contents, once all is in it.
func (r *intake) contentAt(id uint32) (c content, err error) {
	var b [contentSize]byte
	if err := r.contents.read(b[:], int64(id)*contentSize); err != nil {
		return c, err
	}
	at := binary.LittleEndian.Uint64(b[8:])
	name := make([]byte, binary.LittleEndian.Uint32(b[4:]))
	if err := r.names.read(name, int64(at>>1)); err != nil {
		return c, err
	}
	return content{binary.LittleEndian.Uint32(b[:]), at&1 == 1, binary.LittleEndian.Uint32(b[16:]), string(name)}, nil
}

// positionsAt reads the positions of some documents.
func (r *intake) positionsAt(first, n uint32) ([]position, error) {
	buf := make([]byte, int(n)*positionSize)
	if err := r.positions.read(buf, int64(first)*positionSize); err != nil {
		return nil, err
	}
	list := make([]position, n)
	for i := range list {
		list[i].get(buf[i*positionSize:])
	}
	return list, nil
}

// placeOf is where a document is.
func (r *intake) placeOf(doc uint32) (Place, error) {
	list, err := r.positionsAt(doc, 1)
	if err != nil {
		return Place{}, err
	}
	return r.place(&list[0])
}

func (r *intake) place(p *position) (at Place, err error) {
	c, err := r.contentAt(p.content)
	if err != nil {
		return at, err
	}
	at = Place{Path: c.name, Line: int64(p.line), Offset: p.off}
	if c.packed {
		at.Entry = c.name
		file, err := r.contentAt(c.file)
		if err != nil {
			return at, err
		}
		at.Path = file.name
	}
	return at, nil
}
