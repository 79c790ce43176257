package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

const (
	ranks     = 8
	gpuW      = 300.0 // of each GPU
	socketW   = 40.0  // of each of two sockets, idle
	cpuW      = 30.0  // of each busy CPU, on the first socket
	hostCPUs  = 8
	idleWatts = 2 * socketW
	work      = 2.5 // CPU seconds, of all ranks together
)

// rank is a process of the job.
type rank struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func (r *rank) do(verb string) {
	_, err := io.WriteString(r.in, verb+"\n")
	require.NoError(r.t, err)
	require.True(r.t, r.out.Scan(), "it says what it has done")
	require.Equal(r.t, verb, r.out.Text())
}

// plant is a host whose power follows the true CPU time of the ranks. Its files
// are brought up to date all the time, and what was true when is kept.
type plant struct {
	host *tracertest.Host
	pids []int

	mu   sync.Mutex
	used []time.Duration // CPU time by rank
	log  []state
}

type state struct {
	at      time.Time
	used    []time.Duration
	sockets float64 // J
}

// load is the CPU seconds of all ranks.
func (p *plant) load(time.Duration) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum time.Duration
	for i, pid := range p.pids {
		var ts unix.Timespec
		if unix.ClockGettime(int32(^pid)<<3|2, &ts) == nil { // CPUCLOCK_SCHED of the process; it may have ended
			p.used[i] = max(p.used[i], time.Duration(ts.Nano()))
		}
		sum += p.used[i]
	}
	return sum.Seconds()
}

func (p *plant) refresh(t *testing.T) {
	require.NoError(t, p.host.Refresh())
	s := state{at: time.Now(), sockets: p.host.Joules(tracertest.EnergyFile("intel-rapl:0")) + p.host.Joules(tracertest.EnergyFile("intel-rapl:1"))}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.used = slices.Clone(p.used)
	p.log = append(p.log, s)
}

// at is what was true at a time, from the states around it.
func (p *plant) at(when time.Time, of func(state) float64) float64 {
	i := slices.IndexFunc(p.log, func(s state) bool { return s.at.After(when) })
	switch {
	case i < 0:
		return of(p.log[len(p.log)-1])
	case i == 0: // before the first
		return of(p.log[0])
	}
	a, b := p.log[i-1], p.log[i]
	x := when.Sub(a.at).Seconds() / b.at.Sub(a.at).Seconds()
	return of(a)*(1-x) + of(b)*x
}

func (p *plant) between(rec *lifecycle.Record, of func(state) float64) float64 {
	return p.at(*rec.Run.EndedAt, of) - p.at(*rec.Run.StartedAt, of)
}

// A job of eight processes on a host with eight GPUs: simulated files and a
// simulated driver, true processes. However the ranks count, the record that
// their shards are merged to has what the plant drew.
// Trap 38: eight ranks are not eight hosts.
func TestEightRanksOfOneHostAddUp(t *testing.T) {
	if testing.Short() {
		t.Skip("runs eight processes for some seconds")
	}
	library := nvmltest.Build(t)
	program := filepath.Join(t.TempDir(), "rank")
	out, err := exec.Command("go", "build", "-o", program, "./testdata/rank").CombinedOutput()
	require.NoError(t, err, "%s", out)

	for _, scope := range []lifecycle.Scope{lifecycle.ScopeProcess, lifecycle.ScopeMachine} {
		t.Run(string(scope), func(t *testing.T) {
			records, gpus, p := runJob(t, program, library, scope)
			var shards []*lifecycle.Record
			for _, rec := range records {
				for _, f := range lifecycle.Validate(rec) {
					assert.True(t, f.Warning, "rank %d: %s", rec.Run.Rank.Index, f)
				}
				shards = append(shards, rec)
			}
			require.Len(t, shards, ranks)
			merged, err := dataset.Merge(shards...)
			require.NoError(t, err)
			for _, f := range lifecycle.Validate(merged) {
				assert.True(t, f.Warning, "merged: %s", f)
			}
			assert.Equal(t, 1.0, *merged.Run.Coverage)

			var truth float64
			for _, rec := range records {
				i := rec.Run.Rank.Index
				switch scope {
				case lifecycle.ScopeProcess:
					used := p.between(rec, func(s state) float64 { return s.used[i].Seconds() })
					truth += used * (cpuW + idleWatts/hostCPUs)
					truth += gpus[i].EnergyJ(*rec.Run.EndedAt) - gpus[i].EnergyJ(*rec.Run.StartedAt)
				case lifecycle.ScopeMachine:
					if rec.Run.Scope != lifecycle.ScopeMachine {
						continue // its share is in the one that has the machine
					}
					truth += p.between(rec, func(s state) float64 { return s.sockets })
					for _, g := range gpus {
						truth += g.EnergyJ(*rec.Run.EndedAt) - g.EnergyJ(*rec.Run.StartedAt)
					}
				}
			}
			counted := 0.0
			for _, l := range merged.Ledger {
				if l.Method == lifecycle.Counter {
					counted += l.SpansJ + l.UnattributedJ
				}
			}
			t.Logf("merged %.1f J, the plant's truth %.1f J: %.2f %%", counted, truth, 100*(counted/truth-1))
			assert.InEpsilon(t, truth, counted, 0.01, "within 1 %% of what the plant drew")
		})
	}
}

// runJob runs the job and returns its records, by rank, and the truth.
func runJob(t *testing.T, program, library string, scope lifecycle.Scope) (records []*lifecycle.Record, gpus []nvmltest.GPU, p *plant) {
	p = &plant{used: make([]time.Duration, ranks)}
	p.host = tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
		Boot: "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4", Cores: hostCPUs / 2, Busy: p.load,
		Packages: []tracertest.Curve{
			func(d time.Duration) float64 { return socketW*d.Seconds() + cpuW*p.load(d) },
			tracertest.Constant(socketW),
		},
	})
	script := nvmltest.Fleet(ranks, nvmltest.A100, nvmltest.Step{From: time.Now(), Watts: gpuW})
	scriptPath, dir, locks := filepath.Join(t.TempDir(), "script"), t.TempDir(), t.TempDir()
	script.Write(t, scriptPath)

	job := make([]*rank, ranks)
	for i := range job {
		cmd := exec.Command(program)
		cmd.Env = append(nvmltest.Env(library, scriptPath),
			"HOST="+p.host.Dir(), "RECORDS="+dir, "ECOTRACER_RUNTIME_DIR="+locks, "ECOTRACER_SCOPE="+string(scope),
			fmt.Sprint("RANK=", i), fmt.Sprint("WORLD_SIZE=", ranks), fmt.Sprint("LOCAL_RANK=", i), fmt.Sprint("LOCAL_WORLD_SIZE=", ranks),
			"ECOTRACER_JOB="+t.Name(), fmt.Sprint("CUDA_VISIBLE_DEVICES=", i))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		said, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		job[i] = &rank{t, cmd, in, bufio.NewScanner(said)}
		p.pids = append(p.pids, cmd.Process.Pid)
		script.GPUs[i].Processes = []nvmltest.Process{{PID: cmd.Process.Pid, SM: 90}}
	}
	script.Write(t, scriptPath)

	// The plant goes on while the ranks begin, work and end, the first around
	// the others.
	quit, done, worked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		for enough := false; ; {
			select {
			case <-quit:
				return
			case <-pace.C:
				p.refresh(t)
			}
			if !enough && p.load(0) >= work {
				enough = true
				close(worked)
			}
		}
	}()
	for _, r := range job {
		r.do("begin")
	}
	<-worked
	for _, r := range slices.Backward(job) {
		r.do("end")
	}
	close(quit)
	<-done
	for _, r := range job {
		require.NoError(t, r.in.(io.Closer).Close())
		require.NoError(t, r.cmd.Wait())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		rec, err := lifecycle.Decode(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		records = append(records, rec)
	}
	slices.SortFunc(records, func(a, b *lifecycle.Record) int { return a.Run.Rank.Index - b.Run.Rank.Index })
	return records, script.GPUs, p
}
