// Package host tells what the machine is, from the files that its kernel
// shows below a root: facts that matter for energy and for reading a record,
// and nothing that tells one machine or its user from another.
package host

import (
	"bytes"
	"io/fs"
	"strings"
)

// Facts is what is known of the host. What its files do not tell is zero.
type Facts struct {
	OS          string // linux, or "" where there are no such files
	CPU         CPU
	MemoryBytes int64
	Disks       []Disk // built in; none are known of a virtual machine

	Virtualisation string // none, vm, container (in a VM or not); "" if unknown
	VM             bool   // a hypervisor is below, with or without a container
	Container      bool
	Limits         Limits

	Provider     string // of the cloud: aws, gcp, azure, ...
	InstanceType string // of the cloud, where the firmware tells
	Vendor       string // who made the machine, as the firmware says
	Product      string // which product it is
	Class        string // server, desktop, laptop, single-board; "" if unknown or virtual
}

// CPUClass is the class of processors in machines of the host's class.
func (f Facts) CPUClass() string {
	if f.Class == "single-board" {
		return "embedded"
	}
	return f.Class
}

// CPU is what is known of the processors. Cores and threads are those that are
// online, over all sockets.
type CPU struct {
	Vendor  string // Intel, AMD, Arm, ...
	Model   string // as the kernel says: AMD EPYC 7543 32-Core Processor
	Sockets int
	Cores   int
	Threads int
}

// Limits is what a container may use.
type Limits struct {
	CPUs        float64 // CPU seconds a second; 0 if there is no limit
	MemoryBytes int64   // 0 if there is no limit
}

// BootID is the random name of this start of the host, which all its containers
// share; "" if the kernel does not tell. It tells one machine from another: no
// record may hold it but as the key of a digest.
func BootID(root fs.FS) string {
	b, err := ReadFile(root, "proc/sys/kernel/random/boot_id", 64)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Read gathers the facts. It never fails: a file that is missing, unreadable
// or garbled leaves out what it would have told.
func Read(root fs.FS) Facts {
	var f Facts
	if os := text(root, "proc/sys/kernel/ostype"); os != "" {
		f.OS = strings.ToLower(os)
	} else if _, err := fs.Stat(root, "proc/cpuinfo"); err == nil {
		f.OS = "linux"
	}
	info := readCPUInfo(root)
	f.CPU = info.cpu(root)
	f.MemoryBytes = memory(root)
	f.readFirmware(root)
	f.readVirtualisation(root, info)
	f.Disks = disks(root, f.VM)
	f.Limits = limits(root, f.MemoryBytes)
	return f
}

// text is what a small file says on its first line, "" if it cannot be read.
func text(root fs.FS, name string) string {
	b, _ := ReadFile(root, name, 4096)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return strings.Join(strings.Fields(strings.Trim(string(line), "\x00")), " ")
}

// memory is MemTotal: what the kernel has, a little less than what is built in.
func memory(root fs.FS) int64 {
	b, _ := ReadFile(root, "proc/meminfo", 4096)
	for line := range bytes.Lines(b) {
		rest, ok := bytes.CutPrefix(line, []byte("MemTotal:"))
		if !ok {
			continue
		}
		kB, ok := ParseUint(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))
		if ok && kB < 1<<50 {
			return int64(kB) * 1024
		}
	}
	return 0
}
