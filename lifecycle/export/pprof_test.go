package export

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// pprofTool is what `go tool pprof` prints of a profile.
func pprofTool(t *testing.T, text []byte, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command to read the profile with")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "run.pb.gz")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	cmd := exec.Command("go", append(append([]string{"tool", "pprof", "-nodefraction=0", "-nodecount=0", "-edgefraction=0"}, args...), file)...)
	cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+dir)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	require.NoError(t, cmd.Run(), "%s", problems.String())
	assert.NotContains(t, problems.String(), "binary", "it looks for no program")
	return out.String()
}

var topLine = regexp.MustCompile(`(?m)^ *([0-9.]+)([a-zA-Z]*) +[0-9.]+% +[0-9.]+% +([0-9.]+)([a-zA-Z]*) +[0-9.]+%  (.+)$`)

// top is flat and cumulative value by name, as -top shows them.
func top(t *testing.T, shown string) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	for _, m := range topLine.FindAllStringSubmatch(shown, -1) {
		all[m[5]] = [2]string{m[1] + m[2], m[3] + m[4]}
	}
	require.NotEmpty(t, all, "%s", shown)
	return all
}

func TestGoToolPprofShowsWhereTheEnergyWent(t *testing.T) {
	r := exampleRecord(t)
	text, losses := exported(t, Pprof, r, Options{})
	shown := pprofTool(t, text, "-top")
	assert.Contains(t, shown, "File: ecotracer\n")
	assert.Contains(t, shown, "Type: energy")
	assert.Contains(t, shown, "Time: ")
	assert.Contains(t, shown, "Duration: 1000s")
	assert.Contains(t, shown, "100% of 434780000millijoules total", "the record's energy_j, 434780 J")
	assert.Equal(t, map[string][2]string{
		"epoch": {"400000000millijoules", "400000000millijoules"}, "prepare": {"11700000millijoules", "11700000millijoules"}, "serve": {"9900000millijoules", "9900000millijoules"},
		"fit": {"5000000millijoules", "405000000millijoules"}, "(unattributed)": {"8180000millijoules", "8180000millijoules"},
	}, top(t, shown))

	emissions := top(t, pprofTool(t, text, "-top", "-sample_index=emissions"))
	assert.Equal(t, [2]string{"3889milligrams", "3889milligrams"}, emissions["epoch"], "400000 J x 1.25 x 28 g/kWh")
	wall := top(t, pprofTool(t, text, "-top", "-sample_index=wall"))
	assert.Equal(t, [2]string{"10s", "700s"}, wall["fit"])
	count := top(t, pprofTool(t, text, "-top", "-sample_index=count"))
	assert.Equal(t, [2]string{"50", "50"}, count["serve"])

	training := pprofTool(t, text, "-top", "-tagfocus=phase=training")
	assert.Equal(t, []string{"epoch", "prepare", "fit"}, names(training))
	tree := pprofTool(t, text, "-tree")
	assert.Regexp(t, `400000000millijoules 98\.77% \| +epoch`, tree, "of fit's 405 kJ")
	assert.Contains(t, lossPaths(losses), "/ledger")
	assert.Contains(t, losses, Loss{"/spans/0/self_j", "rounded to 1 mJ"})
}

func names(shown string) []string {
	var all []string
	for _, m := range topLine.FindAllStringSubmatch(shown, -1) {
		all = append(all, m[5])
	}
	return all
}

func profileOf(t testing.TB, r *lifecycle.Record) (*profile.Profile, [4]int64) {
	t.Helper()
	text, _ := exported(t, Pprof, r, Options{})
	p, err := profile.ParseData(text)
	require.NoError(t, err)
	var sums [4]int64
	for _, s := range p.Sample {
		for i, v := range s.Value {
			sums[i] += v
		}
	}
	return p, sums
}

func TestTheSumsOfAProfileAreTheRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		r := exampleRecord(t)
		// A hundred spans of less than a millijoule, which rounded one by
		// one would be nothing, or twice as much.
		p := &r.Phases[3]
		require.Equal(t, lifecycle.Serving, p.Stage)
		r.Spans = r.Spans[:3]
		var sum, seconds float64
		for i := range 100 {
			s := lifecycle.Span{Path: fmt.Sprintf("serve/%d", i), Stage: lifecycle.Serving, SelfJ: random.Float64() * 1e-3, SelfS: random.Float64() * 1e-9, Count: 1}
			sum += s.SelfJ
			seconds += s.SelfS
			r.Spans = append(r.Spans, s)
		}
		p.EnergyJ.Value, p.OperationalGCO2e.Value = sum, sum*1e-2
		_, sums := profileOf(t, r)
		energy, grams := 8180+11700+405000+sum, sum*1e-2
		for i := range r.Phases[:3] {
			grams += r.Phases[i].OperationalGCO2e.Value
		}
		assert.EqualValues(t, math.Round(energy*1e3), sums[0])
		assert.EqualValues(t, math.Round(grams*1e3), sums[1])
		assert.EqualValues(t, math.Round((20+180+10+690+seconds)*1e9), sums[2])
	}
}

func TestWhatNoSpanUsedIsAStackOfItsOwn(t *testing.T) {
	r := exampleRecord(t)
	serving := &r.Phases[3]
	serving.EnergyJ.Value += 1000 // of a storage service, say
	p, sums := profileOf(t, r)
	own := map[string]string{}
	for _, s := range p.Sample {
		if name := s.Location[0].Line[0].Function.Name; strings.HasPrefix(name, "(") {
			own[name] = s.Label["stage"][0] + " " + strconv.FormatInt(s.Value[0], 10)
		}
	}
	assert.Equal(t, map[string]string{"(unattributed)": "unassigned 8180000", "(services)": "inference/serving 1000000"}, own)
	assert.EqualValues(t, 435780000, sums[0])

	r.Spans[3].Path = "a~1b/c~0d"
	p, _ = profileOf(t, r)
	var stack []string
	for _, l := range p.Sample[3].Location {
		stack = append(stack, l.Line[0].Function.Name)
	}
	assert.Equal(t, []string{"c~d", "a/b"}, stack, "names as they were given, the last first")
}

func TestMoreThanAProfileHoldsIsRefused(t *testing.T) {
	r := exampleRecord(t)
	r.Spans[0].SelfJ = 1e300
	_, err := Pprof(&bytes.Buffer{}, r, Options{})
	assert.ErrorContains(t, err, "energy is in sum more than")
}
