package dataset

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// joulesPerKWh is exact.
const joulesPerKWh = 3.6e6

// Rows are the rows of a record, in the order of its stages and their usage.
// The record must be valid ([lifecycle.Validate]); of another, what a row
// cannot be computed from is left out of it. Their figures add up to those of
// the stages and the totals, by rules R17 to R21:
//
//	facility_energy_j = energy_j × PUE
//	operational_gco2e = facility_energy_j × grid / 3.6e6, or grams by factor
//	water_l           = (energy_j × WUE + facility_energy_j × EWIF) / 3.6e6
//
// with the grid intensity that the stage met, where the record has hourly
// values. Bounds are those of section 4 of the rules. A device of which nobody
// knows what it took to make has a row in the stage of production that tells no
// figure. Rows do not share memory with the record, but for its texts.
func Rows(r *lifecycle.Record) []Row { return AppendRows(nil, r) }

// AppendRows appends the rows of r to dst.
func AppendRows(dst []Row, r *lifecycle.Record) []Row { return new(tabler).append(dst, r) }

// append appends the rows of r to dst. They are valid until the tabler makes those
// of another record.
func (t *tabler) append(dst []Row, r *lifecycle.Record) []Row {
	unknown := unknownProduction(r)
	n := len(unknown)
	for i := range r.Phases {
		n += len(r.Phases[i].Usage)
	}
	if n == 0 {
		return dst
	}
	if dst == nil {
		dst = make([]Row, 0, n)
	}
	t.begin(r, n)
	production := productionOf(r)
	for i := range r.Phases {
		p := &r.Phases[i]
		stage := t.stage(p)
		for j := range p.Usage {
			dst = append(dst, stage)
			row, u := &dst[len(dst)-1], &p.Usage[j]
			if h := find(t.hardware, r.Hardware, u.Hardware, func(h *lifecycle.Hardware) string { return h.ID }); h >= 0 {
				t.fill(row, p, u, h)
			}
		}
		if i == production {
			dst = t.unknown(dst, p, unknown)
		}
	}
	if production < 0 {
		dst = t.unknown(dst, &lifecycle.PhaseEntry{Phase: lifecycle.PhaseProduction, Stage: lifecycle.Production}, unknown)
	}
	return dst
}

// tabler makes the rows of a record.
type tabler struct {
	unbounded bool // figures are told without their bounds, which take half of the time

	record *lifecycle.Record
	run    Row // what all rows have in common
	units  unitCounts

	// By id, where the list is long.
	hardware, meters, factors map[string]int

	inputs  []Input  // by factor; the zero value until it is used
	places  []place  // by environment
	devices []device // by hardware
	gains   []string // by meter: identity of its error; "" until it is used

	numbers []float64 // of which rows hold pointers
	counts  []int64
}

// place is what an environment gives its rows.
type place struct {
	known                bool
	grid, pue, wue, ewif Input
	hourly               *factors.Series
	water                []bounds // by source, as they occur

	// The intensity that stage met, gCO2e/kWh.
	stage     *lifecycle.PhaseEntry
	intensity float64
}

// device is what an entry of hardware gives its rows.
type device struct {
	class       string
	environment int // -1 if there is none
	known       bool
}

// begin begins with a record of so many rows.
func (t *tabler) begin(r *lifecycle.Record, rows int) {
	t.record = r
	t.inputs, t.places = empty(t.inputs, len(r.Factors)), empty(t.places, len(r.Environments))
	t.devices, t.gains = empty(t.devices, len(r.Hardware)), empty(t.gains, len(r.Methods))
	t.numbers, t.counts = slices.Grow(t.numbers[:0], 20*rows), slices.Grow(t.counts[:0], 6+rows)
	t.hardware = indexLong(r.Hardware, func(h *lifecycle.Hardware) string { return h.ID })
	t.meters = indexLong(r.Methods, func(m *lifecycle.MethodEntry) string { return m.ID })
	t.factors = indexLong(r.Factors, func(f *factors.Factor) string { return f.ID })
	t.units.begin(r)
	t.describe()
}

// empty is a list of n zero values, in the memory of s.
func empty[T any](s []T, n int) []T {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// describe takes what all rows of the run have in common.
func (t *tabler) describe() {
	r := t.record
	t.run = Row{
		RunID: r.Run.ID, Status: string(r.Run.Status), Scope: string(r.Run.Scope), Boundary: string(r.Run.Boundary), RunS: r.Run.DurationS,
		Publisher: r.Publisher.Name, Licence: r.Publisher.Licence, Kind: r.Technology.Kind,
	}
	if s := r.UseCase.Sector; s != nil {
		t.run.SectorCode = s.Scheme + ":" + s.Code
	}
	m := r.Technology.ML
	if m == nil {
		return
	}
	t.run.Task, t.run.TrainingType, t.run.LearningParadigm, t.run.Precision = m.Task, m.TrainingType, m.LearningParadigm, m.Precision
	t.run.Layers, t.run.Epochs, t.run.Steps, t.run.BatchSize = t.count(m.Layers), t.count(m.Epochs), t.count(m.Steps), t.count(m.BatchSize)
	if m.Algorithm != nil {
		t.run.Algorithm = m.Algorithm.Name
	}
	if m.Model != nil {
		t.run.Model = m.Model.Name
	}
	if m.Framework != nil {
		t.run.Framework = m.Framework.Name
	}
	if m.Parameters != nil {
		t.run.Parameters = t.count(m.Parameters.Total)
	}
	for i := range m.Datasets {
		if m.Datasets[i].Role == "train" {
			t.run.TrainingItems = t.count(m.Datasets[i].Items)
			break
		}
	}
}

// stage is what all rows of a stage have in common.
func (t *tabler) stage(p *lifecycle.PhaseEntry) Row {
	row := t.run
	row.Phase, row.Stage = string(p.Phase), string(p.Stage)
	row.StageS = t.copied(p.DurationS)
	row.Units = t.units.of(p.Stage)
	start := p.StartedAt
	if start == nil {
		start = t.record.Run.StartedAt
	}
	if start != nil {
		utc := start.UTC().Truncate(time.Millisecond) // as the table tells it
		row.StartedAt, row.Month = &utc, month(utc)
	}
	return row
}

// fill adds to a row what its usage u of hardware h tells.
func (t *tabler) fill(row *Row, p *lifecycle.PhaseEntry, u *lifecycle.Usage, h int) {
	hw := &t.record.Hardware[h]
	d := t.device(h)
	row.HardwareKind, row.HardwareVendor, row.HardwareModel, row.HardwareClass = string(hw.Kind), hw.Vendor, hw.Model, d.class
	if d.environment >= 0 {
		e := &t.record.Environments[d.environment]
		row.Country, row.GridZone, row.Infrastructure, row.Provider, row.Region = e.Country, e.GridZone, e.Infrastructure, e.Provider, e.Region
	}
	if p.Stage.Device() {
		t.fillDevice(row, p, u, h)
		return
	}
	if u.Count != nil {
		row.HardwareCount = t.count(new(int64(*u.Count)))
	}
	row.Share, row.UseS = t.copied(u.Share), t.copied(u.UseS)
	if u.Count != nil && u.Share != nil && u.UseS != nil {
		row.DeviceS = t.number(float64(*u.Count) * *u.Share * *u.UseS)
	}
	of := source{skew: 1}
	if u.Factor != "" {
		row.Service = t.input(u.Factor, nil)
		row.Method = string(lifecycle.Modelled)
		of = source{skew(row.Service), spread(row.Service)}
	} else if m := find(t.meters, t.record.Methods, u.Meter, func(m *lifecycle.MethodEntry) string { return m.ID }); m >= 0 {
		meter := &t.record.Methods[m]
		row.Method, row.Sensor = string(meter.Method), meter.Sensor
		row.Meter, row.MeterError = t.gain(m), t.number(meter.RelError)
		of.spread = math.Log1p(meter.RelError)
	}
	if u.OperationalGCO2e != nil {
		row.Operational = t.figure(u.OperationalGCO2e)
	}
	if u.EnergyJ == nil {
		return
	}
	row.Energy = t.figure(u.EnergyJ)
	if d.environment >= 0 {
		t.fillPlace(row, p, t.place(d.environment), u.EnergyJ.Value, of)
	}
}

// fillPlace adds what a place makes of the energy of a row.
func (t *tabler) fillPlace(row *Row, p *lifecycle.PhaseEntry, s *place, energy float64, of source) {
	row.Grid, row.PUE, row.WUE, row.EWIF = s.grid, s.pue, s.wue, s.ewif
	if s.pue.ID == "" {
		return
	}
	if t.unbounded {
		t.fillValues(row, p, s, energy)
		return
	}
	facility, median := energy*s.pue.Value, energy*of.skew*s.pue.Value*skew(s.pue)
	spread2 := of.spread*of.spread + spread(s.pue)*spread(s.pue)
	row.Facility = t.product(facility, median, spread2)
	if s.grid.ID != "" {
		intensity := t.intensity(s, p)
		row.Operational = t.product(facility*intensity/joulesPerKWh, median*intensity*skew(s.grid)/joulesPerKWh, spread2+spread(s.grid)*spread(s.grid))
	}
	if s.wue.ID != "" && s.ewif.ID != "" {
		row.Water = t.water(s, energy, of)
	}
}

// fillValues is fillPlace without bounds.
func (t *tabler) fillValues(row *Row, p *lifecycle.PhaseEntry, s *place, energy float64) {
	facility := energy * s.pue.Value
	row.Facility.Value = t.number(facility)
	if s.grid.ID != "" {
		row.Operational.Value = t.number(facility * t.intensity(s, p) / joulesPerKWh)
	}
	if s.wue.ID != "" && s.ewif.ID != "" {
		row.Water.Value = t.number(s.consumed(energy))
	}
}

// fillDevice adds what a device answers for in a device stage.
func (t *tabler) fillDevice(row *Row, p *lifecycle.PhaseEntry, u *lifecycle.Usage, h int) {
	row.AllocatedS = t.copied(u.DeviceS)
	if u.EmbodiedGCO2e != nil {
		row.Embodied = t.figure(u.EmbodiedGCO2e)
		row.Method = string(u.EmbodiedGCO2e.Method)
	}
	for _, c := range []struct {
		to **float64
		of *lifecycle.Quantity
	}{{&row.ADPe, u.EmbodiedADPeKgSbeq}, {&row.PrimaryEnergy, u.EmbodiedPrimaryEnergyJ}, {&row.Waste, u.EmbodiedWasteKg}} {
		if c.of != nil {
			*c.to = t.number(c.of.Value)
		}
	}
	hw := &t.record.Hardware[h]
	e := hw.Embodied
	if e == nil {
		return
	}
	impacts := &e.Production
	switch {
	case p.Stage == lifecycle.Transport:
		impacts = e.Transport
	case p.Phase == lifecycle.PhaseEndOfLife:
		impacts = &e.EndOfLife
	}
	if impacts != nil {
		row.Device = t.input(impacts.GCO2e, hw)
	}
	row.Lifetime, row.Utilisation = t.input(e.Lifetime, nil), t.input(e.Utilisation, nil)
}

// place is what an environment gives its rows.
func (t *tabler) place(i int) *place {
	s := &t.places[i]
	if !s.known {
		f := &t.record.Environments[i].Factors
		*s = place{known: true, grid: t.input(f.Grid, nil), pue: t.input(f.PUE, nil), wue: t.input(f.WUE, nil), ewif: t.input(f.EWIF, nil)}
		if k := t.factor(f.Grid); k >= 0 {
			if h := t.record.Factors[k].Series; h != nil && len(h.Value) > 0 && h.StepS > 0 {
				s.hourly = h
			}
		}
	}
	return s
}

// device is what an entry of hardware gives its rows.
func (t *tabler) device(h int) *device {
	d := &t.devices[h]
	if !d.known {
		hw := &t.record.Hardware[h]
		d.known, d.class, d.environment = true, hardwareClass(hw), -1
		for i := range t.record.Environments {
			if t.record.Environments[i].ID == hw.Environment {
				d.environment = i
				break
			}
		}
	}
	return d
}

// product is a figure that is one product of lognormal inputs, for which the
// bounds of section 4 are exact.
func (t *tabler) product(value, median, spread2 float64) Figure {
	ratio := math.Exp(math.Sqrt(spread2))
	return t.numbers3(value, min(value, sixDigits(median/ratio)), max(value, sixDigits(median*ratio)))
}

// water is the figure that is a sum of two products with one energy. Its bounds
// go with the energy, and so are the same for all rows of a place and a meter.
func (t *tabler) water(s *place, energy float64, of source) Figure {
	value := s.consumed(energy)
	b := s.waterOf(of)
	return t.numbers3(value, min(value, sixDigits(value*b.low)), max(value, sixDigits(value*b.high)))
}

// consumed is the water of an energy, L.
func (s *place) consumed(energy float64) float64 {
	return energy * (s.wue.Value + float64(s.pue.Value*s.ewif.Value)) / joulesPerKWh // rounded alike on all processors
}

// source is what the energy of a row is as sure as: its median over its value,
// and how far its bounds are from that, in log space.
type source struct{ skew, spread float64 }

// bounds are those of a figure whose value is 1.
type bounds struct {
	of        source
	low, high float64
}

// waterOf are the bounds of water by energy from a source.
func (s *place) waterOf(of source) bounds {
	for _, b := range s.water {
		if b.of == of {
			return b
		}
	}
	v := lognormal.Intervals{Sources: []lognormal.Source{
		{Skew: of.skew, Sigma: of.spread / lognormal.Z95},
		lognormal.New(s.pue.Value, s.pue.Low, s.pue.High),
		lognormal.New(s.wue.Value, s.wue.Low, s.wue.High),
		lognormal.New(s.ewif.Value, s.ewif.Low, s.ewif.High),
	}}
	const energy, pue, wue, ewif = 0, 1, 2, 3
	skew := func(k int) float64 { return v.Sources[k].Skew }
	site, grid := s.wue.Value, float64(s.pue.Value*s.ewif.Value)
	b := bounds{of: of, low: 1, high: 1}
	if all := site + grid; all > 0 {
		b.low, b.high = v.Bounds(1, []lognormal.Term{
			{Median: site / all * skew(energy) * skew(wue), Product: lognormal.Product{}.Times(energy).Times(wue)},
			{Median: grid / all * skew(energy) * skew(pue) * skew(ewif), Product: lognormal.Product{}.Times(energy).Times(pue).Times(ewif)},
		})
	}
	s.water = append(s.water, b)
	return b
}

// skew is the median of a factor over its value.
func skew(f Input) float64 {
	if f.Low >= f.High || f.Low <= 0 || f.Value <= 0 {
		return 1
	}
	return math.Sqrt(f.Low*f.High) / f.Value
}

// spread is how far the bounds of a factor are from its median, in log space.
func spread(f Input) float64 {
	if f.Low >= f.High || f.Low <= 0 || f.Value <= 0 {
		return 0
	}
	return math.Log(f.High/f.Low) / 2
}

func (t *tabler) figure(q *lifecycle.Quantity) Figure {
	if t.unbounded {
		return Figure{Value: t.number(q.Value)}
	}
	return t.numbers3(q.Value, q.Low, q.High)
}

func (t *tabler) numbers3(value, low, high float64) Figure {
	return Figure{t.number(value), t.number(low), t.number(high)}
}

// number is a pointer to x in memory that the rows of a record share.
func (t *tabler) number(x float64) *float64 {
	if len(t.numbers) == cap(t.numbers) {
		t.numbers = make([]float64, 0, max(32, len(t.numbers))) // the rows keep what is full
	}
	t.numbers = append(t.numbers, x)
	return &t.numbers[len(t.numbers)-1]
}

func (t *tabler) copied(x *float64) *float64 {
	if x == nil {
		return nil
	}
	return t.number(*x)
}

func (t *tabler) count(x *int64) *int64 {
	if x == nil {
		return nil
	}
	if len(t.counts) == cap(t.counts) {
		t.counts = make([]int64, 0, max(32, len(t.counts)))
	}
	t.counts = append(t.counts, *x)
	return &t.counts[len(t.counts)-1]
}

// month is 2006-01 of a time.
func month(t time.Time) string {
	b := make([]byte, 0, 8)
	year, m, _ := t.Date()
	if year < 1000 || year > 9999 {
		return t.Format("2006-01")
	}
	b = strconv.AppendInt(b, int64(year), 10)
	return string(append(b, '-', '0'+byte(m)/10, '0'+byte(m)%10))
}

// sixDigits rounds a bound as records do: it is good for no more.
func sixDigits(x float64) float64 {
	if !(x > 1e-16 && x < 1e21) {
		r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
		if err != nil {
			return x // beyond the greatest number
		}
		return r
	}
	k := 5 - int(math.Floor(math.Log10(x)))
	if k >= 0 { // below 10^22 powers of ten are exact, and so the quotient is the nearest number
		return math.Round(x*tens[k]) / tens[k]
	}
	return math.Round(x/tens[-k]) * tens[-k]
}

var tens = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// longList is how many entries are looked for one by one.
const longList = 24

// indexLong is the place of each id in a list that is long.
func indexLong[T any](list []T, id func(*T) string) map[string]int {
	if len(list) <= longList {
		return nil
	}
	m := make(map[string]int, len(list))
	for i := range list {
		m[id(&list[i])] = i
	}
	return m
}

// find is the place of an id in a list with its index; -1 if it is not there.
func find[T any](index map[string]int, list []T, id string, of func(*T) string) int {
	if index != nil {
		if i, ok := index[id]; ok {
			return i
		}
		return -1
	}
	for i := range list {
		if of(&list[i]) == id {
			return i
		}
	}
	return -1
}
