package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// onTheClock has a test run at a time, with this host's clocks in a zone.
func onTheClock(t *testing.T, at string, zone *time.Location, f func(t *testing.T)) {
	t.Helper()
	old := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = old })
	when, err := time.Parse(time.RFC3339, at)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(when))
		f(t)
	})
}

const forecastFile = "testdata/forecast.csv"

func TestAScheduleFromAFile(t *testing.T) {
	onTheClock(t, "2026-12-01T10:19:30Z", time.UTC, func(t *testing.T) {
		r := call("", "schedule", "--file", forecastFile, "--duration", "6h", "--before", "2026-12-02T18:00Z", "--power-w", "3000")
		require.Zero(t, r.code, r.err)
		assert.Empty(t, r.err)
		golden(t, "schedule.txt", r.out)
		for _, line := range strings.Split(r.out, "\n") {
			assert.LessOrEqual(t, len([]rune(line)), 80, "%q must fit a terminal", line)
		}
		assert.Equal(t, r, call("", "schedule", "--file", forecastFile, "--duration", "6h", "--before", "2026-12-02T18:00Z", "--power-w", "3000"))

		body, err := os.ReadFile(forecastFile)
		require.NoError(t, err)
		assert.Equal(t, r, call(string(body), "schedule", "--file", "-", "--duration", "360m", "--before", "2026-12-02T19:00+01:00", "--power-w", "3e3"))

		r = call("", "schedule", "--file", forecastFile, "--duration", "6h", "--before", "+32h", "--regions", "FR,GB,FI", "--json")
		assert.Zero(t, r.code, "two of three places have a window")
		assert.Equal(t, "ecotracer schedule: FI: forecast file: it has none of the zones that are asked for: it has DE, FR, GB, aws:eu-west-1\n", r.err)
		golden(t, "schedule.json", r.out)
	})
}

func TestWithoutAPowerThereAreNoGrams(t *testing.T) {
	onTheClock(t, "2026-12-01T10:20:00Z", time.FixedZone("", 3600), func(t *testing.T) {
		r := call("", "schedule", "--file", forecastFile, "--regions", "DE", "--duration", "2h", "--before", "2026-12-01T22:00")
		require.Zero(t, r.code, r.err)
		assert.Contains(t, r.out, "A job of 2 h, to begin at 2026-12-01 11:20 +01:00 or later and to end by\n2026-12-01 22:00 +01:00.", "a time without an offset is one of this host's clocks")
		assert.NotContains(t, r.out, "g CO2e")
		assert.Contains(t, r.out, "DE at 2026-12-01 14:00 +01:00, in 2 h 40 min. That is 6 % less (1 to 12 %)",
			"335 g from 13:00 to 15:00 UTC for 357 g from 10:20 to 12:20")
	})
}

func TestNothingToWaitFor(t *testing.T) {
	onTheClock(t, "2026-12-01T13:20:00Z", time.UTC, func(t *testing.T) {
		r := call("", "schedule", "--file", forecastFile, "--regions", "DE,GB", "--duration", "3h", "--before", "+3h")
		require.Zero(t, r.code, r.err)
		assert.Contains(t, r.out, "GB at 2026-12-01 13:20 UTC, at once.")
		r = call("", "schedule", "--file", forecastFile, "--regions", "GB", "--duration", "3h", "--before", "+3h")
		assert.Contains(t, r.out, "There is nothing to wait or to move for.")
	})
}

func TestAForecastThatDoesNotReachTheDeadlineIsTold(t *testing.T) {
	onTheClock(t, "2026-12-01T13:20:00Z", time.UTC, func(t *testing.T) {
		r := call("", "schedule", "--file", forecastFile, "--regions", "DE", "--duration", "3h", "--before", "+100h")
		require.Zero(t, r.code, r.err)
		assert.Contains(t, strings.Join(strings.Fields(r.out), " "), "nothing is known beyond 2026-12-03 00:00 UTC, which is before the deadline")
	})
	onTheClock(t, "2026-11-30T13:20:00Z", time.UTC, func(t *testing.T) {
		r := call("", "schedule", "--file", forecastFile, "--regions", "DE", "--duration", "3h", "--before", "+40h")
		require.Zero(t, r.code, r.err)
		assert.Contains(t, r.out, "unknown", "what a start at once would emit is not known")
		assert.Contains(t, strings.Join(strings.Fields(r.out), " "), "the forecast begins only at 2026-12-01 00:00 UTC")
		r = call("", "schedule", "--file", forecastFile, "--regions", "DE", "--duration", "3h", "--before", "+4h")
		assert.Equal(t, 1, r.code)
		assert.Contains(t, r.err, "DE: forecast file: it tells of 2026-12-01T00:00Z to 2026-12-03T00:00Z, and nothing of 2026-11-30T13:20Z")
		assert.Empty(t, r.out)
	})
}

// The example of the help is what a new user runs, without a key or a network.
func TestTheExampleOfTheHelpRuns(t *testing.T) {
	assert.Contains(t, helpText("schedule"), "ecotracer schedule --example >forecast.csv\n  ecotracer schedule --file forecast.csv --duration 6h --before +36h\n")
	onTheClock(t, "2031-07-14T09:41:00Z", time.UTC, func(t *testing.T) {
		example := call("", "schedule", "--example")
		require.Zero(t, example.code)
		assert.Contains(t, example.out, "zone,start,step_s,value,low,high\nDE,2031-07-14T09:00:00Z,3600,")
		r := call(example.out, "schedule", "--file", "-", "--duration", "6h", "--before", "+36h", "--power-w", "3000")
		require.Zero(t, r.code, r.err)
		assert.Empty(t, r.err)
		assert.Contains(t, r.out, "in parentheses: 95 % interval")
		assert.NotContains(t, r.out, "unknown")
	})
}

func TestWrongSchedulesSayWhatToDo(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "forecast.csv")
	require.NoError(t, os.WriteFile(garbage, []byte("zone,start,step_s,value\nDE,2026-12-01T10:00:00Z,3600,-4\n"), 0o600))
	job := []string{"--duration", "1h", "--before", "+5h"}
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no duration":                    {[]string{"--before", "+5h"}, 2, "write --duration 6h"},
		"no deadline":                    {[]string{"--duration", "1h"}, 2, "write --before 2026-12-02T06:00Z, or --before +24h"},
		"a deadline in words":            {[]string{"--duration", "1h", "--before", "tomorrow"}, 2, `--before "tomorrow" is no time: write 2026-12-02T06:00Z`},
		"a begin in words":               {append(job, "--after", "noon"), 2, `--after "noon" is no time`},
		"a wait of nothing":              {[]string{"--duration", "1h", "--before", "+soon"}, 2, `--before "+soon": write +36h`},
		"longer than the slot":           {[]string{"--duration", "6h", "--before", "+5h"}, 2, "a job of 6h does not fit between 2026-12-01T10:20:00Z and 2026-12-01T15:20:00Z (5h)"},
		"a deadline that is over":        {[]string{"--duration", "1h", "--before", "2026-12-01T08:00Z"}, 2, "the deadline, 2026-12-01T08:00:00Z, is past: it is 2026-12-01T10:20:00Z"},
		"a begin behind the deadline":    {append(job, "--after", "+6h"), 2, "the earliest start, 2026-12-01T16:20:00Z, is not before the deadline, 2026-12-01T15:20:00Z"},
		"no place":                       {job, 2, "write --regions DE,FR,aws:eu-west-1"},
		"a zone that is not in the file": {append(job, "--file", forecastFile, "--regions", "Spain"), 1, "Spain: forecast file: it has none of the zones that are asked for: it has DE, FR, GB, aws:eu-west-1"},
		"a place in words":               {append(job, "--source", "gb", "--regions", "Berlin"), 2, "--regions Berlin: write a country (DE)"},
		"a name of two countries":        {append(job, "--source", "gb", "--regions", "Korea"), 2, "--regions Korea: write a country (DE)"},
		"a place twice":                  {append(job, "--source", "gb", "--regions", "GB,GB"), 2, "GB is there twice"},
		"an empty place":                 {append(job, "--source", "gb", "--regions", "GB,"), 2, "write places between commas"},
		"half a cloud":                   {append(job, "--source", "gb", "--regions", "aws:"), 2, "such as aws:eu-west-1"},
		"an unknown source":              {append(job, "--regions", "DE", "--source", "moon"), 2, "write one of electricitymaps, watttime, carbon-aware, gb"},
		"a source of the past":           {append(job, "--regions", "DE", "--source", "entsoe"), 2, "it tells what was generated, and no forecast"},
		"no key at all":                  {append(job, "--regions", "DE"), 1, "set ECOTRACER_ELECTRICITYMAPS_KEY"},
		"no key of that source":          {append(job, "--regions", "DE", "--source", "watttime"), 1, "watttime: set ECOTRACER_WATTTIME_USER and ECOTRACER_WATTTIME_PASSWORD"},
		"a source elsewhere":             {append(job, "--regions", "FR", "--source", "gb"), 1, "FR: GB Carbon Intensity API: it tells of Great Britain, not of FR"},
		"a basis that it does not tell":  {append(job, "--regions", "GB", "--source", "gb", "--basis", "lifecycle"), 1, "ask for basis direct"},
		"a basis that is none":           {append(job, "--regions", "GB", "--source", "gb", "--basis", "stack"), 2, "--basis stack: write lifecycle or direct"},
		"a file and a source":            {append(job, "--file", forecastFile, "--source", "gb"), 2, "write one of them"},
		"no such file":                   {append(job, "--file", "no.csv"), 1, "no.csv: no such file"},
		"a file of nonsense":             {append(job, "--file", garbage), 1, "line 2: value -4: intensities are 0 to 5000 gCO2e/kWh"},
		"a negative power":               {append(job, "--file", forecastFile, "--power-w", "-3"), 2, "--power-w -3: a power in W"},
		"an argument":                    {append(job, "DE"), 2, "places are given by --regions"},
	} {
		t.Run(name, func(t *testing.T) {
			onTheClock(t, "2026-12-01T10:20:00Z", time.UTC, func(t *testing.T) {
				r := call("", append([]string{"schedule"}, test.args...)...)
				assert.Equal(t, test.code, r.code, r.err)
				assert.Empty(t, r.out, "nothing may be taken for a result")
				assert.Contains(t, r.err, test.says)
			})
		})
	}
}

// Clocks that are put back show an hour twice, clocks that are put forward skip
// one: then a time without an offset is refused (trap 51).
func TestATimeThatTheClocksSkipOrRepeatIsRefused(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	old := time.Local
	time.Local = berlin
	t.Cleanup(func() { time.Local = old })
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	_, err = readTime("2026-03-29T02:30", now)
	require.ErrorContains(t, err, "the clocks of this host skip that time: write an offset, such as 2026-03-29T03:30+02:00")
	_, err = readTime("2026-10-25T02:30", now)
	require.ErrorContains(t, err, "show that time twice: write an offset, such as 2026-10-25T02:30+")
	for text, want := range map[string]string{
		"2026-03-29T03:30":          "2026-03-29T01:30:00Z",
		"2026-10-25T03:30":          "2026-10-25T02:30:00Z",
		"2026-10-25T02:30+01:00":    "2026-10-25T01:30:00Z",
		"2026-10-25T02:30:00+02:00": "2026-10-25T00:30:00Z",
		"2026-10-25":                "2026-10-24T22:00:00Z",
		"+25h":                      "2026-03-02T01:00:00Z",
	} {
		got, err := readTime(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.UTC().Format(time.RFC3339), text)
	}
}

// In Havana midnight is shown twice, on Lord Howe the clocks change by half an hour.
func TestTimesThatOtherClocksSkipOrRepeat(t *testing.T) {
	old := time.Local
	t.Cleanup(func() { time.Local = old })
	for text, test := range map[string]struct{ zone, says string }{
		"2026-11-01":       {"America/Havana", "show that time twice"},
		"2026-04-05T01:45": {"Australia/Lord_Howe", "show that time twice"},
		"2026-10-04T02:15": {"Australia/Lord_Howe", "skip that time"},
	} {
		var err error
		if time.Local, err = time.LoadLocation(test.zone); err != nil {
			t.Skip("no time zones here: ", err)
		}
		_, err = readTime(text, time.Unix(0, 0))
		require.ErrorContains(t, err, test.says, text)
	}
}

// Windows on both sides of a change of clocks are told on one clock.
func TestAllWindowsAreToldOnOneClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	file := "zone,start,step_s,value\n"
	for k := range 12 {
		start := time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC).Add(time.Duration(k) * time.Hour).Format(time.RFC3339)
		file += fmt.Sprintf("early,%s,3600,%d\nlate,%s,3600,%d\n", start, 100+k, start, 200-k)
	}
	onTheClock(t, "2026-10-24T20:00:00Z", berlin, func(t *testing.T) {
		r := call(file, "schedule", "--file", "-", "--duration", "1h", "--before", "+12h", "--regions", "late,early")
		require.Zero(t, r.code, r.err)
		assert.Contains(t, r.out, "early  2026-10-24 22:00")
		assert.Contains(t, r.out, "late   2026-10-25 09:00", "08:00 on the clocks of then")
		assert.Contains(t, r.out, "begin (+02:00);")
	})
}

func TestPlacesMayBeWrittenAsPeopleDo(t *testing.T) {
	known := question{"my grid", factors.Query{Zone: "my grid", Basis: "direct"}}
	like := factors.Query{Kind: factors.Grid, Basis: "lifecycle"}
	for name, want := range map[string]factors.Query{
		"de":            {Country: "DE"},
		"South Korea":   {Country: "KR"},
		"ca-qc":         {Region: "CA-QC"},
		"AWS:eu-west-1": {Provider: "aws", CloudRegion: "eu-west-1"},
		"zone:SE-SE3":   {Zone: "SE-SE3"},
		"zone:my:zone":  {Zone: "my:zone"},
	} {
		got, err := askedRegions(" "+name+" , my grid", like, known)
		require.NoError(t, err, name)
		want.Kind, want.Basis = like.Kind, like.Basis
		assert.Equal(t, []question{{name, want}, known}, got)
	}
}

// A server of the Carbon Aware SDK, over a real socket.
func TestAScheduleFromAServer(t *testing.T) {
	start := time.Now().UTC().Truncate(time.Hour)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		location := r.URL.Query().Get("location")
		if location == "westeurope" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		var values []string
		for k := range 24 {
			values = append(values, fmt.Sprintf(`{"location":"x","timestamp":%q,"duration":60,"value":%d}`, start.Add(time.Duration(k)*time.Hour).Format(time.RFC3339), 400-10*k))
		}
		_, _ = fmt.Fprintf(w, `[{"location":%q,"forecastData":[%s]}]`, location, strings.Join(values, ","))
	}))
	defer server.Close()
	t.Setenv("ECOTRACER_CARBON_AWARE_URL", server.URL)
	t.Setenv("ECOTRACER_CARBON_AWARE_SIGNAL", "marginal")
	t.Setenv("ECOTRACER_CARBON_AWARE_BASIS", "direct")
	r := call("", "schedule", "--regions", "azure:eastus,azure:westeurope", "--duration", "1h", "--before", start.Add(24*time.Hour).Format(time.RFC3339), "--json")
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.err, "azure:westeurope: Carbon Aware SDK server: "+server.URL+"/emissions/forecasts/current?location=westeurope: it has no figures")
	var plan planJSON
	require.NoError(t, json.Unmarshal([]byte(r.out), &plan))
	assert.Equal(t, []string{"marginal", "direct", "azure:eastus"}, []string{plan.Signal, plan.Basis, plan.Home})
	require.Len(t, plan.Windows, 1)
	assert.Equal(t, start.Add(23*time.Hour), plan.Windows[0].Start)
	assert.Equal(t, 170., plan.Windows[0].Intensity.Value)
	require.Len(t, plan.Missing, 1)

	r = call("", "schedule", "--regions", "azure:westeurope,azure:eastus", "--duration", "1h", "--before", "+20h")
	require.Zero(t, r.code, r.err)
	assert.Contains(t, strings.Join(strings.Fields(r.out), " "), "What starting at once in the first place would emit is not known, so neither is what this saves.")
	assert.Contains(t, r.out, "what one more kWh emits, direct emissions of the plants only")

	t.Setenv("ECOTRACER_CARBON_AWARE_SIGNAL", "")
	r = call("", "schedule", "--regions", "azure:eastus", "--duration", "1h", "--before", "+20h")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "set Signal, or $ECOTRACER_CARBON_AWARE_SIGNAL, to average or marginal")
}
