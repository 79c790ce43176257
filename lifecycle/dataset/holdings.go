package dataset

import (
	"maps"
	"slices"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// holding is that the job held a component in a stage, as one meter read it.
type holding struct {
	component *component
	instances map[string]bool // of entries that name and held all of their devices; nil if one does not
	count     int             // the most devices that one shard held
	useS      float64         // the longest
	seconds   float64         // device-seconds: Σ count × share × use_s
	wide      bool            // by a shard of scope machine, which holds all that others do
}

// hold adds that a shard held devices.
func (w *row) hold(c *component, s *shard, u *lifecycle.Usage) {
	h := &s.Hardware[s.entry[u.Hardware]]
	o := w.by[c]
	if o == nil {
		o = &holding{component: c, instances: map[string]bool{}}
		w.by[c] = o
		w.holds = append(w.holds, o)
	}
	o.wide = o.wide || s.Run.Scope == lifecycle.ScopeMachine
	o.count, o.useS = max(o.count, *u.Count), max(o.useS, *u.UseS)
	if len(h.Instance) != h.Count || *u.Count != h.Count {
		o.instances = nil
	} else if o.instances != nil {
		for _, i := range h.Instance {
			o.instances[i] = true
		}
	}
	if u.Share == nil {
		return
	}
	seconds := float64(*u.Count) * *u.Share * *u.UseS
	o.seconds += seconds
	w.shares[u.ShareBy] += seconds
	if w.usage.Share == nil {
		w.usage.Share = new(*u.Share) // holds where no time was taken
	}
}

// holdings tells how many devices of each class each stage held, for how long
// and which share of them. Device-seconds add up, but no device is held twice
// at a time, nor for longer than the longest shard lasted; use_s is that of the
// longest, unless stages that different ranks were in at the same time would
// then last longer together than the job did (R10).
func (j *job) holdings(stages []*stage) {
	longest := j.longest()
	all, cut := map[*component]float64{}, map[*class]float64{} // device-seconds
	wide := map[*component]bool{}
	each := func(f func(w *row)) {
		for _, st := range stages {
			for _, w := range st.order {
				f(w)
			}
		}
	}
	each(func(w *row) {
		for _, o := range w.holds {
			o.count = max(o.count, len(o.instances))
			most := min(o.seconds, float64(o.count)*o.useS)
			if !o.wide {
				cut[w.class] += o.seconds - most
			}
			wide[o.component] = wide[o.component] || o.wide
			o.seconds = most
			all[o.component] += most
		}
	})
	for _, c := range j.components {
		if !wide[c] {
			cut[c.class] += beyond(all[c], float64(c.count)*longest)
		}
	}
	time, seconds := map[*class]float64{}, map[*class]float64{} // Σ count × use_s, and device-seconds
	each(func(w *row) {
		count := 0
		var useS, held float64
		for _, o := range w.holds {
			count += o.count
			useS = max(useS, o.useS)
			held += o.seconds * fair(all[o.component], float64(o.component.count)*longest)
		}
		w.usage.Count, w.usage.UseS, w.usage.DeviceS = &count, &useS, &held
		time[w.class] += float64(count) * useS
		seconds[w.class] += held
	})
	each(func(w *row) {
		h := &j.rec.Hardware[w.class.at]
		u := &w.usage
		if there := float64(h.Count) * longest; time[w.class] > there {
			least := *u.DeviceS / float64(max(*u.Count, 1))
			*u.UseS = least + (*u.UseS-least)*max(there-seconds[w.class], 0)/(time[w.class]-seconds[w.class])
		}
		w.share(h.Embodied != nil)
		u.DeviceS = nil
	})
	for _, k := range j.classes {
		if cut[k] > 1e-6*float64(j.rec.Hardware[k.at].Count)*longest {
			j.warn(overlap, pointer("hardware", k.at), "shards held it for %.6g device-seconds more than there were: these count once", cut[k])
		}
	}
}

// leastShare is what stands for a share of nothing, which cannot be written.
const leastShare = 1e-9

// share gives a row the share of its devices that makes the device-seconds.
func (w *row) share(needed bool) {
	u := &w.usage
	if u.Share == nil && !needed {
		return
	}
	by := slices.MaxFunc(append(slices.Sorted(maps.Keys(w.shares)), ""), func(a, b string) int {
		switch {
		case a == "" || w.shares[a] < w.shares[b]:
			return -1
		case b == "" || w.shares[a] > w.shares[b]:
			return 1
		}
		return 0
	})
	if by == "" { // no shard that was there held it
		by = "cpu-time"
		u.Share = new(leastShare)
	}
	if held := float64(*u.Count) * *u.UseS; held > 0 {
		u.Share = new(min(max(*u.DeviceS/held, leastShare), 1))
	}
	if by == "exclusive" {
		if *u.Share > 1-1e-9 {
			*u.Share = 1
		} else {
			by = "reserved" // whole, but not all of them all the time
		}
	}
	u.ShareBy = by
}
