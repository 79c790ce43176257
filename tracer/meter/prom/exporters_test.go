package prom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

func domain(t *testing.T, m meter.Meter, id string) meter.Domain {
	t.Helper()
	for _, d := range m.Domains() {
		if d.ID == id {
			return d
		}
	}
	require.Fail(t, "no domain "+id)
	return meter.Domain{}
}

// trap 2, trap 3, trap 4: a wrap of the register is neither lost nor made up.
// trap 9: psys is no CPU. trap 42: how Kepler splits idle from active does not
// matter, as both are read.
func TestKepler(t *testing.T) {
	body := exposition(t, "kepler.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"psys refused", "cpu0", "dram0"}, plans(m), "containers, pods and processes are shares of the node's joules; psys is no part beside them")

	cpu := domain(t, m, "cpu0")
	assert.Equal(t, 2, cpu.Count, "Kepler adds up the sockets: the second must not be modelled beside them")
	assert.Equal(t, "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", cpu.Model)
	assert.Equal(t, lifecycle.Counter, cpu.Method)
	assert.Equal(t, [4]string{"prom", "kepler", "Kepler", "v0.11.2"}, [4]string{cpu.Sensor, cpu.Mode, cpu.Tool, cpu.Version})
	assert.InDelta(t, 0.05, cpu.RelError, 0)
	assert.InDelta(t, 1000000.75, cpu.RawJ, 1e-9, "active and idle")
	assert.Equal(t, 5*time.Second, cpu.Update)

	prompt(m)
	assert.Equal(t, map[string]float64{"cpu0": 0, "dram0": 0}, told(t, m), "joules count from the first reading")
	body = strings.NewReplacer(`zone="package"} 600000.5`, `zone="package"} 600100.25`, `zone="package"} 400000.25`, `zone="package"} 400050.25`,
		`zone="package"} 213570.1`, `zone="package"} 12.5`, `zone="dram"} 9000.75`, `zone="dram"} 9003`).Replace(body)
	e.say("%s", body)
	assert.InDeltaMapValues(t, map[string]float64{"cpu0": 149.75, "dram0": 2.25}, told(t, m), 1e-6,
		"the raw register has wrapped, what Kepler unwrapped has not")
}

// trap 1: an unknown range is no range of 0.
func TestKeplerWithoutTheUnwrappedJoulesIsReadByItsRegister(t *testing.T) {
	const line = `kepler_node_cpu_joules_total{zone="package",path="/sys/class/powercap/intel-rapl/intel-rapl:0",node_name="a"} %v` + "\n"
	idle := `kepler_node_cpu_idle_joules_total{zone="package",path="x",node_name="a"} 5` + "\n"
	m, e := opened(t, idle+strings.Replace(line, "%v", "262143", 1), Config{})
	d := domain(t, m, "cpu0")
	assert.Equal(t, "kepler_node_cpu_joules_total", d.Path, "half of a sum is none")
	assert.Zero(t, d.Count)
	prompt(m)
	told(t, m)
	e.say(idle+line, 262153)
	assert.InDelta(t, 10, told(t, m)["cpu0"], 1e-6)
	e.say(idle+line, 100)
	s := samples(t, m)["cpu0"]
	assert.Equal(t, meter.NoRange, s.Condition, "where it wraps is not told")
	assert.InDelta(t, 110, s.Joules, 1e-6, "what it shows was used since")
}

// trap 6, trap 20: a counter that stands at 0 is none.
func TestOldKepler(t *testing.T) {
	body := exposition(t, "kepler-old.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"node0 refused", "cpu0", "cpu0/core contained", "cpu1", "dram0 unreadable"}, plans(m), "a counter that stands at 0 is none")
	assert.Equal(t, "v0.7.11", domain(t, m, "cpu1").Version)
	assert.InDelta(t, 1500, domain(t, m, "cpu0").RawJ, 0, "dynamic and idle add up")
	prompt(m)
	told(t, m)
	e.say("%s", strings.NewReplacer(`package="0",source="intel_rapl"} 1000`, `package="0",source="intel_rapl"} 1004`, `package="1",source="intel_rapl"} 700`, `package="1",source="intel_rapl"} 707`).Replace(body))
	assert.Equal(t, map[string]float64{"cpu0": 4, "cpu1": 7}, told(t, m))
}

// trap 54: an estimate is not recorded as a counter.
func TestOldKeplerSaysWhereItHasItsFiguresFrom(t *testing.T) {
	body := exposition(t, "kepler-old.prom")
	m, _ := opened(t, strings.Replace(body, `components_power_source="rapl-sysfs"`, `components_power_source="estimator"`, 1), Config{})
	d := domain(t, m, "cpu0")
	assert.Equal(t, lifecycle.Modelled, d.Method, "an estimate is no counter")
	assert.InDelta(t, 1, d.RelError, 0)

	m, _ = opened(t, strings.Replace(body, `platform_power_source="none"`, `platform_power_source="acpi"`, 1), Config{})
	node := domain(t, m, "node0")
	assert.Empty(t, node.LeftOut)
	assert.Equal(t, lifecycle.Metered, node.Method)
}

// trap 19: eight GPUs are eight domains. trap 25, trap 28: of counter
// and power the counter.
func TestDCGM(t *testing.T) {
	body := exposition(t, "dcgm.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"gpu0", "gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6", "gpu7"}, plans(m), "eight GPUs are eight domains")
	d := domain(t, m, "gpu5")
	assert.Equal(t, "GPU-00000006-0000-4000-8000-000000000005", d.UUID)
	assert.Equal(t, []string{d.UUID, "cuda:5"}, d.Aliases)
	assert.Equal(t, "NVIDIA H100 80GB HBM3", d.Model)
	assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", d.Path, "the counter, not the power beside it")
	assert.InDelta(t, 135193274.123, d.RawJ, 1e-6)
	prompt(m)
	told(t, m)
	e.say("%s", strings.Replace(body, "} 135193274123\n", "} 135193289123\n", 1))
	assert.InDeltaMapValues(t, map[string]float64{"gpu5": 15}, told(t, m), 1e-6, "mJ; those that did not move are not told")
}

// trap 16: numbers may have two digits.
func TestMoreThanTenGPUs(t *testing.T) {
	body, want := "", []string{}
	for i := range 16 {
		body += fmt.Sprintf("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"%d\",UUID=\"GPU-%d\"} %d\n", i, i, 1000+i)
		want = append(want, fmt.Sprintf("gpu%d", i))
	}
	m, _ := opened(t, body, Config{})
	assert.Equal(t, want, plans(m))
	assert.InDelta(t, 1.012, domain(t, m, "gpu12").RawJ, 1e-9)
}

// trap 14: what tells one device twice is not added.
func TestGPUOfManyInstancesIsCountedOnce(t *testing.T) {
	body := exposition(t, "dcgm-mig.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"gpu0", "gpu1"}, plans(m))
	assert.InDelta(t, 135188279.787, domain(t, m, "gpu1").RawJ, 1e-6, "of several readings the last")
	prompt(m)
	told(t, m)
	e.say("%s", strings.ReplaceAll(body, "} 135188274123\n", "} 135188284787\n"))
	assert.InDeltaMapValues(t, map[string]float64{"gpu1": 5}, told(t, m), 1e-6)
}

// trap 20: no counter is not 0 J. trap 21: the power is that of some time past.
func TestGPUWithoutCounterIsReadByItsPower(t *testing.T) {
	body := exposition(t, "dcgm.prom")
	lines := strings.SplitAfter(body, "\n")
	body = strings.Join(lines[:10], "") + strings.Replace(lines[12], "135188274123", "0", 1)
	m, _ := opened(t, body, Config{})
	for _, d := range m.Domains() {
		assert.Equal(t, "DCGM_FI_DEV_POWER_USAGE", d.Path, d.ID)
		assert.Equal(t, d.Update, d.Average, "it is of some time in the past")
	}
	assert.Len(t, told(t, m), 8)
}

// trap 24: GPUs that the process does not see are not counted.
func TestGPUsOfOthersAreLeftOut(t *testing.T) {
	uuid := func(i string) string { return "GPU-0000000" + i + "-0000-4000-8000-00000000000" }
	for name, test := range map[string]struct {
		given []string
		env   []string
		want  string // numbers of those that are counted, in the order of cuda:N
		mixed bool   // they are of two models
		order bool   // what CUDA calls them is known
	}{
		"nothing says":                  {want: "01234567", order: true},
		"all":                           {env: []string{"NVIDIA_VISIBLE_DEVICES", "all"}, want: "01234567", order: true},
		"none":                          {env: []string{"NVIDIA_VISIBLE_DEVICES", "void"}},
		"by UUID":                       {env: []string{"NVIDIA_VISIBLE_DEVICES", uuid("3") + "2," + uuid("6") + "5"}, want: "25", order: true},
		"by number":                     {env: []string{"NVIDIA_VISIBLE_DEVICES", "7,0"}, want: "07", order: true},
		"CUDA's count what there is":    {env: []string{"NVIDIA_VISIBLE_DEVICES", "4,5,6", "CUDA_VISIBLE_DEVICES", "1"}, want: "5", order: true},
		"CUDA's end at what is none":    {env: []string{"CUDA_VISIBLE_DEVICES", "1,99,2"}, want: "1", order: true},
		"CUDA's end at one named twice": {env: []string{"CUDA_VISIBLE_DEVICES", "1,1,2"}, want: "1", order: true},
		"CUDA's by a part of the UUID":  {env: []string{"CUDA_VISIBLE_DEVICES", "GPU-00000008"}, want: "7", order: true},
		"CUDA's by a part of several":   {env: []string{"CUDA_VISIBLE_DEVICES", "GPU-0000000"}},
		"CUDA's none":                   {env: []string{"CUDA_VISIBLE_DEVICES", "-1"}},
		"CUDA's empty":                  {env: []string{"CUDA_VISIBLE_DEVICES", ""}},
		"numbers of an unknown order":   {env: []string{"CUDA_VISIBLE_DEVICES", "1"}, mixed: true, want: "01234567"},
		"numbers of a known order":      {env: []string{"CUDA_VISIBLE_DEVICES", "1", "CUDA_DEVICE_ORDER", "PCI_BUS_ID"}, mixed: true, want: "1", order: true},
		"an instance of a known device": {env: []string{"NVIDIA_VISIBLE_DEVICES", "MIG-" + uuid("1") + "0/1/0"}, want: "0", order: true},
		"an instance of we know not":    {env: []string{"NVIDIA_VISIBLE_DEVICES", "MIG-4c0a1b2d-0000-4000-8000-000000000000"}},
		"the user says":                 {given: []string{"3"}, env: []string{"CUDA_VISIBLE_DEVICES", "1"}, want: "3"},
		"the user says none":            {given: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			body := exposition(t, "dcgm.prom")
			if test.mixed {
				body = strings.ReplaceAll(body, `device="nvidia7",modelName="NVIDIA H100 80GB HBM3"`, `device="nvidia7",modelName="NVIDIA A100"`)
			}
			_, url := serve(t, body)
			m, err := open(t.Context(), Config{URL: url, Devices: test.given}, tcp, env(test.env...))
			require.NoError(t, err)
			counted := ""
			for _, d := range m.Domains() {
				if d.LeftOut == "" {
					counted += d.ID[3:]
					if test.order {
						assert.Equal(t, []string{d.UUID, "cuda:" + string(rune('0'+len(counted)-1))}, d.Aliases)
					} else {
						assert.Equal(t, []string{d.UUID}, d.Aliases)
					}
				} else {
					assert.Equal(t, "refused", d.LeftOut)
					assert.NotContains(t, d.Why, "GPU-", "no UUID in what is recorded")
				}
			}
			assert.Equal(t, test.want, counted)
			require.NoError(t, m.Close())
		})
	}
}

// trap 11: memory of two sockets is two. trap 12: it is no part of them.
// trap 14: the host contains the sockets, these their cores.
func TestScaphandre(t *testing.T) {
	body := exposition(t, "scaphandre.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"host refused", "psys refused", "cpu0", "cpu0/core contained", "cpu1", "dram0", "dram1"}, plans(m),
		"host ⊃ sockets ⊃ cores; memory is beside them")
	assert.Equal(t, "1.0", domain(t, m, "cpu0").Version)
	assert.InDelta(t, 43038.699818, domain(t, m, "cpu0").RawJ, 1e-9)
	told(t, m)
	e.say("%s", strings.NewReplacer("43038699818", "43040199818", "49920589217", "49920839217").Replace(body))
	assert.InDeltaMapValues(t, map[string]float64{"cpu0": 1.5, "dram1": 0.25}, told(t, m), 1e-9)
	e.say("%s", strings.NewReplacer("43038699818", "5000000", "49920589217", "NaN").Replace(body))
	got := samples(t, m)
	assert.Equal(t, meter.NoRange, got["cpu0"].Condition)
	assert.Equal(t, meter.Unreadable, got["dram1"].Condition, "NaN is no reading")
	assert.InDelta(t, 0.25, got["dram1"].Joules, 1e-9)
}

// trap 10: package-P-die-D is understood. trap 13: a package is known by its
// own number.
func TestZonesOfDies(t *testing.T) {
	m, _ := opened(t, `kepler_node_cpu_joules_total{zone="package-1-die-0",path="p"} 7
kepler_node_cpu_joules_total{zone="package-1-die-1",path="q"} 8
kepler_node_cpu_joules_total{zone="ppt",path="/sys/class/hwmon/hwmon3"} 9
`, Config{})
	assert.Equal(t, []string{"zone/ppt refused", "cpu1/die0", "cpu1/die1"}, plans(m))
	assert.Equal(t, 1, domain(t, m, "cpu1/die1").Device)
}

func TestCoresWithoutTheirPackageAreNotCounted(t *testing.T) {
	m, err := open(t.Context(), Config{URL: urlOf(t, "scaph_domain_energy_microjoules{domain_name=\"core\",socket_id=\"3\"} 5\n")}, tcp, noEnv)
	require.NoError(t, err)
	assert.Equal(t, []string{"cpu3/core refused"}, plans(m))
	_, err = m.Read(nil)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

func urlOf(t *testing.T, body string) string {
	_, url := serve(t, body)
	return url
}

// trap 29: Wh and mJ are not J.
func TestFamiliesOfTheUser(t *testing.T) {
	const body = `pdu_outlet_wh_total{outlet="7"} 100
pdu_outlet_wh_total{outlet="8"} 900
ipmi_dcmi_watts 250
acc_energy{slot="0",uuid="GPU-a"} 5
acc_energy{slot="1",uuid="GPU-b"} 6
`
	c := Config{Families: []Family{
		{Name: "pdu_outlet_wh_total", Kind: lifecycle.KindNode, Unit: "Wh", Match: map[string]string{"outlet": "7"}, Method: lifecycle.Metered, RelError: 0.01},
		{Name: "acc_energy", Kind: lifecycle.KindGPU, Unit: "mJ", Label: "slot", MaxW: 1e4},
	}}
	m, e := opened(t, body, c)
	assert.Equal(t, []string{"node0", "gpu0", "gpu1"}, plans(m))
	node := domain(t, m, "node0")
	assert.Equal(t, lifecycle.Metered, node.Method)
	assert.InDelta(t, 0.01, node.RelError, 0)
	assert.Equal(t, "prometheus", node.Mode)
	assert.Equal(t, "GPU-b", domain(t, m, "gpu1").UUID)
	told(t, m)
	e.say("%s", strings.NewReplacer("} 100", "} 100.5", "} 6", "} 1006").Replace(body))
	assert.InDeltaMapValues(t, map[string]float64{"node0": 1800, "gpu1": 1}, told(t, m), 1e-6, "Wh and mJ")

	why := refused(t, body, Config{Families: []Family{{Name: "pdu_outlet_wh_total", Kind: lifecycle.KindNode, Unit: "Wh"}}})
	assert.Contains(t, why.Why, "several series of pdu_outlet_wh_total are of one device")
}

func TestFamilyOfTheUserComesBeforeOurs(t *testing.T) {
	m, _ := opened(t, exposition(t, "kepler-old.prom"), Config{Families: []Family{
		{Name: "kepler_node_platform_joules_total", Kind: lifecycle.KindNode, Unit: "J", Match: map[string]string{"mode": "idle"}},
	}})
	assert.Empty(t, domain(t, m, "node0").LeftOut)
	assert.InDelta(t, 9000, domain(t, m, "node0").RawJ, 0)
}

// trap 38: a run is never given the energy of another machine.
func TestSeveralNodesAreRefused(t *testing.T) {
	body := exposition(t, "dcgm.prom")
	other := strings.NewReplacer("worker-1", "worker-2", "GPU-", "GPU-f").Replace(body)
	both := body + other
	m := refused(t, both, Config{})
	assert.Contains(t, m.Why, "several nodes")
	assert.Contains(t, m.Fix, "Node")
	assert.NotContains(t, m.Error(), "worker", "no host name in an error that is recorded")

	mine, _ := opened(t, both, Config{Node: "worker-2"})
	assert.Len(t, mine.Domains(), 8)
	assert.Contains(t, mine.Domains()[0].UUID, "GPU-f")
	assert.Len(t, told(t, mine), 8)

	gathered, _ := opened(t, strings.ReplaceAll(body, "Hostname=", `instance="10.0.0.7:9400",Hostname=`)+
		strings.ReplaceAll(exposition(t, "kepler.prom"), "node_name=", `instance="10.0.0.7:28282",node_name=`), Config{Node: "worker-1"})
	assert.Len(t, told(t, gathered), 10, "two exporters of one node, gathered")

	m = refused(t, both, Config{Node: "worker-3"})
	assert.Contains(t, m.Why, "other nodes")

	m = refused(t, strings.ReplaceAll(body, `,Hostname="worker-1"`, "")+strings.ReplaceAll(other, `,Hostname="worker-2"`, ""), Config{})
	assert.Contains(t, m.Why, "several nodes", "also if it shows by the UUIDs alone")
}

// trap 38: a run is never given the energy of another machine.
func TestServiceOfAllAgentsIsNotFollowedToAnotherNode(t *testing.T) {
	for name, change := range map[string]*strings.Replacer{
		"kepler.prom":     strings.NewReplacer("worker-1", "worker-2"),
		"kepler-old.prom": strings.NewReplacer("worker-1", "worker-2"),
		"dcgm.prom":       strings.NewReplacer("worker-1", "worker-2"),
		"dcgm-mig.prom":   strings.NewReplacer("GPU-", "GPU-f"),
	} {
		body := exposition(t, name)
		m, e := opened(t, body, Config{})
		told(t, m)
		e.say("%s", change.Replace(body))
		for id, s := range samples(t, m) {
			assert.Equal(t, meter.Unreadable, s.Condition, "%s: %s", name, id)
		}
		e.say("%s", body)
		for id, s := range samples(t, m) {
			assert.Equal(t, meter.OK, s.Condition, "%s: %s", name, id)
		}
	}
}

func TestOldKeplerWithoutIdleJoulesIsNotCounted(t *testing.T) {
	m, _ := opened(t, "kepler_node_package_joules_total{instance=\"a\",mode=\"dynamic\",package=\"0\"} 5\n", Config{})
	assert.Equal(t, []string{"cpu0 unreadable"}, plans(m), "what it tells is not what the package used")
}

func TestOldKeplerThatNumbersNothing(t *testing.T) {
	const line = "kepler_node_package_joules_total{instance=\"a\",mode=\"%s\",package=\"%s\"} 5\n"
	body := ""
	for _, of := range []string{"x", "y"} {
		body += fmt.Sprintf(line, "idle", of) + fmt.Sprintf(line, "dynamic", of)
	}
	m, _ := opened(t, body, Config{})
	d := domain(t, m, "cpu0")
	assert.InDelta(t, 20, d.RawJ, 0, "they add up")
	assert.Equal(t, 2, d.Count, "and no socket is modelled beside them")
}

func TestFamilyOfTheUserWithoutSeriesIsSaid(t *testing.T) {
	c := Config{Families: []Family{
		{Name: "scaph_socket_energy_microjoules", Kind: lifecycle.KindCPU, Unit: "uJ", Label: "socket_id"},
		{Name: "strip", Kind: lifecycle.KindNode, Unit: "J", Match: map[string]string{"outlet": "7"}},
	}}
	m, _ := opened(t, one+"strip{outlet=\"8\"} 5\n", c)
	assert.Equal(t, []string{"cpu0", "family/strip/0 unreadable"}, plans(m))
	c.Families = c.Families[1:]
	assert.Contains(t, refused(t, "strip{outlet=\"8\"} 5\n", c).Fix, "Families")
}

func TestLabelThatNumbersDevicesNamesNoNode(t *testing.T) {
	m, _ := opened(t, "numa_joules{node=\"0\"} 1\nnuma_joules{node=\"1\"} 2\n", Config{Families: []Family{
		{Name: "numa_joules", Kind: lifecycle.KindMemory, Unit: "J", Label: "node"},
	}})
	assert.Equal(t, []string{"dram0", "dram1"}, plans(m))
	assert.Len(t, told(t, m), 2)
}
