package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What a document from outside may be at most, so that it cannot exhaust its
// reader.
const (
	maxDocument = 64 << 20
	maxNesting  = 64
	maxValues   = 2 << 20 // which are held in some 100 bytes each
)

// bomNode is a value of a JSON document that is to be changed in places: what is
// not changed keeps its order, its numbers and texts as they are spelt, and
// members that nobody here knows.
type bomNode struct {
	kind  json.Delim      // '{', '[', or 0 of a leaf
	leaf  json.RawMessage // of a text, number, true, false or null
	names []string        // of an object's members
	items []*bomNode      // members' values, or entries
}

// parseBOM reads one JSON value. Members that are there twice are an error:
// no two readers agree on them.
func parseBOM(text []byte) (*bomNode, error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("larger than %d MiB", maxDocument>>20)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil { // the decoder's tokens are less strict
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte{'\n'})
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		return nil, err
	}
	p := bomParser{text: text, d: json.NewDecoder(bytes.NewReader(text))}
	p.d.UseNumber()
	return p.value(0)
}

type bomParser struct {
	text   []byte
	d      *json.Decoder
	values int
}

func (p *bomParser) value(depth int) (*bomNode, error) {
	before := p.d.InputOffset()
	token, err := p.d.Token()
	if err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, fmt.Errorf("more than %d values", maxValues)
	}
	open, ok := token.(json.Delim)
	if !ok {
		leaf := bytes.TrimLeft(p.text[before:p.d.InputOffset()], " \t\r\n,:")
		return &bomNode{leaf: leaf}, nil
	}
	if depth >= maxNesting {
		return nil, fmt.Errorf("byte %d: nested deeper than %d levels", p.d.InputOffset(), maxNesting)
	}
	n := &bomNode{kind: open}
	seen := map[string]bool{}
	for p.d.More() {
		if open == '{' {
			key, err := p.d.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string) // a syntax error otherwise
			if seen[name] {
				return nil, fmt.Errorf("byte %d: the member %q is there twice", p.d.InputOffset(), name)
			}
			seen[name] = true
			n.names = append(n.names, name)
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err = p.d.Token()
	return n, err
}

// bomNodeOf is a Go value as a tree.
func bomNodeOf(v any) (*bomNode, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return parseBOM(b.Bytes())
}

// member is the value of an object's member, nil if there is none.
func (n *bomNode) member(name string) *bomNode {
	if n != nil && n.kind == '{' {
		if i := slices.Index(n.names, name); i >= 0 {
			return n.items[i]
		}
	}
	return nil
}

// set gives an object a member, or a member another value.
func (n *bomNode) set(name string, v *bomNode) {
	if i := slices.Index(n.names, name); i >= 0 {
		n.items[i] = v
		return
	}
	n.names = append(n.names, name)
	n.items = append(n.items, v)
}

// entries are the entries of a list, none if n is no list.
func (n *bomNode) entries() []*bomNode {
	if n == nil || n.kind != '[' {
		return nil
	}
	return n.items
}

// string is the value of a text, "" if n is none.
func (n *bomNode) string() string {
	var s string
	if n != nil && len(n.leaf) > 0 && n.leaf[0] == '"' {
		_ = json.Unmarshal(n.leaf, &s) // it was checked as a whole
	}
	return s
}

// write writes the value without white space.
func (n *bomNode) write(b *bytes.Buffer) {
	if n.kind == 0 {
		b.Write(n.leaf)
		return
	}
	b.WriteByte(byte(n.kind))
	for i, item := range n.items {
		if i > 0 {
			b.WriteByte(',')
		}
		if n.kind == '{' {
			writeText(b, n.names[i])
			b.WriteByte(':')
		}
		item.write(b)
	}
	b.WriteByte(byte(n.kind) + 2) // ] and } follow [ and { by two
}

func writeText(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	b.Truncate(b.Len() - 1) // its line end
}

// indented is the document with each member and entry on a line of its own;
// indent "" leaves all on one.
func (n *bomNode) indented(indent string) []byte {
	var b, lines bytes.Buffer
	n.write(&b)
	if indent == "" {
		return b.Bytes()
	}
	_ = json.Indent(&lines, b.Bytes(), "", indent) // it is well formed
	return lines.Bytes()
}

// layoutOf tells how a document is laid out: by what its members are indented,
// and its line ends.
func layoutOf(text []byte) (indent, end string) {
	at := bytes.IndexByte(text, '\n')
	if at < 0 || len(bytes.TrimSpace(text[at:])) == 0 {
		return "", "\n"
	}
	end = "\n"
	if at > 0 && text[at-1] == '\r' {
		end = "\r\n"
	}
	line := text[at+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))]), end
}

// readBounded reads all of a document that is not too large.
func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("larger than %d MiB", maxDocument>>20)
	}
	return text, err
}
