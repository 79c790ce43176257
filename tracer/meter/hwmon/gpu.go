package hwmon

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// How wrong the figures of graphics are, at 95 %. Firmware works them out for
// the chip, from currents and from activity; amdgpu documents its own as the
// power of the chip, not of the board. No maker gives a figure: these are ours.
const (
	amdError   = 0.15
	intelError = 0.10
)

// graphics says what is known of a graphics card.
func (p *planned) graphics(relError float64, why string) {
	c := p.chip
	p.count(lifecycle.KindGPU, c.unit, maxGPU, relError, why)
	p.Model, p.UUID, p.MemoryBytes = c.model(), c.facts.uuid, c.facts.memory
	p.PowerLimitW, p.TDPW = c.facts.limitW, c.facts.ratedW
	for _, alias := range []string{c.facts.uuid, c.pci} {
		if alias != "" {
			p.Aliases = append(p.Aliases, alias)
		}
	}
}

// model is the name of a product, or the numbers by which it can be looked up.
func (c *chip) model() string {
	switch {
	case c.facts.model != "":
		return c.facts.model
	case c.id == "":
		return ""
	case c.name == "amdgpu":
		return "AMD GPU (" + c.id + ")"
	}
	return "Intel GPU (" + c.id + ")"
}

// decideAMD decides upon amdgpu. Its power is that of the chip; a card that
// has power1_average may have power1_input too, the power of the moment. The
// mean is better, but over how long it is taken is not told.
func decideAMD(sensors []*planned) {
	c := sensors[0].chip
	chosen := (*planned)(nil)
	for _, p := range sensors {
		ch := p.channel
		better := chosen == nil || chosen.channel.err != nil && ch.err == nil || ch.average && !chosen.channel.average && ch.err == nil
		if ch.quantity == power && ch.index == 1 && better {
			chosen = p
		}
	}
	for _, p := range sensors {
		switch {
		case p.channel.quantity == energy:
			p.refuse("the driver documents no such counter: its power is integrated instead")
		case chosen == nil:
			p.refuse("it is not documented what it covers")
		case p != chosen:
			p.LeftOut, p.Why = "mirrored", "the same chip as "+chosen.channel.names[0]
		case c.apu:
			p.count(lifecycle.KindCPU, c.unit, maxCPU, amdError, "the graphics are part of the processor: the power is that of both")
			p.positive = true
		default:
			p.graphics(amdError, "power of the graphics chip, integrated")
			p.positive = true
		}
	}
}

// mi250 are the devices of two dies, each of which shows as a card of its own
// (amdgpu_drv.c).
var mi250 = map[string]bool{"1002:7408": true, "1002:740C": true}

// decideDies finds the second dies of an MI250 and cards that tell no power.
// "Valid power data is available only from primary die", which is that of
// both; the other shows 0 as its power and as its limit (aldebaran_ppt.c).
func decideDies(all []*planned) {
	for _, p := range all {
		if p.LeftOut != "" || !p.positive || p.Kind != lifecycle.KindGPU || !p.channel.told || p.channel.raw > 0 {
			continue
		}
		var first *planned // the nearest before it
		for _, q := range all {
			if q.LeftOut == "" && q.Kind == lifecycle.KindGPU && q.chip.id == p.chip.id && q.channel.raw > 0 && q.Device < p.Device && (first == nil || q.Device > first.Device) {
				first = q
			}
		}
		p.ID = fmt.Sprintf("%s/gpu%d", p.Sensor, p.Device)
		if mi250[p.chip.id] && p.chip.facts.noLimit && first != nil {
			p.contained(first.ID, "the second die of a card, for both of which "+first.ID+" tells")
			continue
		}
		p.refuse("its power reads 0 W, which no card draws that is awake")
	}
}

// Both drivers of Intel hand on a register of 32 bits, in steps of 2^-14 J on
// what is sold, that they extend to 63 at each reading (i915_hwmon.c,
// xe_hwmon.c).
const (
	intelStep = 1.0 / (1 << 14)
	intelWrap = (1 << 32) * intelStep
)

// decideIntel decides upon i915 and xe: energy1 is the card, energy2, which xe
// has, the package on it. Some cards have one alone; a card whose counter
// stands at 0 while its package's does not has none.
func decideIntel(sensors []*planned) {
	var card, pkg *planned
	for _, p := range sensors {
		switch {
		case p.channel.quantity != energy:
			p.refuse("it is not documented what it covers")
		case p.channel.label == "pkg" || p.channel.label == "" && p.channel.index == 2:
			pkg = p
		case p.channel.label == "card" || p.channel.label == "" && p.channel.index == 1:
			card = p
		default:
			p.refuse("what a counter called %q covers is not known", p.channel.label)
		}
	}
	counted := card
	if card == nil || pkg != nil && pkg.channel.err == nil && (card.channel.err != nil || card.channel.told && card.channel.raw == 0 && pkg.channel.raw > 0) {
		counted = pkg
	}
	for _, p := range []*planned{card, pkg} {
		if p == nil {
			continue
		}
		most := cmp.Or(2*p.chip.facts.ratedW, maxGPU)
		p.ResolutionJ, p.hidden, p.rest = intelStep, time.Duration(intelWrap/most*float64(time.Second)), time.Minute
		switch {
		case p == counted && p == pkg:
			p.graphics(intelError, "energy counter of the package, memory and board left out")
		case p == counted:
			p.graphics(intelError, "energy counter of the card")
			if p.Sensor == "i915" {
				p.Why += " (of a DG1 or DG2 of the package on it)"
			}
		case p == pkg:
			p.contained(fmt.Sprintf("gpu%d", p.chip.unit), "part of the card")
		case p.channel.err != nil:
			p.unreadable(p.channel.err)
		default:
			p.refuse("its counter stands at 0 while that of the package on it does not")
		}
	}
}

// decideTile decides upon the tiles of a card, which i915 shows as chips of
// their own, once more is known in decideTiles.
func decideTile(sensors []*planned) {
	for _, p := range sensors {
		p.refuse("part of a card that tells nothing; alone it would leave out the rest")
	}
}

// decideTiles finds the cards of tiles.
func decideTiles(all []*planned) {
	for _, p := range all {
		if !strings.HasPrefix(p.chip.name, "i915_gt") {
			continue
		}
		for _, card := range all {
			if card.chip.name == "i915" && card.chip.pci == p.chip.pci && card.chip.pci != "" && card.LeftOut == "" {
				p.contained(card.ID, "part of the card")
			}
		}
	}
}

// decideSockets decides upon amd_energy: Esocket0 is a processor, Ecore000 a
// core. Its thread in the kernel extends the registers to 64 bits, in steps of
// 15.3 µJ (Documentation/hwmon/amd_energy.rst).
func decideSockets(sensors []*planned) {
	for _, p := range sensors {
		var socket int
		switch n, _ := fmt.Sscanf(p.channel.label, "Esocket%d", &socket); {
		case p.channel.part:
			p.contained("", "cores, parts of the processors that the driver tells as a whole")
		case p.channel.quantity == energy && n == 1 && socket >= 0 && socket < 1024:
			p.count(lifecycle.KindCPU, socket, maxCPU, intelError, "energy counter of the processor")
			p.ResolutionJ, p.Update, p.rest = 15.3e-6, time.Millisecond, 10*time.Second
		default:
			p.refuse("what a counter called %q covers is not known", p.channel.label)
		}
	}
}
