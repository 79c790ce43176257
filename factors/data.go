package factors

import (
	"cmp"
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

// tables are the factor tables and the kinds that are in them, in the order of
// their ids in the docs. A lookup parses those of its kind, once.
var tables = []*table{
	{name: "grid.csv", kinds: []Kind{Grid}},
	{name: "grid_region.csv", kinds: []Kind{Grid}},
	{name: "grid_cloud.csv", kinds: []Kind{Grid}},
	{name: "market.csv", kinds: []Kind{Residual, Instrument}},
	{name: "loss.csv", kinds: []Kind{Loss}},
	{name: "ewif.csv", kinds: []Kind{EWIF}},
	{name: "site.csv", kinds: []Kind{PUE, WUE}},
	{name: "cloud_site.csv", kinds: []Kind{PUE, WUE, CarbonFree}},
	{name: "service.csv", kinds: []Kind{Storage, Transfer, Service}},
	{name: "device.csv", kinds: []Kind{Production, EndOfLife, Transport, Lifetime, Utilisation}},
	{name: "power.csv", kinds: []Kind{IdlePower, FullPower}},
	{name: "model.csv", kinds: []Kind{Production}},
}

type table struct {
	name  string
	kinds []Kind

	once sync.Once
	rows set
	err  error
}

// suffixes tell figures of one key apart in ids: production.server is in
// gCO2e, production.server.adpe in kgSbeq.
var suffixes = map[string]string{"kgSbeq": ".adpe", "J": ".primary-energy", "kg": ".waste"}

// suffix of the ids that q asks for: grid.FR is life cycle, grid.FR.direct is
// not; service.web-search is in Wh, service.web-search.gco2e in grams.
func (q *Query) suffix() string {
	switch {
	case isElectric(q.Kind) && q.Basis == "direct":
		return ".direct"
	case q.Kind == Service && q.Unit == "gCO2e":
		return ".gco2e"
	}
	return suffixes[q.Unit]
}

// set is factors by id, which is kind.place or kind.class.
type set map[string]Factor

// sources are where the rows of the tables are from, by id.
var sources = sync.OnceValues(func() (map[string]*sourceOf, error) { return sourcesOf("source.csv") })

// parse reads the table at the first call. It fails only in a broken build:
// tests hold every row to Load.
func (t *table) parse() (set, error) {
	t.once.Do(func() {
		from, err := sources()
		if err != nil {
			t.err = err
			return
		}
		t.rows, t.err = readTable(t.name, from)
	})
	return t.rows, t.err
}

func readTable(name string, from map[string]*sourceOf) (set, error) {
	file, err := data.Open("data/" + name)
	if err != nil {
		return nil, err
	}
	rows, err := read(file, from)
	if err != nil {
		return nil, fmt.Errorf("embedded %s: %w", name, err)
	}
	s := make(set, len(rows))
	for _, f := range rows {
		s[f.ID] = f
	}
	return s, nil
}

// figures are the tables that have a kind.
type figures []set

func figuresOf(kind Kind) (figures, error) {
	var out figures
	for _, t := range tables {
		if !slices.Contains(t.kinds, kind) {
			continue
		}
		s, err := t.parse()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// embedded is all tables at once.
var embedded = sync.OnceValues(func() (set, error) {
	all := set{}
	for _, t := range tables {
		s, err := t.parse()
		if err != nil {
			return nil, err
		}
		for id, f := range s {
			all[id] = f
		}
	}
	return all, nil
})

func (t figures) find(q Query, key string) (Factor, bool) {
	for _, s := range t {
		if f, ok := s.find(q, key); ok {
			return f, true
		}
	}
	return Factor{}, false
}

// find looks up a place or class. A key with a dot would reach into the
// suffixes.
func (s set) find(q Query, key string) (Factor, bool) {
	if strings.Contains(key, ".") {
		return Factor{}, false
	}
	id := string(q.Kind) + "." + key
	f, ok := s[id+q.suffix()]
	if !ok && q.Kind == Service && q.Unit == "" {
		f, ok = s[id+".gco2e"] // what is told in grams alone
	}
	return f, ok && (q.Unit == "" || f.Unit == q.Unit)
}

// classes lists what a query could have named.
func (t figures) classes(q Query) []string {
	var out []string
	for _, s := range t {
		out = append(out, s.classes(q)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s set) classes(q Query) []string {
	var out []string
	for id, f := range s {
		key, _, _ := strings.Cut(strings.TrimPrefix(id, string(q.Kind)+"."), ".")
		if _, ok := s.find(q, key); ok && f.Kind == q.Kind && !strings.Contains(key, ":") && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// isElectric tells the kinds whose figures are of a basis, life cycle or direct.
func isElectric(k Kind) bool {
	return k == Grid || k == Residual || k == Instrument || k == Marginal
}

// basis that q asks for, of a kind that has one.
func (q *Query) basis() string { return cmp.Or(q.Basis, "lifecycle") }
