package host

import (
	"bytes"
	"io/fs"
	"strconv"
	"strings"
)

// cpuInfo is what proc/cpuinfo says of the first CPU. The others are not read:
// the kernel writes the file as it is read, and on a machine of 256 threads
// the whole takes tens of milliseconds.
type cpuInfo map[string]string

func readCPUInfo(root fs.FS) cpuInfo {
	b, _ := ReadFile(root, "proc/cpuinfo", 16<<10)
	return parseCPUInfo(b)
}

// parseCPUInfo reads the first block that names a processor.
func parseCPUInfo(b []byte) cpuInfo {
	info := cpuInfo{}
	for line := range bytes.Lines(b) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			if _, cpu := info["processor"]; cpu {
				break
			}
			continue
		}
		k := strings.TrimSpace(string(key))
		if _, twice := info[k]; !twice {
			info[k] = strings.Join(strings.Fields(string(value)), " ")
		}
	}
	return info
}

// number is a member of cpuinfo as a number, 0 if it is none.
func (info cpuInfo) number(key string) int {
	n, err := strconv.Atoi(info[key])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (info cpuInfo) hasFlag(name string) bool {
	for flag := range strings.FieldsSeq(info["flags"]) {
		if flag == name {
			return true
		}
	}
	return false
}

// cpu puts together what cpuinfo and the topology of the first CPU tell. Where
// both count threads and cores of a socket, cpuinfo is right on CPUs with
// unlike cores.
func (info cpuInfo) cpu(root fs.FS) CPU {
	const system = "sys/devices/system/cpu/"
	c := CPU{Vendor: info.vendor(), Model: info.model()}
	c.Threads = CountList(text(root, system+"online"))
	if c.Threads == 0 {
		c.Threads = statCPUs(root)
	}
	if c.Threads == 0 {
		return c
	}
	count := func(names ...string) int {
		for _, name := range names {
			if n := CountList(text(root, system+"cpu0/topology/"+name)); n > 0 {
				return n
			}
		}
		return 0
	}
	perSocket := info.number("siblings")
	if perSocket == 0 {
		perSocket = count("package_cpus_list", "core_siblings_list")
	}
	if perSocket == 0 || perSocket > c.Threads {
		perSocket = c.Threads
	}
	c.Sockets = (c.Threads + perSocket - 1) / perSocket
	if cores := info.number("cpu cores"); cores > 0 {
		c.Cores = min(cores*c.Sockets, c.Threads)
	} else if perCore := count("core_cpus_list", "thread_siblings_list"); perCore > 0 {
		c.Cores = (c.Threads + perCore - 1) / perCore
	}
	return c
}

var vendors = map[string]string{
	"GenuineIntel": "Intel",
	"AuthenticAMD": "AMD",
	"HygonGenuine": "Hygon",
	"CentaurHauls": "Zhaoxin",
	"IBM/S390":     "IBM",
}

// armVendors and armModels are the codes of the MIDR register, as in the
// kernel's arch/arm64/include/asm/cputype.h.
var armVendors = map[string]string{
	"0x41": "Arm", "0x42": "Broadcom", "0x43": "Cavium", "0x46": "Fujitsu", "0x48": "HiSilicon",
	"0x4e": "NVIDIA", "0x50": "Ampere", "0x51": "Qualcomm", "0x61": "Apple", "0x6d": "Microsoft", "0xc0": "Ampere",
}

var armModels = map[string]string{
	"0x41 0xd03": "Cortex-A53", "0x41 0xd04": "Cortex-A35", "0x41 0xd05": "Cortex-A55", "0x41 0xd07": "Cortex-A57",
	"0x41 0xd08": "Cortex-A72", "0x41 0xd09": "Cortex-A73", "0x41 0xd0a": "Cortex-A75", "0x41 0xd0b": "Cortex-A76",
	"0x41 0xd0c": "Neoverse-N1", "0x41 0xd40": "Neoverse-V1", "0x41 0xd41": "Cortex-A78", "0x41 0xd42": "Cortex-A78AE",
	"0x41 0xd49": "Neoverse-N2", "0x41 0xd4f": "Neoverse-V2", "0x41 0xd8e": "Neoverse-N3", "0x41 0xd84": "Neoverse-V3",
	"0x43 0x0af": "ThunderX2", "0x46 0x001": "A64FX", "0x48 0xd01": "Kunpeng-920", "0x6d 0xd49": "Azure-Cobalt-100",
	"0xc0 0xac3": "AmpereOne", "0xc0 0xac4": "AmpereOne",
}

func (info cpuInfo) vendor() string {
	id := info["vendor_id"]
	if v, ok := vendors[id]; ok {
		return v
	}
	if id != "" {
		return id
	}
	return armVendors[strings.ToLower(info["CPU implementer"])]
}

// model is the model name. Arm kernels tell only numbers.
func (info cpuInfo) model() string {
	for _, key := range []string{"model name", "cpu model", "cpu"} {
		if m := info[key]; m != "" && m != "unknown" {
			return m
		}
	}
	return armModels[strings.ToLower(info["CPU implementer"]+" "+info["CPU part"])]
}

// CountList counts the members of a list of CPUs as the kernel writes it, such
// as 0-3,8-11. It is 0 if the list is garbled.
func CountList(list string) int {
	const most = 1 << 16 // CPUs
	total := 0
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		if err != nil || from < 0 {
			return 0
		}
		to := from
		if isRange {
			if to, err = strconv.Atoi(last); err != nil {
				return 0
			}
		}
		if to < from || to-from >= most || total >= most {
			return 0
		}
		total += to - from + 1
	}
	return total
}
