package tracer_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// envCase is what a variable does to a run of 60 s.
type envCase struct {
	env   map[string]string
	opts  []tracer.Option
	err   string // part of Begin's error; "": none
	check func(t *testing.T, sink *tracertest.Recorder)
}

func (c envCase) run(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ECOTRACER_CHECKPOINTS", "-1s") // each reads the meters too
	for name, value := range c.env {
		t.Setenv(name, value)
	}
	synctest.Test(t, func(t *testing.T) {
		sink := new(tracertest.Recorder)
		_, run, err := inFolder("", append([]tracer.Option{tracer.Sinks(sink)}, c.opts...)...)
		if c.err == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.err)
		}
		time.Sleep(time.Minute)
		rec := finish(t, run)
		assert.InDelta(t, 600, line(t, rec, "node0").TotalJ, 1e-9, "it measures all the same")
		c.check(t, sink)
	})
}

func place(country, subdivision string) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) {
		e := sink.Last().Environments[0]
		assert.Equal(t, country, e.Country)
		assert.Equal(t, subdivision, e.Subdivision)
		_, unknown := warned(sink.Last(), "place-unknown")
		assert.Equal(t, country == "", unknown, "an unknown place is flagged")
	}
}

func named(name string) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) { assert.Equal(t, name, sink.Last().Run.Name) }
}

func scope(s lifecycle.Scope) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) { assert.Equal(t, s, sink.Last().Run.Scope) }
}

// writes tells how often a record was written in the 60 s.
func writes(n int) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) { assert.InDelta(t, n, len(sink.All()), 1) }
}

// sampled tells how often the meters were read.
func sampled(n int) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) {
		assert.InDelta(t, n, line(t, sink.Last(), "node0").Samples, max(1, float64(n)/500))
	}
}

const early = 3*10 + 1 // samples of the first three seconds

// streamed tells whether single spans went to a file of the run's own.
func streamed(want bool) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) {
		_, err := os.Stat(filepath.Join("ecotracer-records", sink.Last().Run.ID+".spans.jsonl"))
		assert.Equal(t, want, err == nil, "%v", err)
	}
}

// variables are the cases of every variable; TestTheTableOfVariables holds
// them to the documentation.
var variables = map[string]map[string]envCase{
	"ECOTRACER_NAME": {
		"it names the run":     {map[string]string{"ECOTRACER_NAME": "digits"}, nil, "", named("digits")},
		"an option goes first": {map[string]string{"ECOTRACER_NAME": "digits"}, []tracer.Option{tracer.Named("mine")}, "", named("mine")},
		"it is too long":       {map[string]string{"ECOTRACER_NAME": strings.Repeat("x", 5000)}, nil, "too long", named("")},
	},
	"ECOTRACER_COUNTRY": {
		"it is the place":          {map[string]string{"ECOTRACER_COUNTRY": "FR"}, nil, "", place("FR", "")},
		"in lower case":            {map[string]string{"ECOTRACER_COUNTRY": "fr"}, nil, "", place("FR", "")},
		"an option goes first":     {map[string]string{"ECOTRACER_COUNTRY": "FR"}, []tracer.Option{tracer.At(tracer.Site{Country: "SE"})}, "", place("SE", "")},
		"an option says no place":  {map[string]string{"ECOTRACER_COUNTRY": "FR"}, []tracer.Option{tracer.At(tracer.Site{Infrastructure: "desk"})}, "", place("FR", "")},
		"an option mends it":       {map[string]string{"ECOTRACER_COUNTRY": "ZZ"}, []tracer.Option{tracer.At(tracer.Site{Country: "se"})}, "", place("SE", "")},
		"it is none":               {map[string]string{"ECOTRACER_COUNTRY": "ZZ"}, nil, factors.ErrUnknownCountry.Error() + `: "ZZ"`, place("", "")},
		"it is a name":             {map[string]string{"ECOTRACER_COUNTRY": "Germany"}, nil, "", place("DE", "")},
		"it is a wrong name":       {map[string]string{"ECOTRACER_COUNTRY": "Atlantis"}, nil, factors.ErrUnknownCountry.Error() + `: "Atlantis"`, place("", "")},
		"nobody says where it was": {nil, nil, "", place("", "")},
	},
	"ECOTRACER_REGION": {
		"with its country":        {map[string]string{"ECOTRACER_COUNTRY": "US", "ECOTRACER_REGION": "US-CA"}, nil, "", place("US", "US-CA")},
		"without its country":     {map[string]string{"ECOTRACER_REGION": "us-ca"}, nil, "", place("US", "US-CA")},
		"of another country":      {map[string]string{"ECOTRACER_COUNTRY": "FR", "ECOTRACER_REGION": "US-CA"}, nil, `region "US-CA" is not in country "FR"`, place("FR", "")},
		"it is a name":            {map[string]string{"ECOTRACER_COUNTRY": "US", "ECOTRACER_REGION": "California"}, nil, `region "California"`, place("US", "")},
		"a name without country":  {map[string]string{"ECOTRACER_REGION": "California"}, nil, `region "California"`, place("", "")},
		"it is none":              {map[string]string{"ECOTRACER_REGION": "US-CALIFORNIA"}, nil, "/environments/0/subdivision", place("US", "")},
		"of no country":           {map[string]string{"ECOTRACER_REGION": "ZZ-CA"}, nil, `region "ZZ-CA" is no ISO 3166-2 code`, place("", "")},
		"of a cloud":              {map[string]string{"ECOTRACER_REGION": "aws:us-east-1"}, nil, "", place("US", "US-VA")},
		"of a cloud in a country": {map[string]string{"ECOTRACER_REGION": "gcp:europe-west1", "ECOTRACER_COUNTRY": "Belgium"}, nil, "", place("BE", "")},
		"of which cloud":          {map[string]string{"ECOTRACER_REGION": "eu-west-1"}, nil, "aws:eu-west-1 for a cloud's", place("", "")},
		"of no cloud":             {map[string]string{"ECOTRACER_REGION": "aws:mars-1"}, nil, factors.ErrUnknownRegion.Error(), place("", "")},
		"an option names a cloud": {map[string]string{"ECOTRACER_REGION": "US-CA"}, []tracer.Option{tracer.At(tracer.Site{Provider: "aws", Region: "eu-west-1"})}, "", place("IE", "")},
		"an option names another": {map[string]string{"ECOTRACER_REGION": "aws:us-east-1"}, []tracer.Option{tracer.At(tracer.Site{Provider: "gcp"})}, "", place("", "")},
		"an option goes before":   {map[string]string{"ECOTRACER_REGION": "US-CA"}, []tracer.Option{tracer.At(tracer.Site{Country: "FR"})}, "", place("FR", "")},
		"of an option's own kind": {map[string]string{"ECOTRACER_REGION": "US-CA"}, []tracer.Option{tracer.At(tracer.Site{Subdivision: "FR-IDF"})}, "", place("FR", "FR-IDF")},
	},
	"ECOTRACER_SCOPE": {
		"it is the process's":  {nil, nil, "", scope(lifecycle.ScopeProcess)},
		"it is the machine's":  {map[string]string{"ECOTRACER_SCOPE": "machine"}, nil, "", scope(lifecycle.ScopeMachine)},
		"in capitals":          {map[string]string{"ECOTRACER_SCOPE": "Machine"}, nil, "", scope(lifecycle.ScopeMachine)},
		"an option goes first": {map[string]string{"ECOTRACER_SCOPE": "machine"}, []tracer.Option{tracer.Scope(lifecycle.ScopeProcess)}, "", scope(lifecycle.ScopeProcess)},
		"it is none":           {map[string]string{"ECOTRACER_SCOPE": "galaxy"}, nil, `ECOTRACER_SCOPE="galaxy": write process, cgroup or machine`, scope(lifecycle.ScopeProcess)},
		"an option is none":    {nil, []tracer.Option{tracer.Scope("galaxy")}, `"galaxy" is not known`, scope(lifecycle.ScopeProcess)},
	},
	"ECOTRACER_SAMPLING": {
		"by default every second": {nil, nil, "", sampled(early + 57)},
		"more often":              {map[string]string{"ECOTRACER_SAMPLING": "500ms"}, nil, "", sampled(early + 2*57)},
		"more rarely":             {map[string]string{"ECOTRACER_SAMPLING": "19s"}, nil, "", sampled(early + 3)},
		"an option goes first":    {map[string]string{"ECOTRACER_SAMPLING": "19s"}, []tracer.Option{tracer.Sampling(3 * time.Second)}, "", sampled(early + 19)},
		"it is no duration":       {map[string]string{"ECOTRACER_SAMPLING": "often"}, nil, `ECOTRACER_SAMPLING="often": write a duration such as 2s`, sampled(early + 57)},
		"it has no unit":          {map[string]string{"ECOTRACER_SAMPLING": "5"}, nil, `ECOTRACER_SAMPLING="5"`, sampled(early + 57)},
		"it is negative":          {map[string]string{"ECOTRACER_SAMPLING": "-5s"}, nil, `ECOTRACER_SAMPLING="-5s"`, sampled(early + 57)},
		"an option is negative":   {nil, []tracer.Option{tracer.Sampling(-time.Second)}, "cannot be read every -1s", sampled(early + 57)},
		"no faster than 10 ms":    {map[string]string{"ECOTRACER_SAMPLING": "1ns"}, nil, "", sampled(6000)},
	},
	"ECOTRACER_CHECKPOINTS": {
		"by default every 5 s": {map[string]string{"ECOTRACER_CHECKPOINTS": ""}, nil, "", writes(1 + 12)},
		"more rarely":          {map[string]string{"ECOTRACER_CHECKPOINTS": "20s"}, nil, "", writes(1 + 3)},
		"never":                {map[string]string{"ECOTRACER_CHECKPOINTS": "-1s"}, nil, "", writes(1)},
		"an option goes first": {map[string]string{"ECOTRACER_CHECKPOINTS": "-1s"}, []tracer.Option{tracer.Checkpoints(time.Second)}, "", writes(1 + 60)},
		"it is no duration":    {map[string]string{"ECOTRACER_CHECKPOINTS": "always"}, nil, `ECOTRACER_CHECKPOINTS="always"`, writes(1 + 12)},
		"it is nothing":        {map[string]string{"ECOTRACER_CHECKPOINTS": "0s"}, nil, `ECOTRACER_CHECKPOINTS="0s"`, writes(1 + 12)},
	},
	"ECOTRACER_TIMELINE": {
		"none by default":      {nil, nil, "", timelined(false)},
		"it is on":             {map[string]string{"ECOTRACER_TIMELINE": "on"}, nil, "", timelined(true)},
		"it is off":            {map[string]string{"ECOTRACER_TIMELINE": "off"}, nil, "", timelined(false)},
		"an option goes first": {map[string]string{"ECOTRACER_TIMELINE": "0"}, []tracer.Option{tracer.Timeline()}, "", timelined(true)},
		"it is a word":         {map[string]string{"ECOTRACER_TIMELINE": "perhaps"}, nil, `ECOTRACER_TIMELINE="perhaps": write on or off`, timelined(false)},
	},
	"ECOTRACER_SPANS": {
		"none by default":      {nil, nil, "", streamed(false)},
		"it is on":             {map[string]string{"ECOTRACER_SPANS": "on"}, nil, "", streamed(true)},
		"it is off":            {map[string]string{"ECOTRACER_SPANS": "off"}, nil, "", streamed(false)},
		"an option goes first": {map[string]string{"ECOTRACER_SPANS": "on"}, []tracer.Option{tracer.Spans(new(bytes.Buffer))}, "", streamed(false)},
		"it is a word":         {map[string]string{"ECOTRACER_SPANS": "perhaps"}, nil, `ECOTRACER_SPANS="perhaps": write on or off`, streamed(false)},
	},
	"ECOTRACER_CPU_WEIGHTS": {
		"it is off":    {map[string]string{"ECOTRACER_CPU_WEIGHTS": "off"}, nil, "", named("")},
		"it is on":     {map[string]string{"ECOTRACER_CPU_WEIGHTS": "on"}, nil, "", named("")},
		"it is a word": {map[string]string{"ECOTRACER_CPU_WEIGHTS": "perhaps"}, nil, `ECOTRACER_CPU_WEIGHTS="perhaps": write on or off`, named("")},
	},
	// These have tests of their own.
	"ECOTRACER_DISABLED":    nil, // TestADisabledRunIsEmpty, TestWithoutARunATracedProgramIsFree
	"ECOTRACER_CALIBRATION": nil, // TestIdlePowerOfACalibration
	"ECOTRACER_PARENT":      nil, // TestARunThatAnotherCountsSaysSo
	"ECOTRACER_COUNTED":     nil, // TestARunThatAnotherCountsSaysSo
	"ECOTRACER_JOB":         nil, // TestTheRanksOfAJobAgreeOnItsTrace
	"ECOTRACER_WORLD_SIZE":  nil, // TestRanksAreRecognised
	"ECOTRACER_RUNTIME_DIR": nil, // TestNProcessesNeverReportNMachines
	"ECOTRACER_DIR":         nil, // TestTheFolderOfRecords, TestStartOpensADefaultRunWhereAFolderIsSet
}

// Trap 50: who says no country has none, and is told so. Trap 57: meters are read
// each second, and never more often than every 10 ms.
func TestEachVariable(t *testing.T) {
	for variable, cases := range variables {
		for name, c := range cases {
			t.Run(variable+"/"+name, c.run)
		}
	}
}

// timelined wants a record with a timeline, or without.
func timelined(there bool) func(*testing.T, *tracertest.Recorder) {
	return func(t *testing.T, sink *tracertest.Recorder) {
		_, found := sink.Last().Extensions["io.github.ecotracer.timeline"]
		assert.Equal(t, there, found)
	}
}

func TestTheTableOfVariables(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	documented := regexp.MustCompile(`(?m)^//\t(ECOTRACER_\w+)`).FindAllStringSubmatch(string(doc), -1)
	var names []string
	for _, m := range documented {
		names = append(names, m[1])
		assert.Contains(t, variables, m[1], "a variable that is documented and has no test")
	}
	for name := range variables {
		assert.Contains(t, names, name, "a variable that is not documented")
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`ECOTRACER_[A-Z_]+`).FindAllString(string(text), -1) {
			assert.True(t, slices.Contains(names, name), "%s reads %s, which is not documented", source, name)
		}
	}
}

func TestTheFolderOfRecords(t *testing.T) {
	for name, c := range map[string]struct {
		env, option, want string
	}{
		"by default":           {"", "", "ecotracer-records"},
		"an option goes first": {"of-the-environment", "of-an-option", "of-an-option"},
		"the environment says": {"of-the-environment", "", "of-the-environment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("ECOTRACER_DIR", c.env)
			_, run, err := inFolder(c.option)
			require.NoError(t, err)
			_, err = run.End()
			require.NoError(t, err)
			assert.Equal(t, []string{c.want}, filesIn(t, "."))
			assert.Len(t, readRecords(t, c.want), 1)
		})
	}
}

func TestOptionsThatSayNothingSensibleAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		opt tracer.Option
		err string
	}{
		"a sink that is nil":   {tracer.Sinks(nil), "a sink is nil"},
		"a meter that is nil":  {tracer.Meters(nil), "a meter is nil"},
		"idle power below 0":   {tracer.IdlePower(map[string]float64{"node0": -5}), "idle power of node0 is not -5 W"},
		"idle power of NaN":    {tracer.IdlePower(map[string]float64{"node0": math.NaN()}), "idle power of node0 is not NaN W"},
		"endless idle power":   {tracer.IdlePower(map[string]float64{"node0": math.Inf(1)}), "idle power of node0 is not +Inf W"},
		"CPU time that is nil": {tracer.CPUTime(nil), ""},
		"a host that is nil":   {tracer.Host(nil), ""},
		"no option":            {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run, err := inFolder(t.TempDir(), c.opt)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
			_, s := tracer.Start(ctx, "work")
			s.End()
			rec, err := run.End()
			require.NoError(t, err)
			assert.EqualValues(t, 1, span(t, rec, "work").Count)
		})
	}
	idle := map[string]float64{"node0": -1}
	_, run, err := tracer.Begin(context.Background(), tracer.IdlePower(idle), tracer.Sinks(new(tracertest.Recorder)))
	require.Error(t, err)
	_, err = run.End()
	require.NoError(t, err)
	assert.Equal(t, map[string]float64{"node0": -1}, idle, "what the caller passed is the caller's")
}
