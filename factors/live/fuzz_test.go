package live

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// sound checks what must hold of whatever is made of an answer: a factor that
// is one, or an error that quotes nothing of the answer.
func sound(t *testing.T, a answer, tr traits, err error, body []byte) {
	t.Helper()
	if err == nil {
		for _, tense := range []tense{current, past, future} {
			r := request{tense, "lifecycle", ten, ten.Add(6 * time.Hour)}
			var f factors.Factor
			f, err = a.factor(tr, factors.Grid, zone{"DE", "DE"}, r)
			if err != nil {
				break
			}
			require.NoError(t, f.Check())
			require.Less(t, len(f.Source), 4096)
			if tense == past {
				require.NotEmpty(t, f.Series.Value)
				for _, v := range f.Series.Value {
					require.True(t, v >= 0 && v <= absurd, "%v", v)
				}
			}
		}
	}
	if err != nil {
		require.NotEmpty(t, err.Error())
		require.Less(t, len(err.Error()), 1000)
		if strings.Contains(string(body), "k3y") {
			require.NotContains(t, err.Error(), "k3y")
		}
	}
}

var someTraits = traits{slug: "x", name: "X", quality: "B", mix: "consumption", spread: both(1.25)}

func FuzzElectricityMaps(f *testing.F) {
	f.Add([]byte(`{"zone":"DE","carbonIntensity":302,"datetime":"2026-12-01T10:07:00.350Z","updatedAt":"x","emissionFactorType":"lifecycle","isEstimated":true,"estimationMethod":"TIME_SLICER_AVERAGE"}`))
	f.Add([]byte(`{"zone":"DE","history":[{"zone":"DE","carbonIntensity":null,"datetime":"2026-12-01T10:00:00Z"},{"zone":"DE","carbonIntensity":5,"datetime":"2026-12-01T11:00:00Z"}]}`))
	f.Add([]byte(`{"zone":"DE","forecast":[{"carbonIntensity":326,"datetime":"2026-12-01T10:00:00Z"}],"updatedAt":".."}`))
	f.Add([]byte(`{"zone":"k3y","data":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		points, err := decodeElectricityMaps(body, "DE", "lifecycle")
		sound(t, answer{points: points}, someTraits, err, body)
	})
}

func FuzzWattTime(f *testing.F) {
	f.Add([]byte(`{"data":[{"point_time":"2026-12-01T10:00:00+00:00","value":870.0}],"meta":{"data_point_period_seconds":300,"region":"DE","signal_type":"co2_moer","units":"lbs_co2_per_mwh","warnings":[]}}`))
	f.Add([]byte(`{"data":[{"point_time":"2026-12-01T10:00:00+00:00","value":null}],"meta":{"data_point_period_seconds":1e300,"region":"DE","signal_type":"co2_moer","units":"lbs_co2_per_mwh"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		points, step, err := decodeWattTime(body, "DE")
		sound(t, answer{points: points, step: step}, someTraits, err, body)
	})
}

func FuzzGreatBritain(f *testing.F) {
	f.Add([]byte(`{"data":[{"from":"2026-12-01T10:00Z","to":"2026-12-01T10:30Z","intensity":{"forecast":266,"actual":null,"index":"moderate"}}]}`), false)
	f.Add([]byte(`{"data":{"regionid":13,"shortname":"London","data":[{"from":"2026-12-01T10:00Z","to":"2026-12-01T10:30Z","intensity":{"forecast":266},"generationmix":[{"fuel":"gas","perc":43.6}]}]}}`), true)
	f.Add([]byte(`{"data":[{"regionid":13,"data":[]}]}`), true)
	f.Add([]byte(`{"error":{"code":"400 Bad Request"}}`), true)
	f.Fuzz(func(t *testing.T, body []byte, regional bool) {
		zone := map[bool]string{false: "GB", true: "13"}[regional]
		points, err := decodeGreatBritain(body, zone, ten)
		sound(t, answer{points: points, step: 30 * time.Minute}, someTraits, err, body)
	})
}

func FuzzENTSOE(f *testing.F) {
	f.Add([]byte(document(
		timeSeries("B05", in, "A03", "PT60M", ten, 3, time.Hour, "1:500", "3:400"),
		timeSeries("B16", in, "A03", "PT15M", ten, 12, 15*time.Minute, "1:500"),
		timeSeries("B10", out, "A03", "PT60M", ten, 3, time.Hour, "1:4000"))))
	f.Add([]byte(noData))
	f.Add([]byte(document(timeSeries("B05", in, "A01", "PT1M", ten, 1, 300*24*time.Hour, "1:NaN"))))
	f.Fuzz(func(t *testing.T, body []byte) {
		blocks, err := decodeENTSOE(body, germany)
		var a answer
		if err == nil {
			var m *mix
			if m, err = mixOf(blocks, ten, ten.Add(6*time.Hour)); err == nil {
				a.step = m.step
				a.points, a.spread, err = m.intensity("lifecycle")
			}
		}
		sound(t, a, someTraits, err, body)
	})
}

func FuzzEIA(f *testing.F) {
	row := `{"period":"2026-12-01T11","respondent":"CISO","respondent-name":"..","fueltype":%q,"type-name":"x","value":%s,"value-units":"megawatthours"}`
	f.Add([]byte(fmt.Sprintf(`{"response":{"total":"2","data":[`+row+`,`+row+`]},"apiVersion":"2.1.8"}`, "NG", `"9012"`, "BAT", "-5")))
	f.Add([]byte(fmt.Sprintf(`{"response":{"total":1,"data":[`+row+`]}}`, "SUN", "null")))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := newMix(ten, ten.Add(6*time.Hour), time.Hour)
		require.NoError(t, err)
		a := answer{step: time.Hour}
		rows, total, err := decodeEIA(body, "CISO", m)
		if err == nil {
			require.GreaterOrEqual(t, rows, 0)
			require.GreaterOrEqual(t, total, 0)
			a.points, a.spread, err = m.intensity("lifecycle")
		}
		sound(t, a, someTraits, err, body)
	})
}

func FuzzCarbonAware(f *testing.F) {
	f.Add([]byte(`[{"location":"eastus","timestamp":"2026-12-01T10:00:00Z","duration":"08:00:00","value":60.0}]`), false)
	f.Add([]byte(`[{"location":"eastus","time":"2026-12-01T10:00:00.5092741+00:00","rating":70}]`), false)
	f.Add([]byte(`[{"location":"eastus","forecastData":[{"location":"IE","timestamp":"2026-12-01T10:00:00+00:00","duration":10,"value":532.02293146}]}]`), true)
	f.Fuzz(func(t *testing.T, body []byte, forecast bool) {
		points, step, err := decodeCarbonAware(body, "eastus", forecast)
		sound(t, answer{points: points, step: step}, someTraits, err, body)
	})
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte("zone,start,step_s,value,low,high,signal,basis\nDE,2026-12-01T10:00:00Z,3600,400,350,450,average,lifecycle\nDE,2026-12-01T11:00:00Z,3600,300,250,350,,\n"))
	f.Add([]byte("zone,start,step_s,value\naws:eu-west-1,2026-12-01T10:00:00+01:00,1800,0\n"))
	f.Add([]byte(`[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[400,300],"low":[350,250],"high":[450,350],"signal":"marginal","basis":"direct"}]`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		file, err := ReadFile(bytes.NewReader(body))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, file.Zones())
		for _, name := range file.Zones() {
			q := file.Query(name)
			z := file.zones[name]
			require.NoError(t, z.Check())
			start, err := time.Parse(time.RFC3339, z.Series.Start)
			require.NoError(t, err)
			got, err := file.Forecast(t.Context(), q, start.Add(-time.Hour), start.Add(1000*24*time.Hour))
			require.NoError(t, err)
			require.InDelta(t, z.Value, got.Value, 1e-9*(1+z.Value))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"7", "-1", "99999999999999999999", "Tue, 01 Dec 2026 10:20:12 GMT", "soon", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.GreaterOrEqual(t, retryAfter(s, ten), time.Duration(0))
	})
}

func TestBackoffGrowsAndIsNeverTheSameForAll(t *testing.T) {
	seen := map[time.Duration]bool{}
	for try := 1; try <= 3; try++ {
		most := time.Duration(math.Pow(2, float64(try-1))) * time.Second
		for range 100 {
			d := backoff(try)
			require.GreaterOrEqual(t, d, most/2)
			require.Less(t, d, most)
			seen[d] = true
		}
	}
	require.Greater(t, len(seen), 250)
}
