package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// What reports may be at most.
const (
	maxReports      = 128 << 20 // bytes in all: a record is 64 MiB at most
	maxReportCount  = 10_000
	maxReportDepth  = 12
	maxReportValues = 1 << 20 // but those of records
)

// treeReader reads JSON as maps, lists, texts, numbers and truths, more strictly
// than encoding/json: no name is there twice, and nothing nests deeper than a
// record can hold.
type treeReader struct {
	dec     *json.Decoder
	nulls   []string                   // where null stood, which is nothing
	raw     map[string]json.RawMessage // our extension, by the place of its report
	several bool                       // it is a list of reports
	values  int
}

// next is the next value of the text; io.EOF says that there is none.
func (t *treeReader) next() (any, error) {
	t.nulls, t.raw, t.several, t.values = nil, map[string]json.RawMessage{}, false, 0
	return t.value("", 0)
}

// nullsOf are the places of null in the report at a place.
func (t *treeReader) nullsOf(at string) (list []string) {
	for _, null := range t.nulls {
		if in, ok := strings.CutPrefix(null, at+"/"); ok {
			list = append(list, "/"+in)
		}
	}
	return list
}

func (t *treeReader) value(at string, depth int) (any, error) {
	if t.values++; t.values > maxReportValues {
		return nil, fmt.Errorf("%s: there are more than %d values", at, maxReportValues)
	}
	token, err := t.dec.Token()
	if err != nil {
		if at != "" && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		if token == nil {
			t.nulls = append(t.nulls, at)
		}
		return token, nil
	}
	if depth == maxReportDepth {
		return nil, fmt.Errorf("%s nests deeper than %d levels", at, maxReportDepth)
	}
	if delim == '[' {
		t.several = t.several || depth == 0
		return t.list(at, depth)
	}
	return t.object(at, depth)
}

func (t *treeReader) list(at string, depth int) (any, error) {
	list := []any{}
	for i := 0; t.dec.More(); i++ {
		v, err := t.value(at+"/"+strconv.Itoa(i), depth+1)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, fmt.Errorf("%s/%d is null, where a value is expected", at, i)
		}
		list = append(list, v)
	}
	_, err := t.dec.Token()
	return list, err
}

func (t *treeReader) object(at string, depth int) (any, error) {
	members := map[string]any{}
	seen := map[string]bool{}
	for t.dec.More() {
		token, err := t.dec.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder lets nothing else stand here
		here := at + "/" + escape(name)
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", here)
		}
		seen[name] = true
		if name == boampsExtension && (depth == 0 || depth == 1 && t.several) {
			var raw json.RawMessage // it nests as deep as a record does
			if err := t.dec.Decode(&raw); err != nil {
				return nil, err
			}
			t.raw[at] = raw
			continue
		}
		v, err := t.value(here, depth+1)
		if err != nil {
			return nil, err
		}
		if v != nil {
			members[name] = v
		}
	}
	_, err := t.dec.Token()
	return members, err
}

// readLimited reads all of a text of at most limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is larger than %d MiB", limit>>20)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

// node is an object of a report, read member by member; what is wrong is noted
// for all of them.
type node struct {
	members  map[string]any
	at       string
	problems *[]error
}

const maxReportProblems = 20

func (n node) wrong(member, format string, args ...any) {
	problem := errors.New(n.at + "/" + escape(member) + " " + fmt.Sprintf(format, args...))
	known := slices.ContainsFunc(*n.problems, func(p error) bool { return p.Error() == problem.Error() })
	if !known && len(*n.problems) < maxReportProblems {
		*n.problems = append(*n.problems, problem)
	}
}

// read gives the value of a member, the zero value if it is not there.
func read[T any](n node, member string, need bool, kind string) (v T, there bool) {
	x, ok := n.members[member]
	if !ok {
		if need {
			n.wrong(member, "is missing, which BoAmps requires")
		}
		return v, false
	}
	v, ok = x.(T)
	if !ok {
		n.wrong(member, "is no %s", kind)
	}
	return v, ok
}

// maxText is the longest text of a record, in bytes.
const maxText = 4 << 10

// text is a text that a record can hold.
func (n node) text(member string, need bool) string {
	s, _ := read[string](n, member, need, "text")
	if len(s) > maxText {
		n.wrong(member, "is longer than 4 KiB")
		return ""
	}
	return s
}

// number is a number from 0 to upTo, nil if it is not there.
func (n node) number(member string, need bool, upTo float64) *float64 {
	x, ok := read[float64](n, member, need, "number")
	switch {
	case !ok:
		return nil
	case x < 0 || x > upTo:
		n.wrong(member, "is %v, and not from 0 to %v", x, upTo)
		return nil
	}
	return &x
}

// whole is a number without a fraction.
func (n node) whole(member string, need bool) *int64 {
	x := n.number(member, need, 1<<53-1)
	if x == nil {
		return nil
	}
	i := int64(*x)
	if float64(i) != *x {
		n.wrong(member, "is %v, and no whole number", *x)
		return nil
	}
	return &i
}

// child is an object, without members if it is not there.
func (n node) child(member string, need bool) node {
	m, _ := read[map[string]any](n, member, need, "object")
	return node{m, n.at + "/" + member, n.problems}
}

// children are the objects of a list, of which there is one at least.
func (n node) children(member string) (list []node) {
	items, ok := read[[]any](n, member, true, "list")
	if ok && len(items) == 0 {
		n.wrong(member, "is empty")
	}
	for i, item := range items {
		at := n.at + "/" + member + "/" + strconv.Itoa(i)
		m, ok := item.(map[string]any)
		if !ok {
			node{nil, n.at + "/" + member, n.problems}.wrong(strconv.Itoa(i), "is no object")
			continue
		}
		list = append(list, node{m, at, n.problems})
	}
	return list
}
