package factors

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// cpu is a processor: its package and the area of its chips.
func (l *devices) cpu(d Device) (Embodied, error) {
	class := d.Class
	switch class {
	case "cloud-server", "ai-server":
		class = "server"
	case "workstation":
		class = "desktop"
	case "tablet", "smartphone", "iot", "single-board":
		class = "embedded"
	case "server", "desktop", "laptop", "embedded":
	default:
		class = ""
	}
	p, found, err := l.cpus.find(d.Model, class, 0)
	if err != nil {
		return Embodied{}, err
	}
	e := Embodied{}
	key := "cpu." + slug(cpuKey(d.Model))
	if p.name == "" {
		if d.Model != "" {
			e.pass(key, "%q is not listed", d.Model)
		}
		if found != Family {
			key = "cpu." + p.class
		}
	}
	b := l.parts.bill()
	b.add(1, exactly(1), "cpu-base")
	b.add(1, l.chipsOf(p, key, b, &e), "cpu-die")
	e.Production = b.impacts(Production, key, found)
	e.EndOfLife, e.Transport = l.parts.discarded(key, l.parts.amounts["cpu.mass"], found, "discard-card", "freight-machine")
	e.took()
	life := d.Class
	if _, ok := l.figures.find(Query{Kind: Lifetime}, life); !ok {
		life = machineOf(p.class)
	}
	return e, l.life(&e, life)
}

// chipsOf is the area of the chips of a processor: as listed, else as others of
// its class have it.
func (l *devices) chipsOf(p processor, key string, b *bill, e *Embodied) quantity {
	if p.die.known() {
		b.cite(l.parts.sources["die-"+p.dieQuality], p.dieQuality)
		return p.die
	}
	e.pass(key, "the area of its chips is not listed: that of processors of class %s with about %d cores", p.class, p.cores)
	die := l.cpus.likeDies(p.class, p.cores)
	if !die.known() {
		die = l.cpus.likeDies(p.class, 0)
	}
	if !die.known() {
		return b.known("embedded.die") // the only class of which hardly any is listed
	}
	b.cite(l.parts.sources["die-like"], "C")
	return die
}

// machineOf is the class of a machine with a processor of a class.
func machineOf(cpu string) string {
	if cpu == "embedded" {
		return "single-board"
	}
	return cpu
}

// memory is modules and the area of their chips. A kernel tells somewhat less
// than what is plugged in, and not in how many modules.
func (l *devices) memory(d Device) (Embodied, error) {
	if d.Bytes <= 0 {
		return Embodied{}, fmt.Errorf("%w: production of memory of unknown size: give its bytes", ErrNoFactor)
	}
	gb := installed(d.Bytes)
	key := fmt.Sprintf("memory.%gGB", gb)
	b := l.parts.bill()
	modules := exactly(gb).over(b.known("memory.module-gb"))
	modules = quantity{max(modules.value, 1), max(modules.low, 1), max(modules.high, 1)}
	b.add(1, modules, "memory-base")
	b.add(1, exactly(gb).over(b.known("memory.density")), "memory-die")
	mass := l.parts.amounts["memory.mass"]
	mass.quantity = mass.times(modules)
	return l.part(b, key, d.Class, mass)
}

// installed is the memory that a host has, GB, if its kernel has so much for
// programs: the next quarter of a power of two.
func installed(bytes int64) float64 {
	gib := float64(bytes) / (1 << 30)
	step := math.Exp2(math.Floor(math.Log2(gib)) - 2)
	return math.Ceil(gib/step-1e-9) * step
}

// storage is a solid-state drive, by the area of its chips, or a hard disk. Of
// which of them is not known has the range of both.
func (l *devices) storage(d Device) (Embodied, error) {
	kind := d.Class
	if kind != "ssd" && kind != "hdd" {
		kind = storageKind(d.Model)
	}
	class := d.Class
	if class == "ssd" || class == "hdd" {
		class = ""
	}
	if kind == "hdd" {
		b := l.parts.bill()
		b.add(1, exactly(1), "hdd")
		return l.part(b, "storage.hdd", class, l.parts.amounts["hdd.mass"])
	}
	if d.Bytes <= 0 {
		return Embodied{}, fmt.Errorf("%w: production of storage of unknown size: give its bytes", ErrNoFactor)
	}
	size := fmt.Sprintf("%.4g", float64(d.Bytes)/1e9)
	gb, err := strconv.ParseFloat(size, 64) // one id is one figure
	if err != nil {
		return Embodied{}, err
	}
	b := l.parts.bill()
	b.add(1, exactly(1), "ssd-base")
	b.add(1, exactly(gb).over(b.known("ssd.density")), "ssd-die")
	ssd, err := l.part(b, "storage.ssd-"+size+"GB", class, l.parts.amounts["ssd.mass"])
	if kind == "ssd" || err != nil {
		return ssd, err
	}
	disk, err := l.storage(Device{Kind: d.Kind, Class: "hdd"})
	if err != nil {
		return Embodied{}, err
	}
	either := ssd
	either.Tried = nil
	either.pass("storage", "neither the model nor a class tells whether it is a solid-state drive or a hard disk: the range of both")
	key := "storage." + size + "GB"
	either.Production = eitherOf(ssd.Production, disk.Production, key)
	either.EndOfLife = eitherOf(ssd.EndOfLife, disk.EndOfLife, key)
	either.Transport = eitherOf(ssd.Transport, disk.Transport, key)
	either.took()
	return either, nil
}

// storageKind tells a drive by its model: by what its maker calls it, or by how
// it numbers its drives (ST4000NM0035, WD40EFRX, MZVLB512HBJQ, MTFDHAL3T8).
func storageKind(model string) string {
	for w := range strings.FieldsFuncSeq(strings.ToLower(model), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }) {
		switch {
		case strings.Contains(w, "ssd"), strings.HasPrefix(w, "nvme"), strings.HasPrefix(w, "mz") && len(w) > 6, strings.HasPrefix(w, "mtfd"), strings.HasPrefix(w, "wds"):
			return "ssd"
		case w == "hdd", w == "hgst", w == "exos", w == "ironwolf", w == "barracuda", hardDisk().MatchString(w):
			return "hdd"
		}
	}
	return ""
}

var hardDisk = pattern(`^(st\d{3,}[a-z]|wd\d|hu[hs]7)`)

// eitherOf is a with the range of a and b.
func eitherOf(a, b Impacts, key string) Impacts {
	for i, f := range a.all() {
		other := *b.all()[i]
		if *f == nil || other == nil {
			*f = nil
			continue
		}
		g := **f
		g.ID = string(g.Kind) + "." + key + suffixes[g.Unit]
		g.Low, g.High = min(g.Low, other.Low), max(g.High, other.High)
		g.Source = "as a solid-state drive: " + g.Source + "; or a hard disk: " + other.Source
		g.Quality = max(g.Quality, other.Quality)
		*f = &g
	}
	return a
}

// part is a device by what it is built of.
func (l *devices) part(b *bill, key, class string, mass amount) (Embodied, error) {
	e := Embodied{Production: b.impacts(Production, key, Class)}
	e.EndOfLife, e.Transport = l.parts.discarded(key, mass, Class, "discard-card", "freight-machine")
	e.took()
	return e, l.life(&e, class)
}

// accelerator is a GPU or another accelerator, of its own: what was published
// of the model, else its chips, memory, board and cooler, else its class.
func (l *devices) accelerator(d Device) (Embodied, error) {
	boards, err := accelerator()
	if err != nil {
		return Embodied{}, err
	}
	h := boards.find(d.Model, d.Bytes)
	e := Embodied{Tried: h.triedFor(Production)}
	b := h.board()
	listed := b != nil || h.found == Family
	if listed && !slices.ContainsFunc(h.boards, func(b *board) bool { return b.form != "soc" }) || !listed && isIntegrated(nameAccelerator(d.Model), d.Model) {
		return Embodied{}, fmt.Errorf("%w: production of %q: it is part of a processor's chip, which is of kind cpu", ErrNoFactor, d.Model)
	}
	if !listed {
		if d.Class != "" && strings.HasPrefix(d.Class, "gpu-") {
			h.class, h.found = d.Class, Class
		}
		class := h.class
		if class == unknown {
			class = "gpu-" + unknown
		}
		return l.classOf(e, class, h.share)
	}
	if b != nil {
		return l.board(e, b, &h)
	}
	// A family: the range of its members.
	var all []Embodied
	for _, o := range h.boards {
		if o.form == "soc" {
			continue
		}
		m, err := l.board(Embodied{}, o, &hit{boards: h.boards, found: Family, share: h.share})
		if err != nil {
			return Embodied{}, err
		}
		if m.Found != Class {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return l.classOf(e, h.class, h.share)
	}
	key := "gpu.like-" + slug(nameAccelerator(d.Model).key) + ofShare(h.share)
	for stage, to := range e.stages() {
		for impact, f := range to.all() {
			*f = familyFigure(all, stage, impact, key)
		}
	}
	e.took()
	return e, l.life(&e, h.class)
}

// familyFigure is the median and the range of one impact of several devices,
// of the quality of the worst and no better than C; nil if one of them does not
// have it.
func familyFigure(all []Embodied, stage, impact int, key string) *Factor {
	var values []quantity
	var f Factor
	quality := "C"
	for i := range all {
		g := *all[i].stages()[stage].all()[impact]
		if g == nil {
			return nil
		}
		values = append(values, quantity{g.Value, g.Low, g.High})
		f, quality = *g, max(quality, g.Quality)
	}
	q := rangeOf(values)
	f.ID = string(f.Kind) + "." + key + suffixes[f.Unit]
	f.Value, f.Low, f.High = q.value, q.low, q.high
	f.Found, f.Quality = Family, quality
	f.Source = fmt.Sprintf("median and range of %d listed models that it may be; of the last: %s", len(values), f.Source)
	return &f
}

// board is the production of one device of a board.
func (l *devices) board(e Embodied, b *board, h *hit) (Embodied, error) {
	key := "gpu." + slug(b.name)
	share := h.share / float64(b.devices)
	own := l.published(key, h.found)
	if own.GCO2e == nil {
		e.pass(key, "no figure of the model is published")
	}
	sum, ok := l.chipsAndCooler(b, key, h.found)
	if !ok && own.GCO2e == nil {
		e.pass(key, "the area of its chips is not listed: the figure of its class")
		return l.classOf(e, b.class, share)
	}
	e.Production = own.or(sum)
	e.EndOfLife, e.Transport = l.parts.discarded(key, l.parts.amounts["gpu-"+b.form+".mass"], h.found, "discard-card", "freight")
	e.share(share)
	e.took()
	return e, l.life(&e, b.class)
}

// chipsAndCooler sums a board up.
func (l *devices) chipsAndCooler(b *board, key string, found Found) (Impacts, bool) {
	if b.die == 0 {
		return Impacts{}, false
	}
	p := l.parts
	s := p.bill()
	s.cite(p.sources["wafer"], "C")
	s.cite(p.sources["gpu-die-"+b.dieQuality], b.dieQuality)
	s.add(1, chips(about(b.die, 1.05), b.dies), "gpu-die")
	switch {
	case strings.HasPrefix(b.memory, "HBM"):
		s.add(1, exactly(b.gib), "gpu-hbm")
	case strings.HasPrefix(b.memory, "GDDR"):
		s.add(1, exactly(b.gib).times(s.known(strings.ToLower(b.memory[:5]))), "gpu-gddr")
	default:
		s.add(1, exactly(b.gib).over(s.known("memory.density")), "memory-die")
	}
	form := "gpu-" + b.form
	s.add(1, s.known(form+".board"), "gpu-board")
	s.add(1, s.known(form+".heatsink"), "gpu-heatsink")
	s.add(1, s.known(form+".casing"), "gpu-casing")
	s.add(1, s.known(form+".mass"), "gpu-inbound")
	return s.impacts(Production, key, found), true
}

// classOf is the figures of a class.
func (l *devices) classOf(e Embodied, class string, share float64) (Embodied, error) {
	e.Production, e.EndOfLife, e.Transport = l.ofClass(Production, class), l.ofClass(EndOfLife, class), l.ofClass(Transport, class)
	e.share(share)
	e.took()
	return e, l.life(&e, class)
}

// share takes a part of a device: one of those that its board is shown as, or
// a slice of it.
func (e *Embodied) share(of float64) {
	if of == 1 {
		return
	}
	for _, stage := range e.stages() {
		for _, f := range stage.all() {
			if *f == nil {
				continue
			}
			g := (*f).Times(of, (*f).Unit)
			g.ID = strings.TrimSuffix(g.ID, suffixes[g.Unit]) + ofShare(of) + suffixes[g.Unit]
			g.Source = digits(of) + " of: " + g.Source
			*f = &g
		}
	}
}
