package dataset

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// sumOf is one of the figures that are summed.
type sumOf uint8

const (
	energySum sumOf = iota
	facilitySum
	operationalSum
	waterSum
	embodiedSum
	adpeSum
	primarySum
	wasteSum
	gco2eSum // operational and embodied; no sum of its own
	stageTime
	deviceTime
	allSums
)

// ownSums is how many of them cells have.
const ownSums = int(gco2eSum)

// In a cell the sums of an operational stage stand at their figure, with the
// water that is consumed on site after them, those of a device stage from
// embodied on.
const (
	siteWater = 4
	cellSums  = 5
)

// uncertain is an input that figures are multiplied or divided by: a factor or
// the gain of a meter. Its bounds are relative to its value, a little outwards
// of what was told, so that what differs by rounding alone is the same.
type uncertain struct {
	kind      inputKind
	id        string
	low, high float64
}

type inputKind uint8

const (
	meterInput inputKind = iota + 1
	serviceInput
	pueInput
	gridInput
	wueInput
	ewifInput
	deviceInput
	lifetimeInput
	utilisationInput
)

var inputKinds = [...]string{meterInput: "meter", serviceInput: "service", pueInput: "pue", gridInput: "grid", wueInput: "wue", ewifInput: "ewif", deviceInput: "device", lifetimeInput: "lifetime", utilisationInput: "utilisation"}

// The widest interval that is taken for one, either way.
const widest = 1e6

// newUncertain is an input by its 95 % bounds; false if they are not usable.
func newUncertain(kind inputKind, id string, value, low, high float64) (uncertain, bool) {
	u := uncertain{kind, id, 1, 1}
	if id == "" {
		return u, false
	}
	if value == 0 && low == 0 && high == 0 || low == value && value == high && value > 0 && value < math.MaxFloat64 {
		return u, true
	}
	if !(0 < low && low <= value && value <= high) {
		return u, false
	}
	// 16 bits: steps of 1.5e-5.
	const rest = 1<<36 - 1
	u.low = math.Float64frombits(math.Float64bits(low/value) &^ rest)
	u.high = math.Float64frombits((math.Float64bits(high/value) + rest) &^ rest)
	return u, u.usable()
}

func (u *uncertain) usable() bool {
	return 1/widest <= u.low && u.low <= 1 && 1 <= u.high && u.high <= widest
}

func (u *uncertain) lognormal() lognormal.Source { return lognormal.New(1, u.low, u.high) }

func (u *uncertain) compare(o *uncertain) int {
	return cmp.Or(cmp.Compare(u.kind, o.kind), cmp.Compare(u.id, o.id), cmp.Compare(u.low, o.low), cmp.Compare(u.high, o.high))
}

func (u *uncertain) hash() uint64 {
	h := hashOf(hashSeed, inputKinds[u.kind])
	h = hashOf(h, u.id)
	return scramble(scramble(h^math.Float64bits(u.low)) ^ math.Float64bits(u.high))
}

// The hash that decides what is kept of too much. It is the same everywhere
// and in all versions: FNV-1a with the finaliser of MurmurHash3.
const hashSeed = 14695981039346656037

func hashOf(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return scramble(h)
}

func scramble(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// unitSet is the functional units that a stage tells, by name.
type unitSet []string

// blend is what the figures of a cell rest on: the inputs that they were
// multiplied by, how, and the functional units that their stages tell.
type blend struct {
	of    [5]int32 // see slots; 0: none, or none that is usable
	units int32
	kind  blendKind
}

type blendKind uint8

const (
	ofDevice blendKind = 1 << iota // a device stage
	measured                       // metered or counter
	direct                         // grams by factor, without energy
)

// The places of inputs in a blend: of an operational stage, of a device stage.
const (
	supplySlot, pueSlot, gridSlot, wueSlot, ewifSlot = 0, 1, 2, 3, 4
	deviceSlot, lifetimeSlot, utilisationSlot        = 0, 1, 2
)

// slotKinds tells which inputs may stand where.
func (k blendKind) slotKinds(slot int) []inputKind {
	if k&ofDevice != 0 {
		return [5][]inputKind{{deviceInput}, {lifetimeInput}, {utilisationInput}}[slot]
	}
	return [5][]inputKind{{meterInput, serviceInput}, {pueInput}, {gridInput}, {wueInput}, {ewifInput}}[slot]
}

// blendOf is a blend and what follows from it.
type blendOf struct {
	blend
	hash   uint64
	usable uint16 // figures whose inputs are all there
}

// sumProduct is a product of inputs: slots that multiply, and those that divide.
type sumProduct struct{ times, over []int }

// products are those that a figure is a sum of.
func (k blendKind) products(f sumOf) []sumProduct {
	return productsOf[f][k&^measured]
}

var productsOf = func() (all [allSums][8][]sumProduct) {
	p := func(times ...int) []sumProduct { return []sumProduct{{times: times}} }
	all[energySum][0] = p(supplySlot)
	all[facilitySum][0] = p(supplySlot, pueSlot)
	all[operationalSum][0] = p(supplySlot, pueSlot, gridSlot)
	all[operationalSum][direct] = p(supplySlot)
	all[waterSum][0] = append(p(supplySlot, wueSlot), p(supplySlot, pueSlot, ewifSlot)...)
	all[embodiedSum][ofDevice] = []sumProduct{{[]int{deviceSlot}, []int{lifetimeSlot, utilisationSlot}}}
	for f := adpeSum; f <= wasteSum; f++ {
		all[f][ofDevice] = []sumProduct{{}} // their factors are not in the row: no interval is told
	}
	return all
}()

// sumAt is where in a cell the sum of a figure stands; -1 if it has none.
func (k blendKind) sumAt(f sumOf) int {
	switch {
	case f < embodiedSum && k&ofDevice == 0:
		return int(f)
	case f >= embodiedSum && f < gco2eSum && k&ofDevice != 0:
		return int(f - embodiedSum)
	}
	return -1
}

// sumCell is what the rows of one blend came to in a group.
type sumCell struct {
	blend int32
	sums  [cellSums]exact
	runs  int64  // distinct ones of which a row tells all figures
	runNo uint64 // the last of them, while it is added
}

// remainder is what the cells that were not kept came to: their sums, with an
// interval as wide as that of the widest, as if all inputs were one.
type remainder struct {
	sums      [ownSums]exact
	measured  exact
	low, high [ownSums]float64 // relative; 1 and 1 if there is none
}

func newRest() *remainder {
	r := &remainder{}
	for f := range ownSums {
		r.low[f], r.high[f] = 1, 1
	}
	return r
}

func (r *remainder) merge(o *remainder) {
	for f := range ownSums {
		r.sums[f].merge(&o.sums[f])
		r.low[f], r.high[f] = min(r.low[f], o.low[f]), max(r.high[f], o.high[f])
	}
	r.measured.merge(&o.measured)
}

// fold adds a cell to the rest.
func (s *Summary) fold(r *remainder, c *sumCell) {
	b := &s.blends[c.blend]
	for f := energySum; f < gco2eSum; f++ {
		k := b.kind.sumAt(f)
		if k < 0 {
			continue
		}
		r.sums[f].merge(&c.sums[k])
		if c.sums[k].isZero() {
			continue
		}
		for _, p := range b.kind.products(f) {
			low, high := s.relative(b, p)
			r.low[f], r.high[f] = min(r.low[f], low), max(r.high[f], high)
		}
	}
	if b.kind&measured != 0 {
		r.measured.merge(&c.sums[energySum])
	}
}

// relative are the 95 % bounds of a product over its value, to six digits.
func (s *Summary) relative(b *blendOf, p sumProduct) (low, high float64) {
	skew, variance := 1., 0.
	for i, slots := range [2][]int{p.times, p.over} {
		for _, slot := range slots {
			of := s.inputs[b.of[slot]].lognormal()
			variance += of.Sigma * of.Sigma
			if i == 0 {
				skew *= of.Skew
			} else {
				skew /= of.Skew
			}
		}
	}
	ratio := math.Exp(lognormal.Z95 * math.Sqrt(variance))
	return min(1, sixDigits(skew/ratio)), max(1, sixDigits(skew*ratio))
}

// input is the number of an input; 0 if it is not usable.
func (s *Summary) input(u uncertain, usable bool) int32 {
	if !usable {
		return 0
	}
	if k, ok := s.inputAt[u]; ok {
		return k
	}
	u.id = tidy(u.id)
	if k, ok := s.inputAt[u]; ok {
		return k
	}
	u.id = strings.Clone(u.id)
	k := int32(len(s.inputs))
	s.inputs = append(s.inputs, u)
	s.inputAt[u] = k
	return k
}

// set is the number of a set of units.
func (s *Summary) set(names []string) int32 {
	s.buffer = s.buffer[:0]
	for _, n := range names {
		s.buffer = appendPart(s.buffer, n)
	}
	if k, ok := s.setAt[string(s.buffer)]; ok {
		return k
	}
	k := int32(len(s.sets))
	set := make(unitSet, len(names))
	for i := range names {
		set[i] = strings.Clone(names[i])
	}
	s.sets = append(s.sets, set)
	s.setAt[string(s.buffer)] = k
	return k
}

// blend is the number of a blend.
func (s *Summary) blend(b blend) int32 {
	if k, ok := s.blendAt[b]; ok {
		return k
	}
	of := blendOf{blend: b, hash: hashSeed + uint64(b.kind)}
	for _, u := range b.of {
		of.hash = scramble(of.hash*31 + 1)
		if u != 0 {
			of.hash = scramble(of.hash ^ s.inputs[u].hash())
		}
	}
	for _, name := range s.sets[b.units] {
		of.hash = hashOf(of.hash, name)
	}
	for f := energySum; f < gco2eSum; f++ {
		products := b.kind.products(f)
		ok := len(products) > 0
		for _, p := range products {
			for _, slot := range append(slices.Clone(p.times), p.over...) {
				ok = ok && b.of[slot] != 0
			}
		}
		if ok {
			of.usable |= 1 << f
		}
	}
	k := int32(len(s.blends))
	s.blends = append(s.blends, of)
	s.blendAt[b] = k
	return k
}

// compareBlends orders blends by what they are, whatever their numbers.
func (s *Summary) compareBlends(a, b *blendOf) int {
	c := cmp.Compare(a.kind, b.kind)
	for i := 0; c == 0 && i < len(a.of); i++ {
		c = s.inputs[a.of[i]].compare(&s.inputs[b.of[i]])
	}
	return cmp.Or(c, slices.Compare(s.sets[a.units], s.sets[b.units]))
}

// longestText is how much of a text is kept, in bytes.
const longestText = 200

// tidy is a text that may name something in a summary: valid UTF-8, and not
// too long; of one that is, the begin and a hash of all.
func tidy(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText-20], "") + "…" + strconv.FormatUint(hashOf(hashSeed, text), 16)
}

// appendPart appends a text such that it cannot run into the next.
func appendPart(b []byte, text string) []byte {
	n := len(text)
	return append(append(b, byte(n), byte(n>>8), byte(n>>16)), text...)
}
