package dataset_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

const (
	trace     = "4bf92f3577b34da6a3ce929d0e0e4736"
	bootA     = "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"
	bootB     = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
	idleW     = 20.0 // of the simulated socket
	busyW     = 30.0 // of each busy CPU of it
	memoryW   = 6.0  // of the simulated DRAM
	threads   = 8
	gpuIdleW  = 60.0
	lengthOf  = 100 * time.Second // of a job
	hostOther = 1.0               // CPUs that programs of others keep busy
)

// process is one rank of a simulated job.
type process struct {
	boot        string // of its host
	cpus        float64
	from, until time.Duration
	gpus        map[int]float64 // W that it draws from GPUs of its host above their idling
	sees        []int           // GPUs that it sees, beside those that it uses
	claims      bool
	shared      bool // the driver tells what each process used of a GPU
	scope       lifecycle.Scope
	program     func(ctx context.Context, p process)
	options     []tracer.Option
}

// during is a rate between two moments.
func during(rate float64, from, until time.Duration) tracertest.Curve {
	c := tracertest.Constant(0)
	if from > 0 {
		return c.Then(from, tracertest.Constant(rate).Then(until-from, tracertest.Constant(0)))
	}
	return tracertest.Constant(rate).Then(until, c)
}

// train is what a rank does: it prepares for a tenth of its time, and trains.
func train(ctx context.Context, p process) {
	length := p.until - p.from
	_, span := tracer.Start(ctx, "prepare", tracer.In(lifecycle.DataPreparation))
	time.Sleep(length / 10)
	span.End()
	var opts []tracer.StartOption
	opts = append(opts, tracer.In(lifecycle.Training))
	if p.claims {
		var ids []string
		for i := range p.gpus {
			ids = append(ids, "gpu"+strconv.Itoa(i))
		}
		opts = append(opts, tracer.OnDevices(ids...))
	}
	ctx, fit := tracer.Start(ctx, "fit", opts...)
	for range 4 {
		_, epoch := tracer.Start(ctx, "epoch", tracer.In(lifecycle.Training))
		time.Sleep(length / 5)
		epoch.Count("samples", 250)
		epoch.End()
	}
	fit.End()
	time.Sleep(length - length/10 - 4*(length/5))
}

// simulated runs a job's processes side by side, each as the tracer of a rank
// sees it, and returns their records. Processes with the same boot are on one
// host.
func simulated(t *testing.T, processes ...process) (records []*lifecycle.Record) {
	t.Helper()
	records = make([]*lifecycle.Record, len(processes))
	synctest.Test(t, func(t *testing.T) {
		busy := map[string]tracertest.Curve{}
		gpus := map[string]map[int]tracertest.Curve{}
		for _, p := range processes {
			if busy[p.boot] == nil {
				busy[p.boot] = tracertest.Constant(hostOther)
				gpus[p.boot] = map[int]tracertest.Curve{}
			}
			busy[p.boot] = busy[p.boot].Plus(during(p.cpus, p.from, p.until))
			for i, w := range p.gpus {
				if gpus[p.boot][i] == nil {
					gpus[p.boot][i] = tracertest.Constant(gpuIdleW)
				}
				gpus[p.boot][i] = gpus[p.boot][i].Plus(during(w, p.from, p.until))
			}
		}
		var wg sync.WaitGroup
		for n, p := range processes {
			host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
				Boot: p.boot, Cores: threads, Busy: busy[p.boot], Process: during(p.cpus, p.from, p.until),
				Packages: []tracertest.Curve{tracertest.Constant(idleW).Plus(busy[p.boot].Times(busyW))},
				DRAM:     []tracertest.Curve{tracertest.Constant(memoryW)},
			})
			opts := append(host.Options(), tracer.Sinks(new(tracertest.Recorder)), tracer.Checkpoints(-1), tracer.Named("digits"),
				tracer.IdlePower(map[string]float64{"cpu0": idleW, "dram0": memoryW}), tracer.At(tracer.Site{Country: "SE"}))
			if p.scope != "" {
				opts = append(opts, tracer.Scope(p.scope))
			}
			var devices []tracertest.Domain
			for i, power := range gpus[p.boot] {
				own, used := p.gpus[i]
				seen := used
				for _, s := range p.sees {
					seen = seen || s == i
				}
				if !seen {
					continue
				}
				d := tracertest.Domain{
					Domain: meter.Domain{ID: "gpu" + strconv.Itoa(i), Model: "NVIDIA H100 PCIe", UUID: fmt.Sprintf("GPU-%s-%d", p.boot[:4], i)},
					Power:  power,
				}
				if p.shared {
					d.Own = during(own, p.from, p.until)
				}
				devices = append(devices, d)
			}
			if len(devices) > 0 {
				opts = append(opts, tracer.Meters(tracertest.NewMeter(devices...)))
			}
			opts = append(opts, p.options...)
			if p.program == nil {
				p.program = train
			}
			wg.Go(func() {
				time.Sleep(p.from)
				ctx, run, err := tracer.Begin(context.Background(), opts...)
				assert.NoError(t, err)
				p.program(ctx, p)
				records[n], err = run.End()
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	})
	for n, r := range records {
		r.Run.TraceID, r.Run.Rank = trace, &lifecycle.Rank{Index: n, Count: len(processes)}
		requireSound(t, r, "the shard of rank "+strconv.Itoa(n))
	}
	return records
}

// requireSound holds a record to all rules, warnings apart.
func requireSound(t *testing.T, r *lifecycle.Record, what string) {
	t.Helper()
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			require.Fail(t, what+" must be valid", f.String())
		}
	}
}

// merged merges shards and holds the result to the rules.
func merged(t *testing.T, shards ...*lifecycle.Record) *lifecycle.Record {
	t.Helper()
	r, err := dataset.Merge(shards...)
	require.NoError(t, err)
	requireSound(t, r, "what was merged")
	return r
}

// text is a record as it is written.
func text(t *testing.T, r *lifecycle.Record) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, lifecycle.Encode(&b, r))
	return b.String()
}

// same holds that two records are written alike, and tells the first line that
// is not.
func same(t *testing.T, want, got, what string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		require.Equal(t, a[i], b[i], "%s: line %d", what, i+1)
	}
	require.Len(t, b, len(a), what)
}

// line is the line of a domain; the test fails if there is none.
func line(t *testing.T, r *lifecycle.Record, domain string) lifecycle.LedgerLine {
	t.Helper()
	for _, l := range r.Ledger {
		if l.Domain == domain {
			return l
		}
	}
	require.Failf(t, "no line", "of %s in %+v", domain, r.Ledger)
	return lifecycle.LedgerLine{}
}

// own is what a run booked of a domain as its own.
func own(l lifecycle.LedgerLine) float64 { return l.SpansJ + l.UnattributedJ }

// warned are the details of a record's warnings of a code.
func warned(r *lifecycle.Record, code string) (details []string) {
	for _, w := range r.Warnings {
		if w.Code == code {
			details = append(details, w.Path+": "+w.Detail)
		}
	}
	return details
}

// renameDomain gives a line of the ledger another domain.
func renameDomain(r *lifecycle.Record, from, to string) {
	for i := range r.Ledger {
		if r.Ledger[i].Domain == from {
			r.Ledger[i].Domain = to
		}
	}
}

// renameDevice gives an entry of the hardware another id.
func renameDevice(r *lifecycle.Record, from, to string) {
	rename := func(id *string) {
		if *id == from {
			*id = to
		}
	}
	for i := range r.Hardware {
		rename(&r.Hardware[i].ID)
		if e := r.Hardware[i].Embodied; e != nil {
			for k := range e.Covers {
				rename(&e.Covers[k])
			}
		}
	}
	for i := range r.Ledger {
		rename(&r.Ledger[i].Hardware)
	}
	for i := range r.Phases {
		for k := range r.Phases[i].Usage {
			rename(&r.Phases[i].Usage[k].Hardware)
		}
	}
}

// rebook has the spans of a record, which are one a stage but for those that
// only waited, agree with its rows.
func rebook(t *testing.T, r *lifecycle.Record) {
	t.Helper()
	for _, p := range r.Phases {
		if p.Stage.Device() || p.Stage == lifecycle.Unassigned {
			continue
		}
		sum := 0.0
		for _, u := range p.Usage {
			sum += u.EnergyJ.Value
		}
		for i := range r.Spans {
			if s := &r.Spans[i]; s.Stage == p.Stage && s.SelfJ > 0 {
				s.SelfJ = sum
			}
		}
	}
	require.NoError(t, lifecycle.Assess(r))
	requireSound(t, r, "a shard of the test")
}
