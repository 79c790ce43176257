package main

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// key names what is compared. A modelled figure has another unit than a
// measured one, and is not compared with it.
type key struct{ pkg, name, unit string }

// results are the energy of each run of each benchmark.
type results struct {
	order  []key // as they came
	values map[key][]float64
	cpus   []string
}

// read reads what benchmarks printed.
func read(name string) (*results, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &results{values: map[key][]float64{}}
	lines := benchfmt.NewReader(f, name)
	for lines.Scan() {
		b, ok := lines.Result().(*benchfmt.Result)
		if !ok {
			continue // what is logged among them
		}
		if cpu := b.GetConfig("cpu"); !slices.Contains(r.cpus, cpu) {
			r.cpus = append(r.cpus, cpu)
		}
		for _, v := range b.Values {
			if !strings.HasSuffix(v.Unit, "nJ/op") {
				continue
			}
			k := key{b.GetConfig("pkg"), b.Name.String(), v.Unit}
			if r.values[k] == nil {
				r.order = append(r.order, k)
			}
			r.values[k] = append(r.values[k], v.Value)
		}
	}
	slices.Sort(r.cpus)
	return r, lines.Err()
}
