package detect

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// listing is what one source reported.
type listing struct {
	source  string
	domains []meter.Domain
}

// tree is what becomes of the domains that the sources reported: which are
// counted, and of which node they are parts.
type tree struct {
	sources []listing
	by      map[place]place // what is counted in place of a domain that is left out
	nodes   []node
}

// place is a domain of a source.
type place struct{ source, domain int }

// node is a node that is counted, and its parts that are.
type node struct {
	at    place
	whole meter.Domain // as its source reported it
	parts []place
}

// fuse builds the tree of all domains that the sources reported, which come in
// the order in which they win over equals. It is a pure function: it reads
// nothing, and does not change what it is given.
//
// Of several that tell the same device the best is counted: metered before
// counter before declared before modelled, and of equals the first; the others
// are mirrored. What lies within a device that is counted is contained.
//
// A node keeps its parts apart where they have a meter of their own: they are
// counted, and of the node only what it draws beyond them, as nodeN/rest. Parts
// that are only modelled are contained in it.
func fuse(reported []listing) tree {
	t := tree{by: map[place]place{}}
	for _, l := range reported {
		t.sources = append(t.sources, listing{l.source, slices.Clone(l.domains)})
	}
	t.mirror()
	t.refuseGuesses()
	t.contain()
	t.divide()
	t.name()
	return t
}

func (t *tree) domain(p place) *meter.Domain { return &t.sources[p.source].domains[p.domain] }

// counted are the places of the domains that are not left out, in order.
func (t *tree) counted() []place {
	var list []place
	for i, s := range t.sources {
		for j, d := range s.domains {
			if d.LeftOut == "" {
				list = append(list, place{i, j})
			}
		}
	}
	return list
}

func (t *tree) leaveOut(p place, as, why string, by place) {
	d := t.domain(p)
	d.LeftOut, d.Why = as, why
	t.by[p] = by
}

// mirror leaves out what another source tells better.
func (t *tree) mirror() {
	list := t.counted()
	slices.SortStableFunc(list, func(a, b place) int {
		return cmp.Compare(merit(t.domain(b)), merit(t.domain(a)))
	})
	var kept []place
next:
	for _, p := range list {
		for _, k := range kept {
			if k.source != p.source && same(t.domain(k), t.domain(p)) {
				t.leaveOut(p, "mirrored", t.sources[k.source].source+" tells the same device", k)
				continue next
			}
		}
		kept = append(kept, p)
	}
	t.replace(kept)
}

// replace notes what is counted in place of what cannot be.
func (t *tree) replace(kept []place) {
	for i, s := range t.sources {
		for j := range s.domains {
			p := place{i, j}
			if _, known := t.by[p]; known || s.domains[j].LeftOut == "" || s.domains[j].LeftOut == "contained" {
				continue
			}
			for _, k := range kept {
				if k.source != i && same(t.domain(k), t.domain(p)) {
					t.by[p] = k
					break
				}
			}
		}
	}
}

// merit orders domains, the best last. A battery tells the whole machine, but
// only while nothing charges it, so that anything but a guess is better.
func merit(d *meter.Domain) int {
	if isNode(d) && d.Sensor == "battery" {
		return min(rank(d.Method), 1)
	}
	return 2 * rank(d.Method)
}

// rank orders the methods, the best last; a guess is 0.
func rank(m lifecycle.Method) int {
	return max(slices.Index([]lifecycle.Method{lifecycle.Modelled, lifecycle.Declared, lifecycle.Counter, lifecycle.Metered}, m), 0)
}

// refuseGuesses leaves out nodes that are only modelled where parts of them
// have a meter: what these tell is not set off against a guess.
func (t *tree) refuseGuesses() {
	for _, n := range t.counted() {
		if !isNode(t.domain(n)) || merit(t.domain(n)) > 0 {
			continue
		}
		for _, p := range t.counted() {
			if p != n && merit(t.domain(p)) > 0 && t.covers(n, p) {
				t.leaveOut(n, "refused", "a model of the whole node is not set off against the meters of its parts", p)
				break
			}
		}
	}
}

// isNode tells whether a domain is a whole node, and no rest of one.
func isNode(d *meter.Domain) bool { return d.Kind == lifecycle.KindNode && !isRest(d) }

func isRest(d *meter.Domain) bool { return strings.HasSuffix(d.ID, "/rest") }

// maxDepth is how deep domains lie within one another at most: node, package,
// die, cores. It ends what leads in a circle.
const maxDepth = 8

// contain leaves out what lies within another device that is no node.
func (t *tree) contain() {
	for _, p := range t.counted() {
		in, ok := t.container(p)
		for depth := 0; ok && in != p && depth < maxDepth; depth++ {
			c := t.domain(in)
			if isNode(c) {
				break
			}
			if c.LeftOut == "" {
				t.leaveOut(p, "contained", "part of "+c.ID, in)
				break
			}
			if c.LeftOut != "contained" {
				if c.Kind == lifecycle.KindCPU { // which is modelled as a whole
					t.leaveOut(p, "refused", "part of "+c.ID+", which cannot be counted; alone it would leave out the rest", in)
				}
				break
			}
			in, ok = t.container(in)
		}
	}
}

// container is the domain that a domain lies within, or what is counted in its
// place.
func (t *tree) container(p place) (place, bool) {
	id := t.domain(p).Within
	if id == "" {
		return place{}, false
	}
	at, found := t.find(id, p)
	for range t.by {
		other, replaced := t.by[at]
		if !found || !replaced || t.domain(at).LeftOut == "contained" {
			break
		}
		at = other
	}
	return at, found && at != p
}

// find looks for an ID: in the source that speaks of it, then among what is
// counted, then among all.
func (t *tree) find(id string, from place) (place, bool) {
	for j, d := range t.sources[from.source].domains {
		if d.ID == id {
			return place{from.source, j}, true
		}
	}
	for _, p := range t.counted() {
		if t.domain(p).ID == id {
			return p, true
		}
	}
	for i, s := range t.sources {
		for j, d := range s.domains {
			if d.ID == id {
				return place{i, j}, true
			}
		}
	}
	return place{}, false
}

// covers tells whether a node that is counted has a domain as its part. Psys is
// wired to the processors and their memory; whether cards and disks are behind
// it is up to the maker of each board.
func (t *tree) covers(n, p place) bool {
	whole, d := t.domain(n), t.domain(p)
	if isNode(d) {
		return false
	}
	if isRest(d) {
		return d.Device == whole.Device
	}
	in, ok := t.container(p)
	for range maxDepth {
		if !ok {
			break
		}
		if in == n {
			return p.source == n.source || reaches(whole, d)
		}
		if c := t.domain(in); isNode(c) && c.LeftOut == "" {
			return false // of another
		}
		in, ok = t.container(in)
	}
	if whole.Device != 0 {
		return false
	}
	return reaches(whole, d) // what no source says of is of the first node
}

// reaches tells whether devices of a kind are behind a node's meter.
func reaches(whole, d *meter.Domain) bool {
	return !isPsys(whole) || d.Kind == lifecycle.KindCPU || d.Kind == lifecycle.KindMemory
}

func isPsys(d *meter.Domain) bool { return isNode(d) && d.Sensor == "rapl" }

// divide finds the parts of each node, and makes a rest of it if it has any.
func (t *tree) divide() {
	for _, at := range t.counted() {
		if !isNode(t.domain(at)) {
			continue
		}
		n := node{at: at, whole: *t.domain(at)}
		for _, p := range t.counted() {
			if p == at || !t.covers(at, p) {
				continue
			}
			switch d := t.domain(p); {
			case isRest(d):
				t.leaveOut(p, "contained", "part of the node, which "+t.sources[at.source].source+" tells as a whole", at)
			case merit(d) == 0:
				t.leaveOut(p, "contained", "only modelled, and part of the node, which "+t.sources[at.source].source+" tells as a whole", at)
			default:
				n.parts = append(n.parts, p)
			}
		}
		t.nodes = append(t.nodes, n)
	}
	for _, n := range t.nodes { // once the parts of all are known
		id := "node" + strconv.Itoa(n.whole.Device)
		for _, p := range n.parts {
			if d := t.domain(p); d.Within == "" {
				d.Within = id
			}
		}
		d := t.domain(n.at)
		d.ID = id
		if len(n.parts) > 0 {
			t.makeRest(n, d)
		}
		if isPsys(&n.whole) {
			d.Why += "; psys is the packages and the memory, and what else the maker of the board has wired up: whether graphics cards and disks are behind it is not told"
		}
	}
}

// makeRest makes the domain of a node that of what it draws beyond its parts.
func (t *tree) makeRest(n node, d *meter.Domain) {
	var ids []string
	idle, known := d.IdleW, d.IdleW > 0
	worst := 0.0
	for _, p := range n.parts {
		part := t.domain(p)
		ids = append(ids, part.ID)
		worst = max(worst, part.RelError)
		if rank(part.Method) < rank(d.Method) {
			d.Method = part.Method // a difference is no better than what it is made of
		}
		idle -= part.IdleW
		known = known && part.IdleW > 0
	}
	d.Within, d.ID = d.ID, d.ID+"/rest"
	d.RelError = restError(d.RelError, worst)
	d.Why = "what the node (" + cmp.Or(d.Name, d.Sensor) + ") draws beyond " + inWords(ids)
	d.Owned = false
	if d.IdleW = 0; known {
		d.IdleW = max(idle, 0)
	}
	if d.IdleW == 0 {
		d.IdleFound = "unknown"
	}
}

// restError is how wrong the difference of a node and its parts is, 95 %, if
// the parts draw twice what is left: what the node and the parts are wrong by
// counts three and two times as much then.
func restError(node, parts float64) float64 {
	return math.Hypot(3*node, 2*parts)
}

// inWords lists IDs: all of them if they are few.
func inWords(ids []string) string {
	const most = 4
	switch n := len(ids); {
	case n == 1:
		return ids[0]
	case n <= most:
		return strings.Join(ids[:n-1], ", ") + " and " + ids[n-1]
	}
	return strings.Join(ids[:most-1], ", ") + " and " + strconv.Itoa(len(ids)-most+1) + " more parts"
}

// name sees to it that the IDs are unique on the host, over all sources. What
// is counted keeps its ID before what is left out.
func (t *tree) name() {
	taken := map[string]bool{}
	for _, n := range t.nodes {
		taken[t.domain(n.at).Within] = true // the node whose rest is counted
	}
	for _, counted := range []bool{true, false} {
		for i, s := range t.sources {
			for j := range s.domains {
				d := &s.domains[j]
				if (d.LeftOut == "") != counted {
					continue
				}
				was := d.ID
				for taken[d.ID] {
					d.ID = s.source + ":" + d.ID
				}
				taken[d.ID] = true
				if by, ok := t.by[place{i, j}]; d.ID == was || ok && t.domain(by).ID == was {
					continue // what lies within it lies within what is counted in its place
				}
				for k := range s.domains {
					if s.domains[k].Within == was {
						s.domains[k].Within = d.ID
					}
				}
			}
		}
	}
}
