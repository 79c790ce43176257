package dataset

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// notes takes over what the shards list as missing and warn of.
func (j *job) notes() {
	j.rec.Missing, j.rec.Warnings = []lifecycle.Missing{}, []lifecycle.Warning{}
	j.index()
	j.missing()
	j.warnings()
}

// index tells where the entries of the merged lists are.
func (j *job) index() {
	j.at = map[string]map[string]int{"environments": {}, "methods": j.methodAt, "factors": {}}
	for i := range j.rec.Environments {
		j.at["environments"][j.rec.Environments[i].ID] = i
	}
	for i := range j.rec.Factors {
		j.at["factors"][j.rec.Factors[i].ID] = i
	}
}

// missing lists the absent ranks, devices of which nobody tells the
// production, and what the shards list.
func (j *job) missing() {
	if absent := j.absentRanks(); absent != "" {
		j.rec.Missing = append(j.rec.Missing, lifecycle.Missing{Path: "/run/merged", What: absent, Reason: "unknown"})
	}
	seen := map[[2]string]bool{}
	add := func(m lifecycle.Missing) {
		if key := [2]string{m.Path, m.What}; !seen[key] {
			seen[key] = true
			j.rec.Missing = append(j.rec.Missing, m)
		}
	}
	for _, k := range j.classes {
		if j.rec.Hardware[k.at].Embodied == nil && (k.coveredBy == nil || j.rec.Hardware[k.coveredBy.at].Embodied == nil) {
			add(lifecycle.Missing{Path: pointer("hardware", k.at, "embodied"), Reason: k.unknown()})
		}
	}
	for _, s := range j.shards {
		domains := map[string]int{}
		for i := range s.Ledger {
			domains[s.Ledger[i].Domain] = i
		}
		for _, m := range s.Missing {
			path, whole := j.place(s, m.Path)
			if !whole || s != j.teller(path, s) || strings.HasPrefix(path, "/hardware/") && strings.HasSuffix(path, "/embodied") {
				continue
			}
			if i, ok := domains[m.What]; ok && path == "/ledger" {
				m.What = j.rec.Ledger[s.lines[i].at].Domain
			}
			m.Path = path
			add(m)
		}
	}
}

// unknown is why the production of a class's devices is not told.
func (k *class) unknown() string {
	for _, c := range k.components {
		for _, m := range c.members {
			path := pointer("hardware", m.i, "embodied")
			for _, miss := range m.Missing {
				if miss.Path == path {
					return miss.Reason
				}
			}
		}
	}
	return "unknown"
}

// teller is the shard whose word counts for a member that is one shard's: the
// given one for others.
func (j *job) teller(path string, s *shard) *shard {
	for _, block := range []string{"/publisher", "/use_case", "/technology"} {
		if path == block || strings.HasPrefix(path, block+"/") {
			return j.tellers[block]
		}
	}
	return s
}

// assessed are the warnings that lifecycle.Assess keeps.
var assessed = []string{"factor-outside-validity", "factor-unverified", "basis-direct", "basis-mixed", "boundary-below-it"}

// warnings lists what the merging warns of, and what the shards do: the same of
// the same place once, with how often.
func (j *job) warnings() {
	j.rec.Warnings = append(j.rec.Warnings, j.own...)
	at := map[[2]string]int{}
	for _, s := range j.shards {
		for _, w := range s.Warnings {
			if slices.Contains(assessed, w.Code) {
				continue
			}
			w.Path, _ = j.place(s, w.Path)
			key := [2]string{w.Code, w.Path}
			i, ok := at[key]
			if !ok {
				at[key] = len(j.rec.Warnings)
				if w.Count != nil {
					w.Count = new(*w.Count)
				}
				j.rec.Warnings = append(j.rec.Warnings, w)
				continue
			}
			to := &j.rec.Warnings[i]
			if to.Count == nil {
				to.Count = new(int64(1))
			}
			if w.Count != nil {
				*to.Count += *w.Count
			} else {
				*to.Count++
			}
		}
	}
}

// place is the JSON Pointer in the merged record to what a shard's points to,
// and whether it is that and not only what it is in.
func (j *job) place(s *shard, path string) (merged string, whole bool) {
	if path == "" {
		return "", true
	}
	parts := strings.Split(path[1:], "/")
	if len(parts) == 1 {
		return path, true
	}
	list, rest := parts[0], parts[2:]
	i, err := strconv.Atoi(parts[1])
	if err != nil { // of an object, which has no other place
		return path, true
	}
	n, ok := -1, false
	switch list {
	case "hardware":
		n, ok = s.component[i].class.at, true
	case "phases":
		var st *stage
		if st, ok = j.stages[s.Phases[i].Stage]; ok {
			n = st.at
		}
		if ok && len(rest) > 1 { // rows and profiles have other places
			return pointer(list, n, rest[0]), false
		}
	case "spans":
		n, ok = j.accounts[account{s.Spans[i].Path, s.Spans[i].Stage}]
	case "ledger":
		n, ok = s.lines[i].at, true
	case "environments":
		n, ok = j.at[list][s.place[s.Environments[i].ID]]
	case "methods":
		n, ok = j.at[list][s.meter[s.Methods[i].ID]]
	case "factors":
		n, ok = j.at[list][s.factor[s.Factors[i].ID]]
	}
	if !ok {
		return "/" + list, false
	}
	merged = pointer(list, n)
	for _, r := range rest {
		merged += "/" + r
	}
	return merged, true
}

// pointer is a JSON Pointer (RFC 6901) of names without / and ~ and indices.
func pointer(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case int:
			b.WriteString(strconv.Itoa(p))
		}
	}
	return b.String()
}

// settleNotes drops what is listed as missing and is there, has warnings point
// to what is there, and lists what is missing now. It returns what is wrong
// with the record then.
func settleNotes(r *lifecycle.Record) []lifecycle.Finding {
	lifecycle.FillMissing(r)
	for {
		findings := lifecycle.Validate(r)
		stale := map[int]bool{}
		moved := false
		for _, f := range findings {
			if f.Warning {
				continue
			}
			parts := strings.Split(f.Pointer, "/")
			if len(parts) < 3 {
				continue
			}
			i, err := strconv.Atoi(parts[2])
			switch {
			case err != nil:
			case f.Rule == "R3" && parts[1] == "missing":
				stale[i] = true
			case f.Rule == "R4" && parts[1] == "warnings" && r.Warnings[i].Path != "":
				moved = true
				at := r.Warnings[i].Path
				r.Warnings[i].Path = at[:strings.LastIndexByte(at, '/')]
			}
		}
		if len(stale) == 0 && !moved {
			return findings
		}
		n := -1
		r.Missing = slices.DeleteFunc(r.Missing, func(lifecycle.Missing) bool { n++; return stale[n] })
	}
}
