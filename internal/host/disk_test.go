package host_test

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/host"
)

func TestDisksAreWhatIsBuiltIn(t *testing.T) {
	root := fstest.MapFS{}
	disk := func(name, size, rotational, removable string) {
		root[path.Join("sys/block", name)+"/size"] = &fstest.MapFile{Data: []byte(size + "\n")}
		root[path.Join("sys/block", name)+"/queue/rotational"] = &fstest.MapFile{Data: []byte(rotational + "\n")}
		root[path.Join("sys/block", name)+"/removable"] = &fstest.MapFile{Data: []byte(removable + "\n")}
	}
	disk("sda", "7814037168", "1", "0")
	disk("nvme0n1", "1875385008", "0", "0")
	disk("sdb", "60063744", "1", "1")          // a stick
	disk("sr0", "2097151", "1", "1")           // a tray
	disk("dm-0", "1875000000", "0", "0")       // a volume on a drive
	disk("md0", "1875000000", "0", "0")        // an array of drives
	disk("loop0", "8", "1", "0")               // a file
	disk("vda", "536870912", "1", "0")         // a hypervisor's
	disk("mmcblk0boot0", "8192", "0", "0")     // a boot ROM
	disk("sdc", "0", "1", "0")                 // a reader without a card
	disk("sdd", "garbage", "1", "0")           //
	disk("nvme1n1p1", "1000000", "0", "0")     // a partition
	disk("sdaa", "7814037168", "1", "0")       // the 27th drive
	disk("sde", "99999999999999999", "1", "0") // more than there can be
	attached := func(name, to string) {
		disk("../devices/"+to, "7814037168", "0", "0") // where the link leads
		root["sys/block/"+name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../devices/" + to)}
	}
	for name, to := range map[string]string{
		"sdf": "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdf",
		"sdg": "platform/host7/session1/target7:0:0/7:0:0:1/block/sdg",
		"sdh": "pci0000:80/0000:80:02.0/0000:81:00.0/host1/rport-1:0-2/target1:0:0/1:0:0:1/block/sdh",
	} {
		attached(name, to)
	}
	attached("nvme5n1", "pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme5/nvme5n1")
	want := []host.Disk{
		{Bytes: 960197124096},
		{Bytes: 4000787030016}, // nvme5n1
		{Bytes: 4000787030016, Rotational: true},
		{Bytes: 4000787030016, Rotational: true},
	}
	assert.Equal(t, want, host.Read(root).Disks)

	root["proc/cpuinfo"] = &fstest.MapFile{Data: []byte("processor\t: 0\nflags\t\t: fpu hypervisor\n\n")}
	assert.Empty(t, host.Read(root).Disks, "what a virtual machine sees is no drive of its own")
}
