package live

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

const forecastCSV = `zone,start,step_s,value,low,high
DE,2026-12-01T11:00:00+01:00,3600,400,350,460
DE,2026-12-01T12:00:00Z,3600,200,150,260
DE,2026-12-01T11:00:00Z,3600,300,250,360
aws:eu-west-1,2026-12-01T10:00:00Z,1800,250,200,300
`

func TestAForecastFromAFile(t *testing.T) {
	const asJSON = `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[400,300,200],"low":[350,250,150],"high":[460,360,260]},
		{"zone":"aws:eu-west-1","start":"2026-12-01T10:00:00Z","step_s":1800,"value":[250],"low":[200],"high":[300]}]`
	for name, body := range map[string]string{"CSV": forecastCSV, "JSON": asJSON, "CSV of Windows": "\ufeff" + strings.ReplaceAll(forecastCSV, "\n", "\r\n")} {
		t.Run(name, func(t *testing.T) {
			file, err := ReadFile(strings.NewReader(body))
			require.NoError(t, err)
			assert.Equal(t, []string{"DE", "aws:eu-west-1"}, file.Zones())
			assert.Equal(t, factors.Query{Kind: factors.Grid, Basis: "lifecycle", Zone: "DE"}, file.Query("DE"))
			f, err := file.Forecast(t.Context(), grid, ten, ten.Add(24*time.Hour))
			require.NoError(t, err)
			require.NoError(t, f.Check())
			assert.Equal(t, &factors.Series{Start: "2026-12-01T10:00:00Z", StepS: 3600, Value: []float64{400, 300, 200}}, f.Series)
			assert.Equal(t, []float64{300, 250, 360}, []float64{f.Value, f.Low, f.High})
			assert.Equal(t, factors.Declared, f.Found)

			f, err = file.Forecast(t.Context(), grid, ten.Add(90*time.Minute), ten.Add(2*time.Hour))
			require.NoError(t, err)
			assert.Equal(t, []float64{300}, f.Series.Value, "the steps that overlap")
			assert.Equal(t, "2026-12-01T11:00:00Z", f.Series.Start)
			f, err = file.Forecast(t.Context(), factors.Query{Kind: factors.Grid, Provider: "aws", CloudRegion: "eu-west-1"}, ten, ten.Add(time.Hour))
			require.NoError(t, err)
			assert.Equal(t, 250., f.Value)

			for says, q := range map[string]factors.Query{
				"it has none of the zones that are asked for: it has DE, aws:eu-west-1": {Kind: factors.Grid, Country: "FR"},
				"zone DE is grid, not marginal":                                         {Kind: factors.Marginal, Country: "DE"}, // trap 37
				"zone DE is lifecycle, not direct":                                      {Kind: factors.Grid, Country: "DE", Basis: "direct"},
			} {
				_, err := file.Forecast(t.Context(), q, ten, ten.Add(time.Hour))
				require.ErrorContains(t, err, says)
				require.ErrorIs(t, err, factors.ErrNoFactor)
			}
			_, err = file.Forecast(t.Context(), grid, ten.Add(48*time.Hour), ten.Add(49*time.Hour))
			require.ErrorContains(t, err, "it tells of 2026-12-01T10:00Z to 2026-12-01T13:00Z, and nothing of 2026-12-03T10:00Z")
			f, err = file.Forecast(t.Context(), grid, ten, utc(t, "9999-12-31T00:00:00Z"))
			require.NoError(t, err, "a deadline may be far away")
			assert.Len(t, f.Series.Value, 3)
			_, err = file.Forecast(t.Context(), grid, time.Time{}, time.Time{})
			require.ErrorIs(t, err, factors.ErrNoFactor)
		})
	}
	clock(t, "2026-12-01T11:20:00Z", func(t *testing.T) {
		file, err := ReadFile(strings.NewReader(forecastCSV))
		require.NoError(t, err)
		f, err := file.Current(t.Context(), grid)
		require.NoError(t, err)
		assert.Equal(t, 300., f.Value)
	})
	bare, err := ReadFile(strings.NewReader("zone,start,step_s,value,signal,basis\nX,2026-12-01T10:00:00Z,3600,300,marginal,direct\n"))
	require.NoError(t, err)
	x := bare.zones["X"]
	assert.Equal(t, []any{factors.Marginal, "direct", "D", 200., 450.}, []any{x.Kind, x.Basis, x.Quality, x.Low, x.High}, "without bounds: ×÷1.5")
}

func TestWhatIsWrongWithAFileIsToldByItsLine(t *testing.T) {
	const header = "zone,start,step_s,value,low,high,signal,basis\n"
	const good = "DE,2026-12-01T10:00:00Z,3600,400,,,,\n"
	row := func(cells string) string { return header + good + cells + "\n" }
	for says, body := range map[string]string{
		"the forecast is empty":                                                              "\ufeff \n",
		"no CSV with a header":                                                               "\"zone\n",
		"line 3: give both low and high, or neither":                                         row("DE,2026-12-01T11:00:00Z,3600,400,300,,,"),
		"element 0: step 1 is null":                                                          `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[300,null,400]}]`,
		"element 0: step 0 is null":                                                          `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[300],"low":[null],"high":[400]}]`,
		"element 1: it has no value":                                                         `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[300]},{"zone":"FR","value":null}]`,
		"it has string in the place of value":                                                `[{"zone":"DE","value":["300"]}]`,
		"holds no value":                                                                     header,
		`column "wert" is unknown`:                                                           "zone,start,step_s,wert\n",
		`column "value" is missing`:                                                          "zone,start,step_s\n",
		"unknown or there twice":                                                             "zone,zone,start,step_s,value\n",
		"line 3: start \"tomorrow\" is no RFC 3339":                                          row("DE,tomorrow,3600,400,,,,"),
		"line 3: start \"2026-12-01T11:00:00\"":                                              row("DE,2026-12-01T11:00:00,3600,400,,,,"), // trap 51
		"line 3: \"many\" is no decimal number":                                              row("DE,2026-12-01T11:00:00Z,3600,many,,,,"),
		"line 3: \"NaN\" is no decimal number":                                               row("DE,2026-12-01T11:00:00Z,3600,NaN,,,,"),
		"line 3: \"hourly\" is no decimal number":                                            row("DE,2026-12-01T11:00:00Z,hourly,4,,,,"),
		"line 3: value -4: intensities are 0 to 5000":                                        row("DE,2026-12-01T11:00:00Z,3600,-4,,,,"),
		"line 3: value 40000":                                                                row("DE,2026-12-01T11:00:00Z,3600,40000,,,,"),
		"line 3: step_s must be 60 to 86400":                                                 row("DE,2026-12-01T11:00:00Z,1,400,,,,"),
		"line 3: 0 < low ≤ value ≤ high does not hold":                                       row("DE,2026-12-01T11:00:00Z,3600,400,500,600,,"),
		"line 3: zone \"\": write 1 to 64":                                                   row(",2026-12-01T11:00:00Z,3600,400,,,,"),
		"line 3: signal \"mean\": write average or":                                          row("DE,2026-12-01T11:00:00Z,3600,400,,,mean,"),
		"line 3: basis \"stack\": write lifecycle or":                                        row("DE,2026-12-01T11:00:00Z,3600,400,,,,stack"),
		"zone DE: line 3: step_s, signal and basis must be":                                  row("DE,2026-12-01T11:00:00Z,1800,400,,,,"),
		"zone DE: line 3: step_s, signal and basis must be the":                              row("DE,2026-12-01T11:00:00Z,3600,400,,,marginal,"),
		"2 steps from 2026-12-01T10:00Z to 2026-12-01T12:00Z, and 3 rows":                    row("DE,2026-12-01T11:00:00Z,3600,400,,,,\nDE,2026-12-01T11:00:00Z,3600,400,,,,"),
		"both 400 and 500 gCO2e/kWh":                                                         row("DE,2026-12-01T10:00:00Z,3600,500,,,,"),
		"3 steps from 2026-12-01T10:00Z to 2026-12-01T13:00Z, and 2 rows: a step is missing": row("DE,2026-12-01T12:00:00Z,3600,400,,,,"),
		"it does not know 2026-12-01T11:00Z to 2026-12-01T17:00Z":                            row("DE,2026-12-01T17:00:00Z,3600,400,,,,"),
		"not in equal steps":                                                                 row("DE,2026-12-01T11:10:00Z,3600,400,,,,"),
		"spans more than 400 days":                                                           row("DE,2029-12-01T11:00:00Z,3600,400,,,,"),
		"wrong number of fields":                                                             row("DE,2026-12-01T11:00:00Z,3600"),
		"it has object in the place of the list":                                             `{"DE":[1,2,3]}`,
		"unknown field \"Wert\"":                                                             `[{"zone":"DE","Wert":1}]`,
		"as many values as value":                                                            `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[1,2],"low":[1]}]`,
		"element 0: value 6000":                                                              `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":3600,"value":[6000]}]`,
		"something behind its list":                                                          `[] []`,
		"element 0: step_s must be":                                                          `[{"zone":"DE","start":"2026-12-01T10:00:00Z","step_s":-1,"value":[1]}]`,
		"element 0: start is in the year 1":                                                  `[{"zone":"DE","step_s":3600,"value":[1]}]`,
		"a forecast of more than 16 MiB":                                                     strings.Repeat(" ", maxFile+1),
		"\"value\" is unknown or there twice":                                                "zone,start,step_s,value,value\n",
	} {
		_, err := ReadFile(strings.NewReader(body))
		require.ErrorContains(t, err, says, body[:min(len(body), 300)])
	}
}

// What a live factor says of its origin may stand in a public record (R40).
func TestSourcesMayStandInAPublicRecord(t *testing.T) {
	var all []factors.Factor
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		em := &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}
		for _, s := range []struct {
			factors.GridSource
			q factors.Query
		}{
			{em, grid}, {&GreatBritain{Client: gb(t, nil)}, britain}, {&GreatBritain{Zone: "13", Client: gb(t, nil)}, britain},
			{watt(&wattTime{t: t}), oneMore}, {eia(t, nil, nil), california}, {carbonAware(t, sdkValue("30"), nil), eastUS},
			{entsoe(document(timeSeries("B05", in, "A03", "PT60M", ten.Add(-48*time.Hour), 48, time.Hour, "1:500"))), grid},
			{Fallback{Sources: []factors.GridSource{&ElectricityMaps{}, entsoe(noData), &ENTSOE{Token: key, Base: "http://10.1.2.3:80"}}}, grid},
		} {
			for name, r := range allThree(t.Context(), s.GridSource, s.q) {
				if isNoFactor(r.error) && name == "forecast" {
					continue // two sources tell none
				}
				require.NoError(t, r.error, "%T %s", s.GridSource, name)
				f := r.Factor
				f.ID += fmt.Sprint(".", len(all))
				all = append(all, f)
			}
		}
	})
	require.Len(t, all, 22)
	r := &lifecycle.Record{Publisher: lifecycle.Publisher{Confidentiality: "public"}, Factors: all}
	for _, f := range lifecycle.Validate(r) {
		// The rest of the record is empty: only what concerns the factors counts.
		if strings.HasPrefix(string(f.Pointer), "/factors/") && f.Rule != "R4" || f.Rule == "R40" {
			t.Errorf("%v", f)
		}
	}
	all[0].Source += " /home/somebody/x"
	found := false
	for _, f := range lifecycle.Validate(r) {
		found = found || f.Rule == "R40"
	}
	assert.True(t, found, "this test can fail")
}
