package factors

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Version names the data set. It changes whenever a figure does.
const Version = "2026.11"

//go:embed data/*.csv
var data embed.FS

// The keys of what is not known more closely.
const (
	world   = "world"
	unknown = "unknown"
)

// tableFiles are the factor tables, in the order of their ids in the docs.
var tableFiles = []string{"grid.csv", "ewif.csv", "site.csv", "device.csv", "power.csv"}

// suffixes tell the impacts of a device apart in its ids: production.server
// is in gCO2e, production.server.adpe in kgSbeq.
var suffixes = map[string]string{"kgSbeq": ".adpe", "J": ".primary-energy", "kg": ".waste"}

// set is the factor tables by id, which is kind.place or kind.class.
type set map[string]Factor

// embedded parses the tables at the first call. It fails only in a broken
// build: tests hold every row to Read.
var embedded = sync.OnceValues(readTables)

func readTables() (set, error) {
	s := set{}
	for _, name := range tableFiles {
		file, err := data.Open("data/" + name)
		if err != nil {
			return nil, err
		}
		rows, err := Read(file)
		if err != nil {
			return nil, fmt.Errorf("embedded %s: %w", name, err)
		}
		for _, f := range rows {
			s[f.ID] = f
		}
	}
	return s, nil
}

// find looks up a place or class. A key with a dot would reach into the
// suffixes.
func (s set) find(q Query, key string) (Factor, bool) {
	f, ok := s[string(q.Kind)+"."+key+suffixes[q.Unit]]
	return f, ok && (q.Unit == "" || f.Unit == q.Unit) && !strings.Contains(key, ".")
}

// classes lists what a query could have named.
func (s set) classes(q Query) []string {
	var out []string
	for id, f := range s {
		key := strings.TrimPrefix(id, string(q.Kind)+".")
		key = strings.TrimSuffix(key, suffixes[q.Unit])
		if _, ok := s.find(q, key); ok && f.Kind == q.Kind && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}
