package prom

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// device is a GPU that an exporter tells.
type device struct {
	number      int
	uuid, model string
	split       bool // into instances (MIG)
}

// visibility is what of the GPUs of a node is this process's.
type visibility struct {
	mine    []bool // beside the GPUs
	ordinal []int  // what CUDA calls them; -1 if that is not known
	why     string // what decided it
}

// visible tells which of the GPUs of the node, in the order of their numbers,
// are this process's: an exporter tells those of the whole node, of which a
// container often has a few.
//
// NVIDIA_VISIBLE_DEVICES is what the container runtime gives to a container
// (docs.nvidia.com/datacenter/cloud-native/container-toolkit, Environment
// variables), CUDA_VISIBLE_DEVICES what the process takes of that (CUDA
// Programming Guide, CUDA Environment Variables).
func visible(all []device, given []string, getenv func(string) (string, bool)) visibility {
	v := visibility{mine: make([]bool, len(all)), ordinal: slices.Repeat([]int{-1}, len(all))}
	held := make([]int, 0, len(all)) // places in all
	container, set := getenv("NVIDIA_VISIBLE_DEVICES")
	limited := given == nil && set && container != "" && container != "all"
	switch {
	case given != nil:
		v.why = "Config.Devices"
	case limited:
		given, v.why = strings.Split(container, ","), "NVIDIA_VISIBLE_DEVICES"
	}
	for i, d := range all {
		if given == nil || slices.ContainsFunc(given, func(s string) bool { return names(s, d) }) {
			held = append(held, i)
		}
	}
	order, _ := getenv("CUDA_DEVICE_ORDER")
	// CUDA numbers them as the driver does if it is told to or they are alike.
	known := order == "PCI_BUS_ID" || !slices.ContainsFunc(held, func(i int) bool { return all[i].model != all[held[0]].model })
	process, set := getenv("CUDA_VISIBLE_DEVICES")
	switch {
	case v.why == "Config.Devices":
		known = false
	case set:
		picked, certain := pick(all, held, process, known)
		if v.why = "CUDA_VISIBLE_DEVICES"; certain {
			held = picked
		}
		known = certain
	case slices.ContainsFunc(held, func(i int) bool { return all[i].split }):
		known = false // CUDA numbers the instances
	}
	for n, i := range held {
		if v.mine[i] = true; known {
			v.ordinal[i] = n
		}
	}
	return v
}

// pick takes of the devices that are held what CUDA_VISIBLE_DEVICES lists:
// numbers, which count what is held, UUIDs, and beginnings of them that are
// those of one device only. What means none, or one that was named before, ends
// the list. It is not certain of numbers if the order is not known.
func pick(all []device, held []int, list string, known bool) (picked []int, certain bool) {
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		at, matches := -1, 0
		if n, err := strconv.Atoi(s); err == nil {
			if n >= 0 && n < len(held) {
				at, matches = held[n], 1
			}
			if matches > 0 && !known {
				return nil, false
			}
		} else {
			for _, i := range held {
				if names(s, all[i]) {
					at = i
					matches++
				}
			}
		}
		if matches != 1 || slices.Contains(picked, at) {
			break
		}
		picked = append(picked, at)
	}
	return picked, true
}

// names tells whether s is the number of a device, its UUID or the beginning of
// that, or a part of it, MIG-GPU-<uuid>/<instance>/<instance>. A MIG-<uuid> does
// not tell of which device it is a part.
func names(s string, d device) bool {
	s = strings.TrimSpace(s)
	if n, err := strconv.Atoi(s); err == nil {
		return n == d.number
	}
	if whole, ok := strings.CutPrefix(s, "MIG-"); ok {
		s, _, _ = strings.Cut(whole, "/")
	}
	return len(s) > len("GPU-") && strings.HasPrefix(s, "GPU-") && strings.HasPrefix(d.uuid, s)
}

func getenv(name string) (string, bool) { return os.LookupEnv(name) }
