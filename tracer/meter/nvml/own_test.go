//go:build linux && (amd64 || arm64)

package nvml_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

// other is the number of a process that is none of ours.
const other = 1 << 22

// These guard trap 24: a GPU that others use is not this process's, and of one
// that is shared, its share is.
func TestShareOfAGPUGoesByWhoHoldsItAndUsesIt(t *testing.T) {
	self := os.Getpid()
	for name, test := range map[string]struct {
		processes []nvmltest.Process
		without   []string
		fail      map[string]int
		share     float64
	}{
		"nobody holds it":                    {share: 0},
		"we alone do":                        {processes: []nvmltest.Process{{PID: self, SM: 90}}, share: 1},
		"we alone do, and do nothing":        {processes: []nvmltest.Process{{PID: self}}, share: 1},
		"we alone do, for graphics":          {processes: []nvmltest.Process{{PID: self, Graphics: true}}, share: 1},
		"we do, for both":                    {processes: []nvmltest.Process{{PID: self}, {PID: self, Graphics: true}}, share: 1},
		"another does":                       {processes: []nvmltest.Process{{PID: other, SM: 90}}, share: 0},
		"two do, and use it as 60 to 20":     {processes: []nvmltest.Process{{PID: self, SM: 60}, {PID: other, SM: 20}}, share: 0.75},
		"two do, and only the other uses it": {processes: []nvmltest.Process{{PID: self}, {PID: other, SM: 20}}, share: 0},
		"two do, and nobody uses it":         {processes: []nvmltest.Process{{PID: self}, {PID: other}}, share: 0.5},
		"two do, and use is not told": {
			processes: []nvmltest.Process{{PID: self, SM: 60}, {PID: other, SM: 20}},
			fail:      map[string]int{"nvmlDeviceGetProcessUtilization": 3}, share: 0.5,
		},
		"two do, of a library that cannot tell use": {
			processes: []nvmltest.Process{{PID: self, SM: 60}, {PID: other, SM: 20}},
			without:   []string{"nvmlDeviceGetProcessUtilization"}, share: 0.5,
		},
		"an older library tells who holds it": {
			processes: []nvmltest.Process{{PID: self, SM: 60}, {PID: other, SM: 20}},
			without:   []string{"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3"}, share: 0.75,
		},
		"a client of the multi-process service": {
			processes: []nvmltest.Process{{PID: other}, {PID: self, MPS: true}}, share: 1,
		},
		"two clients of the multi-process service": {
			processes: []nvmltest.Process{{PID: other}, {PID: self, MPS: true, SM: 10}, {PID: other + 1, MPS: true, SM: 30}}, share: 0.25,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nvmltest.Fleet(2, nvmltest.H100, steady(100))
				s.GPUs[1].Processes, s.GPUs[1].Fail = test.processes, test.fail
				h := simulate(t, s, test.without...)
				assert.True(t, h.open(nvml.Config{})[1].Owned)
				assert.Zero(t, h.read()["gpu1"].OwnJ)
				h.pass(10 * time.Second)
				got := h.read()
				assert.Equal(t, 1000.0, got["gpu1"].Joules)
				assert.InDelta(t, 1000*test.share, got["gpu1"].OwnJ, 1e-9)
				assert.Zero(t, got["gpu0"].OwnJ, "nobody holds it")
			})
		})
	}
}

func TestShareIsOfTheTimeInWhichItWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		h := simulate(t, s)
		h.open(nvml.Config{})
		own := func(after time.Duration, processes ...nvmltest.Process) float64 {
			s.GPUs[0].Processes = processes
			h.pass(after)
			return h.read()["gpu0"].OwnJ
		}
		us, them := nvmltest.Process{PID: os.Getpid(), SM: 50}, nvmltest.Process{PID: other, SM: 50}
		assert.Equal(t, 0.0, own(10*time.Second))
		assert.Equal(t, 100.0, own(time.Second, us), "a GPU that comes to be held was idle before")
		assert.Equal(t, 1100.0, own(10*time.Second, us))
		assert.Equal(t, 1600.0, own(10*time.Second, us, them))
		assert.Equal(t, 1600.0, own(10*time.Second, them), "use is told over the time since the last reading")
		assert.Equal(t, 1600.0, own(10*time.Second))
	})
}

func TestProcessesAreTheGivenOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		s.GPUs[0].Processes = []nvmltest.Process{{PID: 501}, {PID: 502}, {PID: 503}, {PID: os.Getpid()}}
		h := simulate(t, s)
		pids := []int{501}
		h.open(nvml.Config{PIDs: func() []int { return pids }})
		h.pass(time.Second)
		assert.Equal(t, 25.0, h.read()["gpu0"].OwnJ)
		pids = []int{501, 502, 503}
		h.read()
		h.pass(time.Second)
		assert.Equal(t, 100.0, h.read()["gpu0"].OwnJ, "they may come and go")
	})
}

func TestLongListOfProcessesIsReadToItsEnd(t *testing.T) {
	for _, driver := range []string{"550.54.15", "535.54.03"} {
		t.Run(driver, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
				s.Driver = driver
				for i := range 199 {
					s.GPUs[0].Processes = append(s.GPUs[0].Processes, nvmltest.Process{PID: other + i, MemoryBytes: 1 << 33, SM: i % 2})
				}
				s.GPUs[0].Processes = append(s.GPUs[0].Processes, nvmltest.Process{PID: os.Getpid(), SM: 1})
				h := simulate(t, s)
				h.open(nvml.Config{})
				h.pass(100 * time.Second)
				assert.InDelta(t, 100, h.read()["gpu0"].OwnJ, 1e-9, "one of a hundred that use it")
			})
		})
	}
}

func TestFailureToTellTheProcessesLeavesTheShareAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		s.GPUs[0].Processes = []nvmltest.Process{{PID: os.Getpid()}}
		h := simulate(t, s)
		h.open(nvml.Config{})
		s.GPUs[0].Fail = map[string]int{"nvmlDeviceGetComputeRunningProcesses_v3": 999}
		h.pass(time.Second)
		assert.Equal(t, 100.0, h.read()["gpu0"].OwnJ)
	})
}

func TestGPUWhoseProcessesAreNotToldIsNotParted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.H100, steady(100))
		s.GPUs[0].Fail = map[string]int{"nvmlDeviceGetComputeRunningProcesses_v3": 3}
		h := simulate(t, s)
		d := h.open(nvml.Config{})[0]
		assert.False(t, d.Owned)
		assert.Contains(t, d.Why, "all of it counts as this one's")
	})
}

func TestPowerIsPartedAsEnergyIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nvmltest.Fleet(1, nvmltest.P100, steady(100))
		s.GPUs[0].Processes = []nvmltest.Process{{PID: os.Getpid(), SM: 30}, {PID: other, SM: 10}}
		h := simulate(t, s)
		assert.True(t, h.open(nvml.Config{})[0].Owned)
		h.pass(10 * time.Second)
		got := h.read()["gpu0"]
		assert.Equal(t, 1000.0, got.Joules)
		assert.InDelta(t, 750, got.OwnJ, 1e-9)
	})
}

// split is an A100 that MIG has split into 3, 2 and 1 of its 7 slices.
func split(processes ...nvmltest.Process) nvmltest.GPU {
	g := nvmltest.A100(0, steady(70))
	g.MIG, g.Processes = true, processes
	g.Instances = []nvmltest.Instance{
		{UUID: "MIG-aaaaaaaa-1111-2222-3333-444444444444", GI: 2, GISlices: 3, CISlices: 3, MemoryMB: 40192},
		{UUID: "MIG-bbbbbbbb-1111-2222-3333-444444444444", GI: 3, GISlices: 2, CISlices: 2, MemoryMB: 19968},
		{UUID: "MIG-cccccccc-1111-2222-3333-444444444444", GI: 9, GISlices: 1, CISlices: 1, MemoryMB: 9728},
	}
	return g
}

func TestInstanceOfMIGHasTheShareOfItsSlices(t *testing.T) {
	self := os.Getpid()
	for name, test := range map[string]struct {
		processes []nvmltest.Process
		share     float64
	}{
		"none is ours":                {nil, 0},
		"ours is on three slices":     {[]nvmltest.Process{{PID: self, Instance: 1}, {PID: other, Instance: 2}}, 3. / 7},
		"ours is on one slice":        {[]nvmltest.Process{{PID: self, Instance: 3}}, 1. / 7},
		"ours is on two instances":    {[]nvmltest.Process{{PID: self, Instance: 2}, {PID: self, Instance: 3}}, 3. / 7},
		"ours shares an instance":     {[]nvmltest.Process{{PID: self, Instance: 1}, {PID: other, Instance: 1}}, 1.5 / 7},
		"another's is on the largest": {[]nvmltest.Process{{PID: other, Instance: 1}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := simulate(t, &nvmltest.Script{GPUs: []nvmltest.GPU{split(test.processes...)}})
				domains := h.open(nvml.Config{})
				assert.Equal(t, []string{"gpu0 energy-counter, MIG by slices"}, decisions(domains))
				assert.True(t, domains[0].Owned)
				assert.Contains(t, domains[0].Why, "MIG has no counters of its own")
				assert.Equal(t, 0.5, domains[0].RelError, "it is a model")
				h.pass(100 * time.Second)
				got := h.read()["gpu0"]
				assert.Equal(t, 7000.0, got.Joules, "the GPU is counted, once")
				assert.InDelta(t, 7000*test.share, got.OwnJ, 1e-9)
			})
		})
	}
}

func TestInstanceOfMIGThatIsGivenHasItsShareWhereProcessesAreNotTold(t *testing.T) {
	for name, test := range map[string]struct {
		visible string
		without []string
		share   float64
	}{
		"one":                     {visible: "MIG-bbbbbbbb-1111-2222-3333-444444444444", share: 2. / 7},
		"two":                     {visible: "MIG-aaaaaaaa-1111-2222-3333-444444444444,MIG-cccccccc-1111-2222-3333-444444444444", share: 4. / 7},
		"by memory if not slices": {visible: "MIG-bbbbbbbb-1111-2222-3333-444444444444", without: []string{"nvmlDeviceGetAttributes_v2"}, share: 19968. * (1 << 20) / 85899345920},
		"the whole GPU":           {visible: "0", share: 6. / 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := split()
				g.Fail = map[string]int{"nvmlDeviceGetComputeRunningProcesses_v3": 4}
				h := simulate(t, &nvmltest.Script{GPUs: []nvmltest.GPU{g}}, test.without...)
				t.Setenv("CUDA_VISIBLE_DEVICES", test.visible)
				h.open(nvml.Config{})
				h.pass(100 * time.Second)
				assert.InDelta(t, 7000*test.share, h.read()["gpu0"].OwnJ, 1e-9)
			})
		})
	}
}

func TestSpansClaimAMIGDeviceByItsUUID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simulate(t, &nvmltest.Script{GPUs: []nvmltest.GPU{split()}})
		t.Setenv("CUDA_VISIBLE_DEVICES", "MIG-cccccccc-1111-2222-3333-444444444444")
		d := h.open(nvml.Config{})[0]
		assert.Contains(t, d.Aliases, "MIG-cccccccc-1111-2222-3333-444444444444")
		assert.Contains(t, d.Aliases, "cuda:0")
	})
}

func TestInstancesOfMIGAreFoundAgainAfterAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &nvmltest.Script{GPUs: []nvmltest.GPU{split(nvmltest.Process{PID: os.Getpid(), Instance: 3})}}
		h := simulate(t, s)
		h.open(nvml.Config{})
		s.Generation++
		h.pass(100 * time.Second)
		got := h.read()["gpu0"]
		assert.Equal(t, meter.OK, got.Condition)
		assert.InDelta(t, 1000, got.OwnJ, 1e-9)
	})
}
