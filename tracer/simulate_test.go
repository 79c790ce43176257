package tracer_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// load is CPU time as a function of time: what a process has used.
type load func(t time.Duration) time.Duration

// cpus is a load of so many CPUs.
func cpus(n float64) load {
	return func(t time.Duration) time.Duration { return time.Duration(n * float64(t)) }
}

// plant is a host of which no more is known than its proc/stat, so that only
// the meters that a test gives are read. Made inside a testing/synctest
// bubble, everything about it is exact.
type plant struct {
	start time.Time
	cpus  int         // online
	busy  load        // of all processes
	own   load        // of this one
	lost  atomic.Bool // proc/stat cannot be read
}

func newPlant(cpus int, own, busy load) *plant {
	return &plant{start: time.Now(), cpus: cpus, own: own, busy: busy}
}

// jiffies is how the kernel tells busy time: in hundredths of a second.
func (p *plant) jiffies(t time.Duration) int64 { return int64(p.busy(t) / (10 * time.Millisecond)) }

// Open serves proc/stat and nothing else.
func (p *plant) Open(name string) (fs.File, error) {
	if name != "proc/stat" || p.lost.Load() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	t := time.Since(p.start)
	var b strings.Builder
	fmt.Fprintf(&b, "cpu  %d 0 0 0 0 0 0 0 0 0\n", p.jiffies(t))
	for i := range p.cpus {
		fmt.Fprintf(&b, "cpu%d 0 0 0 0 0 0 0 0 0 0\n", i)
	}
	return &statFile{Reader: strings.NewReader(b.String())}, nil
}

// statFile is an open proc/stat.
type statFile struct{ io.Reader }

func (*statFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (*statFile) Close() error               { return nil }

// options is what Begin needs to see the plant and read only these meters.
func (p *plant) options(meters ...meter.Meter) []tracer.Option {
	return []tracer.Option{
		tracer.Host(p), tracer.Meters(meters...), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)),
		tracer.CPUTime(func() time.Duration { return p.own(time.Since(p.start)) }),
	}
}

// begin begins a run whose end the test sees to, and which leaves no file.
func begin(t *testing.T, opts ...tracer.Option) (context.Context, *tracer.Run) {
	t.Helper()
	ctx, run, err := tracer.Begin(context.Background(), append([]tracer.Option{tracer.Sinks(new(tracertest.Recorder))}, opts...)...)
	require.NoError(t, err)
	return ctx, run
}

// finish ends a run and holds its record to the rules.
func finish(t *testing.T, run *tracer.Run) *lifecycle.Record {
	t.Helper()
	rec, err := run.End()
	require.NoError(t, err)
	requireValid(t, rec)
	return rec
}

// requireValid holds a record to the rules of lifecycle.Validate, as it is and
// as a reader of its file sees it, and to what only the tracer can know.
func requireValid(t *testing.T, rec *lifecycle.Record) {
	t.Helper()
	for _, f := range lifecycle.Validate(rec) {
		if !f.Warning {
			require.Fail(t, "the record is not valid", f.String())
		}
	}
	for _, w := range rec.Warnings {
		require.NotEqual(t, "ledger-imbalance", w.Code, "%s: %s", w.Path, w.Detail)
	}
}

// domain is a simulated domain that draws a power. The node is told by psys, of
// which graphics cards are no part.
func domain(id string, power tracertest.Curve) tracertest.Domain {
	d := meter.Domain{ID: id}
	if id == "node0" {
		d.Sensor = "rapl"
	}
	return tracertest.Domain{Domain: d, Power: power}
}

// line is the ledger line of a domain.
func line(t *testing.T, rec *lifecycle.Record, id string) lifecycle.LedgerLine {
	t.Helper()
	for _, l := range rec.Ledger {
		if l.Domain == id {
			return l
		}
	}
	require.Fail(t, "no ledger line", "of %s", id)
	return lifecycle.LedgerLine{}
}

// span is the account of a path.
func span(t *testing.T, rec *lifecycle.Record, path string) lifecycle.Span {
	t.Helper()
	for _, s := range rec.Spans {
		if s.Path == path {
			return s
		}
	}
	require.Fail(t, "no span", "of path %s", path)
	return lifecycle.Span{}
}

// warned tells whether a record has a warning, and how often that occurred.
func warned(rec *lifecycle.Record, code string) (count int64, found bool) {
	for _, w := range rec.Warnings {
		if w.Code == code {
			if w.Count != nil {
				count += *w.Count
			}
			found = true
		}
	}
	return count, found
}

// of is the value of what may be absent.
func of[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
