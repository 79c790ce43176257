package hwmon

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
)

const class = "sys/class/hwmon"

// chip is what one folder of the class says.
type chip struct {
	number   int    // of hwmon3
	name     string // of its driver: amdgpu
	driver   driver // what is known of it
	dir      string // of its files: sys/class/hwmon/hwmon3
	device   string // of the device behind it: sys/class/hwmon/hwmon3/device
	channels []*channel

	pci  string // address of the device: 0000:03:00.0; "" if it is none
	id   string // vendor and device: 1002:740C
	card int    // number of the DRM device; -1 if there is none
	apu  bool   // graphics inside a processor

	status string // path of the file that tells whether it sleeps; "" if it never does
	asleep bool   // it did when it was opened: none of its sensors was read
	unit   int    // number of the GPU, or of the processor
	facts  facts
}

// facts are what a device tells of itself.
type facts struct {
	model    string
	uuid     string
	memory   int64   // bytes
	limitW   float64 // enforced limit of power
	noLimit  bool    // the file of the limit says 0
	ratedW   float64
	accuracy float64       // of an ACPI meter, 0.95; 0 if it does not tell
	mean     time.Duration // over which it tells the mean power
	battery  bool          // an ACPI meter of a battery
	part     bool          // an ACPI meter of some devices only
}

// quantity is what a channel tells.
type quantity int

const (
	energy quantity = iota // µJ
	power                  // µW
	rail                   // mV and mA, whose product is µW
)

// channel is one figure of a chip.
type channel struct {
	quantity quantity
	index    int
	average  bool      // of powerN_average
	names    [2]string // of its file, or of two: in1_input, curr1_input
	label    string
	scale    uint64 // what its figures are multiplied by
	part     bool   // one of the many parts of what another channel tells; it is not read

	files [2]*host.File
	told  bool // it was read when it was opened
	raw   uint64
	at    time.Time
	err   error // why it cannot be read
}

// name is its label, or else what its file calls it.
func (c *channel) name() string {
	if c.label != "" {
		return c.label
	}
	return c.stem()
}

// stem is what the names of its files begin with: power1.
func (c *channel) stem() string {
	stem, _, _ := strings.Cut(c.names[0], "_")
	return stem
}

// list looks into the folders of the class, in the order of their numbers, and
// opens the chips of the drivers that are to be kept. It leaves out those that
// tell neither power nor energy.
func list(root fs.FS, keep func(driver) bool) ([]*chip, error) {
	chips := listTegra(root)
	entries, err := fs.ReadDir(root, class)
	if err != nil && len(chips) == 0 {
		return nil, err
	}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "hwmon")
		number, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		c := &chip{number: number, dir: path.Join(class, e.Name()), card: -1}
		if c.look(root); len(c.channels) > 0 {
			chips = append(chips, c)
		}
	}
	slices.SortStableFunc(chips, func(a, b *chip) int { return cmp.Compare(a.number, b.number) })
	chips = slices.DeleteFunc(chips, func(c *chip) bool { return !keep(c.driver) })
	for _, c := range chips {
		c.open(root)
	}
	return chips, nil
}

// tegra is the folder of the driver that NVIDIA's kernels before 5.10 have for
// the INA3221, which is no hwmon driver. Each chip has a folder such as
// 0-0040/iio:device0 (or iio_device), and in it the label of a rail in
// rail_name_0 and its power, in mW, in in_power0_input (drivers/staging/iio/
// meter/ina3221.c of Linux for Tegra).
const tegra = "sys/bus/i2c/drivers/ina3221x"

// listTegra looks for the chips of that driver.
func listTegra(root fs.FS) []*chip {
	var chips []*chip
	addresses, _ := fs.ReadDir(root, tegra) // nearly everywhere there are none
	for _, a := range addresses {
		folders, _ := fs.ReadDir(root, path.Join(tegra, a.Name())) // bind and uevent are no folders
		for _, f := range folders {
			if !strings.HasPrefix(f.Name(), "iio") {
				continue
			}
			c := &chip{number: -1, name: "ina3221x", dir: path.Join(tegra, a.Name(), f.Name()), card: -1}
			c.device, c.driver = path.Dir(c.dir), driverOf(c.name)
			for i := range 3 {
				n := strconv.Itoa(i)
				ch := &channel{quantity: power, index: i, names: [2]string{"in_power" + n + "_input"}, label: text(root, c.dir, "rail_name_"+n), scale: 1000}
				if _, err := fs.Stat(root, path.Join(c.dir, ch.names[0])); err == nil {
					c.channels = append(c.channels, ch)
				}
			}
			if len(c.channels) > 0 {
				chips = append(chips, c)
				break // iio_device may be another name of the same
			}
		}
	}
	return chips
}

// look lists what a folder has.
func (c *chip) look(root fs.FS) {
	c.device = path.Join(c.dir, "device")
	c.name = text(root, c.dir, "name")
	if c.name == "" {
		// Drivers of before 2013, as that of the ACPI power meter still is,
		// have their files in the folder of the device.
		c.dir = c.device
		if c.name = text(root, c.dir, "name"); c.name == "" {
			return
		}
	}
	c.driver = driverOf(c.name)
	uevent := text(root, c.device, "uevent")
	if strings.Contains(uevent, "POWER_SUPPLY_NAME=") {
		return // a battery or its charger, shown once more: package battery reads it
	}
	entries, err := fs.ReadDir(root, c.dir)
	if err != nil {
		return
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	for name := range names {
		q, index, average, ok := parse(name)
		if !ok || q == rail && (!c.driver.rails || !names["curr"+strconv.Itoa(index)+"_input"]) {
			continue
		}
		ch := &channel{quantity: q, index: index, average: average, names: [2]string{name}, scale: 1}
		ch.label = text(root, c.dir, ch.stem()+"_label")
		if q == rail {
			ch.names[1] = "curr" + strconv.Itoa(index) + "_input"
		}
		if ch.label == "" && q != rail {
			ch.label = text(root, c.dir, "label") // Documentation/ABI/testing/sysfs-class-hwmon
		}
		c.channels = append(c.channels, ch)
	}
	slices.SortFunc(c.channels, func(a, b *channel) int {
		return cmp.Or(cmp.Compare(a.quantity, b.quantity), cmp.Compare(a.index, b.index), strings.Compare(a.names[0], b.names[0]))
	})
	if len(c.channels) == 0 {
		return
	}
	c.foldParts()
	for line := range strings.Lines(uevent) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "PCI_SLOT_NAME":
			c.pci = value
		case "PCI_ID":
			c.id = strings.ToUpper(value)
		}
	}
	c.card = cardOf(root, c.device)
}

// foldParts makes one channel, which is not read, of all that tell parts of
// what others tell: there may be one for each core.
func (c *chip) foldParts() {
	if c.driver.parts == "" {
		return
	}
	var first, last *channel
	c.channels = slices.DeleteFunc(c.channels, func(ch *channel) bool {
		if !strings.HasPrefix(ch.label, c.driver.parts) {
			return false
		}
		last = ch
		if first == nil {
			first = ch
			first.part = true
			return false
		}
		return true
	})
	if last != first {
		first.label += " to " + last.label
	}
}

// parse reads the name of a file: energy1_input, power2_average, in3_input.
func parse(name string) (q quantity, index int, average, ok bool) {
	stem, attribute, _ := strings.Cut(name, "_")
	kind := strings.TrimRight(stem, "0123456789")
	index, err := strconv.Atoi(stem[len(kind):])
	if err != nil || attribute != "input" && attribute != "average" {
		return 0, 0, false, false
	}
	average = attribute == "average"
	switch kind {
	case "energy":
		return energy, index, false, !average
	case "power":
		return power, index, average, true
	case "in":
		// Of an INA3221 the first three are buses, the others shunts.
		return rail, index, false, !average && index >= 1 && index <= 3
	}
	return 0, 0, false, false
}

// cardOf is the number of the DRM device of a graphics card, -1 if there is
// none.
func cardOf(root fs.FS, device string) int {
	entries, _ := fs.ReadDir(root, path.Join(device, "drm")) // none if it is no graphics card
	for _, e := range entries {
		if digits, ok := strings.CutPrefix(e.Name(), "card"); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				return n
			}
		}
	}
	return -1
}

// open opens the channels of a known driver and reads them, unless that would
// wake the device, and gathers what else it tells.
func (c *chip) open(root fs.FS) {
	if c.driver.decide == nil {
		return
	}
	if c.pci != "" {
		c.status = path.Join(c.device, "power/runtime_status")
		b, _ := host.ReadFile(root, c.status, 32) // without power management there is none
		c.asleep = sleeping(b)
	}
	if c.driver.facts != nil {
		c.driver.facts(c, root)
	}
	if c.asleep {
		return
	}
	for _, ch := range c.channels {
		if !ch.part {
			ch.open(root, c.dir)
		}
	}
	limit, known := watts(root, c.dir, "power1_cap")
	c.facts.noLimit = known && limit == 0
	if !known {
		limit, _ = watts(root, c.dir, "power1_max")
	}
	c.facts.limitW = limit
	c.facts.ratedW, _ = watts(root, c.dir, "power1_rated_max")
}

// watts reads a file that is in µW, and tells whether it makes sense.
func watts(root fs.FS, dir, name string) (float64, bool) {
	b, err := host.ReadFile(root, path.Join(dir, name), 64)
	if err != nil {
		return 0, false
	}
	microwatts, ok := host.ParseUint(b)
	if !ok || float64(microwatts)/1e6 > maxNode {
		return 0, false
	}
	return float64(microwatts) / 1e6, true
}

// open opens and reads a channel.
func (ch *channel) open(root fs.FS, dir string) {
	s := source{root: root, scale: ch.scale}
	for i, name := range ch.names {
		if name != "" {
			s.names[i] = path.Join(dir, name)
		}
	}
	ch.raw, ch.err = s.value()
	ch.files, ch.told, ch.at = s.files, ch.err == nil, time.Now()
	if ch.err != nil {
		s.close()
		ch.files = [2]*host.File{}
	}
}

// take hands the open files over.
func (ch *channel) take() [2]*host.File {
	files := ch.files
	ch.files = [2]*host.File{}
	return files
}

// text is what a file says in one line or a few; "" if it cannot be read.
func text(root fs.FS, dir, name string) string {
	b, err := host.ReadFile(root, path.Join(dir, name), 1024)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// number is what a file says; 0 if it cannot be read.
func number(root fs.FS, dir, name string) uint64 {
	b, err := host.ReadFile(root, path.Join(dir, name), 64)
	if err != nil {
		return 0
	}
	n, _ := host.ParseUint(b)
	return n
}
