package prom

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// device is a GPU that an exporter tells.
type device struct {
	number int
	uuid   string
}

// visible tells which of the GPUs of the node, in the order of their numbers,
// are this process's: an exporter tells those of the whole node, of which a
// container mostly has a few. Its answer is beside all; why names what
// decided it.
//
// NVIDIA_VISIBLE_DEVICES is what the container runtime gives to a container
// (docs.nvidia.com/datacenter/cloud-native/container-toolkit, Environment
// variables), CUDA_VISIBLE_DEVICES what the process takes of that (CUDA C++
// programming guide, Environment variables): numbers count what the container
// has, and the first that is none ends the list.
func visible(all []device, given []string, getenv func(string) (string, bool)) (mine []bool, why string) {
	mine = make([]bool, len(all))
	if given != nil {
		for i, d := range all {
			mine[i] = slices.ContainsFunc(given, func(s string) bool { return names(s, d) })
		}
		return mine, "Config.Devices"
	}
	held := make([]int, 0, len(all)) // places in all
	container, set := getenv("NVIDIA_VISIBLE_DEVICES")
	limited := set && container != "" && container != "all"
	for i, d := range all {
		if !limited || slices.ContainsFunc(strings.Split(container, ","), func(s string) bool { return names(s, d) }) {
			held = append(held, i)
		}
	}
	if limited {
		why = "NVIDIA_VISIBLE_DEVICES"
	}
	if process, set := getenv("CUDA_VISIBLE_DEVICES"); set {
		held, why = pick(all, held, process), "CUDA_VISIBLE_DEVICES"
	}
	for _, i := range held {
		mine[i] = true
	}
	return mine, why
}

// pick takes of the devices that are held what CUDA_VISIBLE_DEVICES lists.
func pick(all []device, held []int, list string) []int {
	var picked []int
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		at := -1
		if n, err := strconv.Atoi(s); err == nil {
			if n >= 0 && n < len(held) {
				at = held[n]
			}
		} else {
			for _, i := range held {
				if names(s, all[i]) {
					at = i
					break
				}
			}
		}
		if at < 0 {
			break
		}
		if !slices.Contains(picked, at) {
			picked = append(picked, at)
		}
	}
	return picked
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
