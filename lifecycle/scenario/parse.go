package scenario

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// What a scenario may be at most.
const (
	maxText   = 1 << 20 // bytes
	maxDepth  = 24
	maxNodes  = 50_000 // aliases followed
	maxErrors = 20
)

// Error is one thing that is wrong with a scenario, and what to write.
type Error struct {
	File         string // "" of what was not read from one
	Line, Column int    // from 1; 0 if it has no place in a file
	Path         string // in the scenario: devices.gpu.lifetime; "" for the whole
	Message      string
}

func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d:%d", text, e.Line, e.Column)
	}
	for _, part := range []string{e.Path, e.Message} {
		if part != "" && text != "" {
			text += ": "
		}
		text += part
	}
	return text
}

// Parse reads a scenario from YAML, which the package comment describes. File is
// what errors call it. Record opens the records that inputs are taken from
// ({from: FILE}); where it is nil, no input can be.
//
// It is strict: a key that is not known or there twice, a value of another kind
// or unit, a question or knob that changes what is not there are errors. The
// error joins up to 20 of type *Error, in the order of the file. A text is at
// most 1 MiB, 24 levels deep and 50,000 values long, aliases followed.
func Parse(file string, text []byte, record func(name string) (*lifecycle.Record, error)) (*Scenario, error) {
	d := &decoder{file: file, record: record, at: map[string]*yaml.Node{}}
	root, err := d.root(text)
	if err != nil {
		return nil, err
	}
	s := &Scenario{}
	d.decode(root, s)
	if len(d.errs) == 0 {
		d.errs = s.check(d.open)
		for _, e := range d.errs {
			e.File = file
			if n := d.nearest(e.Path); n != nil {
				e.Line, e.Column = n.Line, n.Column
			}
		}
	}
	if len(d.errs) > 0 {
		slices.SortStableFunc(d.errs, func(a, b *Error) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
		var joined []error
		for i, e := range d.errs {
			if i == maxErrors {
				joined = append(joined, &Error{File: file, Message: fmt.Sprintf("%d more", len(d.errs)-i)})
				break
			}
			joined = append(joined, e)
		}
		return nil, errors.Join(joined...)
	}
	s.records = d.read
	return s, nil
}

// root is the mapping that a text is.
func (d *decoder) root(text []byte) (*yaml.Node, error) {
	if len(text) > maxText {
		return nil, &Error{File: d.file, Message: "it is longer than 1 MiB, which no scenario is"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF), err == nil && (doc.Kind != yaml.DocumentNode || len(doc.Content) != 1):
		return nil, &Error{File: d.file, Message: "it is empty: `ecotracer twin --example llm-service` prints one to begin with"}
	case err != nil:
		return nil, d.broken(err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, &Error{File: d.file, Line: max(more.Line, 1), Column: max(more.Column, 1), Message: "a second YAML document begins: a file holds one scenario"}
	} else if !errors.Is(err, io.EOF) {
		return nil, d.broken(err)
	}
	return doc.Content[0], nil
}

// broken is an error of YAML with its place.
func (d *decoder) broken(err error) error {
	e := &Error{File: d.file, Message: "broken YAML: " + inwords.Visible(err.Error())}
	var load *yaml.LoadError
	if errors.As(err, &load) && load.Mark.Line > 0 {
		e.Line, e.Column = load.Mark.Line, max(load.Mark.Column, 1)
		e.Message = "broken YAML: " + inwords.Visible(strings.TrimSpace(load.ContextMsg+" "+load.Message))
	}
	return e
}

// nearest is the node of a path, or of what is around it.
func (d *decoder) nearest(path string) *yaml.Node {
	for {
		if n := d.at[path]; n != nil {
			return n
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return d.at[""]
		}
		path = path[:i]
	}
}
