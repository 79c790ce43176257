package lifecycle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
)

// dice makes records by chance.
type dice struct{ *rand.Rand }

func (d dice) between(low, high float64) float64 { return low * math.Pow(high/low, d.Float64()) }

// factor is a factor with bounds of up to ×ratio on either side.
func (d dice) factor(id string, kind factors.Kind, value, ratio float64, unit string) factors.Factor {
	return between(id, kind, value, value/d.between(1, ratio), value*d.between(1, ratio), unit)
}

// record is a run in up to three places, with up to four kinds of devices, in
// any stages, with a tree of spans; its facts agree with one another.
func (d dice) record() *Record {
	r := oneHour()
	r.Factors, r.Environments, r.Hardware, r.Phases, r.Ledger, r.Spans = nil, nil, nil, nil, nil, nil
	r.UseCase.FunctionalUnit = nil
	r.Methods = r.Methods[:0]
	methods := []Method{Metered, Counter, Modelled, Declared}
	for m := range 1 + d.IntN(4) {
		r.Methods = append(r.Methods, MethodEntry{ID: fmt.Sprint("meter", m), Method: methods[d.IntN(4)], Sensor: "any", RelError: []float64{0, 0.02, 0.5, 2}[d.IntN(4)]})
	}
	for e := range 1 + d.IntN(3) {
		d.place(r, fmt.Sprint("place", e))
	}
	r.Factors = append(r.Factors,
		d.factor("life", factors.Lifetime, d.between(4e7, 5e8), 2, "s"),
		d.factor("used", factors.Utilisation, d.between(0.1, 1), 1.5, "1"))
	for h := range 1 + d.IntN(4) {
		d.device(r, fmt.Sprint("device", h))
	}
	d.stages(r)
	d.spans(r)
	r.Run.DurationS = 0
	for _, p := range r.Phases {
		r.Run.DurationS += *p.DurationS
	}
	return r
}

func (d dice) place(r *Record, id string) {
	e := Environment{ID: id, PlaceFound: "declared", Country: "FR", Infrastructure: "on-premise", Virtualisation: "none",
		Factors: EnvironmentFactors{Grid: "grid." + id, PUE: "pue." + id}}
	r.Factors = append(r.Factors,
		d.factor(e.Factors.Grid, factors.Grid, d.between(10, 900), 3, "gCO2e/kWh"),
		d.factor(e.Factors.PUE, factors.PUE, d.between(1.05, 2), 1.05, "1"))
	if d.IntN(3) > 0 {
		e.Factors.WUE, e.Factors.EWIF = "wue."+id, "ewif."+id
		r.Factors = append(r.Factors,
			d.factor(e.Factors.WUE, factors.WUE, d.between(0.1, 5), 3, "L/kWh"),
			d.factor(e.Factors.EWIF, factors.EWIF, d.between(0.1, 9), 3, "L/kWh"))
	}
	if d.IntN(2) > 0 {
		e.Factors.Residual = "residual." + id
		e.Instruments = []Instrument{{Kind: "PPA", Share: d.Float64(), Factor: "ppa." + id}}
		r.Factors = append(r.Factors,
			d.factor(e.Factors.Residual, factors.Residual, d.between(10, 900), 3, "gCO2e/kWh"),
			d.factor("ppa."+id, factors.Instrument, d.between(5, 50), 2, "gCO2e/kWh"))
	}
	r.Environments = append(r.Environments, e)
}

func (d dice) device(r *Record, id string) {
	h := Hardware{ID: id, Environment: r.Environments[d.IntN(len(r.Environments))].ID, Kind: KindNode, Model: "any", Count: 1 + d.IntN(8)}
	if d.IntN(4) > 0 {
		made := d.between(1e3, 3e6)
		h.Embodied = &Embodied{Production: Impacts{GCO2e: "made." + id}, EndOfLife: Impacts{GCO2e: "scrapped." + id}, Lifetime: "life", Utilisation: "used"}
		r.Factors = append(r.Factors,
			d.factor("made."+id, factors.Production, made, 3, "gCO2e"),
			d.factor("scrapped."+id, factors.EndOfLife, made*d.between(0.001, 0.1), 3, "gCO2e"))
		if d.IntN(2) > 0 {
			h.Embodied.Production.ADPeKgSbeq = "adpe." + id
			r.Factors = append(r.Factors, d.factor("adpe."+id, factors.Production, d.between(1e-3, 1), 3, "kgSbeq"))
		}
	} else {
		r.Missing = append(r.Missing, Missing{Path: pointer("hardware", len(r.Hardware), "embodied"), Reason: []string{"unknown", "not-applicable"}[d.IntN(2)]})
	}
	r.Hardware = append(r.Hardware, h)
}

func (d dice) stages(r *Record) {
	all := []Stage{Unassigned, DataPreparation, Training, FineTuning, ModelEvaluation, Serving, Batch, Operation, Retirement}
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, s := range all[:1+d.IntN(len(all))] {
		seconds := d.between(0.01, 300)
		if d.IntN(10) == 0 {
			seconds = 0
		}
		p := PhaseEntry{Phase: s.Phase(), Stage: s, StartedAt: after(0), EndedAt: after(3600), DurationS: &seconds}
		for h := range r.Hardware {
			if d.IntN(4) == 0 {
				continue
			}
			n, share := 1+d.IntN(r.Hardware[h].Count), 1-d.Float64()
			var joules float64
			if d.IntN(5) > 0 {
				joules = d.between(1e-3, 1e7)
			}
			p.Usage = append(p.Usage, Usage{
				Hardware: r.Hardware[h].ID, Meter: r.Methods[h%len(r.Methods)].ID,
				Count: &n, Share: &share, ShareBy: "declared", UseS: &seconds, EnergyJ: &Quantity{Value: joules},
			})
		}
		r.Phases = append(r.Phases, p)
	}
}

// spans gives each stage a tree of spans that used its energy, and the ledger
// the lines that both follow from.
func (d dice) spans(r *Record) {
	for h := range r.Hardware {
		m := r.Methods[h%len(r.Methods)]
		l := LedgerLine{Domain: r.Hardware[h].ID, Hardware: r.Hardware[h].ID, Meter: m.ID, Method: m.Method, Split: "wall", IdleFound: "unknown",
			OtherProcessesJ: d.between(1, 100)}
		for _, p := range r.Phases {
			for _, u := range p.Usage {
				switch {
				case u.Hardware != l.Hardware:
				case p.Stage == Unassigned:
					l.UnattributedJ += u.EnergyJ.Value
				default:
					l.SpansJ += u.EnergyJ.Value
				}
			}
		}
		l.TotalJ = l.SpansJ + l.UnattributedJ + l.OtherProcessesJ
		r.Ledger = append(r.Ledger, l)
	}
	for _, p := range r.Phases {
		if p.Stage == Unassigned {
			continue
		}
		var joules float64
		for _, u := range p.Usage {
			joules += u.EnergyJ.Value
		}
		root := len(r.Spans)
		paths := []string{"run " + string(p.Stage[:3]) + fmt.Sprint(root)}
		weights := []float64{d.Float64()}
		for n := range d.IntN(12) {
			paths = append(paths, paths[d.IntN(len(paths))]+"/"+fmt.Sprint(n))
			weights = append(weights, d.Float64())
		}
		var sum float64
		for _, w := range weights {
			sum += w
		}
		for n, path := range paths {
			s := span(path, p.Stage, int64(1+d.IntN(3)), *p.DurationS*weights[n]/sum, *p.DurationS, joules*weights[n]/sum, nil)
			if d.IntN(2) > 0 {
				s.Units = map[string]Unit{"items": {Count: int64(d.IntN(1000))}}
			}
			r.Spans = append(r.Spans, s)
		}
		r.UseCase.FunctionalUnit = &FunctionalUnit{Unit: "items", Path: paths[d.IntN(len(paths))]}
	}
}

func TestWhateverIsAssessedIsValid(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(150)) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		r := d.record()
		require.NoError(t, Assess(r), "record %d", seed)
		require.Empty(t, findings(r), "record %d", seed)
		once := document(t, r)
		require.NoError(t, Assess(r), "record %d", seed)
		require.Equal(t, string(once), string(document(t, r)), "record %d assessed twice", seed)
	}
}

func TestTotalsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(50)) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		r := d.record()
		other := copyOf(t, r)
		d.Shuffle(len(other.Phases), reflect.Swapper(other.Phases))
		d.Shuffle(len(other.Factors), reflect.Swapper(other.Factors))
		d.Shuffle(len(other.Spans), reflect.Swapper(other.Spans))
		assess(t, r)
		assess(t, other)
		for k := range numColumns {
			want, got := k.total(&r.Totals), k.total(&other.Totals)
			require.Equal(t, want == nil, got == nil, "%s of record %d", k, seed)
			if want != nil {
				require.True(t, near(want.Value, got.Value, 1e-12), "%s of record %d: %v and %v", k, seed, want, got)
				require.True(t, near(want.Low, got.Low, boundTolerance) && near(want.High, got.High, boundTolerance), "%s of record %d: %v and %v", k, seed, want, got)
				require.Equal(t, want.Method, got.Method)
			}
		}
	}
}

// TestTotalsAgreeWithAMonteCarlo draws the factors and the meters' gains of
// whole records, and assesses anew. The intervals of the totals must be those
// of the draws: the terms that they were computed from stand for the record.
// Trap 55: intervals say what the figures that they come from say.
func TestTotalsAgreeWithAMonteCarlo(t *testing.T) {
	const draws, tolerance = 3000, 0.06 // a quantile of so few draws is good to 3 %
	totals := []column{energyJ, facilityEnergyJ, operationalGCO2e, waterL, marketGCO2e, embodiedGCO2e}
	t.Parallel()
	for seed := range race.Few(uint64(4)) {
		d := dice{rand.New(rand.NewPCG(seed, 3))}
		r := d.record()
		for i := range r.Methods {
			r.Methods[i].RelError = min(r.Methods[i].RelError, 0.5)
		}
		assess(t, r)
		of := newBasis(r).Sources
		drawn := make([][]float64, len(totals))
		for range draws {
			total := totalsOf(t, d.drawn(r, of))
			for c, k := range totals {
				drawn[c] = append(drawn[c], total[k].value)
			}
		}
		for c, k := range totals {
			q := k.total(&r.Totals)
			if q == nil || q.Value == 0 {
				continue
			}
			slices.Sort(drawn[c])
			assert.InEpsilon(t, drawn[c][draws*25/1000], q.Low, tolerance, "low of %s of record %d", k, seed)
			assert.InEpsilon(t, drawn[c][draws*975/1000], q.High, tolerance, "high of %s of record %d", k, seed)
		}
	}
}

// totalsOf are the figures of a record that was not assessed.
func totalsOf(t *testing.T, r *Record) *columns {
	b := newBasis(r)
	require.NoError(t, b.refreshDevices())
	total, _, err := b.totals()
	require.NoError(t, err)
	return total
}

// drawn is a record as it would be if every factor and every meter's gain were
// what it is by chance.
func (d dice) drawn(r *Record, of []source) *Record { return drawnBy(r, of, d.normal(len(of))) }

// normal are n standard normal variables.
func (d dice) normal(n int) []float64 {
	z := make([]float64, n)
	for k := range z {
		z[k] = d.NormFloat64()
	}
	return z
}

// drawnBy is a record as it would be with these errors of its sources.
func drawnBy(r *Record, of []source, z []float64) *Record {
	n := *r
	n.Factors = slices.Clone(r.Factors)
	for k := range n.Factors {
		f := &n.Factors[k]
		f.Value *= of[k].Skew * math.Exp(of[k].Sigma*z[k])
		f.Low, f.High = f.Value, f.Value
	}
	gain := map[string]float64{}
	for k := range n.Methods {
		gain[n.Methods[k].ID] = math.Exp(of[len(n.Factors)+k].Sigma * z[len(n.Factors)+k])
	}
	n.Phases = nil
	for _, p := range r.Phases {
		if p.Stage.Device() {
			continue
		}
		p.Usage = slices.Clone(p.Usage)
		for j := range p.Usage {
			p.Usage[j].EnergyJ = joules(p.Usage[j].EnergyJ.Value * gain[p.Usage[j].Meter])
		}
		n.Phases = append(n.Phases, p)
	}
	return &n
}

// mutate spoils facts of a record: numbers, texts, absent members, lists cut
// short or doubled.
func (d dice) mutate(r *Record) {
	for range 1 + d.IntN(4) {
		d.spoil(reflect.ValueOf(r).Elem())
	}
}

// spoil walks down to some member and spoils it.
func (d dice) spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		switch {
		case v.IsNil():
			if v.Type().Elem().Kind() != reflect.Struct || v.Type().Elem().NumField() > 0 && v.Type().Elem().PkgPath() != "time" {
				v.Set(reflect.New(v.Type().Elem()))
			}
		case d.IntN(4) == 0:
			v.SetZero()
		default:
			d.spoil(v.Elem())
		}
	case reflect.Struct:
		if n := v.NumField(); n > 0 && v.Type().PkgPath() != "time" {
			d.spoil(v.Field(d.IntN(n)))
		}
	case reflect.Slice:
		switch n := v.Len(); {
		case n == 0:
		case d.IntN(6) == 0:
			v.Set(v.Slice(0, d.IntN(n)))
		case d.IntN(6) == 0:
			v.Set(reflect.Append(v, v.Index(d.IntN(n))))
		default:
			d.spoil(v.Index(d.IntN(n)))
		}
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, -1, v.Float() * 1.01, -v.Float(), 1e308, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1), d.ExpFloat64()}[d.IntN(11)])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 1, -1, v.Int() + 1, math.MaxInt64, math.MinInt64}[d.IntN(6)])
	case reflect.String:
		v.SetString([]string{"", "x", "/", "~", "grid", "pue", "node", "cpu", "life", "rapl", "hall", "production", "unassigned", "end-of-life/retirement", "2026-03-02T08:30:00Z"}[d.IntN(15)])
	}
}

// survive requires that a record, however bad, is assessed or refused, and
// checked. What Assess agrees to must follow from its facts.
func survive(t *testing.T, r *Record) {
	before := everythingIn(r)
	findings(r)
	require.Equal(t, before, everythingIn(r), "a check changes nothing")
	if err := Assess(r); err != nil {
		require.Regexp(t, `^lifecycle: /\S+: .{10,}`, err.Error(), "an error says where and what")
		require.Equal(t, before, everythingIn(r), "a record that is refused stays as it was")
		return
	}
	for _, f := range findings(r) {
		switch f.Rule {
		case "R9", "R10", "R13", "R14", "R15", "R16", "R27", "R28", "R32", "R36": // facts that disagree with one another
		default:
			require.Fail(t, "what was derived does not follow from the facts", "%v", f)
		}
	}
}

// everythingIn follows the pointers of a record, so that what it writes is all
// that is in it, NaN included.
func everythingIn(r *Record) string { return string(flat(nil, reflect.ValueOf(r))) }

func flat(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "nil "...)
		}
		return flat(b, v.Elem())
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return at.AppendFormat(b, time.RFC3339Nano+" ")
		}
		b = append(b, '{')
		for i := range v.NumField() {
			b = flat(b, v.Field(i))
		}
		return append(b, '}')
	case reflect.Slice:
		b = append(strconv.AppendBool(b, v.IsNil()), '[')
		for i := range v.Len() {
			b = flat(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		b = append(b, "map["...)
		for _, k := range keys {
			b = flat(flat(b, k), v.MapIndex(k))
		}
		return append(b, ']')
	case reflect.Float64:
		b = strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case reflect.Int, reflect.Int64:
		b = strconv.AppendInt(b, v.Int(), 10)
	case reflect.String:
		b = strconv.AppendQuote(b, v.String())
	default:
		b = fmt.Appendf(b, "%#v", v.Interface())
	}
	return append(b, ' ')
}

func TestSpoiltRecordsAreRefusedOrFollowFromTheirFacts(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(800)) {
		d := dice{rand.New(rand.NewPCG(seed, 4))}
		r := []func() *Record{oneHour, everything, d.record}[seed%3]()
		if d.IntN(2) > 0 {
			require.NoError(t, Assess(r))
		}
		d.mutate(r)
		survive(t, r)
		if t.Failed() {
			t.Fatal("seed ", seed)
		}
	}
}

func FuzzArithmetic(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, seed+1)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		d := dice{rand.New(rand.NewPCG(a, b))}
		r := []func() *Record{oneHour, everything, d.record}[a%3]()
		if b%2 > 0 {
			require.NoError(t, Assess(r))
		}
		d.mutate(r)
		survive(t, r)
	})
}
