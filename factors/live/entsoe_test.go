package live

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

const germany = "10Y1001A1001A83F"

// timeSeries is one of a document, from start on, its points as position:MW.
func timeSeries(plant, domain, curve, resolution string, start time.Time, n int, step time.Duration, points ...string) string {
	var b strings.Builder
	for _, p := range points {
		position, mw, _ := strings.Cut(p, ":")
		fmt.Fprintf(&b, "<Point><position>%s</position><quantity>%s</quantity></Point>", position, mw)
	}
	const format = "2006-01-02T15:04Z"
	return fmt.Sprintf(`<TimeSeries><mRID>1</mRID><businessType>A01</businessType><objectAggregation>A08</objectAggregation>
	<%s codingScheme="A01">%s</%s><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>%s</curveType>
	<MktPSRType><psrType>%s</psrType></MktPSRType><Period><timeInterval><start>%s</start><end>%s</end></timeInterval>
	<resolution>%s</resolution>%s</Period></TimeSeries>`, domain, germany, domain, curve, plant,
		start.Format(format), start.Add(time.Duration(n)*step).Format(format), resolution, b.String())
}

const (
	in  = "inBiddingZone_Domain.mRID"
	out = "outBiddingZone_Domain.mRID"
)

func document(series ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0"><mRID>x</mRID>` +
		strings.Join(series, "") + `</GL_MarketDocument>`
}

const noData = `<?xml version="1.0" encoding="UTF-8"?><Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">
	<mRID>x</mRID><Reason><code>999</code><text>No matching data found for Data item AGGREGATED_GENERATION_PER_TYPE</text></Reason></Acknowledgement_MarketDocument>`

func entsoe(body string) *ENTSOE {
	return &ENTSOE{Token: key, Client: over(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("securityToken") != key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		if strings.Contains(body, "Acknowledgement") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = fmt.Fprint(w, body)
	})}
}

// An hour of 500 MW of coal, 300 of gas and 200 of wind is 0.5·820 + 0.3·490 +
// 0.2·11 = 559.2 g.
func TestENTSOEComputesTheIntensityOfAMix(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		hour := func(plant string, mw ...string) string {
			return timeSeries(plant, in, "A03", "PT60M", ten, 3, time.Hour, mw...)
		}
		s := entsoe(document(
			hour("B05", "1:500", "2:0", "3:500"), hour("B04", "1:300", "2:0", "3:300"), hour("B19", "1:150", "2:750", "3:150"), hour("B18", "1:50", "2:250", "3:50"),
			hour("B10", "1:900"), timeSeries("B10", out, "A03", "PT60M", ten, 3, time.Hour, "1:4000"),
		))
		f, err := s.History(t.Context(), grid, ten, ten.Add(3*time.Hour))
		good(t, f, err)
		assert.InDeltaSlice(t, []float64{559.2, 11, 559.2}, f.Series.Value, 1e-9)
		assert.Equal(t, []string{"lifecycle", "average", "production", "B", "DE"}, []string{f.Basis, f.Signal, f.Mix, f.Quality, f.Geography})
		assert.Contains(t, f.Source, "zone 10Y1001A1001A83F")
		assert.Contains(t, f.Source, "life cycle emissions of its fuels (data set "+factors.Version+")")
		assert.Contains(t, f.Source, "without what storage gives back")
		assert.Less(t, f.Low, f.Value)
		assert.Less(t, f.High/f.Value, 1.3, "coal and gas are known well")

		direct := grid
		direct.Basis = "direct"
		f, err = s.History(t.Context(), direct, ten, ten.Add(3*time.Hour))
		good(t, f, err)
		assert.InDeltaSlice(t, []float64{0.5*760 + 0.3*370, 0, 491}, f.Series.Value, 1e-9)

		f, err = s.Current(t.Context(), grid)
		assert.InDelta(t, 559.2, good(t, f, err).Value, 1e-9)
		assert.Contains(t, f.Source, "60 min of 2026-12-01T12:00Z")

		_, err = s.Forecast(t.Context(), grid, ten, ten.Add(time.Hour))
		require.ErrorIs(t, err, factors.ErrNoFactor)
		assert.ErrorContains(t, err, "no forecast")
	})
}

func TestENTSOEPositionsThatAreLeftOutRepeatThePrevious(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		quarters := func(curve string) string {
			return document(
				timeSeries("B05", in, curve, "PT15M", ten, 8, 15*time.Minute, "1:100", "3:300", "8:100"),
				timeSeries("B16", in, curve, "PT15M", ten, 8, 15*time.Minute, "1:100", "2:100", "3:100", "4:100", "5:100", "6:100", "7:100", "8:100"),
			)
		}
		f, err := entsoe(quarters("A03")).History(t.Context(), grid, ten, ten.Add(2*time.Hour))
		good(t, f, err)
		even, coal3 := (820.+45)/2, (3*820.+45)/4
		assert.InDeltaSlice(t, []float64{even, even, coal3, coal3, coal3, coal3, coal3, even}, f.Series.Value, 1e-9)
		assert.NotContains(t, f.Source, "bridged")

		f, err = entsoe(quarters("A01")).History(t.Context(), grid, ten, ten.Add(2*time.Hour))
		good(t, f, err)
		assert.Contains(t, f.Source, "; 5 of 8 values missing and bridged", "in a curve of type A01 they are missing")
		assert.Equal(t, "C", f.Quality)
	})
}

// Without its coal a grid looks clean: an hour of which coal is not told yet is
// not known.
func TestAnHourWithoutAFuelThatMattersIsAHole(t *testing.T) {
	clock(t, "2026-12-01T13:20:00Z", func(t *testing.T) {
		s := entsoe(document(
			timeSeries("B05", in, "A01", "PT60M", ten, 3, time.Hour, "1:500", "2:500"),
			timeSeries("B19", in, "A01", "PT60M", ten, 3, time.Hour, "1:500", "2:500", "3:500"),
			timeSeries("B17", in, "A01", "PT60M", ten, 3, time.Hour, "1:5"),
		))
		f, err := s.Current(t.Context(), grid)
		assert.Contains(t, good(t, f, err).Source, "of 2026-12-01T11:00Z", "waste of 5 MW does not matter, coal does")
		assert.InDelta(t, (820.+11)/2, f.Value, 1e-9)
		f, err = s.History(t.Context(), grid, ten, ten.Add(3*time.Hour))
		assert.Contains(t, good(t, f, err).Source, "1 of 3 values missing")
		assert.InDelta(t, f.Series.Value[1], f.Series.Value[2], 1e-9)
	})
}

func TestENTSOEWithSeveralResolutionsAndPeriods(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		s := entsoe(document(
			timeSeries("B05", in, "A03", "PT60M", ten, 2, time.Hour, "1:100"),
			timeSeries("B16", in, "A03", "PT30M", ten, 2, 30*time.Minute, "1:100", "2:300"),
			timeSeries("B16", in, "A03", "PT15M", ten.Add(time.Hour), 4, 15*time.Minute, "1:100"),
		))
		f, err := s.History(t.Context(), grid, ten, ten.Add(2*time.Hour))
		good(t, f, err)
		assert.Equal(t, 900., f.Series.StepS, "the finest")
		even, sunny := (820.+45)/2, (820+3*45.)/4
		assert.InDeltaSlice(t, []float64{even, even, sunny, sunny, even, even, even, even}, f.Series.Value, 1e-9)
	})
}

func TestENTSOEDaysOf23And25Hours(t *testing.T) {
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		for start, n := range map[string]int{"2026-03-28T23:00:00Z": 23, "2026-10-24T22:00:00Z": 25} {
			from := utc(t, start)
			s := entsoe(document(timeSeries("B14", in, "A03", "PT60M", from, n, time.Hour, "1:100")))
			f, err := s.History(t.Context(), grid, from, from.Add(time.Duration(n)*time.Hour))
			good(t, f, err)
			assert.Len(t, f.Series.Value, n)
			assert.NotContains(t, f.Source, "bridged")
		}
	})
}

func TestENTSOERefusesGarbage(t *testing.T) {
	coal := func(points ...string) string {
		return timeSeries("B05", in, "A03", "PT60M", ten, 3, time.Hour, points...)
	}
	clock(t, "2026-12-01T20:20:00Z", func(t *testing.T) {
		for name, test := range map[string]struct {
			body, says string
			noFactor   bool
		}{
			"no data":             {noData, "it has no figures of this area and time (reason 999)", true},
			"refused":             {strings.Replace(noData, "999", "500", 1), "it refuses the request", false},
			"another document":    {"<Publication_MarketDocument/>", "another document", false},
			"a web page":          {"<!DOCTYPE html><html><body><br></html>", "a web page", false},
			"JSON":                {`{"a":1}`, "JSON of another shape", false},
			"cut off":             {document(coal("1:5"))[:500], "XML, and not the XML", false},
			"no series":           {document(), "no generation", true},
			"only pumps":          {document(timeSeries("B10", out, "A03", "PT60M", ten, 3, time.Hour, "1:5")), "no generation", true},
			"only storage":        {document(timeSeries("B10", in, "A03", "PT60M", ten, 3, time.Hour, "1:5")), "nothing of", true},
			"another area":        {strings.ReplaceAll(document(coal("1:5")), germany, "10YFR-RTE------C"), "of another area than 10Y1001A1001A83F", false},
			"another unit":        {strings.Replace(document(coal("1:5")), "MAW", "KWH", 1), "another unit", false},
			"a new plant type":    {strings.Replace(document(coal("1:5")), "B05", "Z05", 1), "plant type that is not known", false},
			"position 0":          {document(coal("0:5")), "position 0 after 0", false},
			"position 4 of 3":     {document(coal("4:5")), "a period of 3 steps has position 4", false},
			"positions backwards": {document(coal("2:5", "1:5")), "position 1 after 2", false},
			"twice, otherwise":    {document(coal("1:5"), coal("1:6")), "plant type B05 is said to give both 5 and 6 MW", false},
			"a negative plant":    {document(coal("1:5"), timeSeries("B04", in, "A03", "PT60M", ten, 3, time.Hour, "1:-5")), "plants are said to take 5 MW and to give 5 MW", false},
			"a terawatt of coal":  {document(coal("1:3000000")), "is said to give 3e+06 MW", false},
			"an infinity":         {document(coal("1:Inf")), "is said to give +Inf MW", false},
			"a monthly period":    {strings.Replace(document(coal("1:5")), "PT60M", "P1M", 1), "not of whole steps", false},
			"an endless period":   {strings.Replace(document(coal("1:5")), "2026-12-01T13:00Z</end>", "9999-12-01T13:00Z</end>", 1), "more than 300000", false},
			"a period backwards":  {strings.Replace(document(coal("1:5")), "2026-12-01T13:00Z</end>", "2026-11-01T13:00Z</end>", 1), "not of whole steps", false},
			"a bomb":              {`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><GL_MarketDocument>&m;</GL_MarketDocument>`, "XML", false},
		} {
			_, err := entsoe(test.body).History(t.Context(), grid, ten, ten.Add(3*time.Hour))
			require.ErrorContains(t, err, test.says, name)
			assert.Contains(t, err.Error(), "ENTSO-E Transparency Platform: https://web-api.tp.entsoe.eu/api?documentType=A75&in_Domain=10Y1001A1001A83F", name)
			assert.NotContains(t, err.Error(), key, name)
			assert.Equal(t, test.noFactor, isNoFactor(err), name)
		}
		// A plant that takes what it needs itself is none of that.
		f, err := entsoe(document(coal("1:500"), timeSeries("B16", in, "A03", "PT60M", ten, 3, time.Hour, "1:-2"))).
			History(t.Context(), grid, ten, ten.Add(3*time.Hour))
		assert.InDelta(t, 820, good(t, f, err).Value, 1e-9)
	})
}

// A week that has figures and one that has none: the latter is a hole.
func TestENTSOEWithAWeekMissing(t *testing.T) {
	clock(t, "2026-12-20T20:20:00Z", func(t *testing.T) {
		s := &ENTSOE{Token: key, Client: over(func(w http.ResponseWriter, r *http.Request) {
			from, err := time.Parse("200601021504", r.URL.Query().Get("periodStart"))
			assert.NoError(t, err)
			if from.After(ten.Add(time.Hour)) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprint(w, noData)
				return
			}
			_, _ = fmt.Fprint(w, document(timeSeries("B14", in, "A03", "PT60M", from, 7*24, time.Hour, "1:100")))
		})}
		_, err := s.History(t.Context(), grid, ten, ten.Add(10*24*time.Hour))
		require.ErrorContains(t, err, "it does not know 2026-12-08T10:00Z to 2026-12-11T10:00Z")
		require.ErrorIs(t, err, factors.ErrNoFactor)
		f, err := s.History(t.Context(), grid, ten, ten.Add(7*24*time.Hour))
		good(t, f, err)
	})
}
