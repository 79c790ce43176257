package nvml

import (
	"slices"
	"strconv"
	"strings"
)

// physical is a GPU as CUDA_VISIBLE_DEVICES names it.
type physical struct {
	uuid, model string
	instances   []string // UUIDs of its MIG devices
}

// visibility is what a process may use.
type visibility struct {
	all       bool         // every GPU
	uncertain bool         // which GPU an index means cannot be told: every one may be
	ordinals  map[int]int  // of visible GPUs: what CUDA calls them
	instances map[int]bool // of visible MIG devices, by gpu*mostInstances+instance: true
}

// mostInstances is more than a GPU has MIG devices.
const mostInstances = 64

// sees tells whether a GPU may be used.
func (v visibility) sees(gpu int) bool {
	_, ok := v.ordinals[gpu]
	return v.all || v.uncertain || ok
}

// visible reads CUDA_VISIBLE_DEVICES as CUDA does ("CUDA Environment Variables"
// in the CUDA Programming Guide): a list of indexes and of UUIDs, which may be
// cut short as long as they mean one device. The first that means none, as -1
// does, ends it; so does one that was named before. An index is that of
// nvidia-smi where CUDA_DEVICE_ORDER is PCI_BUS_ID or all GPUs are of one model;
// else CUDA puts the one that it thinks fastest first and does not say in which
// order the others come.
func visible(list string, set bool, order string, gpus []physical) visibility {
	v := visibility{ordinals: map[int]int{}, instances: map[int]bool{}}
	sameOrder := order == "PCI_BUS_ID" || !slices.ContainsFunc(gpus, func(g physical) bool { return g.model != gpus[0].model })
	if !set {
		v.all = true
		if sameOrder && !slices.ContainsFunc(gpus, func(g physical) bool { return len(g.instances) > 0 }) {
			for i := range gpus {
				v.ordinals[i] = i
			}
		}
		return v
	}
	for ordinal, name := range strings.Split(list, ",") {
		gpu, instance, ok := deviceOf(strings.TrimSpace(name), gpus)
		if !ok {
			break
		}
		key := gpu*mostInstances + instance
		_, seen := v.ordinals[gpu]
		if instance < 0 && seen || instance >= 0 && v.instances[key] {
			break
		}
		if isIndex := instance < 0 && !strings.HasPrefix(strings.TrimSpace(name), "GPU-"); isIndex && !sameOrder {
			v.uncertain = true
			clear(v.ordinals)
			return v
		}
		if !seen {
			v.ordinals[gpu] = ordinal
		}
		if instance >= 0 {
			v.instances[key] = true
		}
	}
	return v
}

// deviceOf is the device that one entry means: instance is -1 for a whole GPU.
func deviceOf(name string, gpus []physical) (gpu, instance int, ok bool) {
	switch {
	case strings.HasPrefix(name, "GPU-"):
		at, matches := -1, 0
		for i, g := range gpus {
			if strings.HasPrefix(g.uuid, name) {
				at, matches = i, matches+1
			}
		}
		return at, -1, matches == 1
	case strings.HasPrefix(name, "MIG-"):
		gpu, instance, matches := -1, -1, 0
		for i, g := range gpus {
			for j, uuid := range g.instances {
				if strings.HasPrefix(uuid, name) {
					gpu, instance, matches = i, j, matches+1
				}
			}
		}
		return gpu, instance, matches == 1
	}
	n, err := strconv.Atoi(name)
	return n, -1, err == nil && n >= 0 && n < len(gpus)
}
