package host

import (
	"io/fs"
	"strings"
)

// Disk is a drive that is built into the machine.
type Disk struct {
	Bytes      int64
	Rotational bool // a hard disk; else flash
}

// isDrive tells by the kernel's name whether it may be a drive: no partition of
// a boot ROM, no loop, no volume on top of drives and nothing that a hypervisor
// makes up.
func isDrive(name string) bool {
	name = strings.TrimRight(name, "0123456789")
	switch bus := strings.TrimRight(name, "abcdefghijklmnopqrstuvwxyz"); {
	case bus == "": // sda, mmcblk0
		return strings.HasPrefix(name, "sd") || strings.HasPrefix(name, "hd") || name == "mmcblk"
	default: // nvme0n1
		return strings.HasSuffix(name, "n") && strings.HasPrefix(bus, "nvme") && strings.Trim(bus[4:], "0123456789") == ""
	}
}

// isOutside tells by where a drive is attached that it is not in the machine:
// on USB, or of a storage network (iSCSI, Fibre Channel, NVMe over fabrics),
// where one drive shows once for each path to a shelf of many.
func isOutside(root fs.FS, link string) bool {
	at, _ := fs.ReadLink(root, link)
	for _, bus := range []string{"/usb", "/session", "/rport-", "/nvme-fabrics/"} {
		if strings.Contains(at, bus) {
			return true
		}
	}
	return false
}

// maxDisks bounds what is looked at: a shelf of disks is a machine of its own.
const maxDisks = 128

// disks are the drives of a machine. A virtual machine has none of its own.
func disks(root fs.FS, vm bool) (found []Disk) {
	if vm {
		return nil
	}
	entries, _ := fs.ReadDir(root, "sys/block")
	for _, e := range entries {
		dir := "sys/block/" + e.Name() + "/"
		if !isDrive(e.Name()) || text(root, dir+"removable") == "1" || isOutside(root, "sys/block/"+e.Name()) {
			continue
		}
		const sector = 512 // whatever the drive's own is: Documentation/ABI/stable/sysfs-block
		n, ok := ParseUint([]byte(text(root, dir+"size")))
		if !ok || n == 0 || n > 1<<50/sector {
			continue
		}
		found = append(found, Disk{Bytes: int64(n) * sector, Rotational: text(root, dir+"queue/rotational") == "1"})
		if len(found) == maxDisks {
			break
		}
	}
	return found
}
