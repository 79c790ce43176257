package factors

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what follows from other tables")

// Names as /proc/cpuinfo, lscpu, DMI or a device tree tell them.
func TestACPUIsFoundByTheNameThatTheKernelTells(t *testing.T) {
	for _, test := range []struct {
		told   string
		found  Found
		class  string
		listed string
		tdp    float64
		cores  int
	}{
		{"AMD EPYC 7543 32-Core Processor", Normalised, "server", "AMD EPYC 7543", 225, 32},
		{"AMD EPYC 7502P 32-Core Processor", Normalised, "server", "AMD EPYC 7502P", 180, 32},
		{"AMD EPYC 9965 192-Core Processor", Normalised, "server", "AMD EPYC 9965", 500, 192},
		{"AMD EPYC 7R13 Processor", Normalised, "server", "AMD EPYC 7R13", 225, 48},
		{"AMD EPYC 7B12", Exact, "server", "AMD EPYC 7B12", 240, 64},
		{"AMD EPYC 9V74 80-Core Processor", Normalised, "server", "AMD EPYC 9V74", 400, 80},
		{"Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", Normalised, "server", "Intel Xeon Platinum 8375C", 300, 32},
		{"Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", Normalised, "server", "Intel Xeon Platinum 8259CL", 210, 24},
		{"Intel(R) Xeon(R) Platinum 8272CL CPU @ 2.60GHz", Normalised, "server", "Intel Xeon Platinum 8272CL", 195, 26},
		{"Intel(R) Xeon(R) Platinum 8488C", Normalised, "server", "Intel Xeon Platinum 8488C", 385, 48},
		{"INTEL(R) XEON(R) PLATINUM 8568Y+", Normalised, "server", "Intel Xeon Platinum 8568Y+", 350, 48},
		{"INTEL(R) XEON(R) GOLD 6530", Normalised, "server", "Intel Xeon Gold 6530", 270, 32},
		{"Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz", Normalised, "server", "Intel Xeon Gold 6230R", 150, 26},
		{"Intel(R) Xeon(R) Silver 4210 CPU @ 2.20GHz", Normalised, "server", "Intel Xeon Silver 4210", 85, 10},
		{"Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", Normalised, "server", "Intel Xeon E5-2670", 115, 8},
		{"Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", Normalised, "server", "Intel Xeon E5-2686 v4", 145, 18},
		{"Intel(R) Xeon(R) CPU E3-1270 V2 @ 3.50GHz", Normalised, "server", "Intel Xeon E3-1270 v2", 69, 4},
		{"Intel(R) Xeon(R) CPU D-1541 @ 2.10GHz", Normalised, "server", "Intel Xeon D-1541", 45, 8},
		{"Intel(R) Xeon(R) W-2295 CPU @ 3.00GHz", Normalised, "desktop", "Intel Xeon W-2295", 165, 18},
		{"Intel(R) Xeon(R) 6980P", Normalised, "server", "Intel Xeon 6980P", 500, 128},
		{"Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", Normalised, "desktop", "Intel Core i7-8700K", 95, 6},
		{"Intel(R) Core(TM) i5-3320M CPU @ 2.60GHz", Normalised, "laptop", "Intel Core i5-3320M", 35, 2},
		{"11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", Normalised, "laptop", "Intel Core i7-1165G7", 28, 4},
		{"12th Gen Intel(R) Core(TM) i7-1260P", Normalised, "laptop", "Intel Core i7-1260P", 28, 12},
		{"13th Gen Intel(R) Core(TM) i9-13900K", Normalised, "desktop", "Intel Core i9-13900K", 125, 24},
		{"AMD Ryzen 9 7950X 16-Core Processor", Normalised, "desktop", "AMD Ryzen 9 7950X", 170, 16},
		{"AMD Ryzen 9 7950X3D 16-Core Processor", Normalised, "desktop", "AMD Ryzen 9 7950X3D", 120, 16},
		{"AMD Ryzen 7 PRO 4750U with Radeon Graphics", Normalised, "laptop", "AMD Ryzen 7 PRO 4750U", 15, 8},
		{"AMD Ryzen 7 7840U w/ Radeon  780M Graphics", Normalised, "laptop", "AMD Ryzen 7 7840U", 28, 8},
		{"AMD Ryzen AI 9 HX 370 w/ Radeon 890M", Normalised, "laptop", "AMD Ryzen AI 9 HX 370", 28, 12},
		{"AMD Ryzen Threadripper PRO 5995WX 64-Cores", Normalised, "desktop", "AMD Ryzen Threadripper PRO 5995WX", 280, 64},
		{"Apple M1 Pro", Exact, "laptop", "Apple M1 Pro", 60, 10},
		{"Raspberry Pi 4 Model B Rev 1.4", Normalised, "embedded", "Raspberry Pi 4", 6.4, 4},
		{"Ampere(R) Altra(R) Processor Q80-30", Normalised, "server", "Ampere Altra Q80-30", 210, 80},
		{"AWS Graviton3", Normalised, "server", "Annapurna Labs Graviton3", 220, 64},
		{"NVIDIA Grace", Exact, "server", "NVIDIA Grace", 250, 72},

		{"Intel(R) Xeon(R) Platinum 8573C", Family, "server", "", 350, 56},
		{"AMD EPYC 9V45 96-Core Processor", Family, "server", "", 400, 96},
		{"Intel Xeon Processor (Skylake, IBRS)", Family, "server", "", 140, 16},
		{"Intel Core Processor (Haswell, no TSX)", Family, "server", "", 105, 10},
		{"AMD EPYC-Rome Processor", Family, "server", "", 200, 32},
		{"Neoverse-N1", Family, "server", "", 190, 80},

		{"Intel(R) Xeon(R) CPU           X5650  @ 2.67GHz", Class, "server", "", 165, 20},
		{"Intel(R) Xeon(R) CPU @ 2.20GHz", Class, "server", "", 165, 20},
		{"AMD EPYC", Class, "server", "", 165, 20},
		{"QEMU Virtual CPU version 2.5+", Class, "server", "", 165, 20},
		{"Common KVM processor", Class, "server", "", 165, 20},
		{"AMD Opteron(tm) Processor 6172", Class, "server", "", 165, 20},
		{"VirtualApple @ 2.50GHz", Class, "laptop", "", 26.5, 6},
		{"AMD FX(tm)-8350 Eight-Core Processor", Class, "desktop", "", 65, 6},
		{"Cortex-A72", Class, "embedded", "", 6.4, 4},
		{"Raspberry Pi Zero 2 W Rev 1.0", Class, "embedded", "", 6.4, 4},
		{"ARMv7 Processor rev 4 (v7l)", Class, "embedded", "", 6.4, 4},

		{"DO-Regular", FromWorld, "unknown", "", 65, 8},
		{"", FromWorld, "unknown", "", 65, 8},
	} {
		c, err := LookupCPU(test.told, "", 0)
		require.NoError(t, err, test.told)
		assert.Equal(t, test.found, c.Found, test.told)
		assert.Equal(t, test.class, c.Class, test.told)
		assert.Equal(t, test.listed, c.Model, test.told)
		assert.InDelta(t, test.tdp, c.TDPW, 1e-9, test.told)
		assert.Equal(t, test.cores, c.Cores, test.told)
	}
}

func TestIdleAndFullPowerAreTDPTimesTheRatiosOfTheClass(t *testing.T) {
	c, err := LookupCPU("AMD EPYC 7543 32-Core Processor", "", 32)
	require.NoError(t, err)
	assert.Equal(t, 64, c.Threads)
	assert.InDelta(t, 0.12*225, c.Idle.Value, 1e-9)
	assert.InDelta(t, 0.05*225, c.Idle.Low, 0.01)
	assert.InDelta(t, 0.79*225, c.Full.Value, 1e-9)
	assert.InDelta(t, 0.5*225, c.Full.Low, 0.01)
	// Its TDP can be set to 240 W: √(ln²(1.2/0.79) + ln²(240/225)), by hand.
	assert.InDelta(t, 271.3, c.Full.High, 0.1)
	for _, f := range []Factor{c.Idle, c.Full} {
		require.NoError(t, f.Check())
		assert.Equal(t, "W", f.Unit)
		assert.Equal(t, Normalised, f.Found)
		assert.Contains(t, f.Source, "AMD product specification export")
		assert.Contains(t, f.Source, ".cpu-server: ")
	}
}

func TestTheLessIsKnownOfACPUTheWiderItsInterval(t *testing.T) {
	width := func(model, class string, cores int) float64 {
		c, err := LookupCPU(model, class, cores)
		require.NoError(t, err)
		return math.Log(c.Full.High / c.Full.Low)
	}
	listed := width("AMD EPYC 7443P 24-Core Processor", "", 24)
	family := width("AMD EPYC 7443Z 24-Core Processor", "", 24)
	class := width("AMD EPYC", "", 24)
	classOnly := width("", "server", 0)
	nothing := width("", "", 0)
	assert.Less(t, listed, family)
	assert.Less(t, family, classOnly)
	assert.Less(t, class, classOnly)
	assert.Less(t, classOnly, nothing)
}

func TestWhatTheCallerKnowsOfAnUnlistedCPUCounts(t *testing.T) {
	for _, test := range []struct {
		class string
		cores int
		want  string
		tdp   float64
	}{
		{"server", 64, "server", 290},
		{"server", 4, "server", 72},
		{"server", 1000, "server", 390},
		{"laptop", 4, "laptop", 28},
		{"laptop", 64, "laptop", 55},
		{"desktop", 1, "desktop", 35},
		{"embedded", 4, "embedded", 6.4},
		{"", 64, "unknown", 300},
		{"server", -1, "server", 165},
	} {
		c, err := LookupCPU("Ümlaut CPU 3000", test.class, test.cores)
		require.NoError(t, err)
		assert.Equal(t, test.want, c.Class)
		assert.Equal(t, test.tdp, c.TDPW, "%s with %d cores", test.class, test.cores)
		if test.cores > 0 {
			assert.Equal(t, test.cores, c.Cores)
		}
	}
	_, err := LookupCPU("", "mainframe", 0)
	require.ErrorIs(t, err, ErrUnknownClass)
	assert.EqualError(t, err, `unknown class: cpu of "mainframe": write one of server, desktop, laptop, embedded`)
}

func TestEveryListedCPUIsAPlausibleProcessor(t *testing.T) {
	list, err := cpus()
	require.NoError(t, err)
	require.Greater(t, len(list.lines), 2500)
	for i, line := range list.lines {
		require.Equal(t, 11, strings.Count(line, ","), line)
		require.NotContains(t, line, `"`)
		p, err := list.read(line)
		require.NoError(t, err, line)
		require.NotNil(t, p.source, line)
		key := list.key(i)
		assert.Equal(t, key, cpuKey(key), "%s: a key is its own key", p.name)
		assert.True(t, i == 0 || list.key(i-1) < key, "%s: models are in the order of their keys, each once", p.name)
		assert.True(t, p.tdp.value >= 2 && p.tdp.value <= 600, "%s: %v W", p.name, p.tdp)
		assert.True(t, p.tdp.low > 0 && p.tdp.low <= p.tdp.value && p.tdp.value <= p.tdp.high && p.tdp.high < 6*p.tdp.low, "%s: %v W", p.name, p.tdp)
		assert.True(t, p.cores >= 0 && p.cores <= 288, "%s: %d cores", p.name, p.cores)
		assert.True(t, p.threads == 0 || p.threads >= p.cores && p.threads <= 2*p.cores, "%s: %d threads of %d cores", p.name, p.threads, p.cores)
		assert.Contains(t, cpuClasses, p.class, p.name)
		assert.Contains(t, []string{"A", "B", "C", "D"}, p.quality, p.name)
		for _, r := range []string{"idle-power", "full-power"} {
			tables, err := embedded()
			require.NoError(t, err)
			require.Contains(t, tables, r+".cpu-"+p.class)
		}
	}
}

// Left out of the list, most models must lie where their family puts them.
func TestAFamilyHolds95PercentOfItsModels(t *testing.T) {
	list, err := readCPUs()
	require.NoError(t, err)
	var inside, all float64
	for i := 0; i < len(list.lines); i += 5 {
		p := list.model(i)
		others := cpuList{lines: slices.Delete(slices.Clone(list.lines), i, i+1), sources: list.sources}
		f, ok := others.family(list.key(i), p.cores)
		if !ok {
			continue
		}
		all++
		if f.tdp.low <= p.tdp.value && p.tdp.value <= f.tdp.high {
			inside++
		}
	}
	require.Greater(t, all, 300.0)
	assert.InDelta(t, 0.95, inside/all, 0.03)
}

func TestTheClassTableFollowsFromTheList(t *testing.T) {
	list, err := cpus()
	require.NoError(t, err)
	var b strings.Builder
	w := csv.NewWriter(&b)
	require.NoError(t, w.Write(strings.Split("class,cores_from,cores_to,models,tdp_w,low,high,cores,threads,source,source_year", ",")))
	for _, class := range []string{"server", "desktop", "laptop", unknown} {
		for _, r := range ranges(t, list, class) {
			require.NoError(t, w.Write(r))
		}
	}
	for _, from := range []string{"0", "1"} { // too few are listed
		counts := map[string][]string{"0": {"4", "4"}, "1": {"", ""}}[from]
		require.NoError(t, w.Write([]string{"embedded", from, "0", "", "6.4", "2", "30", counts[0], counts[1], "Raspberry Pi 3 to 5 (5.1 to 8.8 W busy); bounds: analyst range", "2026"}))
	}
	w.Flush()
	if *update {
		require.NoError(t, os.WriteFile("data/cpu_class.csv", []byte(b.String()), 0o644))
		return
	}
	got, err := data.ReadFile("data/cpu_class.csv")
	require.NoError(t, err)
	assert.Equal(t, b.String(), string(got), "run go test ./factors -update")
}

// ranges are the lines of a class: median and P2.5–P97.5 of the models with
// so many cores, where at least five are listed. The first line is for an
// unknown number of cores, the last has no end.
func ranges(t *testing.T, list *cpuList, class string) (out [][]string) {
	launched := map[string]string{}
	require.NoError(t, eachRow("cpu.csv", func(row []string) error {
		launched[row[0]] = row[7]
		return nil
	}))
	line := func(from, to int, source string) ([]string, bool) {
		var tdp, cores, threads []float64
		for _, p := range list.models() {
			if class != unknown && p.class != class || from == 0 && launched[p.name] < "2017" ||
				from > 0 && (p.cores < from || to > 0 && p.cores > to) {
				continue
			}
			tdp = append(tdp, p.tdp.value)
			if p.cores > 0 {
				cores = append(cores, float64(p.cores))
			}
			if p.threads > 0 {
				threads = append(threads, float64(p.threads))
			}
		}
		if len(tdp) < 5 {
			return nil, false
		}
		text := func(x float64) string { return strconv.FormatFloat(math.RoundToEven(x*10)/10, 'g', -1, 64) }
		row := []string{class, fmt.Sprint(from), fmt.Sprint(to), fmt.Sprint(len(tdp)),
			text(quantile(tdp, 0.5)), text(quantile(tdp, 0.025)), text(quantile(tdp, 0.975)), "", "", source, "2026"}
		if from == 0 {
			row[7], row[8] = fmt.Sprint(math.Floor(quantile(cores, 0.5))), fmt.Sprint(math.Floor(quantile(threads, 0.5)))
		}
		return row, true
	}
	const source = "median and P2.5-P97.5 of the listed models"
	if row, ok := line(0, 0, source+", launched 2017 or later"); ok {
		out = append(out, row)
	}
	for from, to := 1, 2; from <= 129; from, to = to+1, 2*to {
		if to > 128 {
			to = 0
		}
		if row, ok := line(from, to, source); ok {
			out = append(out, row)
		}
		if to == 0 {
			break
		}
	}
	out[len(out)-1][2] = "0"
	return out
}

func quantile(x []float64, p float64) float64 {
	slices.Sort(x)
	at := p * float64(len(x)-1)
	i := int(at)
	return x[i] + (at-float64(i))*(x[min(i+1, len(x)-1)]-x[i])
}

func FuzzLookupCPU(f *testing.F) {
	f.Add("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", 8)
	f.Add("AMD A10-7850K Radeon R7, 12 Compute Cores 4C+8G", 0)
	f.Add("11th Gen i7 CPU 920\xff(r", -1)
	f.Fuzz(func(t *testing.T, model string, cores int) {
		c, err := LookupCPU(model, "", cores)
		require.NoError(t, err, "whatever a kernel says, there is an answer")
		require.NoError(t, c.Idle.Check())
		require.NoError(t, c.Full.Check())
		require.Equal(t, c.Found, c.Full.Found)
		require.Equal(t, c.Model != "", c.Found == Exact || c.Found == Normalised)
		key := cpuKey(model)
		require.LessOrEqual(t, len(key), 3*maxName, "a name of any length is bounded")
	})
}
