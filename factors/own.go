package factors

import (
	"cmp"
	"slices"
	"strings"
)

// ownRow is a row of the caller's with what it is of: a key of a step, or "" if
// it is of the site itself.
type ownRow struct {
	*Factor
	key string
}

// declared is the row as it is returned.
func (r ownRow) declared() Factor {
	f := *r.Factor
	if f.Found != Live {
		f.Found = Declared
	}
	return f
}

// ownRows are the rows of Own that could answer q. It tells look of those of
// the kind that never could.
func (q *Query) ownRows(t figures, steps []step, look func(Candidate)) []ownRow {
	var out []ownRow
	for i := range q.Own {
		f := &q.Own[i]
		if f.Kind != q.Kind {
			continue
		}
		row := ownRow{Factor: f, key: q.keyOf(f, t)}
		why := q.unfit(f)
		if why == "" && row.key != "" && !slices.ContainsFunc(steps, func(st step) bool { return st.key == row.key }) {
			why = "of " + row.key + ", which is not what was asked for"
		}
		switch {
		case why == "":
			out = append(out, row)
		case look != nil:
			copied := *f
			look(Candidate{ID: f.ID, Factor: &copied, Why: why})
		}
	}
	return out
}

// keyOf tells what a row is of: a place by its geography, else a place or class
// by its id, else the site. For kinds that are not looked up by place a row of
// the world is of any site.
func (q *Query) keyOf(f *Factor, t figures) string {
	place := f.Geography
	if place == world && !byPlace(q.Kind) {
		place = ""
	}
	key := strings.TrimPrefix(f.ID, string(f.Kind)+".")
	// Each service is one of its own, whose name may be llama-3.1:8b.
	service := q.Kind == Storage || q.Kind == Transfer || q.Kind == Service
	if service {
		key = strings.TrimSuffix(key, unitSuffix(f))
	} else {
		key, _, _ = strings.Cut(key, ".")
	}
	if !service && strings.Contains(key, ":") || byPlace(q.Kind) && key != "" && key == q.Zone {
		return key // of a cloud region or zone; its geography tells where that is
	}
	if byPlace(q.Kind) {
		if place == "" && q.isPlace(key, t) {
			place = key
		}
		return place
	}
	_, known := t.find(Query{Kind: q.Kind, Unit: f.Unit}, key)
	known = known || key == q.Class || service
	switch {
	case place == "" || !bySite(q.Kind) && (place == q.Country || place == q.Region):
		if known {
			return key
		}
		return ""
	case bySite(q.Kind) && known && key != q.Class:
		return key // of another class there
	}
	return place
}

// unitSuffix is what its unit adds to the id of a row.
func unitSuffix(f *Factor) string { return (&Query{Kind: f.Kind, Unit: f.Unit}).suffix() }

// isPlace tells whether the key of an id names a place.
func (q *Query) isPlace(key string, t figures) bool {
	if key == world || IsCountry(key) || isRegion(key) && IsCountry(key[:2]) {
		return true
	}
	_, known := t.find(Query{Kind: q.Kind}, key)
	return known
}

// owns tells whether a row of Own is of a class that the data set has not.
func (q *Query) owns(class string) bool {
	for i := range q.Own {
		key, ok := strings.CutPrefix(q.Own[i].ID, string(q.Kind)+".")
		if ok && q.Own[i].Kind == q.Kind && key == class {
			return true
		}
	}
	return false
}

// unfit says why a row of the kind that is asked for can never be taken, or "".
func (q *Query) unfit(f *Factor) string {
	switch {
	case q.Unit != "" && f.Unit != q.Unit:
		return "in " + f.Unit + ", not in " + q.Unit
	case q.Unit == "" && unitSuffix(f) != "":
		return "in " + f.Unit + ", which was not asked for"
	case isElectric(q.Kind) && f.Basis != q.basis():
		return "of basis " + cmp.Or(f.Basis, unknown) + ", not " + q.basis()
	}
	for _, axis := range []struct{ name, has, want string }{
		{"signal", f.Signal, wanted[q.Kind].signal},
		{"accounting", f.Accounting, wanted[q.Kind].accounting},
		{"mix", f.Mix, wanted[q.Kind].mix},
	} {
		if axis.want != "" && axis.has != axis.want {
			return "of " + axis.name + " " + cmp.Or(axis.has, unknown) + ", not " + axis.want
		}
	}
	if q.Kind == Grid && f.Mix == "residual" {
		return "of mix residual, which is no grid's"
	}
	return ""
}

// wanted are the axes that a kind implies; what is empty may be either.
var wanted = map[Kind]struct{ signal, accounting, mix string }{
	Grid:       {signal: "average", accounting: "location"},
	Residual:   {signal: "average", accounting: "market", mix: "residual"},
	Instrument: {accounting: "market"},
	Marginal:   {signal: "marginal"},
}
