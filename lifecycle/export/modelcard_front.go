package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// co2Key is the key of the front matter that tells of emissions.
const co2Key = "co2_eq_emissions"

// cardParts are the parts of a model card; put together they are the card.
type cardParts struct {
	newline string // of the card
	before  []byte // byte order mark, blank lines
	front   bool   // whether there is a front matter
	open    []byte // its first line
	yaml    []byte // what is in it
	close   []byte // its last line, perhaps without a line end
	body    []byte

	yamlLine, bodyLine int // numbers of their first lines, from 1
}

// splitCard finds the front matter as the Hub does (REGEX_YAML_BLOCK of
// huggingface_hub): between a first line --- and the next line ---.
func splitCard(card []byte) (*cardParts, error) {
	p := &cardParts{newline: "\n"}
	if i := bytes.IndexByte(card, '\n'); i > 0 && card[i-1] == '\r' {
		p.newline = "\r\n"
	}
	bom := 0
	if bytes.HasPrefix(card, []byte("\ufeff")) {
		bom = len("\ufeff")
	}
	begin := len(card) - len(bytes.TrimLeft(card[bom:], " \t\r\n"))
	open, rest := firstLine(card[begin:])
	line := 1 + bytes.Count(card[:begin], []byte("\n"))
	column := 1 + begin - max(bytes.LastIndexByte(card[:begin], '\n')+1, bom)
	switch after, ok := strings.CutPrefix(lineText(open), "---"); {
	case !ok || strings.Trim(after, " \t") != "":
		p.before, p.body, p.bodyLine = card[:bom], card[bom:], 1
		return p, nil
	case after != "":
		return nil, &CardError{line, column + 3, "blanks behind ---: the Hub sees no front matter here; delete them"}
	}
	p.front, p.before, p.open, p.yamlLine = true, card[:begin], open, line+1
	end := 0
	for at := rest; ; {
		if len(at) == 0 {
			return nil, &CardError{line, column, "the front matter that begins here does not end: end it by a line ---"}
		}
		var l []byte
		l, at = firstLine(at)
		if lineText(l) == "---" {
			p.yaml, p.close, p.body = rest[:end], l, at
			p.bodyLine = p.yamlLine + bytes.Count(p.yaml, []byte("\n")) + 1
			return p, nil
		}
		end += len(l)
	}
}

// firstLine cuts a text behind its first line end.
func firstLine(text []byte) (line, rest []byte) {
	i := bytes.IndexByte(text, '\n') + 1
	if i == 0 {
		i = len(text)
	}
	return text[:i], text[i:]
}

// lineText is a line without its end, \n or \r\n.
func lineText(line []byte) string {
	if text, ok := strings.CutSuffix(string(line), "\n"); ok {
		return strings.TrimSuffix(text, "\r")
	}
	return string(line)
}

// writeFront writes the front matter, with the entries in it.
func (p *cardParts) writeFront(out *bytes.Buffer, entries []co2Entry) error {
	front, err := p.frontMatter()
	if err != nil {
		return err
	}
	out.Write(p.before)
	if !p.front {
		if len(entries) == 0 {
			return nil
		}
		fmt.Fprintf(out, "---%s%s---%s", p.newline, co2Lines(co2Key+":", entries, "", "  ", p.newline), p.newline)
		if first, _ := firstLine(p.body); strings.TrimSpace(string(first)) != "" {
			out.WriteString(p.newline)
		}
		return nil
	}
	text := p.yaml
	if len(entries) > 0 {
		if text, err = front.set(entries, p.newline); err != nil {
			return err
		}
	}
	out.Write(p.open)
	out.Write(text)
	out.Write(p.close)
	return nil
}

// co2Lines are the lines of the key and its entries.
func co2Lines(key string, entries []co2Entry, indent, inner, newline string) string {
	var b strings.Builder
	b.WriteString(indent + key + newline)
	for _, e := range entries {
		b.WriteString(inner + e.key + ": " + e.value + newline)
	}
	return b.String()
}

// frontMatter is the text between the dashes and what it says.
type frontMatter struct {
	text  []byte
	line  int        // number of its first line in the card
	lines []int      // offsets at which its lines begin, as YAML counts lines
	root  *yaml.Node // nil if it says nothing
	none  int        // number of the line {} by which it says so, 0 if there is none
}

// frontMatter reads the front matter. It must be a mapping, in block style, of
// keys that differ, or empty.
func (p *cardParts) frontMatter() (*frontMatter, error) {
	f := &frontMatter{text: p.yaml, line: p.yamlLine, lines: yamlLines(p.yaml)}
	if i := badRune(f.text); i >= 0 {
		return nil, f.wrong(f.lineAt(i), 1+utf8.RuneCount(f.text[f.lines[f.lineAt(i)-1]:i]), "this is no UTF-8 text, or a control character that YAML does not allow")
	}
	dec := yaml.NewDecoder(bytes.NewReader(f.text))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return f, nil
	case err != nil:
		return nil, f.broken(err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, f.wrong(max(more.Line, 1), max(more.Column, 1), "a second YAML document begins: a front matter holds one")
	} else if !errors.Is(err, io.EOF) {
		return nil, f.broken(err)
	}
	f.root = doc.Content[0]
	switch {
	case f.root.Kind == yaml.ScalarNode && f.root.ShortTag() == "!!null" && f.root.Value == "":
		f.root = nil
		return f, nil
	case f.root.Kind != yaml.MappingNode:
		return nil, f.wrong(f.root.Line, f.root.Column, "the front matter is no mapping of keys to values")
	case len(f.root.Content) == 0 && strings.TrimSpace(string(f.text[f.offset(f.root.Line):f.offset(f.root.Line+1)])) == "{}":
		f.root, f.none = nil, f.root.Line // so huggingface_hub writes it
		return f, nil
	case f.root.Style&yaml.FlowStyle != 0:
		return nil, f.wrong(f.root.Line, f.root.Column, "the front matter is one mapping in braces: write a line for each key")
	}
	seen := map[string]bool{}
	for i := 0; i < len(f.root.Content); i += 2 {
		k := f.root.Content[i]
		if k.Kind == yaml.ScalarNode && seen[k.Value] {
			return nil, f.wrong(k.Line, k.Column, fmt.Sprintf("the key %s is there twice", inwords.Visible(k.Value)))
		}
		seen[k.Value] = k.Kind == yaml.ScalarNode
	}
	return f, nil
}

// wrong is an error at a line and column of the front matter.
func (f *frontMatter) wrong(line, column int, message string) error {
	// YAML ends lines at more characters than files do.
	if at := min(max(line, 1), len(f.lines)) - 1; at >= 0 {
		line = 1 + bytes.Count(f.text[:f.lines[at]], []byte("\n"))
	}
	return &CardError{f.line + line - 1, column, message}
}

// broken is an error of YAML with its place.
func (f *frontMatter) broken(err error) error {
	var load *yaml.LoadError
	if errors.As(err, &load) && load.Mark.Line > 0 {
		message := load.Message
		if load.ContextMsg != "" {
			message = load.ContextMsg + " " + message
		}
		return f.wrong(load.Mark.Line, load.Mark.Column, "broken YAML: "+inwords.Visible(message))
	}
	return f.wrong(1, 1, "broken YAML: "+inwords.Visible(err.Error()))
}

// badRune finds what no YAML may hold (YAML 1.2.2, 5.1), -1 if all is well.
func badRune(text []byte) int {
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		switch {
		case c == utf8.RuneError && n == 1,
			c < ' ' && c != '\t' && c != '\n' && c != '\r',
			c >= 0x7F && c < 0xA0 && c != 0x85,
			c == 0xFFFE || c == 0xFFFF || c == 0xFEFF:
			return i
		}
		i += n
	}
	return -1
}

// yamlLines are the offsets at which lines begin, as package yaml counts them:
// YAML 1.1 ends lines at NEL, LS and PS, too.
func yamlLines(text []byte) []int {
	lines := []int{0}
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			n = 2
		}
		i += n
		switch c {
		case '\r', '\n', 0x85, 0x2028, 0x2029:
			lines = append(lines, i)
		}
	}
	return lines
}

// lineAt is the number of the line that an offset is in, from 1.
func (f *frontMatter) lineAt(offset int) int {
	i, found := slices.BinarySearch(f.lines, offset)
	if found {
		i++
	}
	return i
}

// offset is where a line begins; the end of the text for a line behind it.
func (f *frontMatter) offset(line int) int {
	if line > len(f.lines) {
		return len(f.text)
	}
	return f.lines[line-1]
}

// set is the front matter with the entries as the value of co2_eq_emissions. It
// has been read again: all other keys and values are what they were.
func (f *frontMatter) set(entries []co2Entry, newline string) ([]byte, error) {
	text, key, err := f.edited(entries, newline)
	if err != nil {
		return nil, err
	}
	after := cardParts{yaml: text, yamlLine: f.line}
	if g, err := after.frontMatter(); err != nil || !f.edits(g, entries) {
		line, column := len(f.lines), 1
		if key != nil {
			line, column = key.Line, key.Column
		}
		return nil, f.wrong(line, column, co2Key+" cannot be set here without touching what else is there; write it as a mapping of its own, a line for each key, which no other key refers to")
	}
	return text, nil
}

// edited sets the entries in the text. It returns the key that was there.
func (f *frontMatter) edited(entries []co2Entry, newline string) ([]byte, *yaml.Node, error) {
	indent, at := "", -1
	if f.root != nil {
		indent = strings.Repeat(" ", f.root.Content[0].Column-1)
		at = keyOf(f.root, co2Key)
	}
	if at < 0 {
		begin, end := len(f.text), len(f.text)
		if f.none > 0 {
			begin, end = f.offset(f.none), f.offset(f.none+1)
		}
		lines := co2Lines(co2Key+":", entries, indent, indent+"  ", newline)
		return slices.Concat(f.text[:begin], []byte(lines), f.text[end:]), nil, nil
	}
	key, value := f.root.Content[at], f.root.Content[at+1]
	begin, end := f.offset(key.Line), len(f.text)
	if at+2 < len(f.root.Content) {
		end = f.offset(f.root.Content[at+2].Line)
	}
	end -= f.idle(begin, end)
	if string(f.text[begin:min(begin+key.Column-1, len(f.text))]) != indent {
		return nil, nil, f.wrong(key.Line, key.Column, "write "+co2Key+" at the beginning of a line")
	}
	var lines string
	switch {
	case value.Kind != yaml.MappingNode || len(value.Content) == 0:
		lines = co2Lines(co2Key+":", entries, indent, indent+"  ", newline)
	case value.Style&yaml.FlowStyle != 0 || value.Content[0].Line == key.Line:
		if kept := others(value, co2Keys...); len(kept) > 0 {
			return nil, nil, f.wrong(kept[0].Line, kept[0].Column,
				fmt.Sprintf("%s is no key that describes emissions, and is not to be lost: write a line for each key of %s", inwords.Visible(kept[0].Value), co2Key))
		}
		lines = co2Lines(co2Key+":", entries, indent, indent+"  ", newline)
	default:
		lines = f.mapping(value, begin, end, entries, newline)
	}
	return slices.Concat(f.text[:begin], []byte(lines), f.text[end:]), key, nil
}

// mapping is the key's lines with new entries, and with the comments and other
// entries that are there.
func (f *frontMatter) mapping(value *yaml.Node, begin, end int, entries []co2Entry, newline string) string {
	var b strings.Builder
	first := f.offset(value.Content[0].Line)
	b.Write(f.text[begin:first]) // the key, and comments below it
	inner := strings.Repeat(" ", value.Content[0].Column-1)
	for _, e := range entries {
		b.WriteString(inner + e.key + ": " + e.value + newline)
	}
	for i := 0; i < len(value.Content); i += 2 {
		from, to := f.offset(value.Content[i].Line), end
		if i+2 < len(value.Content) {
			to = f.offset(value.Content[i+2].Line)
		}
		if slices.Contains(co2Keys, value.Content[i].Value) {
			from = to - f.idle(from, to)
		}
		b.Write(f.text[from:to])
	}
	return b.String()
}

// idle is how many bytes of comments and blank lines a part of the text ends
// with.
func (f *frontMatter) idle(begin, end int) int {
	at := end
	for line := f.lineAt(end - 1); line > f.lineAt(begin); line-- {
		text := strings.TrimSpace(string(f.text[f.offset(line):at]))
		if text != "" && text[0] != '#' {
			break
		}
		at = f.offset(line)
	}
	return end - at
}

// keyOf is where in the content of a mapping a key is, -1 if it is not there.
func keyOf(mapping *yaml.Node, key string) int {
	for i := 0; i < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
			return i
		}
	}
	return -1
}

// others are the keys of a mapping, each with its value, but for some.
func others(mapping *yaml.Node, keys ...string) (out []*yaml.Node) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Kind != yaml.ScalarNode || !slices.Contains(keys, k.Value) {
			out = append(out, k, mapping.Content[i+1])
		}
	}
	return out
}

// edits tells whether g is f with the entries, and otherwise what f is.
func (f *frontMatter) edits(g *frontMatter, entries []co2Entry) bool {
	if g.root == nil || !slices.EqualFunc(others(f.root, co2Key), others(g.root, co2Key), sameNode) {
		return false
	}
	i := keyOf(g.root, co2Key)
	if i < 0 || g.root.Content[i+1].Kind != yaml.MappingNode {
		return false
	}
	var was *yaml.Node
	if f.root != nil {
		if k := keyOf(f.root, co2Key); k >= 0 {
			was = f.root.Content[k+1]
		}
	}
	is := g.root.Content[i+1]
	kept := others(is, co2Keys...)
	if !slices.EqualFunc(others(was, co2Keys...), kept, sameNode) || len(is.Content) != len(kept)+2*len(entries) {
		return false
	}
	return !slices.ContainsFunc(entries, func(e co2Entry) bool {
		var want yaml.Node
		k := keyOf(is, e.key)
		return k < 0 || yaml.Unmarshal([]byte(e.value), &want) != nil || is.Content[k+1].Value != want.Content[0].Value
	})
}

// sameNode tells whether two nodes say the same.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}
