package host

import (
	"io/fs"
	"strings"
)

// readVirtualisation tells whether a hypervisor or a container runtime stands
// between the program and the hardware.
func (f *Facts) readVirtualisation(root fs.FS, info cpuInfo) {
	f.VM = info.hasFlag("hypervisor") || hypervisor(root, f.Vendor, f.Product)
	f.Container = container(root)
	if f.VM {
		f.Class = ""
	}
	switch {
	case f.Container:
		f.Virtualisation = "container"
	case f.VM:
		f.Virtualisation = "vm"
	case f.OS != "":
		f.Virtualisation = "none"
	}
}

// hypervisor looks for one where no CPU flag tells: on Arm, and where the
// hypervisor hides the flag.
func hypervisor(root fs.FS, vendor, product string) bool {
	for _, name := range []string{"QEMU", "KVM", "Xen", "VMware", "innotek", "Parallels", "Bochs", "OpenStack", "Firecracker", "Apple Virtualization"} {
		if strings.Contains(vendor, name) || strings.Contains(product, name) {
			return true
		}
	}
	switch {
	case product == "Virtual Machine", product == "Google Compute Engine":
		return true
	case vendor == "Amazon EC2":
		return !strings.Contains(product, ".metal")
	case strings.Contains(text(root, "proc/device-tree/compatible"), "linux,dummy-virt"):
		return true
	}
	_, err := fs.Stat(root, "proc/device-tree/hypervisor")
	return err == nil
}

// container looks for what the common runtimes leave: their marker files, the
// names of their control groups, a root on an overlay.
func container(root fs.FS) bool {
	for _, name := range []string{".dockerenv", "run/.containerenv", "run/systemd/container"} {
		if _, err := fs.Stat(root, name); err == nil {
			return true
		}
	}
	groups, _ := ReadFile(root, "proc/1/cgroup", 16<<10)
	for _, name := range []string{"/docker", "/kubepods", "/containerd", "/libpod", "/lxc", "/crio", "/podman", "/ecs/", "/garden"} {
		if strings.Contains(string(groups), name) {
			return true
		}
	}
	mounts, _ := ReadFile(root, "proc/1/mounts", 64<<10)
	if len(mounts) == 0 {
		mounts, _ = ReadFile(root, "proc/self/mounts", 64<<10)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "/" {
			return f[2] == "overlay" || f[2] == "fuse-overlayfs"
		}
	}
	return false
}
