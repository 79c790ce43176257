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
	line  int   // number of its first line in the card
	lines []int // offsets at which its lines begin, as YAML counts lines
	root  *yaml.Node
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
	case f.root.Style&yaml.FlowStyle != 0:
		return nil, f.wrong(f.root.Line, f.root.Column, "the front matter is one mapping in braces: write a line for each key")
	}
	seen := map[string]bool{}
	for i := 0; i < len(f.root.Content); i += 2 {
		k := f.root.Content[i]
		if k.Kind == yaml.ScalarNode && seen[k.Value] {
			return nil, f.wrong(k.Line, k.Column, fmt.Sprintf("the key %s is there twice", visible(k.Value)))
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
		return f.wrong(load.Mark.Line, load.Mark.Column, "broken YAML: "+visible(message))
	}
	return f.wrong(1, 1, "broken YAML: "+visible(err.Error()))
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
	after := &cardParts{yaml: text, yamlLine: f.line}
	g, err := after.frontMatter()
	if err == nil {
		err = f.differs(g, entries)
	}
	if err != nil {
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
	indent := ""
	if f.root != nil {
		indent = strings.Repeat(" ", f.root.Content[0].Column-1)
	}
	at := -1
	if f.root != nil {
		at = slices.IndexFunc(f.root.Content, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == co2Key })
		for at >= 0 && at%2 == 1 { // a value of that name
			next := slices.IndexFunc(f.root.Content[at+1:], func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == co2Key })
			if next < 0 {
				at = -1
				break
			}
			at += 1 + next
		}
	}
	if at < 0 {
		return []byte(string(f.text) + co2Lines(co2Key+":", entries, indent, indent+"  ", newline)), nil, nil
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
		for i := 0; i < len(value.Content); i += 2 {
			if k := value.Content[i]; !slices.Contains(co2Keys, k.Value) {
				return nil, nil, f.wrong(k.Line, k.Column, fmt.Sprintf("%s is no key that describes emissions, and is not to be lost: write a line for each key of %s", visible(k.Value), co2Key))
			}
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

// differs tells what an edit changed that it should not have, or did not set.
func (f *frontMatter) differs(g *frontMatter, entries []co2Entry) error {
	wrong := errors.New("the edit went wrong")
	var before, after []*yaml.Node
	var co2 *yaml.Node
	if f.root != nil {
		for i := 0; i < len(f.root.Content); i += 2 {
			if f.root.Content[i].Value != co2Key {
				before = append(before, f.root.Content[i], f.root.Content[i+1])
			}
		}
	}
	if g.root == nil {
		return wrong
	}
	for i := 0; i < len(g.root.Content); i += 2 {
		if g.root.Content[i].Value == co2Key {
			co2 = g.root.Content[i+1]
			continue
		}
		after = append(after, g.root.Content[i], g.root.Content[i+1])
	}
	if co2 == nil || co2.Kind != yaml.MappingNode || !slices.EqualFunc(before, after, sameNode) {
		return wrong
	}
	values := map[string]string{}
	for i := 0; i < len(co2.Content); i += 2 {
		if _, twice := values[co2.Content[i].Value]; twice {
			return wrong
		}
		values[co2.Content[i].Value] = co2.Content[i+1].Value
	}
	for _, e := range entries {
		var want yaml.Node
		if err := yaml.Unmarshal([]byte(e.value), &want); err != nil || values[e.key] != want.Content[0].Value {
			return wrong
		}
	}
	return nil
}

// sameNode tells whether two nodes say the same.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}
