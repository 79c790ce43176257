package hwmon

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// driver is what is known of the chips of one driver.
type driver struct {
	decide func(sensors []*planned)  // what becomes of a chip's sensors; nil if nothing is known of them
	facts  func(c *chip, root fs.FS) // gathers what the device tells of itself
	rails  bool                      // power is voltage times current
	parts  string                    // labels that begin so are parts of others, and many
	slow   bool                      // a reading may take a tenth of a second and more
}

// driverOf knows a driver by the name of its chips.
func driverOf(name string) driver {
	switch name {
	case "amdgpu":
		return driver{decide: decideAMD, facts: factsOfAMD}
	case "i915", "xe":
		return driver{decide: decideIntel}
	case "amd_energy":
		return driver{decide: decideSockets, parts: "Ecore"}
	case "ina3221":
		return driver{decide: decideRails, rails: true}
	case "ina3221x", "ina219", "ina220", "ina226", "ina230", "ina231", "ina234", "ina260", "ina228", "ina237", "ina238":
		return driver{decide: decideRails}
	case "macsmc_hwmon":
		return driver{decide: decideMac}
	case "power_meter":
		return driver{decide: decideACPI, facts: factsOfACPI, slow: true}
	case "corsairpsu":
		return driver{decide: decidePSU, slow: true}
	}
	if strings.HasPrefix(name, "i915_gt") {
		return driver{decide: decideTile}
	}
	return driver{}
}

// factsOfAMD gathers what amdgpu tells of a card without waking it.
func factsOfAMD(c *chip, root fs.FS) {
	c.facts.model = text(root, c.device, "product_name")
	if id := text(root, c.device, "unique_id"); id != "" {
		c.facts.uuid = "GPU-" + id // as ROCm calls it
	}
	c.facts.memory = int64(min(number(root, c.device, "mem_info_vram_total"), 1<<50))
	// "only APUs other than gc 9,4,3 have vddnb" (amdgpu_pm.c); GC 9.4.3 in a
	// processor is the MI300A.
	c.apu = text(root, c.dir, "in1_label") == "vddnb" || c.id == "1002:74A0"
}

// factsOfACPI gathers what an ACPI power meter tells of itself.
func factsOfACPI(c *chip, root fs.FS) {
	c.facts.mean = time.Duration(min(number(root, c.dir, "power1_average_interval"), 3600_000)) * time.Millisecond
	c.facts.battery = number(root, c.dir, "power1_is_battery") != 0
	// The driver prints thousandths of a percent without leading zeros: only
	// what is before the point is sure.
	percent, _, _ := strings.Cut(text(root, c.dir, "power1_accuracy"), ".")
	c.facts.accuracy = float64(parsePercent(percent)) / 100
	entries, _ := fs.ReadDir(root, path.Join(c.dir, "measures")) // there may be none
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "LNXSYBUS") || strings.HasPrefix(e.Name(), "LNXSYSTM") {
			c.facts.part = false
			break
		}
		c.facts.part = true
	}
}

func parsePercent(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' || n > 100 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	if n > 100 {
		return 0
	}
	return n
}
