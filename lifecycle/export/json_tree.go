package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// jsonLimits are what a document from outside may be at most, so that it cannot
// exhaust its reader.
type jsonLimits struct {
	bytes  int64
	depth  int
	values int // which are held in some 100 bytes each
	leaf   int // bytes of a text or number, as it is spelt
}

// jsonNode is a value of a JSON document that may be changed in places: what is
// not changed keeps its order, its numbers and texts as they are spelt, and
// members that nobody here knows.
type jsonNode struct {
	kind  json.Delim      // '{', '[', or 0 of a leaf
	leaf  json.RawMessage // of a text, number, true, false or null
	names []string        // of an object's members
	items []*jsonNode     // members' values, or entries
}

// jsonReader reads the values of a text, more strictly than encoding/json:
// members that are there twice are an error, for no two readers agree on them.
type jsonReader struct {
	jsonLimits
	// closed is a member of documents, or of those in a list, that is not looked
	// into: a leaf, whatever it is.
	closed string

	text   []byte
	whole  *json.Decoder // value by value
	tokens *json.Decoder // of the value that is read
	value  []byte
	start  int64 // of it in the text
	count  int
	at     []byte // JSON Pointer to where it is
}

// newJSONReader reads all of a text that is not too large.
func newJSONReader(r io.Reader, limits jsonLimits) (*jsonReader, error) {
	text, err := io.ReadAll(io.LimitReader(r, limits.bytes+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > limits.bytes:
		return nil, fmt.Errorf("larger than %d MiB", limits.bytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8, and so no JSON (RFC 8259, 8.1)")
	}
	return &jsonReader{jsonLimits: limits, text: text, whole: json.NewDecoder(bytes.NewReader(text))}, nil
}

const byteOrderMark = "\ufeff"

// one reads the only value of a text.
func (j *jsonReader) one() (*jsonNode, error) {
	n, err := j.next()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := j.whole.Token(); err != io.EOF {
		return nil, fmt.Errorf("line %d: there is more than one value", j.line(j.whole.InputOffset()))
	}
	return n, nil
}

// next reads the next value; io.EOF says that there is none.
func (j *jsonReader) next() (*jsonNode, error) {
	var value json.RawMessage
	err := j.whole.Decode(&value) // its tokens are less strict
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		at := j.whole.InputOffset()
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			at = syntax.Offset
		}
		return nil, fmt.Errorf("line %d: %w", j.line(at), err)
	}
	j.value, j.start = value, j.whole.InputOffset()-int64(len(value))
	j.tokens, j.count, j.at = json.NewDecoder(bytes.NewReader(value)), 0, j.at[:0]
	j.tokens.UseNumber()
	return j.node(0, false)
}

// wrong tells what is wrong with the value that is read.
func (j *jsonReader) wrong(format string, args ...any) error {
	return fmt.Errorf("line %d: %s %s", j.line(j.start+j.tokens.InputOffset()), j.at, fmt.Sprintf(format, args...))
}

func (j *jsonReader) line(offset int64) int {
	return 1 + bytes.Count(j.text[:min(int(offset), len(j.text))], []byte{'\n'})
}

// node reads a value; listed tells that it is in a list that is the document.
func (j *jsonReader) node(depth int, listed bool) (*jsonNode, error) {
	before := j.tokens.InputOffset()
	token, err := j.tokens.Token()
	if err != nil {
		return nil, err
	}
	if j.count++; j.count > j.values {
		return nil, j.wrong("is one of more than %d values", j.values)
	}
	open, ok := token.(json.Delim)
	if !ok {
		leaf := bytes.TrimLeft(j.value[before:j.tokens.InputOffset()], " \t\r\n,:")
		if len(leaf) > j.leaf {
			return nil, j.wrong("is longer than %d KiB", j.leaf>>10)
		}
		return &jsonNode{leaf: leaf}, nil
	}
	if depth >= j.depth {
		return nil, j.wrong("nests deeper than %d levels", j.depth)
	}
	n := &jsonNode{kind: open}
	seen := map[string]bool{}
	here := len(j.at)
	for j.tokens.More() {
		name := ""
		if open == '{' {
			key, err := j.tokens.Token()
			if err != nil {
				return nil, err
			}
			name = key.(string) // a syntax error otherwise
			j.at = append(append(j.at, '/'), escape(name)...)
			if seen[name] {
				return nil, j.wrong("is there twice")
			}
			seen[name] = true
			n.names = append(n.names, name)
		} else {
			j.at = strconv.AppendInt(append(j.at, '/'), int64(len(n.items)), 10)
		}
		item, err := j.item(name, depth, listed, open == '[' && depth == 0)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		j.at = j.at[:here]
	}
	_, err = j.tokens.Token()
	return n, err
}

func (j *jsonReader) item(name string, depth int, listed, below bool) (*jsonNode, error) {
	if j.closed == "" || name != j.closed || depth > 0 && !listed {
		return j.node(depth+1, below)
	}
	var leaf json.RawMessage
	err := j.tokens.Decode(&leaf)
	return &jsonNode{leaf: leaf}, err
}

// plain is the value as encoding/json has it, without the members that are null,
// which nulls tells by JSON Pointer.
func (n *jsonNode) plain(at string, nulls *[]string) (any, error) {
	switch n.kind {
	case '{':
		m := make(map[string]any, len(n.items))
		for i, item := range n.items {
			below := at + "/" + escape(n.names[i])
			if item.isNull() {
				*nulls = append(*nulls, below)
				continue
			}
			v, err := item.plain(below, nulls)
			if err != nil {
				return nil, err
			}
			m[n.names[i]] = v
		}
		return m, nil
	case '[':
		list := make([]any, 0, len(n.items))
		for i, item := range n.items {
			below := at + "/" + strconv.Itoa(i)
			if item.isNull() {
				return nil, fmt.Errorf("%s is null, where a value is expected", below)
			}
			v, err := item.plain(below, nulls)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	var v any
	if err := json.Unmarshal(n.leaf, &v); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return v, nil
}

func (n *jsonNode) isNull() bool { return string(n.leaf) == "null" }

// jsonNodeOf is a Go value as a tree.
func jsonNodeOf(v any) (*jsonNode, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	j, err := newJSONReader(&b, bomLimits)
	if err != nil {
		return nil, err
	}
	return j.one()
}

// member is the value of an object's member, nil if there is none.
func (n *jsonNode) member(name string) *jsonNode {
	if n != nil && n.kind == '{' {
		if i := slices.Index(n.names, name); i >= 0 {
			return n.items[i]
		}
	}
	return nil
}

// set gives an object a member, or a member another value.
func (n *jsonNode) set(name string, v *jsonNode) {
	if i := slices.Index(n.names, name); i >= 0 {
		n.items[i] = v
		return
	}
	n.names = append(n.names, name)
	n.items = append(n.items, v)
}

// remove takes a member out of an object and returns its value, nil if there is
// none.
func (n *jsonNode) remove(name string) *jsonNode {
	i := slices.Index(n.names, name)
	if i < 0 {
		return nil
	}
	v := n.items[i]
	n.names, n.items = slices.Delete(n.names, i, i+1), slices.Delete(n.items, i, i+1)
	return v
}

// entries are the entries of a list, none if n is no list.
func (n *jsonNode) entries() []*jsonNode {
	if n == nil || n.kind != '[' {
		return nil
	}
	return n.items
}

// string is the value of a text, "" if n is none.
func (n *jsonNode) string() string {
	var s string
	if n != nil && len(n.leaf) > 0 && n.leaf[0] == '"' {
		_ = json.Unmarshal(n.leaf, &s) // it was checked as a whole
	}
	return s
}

// write writes the value without white space.
func (n *jsonNode) write(b *bytes.Buffer) {
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
func (n *jsonNode) indented(indent string) []byte {
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
