package hwmon

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// The most that a device can draw, W. It tells a wrap from a reset and garbage
// from a figure, so it is far above any product.
const (
	maxGPU  = 3000
	maxCPU  = 2000
	maxNode = 100_000
)

// planned is a sensor and what becomes of it.
type planned struct {
	meter.Domain
	chip    *chip
	channel *channel

	positive bool          // a power of 0 is a failure
	rest     time.Duration // how long a counter may stay as it is; 0 is for ever
	hidden   time.Duration // see source
}

// plan decides which sensors are counted. It is a pure function of the
// listing. The first GPUs are those of NVIDIA, so many.
func plan(chips []*chip, nvidia int) []planned {
	enumerate(chips, nvidia)
	var all []*planned
	for _, c := range chips {
		first := len(all)
		for _, ch := range c.channels {
			all = append(all, describe(c, ch))
		}
		sensors := all[first:]
		if c.driver.decide == nil {
			for _, p := range sensors {
				p.refuse("what a sensor of the driver %q covers is not known", c.name)
			}
			continue
		}
		c.driver.decide(sensors)
		for _, p := range sensors {
			if p.LeftOut == "" && p.channel.err != nil {
				p.unreadable(p.channel.err)
			}
		}
	}
	decideBoard(all)
	decideTiles(all)
	decideDies(all)
	decideNodes(all)
	unique(all)
	out := make([]planned, len(all))
	for i, p := range all {
		out[i] = *p
	}
	return out
}

// describe says what is known of a sensor whatever its driver.
func describe(c *chip, ch *channel) *planned {
	p := &planned{chip: c, channel: ch}
	p.Domain = meter.Domain{
		ID:        c.name + "/" + ch.name(),
		Kind:      lifecycle.KindOther,
		Name:      cmp.Or(ch.label, c.name+" "+ch.name()),
		Path:      c.path(),
		Method:    lifecycle.Counter,
		Sensor:    c.name,
		Mode:      "hwmon",
		IdleFound: "unknown",
	}
	if ch.quantity == energy && ch.told {
		p.RawJ = float64(ch.raw) / 1e6
	}
	return p
}

// path is where a chip is found: by its PCI address if it has one, so that a
// device that another meter tells too can be known again.
func (c *chip) path() string {
	if c.pci == "" {
		return c.dir
	}
	return path.Join("sys/bus/pci/devices", c.pci, "hwmon", path.Base(c.dir))
}

// enumerate gives the graphics cards the numbers of GPUs, in the order of their
// DRM devices, after those of NVIDIA's driver; and graphics inside processors
// the numbers of processors.
func enumerate(chips []*chip, nvidia int) {
	var cards, inside []*chip
	for _, c := range chips {
		switch {
		case c.name != "amdgpu" && c.name != "i915" && c.name != "xe":
		case c.apu:
			inside = append(inside, c)
		default:
			cards = append(cards, c)
		}
	}
	for _, list := range [][]*chip{cards, inside} {
		slices.SortStableFunc(list, func(a, b *chip) int {
			if a.card >= 0 && b.card >= 0 {
				return cmp.Compare(a.card, b.card)
			}
			return cmp.Or(cmp.Compare(b.card, a.card), cmp.Compare(a.pci, b.pci))
		})
	}
	for i, c := range cards {
		c.unit = nvidia + i
	}
	for i, c := range inside {
		c.unit = i
	}
}

// count counts a sensor.
func (p *planned) count(kind lifecycle.HardwareKind, device int, maxW, relError float64, why string) {
	prefix := string(kind)
	if kind == lifecycle.KindMemory {
		prefix = "dram"
	}
	p.ID, p.Kind, p.Device = prefix+strconv.Itoa(device), kind, device
	p.MaxW, p.RelError, p.Why = maxW, relError, why
}

func (p *planned) refuse(format string, args ...any) {
	p.LeftOut, p.Why = "refused", fmt.Sprintf(format, args...)
}

func (p *planned) contained(within, why string) {
	p.LeftOut, p.Within, p.Why = "contained", within, why
}

func (p *planned) unreadable(err error) {
	p.LeftOut, p.Why = "unreadable", "its file cannot be read: "+reason(err)
	if errors.Is(err, fs.ErrPermission) {
		p.Why = "its file is not readable for this user"
		p.Fix = "run as root or with CAP_DAC_READ_SEARCH; or, as root, chmod a+r /" + path.Join(p.chip.dir, p.channel.names[0]) + " (until the next start; let a udev rule do it for good)"
	}
}

// reason is the cause of a failure, without the path that the domain has.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// folder is what tells a chip from others of its driver: hwmon3, or the
// address 0-0040.
func (c *chip) folder() string {
	if c.number < 0 {
		return path.Base(c.device)
	}
	return "hwmon" + strconv.Itoa(c.number)
}

// decideNodes sees to it that the whole machine is counted once.
func decideNodes(all []*planned) {
	var node *planned
	for _, p := range all {
		switch {
		case p.LeftOut != "" || p.Kind != lifecycle.KindNode:
		case node == nil:
			node = p
		default:
			p.LeftOut, p.Why = "mirrored", node.Sensor+" tells the whole machine too"
		}
	}
}

// unique sees to it that no two sensors have one ID: what is counted keeps
// its own.
func unique(all []*planned) {
	taken := map[string]bool{}
	for _, counted := range []bool{true, false} {
		for _, p := range all {
			if (p.LeftOut == "") != counted {
				continue
			}
			if taken[p.ID] {
				p.ID = p.chip.folder() + "/" + p.ID
			}
			for n := 2; taken[p.ID]; n++ {
				p.ID = fmt.Sprintf("%s#%d", p.ID, n)
			}
			taken[p.ID] = true
		}
	}
}
