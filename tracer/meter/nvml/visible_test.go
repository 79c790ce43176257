package nvml

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// node is a host with four GPUs of one model, the last split by MIG.
var node = []physical{
	{uuid: "GPU-aaaa1111-0", model: "A100"}, {uuid: "GPU-aaaa2222-0", model: "A100"}, {uuid: "GPU-bbbb1111-0", model: "A100"},
	{uuid: "GPU-cccc1111-0", model: "A100", instances: []string{"MIG-1111", "MIG-1222"}},
}

var mixed = []physical{{uuid: "GPU-1", model: "GT 1030"}, {uuid: "GPU-2", model: "RTX 4090"}}

// These guard trap 24: what CUDA hides from a process is not counted.
func TestVisibleDevicesAreReadAsCUDADoes(t *testing.T) {
	for name, test := range map[string]struct {
		list      string
		order     string
		gpus      []physical
		ordinals  map[int]int
		instances []int
		uncertain bool
	}{
		"none":                                {list: "", ordinals: map[int]int{}},
		"none, said otherwise":                {list: "-1", ordinals: map[int]int{}},
		"none, by a word":                     {list: "NoDevFiles", ordinals: map[int]int{}},
		"one":                                 {list: "2", ordinals: map[int]int{2: 0}},
		"in another order":                    {list: "2,0", ordinals: map[int]int{2: 0, 0: 1}},
		"with blanks":                         {list: " 1 , 0 ", ordinals: map[int]int{1: 0, 0: 1}},
		"what comes after -1 is hidden":       {list: "0,2,-1,1", ordinals: map[int]int{0: 0, 2: 1}},
		"what comes after garbage is hidden":  {list: "1,x,0", ordinals: map[int]int{1: 0}},
		"what comes after a hole is hidden":   {list: "1,,0", ordinals: map[int]int{1: 0}},
		"a number that there is not ends it":  {list: "1,4,0", ordinals: map[int]int{1: 0}},
		"one that was named before ends it":   {list: "1,1,0", ordinals: map[int]int{1: 0}},
		"a large number ends it":              {list: "99999999999999999999,0", ordinals: map[int]int{}},
		"by UUID":                             {list: "GPU-bbbb1111-0,GPU-aaaa1111-0", ordinals: map[int]int{2: 0, 0: 1}},
		"by the beginning of a UUID":          {list: "GPU-b", ordinals: map[int]int{2: 0}},
		"a beginning of two ends it":          {list: "2,GPU-aaaa,0", ordinals: map[int]int{2: 0}},
		"an unknown UUID ends it":             {list: "GPU-dddd,0", ordinals: map[int]int{}},
		"number and UUID":                     {list: "1,GPU-b", ordinals: map[int]int{1: 0, 2: 1}},
		"a MIG device":                        {list: "MIG-1222", ordinals: map[int]int{3: 0}, instances: []int{3*mostInstances + 1}},
		"two MIG devices of one GPU":          {list: "MIG-1222,MIG-1111", ordinals: map[int]int{3: 0}, instances: []int{3 * mostInstances, 3*mostInstances + 1}},
		"an unknown MIG device":               {list: "MIG-3", ordinals: map[int]int{}},
		"a number among models":               {list: "0", gpus: mixed, ordinals: map[int]int{}, uncertain: true},
		"a number among models, in bus order": {list: "0", gpus: mixed, order: "PCI_BUS_ID", ordinals: map[int]int{0: 0}},
		"a UUID among models":                 {list: "GPU-2", gpus: mixed, ordinals: map[int]int{1: 0}},
		"none among models":                   {list: "", gpus: mixed, ordinals: map[int]int{}},
		"no GPU at all":                       {list: "0,GPU-", gpus: []physical{}, ordinals: map[int]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			gpus := test.gpus
			if gpus == nil {
				gpus = node
			}
			v := visible(test.list, true, test.order, gpus)
			assert.False(t, v.all)
			assert.Equal(t, test.ordinals, v.ordinals)
			assert.Equal(t, test.uncertain, v.uncertain)
			assert.ElementsMatch(t, test.instances, slices.Collect(maps.Keys(v.instances)))
		})
	}
}

func TestAllDevicesAreVisibleIfNothingIsSaid(t *testing.T) {
	v := visible("", false, "", node[:3])
	assert.True(t, v.sees(2))
	assert.Equal(t, map[int]int{0: 0, 1: 1, 2: 2}, v.ordinals, "and CUDA numbers them so")
	v = visible("", false, "", mixed)
	assert.True(t, v.sees(1))
	assert.Empty(t, v.ordinals, "CUDA's own numbers of several models are not known")
	v = visible("", false, "PCI_BUS_ID", mixed)
	assert.Equal(t, map[int]int{0: 0, 1: 1}, v.ordinals)
	v = visible("", false, "", node)
	assert.Empty(t, v.ordinals, "nor where MIG devices come between them")
}

// Whatever the list says, devices are there and their numbers are different;
// what is named after the end of the list changes nothing.
func FuzzVisible(f *testing.F) {
	for _, list := range []string{"", "0", "2,0,-1,1", "GPU-aaaa1111-0,1", "MIG-1111,MIG-1222", "0,0", "GPU-,MIG-", "1, 2,é\x00,3", "+1,0x2,1e0"} {
		f.Add(list, "")
	}
	f.Add("0,1", "PCI_BUS_ID")
	f.Fuzz(func(t *testing.T, list, order string) {
		for _, gpus := range [][]physical{node, mixed, nil} {
			v := visible(list, true, order, gpus)
			taken := map[int]bool{}
			for gpu, ordinal := range v.ordinals {
				assert.True(t, gpu >= 0 && gpu < len(gpus) && v.sees(gpu))
				assert.False(t, taken[ordinal], "two GPUs are cuda:%d", ordinal)
				assert.LessOrEqual(t, ordinal, strings.Count(list, ","))
				taken[ordinal] = true
			}
			for key := range v.instances {
				gpu := key / mostInstances
				assert.True(t, gpu < len(gpus) && key%mostInstances < len(gpus[gpu].instances))
				assert.Contains(t, v.ordinals, gpu)
			}
			if !v.uncertain {
				more := visible(list+",-1,0", true, order, gpus)
				assert.Equal(t, v.ordinals, more.ordinals)
			}
		}
	})
}
