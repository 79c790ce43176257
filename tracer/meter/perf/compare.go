package perf

import (
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// relate tells of each domain what it lies within, once it is known which are
// counted: packages and memory within a board that is, and cores in no package
// that is not.
func relate(domains []meter.Domain) {
	counted := func(id string) bool {
		return slices.ContainsFunc(domains, func(d meter.Domain) bool { return d.ID == id && d.LeftOut == "" })
	}
	for i := range domains {
		d := &domains[i]
		switch {
		case d.LeftOut == "contained" && !counted(d.Within):
			d.LeftOut, d.Why = "refused", d.Why+", which cannot be counted; alone it would leave out the rest"
		case d.LeftOut == "" && (d.Kind == lifecycle.KindCPU || d.Kind == lifecycle.KindMemory) && counted(rapl.Node):
			d.Within = rapl.Node
		}
	}
}

// component is a device, dies and all.
type component struct {
	kind   lifecycle.HardwareKind
	device int
}

// compare checks the domains of the events by those of powercap. It is a pure
// function: it tells in the reason of a counted domain whether powercap shows
// the same component, and returns the domains with one that is left out for
// each component that only powercap shows.
func compare(domains, zones []meter.Domain) []meter.Domain {
	shown := map[component]meter.Domain{}
	var order []component
	for _, z := range zones {
		c := component{z.Kind, z.Device}
		if _, twice := shown[c]; !twice && outermost(z) {
			shown[c] = z
			order = append(order, c)
		}
	}
	has := map[component]bool{}
	out := slices.Clone(domains)
	for i := range out {
		d := &out[i]
		c := component{d.Kind, d.Device}
		if d.LeftOut != "contained" {
			has[c] = true
		}
		if d.LeftOut != "" {
			continue
		}
		z, also := shown[c]
		switch {
		case len(zones) == 0:
			d.Why += "; powercap shows nothing to check it by"
		case !also:
			d.Why += "; powercap does not show it"
		default:
			d.Why += "; powercap shows it too"
			d.ResolutionJ = z.ResolutionJ // the event's own step is finer than the counter's
		}
	}
	for _, c := range order {
		if z := shown[c]; !has[c] {
			out = append(out, meter.Domain{
				ID: z.ID, Kind: z.Kind, Device: z.Device, Name: z.Name, Path: z.Path,
				Method: z.Method, Sensor: z.Sensor, Mode: "perf", IdleFound: "unknown",
				LeftOut: "refused", Why: "only powercap shows it: there is no event that counts it",
			})
		}
	}
	return out
}

// outermost tells whether a zone of powercap is one that counts, or would if it
// could be read.
func outermost(z meter.Domain) bool {
	if z.LeftOut != "" && z.LeftOut != "unreadable" {
		return false
	}
	return rapl.Parse(z.Name).Kind != "" || z.Name == rapl.DRAM
}
