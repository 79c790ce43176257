package dataset

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// What is noted of one document at most.
const (
	mostInstances = 1024
	mostParts     = maxShards
)

// identity is what of a record decides, with that of others, whether it counts.
type identity struct {
	run, trace, series, parent [16]byte // 0: none
	created, start, end        int64    // ns since 1970; 0: none
	status                     lifecycle.Status
	machine                    bool // of scope machine
	supersedes                 bool // another document
	counted                    bool // its parent counts its joules
	rank, ranks                int  // ranks 0: none
	window                     int
	resolution                 float64
	coverage                   float64
	parts                      [][16]byte // that it was merged of
	instances                  [][8]byte  // of its devices
}

// reset makes the identity that of no record, and keeps its room.
func (id *identity) reset() { *id = identity{parts: id.parts[:0], instances: id.instances[:0]} }

// finality is [finality] of the document, but that an estimate stands below
// what ran.
func (id *identity) finality() uint8 {
	switch id.status {
	case lifecycle.Running:
		return 0
	case lifecycle.Estimated:
		return 1
	}
	return uint8(finality(id.status)) + 1
}

// scan reads the identity of a record from its text, without decoding it: at
// the speed at which text can be passed over. It is false if the text is none of
// a record, or of one that is written in an unusual way; then decoding tells.
// What it makes of a text that is no valid record is of no meaning.
func (id *identity) scan(doc []byte) bool {
	id.reset()
	c := cursor{b: doc}
	var schema, run, created, hardware bool
	usual := true // the order of members is that of lifecycle.Encode
	if !c.open('{') {
		return false
	}
	for first := true; ; first = false {
		key, ok := c.member(first)
		if !ok {
			return false
		}
		switch string(key) {
		case "": // the end
			return schema && run && created
		case "schema":
			text, ok := c.text()
			if !ok || string(text) != lifecycle.Schema {
				return false
			}
			schema, usual = true, first
		case "created_at":
			created = c.time(&id.created)
			if !created {
				return false
			}
		case "supersedes":
			id.supersedes = true
			if !c.pass() {
				return false
			}
		case "run":
			if run = id.scanRun(&c); !run {
				return false
			}
		case "hardware":
			from := c.i
			if !c.pass() {
				return false
			}
			id.scanInstances(c.b[from:c.i])
			hardware = true
		case "warnings":
			from := c.i
			if !c.pass() {
				return false
			}
			id.counted = bytes.Contains(c.b[from:c.i], countedByParent)
		default:
			if !c.pass() {
				return false
			}
		}
		if usual && hardware && schema && run && created {
			// Of what comes later one warning of a child matters. (So would supersedes,
			// which lifecycle.Encode writes earlier; where its place is another, the
			// time of the document tells as much, and of one age all are decoded.)
			if id.parent == [16]byte{} || !bytes.Contains(c.b[c.i:], countedByParent) {
				return true
			}
			usual = false // and that may be a name or a text somewhere else
		}
	}
}

var (
	countedByParent = []byte(`"counted-by-parent"`)
	instanceMember  = []byte(`"instance"`)
)

func (id *identity) scanRun(c *cursor) bool {
	if !c.open('{') {
		return false
	}
	var there bool
	for first := true; ; first = false {
		key, ok := c.member(first)
		if !ok {
			return false
		}
		switch string(key) {
		case "":
			return there && id.status != ""
		case "id":
			there = c.uuid(&id.run)
			ok = there
		case "status":
			var text []byte
			text, ok = c.text()
			id.status = statusOf(text)
		case "started_at":
			ok = c.time(&id.start)
		case "ended_at":
			ok = c.time(&id.end)
		case "scope":
			var text []byte
			text, ok = c.text()
			id.machine = string(text) == string(lifecycle.ScopeMachine)
		case "trace_id":
			var text []byte
			text, ok = c.text()
			ok = ok && len(text) == 32
			if ok {
				_, err := hex.Decode(id.trace[:], text)
				ok = err == nil
			}
		case "parent":
			ok = c.uuid(&id.parent)
		case "rank":
			ok = c.object(func(key string) bool {
				switch key {
				case "index":
					return c.whole(&id.rank)
				case "count":
					return c.whole(&id.ranks)
				}
				return c.pass()
			})
		case "segment":
			ok = c.object(func(key string) bool {
				switch key {
				case "series":
					return c.uuid(&id.series)
				case "index":
					return c.whole(&id.window)
				}
				return c.pass()
			})
		case "merged":
			ok = c.list(func() bool {
				var part [16]byte
				ok := c.object(func(key string) bool {
					if key == "id" {
						return c.uuid(&part)
					}
					return c.pass()
				})
				if len(id.parts) < mostParts {
					id.parts = append(id.parts, part)
				}
				return ok
			})
		case "coverage":
			ok = c.number(&id.coverage)
		case "time_resolution_s":
			ok = c.number(&id.resolution)
		default:
			ok = c.pass()
		}
		if !ok {
			return false
		}
	}
}

// statusOf is a status without a copy of the text; "" for none.
func statusOf(text []byte) lifecycle.Status {
	for _, s := range []lifecycle.Status{lifecycle.Complete, lifecycle.Running, lifecycle.Failed, lifecycle.Interrupted, lifecycle.Estimated} {
		if string(text) == string(s) {
			return s
		}
	}
	return ""
}

// scanInstances finds the instances in the list of hardware, in which no other
// member has that name.
func (id *identity) scanInstances(hardware []byte) {
	c := cursor{b: hardware}
	for len(id.instances) < mostInstances {
		i := bytes.Index(c.b[c.i:], instanceMember)
		if i < 0 {
			return
		}
		c.i += i + len(instanceMember)
		c.blank()
		if c.i == len(c.b) || c.b[c.i] != ':' {
			continue // a text of that content
		}
		c.i++
		c.list(func() bool {
			text, ok := c.text()
			var instance [8]byte
			if ok && len(text) == 16 && len(id.instances) < mostInstances {
				if _, err := hex.Decode(instance[:], text); err == nil {
					id.instances = append(id.instances, instance)
				}
			}
			return ok
		})
	}
}

// of is the identity of a record that was decoded.
func (id *identity) of(r *lifecycle.Record) bool {
	id.reset()
	run, err := uuid.Parse(r.Run.ID)
	if err != nil {
		return false
	}
	id.run, id.created, id.status = run, r.CreatedAt.UnixNano(), r.Run.Status
	if r.Run.StartedAt != nil {
		id.start = r.Run.StartedAt.UnixNano()
	}
	if r.Run.EndedAt != nil {
		id.end = r.Run.EndedAt.UnixNano()
	}
	id.machine = r.Run.Scope == lifecycle.ScopeMachine
	id.supersedes = len(r.Supersedes) > 0
	if _, err := hex.Decode(id.trace[:], []byte(r.Run.TraceID[:min(32, len(r.Run.TraceID))])); err != nil {
		id.trace = [16]byte{}
	}
	if p, err := uuid.Parse(r.Run.Parent); err == nil {
		id.parent = p
		for _, w := range r.Warnings {
			id.counted = id.counted || w.Code == "counted-by-parent"
		}
	}
	if k := r.Run.Rank; k != nil {
		id.rank, id.ranks = k.Index, k.Count
	}
	if s := r.Run.Segment; s != nil {
		if series, err := uuid.Parse(s.Series); err == nil {
			id.series, id.window = series, s.Index
		}
	}
	for _, m := range r.Run.Merged[:min(len(r.Run.Merged), mostParts)] {
		if part, err := uuid.Parse(m.ID); err == nil {
			id.parts = append(id.parts, part)
		}
	}
	if r.Run.Coverage != nil {
		id.coverage = *r.Run.Coverage
	}
	if r.Run.TimeResolutionS != nil {
		id.resolution = *r.Run.TimeResolutionS
	}
	for _, h := range r.Hardware {
		for _, text := range h.Instance {
			var instance [8]byte
			if n, err := hex.Decode(instance[:], []byte(text)); err == nil && n == 8 && len(id.instances) < mostInstances {
				id.instances = append(id.instances, instance)
			}
		}
	}
	return true
}

// cursor walks over the text of a JSON document. It accepts more than JSON: who
// decodes the document finds that out.
type cursor struct {
	b []byte
	i int
}

func (c *cursor) blank() {
	for c.i < len(c.b) && (c.b[c.i] == ' ' || c.b[c.i] == '\n' || c.b[c.i] == '\t' || c.b[c.i] == '\r') {
		c.i++
	}
}

// open takes one character, with blanks before it.
func (c *cursor) open(what byte) bool {
	c.blank()
	if c.i == len(c.b) || c.b[c.i] != what {
		return false
	}
	c.i++
	return true
}

// member reads the name of the next member, up to its value; "" at the end.
func (c *cursor) member(first bool) (key []byte, ok bool) {
	if c.open('}') {
		return nil, true
	}
	if !first && !c.open(',') {
		return nil, false
	}
	key, ok = c.text()
	return key, ok && len(key) > 0 && c.open(':')
}

// object calls f for each member of an object; f passes the value.
func (c *cursor) object(f func(key string) bool) bool {
	if !c.open('{') {
		return false
	}
	for first := true; ; first = false {
		key, ok := c.member(first)
		if !ok {
			return false
		}
		if len(key) == 0 {
			return true
		}
		if !f(string(key)) {
			return false
		}
	}
}

// list calls f for each value of a list.
func (c *cursor) list(f func() bool) bool {
	if !c.open('[') {
		return false
	}
	for first := true; !c.open(']'); first = false {
		if !first && !c.open(',') || !f() {
			return false
		}
	}
	return true
}

// text reads a text without escapes.
func (c *cursor) text() ([]byte, bool) {
	if !c.open('"') {
		return nil, false
	}
	n := bytes.IndexByte(c.b[c.i:], '"')
	if n < 0 || bytes.IndexByte(c.b[c.i:c.i+n], '\\') >= 0 {
		return nil, false
	}
	text := c.b[c.i : c.i+n]
	c.i += n + 1
	return text, true
}

func (c *cursor) uuid(to *[16]byte) bool {
	text, ok := c.text()
	if !ok || len(text) != 36 {
		return false
	}
	id, err := uuid.ParseBytes(text)
	*to = id
	return err == nil
}

func (c *cursor) time(to *int64) bool {
	text, ok := c.text()
	if !ok {
		return false
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil || t.Year() < 1700 || t.Year() > 2200 { // what ns since 1970 can hold
		return false
	}
	*to = t.UnixNano()
	return true
}

// digits reads what a number is written with.
func (c *cursor) digits() []byte {
	c.blank()
	from := c.i
	for c.i < len(c.b) && (c.b[c.i] >= '0' && c.b[c.i] <= '9' || c.b[c.i] == '.' || c.b[c.i] == '-' || c.b[c.i] == '+' || c.b[c.i]|0x20 == 'e') {
		c.i++
	}
	return c.b[from:c.i]
}

func (c *cursor) whole(to *int) bool {
	n, err := strconv.ParseUint(string(c.digits()), 10, 31)
	*to = int(n)
	return err == nil
}

func (c *cursor) number(to *float64) (ok bool) {
	x, err := strconv.ParseFloat(string(c.digits()), 64)
	*to = x
	return err == nil && !math.IsInf(x, 0)
}

// structural tells which bytes matter for where a value ends.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// pass passes over a value.
func (c *cursor) pass() bool {
	c.blank()
	if c.i == len(c.b) {
		return false
	}
	var m matcher
	switch c.b[c.i] {
	case '{', '[', '"':
		n := m.feed(c.b[c.i:])
		if n < 0 {
			return false
		}
		c.i += n
	default: // a number or a word
		from := c.i
		for c.i < len(c.b) && bytes.IndexByte(endOfWord, c.b[c.i]) < 0 {
			c.i++
		}
		return c.i > from
	}
	return true
}

var endOfWord = []byte(",}] \n\t\r")

// matcher finds where an object, a list or a text ends, of which it is fed one
// part after the other.
type matcher struct {
	depth int
	text  bool // it is in a text
	slash bool // after an odd number of backslashes of it
}

// feed is the index after the end of the value, -1 if that is still to come.
func (m *matcher) feed(b []byte) int {
	for i := 0; i < len(b); {
		if m.text {
			if m.slash {
				m.slash = false
				i++
				continue
			}
			for i < len(b) && b[i] != '"' && b[i] != '\\' {
				i++
			}
			if i == len(b) {
				return -1
			}
			if b[i] == '\\' {
				m.slash = true
				i++
				continue
			}
			i++
			if m.text = false; m.depth == 0 {
				return i
			}
			continue
		}
		for i < len(b) && !structural[b[i]] {
			i++
		}
		if i == len(b) {
			return -1
		}
		switch b[i] {
		case '"':
			m.text = true
		case '{', '[':
			m.depth++
		default:
			if m.depth--; m.depth <= 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
