package tracer_test

import (
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// counting counts how often proc/stat is opened and read of a host that cannot
// keep files open.
type counting struct {
	fs.FS
	opened atomic.Int64
}

func (c *counting) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err == nil && name == "proc/stat" {
		c.opened.Add(1)
		return struct{ fs.File }{f}, nil
	}
	return f, err
}

func TestBusyTimeIsReadOnceATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true, Busy: tracertest.Constant(2)})
		root := &counting{FS: h}
		ctx, run := begin(t, tracer.Host(root), tracer.CPUTime(h.CPUTime), tracer.Sampling(time.Second), tracer.Checkpoints(-1), tracer.Sinks(new(tracertest.Recorder)))
		_, work := tracer.Start(ctx, "work")
		time.Sleep(10 * time.Second)
		before := root.opened.Load()
		time.Sleep(60 * time.Second)
		assert.InDelta(t, 60, root.opened.Load()-before, 1, "by the model and the ledger together")
		work.End()
		rec := finish(t, run)
		l := line(t, rec, "cpu0")
		assert.InEpsilon(t, l.OtherProcessesJ, l.SpansJ-l.IdleW*70/4, 0.05, "half of what was busy was the process's")
	})
}
