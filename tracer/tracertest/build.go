package tracertest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	powercapClass  = "sys/class/powercap"
	powercapDevice = "sys/devices/virtual/powercap"
)

// build writes the files of the host.
func (h *Host) build() error {
	c := h.config
	if err := os.MkdirAll(h.gone, 0o755); err != nil {
		return err
	}
	files := map[string]string{
		"proc/cpuinfo":                   c.cpuinfo(),
		"proc/meminfo":                   c.meminfo(),
		"proc/version":                   "Linux version 6.8.0-generic (simulated) #1 SMP\n",
		"proc/sys/kernel/osrelease":      "6.8.0-generic\n",
		"etc/os-release":                 "NAME=\"Simulated Linux\"\nID=simulated\nVERSION_ID=\"1\"\nPRETTY_NAME=\"Simulated Linux 1\"\n",
		"sys/devices/system/cpu/online":  fmt.Sprintf("0-%d\n", c.cpus()-1),
		"sys/devices/system/cpu/present": fmt.Sprintf("0-%d\n", c.cpus()-1),
		"sys/class/dmi/id/chassis_type":  "23\n",
	}
	if c.VM {
		files["sys/class/dmi/id/sys_vendor"] = "QEMU\n"
		files["sys/class/dmi/id/product_name"] = "Standard PC (Q35 + ICH9, 2009)\n"
		files["sys/class/dmi/id/chassis_type"] = "1\n"
	} else {
		files["sys/class/dmi/id/sys_vendor"] = "Simulated Machines\n"
		files["sys/class/dmi/id/product_name"] = "Plant 1\n"
	}
	if c.Boot != "" {
		files["proc/sys/kernel/random/boot_id"] = c.Boot + "\n"
	}
	for cpu := range c.cpus() {
		topology := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
		files[topology+"physical_package_id"] = fmt.Sprintf("%d\n", cpu/c.Cores)
		files[topology+"core_id"] = fmt.Sprintf("%d\n", cpu%c.Cores)
		files[topology+"die_id"] = "0\n"
	}
	for name, text := range files {
		if err := h.write(name, text); err != nil {
			return err
		}
	}
	if err := h.add("proc/stat", newStat(h)); err != nil {
		return err
	}
	if c.Cgroup != nil {
		if err := h.write("proc/self/cgroup", "0::/job.slice/train.scope\n"); err != nil {
			return err
		}
		if err := h.add("sys/fs/cgroup/job.slice/train.scope/cpu.stat", group{c.Cgroup.fromNow()}); err != nil {
			return err
		}
	}
	for name, say := range c.Files {
		if !fs.ValidPath(name) || say == nil {
			return fmt.Errorf("HostConfig.Files: %q is no path below the root, or has nothing to say", name)
		}
		if err := h.add(name, textFile(say)); err != nil {
			return err
		}
	}
	if c.VM {
		return nil
	}
	for _, z := range c.zones() {
		if err := h.addZone(z); err != nil {
			return err
		}
	}
	return nil
}

// zones lists the powercap zones: those of the sockets, psys after them, as
// the kernel numbers them, and what was asked for besides.
func (c HostConfig) zones() []Zone {
	var zones []Zone
	for i, power := range c.Packages {
		id := fmt.Sprintf("intel-rapl:%d", i)
		zones = append(zones, Zone{ID: id, Name: fmt.Sprintf("package-%d", i), Power: power, StartUJ: c.StartUJ})
		if i < len(c.DRAM) && c.DRAM[i] != nil {
			zones = append(zones, Zone{ID: id + ":0", Name: "dram", Power: c.DRAM[i], RangeUJ: c.DRAMUJ, StartUJ: c.StartUJ})
		}
	}
	if c.Psys != nil {
		id := fmt.Sprintf("intel-rapl:%d", len(c.Packages))
		zones = append(zones, Zone{ID: id, Name: "psys", Power: c.Psys, StartUJ: c.StartUJ})
	}
	zones = append(zones, c.Zones...)
	for i := range zones {
		if zones[i].RangeUJ == 0 {
			zones[i].RangeUJ = c.RangeUJ
		}
	}
	return zones
}

// addZone writes a zone where the kernel has it: a folder inside that of its
// parent, and a symbolic link to it in the class.
func (h *Host) addZone(z Zone) error {
	if z.Power == nil || strings.Count(z.ID, ":") == 0 {
		return fmt.Errorf("zone %q (%s) needs an ID such as intel-rapl:0:0 and a Power", z.ID, z.Name)
	}
	control, rest, _ := strings.Cut(z.ID, ":")
	folder := path.Join(powercapDevice, control)
	id := control
	for part := range strings.SplitSeq(rest, ":") {
		id += ":" + part
		folder = path.Join(folder, id)
	}
	for name, text := range map[string]string{
		"name":                z.Name + "\n",
		"enabled":             "1\n",
		"max_energy_range_uj": fmt.Sprintf("%d\n", z.RangeUJ),
	} {
		if err := h.write(path.Join(folder, name), text); err != nil {
			return err
		}
	}
	if err := h.add(path.Join(folder, "energy_uj"), newCounter(z.Power, z.RangeUJ, z.StartUJ)); err != nil {
		return err
	}
	if err := h.link(control, path.Join(powercapDevice, control)); err != nil {
		return err
	}
	return h.link(z.ID, folder)
}

// link makes the entry of the powercap class that leads to a folder.
func (h *Host) link(entry, folder string) error {
	class := filepath.Join(h.dir, filepath.FromSlash(powercapClass))
	if err := os.MkdirAll(class, 0o755); err != nil {
		return err
	}
	at := filepath.Join(class, entry)
	if _, err := os.Lstat(at); err == nil {
		return nil
	}
	to, err := filepath.Rel(class, filepath.Join(h.dir, filepath.FromSlash(folder)))
	if err != nil {
		return err
	}
	return os.Symlink(to, at)
}

// add writes a file that changes.
func (h *Host) add(name string, s source) error {
	if _, twice := h.live[name]; twice {
		return fmt.Errorf("%s is there twice", name)
	}
	h.live[name] = s
	return h.write(name, string(s.append(nil, 0)))
}

func (h *Host) write(name, text string) error {
	full := filepath.Join(h.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(text), 0o644)
}
