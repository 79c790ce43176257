package live

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

var ten = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func pointsOf(step time.Duration, values ...float64) []point {
	var points []point
	for k, v := range values {
		points = append(points, point{at: ten.Add(time.Duration(k) * step), value: v})
	}
	return points
}

var null = math.NaN()

func TestHolesAreBridgedOrNamed(t *testing.T) {
	for name, test := range map[string]struct {
		points   []point
		step     time.Duration
		from, to float64 // hours after ten
		forecast bool
		want     []float64
		start    float64
		bridged  int
		says     string
	}{
		"whole":                        {pointsOf(time.Hour, 1, 2, 3), 0, 0, 3, false, []float64{1, 2, 3}, 0, 0, ""},
		"a part of it":                 {pointsOf(time.Hour, 1, 2, 3), 0, 1, 2, false, []float64{2}, 1, 0, ""},
		"half steps at both ends":      {pointsOf(time.Hour, 1, 2, 3), 0, 0.5, 1.5, false, []float64{1, 2}, 0, 0, ""},
		"one null":                     {pointsOf(time.Hour, 1, null, 3), time.Hour, 0, 3, false, []float64{1, 2, 3}, 0, 1, ""},
		"one missing":                  {append(pointsOf(time.Hour, 1), point{at: ten.Add(2 * time.Hour), value: 4}), time.Hour, 0, 3, false, []float64{1, 2.5, 4}, 0, 1, ""},
		"two hours":                    {pointsOf(time.Hour, 10, null, null, 20), 0, 0, 4, false, []float64{10, 15, 15, 20}, 0, 2, ""},
		"two holes":                    {pointsOf(time.Hour, 10, null, 20, null, null, 30), 0, 0, 6, false, []float64{10, 15, 20, 25, 25, 30}, 0, 3, ""},
		"three hours":                  {pointsOf(time.Hour, 10, null, null, null, 20), 0, 0, 5, false, nil, 0, 0, "it does not know 2026-12-01T11:00Z to 2026-12-01T14:00Z (3h0m0s): more than 2h0m0s is not bridged"},
		"the last hour, not yet there": {pointsOf(time.Hour, 10, 20), 0, 0, 3, false, []float64{10, 20, 20}, 0, 1, ""},
		"the first hour":               {pointsOf(time.Hour, 10, 20), 0, -1, 2, false, []float64{10, 10, 20}, -1, 1, ""},
		"the last three hours":         {pointsOf(time.Hour, 10, 20), 0, 0, 5, false, nil, 0, 0, "it does not know 2026-12-01T12:00Z to 2026-12-01T15:00Z"},
		"all null":                     {pointsOf(time.Hour, null, null), 0, 0, 2, false, nil, 0, 0, "nothing of 2026-12-01T10:00Z to 2026-12-01T12:00Z"},
		"nothing":                      {nil, time.Hour, 0, 2, false, nil, 0, 0, "it tells nothing of"},
		"another time":                 {pointsOf(time.Hour, 1, 2), 0, 48, 50, false, nil, 0, 0, "it tells of 2026-12-01T10:00Z to 2026-12-01T12:00Z, and nothing of 2026-12-03T10:00Z"},
		"a short forecast":             {pointsOf(time.Hour, 10, 20), 0, 0, 9, true, []float64{10, 20}, 0, 0, ""},
		"a forecast with a null end":   {pointsOf(time.Hour, 10, 20, null), 0, 0, 3, true, []float64{10, 20}, 0, 0, ""},
		"a forecast that begins soon":  {pointsOf(time.Hour, 10, 20), 0, -0.5, 2, true, []float64{10, 10, 20}, -1, 1, ""},
		"a forecast that begins late":  {pointsOf(time.Hour, 10, 20), 0, -5, 2, true, []float64{10, 20}, 0, 0, ""},
		"a hole in a forecast":         {pointsOf(time.Hour, 10, null, null, null, 20), 0, 0, 5, true, nil, 0, 0, "it does not know 2026-12-01T11:00Z"},
		"five minutes":                 {pointsOf(5*time.Minute, 1, null, 3), 5 * time.Minute, 0, 0.25, false, []float64{1, 2, 3}, 0, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(h float64) time.Time { return ten.Add(time.Duration(h * float64(time.Hour))) }
			l, err := lineUp(test.points, test.step, at(test.from), at(test.to), test.forecast)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				assert.ErrorIs(t, err, factors.ErrNoFactor)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, l.value)
			assert.Equal(t, test.bridged, l.bridged)
			assert.Equal(t, at(test.start), l.start)
		})
	}
}

func TestWhatIsOutOfOrderIsToldApartFromGarbage(t *testing.T) {
	shuffled := pointsOf(time.Hour, 1, 2, 3, 4)
	slices.Reverse(shuffled)
	l, err := lineUp(append(shuffled, shuffled...), 0, ten, ten.Add(4*time.Hour), false)
	require.NoError(t, err, "order does not matter, and what is said twice is said once")
	assert.Equal(t, []float64{1, 2, 3, 4}, l.value)
	assert.Zero(t, l.bridged)

	l, err = lineUp([]point{{at: ten, value: null}, {at: ten, value: 7}, {at: ten, value: null}}, time.Hour, ten, ten.Add(time.Hour), false)
	require.NoError(t, err)
	assert.Equal(t, []float64{7}, l.value, "a value beats a null of the same time")

	for says, points := range map[string][]point{
		"both 1 and 2 gCO2e/kWh at 2026-12-01T10:00:00Z": {{at: ten, value: 1}, {at: ten, value: 2}},
		"not in equal steps of 1h0m0s":                   append(pointsOf(time.Hour, 1, 2), point{at: ten.Add(150 * time.Minute), value: 3}),
		"-1 gCO2e/kWh":                                   pointsOf(time.Hour, 1, -1),
		"5001 gCO2e/kWh":                                 pointsOf(time.Hour, 1, 5001),
		"+Inf gCO2e/kWh":                                 pointsOf(time.Hour, math.Inf(1)),
		"of the year 1970":                               {{at: time.Unix(0, 0), value: 1}},
	} {
		_, err := lineUp(points, time.Hour, ten, ten.Add(3*time.Hour), false)
		require.ErrorContains(t, err, says)
		assert.NotErrorIs(t, err, factors.ErrNoFactor, "that is no gap: %s", says)
	}
	_, err = lineUp(pointsOf(time.Second, 1, 2), 0, ten, ten.Add(time.Hour), false)
	require.ErrorContains(t, err, "steps of 1s")
	_, err = lineUp(make([]point, maxPoints+1), time.Hour, ten, ten.Add(time.Hour), false)
	require.ErrorContains(t, err, "200001 values")
}

// Trap 52: no step too few or too many, whatever is asked; every value that is
// told stays at its time, and a bridge is between its neighbours.
func TestLinesAreEvenAndCoverWhatIsAsked(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	bridged := 0
	for range 2000 {
		step := []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}[rng.IntN(4)]
		n := 1 + rng.IntN(40)
		var points []point
		for k := range n {
			if rng.IntN(6) > 0 {
				points = append(points, point{at: ten.Add(time.Duration(k) * step), value: rng.Float64() * 800, estimated: rng.IntN(2) == 0})
			}
		}
		rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		from := ten.Add(time.Duration(rng.IntN(60)) * time.Minute)
		to := from.Add(time.Duration(1+rng.IntN(1000)) * time.Minute)
		forecast := rng.IntN(2) == 0
		l, err := lineUp(points, step, from, to, forecast)
		if err != nil {
			require.ErrorIs(t, err, factors.ErrNoFactor)
			continue
		}
		require.LessOrEqual(t, l.estimated, len(l.value)-l.bridged)
		if !forecast {
			require.False(t, l.start.After(from) || l.end().Before(to))
			require.True(t, l.start.Add(step).After(from) && l.end().Add(-step).Before(to), "no step more than is needed")
		}
		bridged += l.bridged
		known := map[time.Time]float64{}
		least, most := math.Inf(1), math.Inf(-1)
		for _, p := range points {
			known[p.at] = p.value
			least, most = min(least, p.value), max(most, p.value)
		}
		missing := 0
		for k, v := range l.value {
			if want, there := known[l.start.Add(time.Duration(k)*step)]; there {
				require.Equal(t, want, v)
			} else {
				missing++
				require.True(t, v >= least && v <= most)
			}
		}
		require.Equal(t, missing, l.bridged)
	}
	require.Greater(t, bridged, 1000)
}

func TestPartsCoverATimeOnWholeSteps(t *testing.T) {
	got := parts(ten.Add(20*time.Minute), ten.Add(50*time.Hour), time.Hour, 24*time.Hour)
	assert.Equal(t, []span{
		{ten, ten.Add(24 * time.Hour)}, {ten.Add(24 * time.Hour), ten.Add(48 * time.Hour)}, {ten.Add(48 * time.Hour), ten.Add(50 * time.Hour)},
	}, got)
}

func TestReasonsFitIntoARecord(t *testing.T) {
	err := errors.Join(
		&failure{source: "A", url: "https://a.example.org/x?zone=DE", why: "it answers 503"},
		errors.New("dial tcp 10.0.0.1:443: secret"),
		errors.Join(&failure{source: "B", why: "no key"}),
	)
	assert.Equal(t, "A: it answers 503; a source failed; B: no key", reason(err), "no address, and nothing of what others say")
	for range 8 {
		err = errors.Join(err, err)
	}
	assert.Less(t, len(reason(err)), 700)
}
