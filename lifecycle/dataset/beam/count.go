package beam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// counter decides on documents, and sums up those that count.
type counter struct {
	sum *dataset.Summary // of the bundle
	meters
}

func (c *counter) start(by []dataset.Dimension) (err error) {
	c.sum, err = dataset.NewSummary(by...)
	return err
}

// batch are documents that are decided on together, in their order.
type batch struct {
	text   bytes.Buffer // one a line
	places []dataset.Place
}

// batchBytes is how much text of documents that are alone is decided on at once.
const batchBytes = 16 << 20

func (b *batch) add(at dataset.Place, text []byte) {
	from := b.text.Len()
	if bytes.IndexByte(text, '\n') < 0 {
		b.text.Write(text)
	} else if err := json.Compact(&b.text, text); err != nil {
		// It is no JSON, and must not become any.
		b.text.Truncate(from)
		b.text.Write(bytes.ReplaceAll(text, []byte{'\n'}, []byte{1}))
	}
	b.text.WriteByte('\n')
	b.places = append(b.places, at)
}

// decide has a reader decide on a batch, and empties it. It reads lines, and
// what it says of a line is said of the document that is on it.
func (c *counter) decide(ctx context.Context, r dataset.Reader, b *batch, tell func(Report), refuse func(dataset.Refusal)) error {
	if len(b.places) == 0 {
		return nil
	}
	place := func(at dataset.Place) dataset.Place {
		if i := at.Line - 1; i >= 0 && i < int64(len(b.places)) {
			return b.places[i]
		}
		return at
	}
	r.Stdin = &b.text
	r.Refused = func(bad dataset.Refusal) {
		bad.Place = place(bad.Place)
		refuse(bad)
	}
	report, err := r.Read(ctx, []string{"-"}, func(_ int, rec *lifecycle.Record) error {
		c.sum.Add(rec)
		return nil
	})
	if err != nil {
		return err
	}
	if report.Documents != int64(len(b.places)) {
		return fmt.Errorf("dataset: beam: %d documents were found where %d were: this is a mistake of the program", report.Documents, len(b.places))
	}
	report.Files, report.Skipped, report.Bytes, report.Documents = 0, 0, 0, 0 // they were told
	beyond := int64(0)
	report.Conflicts = slices.DeleteFunc(report.Conflicts, func(c dataset.Conflict) bool {
		if c.Reason == dataset.BeyondMeter {
			beyond++
			return true
		}
		return false
	})
	report.ConflictCount -= beyond
	for _, c := range report.Conflicts {
		for i := range c.Places {
			c.Places[i] = place(c.Places[i])
		}
	}
	c.tell(ctx, Report{report}, tell)
	b.text.Reset()
	b.places = b.places[:0]
	return nil
}

// countFn counts the documents of a part that are alone, and sends on those of
// groups.
type countFn struct {
	Reading Reading
	counter counter
}

func (f *countFn) Setup() { f.counter.meters = newMeters() }

func (f *countFn) StartBundle(func([]byte, document), func(Summary), func(Report), func(dataset.Refusal)) error {
	return f.counter.start(f.Reading.By)
}

func (f *countFn) ProcessElement(ctx context.Context, _ []byte, parts func(*part) bool, members func(*member) bool,
	send func([]byte, document), _ func(Summary), tell func(Report), refuse func(dataset.Refusal),
) error {
	var p part
	if !parts(&p) {
		return nil
	}
	group := map[int]ref{}
	for m := (member{}); members(&m); {
		group[int(m.n)] = m.group
	}
	r := f.Reading.reader()
	var b batch
	_, docs, sum, err := p.documents(ctx, r, func(n int, d dataset.Document) error {
		if g, in := group[n]; in {
			send(appendRef(nil, g), document{d.Place, bytes.Clone(d.Text)})
			return nil
		}
		b.add(d.Place, d.Text)
		if b.text.Len() < batchBytes {
			return nil
		}
		return f.counter.decide(ctx, r, &b, tell, refuse)
	})
	if err == nil && (docs != p.Docs || sum != p.Sum) {
		err = errors.New("it changed while it was read: read it again once nothing writes there any more")
	}
	if err == nil {
		err = f.counter.decide(ctx, r, &b, tell, refuse)
	}
	if err != nil {
		return fmt.Errorf("dataset: beam: %s: %w", p.Path, err)
	}
	return nil
}

func (f *countFn) FinishBundle(_ func([]byte, document), emit func(Summary), _ func(Report), _ func(dataset.Refusal)) {
	emit(Summary{f.counter.sum})
}

// document is one of a group.
type document struct {
	place dataset.Place
	text  []byte
}

// decideFn decides on a group.
type decideFn struct {
	Reading Reading
	counter counter
}

func (f *decideFn) Setup() { f.counter.meters = newMeters() }

func (f *decideFn) StartBundle(func(Summary), func(Report), func(dataset.Refusal)) error {
	return f.counter.start(f.Reading.By)
}

func (f *decideFn) ProcessElement(ctx context.Context, _ []byte, next func(*document) bool, _ func(Summary), tell func(Report), refuse func(dataset.Refusal)) error {
	var docs []document
	for d := (document{}); next(&d); d = (document{}) {
		docs = append(docs, d)
	}
	slices.SortFunc(docs, func(a, b document) int { return comparePlaces(a.place, b.place) }) // as the rules have it where nothing else tells which is first
	var b batch
	for _, d := range docs {
		b.add(d.place, d.text)
	}
	return f.counter.decide(ctx, f.Reading.reader(), &b, tell, refuse)
}

func (f *decideFn) FinishBundle(emit func(Summary), _ func(Report), _ func(dataset.Refusal)) {
	emit(Summary{f.counter.sum})
}
