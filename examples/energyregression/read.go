package main

import (
	"io"
	"slices"

	"golang.org/x/perf/benchfmt"
)

// key names what is compared. A modelled figure has another unit than a
// measured one, and is not compared with it.
type key struct{ pkg, name, unit string }

// units are those of tracertest.ReportEnergy in which energy may be told, in
// joules, the finer of each two first.
var units = []struct {
	of, is string
	joules float64
}{
	{"J/op", "nJ/op", 1e-9}, {"J/op", "J/op", 1},
	{"modelled-J/op", "modelled-nJ/op", 1e-9}, {"modelled-J/op", "modelled-J/op", 1},
}

// results are the energy of each run of each benchmark, J.
type results struct {
	order  []key // as they came
	values map[key][]float64
	cpus   []string
}

// read reads what benchmarks printed; name is for errors.
func read(printed io.Reader, name string) (*results, error) {
	r := &results{values: map[key][]float64{}}
	lines := benchfmt.NewReader(printed, name)
	for lines.Scan() {
		b, ok := lines.Result().(*benchfmt.Result)
		if !ok {
			continue // what is logged among them
		}
		if cpu := b.GetConfig("cpu"); !slices.Contains(r.cpus, cpu) {
			r.cpus = append(r.cpus, cpu)
		}
		told := "" // already, by this line
		for _, u := range units {
			v, ok := b.Value(u.is)
			if !ok || u.of == told {
				continue
			}
			told = u.of
			k := key{b.GetConfig("pkg"), b.Name.String(), u.of}
			if r.values[k] == nil {
				r.order = append(r.order, k)
			}
			r.values[k] = append(r.values[k], v*u.joules)
		}
	}
	slices.Sort(r.cpus)
	return r, lines.Err()
}
