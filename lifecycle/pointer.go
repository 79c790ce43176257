package lifecycle

import (
	"strconv"
	"strings"
)

// step is one part of a JSON Pointer: a name, or an index if the name is
// empty and index is not negative.
type step struct {
	name  string
	index int
}

// trail is the way from the document to a value. Its text is only made when
// there is something to tell.
type trail []step

func (t *trail) down(name string) { *t = append(*t, step{name: name, index: -1}) }
func (t *trail) item(i int)       { *t = append(*t, step{index: i}) }
func (t *trail) up()              { *t = (*t)[:len(*t)-1] }

// String is the JSON Pointer (RFC 6901).
func (t trail) String() string {
	var b []byte
	for _, s := range t {
		b = append(b, '/')
		if s.index >= 0 {
			b = strconv.AppendInt(b, int64(s.index), 10)
			continue
		}
		b = append(b, escapePointer(s.name)...)
	}
	return string(b)
}

// with is the JSON Pointer of a member of the value that the trail leads to.
func (t trail) with(name string) string { return t.String() + "/" + escapePointer(name) }

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return pointerEscaper.Replace(name)
}

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

func unescapePointer(name string) string {
	if !strings.Contains(name, "~") {
		return name
	}
	return pointerUnescaper.Replace(name)
}

// splitPointer gives the unescaped parts of a JSON Pointer, none for "".
func splitPointer(p string) []string {
	if p == "" {
		return nil
	}
	parts := strings.Split(p[1:], "/")
	for i := range parts {
		parts[i] = unescapePointer(parts[i])
	}
	return parts
}

// hush is set while a check is only asked whether anything is wrong: the places
// of what it looks at are not told then, of which there are very many.
type hush bool

func (h hush) pointer(parts ...any) string {
	if h {
		return ""
	}
	return pointer(parts...)
}

// under is the place of what is below another.
func (h hush) under(at, below string) string {
	if h {
		return ""
	}
	return at + below
}
