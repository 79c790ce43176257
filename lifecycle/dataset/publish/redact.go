package publish

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// job is one call of Publish.
type job struct {
	Publication
	spool, dir string
	result     Result

	mu    sync.Mutex
	files []*os.File // redacted records, by worker
	list  []entry
	own   map[[16]byte]bool // ids of runs as they were before: none may be left
}

// entry is a redacted record on disk.
type entry struct {
	id      string // of the run, renewed
	file    int
	at, n   int64
	content [16]byte // what it tells of energy, which redaction leaves as it is
	again   bool     // it was redacted before
	was     string   // the run's id before
	did     map[string]int64
}

// mostTelling bounds what is told of texts that may not be published.
const mostTelling = 100

// redactAll redacts what counts and may be published, into the spool.
func (w *job) redactAll(ctx context.Context, from dataset.Reader, paths []string) (err error) {
	if from.Workers <= 0 {
		from.Workers = runtime.GOMAXPROCS(0)
	}
	if len(w.Redacting.Salt) == 0 {
		w.Redacting.Salt = make([]byte, 32)
		_, _ = rand.Read(w.Redacting.Salt) // which never fails
	}
	w.own = map[[16]byte]bool{}
	out := make([]*bufio.Writer, from.Workers)
	at := make([]int64, from.Workers)
	for i := range out {
		f, err := os.Create(filepath.Join(w.spool, fmt.Sprint(i)))
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		w.files = append(w.files, f)
		out[i] = bufio.NewWriterSize(f, 256<<10)
	}
	w.result.Read, err = from.Read(ctx, paths, func(worker int, r *lifecycle.Record) error {
		public, did, why := w.redact(r)
		w.mu.Lock()
		if public == nil || public.Run.ID != r.Run.ID {
			w.own[uuidOf(r.Run.ID)] = true
		}
		if public == nil {
			w.result.LeftOut[why]++
		}
		w.mu.Unlock()
		if public == nil {
			return nil
		}
		var line bytes.Buffer
		if err := lifecycle.EncodeLine(&line, public); err != nil {
			return err
		}
		n, err := out[worker].Write(line.Bytes())
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		e := entry{id: public.Run.ID, file: worker, at: at[worker], n: int64(n), content: contentOf(public), again: public.Run.ID == r.Run.ID, was: r.Run.ID, did: did}
		at[worker] += int64(n)
		w.mu.Lock()
		w.list = append(w.list, e)
		w.mu.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range out {
		if err := o.Flush(); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	w.order()
	return nil
}

// redact is the record as the public may read it; nil and why if it may not.
func (w *job) redact(r *lifecycle.Record) (*lifecycle.Record, map[string]int64, Reason) {
	switch r.Publisher.Confidentiality {
	case "public":
	case "internal":
		if !w.Internal {
			return nil, nil, NotPublic
		}
	default:
		return nil, nil, Private
	}
	public, did, err := lifecycle.Redact(r, "public", w.Redacting)
	w.mu.Lock()
	defer w.mu.Unlock()
	var telling *lifecycle.IdentifierError
	switch {
	case errors.As(err, &telling):
		t := Telling{Run: r.Run.ID, Pointers: []string{}}
		for _, f := range telling.Findings {
			t.Pointers = append(t.Pointers, f.Pointer)
		}
		w.tells(t)
		return nil, nil, Tells
	case err != nil:
		return nil, nil, Broken
	}
	counts := map[string]int64{}
	for _, d := range did {
		counts[d.Did]++
	}
	return public, counts, ""
}

// tells keeps what is told of a record with texts that may not be published.
func (w *job) tells(t Telling) {
	if len(w.result.Telling) < mostTelling {
		w.result.Telling = append(w.result.Telling, t)
	}
}

// order sorts the records by their new ids, so that nothing of the order in
// which they were read is left, and leaves earlier redactions of others out.
func (w *job) order() {
	slices.SortFunc(w.list, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.id, b.id), bytes.Compare(a.content[:], b.content[:]))
	})
	fresh := map[[16]byte]bool{}
	for _, e := range w.list {
		if !e.again {
			fresh[e.content] = true
		}
	}
	before := len(w.list)
	w.list = slices.DeleteFunc(w.list, func(e entry) bool { return e.again && fresh[e.content] })
	if n := before - len(w.list); n > 0 {
		w.result.LeftOut[Twice] += int64(n)
	}
	slices.SortFunc(w.result.Telling, func(a, b Telling) int { return strings.Compare(a.Run, b.Run) })
}

// contentOf is a digest of the figures of a record, which stay to the digit
// when it is redacted: two executions never have the same.
func contentOf(r *lifecycle.Record) (sum [16]byte) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode(r.Run.DurationS) // a hash takes all, and a sound record's figures can be told
	_ = enc.Encode(r.Ledger)
	_ = enc.Encode(r.Spans)
	_ = enc.Encode(r.Totals)
	copy(sum[:], h.Sum(nil))
	return sum
}

// anUUID finds ids in a text.
var anUUID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
})

// repeats tells whether a line has the id that a run had before, its own or
// another's.
func (w *job) repeats(line []byte) bool {
	for _, id := range anUUID().FindAll(line, -1) {
		if w.own[uuidOf(string(id))] {
			return true
		}
	}
	return false
}

func uuidOf(text string) (id [16]byte) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.ToLower(text), "-", ""))
	if err == nil {
		copy(id[:], b)
	}
	return id
}
