package powercap

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// partsOf tells what each zone covers. A zone inside another belongs to its
// package: dram alone does not say to which.
func partsOf(zones []zone) []rapl.Part {
	parts := make([]rapl.Part, len(zones))
	byID := map[string]rapl.Part{}
	for i, z := range zones {
		p := rapl.Parse(z.name)
		var parent rapl.Part
		if id := parentOf(z.id); id != "" {
			parent = byID[id]
		}
		if p.Kind == "" && parent.Kind == rapl.Package {
			switch z.name {
			case rapl.Core, rapl.Uncore, rapl.DRAM:
				p = rapl.Part{Kind: z.name, Package: parent.Package, Die: parent.Die}
			}
		}
		parts[i], byID[z.id] = p, p
	}
	return parts
}

// parentOf is intel-rapl:0 for intel-rapl:0:1, and "" for a zone at the top.
func parentOf(id string) string {
	at := strings.LastIndexByte(id, ':')
	if at < 0 || !strings.Contains(id[:at], ":") {
		return ""
	}
	return id[:at]
}

// choose picks, of the zones that cover the same part, the first that can be
// read, else the first: intel-rapl comes before intel-rapl-mmio.
func choose(zones []zone, parts []rapl.Part) map[rapl.Part]int {
	chosen := map[rapl.Part]int{}
	for i, z := range zones {
		at, taken := chosen[parts[i]]
		if !taken || zones[at].err != nil && z.err == nil {
			chosen[parts[i]] = i
		}
	}
	return chosen
}

// label names a zone that is left out, by the names of the zones that it is
// in: package-0/core.
func (z zone) label(zones []zone) string {
	label := cmp.Or(z.name, z.id)
	parent := parentOf(z.id)
	if at := slices.IndexFunc(zones, func(o zone) bool { return o.id == parent }); parent != "" && at >= 0 {
		return zones[at].label(zones) + "/" + label
	}
	if control, _, _ := strings.Cut(z.id, ":"); control != "intel-rapl" && z.name != "" {
		label = control + "/" + label
	}
	return label
}
