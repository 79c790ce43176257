package beam

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local" // what has no scheme

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// part is a file, or a part of one.
type part struct {
	Nth   int // of the path that it was found by
	Path  string
	Named bool
	From  int64
	To    int64 // 0: it is the whole file

	Docs int    // that are in it
	Sum  uint32 // of their texts, so that a change is seen
}

// id tells parts apart.
func (p *part) id() (id [16]byte) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", p.Nth, p.From, p.Path))
	copy(id[:], sum[:])
	return id
}

func (p *part) file() dataset.File {
	return dataset.File{Path: p.Path, Named: p.Named, From: p.From, To: p.To}
}

// isLocal tells whether a path is one of the machine.
func isLocal(path string) bool { return !strings.Contains(path, "://") }

// documents hands over the documents of a part, and tells what their texts sum
// up to.
func (p *part) documents(ctx context.Context, r dataset.Reader, use func(n int, d dataset.Document) error) (report dataset.Report, docs int, sum uint32, err error) {
	f, err := open(ctx, p.Path)
	if err != nil {
		return report, 0, 0, err
	}
	defer f.Close()
	if p.From > 0 {
		seeker, ok := f.Reader.(io.Seeker)
		if !ok {
			return report, 0, 0, fmt.Errorf("dataset: beam: %s: the file system of this worker cannot seek, that of another one could", p.Path)
		}
		if _, err := seeker.Seek(p.From-1, io.SeekStart); err != nil {
			return report, 0, 0, err
		}
	}
	var h hash.Hash32 = crc32.New(castagnoli)
	report, err = r.Documents(ctx, p.file(), f, func(d dataset.Document) error {
		h.Write(d.Text)
		docs++
		return use(docs-1, d)
	})
	return report, docs, h.Sum32(), err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// opened is an open file, and its file system.
type opened struct {
	io.Reader
	file io.Closer
	of   io.Closer
}

func (o *opened) Close() error { return errors.Join(o.file.Close(), o.of.Close()) }

func open(ctx context.Context, path string) (*opened, error) {
	of, err := filesystem.New(ctx, path)
	if err != nil {
		return nil, err
	}
	f, err := of.OpenRead(ctx, path)
	if err != nil {
		return nil, errors.Join(err, of.Close())
	}
	return &opened{f, f, of}, nil
}

// listFn finds the files of a path, and cuts them into parts.
type listFn struct {
	Reading Reading
	meters  meters
}

func (f *listFn) Setup() { f.meters = newMeters() }

func (f *listFn) ProcessElement(ctx context.Context, path part, emit func(part), tell func(Report), refuse func(dataset.Refusal)) error {
	l := lister{ctx, &f.Reading, path.Nth, emit, func(r Report) { f.meters.tell(ctx, r, tell) }, refuse}
	switch {
	case !isLocal(path.Path):
		return l.remote(path.Path)
	case isPattern(path.Path):
		if _, err := os.Lstat(path.Path); err == nil { // a name that looks like one
			return l.local(path.Path, true)
		}
		found, err := filepath.Glob(path.Path)
		if err == nil && len(found) == 0 {
			err = errors.New("no file has such a name")
		}
		if err != nil {
			l.unreadable(path.Path, err)
			return nil
		}
		for _, file := range found {
			if err := l.local(file, false); err != nil {
				return err
			}
		}
		return nil
	}
	return l.local(path.Path, true)
}

func isPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

type lister struct {
	context.Context
	*Reading
	nth    int
	emit   func(part)
	tell   func(Report)
	refuse func(dataset.Refusal)
}

// unreadable refuses a file.
func (l *lister) unreadable(path string, why error) {
	var of *fs.PathError
	if errors.As(why, &of) {
		why = of.Err
	}
	l.refuse(dataset.Refusal{Place: dataset.Place{Path: path}, Reason: dataset.Unreadable, Text: fmt.Sprintf("it cannot be read (%v)", why)})
	r := newReport()
	r.Documents, r.Refused[dataset.Unreadable] = 1, 1
	l.tell(r)
}

// local finds the files at a path of the machine, as dataset.Reader does.
func (l *lister) local(path string, named bool) error {
	st, err := os.Stat(path)
	if err != nil {
		l.unreadable(path, err)
		return nil
	}
	if !st.IsDir() {
		return l.file(path, named)
	}
	return filepath.WalkDir(path, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.unreadable(file, err)
			return nil
		case e.IsDir() && file != path && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		return l.file(file, false)
	})
}

// file takes a file of the machine.
func (l *lister) file(path string, named bool) error {
	if !named && !l.mayBe(path) {
		return nil
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		l.unreadable(path, err)
		return nil
	case st.IsDir(): // a link to one could lead in a circle
		r := newReport()
		r.Skipped = 1
		l.tell(r)
		return nil
	case !st.Mode().IsRegular():
		l.unreadable(path, errors.New("this is no ordinary file"))
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		l.unreadable(path, err)
		return nil
	}
	defer f.Close()
	return l.cut(part{Nth: l.nth, Path: path, Named: named}, st.Size(), f)
}

// mayBe tells whether a file that was not named is read, which its name decides:
// Documents opens none that is not. What is skipped is reported.
func (l *lister) mayBe(path string) bool {
	r := l.reader()
	report, err := r.Documents(l, dataset.File{Path: path}, strings.NewReader("{}"), func(dataset.Document) error { return nil })
	if err == nil && report.Files > 0 {
		return true
	}
	told := newReport()
	told.Skipped = report.Skipped
	l.tell(told)
	return false
}

// remote finds the files of a pattern on another file system.
func (l *lister) remote(pattern string) error {
	of, err := filesystem.New(l, pattern)
	if err != nil {
		return err
	}
	defer of.Close()
	found, err := of.List(l, pattern)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		l.unreadable(pattern, errors.New("no file has such a name"))
	}
	for _, path := range found {
		named := !isPattern(pattern)
		if !named && !l.mayBe(path) {
			continue
		}
		size, err := of.Size(l, path)
		if err != nil {
			return err
		}
		f, err := of.OpenRead(l, path)
		if err != nil {
			return err
		}
		err = l.cut(part{Nth: l.nth, Path: path, Named: named}, size, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// cut cuts a file into parts, if it can be.
func (l *lister) cut(p part, size int64, f io.Reader) error {
	r := newReport()
	r.Bytes = size
	l.tell(r)
	_, seeks := f.(io.Seeker)
	if size <= l.PartBytes || !seeks || !dataset.Divisible(p.Path, f) {
		l.emit(p)
		return nil
	}
	for from := int64(0); from < size; from += l.PartBytes {
		p.From, p.To = from, min(from+l.PartBytes, size)
		l.emit(p)
	}
	return nil
}

// scanFn finds what the documents of a part have to do with others.
type scanFn struct {
	Reading Reading
	meters  meters
}

func (f *scanFn) Setup() { f.meters = newMeters() }

func (f *scanFn) ProcessElement(ctx context.Context, p part, emit func([]byte, part), mentioned func([]byte, mention), tell func(Report), refuse func(dataset.Refusal)) error {
	id := p.id()
	r := f.Reading.reader()
	r.Refused = func(bad dataset.Refusal) { refuse(bad) }
	report, docs, sum, err := p.documents(ctx, r, func(n int, d dataset.Document) error {
		for _, r := range d.Relations {
			mentioned(r.Key[:], mention{ref{id, uint32(n)}, r})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dataset: beam: %s: %w", p.Path, err)
	}
	p.Docs, p.Sum = docs, sum
	emit(id[:], p)
	f.meters.tell(ctx, Report{report}, tell)
	return nil
}
