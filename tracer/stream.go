package tracer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/internal/timeline"
)

const (
	maxStream    = 4 << 20  // bytes of lines that wait to be written
	streamChunk  = 64 << 10 // bytes that are written at once
	streamPeriod = time.Second
)

// Spans writes each span of the run to w when it has ended, as a line of JSON:
// path, stage, begin_s, end_s (s from the run's begin), self_s (its wall share of
// the time that it was active) and failed. What a single span used is not told,
// and nobody knows it: its part of the energy of its path is that of its self_s
// in the path's.
//
// A goroutine of the run's writes, once a second or where much has come together.
// Start and End of a span never wait for it: what comes while 4 MiB of lines wait
// is lost, as is what comes after a Write has failed. How many are lost a warning
// of the record tells, and the error the run's End, which waits for w 10 s at
// most. Spans that are open at the run's end are not written. w is not closed. A
// run that is killed loses the lines of the last second, and may leave the last one
// cut.
//
// The default is $ECOTRACER_SPANS: on writes <run id>.spans.jsonl to the folder
// of records.
func Spans(w io.Writer) Option { return func(c *config) { c.stream, c.streamed = w, w != nil } }

// spanStream writes spans to a stream as they end.
type spanStream struct {
	w    io.Writer
	done chan struct{} // closed when all is written
	wake chan struct{} // holds one token when there is much to write, or all has come

	mu    sync.Mutex
	lines []byte // that wait
	n     int64  // of them
	now   int64  // that are being written
	lost  int64
	err   error
	ended bool
}

// openStream begins the stream of single spans, if the run is to have one.
func (r *Run) openStream() error {
	c := &r.cfg
	if !c.streamed {
		return nil
	}
	w, name := c.stream, filepath.Join(c.dir, r.id+".spans.jsonl")
	if w == nil {
		_ = os.MkdirAll(c.dir, 0o777)                                         // where records go elsewhere
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // less what the host's umask takes
		if err != nil {
			return fmt.Errorf("tracer: single spans are not written: %w", err)
		}
		w = f
	}
	r.stream = &spanStream{w: w, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go r.stream.write(c.stream == nil)
	r.Observe(Observer{Ended: r.stream.add})
	return nil
}

// add puts a span's line where write finds it.
func (w *spanStream) add(s SingleSpan) {
	line, err := json.Marshal(timeline.Span{
		Path: s.Span.Path(), Stage: s.Span.Stage(), BeginS: s.BeginS, EndS: s.EndS, SelfS: s.SelfS, Failed: s.Failed,
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
	case err != nil, w.err != nil, len(w.lines)+len(line) >= maxStream:
		w.lost++
	default:
		w.lines = append(append(w.lines, line...), '\n')
		w.n++
		if len(w.lines) >= streamChunk {
			w.rouse()
		}
	}
}

func (w *spanStream) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// write writes what comes until all has.
func (w *spanStream) write(closes bool) {
	defer close(w.done)
	pprof.SetGoroutineLabels(context.Background()) // not those of who called Begin
	leaveTasks()
	tick := time.NewTicker(streamPeriod)
	defer tick.Stop()
	var spare []byte
	for {
		select {
		case <-w.wake:
		case <-tick.C:
		}
		w.mu.Lock()
		lines, n, ended := w.lines, w.n, w.ended
		w.lines, w.n, w.now = spare[:0], 0, n
		w.mu.Unlock()
		spare = lines
		if n > 0 {
			w.note(guard("the writer of single spans", func() error {
				wrote, err := w.w.Write(lines)
				if err == nil && wrote < len(lines) {
					err = io.ErrShortWrite
				}
				return err
			}))
		}
		if ended {
			if c, ok := w.w.(io.Closer); ok && closes {
				w.note(c.Close())
			}
			return
		}
	}
}

// note notes what became of the lines that were being written. After a failure
// none is written any more: it may have ended within a line.
func (w *spanStream) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = errors.Join(w.err, err)
		w.lost += w.now + w.n
		w.lines, w.n = w.lines[:0], 0
	}
	w.now = 0
}

// close writes what is left, and tells how many spans were lost and why.
func (w *spanStream) close() (lost int64, err error) {
	if w == nil {
		return 0, nil
	}
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.rouse()
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	var late error
	select {
	case <-w.done:
	case <-timer.C:
		late = fmt.Errorf("it is not written within %v", writeTimeout)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if late != nil {
		w.lost += w.now + w.n
	}
	if err := errors.Join(late, w.err); err != nil {
		return w.lost, fmt.Errorf("tracer: the stream of single spans: %w", err)
	}
	return w.lost, nil
}
