package tracer_test

import (
	"os"
	"regexp"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/calibration"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// Trap 26 and trap 53: of spans that are shorter than the time between two
// readings nothing was measured by itself. They share what was, are flagged,
// and nothing is scaled up from one of them or copied from its neighbour.
func TestSpansBetweenTwoReadingsShareWhatWasMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		// 10 W, but for 10 ms of 500 W in each second, in which the short spans are.
		second := tracertest.Constant(500).Then(10*time.Millisecond, tracertest.Constant(10))
		power := second
		for i := range 19 {
			power = power.Then(time.Duration(i+1)*time.Second, second)
		}
		ctx, run := begin(t, append(host.options(tracertest.NewMeter(domain("node0", power))), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
		for range 20 {
			with(ctx, 10*time.Millisecond, "short")
			with(ctx, 990*time.Millisecond, "long")
		}
		rec := finish(t, run)
		total := 20 * (5 + 9.9)
		assert.InDelta(t, total, line(t, rec, "node0").TotalJ, 1e-9, "what the counter told")
		short, long := span(t, rec, "short"), span(t, rec, "long")
		assert.InDelta(t, total, short.SelfJ+long.SelfJ, 1e-9, "and no joule more")
		assert.Contains(t, short.Flags, "below-resolution")
		assert.NotContains(t, long.Flags, "below-resolution")
		assert.Less(t, short.SelfJ, 0.2*total, "500 W of 10 ms are not taken for those of a second")
		n := 0
		for _, w := range rec.Warnings {
			if w.Code == "below-resolution" {
				n++
			}
		}
		assert.Equal(t, 1, n, "the record warns of the one path")
	})
}

// Trap 26: a program of 10 ms is not scaled up either.
func TestARunOfTenMillisecondsHasTheirJoules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPlant(4, cpus(1), cpus(1))
		burst := tracertest.Constant(1000).Then(10*time.Millisecond, tracertest.Constant(1))
		ctx, run := begin(t, append(host.options(tracertest.NewMeter(domain("node0", burst))), watts(0), tracer.Scope(lifecycle.ScopeMachine))...)
		with(ctx, 10*time.Millisecond, "work")
		rec := finish(t, run)
		assert.InDelta(t, 10, rec.Totals.EnergyJ.Value, 1e-9)
		assert.Nil(t, line(t, rec, "node0").ExtrapolatedS)
	})
}

// Trap 54: where yesterday a counter was read and today a model stands in, the
// records say so: in the line, in the method of the totals, in the share that
// was measured, and in what is missing.
func TestARecordTellsThatAModelStoodIn(t *testing.T) {
	record := func(t *testing.T, denied bool) (rec *lifecycle.Record) {
		synctest.Test(t, func(t *testing.T) {
			h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Packages: []tracertest.Curve{tracertest.Constant(40)}, Process: tracertest.Constant(1), Busy: tracertest.Constant(1)})
			if denied {
				h.Fail(tracertest.EnergyFile("intel-rapl:0"), syscall.EACCES)
			}
			ctx, run := begin(t, append(h.Options(), tracer.Checkpoints(-1))...)
			with(ctx, 10*time.Second, "work")
			rec = finish(t, run)
		})
		return rec
	}
	yesterday, today := record(t, false), record(t, true)
	assert.Equal(t, lifecycle.Counter, line(t, yesterday, "cpu0").Method)
	assert.Equal(t, lifecycle.Modelled, line(t, today, "cpu0").Method)
	assert.NotEqual(t, line(t, yesterday, "cpu0").Meter, line(t, today, "cpu0").Meter)
	assert.Positive(t, yesterday.Totals.MeasuredShare)
	assert.Zero(t, today.Totals.MeasuredShare)
	counter := lifecycle.Missing{Path: "/hardware", What: "rapl package-0", Reason: "not-measured"}
	assert.Contains(t, today.Missing, counter)
	assert.NotContains(t, yesterday.Missing, counter)
	wide := func(rec *lifecycle.Record) float64 { return rec.Totals.EnergyJ.High / rec.Totals.EnergyJ.Low }
	assert.Greater(t, wide(today), wide(yesterday), "and the model's figure is the wider")
}

// Trap 32: the defaults that the documentation tells are those of the code.
func TestDocumentedDefaultsAreTheDefaults(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for name, value := range tracer.Defaults {
		said := regexp.MustCompile(`(?m)^//\t` + name + `\s.*:\s+(\w+)`).FindSubmatch(doc)
		require.NotNil(t, said, "%s: the package's comment tells no default", name)
		assert.Equal(t, value, string(said[1]), name)
	}
	text := regexp.MustCompile(`\s*\n//\s*`).ReplaceAllString(string(doc), " ")
	assert.Contains(t, text, "measured, by default /"+calibration.Path)
	assert.Contains(t, text, "folder for records, by default "+tracer.DefaultDir+";")
}
