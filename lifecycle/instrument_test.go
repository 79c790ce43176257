package lifecycle

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

func TestADeclaredVolumeBecomesAShare(t *testing.T) {
	// The hour from 9 to 10 used 2.625 kWh with PUE.
	const used = 9.45 / 3.6
	day := begin.Add(-9 * time.Hour)
	for _, c := range []struct {
		name     string
		kWh      float64
		from, to time.Time
		want     float64
	}{
		{"a day's volume, of which the run was an hour", 24, day, day.Add(24 * time.Hour), 1 / used},
		{"a year's", 8760, day, day.Add(8760 * time.Hour), 1 / used},
		{"nothing", 0, day, day.Add(24 * time.Hour), 0},
		{"more than the run used", 240, day, day.Add(24 * time.Hour), 1},
		{"half of the run, and a little", 0.2, begin.Add(-30 * time.Minute), begin.Add(30 * time.Minute), 0.1 / used},
		{"half of the run, and plenty", 100, begin.Add(-30 * time.Minute), begin.Add(30 * time.Minute), 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := assess(t, oneHour())
			before := everythingIn(r)
			share, err := InstrumentShare(r, "hall", c.kWh, c.from, c.to)
			require.NoError(t, err)
			assert.InDelta(t, c.want, share, 1e-12)
			assert.Equal(t, before, everythingIn(r))
		})
	}
}

func TestWhatIsNotCoveredHasTheResidualMix(t *testing.T) {
	r := oneHour()
	r.Environments[0].Factors.Residual = "residual"
	r.Factors = append(r.Factors, between("residual", factors.Residual, 500, 400, 520, "gCO2e/kWh"), between("wind", factors.Instrument, 10, 7, 20, "gCO2e/kWh"))
	for range 2 {
		share, err := InstrumentShare(r, "hall", 40, begin.Add(-time.Hour), begin.Add(19*time.Hour)) // 2 kWh an hour
		require.NoError(t, err)
		r.Environments[0].Instruments = append(r.Environments[0].Instruments, Instrument{Kind: "PPA", Share: share, Factor: "wind"})
		assess(t, r)
		require.Empty(t, findings(r))
		if len(r.Environments[0].Instruments) == 1 {
			assert.InEpsilon(t, 2*10+0.625*500, r.Totals.MarketGCO2e.Value, 1e-12)
		}
	}
	assert.InEpsilon(t, 2.625*10, r.Totals.MarketGCO2e.Value, 1e-12, "the second instrument covers what the first left, no more")
	assert.InEpsilon(t, 1050, r.Totals.OperationalGCO2e.Value, 1e-12, "beside it, the grid is the grid")
}

func TestAVolumeIsOfOnePlace(t *testing.T) {
	r := assess(t, everything())
	far := 367200 * 1.2 / 3.6e6 // kWh
	r.Environments[1].Instruments = nil
	share, err := InstrumentShare(r, "far", far/2, begin, begin.Add(time.Hour))
	require.NoError(t, err)
	assert.InEpsilon(t, 0.5, share, 1e-9)
	share, err = InstrumentShare(r, "hall", 1e6, begin, begin.Add(time.Hour))
	require.NoError(t, err)
	assert.InEpsilon(t, 0.3, share, 1e-9, "two instruments cover 0.7 already")
}

func TestAnEstimateLiesInThePeriod(t *testing.T) {
	r := oneHour()
	r.Run.Status, r.Run.StartedAt, r.Run.EndedAt = Estimated, nil, nil
	for i := range r.Phases {
		r.Phases[i].StartedAt, r.Phases[i].EndedAt = nil, nil
	}
	assess(t, r)
	share, err := InstrumentShare(r, "hall", 24, begin, begin.Add(24*time.Hour))
	require.NoError(t, err)
	assert.InEpsilon(t, 1/2.625, share, 1e-12)
	share, err = InstrumentShare(r, "hall", 24, begin, begin.Add(30*time.Minute))
	require.NoError(t, err)
	assert.InEpsilon(t, 0.5, share, 1e-12, "it is longer than the period")
}

func TestAnInstrumentThatCoversNothingIsRefused(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name        string
		change      func(*Record)
		environment string
		kWh         float64
		from, to    time.Time
		want        string
	}{
		{"another year", func(*Record) {}, "hall", 1, year(2024), year(2025),
			"/environments/0/instruments: the instrument is of 2024-01-01 to 2025-01-01, and the run of 2026-03-02: it covers nothing of it"},
		{"another place", func(*Record) {}, "moon", 1, year(2026), year(2027),
			`/environments: there is no environment "moon": name one of the record's`},
		{"no volume", func(*Record) {}, "hall", math.NaN(), year(2026), year(2027),
			"/environments/0/instruments: NaN is no number that a record can hold: leave it out and list it in /missing"},
		{"a period turned round", func(*Record) {}, "hall", 1, year(2027), year(2026),
			"/environments/0/instruments: the period of the instrument ends at 2026-01-01T00:00:00Z, before it begins"},
		{"no energy", func(r *Record) { r.Phases = r.Phases[:0] }, "hall", 1, year(2026), year(2027),
			"/environments/0/instruments: the run used no energy there, so nothing is to be covered"},
		{"no time", func(r *Record) { r.Run.StartedAt, r.Run.DurationS = nil, 0 }, "hall", 1, year(2026), year(2027),
			"/run/duration_s: a run of no time has no part of the period"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := assess(t, oneHour())
			c.change(r)
			_, err := InstrumentShare(r, c.environment, c.kWh, c.from, c.to)
			assert.EqualError(t, err, "lifecycle: "+c.want)
		})
	}
}
