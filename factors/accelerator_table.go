package factors

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// board is a line of the table of accelerators: a card, module or chip, which
// the driver may show as several devices.
type board struct {
	name, vendor, class string
	names               []string // as else it is printed
	form                string   // sxm, pcie, low (half height) or soc (part of a processor's chip)
	family              string   // of keys, as path.Match reads it
	tdp, idle           quantity // W; unknown if not published
	gib                 float64
	memory              string // HBM3, GDDR6, ...
	devices             int    // that the driver shows
	slices              int    // that MIG cuts it into; 0 for none
	flops               float64
	die                 float64 // mm², all chips; 0 if unknown
	dies                int
	dieQuality          string
	quality             string
	idleQuality         string
	source              *sourceOf
}

// accelerators is the table, with the boards that a key may mean.
type accelerators struct {
	boards []*board
	byKey  map[string][]*board
	byName map[string][]*board // as it is written
}

var accelerator = sync.OnceValues(readAccelerators)

func readAccelerators() (*accelerators, error) {
	from, err := sourcesOf("gpu_source.csv")
	if err != nil {
		return nil, err
	}
	t := &accelerators{byKey: map[string][]*board{}, byName: map[string][]*board{}}
	err = eachRow("gpu.csv", func(row []string) error {
		var f fields
		b := &board{
			name: row[0], vendor: row[2], class: row[3], form: row[4], family: row[5],
			tdp: f.quantity(row[6], row[7], row[8]), idle: f.quantity(row[9], row[10], row[11]), idleQuality: row[12],
			gib: f.float(row[13]), memory: row[14], devices: cmp.Or(f.int(row[15]), 1), slices: f.int(row[16]),
			flops: f.float(row[17]) * 1e12, die: f.float(row[18]), dies: f.int(row[19]), dieQuality: row[20],
			quality: row[22], source: f.source(from, row[23]),
		}
		if row[1] != "" {
			b.names = strings.Split(row[1], "|")
		}
		t.boards = append(t.boards, b)
		for _, name := range append(b.names, b.name) {
			put(t.byName, name, b)
			put(t.byKey, nameAccelerator(name).key, b)
		}
		return f.err
	})
	return t, err
}

func put(m map[string][]*board, key string, b *board) {
	if !slices.Contains(m[key], b) {
		m[key] = append(m[key], b)
	}
}

// hit is what the table says of a name.
type hit struct {
	boards []*board // one, or those of a family or class
	found  Found
	class  string
	share  float64 // of a device, for a slice of it; else 1
	gib    float64 // of the device or the slice, as asked or told; 0 if neither
	tried  []Candidate
}

// board is the one that was found, nil if a family or class stands for it.
func (h *hit) board() *board {
	if h.found == Exact || h.found == Normalised {
		return h.boards[0]
	}
	return nil
}

// pass tells why a model was passed over.
func (h *hit) pass(model, why string, args ...any) {
	h.tried = append(h.tried, Candidate{ID: "gpu." + slug(model), Why: fmt.Sprintf(why, args...)})
}

// triedFor is what was tried, as candidates for a figure of that kind.
func (h *hit) triedFor(kind Kind) []Candidate {
	tried := slices.Clone(h.tried)
	for i := range tried {
		tried[i].ID = string(kind) + "." + tried[i].ID
	}
	return tried
}

// find looks a name up. bytes is the memory of the device, 0 if unknown.
func (t *accelerators) find(name string, bytes int64) hit {
	n := nameAccelerator(name)
	gib := float64(bytes) / (1 << 30)
	h := hit{share: 1, gib: gib}
	if n.slices > 0 || n.vgpu > 0 {
		h.gib, gib = cmp.Or(gib, n.sliceGiB), 0 // what is told is the slice's
	}
	candidates := t.byName[strings.TrimSpace(name)]
	fit, found := withMemory(candidates, 0, gib), Exact
	if len(fit) == 0 && !n.mobile && !n.cut && n.others == nil {
		candidates = t.byKey[n.key]
		fit, found = withMemory(candidates, n.gib, gib), Normalised
	}
	switch {
	case len(fit) == 1:
		h.boards, h.found = fit, found
	case len(fit) > 1:
		h.boards, h.found = fit, Family
		h.pass(n.key, "the name fits %s: the memory would tell them apart", names(fit))
	case len(candidates) > 0:
		h.boards, h.found = candidates, Family
		h.pass(n.key, "%s has another memory than the %.0f GiB asked for", names(candidates), max(gib, n.gib))
	default:
		if n.key != "" {
			h.pass(n.key, "no listed model has this name")
		}
		t.wider(&h, n, name, gib)
	}
	h.class = h.boards[0].class
	if h.found == FromWorld {
		h.class = unknown
	}
	h.slice(n)
	return h
}

// withMemory are the boards whose devices have about that much memory, GiB: of
// what a name says 6 % more or less, of what a driver tells up to 12 % less. 0
// is unknown.
func withMemory(boards []*board, said, told float64) []*board {
	return slices.DeleteFunc(slices.Clone(boards), func(b *board) bool {
		each := b.gib / float64(b.devices)
		return said > 0 && (said < 0.94*each || said > 1.06*each) || told > 0 && (told < 0.88*each || told > 1.06*each)
	})
}

// wider finds the family of a model that is not listed, else its class, else
// all there is.
func (t *accelerators) wider(h *hit, n acceleratorName, name string, gib float64) {
	h.found = Family
	if n.cut {
		of := t.those(func(b *board) bool {
			return slices.ContainsFunc(append(b.names, b.name), func(s string) bool { return strings.HasPrefix(nameAccelerator(s).key, n.key) })
		})
		of = withMemory(of, n.gib, gib)
		if len(of) == 1 {
			h.boards, h.found = of, Normalised
			return
		}
		if n.key != "" && len(of) > 0 && len(of) <= 8 {
			h.boards = of
			return
		}
	}
	if n.others != nil && !n.mobile {
		words := strings.Fields(n.key)
		for _, other := range n.others {
			var o acceleratorName
			tail := acceleratorWords(other, &o)
			if k := len(words) - len(tail); k > 0 && len(tail) < len(words) {
				tail = append(slices.Clone(words[:k]), tail...)
			}
			h.boards = append(h.boards, t.byKey[strings.Join(tail, " ")]...)
		}
		h.boards = append(h.boards, t.byKey[n.key]...)
		if of := withMemory(h.boards, n.gib, gib); len(of) == 1 {
			h.boards, h.found = of, Normalised
			return
		}
		if len(h.boards) > 0 {
			return
		}
	}
	if !n.mobile && !n.cut {
		if h.boards = t.those(func(b *board) bool { ok, _ := path.Match(b.family, n.key+" "); return ok }); len(h.boards) > 0 {
			return
		}
		h.pass(n.key, "no listed family has this name")
	}
	class := classOfAccelerator(n, name)
	if h.found = Class; class == unknown {
		h.found = FromWorld
		h.pass(n.key, "nothing in the name tells a class")
	}
	h.boards = t.ofClass(class)
}

// ofClass are the boards of a class that are devices of their own, or all.
func (t *accelerators) ofClass(class string) []*board {
	return t.those(func(b *board) bool { return class == unknown || b.class == class && b.form != "soc" })
}

// those are the boards that keep says.
func (t *accelerators) those(keep func(*board) bool) (out []*board) {
	for _, b := range t.boards {
		if keep(b) {
			out = append(out, b)
		}
	}
	return out
}

// slice takes the share of a slice: of MIG its compute slices of the device's, of
// a virtual GPU its memory of the device's.
func (h *hit) slice(n acceleratorName) {
	b := h.boards[0]
	switch {
	case n.slices > 0:
		of := cmp.Or(b.slices, 7)
		h.share = min(float64(n.slices)/float64(of), 1)
		h.pass(b.name, "a MIG slice of it: %d of its %d", n.slices, of)
	case n.vgpu > 0 && b.gib > 0:
		each := b.gib / float64(b.devices)
		h.share = min(n.vgpu/each, 1)
		h.pass(b.name, "a virtual GPU with %g of its %g GiB", n.vgpu, each)
	}
}

// rating is the power of one device.
type rating struct {
	tdp, idle            quantity
	quality, idleQuality string
	source               *sourceOf
	found                Found
}

// rating is the power of what was found: of a board's device its own, else the
// range over those that it may be, of the quality of the worst of them and no
// better than C.
func (t *accelerators) rating(h *hit) rating {
	if b := h.board(); b != nil {
		if b.tdp.known() {
			part := h.share / float64(b.devices)
			return rating{b.tdp.scaled(part), b.idle.scaled(part), b.quality, b.idleQuality, b.source, h.found}
		}
		h.pass(b.name, "its vendor publishes no power")
		h.boards, h.found = t.ofClass(b.class), Class
	}
	var tdp []quantity
	r := rating{quality: "C", found: h.found}
	for _, b := range h.boards {
		if b.tdp.known() {
			tdp = append(tdp, b.tdp.scaled(h.share/float64(b.devices)))
			r.quality = max(r.quality, b.quality)
		}
	}
	which, widened := "of the class "+h.class, ""
	switch {
	case len(tdp) == 0:
		h.pass(h.boards[0].name, "its vendor publishes no power")
		h.boards, h.found = t.ofClass(h.class), Class
		return t.rating(h)
	case h.found == Family:
		which, widened = names(h.boards), fmt.Sprintf(", widened by %v,", familySpread)
		r.tdp = rangeOf(tdp)
		r.tdp.low, r.tdp.high = r.tdp.low/familySpread, r.tdp.high*familySpread
	default:
		if h.found == FromWorld {
			which = "of all classes"
		}
		r.tdp = most(tdp)
	}
	r.source = &sourceOf{fmt.Sprintf("median and range%s of %d listed accelerators, %s", widened, len(tdp), which), "vendor facts", 2025}
	return r
}

// most is the median of several figures and what 95 % of them lie within.
func most(of []quantity) quantity {
	slices.SortFunc(of, func(a, b quantity) int { return cmp.Compare(a.value, b.value) })
	at := func(p float64) float64 { return of[int(p*float64(len(of)-1)+0.5)].value }
	return quantity{at(0.5), at(0.025), at(0.975)}
}

// id is how a board, or a share of one, is named in an id.
func (b *board) id(share float64) string {
	return "gpu." + slug(b.name) + ofShare(share)
}

// ofShare is what an id says of a share of a device; nothing of the whole.
func ofShare(share float64) string {
	if share == 1 {
		return ""
	}
	return "-share-" + strings.ReplaceAll(digits(share), ".", "_")
}

func names(of []*board) string {
	var out []string
	for _, b := range of {
		out = append(out, b.name)
	}
	if len(out) > 4 {
		out = append(out[:3], fmt.Sprintf("%d more", len(of)-3))
	}
	return strings.Join(out, ", ")
}

// slug writes a name as part of an id: a100-sxm4-40gb.
func slug(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+'
	}), "-")
}
