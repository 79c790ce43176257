package host_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/hosttest"
)

func TestFactsOfHosts(t *testing.T) {
	want := map[string]host.Facts{
		"laptop-intel": {
			CPU:         host.CPU{Vendor: "Intel", Model: "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", Sockets: 1, Cores: 4, Threads: 8},
			MemoryBytes: 16116000 * 1024, Virtualisation: "none", Vendor: "LENOVO", Product: "20XW", Class: "laptop",
		},
		"server-intel": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Sockets: 2, Cores: 40, Threads: 80},
			MemoryBytes: 395000000 * 1024, Virtualisation: "none", Vendor: "Dell Inc.", Product: "PowerEdge R740", Class: "server",
		},
		"server-amd": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD EPYC 7543 32-Core Processor", Sockets: 2, Cores: 64, Threads: 128},
			MemoryBytes: 528000000 * 1024, Virtualisation: "none", Vendor: "Supermicro", Product: "AS -2024US-TRT",
		},
		"server-multi-die": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Platinum 9242 CPU @ 2.30GHz", Sockets: 2, Cores: 96, Threads: 192},
			MemoryBytes: 790000000 * 1024, Virtualisation: "none", Vendor: "Intel Corporation", Product: "S9200WKL", Class: "server",
		},
		"server-intel-core": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", Sockets: 2, Cores: 16, Threads: 16},
			MemoryBytes: 131072000 * 1024, Virtualisation: "none", Vendor: "Dell Inc.", Product: "PowerEdge R720", Class: "server",
		},
		"server-intel-psys": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Platinum 8480+", Sockets: 2, Cores: 112, Threads: 112},
			MemoryBytes: 528000000 * 1024, Virtualisation: "none", Vendor: "Supermicro", Product: "SYS-221H-TNR", Class: "server",
		},
		"server-bad-zone": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Sockets: 2, Cores: 40, Threads: 80},
			MemoryBytes: 395000000 * 1024, Virtualisation: "none", Vendor: "Dell Inc.", Product: "PowerEdge R640", Class: "server",
		},
		"desktop-amd-dies": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD Ryzen Threadripper 1950X 16-Core Processor", Sockets: 1, Cores: 16, Threads: 32},
			MemoryBytes: 65766000 * 1024, Virtualisation: "none", Vendor: "Micro-Star International Co., Ltd.", Product: "MS-7B09", Class: "desktop",
		},
		"container-denied": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", Sockets: 1, Cores: 32, Threads: 64},
			MemoryBytes: 263000000 * 1024, Virtualisation: "container", Container: true,
		},
		"desktop-root-only": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD Ryzen 7 5800X 8-Core Processor", Sockets: 1, Cores: 8, Threads: 16},
			MemoryBytes: 32800000 * 1024, Virtualisation: "none", Class: "desktop",
		},
		"vm-aws": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", Sockets: 1, Cores: 2, Threads: 4},
			MemoryBytes: 15900000 * 1024, Virtualisation: "vm", VM: true,
			Provider: "aws", InstanceType: "m5.xlarge", Vendor: "Amazon EC2", Product: "m5.xlarge",
		},
		"vm-arm": {
			CPU:         host.CPU{Vendor: "Arm", Model: "Neoverse-V1", Sockets: 1, Cores: 2, Threads: 2},
			MemoryBytes: 7900000 * 1024, Virtualisation: "vm", VM: true,
			Provider: "aws", InstanceType: "m7g.large", Vendor: "Amazon EC2", Product: "m7g.large",
		},
		"container-masked": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Sockets: 2, Cores: 40, Threads: 80},
			MemoryBytes: 395000000 * 1024, Virtualisation: "container", Container: true,
		},
		"container-quota": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD EPYC 7B13", Sockets: 1, Cores: 4, Threads: 8},
			MemoryBytes: 32800000 * 1024, Virtualisation: "container", VM: true, Container: true,
			Limits:   host.Limits{CPUs: 1.5, MemoryBytes: 2 << 30},
			Provider: "gcp", Vendor: "Google", Product: "Google Compute Engine",
		},
		"container-v1": {
			CPU:         host.CPU{Vendor: "Intel", Model: "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", Sockets: 1, Cores: 8, Threads: 16},
			MemoryBytes: 65800000 * 1024, Virtualisation: "container", Container: true,
			Limits: host.Limits{CPUs: 4, MemoryBytes: 8 << 30},
		},
		"board-arm": {
			CPU:         host.CPU{Vendor: "Arm", Model: "Cortex-A72", Sockets: 1, Cores: 4, Threads: 4},
			MemoryBytes: 3884000 * 1024, Virtualisation: "none", Product: "Raspberry Pi 4 Model B Rev 1.4", Class: "single-board",
		},
		"board-jetson-agx": {
			CPU:         host.CPU{Vendor: "Arm", Model: "Cortex-A78AE", Sockets: 1, Threads: 4},
			MemoryBytes: 31300000 * 1024, Virtualisation: "none", Product: "NVIDIA Jetson AGX Orin Developer Kit", Class: "single-board",
		},
		"board-jetson-nx": {
			CPU:         host.CPU{Vendor: "Arm", Model: "Cortex-A78AE", Sockets: 1, Threads: 4},
			MemoryBytes: 15820000 * 1024, Virtualisation: "none", Product: "NVIDIA Jetson Orin NX Engineering Reference Developer Kit", Class: "single-board",
		},
		"board-jetson-tx2": {
			CPU:         host.CPU{Vendor: "Arm", Model: "Cortex-A57", Sockets: 1, Threads: 4},
			MemoryBytes: 7860000 * 1024, Virtualisation: "none", Product: "quill", Class: "single-board",
		},
		"desktop-amd-gpu": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD Ryzen 9 7950X 16-Core Processor", Sockets: 1, Cores: 4, Threads: 4},
			MemoryBytes: 32000000 * 1024, Virtualisation: "none", Class: "desktop",
		},
		"laptop-mac": {
			CPU:         host.CPU{Vendor: "Apple", Sockets: 1, Threads: 4},
			MemoryBytes: 15700000 * 1024, Virtualisation: "none", Product: "Apple MacBook Pro (14-inch, M1 Pro, 2021)", Class: "laptop",
		},
		"server-amd-energy": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD EPYC 7742 64-Core Processor", Sockets: 1, Cores: 4, Threads: 4},
			MemoryBytes: 32000000 * 1024, Virtualisation: "none", Class: "server",
		},
		"server-mi250": {
			CPU:         host.CPU{Vendor: "AMD", Model: "AMD EPYC 7A53 64-Core Processor", Sockets: 1, Cores: 4, Threads: 4},
			MemoryBytes: 527000000 * 1024, Virtualisation: "none", Class: "server",
		},
		"workstation-intel-gpu": {
			CPU:         host.CPU{Vendor: "Intel", Model: "13th Gen Intel(R) Core(TM) i9-13900K", Sockets: 1, Cores: 4, Threads: 4},
			MemoryBytes: 32000000 * 1024, Virtualisation: "none", Class: "desktop",
		},
	}
	for _, name := range hosttest.Names() {
		t.Run(name, func(t *testing.T) {
			facts, ok := want[name]
			if !assert.True(t, ok, "every host has facts that are expected") {
				return
			}
			facts.OS = "linux"
			assert.Equal(t, facts, host.Read(hosttest.Open(t, name)))
		})
	}
}

func TestNoFilesAreNoFacts(t *testing.T) {
	assert.Zero(t, host.Read(os.DirFS(t.TempDir())), "what is not known is not guessed")
}

func TestGarbledFilesAreNoFacts(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{
		"proc/cpuinfo", "proc/meminfo", "proc/stat", "proc/self/cgroup", "sys/devices/system/cpu/online",
		"sys/fs/cgroup/cpu.max", "sys/fs/cgroup/memory.max", "sys/class/dmi/id/chassis_type",
	} {
		tree[name] = &fstest.MapFile{Data: []byte("\x00\xff: 99999999999999999999999 kB\n-1--\n")}
	}
	facts := host.Read(tree)
	facts.OS, facts.Virtualisation = "", ""
	assert.Zero(t, facts, "what cannot be understood is not known")
}

// Serial numbers, host names and what owners write must never be read, let
// alone kept.
func TestNothingThatTellsMachinesApartIsRead(t *testing.T) {
	tree := watched{hosttest.Open(t, "server-intel"), map[string]bool{}}
	host.Read(tree)
	assert.NotEmpty(t, tree.opened)
	for name := range tree.opened {
		for _, private := range []string{"serial", "uuid", "hostname", "machine-id", "environ", "cmdline", "passwd", "boot_id", "address"} {
			assert.NotContains(t, name, private)
		}
	}
}

func TestClouds(t *testing.T) {
	tests := []struct {
		vendor, product, bios, tag string
		provider, instance         string
		vm                         bool
	}{
		{vendor: "Amazon EC2", product: "c7i.metal-24xl", provider: "aws", instance: "c7i.metal-24xl"},
		{vendor: "Amazon EC2", product: "t3.micro", provider: "aws", instance: "t3.micro", vm: true},
		{vendor: "Xen", product: "HVM domU", bios: "4.11.amazon", provider: "aws", vm: true},
		{vendor: "Microsoft Corporation", product: "Virtual Machine", tag: "7783-7084-3265-9085-8269-3286-77", provider: "azure", vm: true},
		{vendor: "Microsoft Corporation", product: "Virtual Machine", tag: "1234", vm: true}, // Hyper-V of one's own
		{vendor: "Microsoft Corporation", product: "Surface Laptop 4"},
		{vendor: "Google", product: "Google Compute Engine", provider: "gcp", vm: true},
		{vendor: "Google", product: "Pixelbook"},
		{vendor: "QEMU", product: "Standard PC (Q35 + ICH9, 2009)", tag: "OracleCloud.com", provider: "oracle", vm: true},
		{vendor: "Hetzner", product: "vServer", provider: "hetzner"},
		{vendor: "Scaleway", product: "SCW-DEV1-S", provider: "scaleway"},
		{vendor: "OpenStack Foundation", product: "OpenStack Nova", vm: true},
		{vendor: "VMware, Inc.", product: "VMware7,1", vm: true},
	}
	for _, test := range tests {
		t.Run(test.vendor+" "+test.product, func(t *testing.T) {
			f := host.Read(fstest.MapFS{
				"sys/class/dmi/id/sys_vendor":        {Data: []byte(test.vendor + "\n")},
				"sys/class/dmi/id/product_name":      {Data: []byte(test.product + "\n")},
				"sys/class/dmi/id/bios_version":      {Data: []byte(test.bios + "\n")},
				"sys/class/dmi/id/chassis_asset_tag": {Data: []byte(test.tag + "\n")},
			})
			assert.Equal(t, test.provider, f.Provider)
			assert.Equal(t, test.instance, f.InstanceType)
			assert.Equal(t, test.vm, f.VM, "virtual machine")
		})
	}
}

func TestHypervisors(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"the CPU's flag":           {"proc/cpuinfo": {Data: []byte("processor\t: 0\nflags\t\t: fpu hypervisor lahf_lm\n")}},
		"QEMU on Arm":              {"proc/device-tree/compatible": {Data: []byte("linux,dummy-virt\x00")}},
		"a device tree's own word": {"proc/device-tree/hypervisor/compatible": {Data: []byte("xen")}},
	} {
		assert.True(t, host.Read(tree).VM, name)
	}
	assert.False(t, host.Read(fstest.MapFS{"proc/cpuinfo": {Data: []byte("processor\t: 0\nflags\t\t: fpu hypervisors\n")}}).VM)
}

func TestContainersAreRecognised(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"Docker":           {".dockerenv": {}},
		"Podman":           {"run/.containerenv": {}},
		"Kubernetes":       {"proc/1/cgroup": {Data: []byte("11:cpu:/kubepods/besteffort/pod1/2\n")}},
		"LXC":              {"proc/1/cgroup": {Data: []byte("0::/lxc.payload.web\n")}},
		"root on overlay":  {"proc/1/mounts": {Data: []byte("proc /proc proc rw 0 0\noverlay / overlay rw 0 0\n")}},
		"group namespaces": {"proc/1/cgroup": {Data: []byte("0::/\n")}, "proc/self/mounts": {Data: []byte("overlay / overlay rw 0 0\n")}},
	} {
		assert.True(t, host.Read(tree).Container, name)
	}
	for name, tree := range map[string]fstest.MapFS{
		"a host that runs Docker": {
			"proc/1/cgroup": {Data: []byte("0::/init.scope\n")},
			"proc/1/mounts": {Data: []byte("/dev/sda1 / ext4 rw 0 0\noverlay /var/lib/docker/overlay2/1/merged overlay rw 0 0\n")},
		},
		"nothing known": {},
	} {
		assert.False(t, host.Read(tree).Container, name)
	}
}

func TestLimitsOfGroups(t *testing.T) {
	const memory = "MemTotal: 16777216 kB\n" // 16 GiB
	tests := map[string]struct {
		files map[string]string
		want  host.Limits
	}{
		"none": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory.max": "max\n"}, host.Limits{}},
		"the tightest of the group and those above it": {map[string]string{
			"proc/self/cgroup":                            "0::/pods.slice/a.scope\n",
			"sys/fs/cgroup/pods.slice/a.scope/cpu.max":    "800000 100000\n",
			"sys/fs/cgroup/pods.slice/a.scope/memory.max": "max\n",
			"sys/fs/cgroup/pods.slice/cpu.max":            "50000 100000\n",
			"sys/fs/cgroup/cpu.max":                       "1600000 100000\n",
			"sys/fs/cgroup/pods.slice/memory.max":         "1073741824\n",
		}, host.Limits{CPUs: 0.5, MemoryBytes: 1 << 30}},
		"version 1 without limits": {map[string]string{
			"proc/self/cgroup":                             "4:memory:/\n3:cpu,cpuacct:/\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":           "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":          "100000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1\n",
		}, host.Limits{}},
		"more than the host has is no limit": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "34359738368\n"}, host.Limits{}},
		"a path that leads out of the tree":  {map[string]string{"proc/self/cgroup": "0::/../../..\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"}, host.Limits{CPUs: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{"proc/meminfo": {Data: []byte(memory)}}
			for file, text := range test.files {
				tree[file] = &fstest.MapFile{Data: []byte(text)}
			}
			assert.Equal(t, test.want, host.Read(tree).Limits)
		})
	}
}

func TestCountList(t *testing.T) {
	for list, want := range map[string]int{
		"0": 1, "0-3": 4, "0-3,8-11": 8, "0,2,4\n": 3, "": 0, "3-1": 0, "a": 0, "0-": 0, "-1": 0, "0-99999999": 0, "1,,2": 0,
		strings.Repeat("0-65534,", 5) + "0": 0,
	} {
		assert.Equal(t, want, host.CountList(list), "%.40q", list)
	}
}

func FuzzFacts(f *testing.F) {
	f.Add("processor\t: 0\nmodel name\t: X\nsiblings\t: 2\ncpu cores\t: 1\n", "0-3", "0::/a/b", "100 200", "1024")
	f.Add("CPU implementer : 0x41\nCPU part : 0xd0c\n", "0,2", "4:memory:/x\n", "max", "max")
	f.Fuzz(func(t *testing.T, cpuinfo, online, cgroup, cpuMax, memoryMax string) {
		facts := host.Read(fstest.MapFS{
			"proc/cpuinfo":                  {Data: []byte(cpuinfo)},
			"proc/meminfo":                  {Data: []byte("MemTotal: " + memoryMax + " kB")},
			"proc/self/cgroup":              {Data: []byte(cgroup)},
			"sys/devices/system/cpu/online": {Data: []byte(online)},
			"sys/fs/cgroup/cpu.max":         {Data: []byte(cpuMax)},
			"sys/fs/cgroup/memory.max":      {Data: []byte(memoryMax)},
		})
		c := facts.CPU
		assert.GreaterOrEqual(t, c.Threads, c.Cores, "no more cores than threads")
		assert.GreaterOrEqual(t, c.Threads, c.Sockets, "no more sockets than threads")
		assert.False(t, c.Cores < 0 || c.Sockets < 0 || facts.MemoryBytes < 0, "nothing is negative: %+v", facts)
		assert.False(t, facts.Limits.CPUs < 0 || facts.Limits.MemoryBytes < 0, "no limit is negative: %+v", facts)
	})
}
