package tracer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// says is a file that always says the same.
func says(text string) func([]byte, time.Duration) []byte {
	return func(b []byte, _ time.Duration) []byte { return append(b, text...) }
}

// drive is a drive of a host, by the kernel's name.
func drive(name string, bytes int64, rotational string) map[string]func([]byte, time.Duration) []byte {
	dir := "sys/block/" + name + "/"
	return map[string]func([]byte, time.Duration) []byte{
		dir + "size": says(fmt.Sprintln(bytes / 512)), dir + "queue/rotational": says(rotational), dir + "removable": says("0"),
	}
}

func files(all ...map[string]func([]byte, time.Duration) []byte) map[string]func([]byte, time.Duration) []byte {
	sum := map[string]func([]byte, time.Duration) []byte{}
	for _, m := range all {
		for name, f := range m {
			sum[name] = f
		}
	}
	return sum
}

// chassis is the kind of case that a host says it is in (SMBIOS).
func chassis(number string) map[string]func([]byte, time.Duration) []byte {
	return map[string]func([]byte, time.Duration) []byte{"sys/class/dmi/id/chassis_type": says(number)}
}

var (
	inAServer  = chassis("23")
	inADesktop = chassis("3")
	inALaptop  = chassis("10")
	aFlash     = drive("nvme0n1", 3840755982336, "0")
	aDisk      = drive("sda", 4000787030016, "1")
)

// constant are counters that draw so many W.
func constant(w ...float64) (all []tracertest.Curve) {
	for _, v := range w {
		all = append(all, tracertest.Constant(v))
	}
	return all
}

// device is a domain of a device of its own.
func device(kind lifecycle.HardwareKind, id, model string, w float64) tracertest.Domain {
	return tracertest.Domain{Domain: meter.Domain{ID: id, Kind: kind, Model: model}, Power: tracertest.Constant(w)}
}

// cards are n devices of a model.
func cards(n int, model string) *tracertest.Meter {
	var all []tracertest.Domain
	for i := range n {
		all = append(all, device(lifecycle.KindGPU, fmt.Sprintf("gpu%d", i), model, 100))
	}
	return tracertest.NewMeter(all...)
}

// recordOn is the record of a run of 10 s on a host, of which spans train takes
// 8 s. Its meters may be nil.
func recordOn(t *testing.T, c tracertest.HostConfig, meters *tracertest.Meter, claims []string, opts ...tracer.Option) *lifecycle.Record {
	t.Helper()
	return recordOf(t, tracertest.NewHost(t.TempDir(), c), meters, claims, opts...)
}

func recordOf(t *testing.T, host *tracertest.Host, meters *tracertest.Meter, claims []string, opts ...tracer.Option) *lifecycle.Record {
	t.Helper()
	opts = append(append(host.Options(), tracer.Checkpoints(-1)), opts...)
	if meters != nil {
		opts = append(opts, tracer.Meters(meters))
	}
	ctx, run := begin(t, opts...)
	with(ctx, 8*time.Second, "train", tracer.OnDevices(claims...))
	time.Sleep(2 * time.Second)
	return finish(t, run)
}

// entry is a device of a record.
func entry(t *testing.T, rec *lifecycle.Record, id string) *lifecycle.Hardware {
	t.Helper()
	for i := range rec.Hardware {
		if rec.Hardware[i].ID == id {
			return &rec.Hardware[i]
		}
	}
	require.Fail(t, "no device", "%s", id)
	return nil
}

// production is what it took to make all devices of a record, gCO2e.
func production(t *testing.T, rec *lifecycle.Record) (all float64) {
	t.Helper()
	for _, h := range rec.Hardware {
		if h.Embodied != nil {
			all += float64(h.Count) * gridFactor(t, rec, h.Embodied.Production.GCO2e).Value
		}
	}
	return all
}

// lacking tells whether a record says that something is missing, and why.
func lacking(rec *lifecycle.Record, path, what string) (reason string, missing bool) {
	for _, m := range rec.Missing {
		if m.Path == path && strings.Contains(m.What, what) {
			return m.Reason, true
		}
	}
	return "", false
}

// made is what it takes to make a device of these parts, all told.
func made(t *testing.T, d factors.Device) float64 {
	t.Helper()
	d.Parts = slices.Clone(d.Parts)
	for i := range d.Parts {
		d.Parts[i].Within = true
	}
	e, err := factors.LookupDevice(d)
	require.NoError(t, err)
	return e.Production.GCO2e.Value
}

// Nothing is counted both in the machine and in its parts, whatever has a meter
// of its own. Trap 34.
func TestTheDevicesOfARecordComeToTheMachine(t *testing.T) {
	const xeon, a100 = "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "NVIDIA A100-SXM4-80GB"
	part := func(count int, kind, model string, bytes int64, class string) factors.Part {
		return factors.Part{Count: count, Device: factors.Device{Kind: kind, Model: model, Bytes: bytes, Class: class}}
	}
	cpus, memory := part(2, "cpu", xeon, 0, "server"), part(1, "memory", "", 191<<30, "server")
	flash, disk := part(1, "storage", "", 3840755982336, "ssd"), part(1, "storage", "", 4000787030016, "hdd")
	gpus := func(n int) factors.Part { return part(n, "gpu", a100, 0, "") }
	server := func(class string, parts ...factors.Part) factors.Device {
		return factors.Device{Kind: "node", Class: class, Parts: append([]factors.Part{cpus, memory}, parts...)}
	}
	twoSockets := func(more ...map[string]func([]byte, time.Duration) []byte) tracertest.HostConfig {
		return tracertest.HostConfig{Cores: 20, Memory: 191 << 30, Packages: constant(100, 80), Files: files(append(more, inAServer)...)}
	}
	withDRAM, withPsys, alone := twoSockets(), twoSockets(), twoSockets(aFlash, aDisk)
	withDRAM.DRAM = constant(9, 8)
	withPsys.Psys = tracertest.Constant(300)
	alone.Packages, alone.Cores = nil, 40
	alone.Zones = []tracertest.Zone{{ID: "intel-rapl:0", Name: "psys", Power: tracertest.Constant(300)}}
	one := server("server", flash, disk)
	one.Parts[0].Count = 1
	for name, c := range map[string]struct {
		host   tracertest.HostConfig
		meters *tracertest.Meter
		claims []string
		want   float64
	}{
		"processors with counters, memory and the rest modelled": {twoSockets(), nil, nil, made(t, server("server"))},
		"memory with counters":                             {withDRAM, nil, nil, made(t, server("server"))},
		"the board with a counter, memory contained in it": {withPsys, nil, nil, made(t, server("server"))},
		"the board alone with a counter":                   {alone, nil, nil, made(t, one)},
		"drives, which no meter tells apart":               {twoSockets(aFlash, aDisk), nil, nil, made(t, server("server", flash, disk))},
		"two GPUs, of which nobody claims any":             {twoSockets(), cards(2, a100), nil, made(t, server("server", gpus(2)))},
		"two GPUs, of which one is claimed":                {twoSockets(), cards(2, a100), []string{"gpu1"}, made(t, server("server", gpus(2)))},
		"a server for AI":                                  {twoSockets(), cards(4, a100), nil, made(t, server("ai-server", gpus(4)))},
		"a server for AI all of whose GPUs are claimed":    {twoSockets(), cards(4, a100), []string{"gpu0", "gpu1", "gpu2", "gpu3"}, made(t, server("ai-server", gpus(4)))},
		"a laptop, which is told as a whole": {
			tracertest.HostConfig{Model: "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", Files: inALaptop}, nil, nil, made(t, factors.Device{Class: "laptop"}),
		},
		"a laptop with a graphics card": {
			tracertest.HostConfig{Model: "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", Files: inALaptop}, cards(1, "NVIDIA GeForce RTX 3060"), nil,
			made(t, factors.Device{Class: "laptop", Parts: []factors.Part{part(1, "gpu", "NVIDIA GeForce RTX 3060", 0, "")}}),
		},
		"a desktop": {
			tracertest.HostConfig{Vendor: "AMD", Model: "AMD Ryzen 9 7950X 16-Core Processor", Cores: 16, Memory: 62 << 30, Files: inADesktop}, nil, nil,
			made(t, factors.Device{Class: "desktop", Parts: []factors.Part{part(1, "cpu", "AMD Ryzen 9 7950X", 0, "desktop"), part(1, "memory", "", 62<<30, "desktop")}}),
		},
		"a machine of which nothing is known": {tracertest.HostConfig{Model: "Weird 9000", Files: chassis("2")}, nil, nil, made(t, factors.Device{})},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.meters != nil { // made inside the bubble
					c.meters = cards(len(c.meters.Domains()), c.meters.Domains()[0].Model)
				}
				rec := recordOn(t, c.host, c.meters, c.claims, tracer.Scope(lifecycle.ScopeMachine))
				assert.InEpsilon(t, c.want, production(t, rec), 1e-9)
				for _, h := range rec.Hardware {
					if h.Embodied != nil {
						assert.InDelta(t, 10*float64(h.Count), of(row(rec, lifecycle.Production, h.ID).DeviceS), 1e-9, "%s is held all the time", h.ID)
					}
				}
				require.NotNil(t, rec.Totals.GCO2e)
			})
		})
	}
}

// The same for machines that nobody thought of.
func TestAnyMachineComesToItsParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	models := []string{"AMD EPYC 7543 32-Core Processor", "AMD EPYC", "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "AMD Ryzen 7 5800X 8-Core Processor", "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "Weird 9000"}
	for n := range race.Few(40) {
		synctest.Test(t, func(t *testing.T) {
			c := tracertest.HostConfig{Model: models[rng.IntN(len(models))], Cores: 1 + rng.IntN(8), Memory: int64(1+rng.IntN(64)) << 30, VM: rng.IntN(3) == 0}
			c.Files = chassis([]string{"1", "3", "10", "17", "23"}[rng.IntN(5)])
			for i := range rng.IntN(4) {
				c.Files = files(c.Files, drive(fmt.Sprintf("nvme%dn1", i), int64(1+rng.IntN(4))<<40, "0"))
			}
			for range 1 + rng.IntN(2) {
				c.Packages = append(c.Packages, tracertest.Constant(50))
				if rng.IntN(2) == 0 && !c.VM {
					c.DRAM = append(c.DRAM, tracertest.Constant(5))
				}
			}
			if rng.IntN(3) == 0 {
				c.Psys = tracertest.Constant(200)
			}
			var gpus *tracertest.Meter
			var claims []string
			if k := rng.IntN(6); k > 0 {
				gpus = cards(k, []string{"NVIDIA A100-SXM4-80GB", "Tesla T4", "AMD GPU (1002:744C)"}[rng.IntN(3)])
				if rng.IntN(2) == 0 {
					claims = []string{"gpu0"}
				}
			}
			rec := recordOn(t, c, gpus, claims, tracer.Scope(lifecycle.ScopeMachine))
			node := entry(t, rec, "node")
			require.NotNil(t, node.Embodied, "host %d: %+v", n, c)
			for _, h := range rec.Hardware {
				if h.Embodied == nil {
					assert.Contains(t, node.Embodied.Covers, h.ID, "host %d: it is in the node's figures, or has its own", n)
				} else {
					assert.NotContains(t, node.Embodied.Covers, h.ID, "host %d", n)
					assert.False(t, h.Kind != lifecycle.KindNode && strings.Contains(node.Embodied.Production.GCO2e, "-"+string(h.Kind)+"-"), "host %d: %s is in %s too", n, h.ID, node.Embodied.Production.GCO2e)
				}
			}
			require.NotNil(t, rec.Totals.GCO2e)
		})
	}
}

// A virtual machine answers for its CPUs' part of the processors and of what is
// around them, and for all of the memory that it rents. Trap 34.
func TestAVirtualMachineAnswersForItsPartOfTheMachineBelow(t *testing.T) {
	for name, c := range map[string]struct {
		model     string
		cpus      int
		count     int
		cpu, node float64
	}{
		"some threads of a processor":                        {"AMD EPYC 7543 32-Core Processor", 8, 1, 8. / 64, 8. / 128},
		"a processor":                                        {"AMD EPYC 7543 32-Core Processor", 64, 1, 1, 0.5},
		"both processors":                                    {"Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 96, 2, 1, 1},
		"parts of both":                                      {"Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 72, 2, 72. / 96, 72. / 96},
		"of a machine of eight":                              {"Intel(R) Xeon(R) Platinum 8176M CPU @ 2.10GHz", 448, 8, 1, 1},
		"of a processor whose vendor tells no threads":       {"Intel(R) Xeon(R) CPU E5-2609 v4 @ 1.70GHz", 4, 1, 4. / 8, 4. / 16},
		"of one that the hypervisor names by its generation": {"AMD EPYC-Rome Processor", 4, 1, 4. / 64, 4. / 128},
	} {
		for scope, by := range map[lifecycle.Scope]string{lifecycle.ScopeMachine: "cores", lifecycle.ScopeProcess: "cpu-time"} {
			t.Run(name+"/"+string(scope), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					host := tracertest.HostConfig{VM: true, Model: c.model, Cores: c.cpus, Memory: 30 << 30, Process: tracertest.Constant(1)}
					rec := recordOn(t, host, nil, nil, tracer.Scope(scope))
					used := 1.0
					if scope == lifecycle.ScopeProcess {
						used = 1 / float64(c.cpus)
					}
					cpu := entry(t, rec, "cpu")
					assert.Equal(t, c.count, cpu.Count)
					for id, want := range map[string]float64{"cpu": c.cpu, "node": c.node, "memory": 1} {
						u := row(rec, lifecycle.Training, id)
						assert.InDelta(t, want*used, of(u.Share), 1e-9, id)
						if of(u.Share) < 1 {
							assert.Equal(t, by, u.ShareBy, id)
						}
						assert.Equal(t, entry(t, rec, id).Count, of(u.Count), id)
					}
					assert.Contains(t, entry(t, rec, "memory").Embodied.Production.GCO2e, "memory.32GB", "as it is rented")
					assert.NotContains(t, entry(t, rec, "node").Embodied.Production.GCO2e, "memory")
				})
			})
		}
	}
}

// Where one meter tells the whole virtual machine its memory is in the figures of
// the machine below, of which it is a part: the memory of all who share it.
func TestTheMemoryOfAVirtualMachineThatIsToldAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := tracertest.NewMeter(domain("node0", tracertest.Constant(20)))
		rec := recordOn(t, tracertest.HostConfig{VM: true, Vendor: "AMD", Cores: 8, Memory: 32 << 30}, node, nil, tracer.Scope(lifecycle.ScopeMachine))
		require.Len(t, rec.Hardware, 1)
		assert.InDelta(t, 8./128, of(row(rec, lifecycle.Training, "node").Share), 1e-12)
		below := factors.Device{Kind: "node", Class: "server", Parts: []factors.Part{
			{Count: 2, Device: factors.Device{Kind: "cpu", Model: "AMD EPYC 7543", Class: "server"}},
			{Count: 1, Device: factors.Device{Kind: "memory", Bytes: 16 * 32 << 30, Class: "server"}},
		}}
		assert.InEpsilon(t, made(t, below), production(t, rec), 1e-9)
	})
}

// Who has the joules of a device answers for its making.
func TestTheMakingOfADeviceGoesTheWayOfItsJoules(t *testing.T) {
	gpu := func(own tracertest.Curve, w float64) func() *tracertest.Meter {
		return func() *tracertest.Meter {
			d := device(lifecycle.KindGPU, "gpu0", "NVIDIA H100 PCIe", w)
			d.Own = own
			return tracertest.NewMeter(d)
		}
	}
	for name, c := range map[string]struct {
		meter  func() *tracertest.Meter
		claims []string
		scope  lifecycle.Scope
		share  float64 // 0: the device is no hardware of the run
		by     string
		held   float64 // s
	}{
		"claimed, and the process's alone":                  {gpu(tracertest.Constant(100), 100), []string{"gpu0"}, "process", 1, "exclusive", 10},
		"not claimed, and the process's alone":              {gpu(tracertest.Constant(100), 100), nil, "process", 1, "exclusive", 10},
		"claimed, and others' too":                          {gpu(tracertest.Constant(30), 100), []string{"gpu0"}, "process", 0.3, "cpu-time", 3},
		"not claimed, and others' too":                      {gpu(tracertest.Constant(30), 100), nil, "process", 0.3, "cpu-time", 3},
		"another process's":                                 {gpu(tracertest.Constant(0), 100), nil, "process", 0, "", 0},
		"claimed, and nobody tells whose it is":             {gpu(nil, 100), []string{"gpu0"}, "process", 1, "exclusive", 10},
		"not claimed, and nobody tells whose it is":         {gpu(nil, 100), nil, "process", 1, "exclusive", 10},
		"asleep, and not claimed":                           {gpu(nil, 0), nil, "process", -1, "", 0},
		"claimed, and asleep":                               {gpu(nil, 0), []string{"gpu0"}, "process", 1, "exclusive", 10},
		"others', on a machine that is the run's":           {gpu(tracertest.Constant(0), 100), nil, "machine", 1, "exclusive", 10},
		"asleep on a machine that is the run's":             {gpu(nil, 0), nil, "machine", 1, "exclusive", 10},
		"of a container: what of it is the process's":       {gpu(tracertest.Constant(50), 100), nil, "cgroup", 0.5, "cpu-time", 5},
		"another process's on a machine that is the run's?": {gpu(tracertest.Constant(20), 100), []string{"gpu0"}, "machine", 1, "exclusive", 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := tracertest.HostConfig{Cores: 8, Files: inAServer, Cgroup: tracertest.Constant(1)}
				rec := recordOn(t, host, c.meter(), c.claims, tracer.Scope(c.scope))
				if c.share == 0 {
					for _, h := range rec.Hardware {
						assert.NotEqual(t, "gpu0", h.ID)
					}
					return
				}
				u, p := row(rec, lifecycle.Training, "gpu0"), row(rec, lifecycle.Production, "gpu0")
				require.NotNil(t, p, "it has figures of its own")
				assert.InDelta(t, c.held, of(p.DeviceS), 1e-6)
				if c.share < 0 {
					assert.Nil(t, u, "nobody holds it")
					return
				}
				assert.InDelta(t, c.share, of(u.Share), 1e-6)
				assert.Equal(t, c.by, u.ShareBy)
				l := line(t, rec, "gpu0")
				if l.TotalJ > 0 {
					assert.InDelta(t, c.share, (l.SpansJ+l.UnattributedJ)/l.TotalJ, 1e-6, "as of its joules")
				}
			})
		})
	}
}

// The ranks of a job that nobody tells apart have equal parts of a device, of
// its making too.
func TestRanksShareTheMakingOfADevice(t *testing.T) {
	for name, value := range map[string]string{"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "4"} {
		t.Setenv(name, value)
	}
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.HostConfig{Cores: 8, Files: inAServer}
		rec := recordOn(t, host, cards(1, "NVIDIA H100 PCIe"), nil)
		u := row(rec, lifecycle.Training, "gpu0")
		assert.InDelta(t, 0.25, of(u.Share), 1e-9)
		assert.Equal(t, "declared", u.ShareBy)
		assert.InDelta(t, 2.5, of(row(rec, lifecycle.Production, "gpu0").DeviceS), 1e-6)
		rec = recordOn(t, host, cards(1, "NVIDIA H100 PCIe"), []string{"gpu0"})
		assert.Equal(t, 1.0, of(row(rec, lifecycle.Training, "gpu0").Share), "who claims it has it")
	})
}

// What is made with the processor is in its figures, or in those of the machine.
func TestGraphicsInTheProcessorAreMadeWithIt(t *testing.T) {
	board := map[string]func([]byte, time.Duration) []byte{
		"sys/class/dmi/id/sys_vendor": says("\n"), "sys/class/dmi/id/product_name": says("\n"), "sys/class/dmi/id/chassis_type": says("\n"),
		"proc/device-tree/model": says("NVIDIA Jetson AGX Orin Developer Kit\x00"),
		"proc/cpuinfo":           says("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n"),
	}
	for name, c := range map[string]struct {
		files map[string]func([]byte, time.Duration) []byte
		model string
		whole bool
	}{
		"on a small board":                       {board, "", true},
		"of a laptop":                            {inALaptop, "Apple M2", true},
		"of a machine that is told by its parts": {inAServer, "Apple M2 Ultra", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := recordOn(t, tracertest.HostConfig{Files: c.files}, cards(1, c.model), nil)
				assert.Nil(t, entry(t, rec, "gpu0").Embodied)
				assert.Equal(t, c.whole, slices.Contains(entry(t, rec, "node").Embodied.Covers, "gpu0"))
				assert.NotNil(t, rec.Totals.GCO2e, "nothing of the machine is unknown")
			})
		})
	}
}

func TestWhatNobodyKnowsOfADeviceIsMissing(t *testing.T) {
	unknown := func(kind lifecycle.HardwareKind, id string) func() *tracertest.Meter {
		return func() *tracertest.Meter { return tracertest.NewMeter(device(kind, id, "X", 5)) }
	}
	for name, c := range map[string]struct {
		meter  func() *tracertest.Meter
		id     string
		reason string // "": it has figures, its own or the node's
	}{
		"an FPGA":          {unknown("fpga", "fpga0"), "fpga0", "unknown"},
		"an NPU":           {unknown("npu", "npu0"), "npu0", ""},
		"a network card":   {unknown("network", "nic0"), "nic0", "unknown"},
		"a drive":          {unknown("storage", "disk0"), "disk0", ""},
		"the board":        {unknown("board", "vrm0"), "vrm0", ""},
		"something else":   {unknown("other", "x0"), "x0", "unknown"},
		"a GPU of no name": {func() *tracertest.Meter { return cards(1, "") }, "gpu0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := recordOn(t, tracertest.HostConfig{Files: inAServer}, c.meter(), nil)
				i := slices.IndexFunc(rec.Hardware, func(h lifecycle.Hardware) bool { return h.ID == c.id })
				require.GreaterOrEqual(t, i, 0)
				reason, missing := lacking(rec, fmt.Sprintf("/hardware/%d/embodied", i), "")
				assert.Equal(t, c.reason, reason)
				own, in := rec.Hardware[i].Embodied != nil, slices.Contains(entry(t, rec, "node").Embodied.Covers, c.id)
				assert.Equal(t, !missing, own != in, "told once")
				assert.Equal(t, missing, rec.Totals.GCO2e == nil, "what is not known is not nothing")
			})
		})
	}
}

func TestAMachineWithoutAMeterOfItsOwnIsSaidToBeLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// As on systems without the files of Linux, where nothing is modelled.
		ctx, run := begin(t, tracer.Host(fstest.MapFS{}), tracer.Meters(cards(1, "NVIDIA H100 PCIe")), tracer.Scope(lifecycle.ScopeMachine), tracer.Checkpoints(-1))
		with(ctx, 10*time.Second, "train")
		rec := finish(t, run)
		require.Len(t, rec.Hardware, 1)
		assert.NotNil(t, rec.Hardware[0].Embodied)
		assert.Equal(t, lifecycle.BoundaryComponent, rec.Run.Boundary)
		reason, missing := lacking(rec, "/hardware", "production of the machine")
		assert.True(t, missing, "the board, the case and all else are in no figure")
		assert.Equal(t, "unknown", reason)
	})
}

// A socket that no meter tells apart is in the machine's figures.
func TestAProcessorWithoutAMeterIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Cores: 8, Packages: constant(50, 50), Psys: tracertest.Constant(150), Files: inAServer})
		host.Vanish("sys/class/powercap/intel-rapl:1")
		rec := recordOf(t, host, nil, nil, tracer.Scope(lifecycle.ScopeMachine))
		assert.Equal(t, 1, entry(t, rec, "cpu").Count)
		assert.Contains(t, entry(t, rec, "node").Embodied.Production.GCO2e, "1-cpu-xeon-gold-6248")
	})
}

// Some exporters tell both sockets in one figure. Trap 34.
func TestACounterOfBothProcessorsIsOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := tracertest.NewMeter(tracertest.Domain{Domain: meter.Domain{ID: "cpu0", Count: 2, Method: lifecycle.Metered}, Power: tracertest.Constant(100)})
		rec := recordOn(t, tracertest.HostConfig{Cores: 8, Packages: constant(50, 50), Files: inAServer}, both, nil, tracer.Scope(lifecycle.ScopeMachine))
		assert.Equal(t, 2, entry(t, rec, "cpu").Count)
		assert.Equal(t, 2, of(row(rec, lifecycle.Training, "cpu").Count))
		assert.InDelta(t, 20, of(row(rec, lifecycle.Production, "cpu").DeviceS), 1e-9)
	})
}

// The case tells what machine it is where the processor does not.
func TestTheCaseTellsTheClassOfAMachine(t *testing.T) {
	for name, c := range map[string]struct {
		model string
		files map[string]func([]byte, time.Duration) []byte
		want  string
	}{
		"a processor that nobody lists, in a laptop": {"Zhaoxin KaiXian KX-9999", inALaptop, "production.laptop"},
		"a server's processor on a desk":             {"Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", inADesktop, "production.node.desktop-chassis"},
		"a case of another kind":                     {"Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", chassis("2"), "production.node.server-chassis"},
		"neither tells":                              {"Weird 9000", chassis("2"), "production.unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := recordOn(t, tracertest.HostConfig{Model: c.model, Files: c.files}, nil, nil)
				assert.Equal(t, c.want, entry(t, rec, "node").Embodied.Production.GCO2e)
			})
		})
	}
}

// An operator who knows what the machine took to make says it in one figure.
func TestTheOperatorsOwnFigureOfTheMachineIsThatOfAllInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := tracer.Site{Country: "FR", Factors: []factors.Factor{
			own("production.ours", factors.Production, 1e6, "gCO2e"), own("lifetime.ours", factors.Lifetime, 2e8, "s"),
		}}
		rec := recordOn(t, tracertest.HostConfig{Files: inAServer}, nil, nil, tracer.At(site), tracer.Scope(lifecycle.ScopeMachine))
		node := entry(t, rec, "node").Embodied
		assert.Equal(t, []string{"cpu", "memory"}, node.Covers)
		assert.Equal(t, 1e6, production(t, rec))
		used := gridFactor(t, rec, node.Utilisation).Value
		assert.InEpsilon(t, 1e6*10/(2e8*used), row(rec, lifecycle.Production, "node").EmbodiedGCO2e.Value, 1e-9)
	})
}

// A machine may have many drives, and a record holds no text without end.
func TestARecordOfAMachineWithManyDrivesIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tracertest.HostConfig{Files: inAServer, Zones: []tracertest.Zone{{ID: "intel-rapl:0", Name: "psys", Power: tracertest.Constant(300)}}}
		for i := range 60 {
			c.Files = files(c.Files, drive(fmt.Sprintf("nvme%dn1", i), int64(1+i%30)<<38, "0"))
		}
		rec := recordOn(t, c, nil, nil)
		assert.Contains(t, entry(t, rec, "node").Embodied.Production.GCO2e, "-2-storage-", "of a kind, told once")
	})
}
