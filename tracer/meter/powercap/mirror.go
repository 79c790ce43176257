package powercap

import (
	"math"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter/internal/rapl"
)

// Two zones of one kind may show one and the same counter: on AMD processors
// of several dies every die shows that of its socket. To tell, zones that
// showed about the same when they were opened are read again, one right after
// the other. The counters of two dies count since the host was switched on and
// so differ by kilojoules.

// look is one reading of a zone between two readings of another, all µJ.
type look struct {
	other              int // index of the other zone
	before, own, after uint64
}

const (
	looks    = 3                    // how often two zones are read again
	patience = 3                    // how often to wait, in all, for counters that show 0 to move
	pause    = 2 * time.Millisecond // how long
)

// watch reads again the zones that may be mirrors of one another, and keeps in
// each what it showed. On hosts without such zones it reads nothing.
func watch(zones []zone) {
	parts := partsOf(zones)
	chosen := choose(zones, parts)
	waits := patience
	for i := range zones {
		for j := range i {
			if !rivals(parts[i], parts[j]) || chosen[parts[i]] != i || chosen[parts[j]] != j || !zones[i].near(zones[j]) {
				continue
			}
			for n := 0; n < looks; n++ {
				l, err := glance(&zones[i], &zones[j], j)
				if err != nil {
					break
				}
				if l.before == 0 && l.own == 0 && l.after == 0 && waits > 0 {
					waits--
					n--
					time.Sleep(pause)
					continue
				}
				zones[i].looks = append(zones[i].looks, l)
			}
		}
	}
}

// rivals are dies of one package, and boards.
func rivals(a, b rapl.Part) bool {
	switch a.Kind {
	case rapl.Package, rapl.DRAM:
		return a.Kind == b.Kind && a.Package == b.Package && a.Die != b.Die
	case rapl.Psys:
		return a.Kind == b.Kind && a.Package != b.Package
	}
	return false
}

// near tells whether two zones that are read can show one counter, by what they
// showed when they were opened.
func (z zone) near(o zone) bool {
	if z.err != nil || o.err != nil || z.rangeUJ != o.rangeUJ {
		return false
	}
	const most = 10_000e6 // µJ/s, above all that a zone can draw
	apart := math.Abs(float64(difference(o.rawUJ, z.rawUJ, z.rangeUJ)))
	return apart <= most*(z.at.Sub(o.at).Abs().Seconds()+0.1)
}

func glance(z, o *zone, other int) (l look, err error) {
	l.other = other
	if l.before, err = readCounter(o.file); err != nil {
		return l, err
	}
	if l.own, err = readCounter(z.file); err != nil {
		return l, err
	}
	l.after, err = readCounter(o.file)
	return l, err
}

// mirrored tells which zones are mirrors, and of which zone each: all looks at
// the two must agree. Counters that all show 0 may be two or one; they are
// taken for two.
func mirrored(zones []zone) map[int]int {
	mirrors := map[int]int{}
	for i, z := range zones {
		agree := map[int]int{}
		for _, l := range z.looks {
			if l.agrees(z.rangeUJ) {
				agree[l.other]++
			} else {
				agree[l.other] = math.MinInt
			}
		}
		for j := range i {
			if _, itself := mirrors[j]; !itself && agree[j] >= looks {
				mirrors[i] = j
				break
			}
		}
	}
	return mirrors
}

// agrees tells whether the zone showed what the other did, within what they
// may be apart: a thousandth of what they show and 1 J at most, as dies that
// are told of each other's counter learn of it a moment later.
func (l look) agrees(rangeUJ uint64) bool {
	apart := int64(min(l.own/1000, 1e6))
	return l.own > 0 && difference(l.before, l.own, rangeUJ) >= -apart && difference(l.own, l.after, rangeUJ) >= -apart
}

// difference is b − a of a counter that wraps after rangeUJ (0: never), the
// nearer way round, µJ.
func difference(a, b, rangeUJ uint64) int64 {
	d := b - a
	if rangeUJ == 0 || rangeUJ == math.MaxUint64 || a > rangeUJ || b > rangeUJ {
		return int64(d)
	}
	if b < a {
		d += rangeUJ + 1
	}
	if d > rangeUJ/2 {
		return -int64(rangeUJ + 1 - d)
	}
	return int64(d)
}
