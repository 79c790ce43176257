package factors

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// component is what a unit of something that devices are built of costs: a
// processor's package, a mm² of its chips, a kg of a power supply.
type component struct {
	id, per string
	impacts [numImpacts]quantity // kgCO2e, kgSbeq, MJ; unknown where not sourced
	quality string
	source  *sourceOf
}

// The impacts that components have.
const (
	gwp = iota
	adpe
	pe
	numImpacts
)

// impactUnits tell how an impact is written in a factor and in its source.
var impactUnits = [numImpacts]struct {
	unit, small string
	scale       float64
}{{"gCO2e", "kgCO2e", 1e3}, {"kgSbeq", "kgSbeq", 1}, {"J", "MJ", 1e6}}

// publishedFact is the licence of single figures that a publisher states
// without one, as the tables have it.
const publishedFact = "published fact"

// amount is how much of a component a device has.
type amount struct {
	quantity
	unit, quality string
	source        *sourceOf
}

// parts is the tables of components and of amounts, by id.
type parts struct {
	components map[string]*component
	amounts    map[string]amount
	sources    map[string]*sourceOf
}

var bottomUp = sync.OnceValues(readParts)

func readParts() (*parts, error) {
	from, err := sourcesOf("component_source.csv")
	if err != nil {
		return nil, err
	}
	p := &parts{components: map[string]*component{}, amounts: map[string]amount{}, sources: from}
	err = eachRow("component.csv", func(row []string) error {
		var f fields
		c := &component{id: row[0], per: row[1], quality: row[11], source: f.source(from, row[12])}
		for i := range c.impacts {
			c.impacts[i] = f.quantity(row[2+3*i], row[3+3*i], row[4+3*i])
		}
		p.components[c.id] = c
		return f.err
	})
	if err != nil {
		return nil, err
	}
	err = eachRow("amount.csv", func(row []string) error {
		var f fields
		p.amounts[row[0]] = amount{f.quantity(row[2], row[3], row[4]), row[1], row[5], f.source(from, row[6])}
		return f.err
	})
	return p, err
}

// bill is what a device is built of. Its addends are independent: what two of
// them share is written as one.
type bill struct {
	parts   *parts
	items   []item
	quality string
	sources []*sourceOf
}

// item is so many times an amount of a component, or of a device that is
// added as a whole.
type item struct {
	n      float64 // of them, with one error
	amount quantity
	of     *component
}

func (p *parts) bill() *bill { return &bill{parts: p, quality: "A"} }

// known is an amount that the tables tell. What is not there is a mistake in
// the program, which the tests find.
func (b *bill) known(id string) quantity {
	a := b.parts.amounts[id]
	b.cite(a.source, a.quality)
	return a.quantity
}

// add puts n times an amount of a component on the bill.
func (b *bill) add(n float64, amount quantity, of string) {
	c := b.parts.components[of]
	b.items = append(b.items, item{n, amount, c})
	b.cite(c.source, c.quality)
}

// cite says where something on the bill is from, and of what quality it is.
func (b *bill) cite(s *sourceOf, quality string) {
	b.quality = max(b.quality, quality)
	if s != nil && !slices.Contains(b.sources, s) {
		b.sources = append(b.sources, s)
	}
}

// impacts adds the bill up: the factors of a device by impact, those of them
// that are known of all its items. key is what the ids name: cpu.epyc-7543.
func (b *bill) impacts(kind Kind, key string, found Found) Impacts {
	return Impacts{
		GCO2e:          b.sum(gwp, kind, key, found),
		ADPeKgSbeq:     b.sum(adpe, kind, key, found),
		PrimaryEnergyJ: b.sum(pe, kind, key, found),
	}
}

func (b *bill) sum(impact int, kind Kind, key string, found Found) *Factor {
	u := impactUnits[impact]
	var addends []lognormal.Part
	var told []string
	for _, it := range b.items {
		each := it.of.impacts[impact]
		if !each.known() {
			return nil
		}
		q := it.amount.times(each).scaled(u.scale)
		addends = append(addends, lognormal.Part{N: it.n, Value: q.value, Low: q.low, High: q.high})
		told = append(told, it.text(each))
	}
	if len(addends) == 0 {
		return nil
	}
	f := &Factor{
		ID: string(kind) + "." + key + suffixes[u.unit], Kind: kind, Unit: u.unit,
		Found: found, Quality: b.quality, Licence: publishedFact,
	}
	f.Value, f.Low, f.High = lognormal.Sum(addends...)
	if u.unit == "gCO2e" {
		f.GWP = "unstated"
	}
	b.sourced(f, "sum in "+u.small+" of "+strings.Join(told, ", "))
	if impact == adpe && kind == Production {
		b.parts.byMethod(f)
	}
	return f
}

// byMethod widens an abiotic depletion by what databases differ on it, which
// all items have in common.
func (p *parts) byMethod(f *Factor) {
	method := p.amounts["adpe.method"]
	q := quantity{f.Value, f.Low, f.High}.times(method.quantity)
	f.Low, f.High = q.low, q.high
	f.Source += fmt.Sprintf("; times %s: %s", method.quantity, method.source.text)
}

// sourced says what a figure is and where all on the bill is from; its year is
// that of the oldest.
func (b *bill) sourced(f *Factor, what string) *Factor {
	f.SourceYear, f.Source = b.sources[0].year, what
	for _, s := range b.sources {
		f.SourceYear = min(f.SourceYear, s.year)
		f.Source += "; " + s.text
	}
	return f
}

// text writes an item so that it can be worked out again: 2 x 1064 mm2 of
// cpu-die at 0.0197.
func (it item) text(each quantity) string {
	n := ""
	if it.n != 1 {
		n = digits(it.n) + " x "
	}
	if it.of.per == "unit" && it.amount == exactly(1) {
		return fmt.Sprintf("%s%s at %s", n, it.of.id, each)
	}
	return fmt.Sprintf("%s%s %s of %s at %s", n, it.amount, it.of.per, it.of.id, each)
}

// mass is a factor of what is discarded, in kg, by an amount of the tables.
func (b *bill) mass(key string, kg quantity, found Found) *Factor {
	return b.sourced(&Factor{
		ID: string(EndOfLife) + "." + key + suffixes["kg"], Kind: EndOfLife, Unit: "kg",
		Value: kg.value, Low: kg.low, High: kg.high, Found: found, Quality: b.quality, Licence: publishedFact,
	}, "mass of what is discarded")
}

// discarded is the end of life and the freight of a mass.
func (p *parts) discarded(key string, kg amount, found Found, scrap, freight string) (end, moved Impacts) {
	e := p.bill()
	e.cite(kg.source, kg.quality)
	waste := e.mass(key, kg.quantity, found)
	e.add(1, kg.quantity, scrap)
	end = e.impacts(EndOfLife, key, found)
	end.WasteKg = waste
	m := p.bill()
	m.cite(kg.source, kg.quality)
	m.add(1, kg.quantity, freight)
	return end, m.impacts(Transport, key, found)
}

// chips is the area of wafer that dies of so many mm² in all need: what is
// lost at their sawing and to defects, by Murphy's yield model with 0.1 (0.05
// to 0.2) defects a cm², which ADEME's GPU model takes.
func chips(area quantity, dies int) quantity {
	each := area.value / float64(max(dies, 1)) / 100 // cm²
	loss := func(defects float64) float64 {
		x := each * defects
		y := -math.Expm1(-x) / x
		return 1 / (y * y)
	}
	return area.times(quantity{loss(0.1), loss(0.05), loss(0.2)})
}
