package lifecycle

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/internal/race"
)

const fewDraws = 2000

// other is a run of its own: another than the one it is a copy of.
func other(t *testing.T, r *Record) *Record {
	t.Helper()
	c := copyOf(t, r)
	c.Run.ID = "019cadc6-9a80-7000-8000-0000000000ff"
	return c
}

// scaled is a run that used x times the energy of another.
func scaled(t *testing.T, r *Record, x float64) *Record {
	t.Helper()
	c := other(t, r)
	for i := range c.Phases {
		for j := range c.Phases[i].Usage {
			if u := &c.Phases[i].Usage[j]; u.EnergyJ != nil {
				u.EnergyJ = joules(u.EnergyJ.Value * x)
			}
		}
	}
	return assess(t, c)
}

func compareWell(t *testing.T, a, b *Record) map[string]Difference {
	t.Helper()
	c, err := compare(a, b, 20_000)
	require.NoError(t, err)
	return byFigure(c)
}

// byFigure are the differences by figure and unit: gco2e, gco2e/requests.
func byFigure(c Comparison) map[string]Difference {
	m := map[string]Difference{}
	for _, d := range c.Figures {
		m[strings.TrimSuffix(d.Figure+"/"+d.Unit, "/")] = d
	}
	return m
}

func TestARunIsNeverLowerThanItself(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(60)) {
		d := dice{rand.New(rand.NewPCG(seed, 5))}
		r := []func() *Record{oneHour, everything, d.record, d.record}[seed%4]()
		assess(t, r)
		shuffled := copyOf(t, r)
		d.Shuffle(len(shuffled.Phases), reflect.Swapper(shuffled.Phases))
		d.Shuffle(len(shuffled.Factors), reflect.Swapper(shuffled.Factors))
		for _, s := range []*Record{r, shuffled} {
			c, err := compare(r, s, fewDraws)
			require.NoError(t, err)
			for _, f := range c.Figures {
				require.Contains(t, []Verdict{NotToldApart, NotComparable}, f.Verdict, "%s of record %d", f.Figure, seed)
				require.Zero(t, f.Lower+f.Higher, "%s of record %d is as much as itself", f.Figure, seed)
				require.Empty(t, f.Drivers)
			}
		}
	}
}

// twins are two runs with factors and devices by the same names; a part of the
// facts is the same.
func (d dice) twins(t *testing.T) (a, b *Record) {
	a = assess(t, d.record())
	b = other(t, a)
	for i := range b.Phases {
		p := &b.Phases[i]
		for j := range p.Usage {
			if u := &p.Usage[j]; u.EnergyJ != nil {
				u.EnergyJ = joules(u.EnergyJ.Value * d.between(0.3, 2))
			}
		}
	}
	for i := range b.Factors {
		if d.IntN(3) == 0 {
			x := d.between(0.7, 1.2)
			f := &b.Factors[i]
			f.Value, f.Low, f.High = f.Value*x, f.Low*x, f.High*x
		}
	}
	for h := range a.Hardware {
		if d.IntN(2) > 0 {
			a.Hardware[h].Instance, b.Hardware[h].Instance = []string{a.Hardware[h].ID}, []string{a.Hardware[h].ID}
		}
	}
	return assess(t, a), assess(t, b)
}

// Trap 33: a difference may be negative, and a ratio is divided the other way.
func TestTheComparisonTurnedRoundIsTheOpposite(t *testing.T) {
	t.Parallel()
	opposite := map[Verdict]Verdict{Lower: Higher, Higher: Lower, NotToldApart: NotToldApart, NotComparable: NotComparable}
	met := map[Verdict]int{}
	for seed := range race.Few(uint64(50)) {
		d := dice{rand.New(rand.NewPCG(seed, 6))}
		a, b := d.twins(t)
		before := everythingIn(a) + everythingIn(b)
		ab, err := compare(a, b, fewDraws)
		require.NoError(t, err)
		ba, err := compare(b, a, fewDraws)
		require.NoError(t, err)
		require.Equal(t, before, everythingIn(a)+everythingIn(b), "comparing changes nothing")
		require.Len(t, ba.Figures, len(ab.Figures))
		for i := range ab.Figures {
			x, y := &ab.Figures[i], &ba.Figures[i]
			met[x.Verdict]++
			require.Equal(t, opposite[x.Verdict], y.Verdict)
			require.Len(t, y.Reasons, len(x.Reasons))
			if x.Verdict == NotComparable {
				continue
			}
			require.Equal(t, []any{x.A, x.B, x.Lower, x.Higher, x.Error}, []any{y.B, y.A, y.Higher, y.Lower, y.Error})
			require.Equal(t, *x.Difference, Interval{-y.Difference.Value, -y.Difference.High, -y.Difference.Low})
			if x.Ratio != nil && y.Ratio != nil {
				require.InEpsilon(t, x.Ratio.Low*y.Ratio.High, 1, 1e-5)
			}
			require.Len(t, y.Drivers, len(x.Drivers))
			for k, w := range x.Drivers {
				v := y.Drivers[k]
				require.Equal(t, w, Driver{v.Stage, v.Hardware, v.Input, -v.Difference}, "driver %d of record %d", k, seed)
			}
		}
	}
	for v := range opposite {
		assert.Positive(t, met[v], "%s was never met", v)
	}
}

// TestComparisonsAgreeWithAPlainMonteCarlo draws the factors and meters of two
// whole records, those that are shared once, and counts how often one is less.
func TestComparisonsAgreeWithAPlainMonteCarlo(t *testing.T) {
	const draws = 2000
	t.Parallel()
	for seed := range race.Few(uint64(3)) {
		d := dice{rand.New(rand.NewPCG(seed, 7))}
		a, b := d.twins(t)
		c, err := compare(a, b, 20_000)
		require.NoError(t, err)

		ofA, ofB := newBasis(a).Sources, newBasis(b).Sources
		same := make([]bool, len(ofB)) // twins have their inputs in one order
		for k := range b.Factors {
			same[k] = reflect.DeepEqual(a.Factors[k], b.Factors[k])
		}
		for m := range b.Methods {
			for h := range b.Hardware {
				if b.Methods[h%len(b.Methods)].ID == b.Methods[m].ID && a.Hardware[h].Instance != nil {
					same[len(b.Factors)+m] = true
				}
			}
		}
		lower := map[string]int{}
		differences := map[string][]float64{}
		for range draws {
			zA, zB := d.normal(len(ofA)), d.normal(len(ofB))
			for k := range zB {
				if same[k] {
					zB[k] = zA[k]
				}
			}
			x, y := totalsOf(t, drawnBy(a, ofA, zA)), totalsOf(t, drawnBy(b, ofB, zB))
			for _, f := range c.Figures {
				if f.Verdict == NotComparable || f.Unit != "" {
					continue
				}
				u, v := drawnFigure(x, f.Figure), drawnFigure(y, f.Figure)
				if u < v && !near(u, v, 1e-9) {
					lower[f.Figure]++
				}
				differences[f.Figure] = append(differences[f.Figure], u-v)
			}
		}
		for _, f := range c.Figures {
			if drawn := differences[f.Figure]; f.Unit == "" && len(drawn) > 0 {
				p := float64(lower[f.Figure]) / draws
				assert.InDelta(t, p, f.Lower, 4*math.Sqrt(0.25/draws), "%s of pair %d", f.Figure, seed)
				slices.Sort(drawn)
				tolerance := 0.1*(f.Difference.High-f.Difference.Low) + 1e-5*math.Abs(f.Difference.Value)
				assert.InDelta(t, drawn[draws*25/1000], f.Difference.Low, tolerance, "low of %s of pair %d", f.Figure, seed)
				assert.InDelta(t, drawn[draws*975/1000], f.Difference.High, tolerance, "high of %s of pair %d", f.Figure, seed)
			}
		}
	}
}

func drawnFigure(c *columns, name string) float64 {
	if name == "gco2e" {
		return c[operationalGCO2e].value + c[embodiedGCO2e].value
	}
	for k := range numColumns {
		if k.String() == name {
			return c[k].value
		}
	}
	panic(name)
}

func TestTheProbabilityIsThatOfTheRatio(t *testing.T) {
	race.SkipStatistics(t)
	// One meter each, of errors that are independent: the ratio of the two is
	// lognormal, and the probability that it is below 1 is known.
	run := func(joule float64) *Record {
		r := oneHour()
		r.Methods[0].RelError, r.Methods[1].RelError = 0.5, 0
		for i := range r.Phases {
			r.Phases[i].Usage[0].EnergyJ = joules(joule)
			r.Phases[i].Usage[1].EnergyJ = joules(0)
		}
		return r
	}
	for _, ratio := range []float64{1, 0.9, 0.7, 0.5} {
		a, b := assess(t, run(ratio*1e6)), assess(t, run(1e6))
		b.Run.ID = "019cadc6-9a80-7000-8000-0000000000ff"
		c, err := Compare(a, b)
		require.NoError(t, err)
		assert.Equal(t, 100_000, c.Draws)
		d := byFigure(c)["energy_j"]
		sigma := math.Sqrt2 * math.Log(1.5) / lognormal.Z95
		want := 0.5 * math.Erfc(math.Log(ratio)/sigma/math.Sqrt2)
		assert.InDelta(t, want, d.Lower, 1.5*d.Error, "ratio %v", ratio)
		assert.InDelta(t, 1-want, d.Higher, 1.5*d.Error, "ratio %v", ratio)
		assert.LessOrEqual(t, d.Error, 0.0031)
		assert.InEpsilon(t, ratio*math.Exp(-lognormal.Z95*sigma), d.Ratio.Low, 0.02)
		assert.InEpsilon(t, ratio*math.Exp(lognormal.Z95*sigma), d.Ratio.High, 0.02)
		assert.InEpsilon(t, ratio, d.Ratio.Value, 1e-12)
		assert.Equal(t, want > 0.975, d.Verdict == Lower)
	}
}

func TestWhatIsSharedIsNoDoubt(t *testing.T) {
	a := oneHour()
	a.Factors[0] = between("grid", factors.Grid, 400, 20, 900, "gCO2e/kWh") // next to nothing is known of it
	assess(t, a)
	b := scaled(t, a, 0.9)

	t.Run("two machines at one place are told apart as surely as their joules", func(t *testing.T) {
		d := compareWell(t, a, b)
		assert.Equal(t, NotToldApart, d["energy_j"].Verdict)
		assert.Greater(t, d["energy_j"].Higher, 0.6)
		for _, f := range []string{"facility_energy_j", "operational_gco2e", "energy_j/requests", "operational_gco2e/requests"} {
			assert.Equal(t, d["energy_j"].Higher, d[f].Higher, f)
			assert.Equal(t, d["energy_j"].Lower, d[f].Lower, f)
		}
	})
	t.Run("one machine, whose meters err alike, is told apart at all", func(t *testing.T) {
		a, b := copyOf(t, a), copyOf(t, b)
		for _, r := range []*Record{a, b} {
			r.Hardware[0].Instance, r.Hardware[1].Instance = []string{"00000000000000aa"}, []string{"00000000000000bb"}
		}
		for name, d := range compareWell(t, a, b) {
			if strings.HasPrefix(name, "embodied") {
				assert.Equal(t, NotToldApart, d.Verdict, name)
				assert.Zero(t, d.Higher, "%s is the same", name)
				continue
			}
			assert.Equal(t, Higher, d.Verdict, name)
			assert.Equal(t, 1.0, d.Higher, name)
			assert.Positive(t, d.Difference.Low, name)
		}
	})
	t.Run("a figure of another year is another figure", func(t *testing.T) {
		b := copyOf(t, b)
		b.Factors[0].High = 901
		d := compareWell(t, a, assess(t, b))
		assert.Less(t, d["operational_gco2e"].Higher, d["energy_j"].Higher)
	})
}

func TestTwoUnknownPlacesAreNotOne(t *testing.T) {
	a := oneHour()
	a.Factors[0] = between("grid.world", factors.Grid, 470, 20, 1000, "gCO2e/kWh")
	a.Factors[0].Found = factors.FromWorld
	a.Environments[0].Factors.Grid = "grid.world"
	assess(t, a)
	b := scaled(t, a, 0.3)
	c, err := compare(a, b, fewDraws)
	require.NoError(t, err)
	d := byFigure(c)
	assert.Equal(t, Higher, d["energy_j"].Verdict)
	assert.Equal(t, NotToldApart, d["operational_gco2e"].Verdict, "one of them may be in Norway, the other in Poland")
	assert.Len(t, c.Caveats, 1)

	a.Hardware[0].Instance, b.Hardware[0].Instance = []string{"00000000000000aa"}, []string{"00000000000000aa"}
	c, err = compare(a, b, fewDraws)
	require.NoError(t, err)
	assert.Equal(t, Higher, byFigure(c)["operational_gco2e"].Verdict, "one machine is at one place, wherever that is")
	assert.Equal(t, []string{"a model told the energy of both runs and is taken to err alike for both, as it does for work of one kind"}, c.Caveats)
}

func TestWhatIsNotOfOneKindIsNotCompared(t *testing.T) {
	use := []string{"gco2e", "operational_gco2e", "energy_j", "facility_energy_j", "water_l"}
	all := append([]string{"embodied_gco2e"}, use...)
	for _, c := range []struct {
		name    string
		change  func(*Record)
		refused []string
		reason  string
	}{
		{"boundary", func(r *Record) { r.Run.Boundary = BoundaryIT }, use, "boundary of the energy: A node, B it"},
		{"scope", func(r *Record) { r.Run.Scope = ScopeMachine }, all, "whose joules and devices are counted: A process, B machine"},
		{"basis", func(r *Record) { r.Factors[0].Basis = "direct" }, []string{"gco2e", "operational_gco2e"}, "basis of the grid factors: A lifecycle, B direct"},
		{"no embodied factors", func(r *Record) { r.Hardware[0].Embodied = nil }, []string{"gco2e", "embodied_gco2e"}, "run B: what node took to make is unknown"},
		{"a device that nobody knows", func(r *Record) {
			r.Hardware = append(r.Hardware, Hardware{ID: "tpu", Environment: "hall", Kind: KindOther, Count: 1})
			r.Missing = append(r.Missing, Missing{Path: "/hardware/2/embodied", Reason: "unknown"})
		}, []string{"gco2e", "embodied_gco2e"}, "run B: what tpu took to make is unknown"},
		{"no water", func(r *Record) { r.Environments[0].Factors.WUE = "" }, []string{"water_l"}, "run B: /totals/water_l is unknown"},
		{"a meter that could not be read", func(r *Record) {
			r.Missing = append(r.Missing, Missing{Path: "/ledger", What: "gpu0", Reason: "not-measured"})
		}, use, "what was not measured: A none, B gpu0"},
		{"a device that no meter covers", func(r *Record) {
			r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "a GPU", Reason: "not-measured"})
		}, use, "what was not measured: A none, B a GPU"},
		{"devices of others", func(r *Record) {
			r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "making of the storage", Reason: "unknown"})
		}, []string{"gco2e", "embodied_gco2e"}, "devices that are not in the record: A none, B making of the storage"},
		{"ranks that are lost", func(r *Record) { half := 0.5; r.Run.Coverage = &half }, all, "share of the ranks that are in the record: A 1, B 0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assess(t, oneHour())
			b := other(t, a)
			c.change(b)
			assess(t, b)
			got, err := compare(a, b, fewDraws)
			require.NoError(t, err)
			for name, d := range byFigure(got) {
				figure, _, _ := strings.Cut(name, "/")
				if !slices.Contains(c.refused, figure) {
					assert.NotEqual(t, NotComparable, d.Verdict, name)
					assert.NotNil(t, d.Difference, name)
					continue
				}
				assert.Equal(t, NotComparable, d.Verdict, name)
				assert.Contains(t, d.Reasons, c.reason, name)
				assert.Nil(t, d.Difference)
				assert.Zero(t, d.Lower+d.Higher)
			}
		})
	}
}

func TestCaveatsTellWhatToMind(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Record)
		want   string
	}{
		{"nothing", func(*Record) {}, ""},
		{"units", func(r *Record) { r.UseCase.FunctionalUnit = &FunctionalUnit{"samples", "train/epoch"} }, "functional unit: A requests, B samples"},
		{"another span's units", func(r *Record) {
			r.UseCase.FunctionalUnit = &FunctionalUnit{"requests", "elsewhere"}
			r.Spans = append(slices.Clone(r.Spans), Span{Path: "elsewhere", Stage: r.Spans[2].Stage, Units: map[string]Unit{"requests": {Count: 100}}})
		}, "span that counts requests: A serve, B elsewhere"},
		{"no unit", func(r *Record) { r.UseCase.FunctionalUnit = nil }, "functional unit: A requests, B none"},
		{"work", func(r *Record) { r.Spans[2].Units = map[string]Unit{"requests": {Count: 50}} }, "the runs did not do the same amount of work: A 100, B 50 requests"},
		{"status", func(r *Record) { r.Run.Status = Interrupted }, "status: A complete, B interrupted"},
		{"scope", func(r *Record) { r.Run.Scope = ScopeCgroup }, "whose joules are counted: A process, B cgroup"},
		{"mix", func(r *Record) { r.Factors[0].Mix = "consumption" }, "mix of the grid factors: A production, B consumption"},
		{"amortised", func(r *Record) { r.Amortised = everything().Amortised }, "what is amortised is in none of the figures"},
		{"one run", func(r *Record) { r.Run.ID = oneHour().Run.ID }, "both records are of one run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assess(t, oneHour())
			b := other(t, a)
			c.change(b)
			got, err := compare(a, assess(t, b), fewDraws)
			require.NoError(t, err)
			if c.want == "" {
				assert.Empty(t, got.Caveats)
				return
			}
			assert.Equal(t, []string{c.want}, got.Caveats)
			assert.Equal(t, !strings.HasPrefix(c.want, "functional unit"), len(got.Figures) == 2*len(comparedFigures),
				"figures of a unit are told where both count it")
		})
	}
}

func TestWhatNeitherRecordHasIsTold(t *testing.T) {
	a := oneHour()
	a.Missing = []Missing{{Path: "/hardware", What: "the network", Reason: "not-measured"}, {Path: "/hardware", What: "the storage", Reason: "unknown"}}
	a = assess(t, a)
	c, err := compare(a, other(t, a), fewDraws)
	require.NoError(t, err)
	assert.Equal(t, []string{"neither record has: the network", "neither record has: the storage"}, c.Caveats)
	for _, d := range c.Figures {
		assert.Equal(t, NotToldApart, d.Verdict, d.Figure)
	}
}

func TestWhatDrivesADifferenceAddsUpToIt(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(100)) {
		d := dice{rand.New(rand.NewPCG(seed, 8))}
		a, b := d.twins(t)
		x, err := newComparand(a)
		require.NoError(t, err)
		y, err := newComparand(b)
		require.NoError(t, err)
		for k := range comparedFigures {
			var sum float64
			for _, w := range drivers(x.cells(k, ""), y.cells(k, "")) {
				sum += w.Difference
			}
			u, v := x.figures[k].value, y.figures[k].value
			require.InDelta(t, u-v, sum, 1e-6*max(u, v), "%s of pair %d", comparedFigures[k].name, seed)
		}
	}
}

func TestDriversNameWhatDiffers(t *testing.T) {
	a := assess(t, oneHour())
	b := other(t, a)
	b.Factors[0] = between("grid", factors.Grid, 100, 80, 120, "gCO2e/kWh")
	b.Phases[0].Usage[0].EnergyJ = joules(2.4e6 * 2)
	b.Factors[6] = between("life", factors.Lifetime, 5e7, 4e7, 6e7, "s")
	assess(t, b)
	d := compareWell(t, a, b)
	assert.Equal(t, Higher, d["operational_gco2e"].Verdict)
	first := d["operational_gco2e"].Drivers[0]
	assert.Equal(t, "grid", first.Input, "most of it is the grid")
	assert.Positive(t, first.Difference)
	assert.Equal(t, []Driver{{Training, "cpu", "use", -2.4e6}}, d["energy_j"].Drivers)
	made := d["embodied_gco2e"].Drivers
	require.Len(t, made, 2)
	assert.Equal(t, Driver{Production, "node", "lifetime", made[0].Difference}, made[0])
	assert.InEpsilon(t, -72, made[0].Difference, 1e-9, "half the life costs as much again")

	b.Phases[0].Usage = b.Phases[0].Usage[1:]
	d = compareWell(t, a, assess(t, b))
	assert.Equal(t, []Driver{{Training, "cpu", "use", 2.4e6}}, d["energy_j"].Drivers, "what one run alone has")
}

func TestRunsThatUsedNothingAreNotToldApart(t *testing.T) {
	r := oneHour()
	for i := range r.Phases {
		for j := range r.Phases[i].Usage {
			r.Phases[i].Usage[j].EnergyJ = joules(0)
		}
	}
	a := assess(t, r)
	b := scaled(t, a, 1)
	for name, d := range compareWell(t, a, b) {
		assert.Equal(t, NotToldApart, d.Verdict, name)
		assert.Equal(t, strings.HasPrefix(name, "embodied") || strings.HasPrefix(name, "gco2e"), d.Ratio != nil, "nothing over nothing is no ratio: %s", name)
	}
	d := compareWell(t, a, assess(t, other(t, oneHour())))["energy_j"]
	assert.Equal(t, Lower, d.Verdict)
	assert.Equal(t, &Interval{}, d.Ratio, "nothing of something is nothing")
}

func TestCompareRefusesWhatItCannotUse(t *testing.T) {
	a, b := assess(t, oneHour()), assess(t, other(t, oneHour()))
	b.Environments[0].Factors.Grid = "none"
	_, err := Compare(a, b)
	assert.EqualError(t, err, `lifecycle: /environments/0/factors/grid: there is no factor "none": add it to /factors or correct the id (run B)`)
	b.Environments[0].Factors.Grid = "grid"
	b.Factors[1] = b.Factors[0]
	_, err = Compare(b, a)
	assert.ErrorContains(t, err, `/factors/1/id: "grid" is there twice`)

	wild := assess(t, oneHour())
	wild.Methods[0].RelError = 1e300
	_, err = Compare(wild, other(t, a))
	assert.ErrorIs(t, err, errTooGreat)
}

func BenchmarkCompare(b *testing.B) {
	r := everything()
	if err := Assess(r); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Compare(r, r); err != nil {
			b.Fatal(err)
		}
	}
}
