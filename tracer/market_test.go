package tracer_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// wind is what a kWh of a contract emits, 10 g.
func wind() factors.Factor {
	return factors.Factor{
		ID: "instrument.ours", Kind: factors.Instrument, Value: 10, Low: 5, High: 20, Unit: "gCO2e/kWh", Signal: "average", Accounting: "market",
		Basis: "lifecycle", Mix: "production", GWP: "AR6", Source: "a contract", SourceYear: 2026, Quality: "B",
	}
}

// ourResidual is the residual mix of a grid, 500 g/kWh.
func ourResidual() factors.Factor {
	f := wind()
	f.ID, f.Kind, f.Value, f.Low, f.High, f.Mix = "residual.ours", factors.Residual, 500, 400, 600, "residual"
	return f
}

// buying is a run of 100 s of 36 W, 0.001 kWh, at a site that buys its
// electricity so; its PUE is 1.
func buying(t *testing.T, program func(s *tracer.Span), own []factors.Factor, bought ...tracer.Instrument) *lifecycle.Record {
	t.Helper()
	pue := factors.Factor{ID: "pue.ours", Kind: factors.PUE, Value: 1, Low: 1, High: 1, Unit: "1", Source: "own meters", SourceYear: 2026, Quality: "A"}
	host := newPlant(4, cpus(1), cpus(1))
	ctx, run := begin(t, append(host.options(tracertest.NewMeter(domain("node0", tracertest.Constant(36)))),
		tracer.Scope(lifecycle.ScopeMachine), tracer.At(tracer.Site{Country: "BR", Factors: append([]factors.Factor{pue}, own...), Instruments: bought}))...)
	_, s := tracer.Start(ctx, "train")
	time.Sleep(100 * time.Second)
	if program != nil {
		program(s)
	}
	s.End()
	return finish(t, run)
}

func TestBoughtElectricityIsToldBesideThatOfTheGrid(t *testing.T) {
	const none = -1
	day := func(kWh float64, from, days int) tracer.Instrument { // the run is at midnight of 2000-01-01
		begin := time.Date(2000, 1, 1+from, 0, 0, 0, 0, time.UTC)
		return tracer.Instrument{Kind: "GoO", KWh: kWh, Begin: begin, End: begin.AddDate(0, 0, days), Factor: wind()}
	}
	share := func(of float64) tracer.Instrument {
		return tracer.Instrument{Kind: "PPA", Share: of, Factor: wind()}
	}
	residual := []factors.Factor{ourResidual()}
	for name, c := range map[string]struct {
		own    []factors.Factor
		bought []tracer.Instrument
		shares []float64
		market float64 // g of 0.001 kWh; none: unknown
		warned string
	}{
		"nothing":                                       {residual, nil, nil, none, ""},
		"all of it":                                     {nil, []tracer.Instrument{share(1)}, []float64{1}, 0.01, ""},
		"a part, and the residual mix is known":         {residual, []tracer.Instrument{share(0.4)}, []float64{0.4}, 0.4*0.01 + 0.6*0.5, ""},
		"a part, and it is not":                         {nil, []tracer.Instrument{share(0.4)}, []float64{0.4}, none, "residual-unknown"},
		"all of it in parts":                            {nil, []tracer.Instrument{share(0.7), share(0.2), share(0.1)}, []float64{0.7, 0.2, 0.1}, 0.01, ""},
		"more than there is":                            {nil, []tracer.Instrument{share(0.7), share(0.7)}, []float64{0.7, 0.3}, 0.01, ""},
		"more after all of it":                          {nil, []tracer.Instrument{share(1), share(0.5)}, []float64{1}, 0.01, "instrument-unused"},
		"a volume for the day":                          {residual, []tracer.Instrument{day(0.0005*864, 0, 1)}, []float64{0.5}, 0.5*0.01 + 0.5*0.5, ""},
		"a volume beyond what is used":                  {nil, []tracer.Instrument{day(100, 0, 1)}, []float64{1}, 0.01, ""},
		"a volume for another day":                      {residual, []tracer.Instrument{day(100, 7, 1)}, nil, 0.5, "instrument-unused"},
		"a volume for another day, and a contract":      {residual, []tracer.Instrument{day(100, 7, 1), share(0.5)}, []float64{0.5}, 0.5*0.01 + 0.5*0.5, "instrument-unused"},
		"a contract, and a volume for some of the rest": {residual, []tracer.Instrument{share(0.5), day(0.0002*864, 0, 1)}, []float64{0.5, 0.2}, 0.7*0.01 + 0.3*0.5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := buying(t, nil, c.own, c.bought...)
				e := rec.Environments[0]
				var shares []float64
				for i, in := range e.Instruments {
					shares = append(shares, in.Share)
					assert.Equal(t, c.bought[0].Factor.Value, gridFactor(t, rec, in.Factor).Value, i)
				}
				assert.InDeltaSlice(t, append([]float64{}, c.shares...), append([]float64{}, shares...), 1e-9)
				if c.market == none {
					assert.Nil(t, rec.Totals.MarketGCO2e)
				} else {
					require.NotNil(t, rec.Totals.MarketGCO2e)
					assert.InEpsilon(t, c.market, rec.Totals.MarketGCO2e.Value, 1e-9)
				}
				_, unused := warned(rec, "instrument-unused")
				_, unknown := warned(rec, "residual-unknown")
				assert.Equal(t, c.warned == "instrument-unused", unused)
				assert.Equal(t, c.warned == "residual-unknown", unknown)
				grid := gridFactor(t, rec, e.Factors.Grid).Value
				assert.InEpsilon(t, grid/1000, rec.Totals.OperationalGCO2e.Value, 1e-9, "and that of the place stays as it is")
			})
		})
	}
}

// What runs elsewhere has a grid, but nobody knows what is left of it.
func TestWhatIsUsedElsewhereHasNoMarket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := tracer.Instrument{Kind: "PPA", Share: 1, Factor: wind()}
		rec := buying(t, func(s *tracer.Span) { s.Transfer("fixed", 1e9) }, nil, all)
		require.Len(t, rec.Environments, 2)
		assert.Nil(t, rec.Totals.MarketGCO2e)
		for _, w := range rec.Warnings {
			if w.Code == "residual-unknown" {
				assert.Equal(t, "/environments/1", w.Path)
			}
		}
		_, told := warned(rec, "residual-unknown")
		assert.True(t, told, "and so the record says why there are no market-based emissions")
		rec = buying(t, func(s *tracer.Span) { s.Store("ssd", 1e12, time.Hour, 1) }, nil, all)
		assert.NotNil(t, rec.Totals.MarketGCO2e, "what is kept at the site uses the site's electricity")
	})
}

func TestAnInstrumentThatIsNoneIsLeftOutAndTold(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	change := func(f func(*tracer.Instrument)) tracer.Instrument {
		in := tracer.Instrument{Kind: "PPA", Share: 0.5, Factor: wind()}
		f(&in)
		return in
	}
	for name, c := range map[string]struct {
		in  tracer.Instrument
		err string
	}{
		"of no kind":           {change(func(in *tracer.Instrument) { in.Kind = "promise" }), `kind "promise": write PPA, GoO, REC or supplier`},
		"of nothing":           {change(func(in *tracer.Instrument) { in.Share = 0 }), "give the share that it covers, or KWh"},
		"of more than all":     {change(func(in *tracer.Instrument) { in.Share = 1.1 }), "at most 1, not 1.1"},
		"of less than nothing": {change(func(in *tracer.Instrument) { in.Share = -0.1 }), "above 0"},
		"of no number":         {change(func(in *tracer.Instrument) { in.Share = math.NaN() }), "above 0"},
		"of both":              {change(func(in *tracer.Instrument) { in.KWh, in.Begin, in.End = 1, begin, begin.AddDate(1, 0, 0) }), "not both"},
		"of no period":         {change(func(in *tracer.Instrument) { in.Share, in.KWh, in.Begin, in.End = 0, 1, begin, begin }), "a period that ends after it begins"},
		"of endless volume": {change(func(in *tracer.Instrument) {
			in.Share, in.KWh, in.Begin, in.End = 0, math.Inf(1), begin, begin.AddDate(1, 0, 0)
		}), "give the share"},
		"with a grid's factor": {change(func(in *tracer.Instrument) { in.Factor.Kind = factors.Grid }), `its factor is of kind "grid"`},
		"without a factor":     {change(func(in *tracer.Instrument) { in.Factor = factors.Factor{Kind: factors.Instrument} }), "id is empty"},
		"of a private source":  {change(func(in *tracer.Instrument) { in.Factor.Source = "/home/me/contract.pdf" }), "an absolute path"},
		"with a long source":   {change(func(in *tracer.Instrument) { in.Factor.Source = string(make([]byte, 5000)) }), "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			good := tracer.Instrument{Kind: "GoO", Share: 0.25, Factor: wind()}
			public := tracer.Publisher(lifecycle.Publisher{Confidentiality: "public"})
			_, run, err := inFolder("", public, tracer.Sinks(new(tracertest.Recorder)), tracer.At(tracer.Site{Country: "BR", Instruments: []tracer.Instrument{good, c.in, good}}))
			require.ErrorContains(t, err, c.err)
			rec := finish(t, run)
			assert.Len(t, rec.Environments[0].Instruments, 2, "the others count, two contracts of one factor")
			_, refused := warned(rec, "metadata-refused")
			assert.True(t, refused)
		})
	}
}

// A checkpoint tells what the end will.
func TestInstrumentsAreInEachCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		host := newPlant(4, cpus(1), cpus(1))
		_, run := begin(t, append(host.options(tracertest.NewMeter(domain("node0", tracertest.Constant(36)))), tracer.Checkpoints(5*time.Second), tracer.Sinks(sink),
			tracer.At(tracer.Site{Country: "BR", Instruments: []tracer.Instrument{{Kind: "PPA", Share: 1, Factor: wind()}}}))...)
		time.Sleep(30 * time.Second)
		finish(t, run)
		require.Greater(t, len(sink.All()), 3)
		for _, rec := range sink.All() {
			requireValid(t, rec)
			assert.Len(t, rec.Environments[0].Instruments, 1)
			if rec.Totals.EnergyJ.Value > 0 {
				assert.InEpsilon(t, 10/gridFactor(t, rec, rec.Environments[0].Factors.Grid).Value, rec.Totals.MarketGCO2e.Value/rec.Totals.OperationalGCO2e.Value, 1e-9)
			}
		}
	})
}
