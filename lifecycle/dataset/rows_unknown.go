package dataset

import (
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// unknownProduction are the devices of which nobody knows what they took to
// make, by rules R12 and R24: they have no embodied factors, those of no other
// device cover them, and it is not said that they have none. If all are said to
// have none that is as unknown: then a record has no emissions in all.
func unknownProduction(r *lifecycle.Record) (unknown []int) {
	var covered, none map[string]bool
	for h := range r.Hardware {
		if r.Hardware[h].Embodied != nil {
			continue
		}
		if none == nil {
			covered, none = coveredDevices(r), map[string]bool{}
			some := slices.ContainsFunc(r.Phases, func(p lifecycle.PhaseEntry) bool { return p.Stage.Device() })
			for i := range r.Missing {
				if m := &r.Missing[i]; some && m.Reason == "not-applicable" && m.What == "" {
					none[m.Path] = true
				}
			}
		}
		if at := pointer("hardware", h); !covered[r.Hardware[h].ID] && !none[at] && !none[at+"/embodied"] {
			unknown = append(unknown, h)
		}
	}
	return unknown
}

// coveredDevices are those whose making is in the figure of another one.
func coveredDevices(r *lifecycle.Record) map[string]bool {
	covered := map[string]bool{}
	for h := range r.Hardware {
		if e := r.Hardware[h].Embodied; e != nil {
			for _, id := range e.Covers {
				covered[id] = true
			}
		}
	}
	return covered
}

// productionOf is the stage that tells what devices took to make; -1 if there is
// none.
func productionOf(r *lifecycle.Record) int {
	return slices.IndexFunc(r.Phases, func(p lifecycle.PhaseEntry) bool {
		return p.Phase == lifecycle.PhaseProduction && p.Stage != lifecycle.Transport
	})
}

// unknown appends rows of devices of which that is not known.
func (t *tabler) unknown(dst []Row, p *lifecycle.PhaseEntry, devices []int) []Row {
	if len(devices) == 0 {
		return dst
	}
	stage := t.stage(p)
	for _, h := range devices {
		dst = append(dst, stage)
		t.fill(&dst[len(dst)-1], p, &lifecycle.Usage{}, h)
	}
	return dst
}
