//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

// worker is a process that meters the GPUs of the simulated host: it reads
// them whenever it is told a line, and answers with its samples.
func worker() int {
	m, err := nvml.Open(nvml.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer m.Close()
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(len(m.Domains())); err != nil {
		return 1
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		samples, err := m.Read(nil)
		if err == nil {
			err = answers.Encode(samples)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func TestMain(m *testing.M) {
	if os.Getenv("NVML_TEST_WORKER") != "" {
		os.Exit(worker())
	}
	os.Exit(m.Run())
}

// TestRealProcessesSeeOnePlant: each of four processes on a host of four GPUs
// is told the energy of all, and of its own GPU that it is its own.
func TestRealProcessesSeeOnePlant(t *testing.T) {
	library := nvmltest.Build(t)
	path := filepath.Join(filepath.Dir(library), "script")
	s := nvmltest.Fleet(4, nvmltest.H100)
	for i := range s.GPUs {
		s.GPUs[i].Plant = []nvmltest.Step{{From: start, Watts: 100 * float64(i+1)}}
	}
	s.Clock = start
	s.Write(t, path)

	type process struct {
		cmd     *exec.Cmd
		in      io.WriteCloser
		answers *json.Decoder
	}
	processes := make([]process, len(s.GPUs))
	for i := range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), "NVML_TEST_WORKER=yes"), nvmltest.Env(library, path)...)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		processes[i] = process{cmd, in, json.NewDecoder(out)}
		s.GPUs[i].Processes = []nvmltest.Process{{PID: cmd.Process.Pid, SM: 50}}
	}
	read := func(p process) (samples []meter.Sample) {
		_, err := io.WriteString(p.in, "\n")
		require.NoError(t, err)
		require.NoError(t, p.answers.Decode(&samples))
		require.Len(t, samples, len(s.GPUs))
		return samples
	}
	for _, p := range processes {
		var domains int
		require.NoError(t, p.answers.Decode(&domains))
		assert.Equal(t, len(s.GPUs), domains)
	}
	s.Write(t, path) // now that it is known who holds which
	for _, p := range processes {
		read(p)
	}
	s.Clock = start.Add(100 * time.Millisecond) // true time is shorter than what the GPUs can draw in it
	s.Write(t, path)
	for i, p := range processes {
		for _, sample := range read(p) {
			truth := s.GPUs[sample.Domain].EnergyJ(s.Clock)
			assert.InDelta(t, truth, sample.Joules, 1e-3)
			if sample.Domain == i {
				assert.InDelta(t, truth, sample.OwnJ, 1e-3)
			} else {
				assert.Zero(t, sample.OwnJ)
			}
		}
		require.NoError(t, p.in.Close())
		require.NoError(t, p.cmd.Wait())
	}
}

// Trap 25: shares are of the very joules that the GPU's counter tells, so those
// of all who use it add up to them, whoever comes and goes.
func TestSharesOfAllProcessesAddUpToTheGPU(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			pids := []int{601, 602, 603, 604}
			s := nvmltest.Fleet(1, nvmltest.H100, steady(300))
			holders := func() (list []nvmltest.Process) {
				for _, i := range random.Perm(len(pids))[:1+random.IntN(len(pids))] {
					list = append(list, nvmltest.Process{PID: pids[i], SM: random.IntN(3) * 40})
				}
				return list
			}
			s.GPUs[0].Processes = holders()
			h := simulate(t, s)
			var meters []meter.Meter
			for _, pid := range pids {
				h.open(nvml.Config{PIDs: func() []int { return []int{pid} }})
				meters = append(meters, h.m)
			}
			last := make([]float64, len(meters))
			for range 40 {
				s.GPUs[0].Processes = holders()
				h.pass(time.Duration(1+random.IntN(3000)) * time.Millisecond)
				sum, joules := 0.0, 0.0
				for i, m := range meters {
					samples, err := m.Read(nil)
					require.NoError(t, err)
					joules = samples[0].Joules
					require.LessOrEqual(t, samples[0].OwnJ, joules)
					require.GreaterOrEqual(t, samples[0].OwnJ, last[i], "it never falls")
					last[i] = samples[0].OwnJ
					sum += samples[0].OwnJ
				}
				require.InEpsilon(t, joules, sum, 1e-9, "seed %d", seed)
			}
		})
	}
}
