package lifecycle

import "slices"

// checkDevices checks that the making and discarding of each device is told
// once, or said to be unknown (R12).
func (c *checker) checkDevices() {
	r := c.record
	covered := make([]int, len(r.Hardware))
	for i := range r.Hardware {
		e := r.Hardware[i].Embodied
		if e == nil {
			continue
		}
		for j, id := range e.Covers {
			k, ok := c.hardware.get(id)
			if !ok {
				continue
			}
			covered[k]++
			if !slices.Contains(c.wholes(&r.Hardware[k]), r.Hardware[i].ID) {
				c.wrong("R12", c.pointer("hardware", i, "embodied", "covers", j), quote(id), "a part of "+quote(r.Hardware[i].ID),
					"the figures of a device cover only what is a part of it")
			}
		}
	}
	for i := range r.Hardware {
		told := covered[i]
		if r.Hardware[i].Embodied != nil {
			told++
		}
		missing := c.missing.excused(pointer("hardware", i, "embodied"))
		if missing {
			told++
		}
		const expected = "one of embodied, a place in covers of the device that it is part of, and a path in /missing"
		switch {
		case told == 0:
			c.wrong("R12", c.pointer("hardware", i, "embodied"), "nothing", expected, "it is not told what the device took to make")
		case told > 1:
			c.wrong("R12", c.pointer("hardware", i, "embodied"), "several of these", expected, "what the device took to make is told more than once")
		}
	}
	c.checkDeviceRows()
}

// checkDeviceRows checks that each device with embodied factors has one row
// where its production is told, one where its end of life is, and one for its
// transport if that is told apart; and no other device has.
func (c *checker) checkDeviceRows() {
	r := c.record
	type share struct {
		hardware int
		member   string
	}
	rows := map[share]int{}
	entries := map[Stage]int{}
	for i := range r.Phases {
		p := &r.Phases[i]
		entries[p.Stage] = i
		if !p.Stage.Valid() || !p.Stage.Device() {
			continue
		}
		for j := range p.Usage {
			h, ok := c.hardware.get(p.Usage[j].Hardware)
			if !ok {
				continue
			}
			at := c.pointer("phases", i, "usage", j, "hardware")
			e := r.Hardware[h].Embodied
			if e == nil {
				c.wrong("R12", at, quote(p.Usage[j].Hardware), "a device with embodied", "the row has no factors to rest on")
				continue
			}
			impacts, _, member := e.impacts(p.Stage)
			if impacts == nil {
				c.wrong("R12", at, quote(p.Usage[j].Hardware), "a device with embodied/"+member, "the row has no factors to rest on")
				continue
			}
			key := share{h, member}
			if rows[key]++; rows[key] > 1 {
				c.wrong("R12", at, "a second row", "one", "the device's share of its "+member+" is told more than once")
			}
		}
	}
	for h := range r.Hardware {
		e := r.Hardware[h].Embodied
		if e == nil {
			continue
		}
		for _, s := range []Stage{Production, Transport, EndOfLife} {
			impacts, _, member := e.impacts(s)
			if impacts == nil || rows[share{h, member}] > 0 {
				continue
			}
			at := "/phases"
			if i, ok := entries[s]; ok {
				at = c.pointer("phases", i, "usage")
			}
			c.wrong("R12", at, "no row of "+quote(r.Hardware[h].ID), "one row in stage "+string(s), "a device with embodied factors has a row in each stage of devices")
		}
	}
}
