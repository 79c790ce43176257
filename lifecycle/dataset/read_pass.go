package dataset

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// intake is one call of [Reader.Read].
type intake struct {
	Reader
	ctx    context.Context
	cancel context.CancelFunc
	use    func(int, *lifecycle.Record) error
	seed   maphash.Seed
	stdin  *os.File // what came of it, nil if it was not read
	tasks  chan func(*worker) error
	asides sync.WaitGroup
	slots  chan struct{} // of what works aside

	bytes, of, records atomic.Int64
	second             bool
	told               atomic.Int64 // when progress was, ns

	mu         sync.Mutex // guards what follows, and calls of Refused
	failed     error
	report     Report
	names      log
	contents   log // entries of contentSize
	positions  log // entries of positionSize, by document
	chunks     notes
	notes      notes
	docs       uint32
	quarantine quarantine

	progress sync.Mutex // one call at a time
	largeJob sync.Mutex

	index
}

// worker is one of the goroutines that do the work.
type worker struct {
	*intake
	number  int
	aside   bool // it reads a file for the others
	id      identity
	buf     []byte
	checker lifecycle.Checker
	latest  int64 // ns since 1970 from which on it is the future
}

func newIntake(ctx context.Context, r Reader, use func(int, *lifecycle.Record) error) *intake {
	x := &intake{Reader: r, use: use, seed: maphash.MakeSeed(), slots: make(chan struct{}, r.Workers)}
	x.ctx, x.cancel = context.WithCancel(ctx)
	for _, l := range []*log{&x.names, &x.contents, &x.positions, &x.notes.file, &x.chunks.file, &x.booked.file, &x.spooled} {
		l.dir, l.most = r.TempDir, inMemory.log
	}
	for _, n := range []*notes{&x.notes, &x.chunks, &x.booked} {
		n.most = inMemory.notes
		n.file.most = min(blockSize, inMemory.log) // what is spilt need not stay in memory
	}
	x.spooled.most = min(blockSize, inMemory.log)
	x.quarantine.dir = r.Quarantine
	x.report.LeftOut, x.report.Refused, x.report.Conflicts = map[Reason]int64{}, map[Reason]int64{}, []Conflict{}
	return x
}

func (r *intake) close() (err error) {
	r.cancel()
	for _, l := range []*log{&r.names, &r.contents, &r.positions, &r.notes.file, &r.chunks.file, &r.booked.file, &r.spooled} {
		err = errors.Join(err, l.close())
	}
	return errors.Join(err, discard(r.stdin), r.quarantine.close())
}

// read does it all.
func (r *intake) read(paths []string) error {
	err := r.pass(func() error {
		for _, path := range paths {
			if err := r.begin(path); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.begun()
	for {
		ask, err := r.decide()
		if err != nil {
			return err
		}
		if ask > 0 {
			if err := r.sweep(verdictLook, (*worker).examine); err != nil {
				return err
			}
			continue
		}
		if err := r.sweep(verdictUse, (*worker).hand); err != nil {
			return err
		}
		if err := r.merge(); err != nil {
			return err
		}
		if !r.again {
			break
		}
	}
	return r.conclude()
}

// begin begins the reading of what a path names.
func (r *intake) begin(path string) error {
	if path != stdin {
		return r.list(path, true, 0)
	}
	if r.Stdin == nil || r.stdin != nil {
		text := "there is no standard input"
		if r.stdin != nil {
			text = "standard input can be read once"
		}
		return r.refuseFile(path, flawed(Unreadable, "%s", text))
	}
	f, err := r.spool()
	if err != nil {
		if f != nil && r.stdin == nil {
			r.stdin = f
		}
		return err
	}
	r.stdin = f
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	r.known(size)
	return r.large(f, path, size)
}

// pass has workers do what the function sends.
func (r *intake) pass(send func() error) error {
	r.tasks = make(chan func(*worker) error)
	var all sync.WaitGroup
	for i := range r.Workers {
		all.Go(func() {
			w := &worker{intake: r, number: i, latest: r.Now.Add(grace).UnixNano()}
			for task := range r.tasks {
				r.fail(task(w))
			}
		})
	}
	r.fail(send())
	r.asides.Wait()
	close(r.tasks)
	all.Wait()
	if r.failed != nil {
		return r.failed
	}
	return r.ctx.Err()
}

// send gives a task to the next worker that is free. A task that was taken is
// done, so that it can clean up.
func (r *intake) send(task func(*worker) error) error {
	select {
	case r.tasks <- task:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// beside does something beside the workers, which gives them work: not for more
// files at a time than there are workers.
func (r *intake) beside(do func(*worker) error, instead func()) error {
	select {
	case r.slots <- struct{}{}:
	case <-r.ctx.Done():
		instead()
		return r.ctx.Err()
	}
	r.asides.Go(func() {
		defer func() { <-r.slots }()
		r.fail(do(&worker{intake: r, aside: true, latest: r.Now.Add(grace).UnixNano()}))
	})
	return nil
}

// fail ends the reading by the first error.
func (r *intake) fail(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil && r.ctx.Err() == nil {
		r.failed = err
	}
	r.cancel()
}

// skip counts a file that is none of records.
func (r *intake) skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Skipped++
}

// refuseFile refuses a file as a whole.
func (r *intake) refuseFile(path string, bad *flaw) error {
	return r.refuse(refused{Refusal: Refusal{Place: Place{Path: path}, Reason: bad.reason, Text: bad.text}})
}

func (r *intake) refuse(bad refused) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refuseLocked(bad)
}

// refuseLocked tells of what was not counted among the documents before.
func (r *intake) refuseLocked(bad refused) error {
	r.report.Documents++
	return r.refuseDocument(bad)
}

// refuseDocument tells of what was.
func (r *intake) refuseDocument(bad refused) error {
	r.report.Refused[bad.Reason]++
	if r.quarantine.dir != "" {
		kept, err := r.quarantine.put(&bad.Refusal, bad.doc)
		if err != nil {
			return err
		}
		if kept {
			r.report.Quarantined++
		} else if len(bad.doc) > 0 {
			r.report.NotQuarantined++
		}
	}
	if r.Refused != nil {
		r.Refused(bad.Refusal)
	}
	return nil
}

// known adds a file of that size.
func (r *intake) known(size int64) {
	r.of.Add(size)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Bytes += size
}

// begun begins the second reading.
func (r *intake) begun() {
	r.second = true
	r.bytes.Store(0)
	r.records.Store(0)
	r.verdict, r.state, r.marks = make([]verdict, r.docs), make([]state, r.docs), make([]marks, r.docs)
	r.looks, r.spoolAt, r.left = map[uint32]*looked{}, map[uint32]int64{}, map[uint32]Reason{}
}

// advance adds bytes that were read.
func (r *intake) advance(n int64) {
	r.bytes.Add(n)
	r.tell(0)
}

// tell tells how far the reading is, if that was not told just now.
func (r *intake) tell(records int64) {
	r.records.Add(records)
	if r.Progress == nil {
		return
	}
	now, last := time.Now().UnixNano(), r.told.Load()
	if now-last < int64(50*time.Millisecond) || !r.told.CompareAndSwap(last, now) {
		return
	}
	r.progress.Lock()
	defer r.progress.Unlock()
	r.Progress(Progress{r.second, min(r.bytes.Load(), r.of.Load()), r.of.Load(), r.records.Load()})
}
