package scenario

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const small = `name: small
start: 2026
years: 4
places:
  home: {country: FR, site: desk}
devices:
  node:
    class: server
    count: 2
    active-power: 100 W (80 to 130)
    duty: 100 %
services:
  web:
    unit: request
    rate: {2026: 10 requests/s, 2028: 20 requests/s (15 to 30)}
    work:
      serve: {energy: 3 J/request}
questions:
  longer: {asks: Longer?, set: {devices.node.lifetime: 9 years}}
`

func TestWhatIsWrongIsToldWithItsPlace(t *testing.T) {
	for _, c := range []struct{ name, old, new, says string }{
		{"unknown key", "country: FR", "contry: FR", `s.yaml:5:10: places.home: there is no key "contry": did you mean country?`},
		{"unknown key at the top", "name: small", "nam: small", `s.yaml:1:1: there is no key "nam": did you mean name?`},
		{"doubled key", "    count: 2", "    count: 2\n    count: 3", "s.yaml:10:5: devices.node.count: it is there twice: also in line 9"},
		{"doubled name", "devices:", "devices:\n  node: {}", "s.yaml:8:3: devices.node: it is there twice: also in line 7"},
		{"wrong unit", "100 W (80 to 130)", "100 kWh", `s.yaml:10:19: devices.node.active-power: "100 kWh" is not a power, such as 300 W`},
		{"wrong unit in a year", "20 requests/s (15 to 30)", "20 W", `s.yaml:15:39: services.web.rate.2028: "20 W" is not a rate`},
		{"another unit than the service's", "3 J/request", "3 J/token", "s.yaml:17:14: services.web.work.serve: it is told for one token, and the unit of the service is request"},
		{"a list where a figure is", "count: 2", "count: [2]", "s.yaml:9:12: devices.node.count: a mapping is expected here"},
		{"a figure where a mapping is", "home: {country: FR, site: desk}", "home: France", "s.yaml:5:9: places.home: a mapping is expected here"},
		{"a name where a number is", "years: 4", "years: four", `s.yaml:3:8: years: "four": write a whole number`},
		{"no years", "years: 4", "years: 0", "s.yaml:3:8: years: 0 years: write 1 to 50"},
		{"unknown country", "FR", "Atlantis", "s.yaml:5:19: places.home.country:"},
		{"unknown class", "class: server", "class: servers", "devices.node.production: it is not given, and package factors does not tell it"},
		{"unknown place", "    unit: request", "    unit: request\n    place: mars", `services.web.work.serve.place: there is no place "mars": write one of home`},
		{"no stage in the name", "serve:", "thing:", "s.yaml:17:14: services.web.work.thing: the name does not tell its stage"},
		{"a stage of devices", "{energy: 3 J/request}", "{energy: 3 J/request, stage: production}", `services.web.work.serve.stage: "production" is no stage of a service`},
		{"two amounts", "{energy: 3 J/request}", "{energy: 3 J/request, power: 3 W}", "write one of energy, time (on devices), power, stored and transferred"},
		{"an idle power that nobody gave", "duty: 100 %", "duty: 50 %", "s.yaml:8:5: devices.node.idle-power: it is not given, and package factors does not tell it: write it, 0 W if it draws none"},
		{"a question of nothing", "devices.node.lifetime: 9 years", "devices.gpu.lifetime: 9 years", `s.yaml:19:55: questions.longer.set.devices.gpu.lifetime: there is no entry "gpu": write one of node`},
		{"a question of nonsense", "9 years", "9 kg", `s.yaml:19:`},
		{"a question without a change", "set: {devices.node.lifetime: 9 years}", "set: {}", "questions.longer: what would change?"},
		{"knobs that turn the same", "questions:", "knobs:\n  a: {path: devices.node.count, values: [1, 2]}\n  b: {options: {few: {devices.node.count: 1}, many: {devices.node.count: 3}}}\nquestions:", "knobs.b: it turns devices.node.count, as the knob a does"},
		{"merge keys", "  home: {country: FR, site: desk}", "  home: &h {country: FR}\n  b: {<<: *h}", "merge keys (<<) are not taken"},
		{"a second document", "questions:", "---\nquestions:", "a second YAML document begins"},
		{"broken YAML", "years: 4", "years: [4", "broken YAML"},
		{"nothing", small, "", "it is empty"},
		{"a list", small, "- a", "a mapping is expected here"},
		{"a year out of order", "{2026: 10 requests/s, 2028", "{2026: 10 requests/s, 2020", "the years are not in order"},
		{"a record that cannot be read", "3 J/request", "{from: x.json, stage: inference/serving}", "no record can be read here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, small, c.old)
			_, err := Parse("s.yaml", []byte(strings.Replace(small, c.old, c.new, 1)), nil)
			require.Error(t, err)
			assert.ErrorContains(t, err, c.says)
			var e *Error
			require.True(t, errors.As(err, &e), "errors are of type *Error")
			assert.Equal(t, "s.yaml", e.File)
		})
	}
	s, err := Parse("s.yaml", []byte(small), nil)
	require.NoError(t, err)
	assert.Equal(t, 20., s.Services["web"].Rate.at(2029).Value)
	assert.Equal(t, 10., s.Services["web"].Rate.at(2027).Value, "a figure holds until the next one")
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	bomb := "name: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'm'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	aliases := "places: &p {a: {hours: &h [" + strings.Repeat("1,", 999) + "1]}}\nknobs:\n"
	for i := range 200 {
		aliases += fmt.Sprintf("  k%d: {values: *h}\n", i)
	}
	for name, text := range map[string]string{
		"aliases of aliases": bomb,
		"aliases of a list":  aliases,
		"depth":              "places: " + strings.Repeat("{a: ", 5000) + "1" + strings.Repeat("}", 5000),
		"length":             "name: " + strings.Repeat("x", 2<<20),
		"a loop":             "places: &p\n  a: *p\n",
	} {
		_, err := Parse("s.yaml", []byte(text), nil)
		require.Error(t, err, name)
		assert.Less(t, len(err.Error()), 10_000, name)
	}
}

func TestAScenarioIsChangedByPath(t *testing.T) {
	s, err := Parse("s.yaml", []byte(small), nil)
	require.NoError(t, err)
	c, err := s.With(map[string]string{
		"devices.node.lifetime":     "9 years",
		"services.web.work.monitor": "{power: 3 W}",
		"services.web.work.serve":   "null",
		"places.home.country":       "DE",
		"devices.node.active-power": "",
		"devices.node.duty":         "",
		"devices.node.idle-power":   "7 W",
		"services.web.rate":         "5 requests/s",
		"devices.second":            "{class: laptop, count: 1, active-power: 0 W}",
	})
	require.Error(t, err, "a power is missing now")
	assert.ErrorContains(t, err, "devices.node.active-power: it is not given")
	assert.Nil(t, c)
	c, err = s.With(map[string]string{"devices.node.lifetime": "9 years", "services.web.work.monitor": "{power: 3 W}", "services.web.work.serve": "null", "places.home.country": "DE"})
	require.NoError(t, err)
	assert.Equal(t, 9*year, c.Devices["node"].Lifetime.Value)
	assert.Contains(t, c.Services["web"].Work, "monitor")
	assert.NotContains(t, c.Services["web"].Work, "serve")
	assert.Equal(t, "FR", s.Places["home"].Country, "the scenario itself is as it was")
	assert.Contains(t, s.Services["web"].Work, "serve")
	assert.Nil(t, s.Devices["node"].Lifetime)
	for path, says := range map[string]string{
		"devices.node.lifetim":    "did you mean lifetime?",
		"devices.nod.lifetime":    "did you mean node?",
		"device.node":             `there is no such path`,
		"years.x":                 "there is nothing below it",
		"devices.node.lifetime.x": "there is nothing below it",
		"":                        "there is no such path",
		"questions.longer":        "there is no such path",
	} {
		_, err := s.With(map[string]string{path: "1"})
		assert.ErrorContains(t, err, says, path)
	}
}

func TestFiguresAreTakenFromRecords(t *testing.T) {
	open := func(name string) (*lifecycle.Record, error) {
		f, err := os.Open("../testdata/" + name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return lifecycle.Decode(f)
	}
	r, err := open("small.json")
	require.NoError(t, err)
	var phase *lifecycle.PhaseEntry
	for i := range r.Phases {
		if r.Phases[i].EnergyJ != nil && r.Phases[i].EnergyJ.Value > 0 {
			phase = &r.Phases[i]
			break
		}
	}
	require.NotNil(t, phase)
	text := func(energy string) string {
		return strings.Replace(small, "serve: {energy: 3 J/request}", "serve: {energy: 3 J/request}\n      train: {energy: "+energy+"}", 1)
	}
	s, err := Parse("s.yaml", []byte(text(fmt.Sprintf("{from: small.json, stage: %s}", phase.Stage))), open)
	require.NoError(t, err)
	in := s.Services["web"].Work["train"].Energy
	assert.Equal(t, phase.EnergyJ.Value, in.Value)
	assert.Equal(t, [2]float64{phase.EnergyJ.Low, phase.EnergyJ.High}, [2]float64{in.Low, in.High}, "with its interval")
	assert.Contains(t, in.Source, string(phase.EnergyJ.Method), "and how it was obtained")
	s, err = Parse("s.yaml", []byte(text("9 J")+fmt.Sprintf("  measured: {set: {services.web.work.train.energy: {from: small.json, stage: %s}}}\n", phase.Stage)), open)
	require.NoError(t, err)
	a, err := s.Ask(s.Questions["measured"])
	require.NoError(t, err, "a question asks the record that was opened")
	assert.InEpsilon(t, phase.EnergyJ.Value-9, a.Figures[3].Difference.Value, 1e-9)
	for energy, says := range map[string]string{
		"{from: small.json}":                                                 "of which stage?",
		"{from: small.json, stage: training/tuning}":                         "the record tells no such figure of training/tuning",
		"{from: nothing.json, stage: training/training}":                     "nothing.json: ",
		fmt.Sprintf("{from: small.json, stage: %s, per: moon}", phase.Stage): "counts moon",
		"{from: small.json, stag: x}":                                        "did you mean stage?",
		"{call: nonsense, per: request}":                                     "unknown class",
		"{call: gemini-prompt}":                                              "write per: request",
		"{device: H100-SXM5-80GB}":                                           "",
		"{}":                                                                 "it is empty",
		"{stage: training/training}":                                         "where it is taken from",
	} {
		_, err := Parse("s.yaml", []byte(text(energy)), open)
		require.Error(t, err, energy)
		assert.ErrorContains(t, err, says, energy)
	}
	s, err = Parse("s.yaml", []byte(text("{device: H100-SXM5-80GB, count: 8, parameters: 8 billion, tokens: 1 trillion}")), open)
	require.NoError(t, err)
	in = s.Services["web"].Work["train"].Energy
	assert.InEpsilon(t, 6*8e9*1e12/9.9e14/0.35*700*1.3, in.Value, 0.5, "6 N D at a third of the peak, and the host")
	assert.Less(t, in.Low, in.Value)
	r.Run.Boundary = lifecycle.BoundaryFacility
	_, err = Parse("s.yaml", []byte(text(fmt.Sprintf("{from: small.json, stage: %s}", phase.Stage))), func(string) (*lifecycle.Record, error) { return r, nil })
	assert.ErrorContains(t, err, "PUE of the place would be counted twice")
}

// The factor of a service has its cooling in it, wherever that was.
func TestServicesElsewhereAreNotOfThePlace(t *testing.T) {
	quantity := func(v float64) *lifecycle.Quantity {
		return &lifecycle.Quantity{Value: v, Low: v / 2, High: v * 2, Method: lifecycle.Modelled}
	}
	own := lifecycle.Usage{Hardware: "cpu", Meter: "model", EnergyJ: quantity(30)}
	call := lifecycle.Usage{Hardware: "cloud", Factor: "service.call", EnergyJ: quantity(500)}
	r := &lifecycle.Record{Phases: []lifecycle.PhaseEntry{
		{Stage: lifecycle.Serving, Usage: []lifecycle.Usage{own, call}, EnergyJ: quantity(530)},
		{Stage: lifecycle.Training, Usage: []lifecycle.Usage{call}, EnergyJ: quantity(500)},
	}}
	in, err := (&taken{From: "r.json", Stage: lifecycle.Serving}).ofRecord(r, "J")
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Interval{Value: 30, Low: 15, High: 60}, in.Interval)
	assert.Contains(t, in.Source, "without services elsewhere")
	_, err = (&taken{From: "r.json", Stage: lifecycle.Training}).ofRecord(r, "J")
	assert.ErrorContains(t, err, "energy of services elsewhere")
}

func TestEveryExampleIsWhole(t *testing.T) {
	assert.Equal(t, []string{"inspection-fleet", "llm-service", "sensor-net", "validator"}, Examples())
	for _, name := range Examples() {
		s := example(t, name)
		assert.NotEmpty(t, s.Questions, name)
		assert.NotEmpty(t, s.Name)
	}
	_, err := Example("validater")
	assert.ErrorContains(t, err, "did you mean validator?")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range Examples() {
		text, _ := Example(name)
		f.Add(text)
	}
	f.Add([]byte("places: &p\n  a: *p\n"))
	f.Add([]byte("years: 1\nstart: 2026\nservices: {s: {work: {train: {energy: {call: gemini-prompt, per: x}}}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text, nil)
		if err != nil {
			if len(err.Error()) > 50_000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		m := compiled(s)
		if len(m.errs) > 0 {
			t.Fatalf("it is parsed and cannot be computed: %v", m.errs[0])
		}
		var o outcome
		m.evaluate(m.best(), &o)
	})
}

func TestWhatIsCountedWithinWhatCountsTheSameIsOneWork(t *testing.T) {
	n := func(count int64) map[string]lifecycle.Unit {
		return map[string]lifecycle.Unit{"requests": {Count: count}}
	}
	r := &lifecycle.Record{Spans: []lifecycle.Span{
		{Path: "server", Stage: lifecycle.Serving, Units: n(7)},
		{Path: "serve/request", Stage: lifecycle.Serving, Units: n(50)},
		{Path: "serve", Stage: lifecycle.Serving, Units: n(50)},
		{Path: "train/request", Stage: lifecycle.Training, Units: n(3)},
	}}
	assert.Equal(t, int64(57), counted(r, lifecycle.Serving, "request"))
	assert.Equal(t, int64(3), counted(r, lifecycle.Training, "requests"))
	assert.Zero(t, counted(r, lifecycle.Serving, "tokens"))
}
