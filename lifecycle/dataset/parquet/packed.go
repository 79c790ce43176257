package parquet

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// packer packs columns of rows into few bytes: which cells are known, and what
// these tell. Texts are told by their number once they were told.
type packer struct {
	columns []dataset.Column
	seen    []seen // by column: of the row before
	texts   map[string]uint64
	list    []string
	bytes   int
}

// seen is a text and its number.
type seen struct {
	text   string
	number uint64
}

// The bounds of the texts that are told by their number.
const (
	maxTexts     = 64 << 10
	maxTextBytes = 8 << 20
)

func newPacker(list []dataset.Column) *packer {
	return &packer{columns: list, seen: make([]seen, len(list)), texts: map[string]uint64{}}
}

// append appends what a row tells.
func (p *packer) append(b []byte, row *dataset.Row) []byte {
	at := len(b)
	b = append(b, make([]byte, (len(p.columns)+7)/8)...)
	for k := range p.columns {
		c := &p.columns[k]
		v := c.Cell(row)
		if !v.Known {
			continue
		}
		b[at+k/8] |= 1 << (k % 8)
		switch c.Type {
		case dataset.TextColumn:
			b = p.text(b, k, v.Text)
		case dataset.NumberColumn:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Number))
		case dataset.UnitsColumn:
			b = binary.AppendUvarint(b, uint64(len(v.Units)))
			for _, name := range slices.Sorted(maps.Keys(v.Units)) {
				b = binary.AppendVarint(p.text(b, k, name), v.Units[name])
			}
		default:
			b = binary.AppendVarint(b, v.Count)
		}
	}
	return b
}

// text appends a text: its number from 1 on, or 0 and the text itself.
func (p *packer) text(b []byte, k int, text string) []byte {
	if s := &p.seen[k]; s.number > 0 && s.text == text {
		return binary.AppendUvarint(b, s.number)
	}
	number := p.texts[text]
	if number == 0 && p.columns[k].Name != "run_id" && len(p.list) < maxTexts && p.bytes+len(text) < maxTextBytes {
		text = strings.Clone(text)
		p.list = append(p.list, text)
		number = uint64(len(p.list))
		p.texts[text], p.bytes = number, p.bytes+len(text)
	}
	if number == 0 {
		return append(binary.AppendUvarint(append(b, 0), uint64(len(text))), text...)
	}
	p.seen[k] = seen{p.list[number-1], number}
	return binary.AppendUvarint(b, number)
}

var errPacked = errors.New("what was kept of a row is damaged")

// unpack has a row tell what was packed.
func (p *packer) unpack(row *dataset.Row, b []byte) error {
	known := b
	b = b[(len(p.columns)+7)/8:]
	for k := range p.columns {
		c := &p.columns[k]
		var v dataset.Cell
		if v.Known = known[k/8]>>(k%8)&1 != 0; v.Known {
			switch c.Type {
			case dataset.TextColumn:
				v.Text, b = p.unpackText(b)
			case dataset.NumberColumn:
				v.Number = math.Float64frombits(binary.LittleEndian.Uint64(b))
				b = b[8:]
			case dataset.UnitsColumn:
				n, size := binary.Uvarint(b)
				b = b[size:]
				v.Units = make(map[string]int64, n)
				for range n {
					var name string
					name, b = p.unpackText(b)
					v.Units[name], size = binary.Varint(b)
					b = b[size:]
				}
			default:
				var size int
				v.Count, size = binary.Varint(b)
				b = b[size:]
			}
		}
		set(c.Field(row), v)
	}
	if len(b) > 0 {
		return errPacked
	}
	return nil
}

func (p *packer) unpackText(b []byte) (string, []byte) {
	number, size := binary.Uvarint(b)
	b = b[size:]
	if number > 0 {
		return p.list[number-1], b
	}
	n, size := binary.Uvarint(b)
	return string(b[size:][:n]), b[size+int(n):]
}

// set has a place in a row tell a cell, in memory that may be there.
func set(field any, v dataset.Cell) {
	switch p := field.(type) {
	case *string:
		*p = v.Text
	case *float64:
		if *p = v.Number; !v.Known {
			*p = math.NaN() // see settle
		}
	case **float64:
		put(p, v.Known, v.Number)
	case **int64:
		put(p, v.Known, v.Count)
	case **time.Time:
		put(p, v.Known, time.UnixMilli(v.Count).UTC())
	case *map[string]int64:
		*p = v.Units
	}
}

func put[T any](p **T, known bool, v T) {
	switch {
	case !known:
		*p = nil
	case *p == nil:
		*p = &v
	default:
		**p = v
	}
}
