package prom

import (
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

func TestKepler(t *testing.T) {
	body := exposition(t, "kepler.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"psys refused", "cpu0", "dram0"}, plans(m), "containers, pods and processes are shares of the node's joules; psys is no part beside them (trap 9)")

	cpu := domain(t, m, "cpu0")
	assert.Equal(t, 2, cpu.Count, "Kepler adds up the sockets: the second must not be modelled beside them")
	assert.Equal(t, "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", cpu.Model)
	assert.Equal(t, lifecycle.Counter, cpu.Method)
	assert.Equal(t, [4]string{"prom", "kepler", "Kepler", "v0.11.2"}, [4]string{cpu.Sensor, cpu.Mode, cpu.Tool, cpu.Version})
	assert.InDelta(t, 0.05, cpu.RelError, 0)
	assert.InDelta(t, 1000000.75, cpu.RawJ, 1e-9, "active and idle")
	assert.Equal(t, 5*time.Second, cpu.Update)

	assert.Equal(t, map[string]float64{"cpu0": 0, "dram0": 0}, told(t, m), "joules count from the first reading")
	body = strings.NewReplacer(`zone="package"} 600000.5`, `zone="package"} 600100.25`, `zone="package"} 400000.25`, `zone="package"} 400050.25`,
		`zone="package"} 213570.1`, `zone="package"} 12.5`, `zone="dram"} 9000.75`, `zone="dram"} 9003`).Replace(body)
	e.say("%s", body)
	assert.InDeltaMapValues(t, map[string]float64{"cpu0": 149.75, "dram0": 2.25}, told(t, m), 1e-6,
		"the raw register has wrapped, what Kepler unwrapped has not (traps 2, 3, 4: nothing is lost or made up)")
}

func TestKeplerWithoutTheUnwrappedJoulesIsReadByItsRegister(t *testing.T) {
	const line = `kepler_node_cpu_joules_total{zone="package",path="/sys/class/powercap/intel-rapl/intel-rapl:0",node_name="a"} %v` + "\n"
	idle := `kepler_node_cpu_idle_joules_total{zone="package",path="x",node_name="a"} 5` + "\n"
	m, e := opened(t, idle+strings.Replace(line, "%v", "262143", 1), Config{})
	d := domain(t, m, "cpu0")
	assert.Equal(t, "kepler_node_cpu_joules_total", d.Path, "half of a sum is none")
	assert.Zero(t, d.Count)
	told(t, m)
	e.say(idle+line, 262153)
	assert.InDelta(t, 10, told(t, m)["cpu0"], 1e-6)
	e.say(idle+line, 100)
	s := samples(t, m)["cpu0"]
	assert.Equal(t, meter.NoRange, s.Condition, "where it wraps is not told (trap 1: no range is not a range of 0)")
	assert.InDelta(t, 110, s.Joules, 1e-6, "what it shows was used since")
}

func TestOldKepler(t *testing.T) {
	body := exposition(t, "kepler-old.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"node0 refused", "cpu0", "cpu0/core contained", "cpu1", "dram0 unreadable"}, plans(m), "trap 6, trap 20: a counter that stands at 0 is none")
	assert.Equal(t, "v0.7.11", domain(t, m, "cpu1").Version)
	assert.InDelta(t, 1500, domain(t, m, "cpu0").RawJ, 0, "dynamic and idle add up")
	told(t, m)
	e.say("%s", strings.NewReplacer(`package="0",source="os"} 1000`, `package="0",source="os"} 1004`, `package="1",source="os"} 700`, `package="1",source="os"} 707`).Replace(body))
	assert.Equal(t, map[string]float64{"cpu0": 4, "cpu1": 7}, told(t, m))
}

func TestOldKeplerSaysWhereItHasItsFiguresFrom(t *testing.T) {
	body := exposition(t, "kepler-old.prom")
	m, _ := opened(t, strings.Replace(body, `components_power_source="rapl-sysfs"`, `components_power_source="estimator"`, 1), Config{})
	d := domain(t, m, "cpu0")
	assert.Equal(t, lifecycle.Modelled, d.Method, "trap 54: an estimate is not recorded as a counter")
	assert.InDelta(t, 1, d.RelError, 0)

	m, _ = opened(t, strings.Replace(body, `platform_power_source="none"`, `platform_power_source="acpi"`, 1), Config{})
	node := domain(t, m, "node0")
	assert.Empty(t, node.LeftOut)
	assert.Equal(t, lifecycle.Metered, node.Method)
}

func TestDCGM(t *testing.T) {
	body := exposition(t, "dcgm.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"gpu0", "gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6", "gpu7"}, plans(m), "trap 19: eight GPUs are eight domains")
	d := domain(t, m, "gpu5")
	assert.Equal(t, "GPU-00000006-0000-4000-8000-000000000005", d.UUID)
	assert.Equal(t, []string{"cuda:5", d.UUID}, d.Aliases)
	assert.Equal(t, "NVIDIA H100 80GB HBM3", d.Model)
	assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", d.Path, "trap 25, trap 28: the counter, not the power beside it")
	assert.InDelta(t, 135193274.123, d.RawJ, 1e-6)
	told(t, m)
	e.say("%s", strings.Replace(body, "} 135193274123\n", "} 135193289123\n", 1))
	assert.InDeltaMapValues(t, map[string]float64{"gpu5": 15}, told(t, m), 1e-6, "mJ; those that did not move are not told")
}

func TestGPUOfManyInstancesIsCountedOnce(t *testing.T) { // trap 14
	body := exposition(t, "dcgm-mig.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"gpu0", "gpu1"}, plans(m))
	assert.InDelta(t, 135188279.787, domain(t, m, "gpu1").RawJ, 1e-6, "of several readings the last")
	told(t, m)
	e.say("%s", strings.ReplaceAll(body, "} 135188274123\n", "} 135188284787\n"))
	assert.InDeltaMapValues(t, map[string]float64{"gpu1": 5}, told(t, m), 1e-6)
}

func TestGPUWithoutCounterIsReadByItsPower(t *testing.T) { // trap 20
	body := exposition(t, "dcgm.prom")
	lines := strings.SplitAfter(body, "\n")
	body = strings.Join(lines[:10], "") + strings.Replace(lines[12], "135188274123", "0", 1)
	m, _ := opened(t, body, Config{})
	for _, d := range m.Domains() {
		assert.Equal(t, "DCGM_FI_DEV_POWER_USAGE", d.Path, d.ID)
		assert.Equal(t, d.Update, d.Average, "it is of some time in the past (trap 21)")
	}
	assert.Len(t, told(t, m), 8)
}

func TestGPUsOfOthersAreLeftOut(t *testing.T) { // trap 24
	uuid := func(i string) string { return "GPU-0000000" + i + "-0000-4000-8000-00000000000" }
	for name, test := range map[string]struct {
		given []string
		env   []string
		want  string // numbers of those that are counted, in the order of cuda:N
	}{
		"nothing says":                  {want: "01234567"},
		"all":                           {env: []string{"NVIDIA_VISIBLE_DEVICES", "all"}, want: "01234567"},
		"none":                          {env: []string{"NVIDIA_VISIBLE_DEVICES", "void"}},
		"by UUID":                       {env: []string{"NVIDIA_VISIBLE_DEVICES", uuid("3") + "2," + uuid("6") + "5"}, want: "25"},
		"by number":                     {env: []string{"NVIDIA_VISIBLE_DEVICES", "7,0"}, want: "07"},
		"CUDA's count what there is":    {env: []string{"NVIDIA_VISIBLE_DEVICES", "4,5,6", "CUDA_VISIBLE_DEVICES", "1"}, want: "5"},
		"CUDA's end at what is none":    {env: []string{"CUDA_VISIBLE_DEVICES", "1,99,2"}, want: "1"},
		"CUDA's by a part of the UUID":  {env: []string{"CUDA_VISIBLE_DEVICES", "GPU-00000008"}, want: "7"},
		"CUDA's none":                   {env: []string{"CUDA_VISIBLE_DEVICES", "-1"}},
		"an instance of a known device": {env: []string{"NVIDIA_VISIBLE_DEVICES", "MIG-" + uuid("1") + "0/1/0"}, want: "0"},
		"an instance of we know not":    {env: []string{"NVIDIA_VISIBLE_DEVICES", "MIG-4c0a1b2d-0000-4000-8000-000000000000"}},
		"the user says":                 {given: []string{"3"}, env: []string{"CUDA_VISIBLE_DEVICES", "1"}, want: "3"},
		"the user says none":            {given: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := serve(t, exposition(t, "dcgm.prom"))
			m, err := open(t.Context(), Config{URL: url, Devices: test.given}, tcp, env(test.env...))
			require.NoError(t, err)
			counted := ""
			for _, d := range m.Domains() {
				if d.LeftOut == "" {
					counted += d.ID[3:]
					assert.Equal(t, "cuda:"+string(rune('0'+len(counted)-1)), d.Aliases[0])
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

func TestScaphandre(t *testing.T) {
	body := exposition(t, "scaphandre.prom")
	m, e := opened(t, body, Config{})
	assert.Equal(t, []string{"host refused", "psys refused", "cpu0", "cpu0/core contained", "cpu1", "dram0", "dram1"}, plans(m),
		"host contains sockets, sockets contain cores (trap 14); memory of two sockets is two (trap 11) and beside them (trap 12)")
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

func TestZonesOfDies(t *testing.T) { // trap 10
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
	assert.InDeltaMapValues(t, map[string]float64{"node0": 1800, "gpu1": 1}, told(t, m), 1e-6, "trap 29: Wh and mJ")

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

func TestSeveralNodesAreRefused(t *testing.T) { // trap 38: never another machine's energy
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

	m = refused(t, both, Config{Node: "worker-3"})
	assert.Contains(t, m.Why, "other nodes")

	m = refused(t, strings.ReplaceAll(body, `,Hostname="worker-1"`, "")+strings.ReplaceAll(other, `,Hostname="worker-2"`, ""), Config{})
	assert.Contains(t, m.Why, "several nodes", "also if it shows by the UUIDs alone")
}
