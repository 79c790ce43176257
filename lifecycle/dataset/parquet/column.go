package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/format"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// column reads one column of a row group into the rows of a batch.
type column struct {
	leaf
	typ   dataset.ColumnType
	name  string
	perMS int64 // of a time's unit
	main  cursor
	side  cursor // of units: the counts

	// Where the rows of the batch hold it; those of its type are there.
	texts    []*string
	plain    []*float64
	numbers  []**float64
	counts   []**int64
	times    []**time.Time
	units    []*map[string]int64
	doubles  []float64
	integers []int64
	moments  []time.Time

	names []string // of the units of the last row
	tally []int64
	last  map[string]int64
}

// newColumn has a column fill these rows.
func newColumn(l leaf, rows []dataset.Row) *column {
	def := &columns[l.column]
	c := &column{leaf: l, typ: def.Type, name: def.Name, perMS: 1}
	for i := range rows {
		switch p := def.Field(&rows[i]).(type) {
		case *string:
			c.texts = append(c.texts, p)
		case *float64:
			c.plain = append(c.plain, p)
		case **float64:
			c.numbers = append(c.numbers, p)
		case **int64:
			c.counts = append(c.counts, p)
		case **time.Time:
			c.times = append(c.times, p)
		case *map[string]int64:
			c.units = append(c.units, p)
		}
	}
	switch {
	case c.numbers != nil:
		c.doubles = make([]float64, len(rows))
	case c.counts != nil:
		c.integers = make([]int64, len(rows))
	case c.times != nil:
		c.integers, c.moments = make([]int64, len(rows)), make([]time.Time, len(rows))
	}
	return c
}

// open begins to read the column's part of a row group.
func (c *column) open(chunks []parquet.ColumnChunk) {
	c.close()
	c.main = cursor{pages: chunks[c.index].Pages(), level: c.level}
	if c.typ == dataset.UnitsColumn {
		of, _ := chunks[c.index+1].(interface{ Node() parquet.Node })
		level := c.level
		if of != nil && of.Node().Optional() {
			level++
		}
		c.side = cursor{pages: chunks[c.index+1].Pages(), level: level}
		c.last = nil
	}
	if c.typ == dataset.TimeColumn {
		if t := chunks[c.index].Type().LogicalType(); t != nil {
			if stamp, ok := t.Value.(*format.TimestampType); ok {
				switch stamp.Unit.Value.(type) {
				case *format.MicroSeconds:
					c.perMS = 1e3
				case *format.NanoSeconds:
					c.perMS = 1e6
				}
			}
		}
	}
}

func (c *column) close() {
	c.main.close()
	c.side.close()
}

// fill reads the first n rows of the batch.
func (c *column) fill(n int) error {
	if c.typ == dataset.UnitsColumn {
		for i := range n {
			if err := c.fillUnits(c.units[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < n; {
		m, err := c.main.some(n - i)
		if err != nil {
			return err
		}
		c.copy(i, m)
		i += m
	}
	return nil
}

// copy copies m values of the page to the rows from i on.
func (c *column) copy(i, m int) {
	p := &c.main
	switch {
	case c.texts != nil:
		to := c.texts[i : i+m]
		for k := range to {
			if at := p.next(); at < 0 {
				*to[k] = ""
			} else if p.indexes != nil {
				*to[k] = p.texts[p.indexes[at]]
			} else {
				*to[k] = string(p.bytes[p.offsets[at]:p.offsets[at+1]])
			}
		}
	case c.plain != nil:
		to := c.plain[i : i+m]
		for k := range to {
			if at := p.next(); at < 0 {
				*to[k] = math.NaN() // see settle
			} else {
				*to[k] = p.double(at)
			}
		}
	case c.numbers != nil:
		to, of := c.numbers[i:i+m], c.doubles[i:i+m]
		for k := range to {
			if at := p.next(); at < 0 {
				*to[k] = nil
			} else {
				of[k] = p.double(at)
				*to[k] = &of[k]
			}
		}
	case c.counts != nil:
		to, of := c.counts[i:i+m], c.integers[i:i+m]
		for k := range to {
			if at := p.next(); at < 0 {
				*to[k] = nil
			} else {
				of[k] = p.integer(at)
				*to[k] = &of[k]
			}
		}
	case c.times != nil:
		to, of := c.times[i:i+m], c.moments[i:i+m]
		for k := range to {
			if at := p.next(); at < 0 {
				*to[k] = nil
			} else {
				of[k] = time.UnixMilli(p.integer(at) / c.perMS).UTC()
				*to[k] = &of[k]
			}
		}
	}
}

// fillUnits reads the functional units of a row. Those of the row before, if
// they are the same, are the same map.
func (c *column) fillUnits(to *map[string]int64) error {
	*to = nil
	n, same := 0, c.last != nil
	for first := true; ; first = false {
		more, err := c.main.entry(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if more, err := c.side.entry(first); err != nil || !more {
			return errors.Join(err, fmt.Errorf("column %s: more names than counts", c.name))
		}
		name, count := c.main.next(), c.side.next()
		if name < 0 {
			continue // no units
		}
		if count < 0 {
			return fmt.Errorf("column %s: a unit without a count", c.name)
		}
		text, tally := c.main.text(name), c.side.integer(count)
		if n == len(c.names) {
			c.names, c.tally, same = append(c.names, text), append(c.tally, tally), false
		} else if c.names[n] != text || c.tally[n] != tally {
			c.names[n], c.tally[n], same = text, tally, false
		}
		if n++; n > maxUnits {
			return fmt.Errorf("column %s: a row has more than %d units", c.name, maxUnits)
		}
	}
	same = same && n == len(c.names)
	c.names, c.tally = c.names[:n], c.tally[:n]
	switch {
	case n == 0:
		c.last = nil
	case !same:
		c.last = make(map[string]int64, n)
		for i, name := range c.names {
			if _, twice := c.last[name]; twice {
				return fmt.Errorf("column %s: unit %q is there twice", c.name, name)
			}
			c.last[name] = c.tally[i]
		}
	}
	*to = c.last
	return nil
}

// maxUnits bounds the functional units of a row.
const maxUnits = 10_000

// cursor goes through the values of a column chunk.
type cursor struct {
	pages parquet.Pages
	page  parquet.Page
	level int // of a value that is there
	dict  parquet.Dictionary

	defs, reps []byte // nil if all are there, if none is repeated
	n, at      int    // entries of the page; the next
	dense      int    // the next value that is there

	// The values of the page: indexes of the dictionary's, or themselves.
	indexes []int32
	texts   []string // of the dictionary
	bytes   []byte
	offsets []uint32
	doubles []float64 // of the page, or the dictionary
	ints    []int64
}

func (p *cursor) close() {
	if p.page != nil {
		parquet.Release(p.page)
		p.page = nil
	}
	if p.pages != nil {
		p.pages.Close()
		p.pages = nil
	}
}

// some makes sure that a page has entries, and tells how many, n at most.
func (p *cursor) some(n int) (int, error) {
	for p.at == p.n {
		if err := p.turn(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	return min(n, p.n-p.at), nil
}

// entry tells whether there is an entry of the row that is being read, of which
// the first begins a row.
func (p *cursor) entry(first bool) (bool, error) {
	for p.at == p.n {
		if err := p.turn(); err == io.EOF && !first {
			return false, nil
		} else if err == io.EOF {
			return false, io.ErrUnexpectedEOF
		} else if err != nil {
			return false, err
		}
	}
	begins := p.reps == nil || p.reps[p.at] == 0
	if first && !begins {
		return false, errors.New("a row begins with what belongs to the row before")
	}
	return first || !begins, nil
}

// turn goes to the next page.
func (p *cursor) turn() error {
	if p.page != nil {
		parquet.Release(p.page)
		p.page = nil
	}
	page, err := p.pages.ReadPage()
	if err != nil {
		return err
	}
	p.page, p.at, p.dense = page, 0, 0
	p.n = int(page.NumValues())
	p.defs, p.reps = page.DefinitionLevels(), page.RepetitionLevels()
	if len(p.defs) == 0 {
		p.defs = nil
	}
	if len(p.reps) == 0 {
		p.reps = nil
	}
	if p.defs != nil && len(p.defs) != p.n || p.reps != nil && len(p.reps) != p.n {
		return errors.New("a page has more or fewer levels than values")
	}
	if p.defs == nil && p.level > 0 && page.NumNulls() > 0 {
		return errors.New("a page has nulls without levels")
	}
	p.indexes, p.bytes, p.offsets = nil, nil, nil
	values := page.Data()
	if d := page.Dictionary(); d != nil {
		p.indexes = values.Int32()
		if p.indexes == nil {
			p.indexes = []int32{}
		}
		if d != p.dict {
			p.dict = d
			values, p.texts = d.Page().Data(), nil
			p.takeAll(values)
		}
		return nil
	}
	p.dict = nil
	p.take(values)
	return nil
}

// take takes the values of a page.
func (p *cursor) take(values encoding.Values) {
	switch p.page.Type().Kind() {
	case parquet.Double:
		p.doubles = values.Double()
	case parquet.Int64:
		p.ints = values.Int64()
	default:
		p.bytes, p.offsets = values.ByteArray()
	}
}

// takeAll takes the values of a dictionary, which outlives its pages.
func (p *cursor) takeAll(values encoding.Values) {
	switch p.dict.Type().Kind() {
	case parquet.Double:
		p.doubles = slices.Clone(values.Double())
	case parquet.Int64:
		p.ints = slices.Clone(values.Int64())
	default:
		bytes, offsets := values.ByteArray()
		all := string(bytes)
		p.texts = make([]string, 0, len(offsets))
		for i := 1; i < len(offsets); i++ {
			p.texts = append(p.texts, all[offsets[i-1]:offsets[i]])
		}
	}
}

// next is the place of the next value, -1 for a null.
func (p *cursor) next() int {
	if p.defs != nil && int(p.defs[p.at]) != p.level {
		p.at++
		return -1
	}
	p.at++
	p.dense++
	return p.dense - 1
}

func (p *cursor) double(at int) float64 {
	if p.indexes != nil {
		return p.doubles[p.indexes[at]]
	}
	return p.doubles[at]
}

func (p *cursor) integer(at int) int64 {
	if p.indexes != nil {
		return p.ints[p.indexes[at]]
	}
	return p.ints[at]
}

func (p *cursor) text(at int) string {
	if p.indexes != nil {
		return p.texts[p.indexes[at]]
	}
	return string(p.bytes[p.offsets[at]:p.offsets[at+1]])
}
