package hwmon

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// How wrong sensors of whole boards are, at 95 %: of INA chips the shunts and
// the amplifier are within 1 % each, a moment is not the mean of a second; the
// others do not tell. The figures are ours.
const (
	railError = 0.05
	macError  = 0.10
	acpiError = 0.10
	psuError  = 0.05
)

// part is what a rail feeds.
type part struct {
	kind lifecycle.HardwareKind // that is counted if the rail is; "" if it is not
	why  string
}

// whole are the rails that feed the module, by label: the inputs of Jetson
// modules (arch/arm64/boot/dts/nvidia/tegra234-p3767.dtsi; for the first Nano
// and the TX2 NVIDIA's documentation). What the board beneath the module draws
// is not in them.
var whole = map[string]bool{"VDD_IN": true, "POM_5V_IN": true}

// rails are the others whose use is known, by label. Those that feed one kind
// of device are counted, as parts of the module where its input is measured.
// On the AGX Orin (tegra234-p3701.dtsi) and the AGX Xavier it is not: there
// the sum of the rails is less than the module. As NVIDIA says, VIN_SYS_5V0
// also feeds what VDDQ_VDD2_1V8AO does.
var rails = map[string]part{
	"VDD_GPU_SOC":     {lifecycle.KindGPU, "rail of the GPU and of what is beside it on the chip"},
	"VDD_CPU_CV":      {lifecycle.KindCPU, "rail of the processor cores and the vision accelerators"},
	"VDDQ_VDD2_1V8AO": {lifecycle.KindMemory, "rail of the memory"},
	"VIN_SYS_5V0":     {"", "rail of the memory, which is counted, and of the connectors"},

	"GPU":         {lifecycle.KindGPU, "rail of the GPU"},
	"POM_5V_GPU":  {lifecycle.KindGPU, "rail of the GPU"},
	"VDD_SYS_GPU": {lifecycle.KindGPU, "rail of the GPU"},
	"CPU":         {lifecycle.KindCPU, "rail of the processor cores"},
	"POM_5V_CPU":  {lifecycle.KindCPU, "rail of the processor cores"},
	"VDD_SYS_CPU": {lifecycle.KindCPU, "rail of the processor cores"},
	"VDDRQ":       {lifecycle.KindMemory, "rail of the memory"},
	"VDD_SYS_DDR": {lifecycle.KindMemory, "rail of the memory"},

	"VDD_CPU_GPU_CV": {"", "rail of the processor cores, the GPU and the vision accelerators"},
	"VDD_SOC":        {"", "rail of what else is on the chip"},
	"VDD_SYS_SOC":    {"", "rail of what else is on the chip"},
	"SOC":            {"", "rail of what else is on the chip"},
	"CV":             {"", "rail of the vision accelerators"},
	"SYS5V":          {"", "rail of the connectors"},
	"VDD_4V0_WIFI":   {"", "rail of the radio"},
}

// decideRails decides upon a chip of rails as far as it can without the
// others; decideBoard knows them all.
func decideRails(sensors []*planned) {
	for _, p := range sensors {
		label := p.channel.label
		switch r, known := rails[label]; {
		case p.channel.quantity == energy:
			p.LeftOut, p.Why = "mirrored", "it counts what power1_input tells"
		case whole[label]:
			p.count(lifecycle.KindNode, 0, maxNode, railError, "rail that feeds the whole module, all others included; not the board beneath it")
		case known && r.kind != "":
			p.count(r.kind, 0, maxCPU, railError, r.why)
		case known:
			p.refuse("%s: no kind of device that could be told alone", r.why)
		case label == "":
			p.refuse("the rail has no label: what it feeds is not known")
		default:
			p.refuse("what a rail called %q feeds is not known", label)
		}
	}
}

// decideBoard says of the rails of a module whose input is measured that they
// are part of it.
func decideBoard(all []*planned) {
	at := slices.IndexFunc(all, func(p *planned) bool {
		return p.LeftOut == "" && p.chip.rail() && p.Kind == lifecycle.KindNode
	})
	if at < 0 {
		return
	}
	for _, p := range all {
		if r, known := rails[p.channel.label]; known && p.LeftOut == "refused" && p.chip.rail() {
			p.contained(all[at].ID, r.why+", fed by "+all[at].Name)
		}
	}
}

// rail tells whether a chip is one of those on rails.
func (c *chip) rail() bool { return strings.HasPrefix(c.name, "ina") }

// decideMac decides upon the sensors of Apple's system management controller,
// by the labels of arch/arm64/boot/dts/apple/hwmon-*.dtsi. What comes in from
// the mains also charges the battery; the rest is part of the total, and some
// of it no measurement ("an estimate of the heat energy being dissipated",
// macsmc-hwmon.c).
func decideMac(sensors []*planned) {
	total := (*planned)(nil)
	for _, p := range sensors {
		if p.channel.quantity == power && p.channel.label == "Total System Power" {
			total = p
			p.count(lifecycle.KindNode, 0, maxNode, macError, "what the whole machine draws")
			p.positive = true
		}
	}
	for _, p := range sensors {
		switch p.channel.label {
		case "Total System Power":
		case "AC Input Power":
			p.refuse("what comes in from the mains, also into the battery")
		case "3.8 V Rail Power", "Heatpipe Power":
			p.refuse("part of the machine")
			if total != nil {
				p.contained(total.ID, "part of the machine")
			}
		default:
			p.refuse("what a sensor called %q covers is not known", p.channel.label)
		}
	}
}

// decideACPI decides upon an ACPI power meter: "a power meter that returns
// average power use over a configurable interval".
func decideACPI(sensors []*planned) {
	for _, p := range sensors {
		f := p.chip.facts
		switch {
		case p.channel.quantity != power:
			p.refuse("it is not documented what it covers")
		case f.battery:
			p.refuse("it measures a battery")
		case f.part:
			p.refuse("it measures some devices of the machine, not the whole")
		default:
			p.count(lifecycle.KindNode, 0, maxNode, acpiError, "the firmware's meter of the whole machine")
			if f.accuracy > 0 && f.accuracy < 1 {
				p.RelError = 1 - f.accuracy
			}
			p.Method, p.Average, p.Update, p.PowerLimitW = lifecycle.Metered, f.mean, f.mean, f.limitW
			p.positive = true
		}
	}
}

// decidePSU decides upon a power supply of Corsair: power1 is all that it
// gives, the others one voltage each.
func decidePSU(sensors []*planned) {
	for _, p := range sensors {
		if p.channel.quantity == power && p.channel.label == "power total" {
			p.count(lifecycle.KindNode, 0, maxNode, psuError, "what the power supply gives, its own losses left out")
			p.Method, p.positive = lifecycle.Metered, true
			continue
		}
		p.refuse("one of several outputs of the power supply")
	}
}
