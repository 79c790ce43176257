package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/estimate"
)

// words splits a command line of a test.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// transcripts are calls as a new user would make them.
var transcripts = map[string]string{
	"estimate-devices.txt":   `estimate --device "A100-SXM4-80GB" --count 8 --hours 72 --region aws:eu-west-1`,
	"estimate-processor.txt": `estimate --cpu "AMD EPYC 7543 32-Core Processor" --cpus 2 --memory-gb 256 --hours 10 --country France`,
	"estimate-training.txt":  `estimate --device "H100 SXM5 80GB" --count 1024 --params 70B --tokens 15T --country US --name llama`,
	"estimate-inference.txt": `estimate --device "H100 SXM5 80GB" --count 8 --params 671B/37B --tokens 2B --requests 4M --country SE`,
	"estimate-instance.txt":  `estimate --instance aws:p4d.24xlarge --hours 24 --region aws:us-east-1`,
	"estimate-published.txt": `estimate --power-w 1515.43 --hours 84 --pue 1.58 --intensity 432.727 --name "Transformer big"`,
	"estimate-unlisted.txt":  `estimate --device "NVIDIA A10O" --hours 1 --country DE`,
	"estimate-unknown.txt":   `estimate --device "GeForce RTX 4090" --hours 5 --energy-kwh 2.1,1.9,2.3`,
	"factors-list.txt":       `factors list --kind pue --match public`,
	"factors-show.txt":       `factors show grid.FR`,
	"factors-grid.txt":       `factors explain grid US-CA`,
	"factors-cloud.txt":      `factors explain grid aws:us-west-1`,
	"factors-pue.txt":        `factors explain pue --provider aws --region eu-west-1`,
	"factors-gpu.txt":        `factors explain gpu "NVIDIA A100-SXM4-80GB"`,
	"factors-cpu.txt":        `factors explain cpu "AMD EPYC 7543 32-Core Processor"`,
	"factors-instance.txt":   `factors explain instance aws p4d.24xlarge`,
	"factors-device.txt":     `factors explain device server`,
	"factors-all.txt":        `factors explain device gpu-inference --all`,
	"factors-devices.txt":    `factors list --match h100`,
}

func TestTranscriptsOfEstimateAndFactors(t *testing.T) {
	for name, line := range transcripts {
		t.Run(name, func(t *testing.T) {
			r := call("", words(line)...)
			require.Zero(t, r.code, r.err)
			assert.Empty(t, r.err)
			golden(t, name, "$ ecotracer "+line+"\n"+r.out)
			for _, line := range strings.Split(r.out, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q must fit a terminal", line)
			}
		})
	}
}

func TestEstimateAsJSONIsAValidRecord(t *testing.T) {
	for name, line := range transcripts {
		if !strings.HasPrefix(line, "estimate") {
			continue
		}
		r := call("", append(words(line), "--json")...)
		require.Zero(t, r.code, r.err)
		checked := call(r.out, "validate", "-")
		assert.Equal(t, "-: valid\n", checked.out, name)
	}
}

// Published rows as a user would type them; lifecycle/estimate holds more of
// them, with their sources, to the digits printed.
func TestPublishedRowsThroughTheFlags(t *testing.T) {
	for line, want := range map[string]struct{ kWh, grams, kWhStep, gramStep float64 }{
		// Strubell et al. 2019, table 3, Transformer big: 201 kWh·PUE, 192 lb.
		"estimate --power-w 1515.43 --hours 84 --pue 1.58 --intensity 432.727": {201, 192 * 453.592, 1, 453.592},
		// Patterson et al. 2021, table 4, Meena: 232 MWh, 96.4 t; GPT-3: 1287 MWh, 552.1 t.
		`estimate --device "TPU v3" --count 1024 --power-w 289 --hours 720 --pue 1.09 --intensity 415`: {232e3, 96.4e6, 1e3, 1e5},
		"estimate --energy-kwh 1170000 --pue 1.10 --intensity 429":                                     {1287e3, 552.1e6, 1e3, 1e5},
		// The card of Stable Diffusion v1, by the ML CO2 Impact calculator: 11250 kg.
		`estimate --device "A100 PCIe 40GB" --hours 150000 --power-w 250 --pue 1 --intensity 300`: {37500, 11250e3, 1, 1e3},
		// Llama 2, table 2, 70B: 291.42 t.
		"estimate --device A100-SXM4-80GB --power-w 400 --hours 1720320 --pue 1.1 --intensity 385": {756.94e3, 291.42e6, 10, 1e4},
		// Green Algorithms, as greenAlgoR prints it: 104.6455 g.
		"estimate --cpus 4 --cpu-power-w 15 --usage 1 --memory-gb 16 --memory-power-w 5.96 --hours 2 --pue 1.67 --intensity 475": {0.2203064, 104.6455, 1e-7, 1e-4},
	} {
		r := call("", append(words(line), "--json")...)
		require.Zero(t, r.code, r.err)
		record, err := lifecycle.Decode(strings.NewReader(r.out))
		require.NoError(t, err)
		assert.InDelta(t, want.kWh, record.Totals.FacilityEnergyJ.Value/3.6e6, want.kWhStep/2*1.001, line)
		assert.InDelta(t, want.grams, record.Totals.OperationalGCO2e.Value, want.gramStep/2*1.001, line)
	}
}

func TestEstimateWritesItsRecordToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.json")
	r := call("", "estimate", "--energy-kwh", "10", "--country", "FR", "-o", path)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "What it comes to", "the page is shown all the same")
	shown := call("", "show", path)
	assert.Zero(t, shown.code, shown.err)
	assert.Contains(t, shown.out, "estimated")

	r = call("", "estimate", "--energy-kwh", "10", "-o", filepath.Join(t.TempDir(), "none", "record.json"))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "cannot be written")
}

func TestEstimateTakesTheOperatorsOwnFactors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,kind,value,low,high,unit,source,source_year,quality\npue.hall-2,pue,1.21,1.19,1.23,1,own meters,2026,A\n"), 0o600))
	r := call("", "estimate", "--energy-kwh", "10", "--country", "FR", "--json", "--file", path)
	require.Zero(t, r.code, r.err)
	var record lifecycle.Record
	require.NoError(t, json.Unmarshal([]byte(r.out), &record))
	assert.InEpsilon(t, 12.1*3.6e6, record.Totals.FacilityEnergyJ.Value, 1e-9)

	require.NoError(t, os.WriteFile(path, []byte("id,kind,value,low,high,unit,source,source_year,quality\npue.hall-2,pue,0.5,0.5,0.5,1,own meters,2026,A\n"), 0o600))
	r = call("", "estimate", "--energy-kwh", "10", "--file", path)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "own.csv: factor table: line 2")
}

func TestAmountsAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]float64{
		"70B": 70e9, "1.4T": 1.4e12, "350M": 350e6, "110k": 110e3, "7G": 7e9, "2e9": 2e9, "1": 1, "0.5": 0.5,
	} {
		got, err := amountIn(text)
		assert.NoError(t, err, text)
		assert.InEpsilon(t, want, got, 1e-12, text)
	}
	for _, text := range []string{"", "B", "70BB", "70X", "-1", "0", "1.4 T", "70MB"} {
		_, err := amountIn(text)
		assert.Error(t, err, text)
	}
}

func TestFiguresMayHaveAnInterval(t *testing.T) {
	g, err := givenIn("1.2,1.1,1.4")
	require.NoError(t, err)
	assert.Equal(t, estimate.Given{Value: 1.2, Low: 1.1, High: 1.4}, *g)
	for _, text := range []string{"", "x", "1,2", "1,2,3,4", "-1", "1,,2"} {
		_, err := givenIn(text)
		assert.Error(t, err, text)
	}
}

func FuzzAmountIn(f *testing.F) {
	for _, s := range []string{"70B", "1.4T", "x", "", "1e400B", "0x1p10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := amountIn(s); err == nil && (math.IsNaN(v) || v <= 0) {
			t.Fatal(v)
		}
	})
}

// Whatever can be given has a flag of the name that the estimate calls it by.
func TestAnErrorNamesTheFlag(t *testing.T) {
	help := call("", "help", "estimate").out
	for line, says := range map[string]string{
		"estimate":                         "--device: nothing says what draws power",
		"estimate --device Cray --hours 1": "--device: \"Cray\" is none that is known",
		"estimate --device H100 --params 7B --tokens 1T":                      "near it: H100",
		"estimate --device A100":                                              "--hours: give how long",
		"estimate A100":                                                       `"A100" is no flag; write for example`,
		"estimate --device A100 --hours 10 --utilisation 70":                  "--utilisation: 70 is out of range",
		"estimate --device A100 --hours ten":                                  `--hours "ten": write a number from 0 on, without a unit, such as`,
		"estimate --device A100 --hours 1 --country Germny":                   "--country: ",
		"estimate --device A100 --hours 1 --region California":                "--region: ",
		"estimate --device A100 --hours 1 --region aws:mars-1":                "eu-west-1",
		"estimate --instance p4d.24xlarge --hours 1":                          "aws:p4d.24xlarge",
		"estimate --device A100 --hours 1 --stage qwertz":                     "training/fine-tuning",
		"estimate --energy-kwh 1 --share 0":                                   "above 0, up to 1",
		"estimate --energy-kwh 1 --requests 0.5":                              "whole number",
		"estimate --energy-kwh 1 --requests 1e400":                            "whole number",
		"estimate --energy-kwh 1 --tokens 1e400":                              "above 0",
		"estimate --energy-kwh inf":                                           "--energy-kwh: +Inf is out of range",
		"estimate --device A100 --hours 1 --count -2":                         `--count "-2": write a whole number above 0`,
		"estimate --device A100 --hours 72h":                                  `--hours "72h": write a number from 0 on, without a unit`,
		"estimate --device A100 --hours 1e400":                                `--hours "1e400"`,
		"estimate --device A100 --hours NaN":                                  "--hours: NaN is out of range: write a number above 0 to 100000000",
		"estimate --device A100 --hours 1 --count 8x":                         `--count "8x": write a whole number above 0, without a unit`,
		"estimate --device A100 --hours 1 --count 0":                          `--count "0"`,
		"estimate --device A100 --hours 1 --region eu-west-1":                 "say whose it is: aws:eu-west-1",
		"estimate --device A100 --hours 1 --intensity 0.385":                  "if these are kilograms, write 385",
		"estimate --device A100 --hours 1 --utilization 0.5":                  "there is no flag --utilization",
		"estimate --device A100 --hours":                                      "--hours needs a value",
		"estimate --cpus 2 --hours 1":                                         "--cpus: of which model",
		"estimate --energy-kwh 300 --power-w 20":                              "--power-w: the energy is given, too",
		"estimate --device A100 --hours 1 --params 70X":                       "70B or 1.4T",
		"estimate --device A100-SXM4-80GB --hours 1 --power-w 4000":           "--power-w: it comes to 4e+03 W for each",
		"estimate --device A100-SXM4-80GB --hours 1 --params 70B --tokens 2T": "--hours: ",
	} {
		r := call("", words(line)...)
		assert.Equal(t, 2, r.code, line)
		assert.Empty(t, r.out)
		assert.Contains(t, r.err, says, line)
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(r.err, -1) {
			if !strings.Contains(line, "--utilization") {
				assert.Contains(t, help, flag, line)
			}
		}
	}
}

func TestFactorsSaysWhatToAskFor(t *testing.T) {
	for line, says := range map[string]string{
		"factors":                                 "factors list",
		"factors lst":                             "factors list",
		"factors list FR":                         "--match FR",
		"factors list --kind pu":                  "pue",
		"factors show":                            "one id",
		"factors show grid.FRR":                   "grid.FR",
		"factors show qwertzuiop":                 "factors list",
		"factors explain":                         "explain what?",
		"factors explain qwertz":                  "grid",
		"factors explain cpu":                     "which?",
		"factors explain instance m5":             "aws p4d.24xlarge",
		"factors explain grid --country Germny":   "Germny",
		"factors explain grid DE --country FR":    "--country",
		"factors explain grid DE FR":              `unknown country: "DE FR"`,
		"factors explain grid eu-west-1":          "say whose it is: aws:eu-west-1",
		"factors explain pue on-premise edge":     "write one class",
		"factors explain device":                  "server or laptop",
		"factors explain production qwertz":       "server",
		"factors explain pue --region aws:mars-1": "mars-1",
	} {
		r := call("", words(line)...)
		assert.Equal(t, 2, r.code, line)
		assert.Empty(t, r.out, line)
		assert.Contains(t, r.err, says, line)
	}
}

func TestFactorsAsJSON(t *testing.T) {
	for _, line := range []string{
		"factors list --kind grid --match germany", "factors show grid.FR", "factors explain grid --country FR",
		"factors explain gpu A100-SXM4-80GB", "factors explain instance aws p4d.24xlarge", "factors explain device laptop",
	} {
		r := call("", append(words(line), "--json")...)
		require.Zero(t, r.code, r.err)
		var v any
		assert.NoError(t, json.Unmarshal([]byte(r.out), &v), line)
	}
	assert.Contains(t, call("", "factors", "list", "--match", "germany", "--json").out, `"id": "grid.DE"`)
}

func TestNamesThatAreNearAreTold(t *testing.T) {
	names := []string{"A10", "A100 PCIe 40GB", "A100 SXM4 80GB", "H100 SXM5 80GB", "GeForce RTX 4090", "L4"}
	for name, want := range map[string]string{
		"A100":             "near: A100 PCIe 40GB, A100 SXM4 80GB", // not the A10, which is one letter away
		"A100-SXM-80":      "near: A100 SXM4 80GB, A100 PCIe 40GB",
		"nvidia rtx4090":   "near: GeForce RTX 4090",
		"H100 SXM6 80GB":   "near: H100 SXM5 80GB, A100 SXM4 80GB",
		"Cray-1 vector":    "",
		"RTX 4090 Ti 24GB": "near: GeForce RTX 4090",
	} {
		assert.Equal(t, want, nearest("near: ", name, names), name)
	}
}
