package tracertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// leastMeasured is how long a benchmark must be measured. The kernel tells who
// used the CPUs in ticks of 10 ms (USER_HZ, proc(5)), one of which may be missed
// at either end.
const leastMeasured = 200 * time.Millisecond

// sampling is how often meters are read that take no time to answer; others are
// slower.
const sampling = time.Second

// leastTold is the part of that time for which each meter must have told what
// it saw; for the rest its last power is taken.
const leastTold = 0.9

// ReportEnergy adds the energy and the emissions of a benchmark to its
// metrics, so that benchstat compares them between commits:
//
//	func BenchmarkEncode(b *testing.B) {
//		data := load()
//		tracertest.ReportEnergy(b)
//		for b.Loop() {
//			encode(data)
//		}
//	}
//
// The metrics are
//
//	J/op      IT energy an operation
//	gCO2e/op  what the electricity for it emitted, location-based
//
// and, as package testing prints seven decimals, nJ/op and ngCO2e/op in 1e-9 of
// these. From 1e-5 on there are the former, below 1e-3 the latter: each has three
// digits or more, and runs that differ less than a hundredfold have one in
// common. Compare in benchstat by the one that all runs have.
//
// Where no meter tells what the CPUs draw, all of them begin with "modelled-", as
// in modelled-J/op: a model knows CPU time and memory, not which instructions
// ran, and benchstat compares it with nothing that was measured. The intervals,
// which the benchmarks of a machine have in common, are logged once.
//
// The energy is that of a run (tracer.Begin) from the call of ReportEnergy to
// the end of the benchmark function: the process's share of what the host's
// meters tell, its garbage collection and all goroutines included: that of
// b.RunParallel is of all CPUs together, where ns/op is of the clock. Sensors,
// place (ECOTRACER_COUNTRY) and scope are as in any run, and opts are those of
// Begin; meters among them are closed at the end of a round, so each needs new
// ones. Where ECOTRACER_DIR is set, the last round of a benchmark leaves its
// record there; else nothing is written. Code that is instrumented has its spans
// in that run, and its times are those of a program that is traced.
//
// What is told is the mean power, times the time that the benchmark's timer ran
// (ns/op): what StopTimer leaves out counts by its time, as if it drew the same
// power. So call it after what is set up. Called again, it begins anew, and a
// benchmark with sub-benchmarks calls it in these. How long the timer ran is
// logged where that is less than 0.9 of the time measured.
//
// Rounds that are too short for the meters, as the first ones with b.N = 1 are,
// have no such metrics, nor has a benchmark whose last round is: that is logged.
// It takes 0.2 s, and for each meter that it told nine tenths of the time. The
// few ms that a run takes to begin and end are not timed.
func ReportEnergy(b *testing.B, opts ...tracer.Option) {
	b.Helper()
	if timerRuns(b) {
		b.StopTimer()
		defer b.StartTimer()
	}
	// The newest counts: a run that is open beside it would have its share.
	if before := measuring.Swap(nil); before != nil {
		_, _ = before.run.End()
	}
	m := &measurement{b: b}
	opts = append([]tracer.Option{
		tracer.Named(b.Name()), tracer.Sinks(discard{}), tracer.Checkpoints(-1), tracer.Sampling(sampling),
	}, opts...)
	var ctx context.Context
	ctx, m.run, m.err = tracer.Begin(context.Background(), opts...)
	_, m.span = tracer.Start(ctx, b.Name())
	measuring.Store(m)
	b.Cleanup(func() {
		b.Helper()
		m.finish()
	})
}

// measuring is the benchmark that is being measured. Benchmarks run one by one.
var measuring atomic.Pointer[measurement]

// measurement is one round of a benchmark.
type measurement struct {
	b    *testing.B
	run  *tracer.Run
	span *tracer.Span
	err  error // of Begin
}

func (m *measurement) finish() {
	b := m.b
	b.Helper()
	m.span.Count("ops", b.N)
	m.span.End()
	record, err := m.run.End()
	if !measuring.CompareAndSwap(m, nil) || b.Failed() || b.Skipped() || b.N < 1 {
		return
	}
	note := func(format string, args ...any) {
		b.Helper()
		if lastRound(b) {
			b.Logf("energy: "+format, args...)
		}
	}
	for _, err := range []error{m.err, err} {
		if err != nil {
			note("%v", err)
		}
	}
	if record.Run.ID == "" {
		note("not measured, for the tracer is disabled (ECOTRACER_DISABLED)")
		return
	}
	if dir := os.Getenv("ECOTRACER_DIR"); dir != "" && lastRound(b) {
		sink, err := tracer.NewDirSink(dir)
		if err == nil {
			err = sink.Write(context.Background(), record)
		}
		if err != nil {
			note("%v", err)
		}
	}
	if why := unresolved(record); why != "" {
		note("not told: %s", why)
		return
	}
	total := record.Totals
	timed := b.Elapsed().Seconds() / record.Run.DurationS
	if timed < 0.9 {
		note("the timer ran for %.0f %% of the %.2g s that were measured; what it left out is taken to have drawn the same power",
			100*timed, record.Run.DurationS)
	}
	prefix := ""
	if !measured(record) {
		prefix = "modelled-"
	}
	perOp := timed / float64(b.N)
	report(b, total.EnergyJ.Value*perOp, prefix, "J/op")
	report(b, total.OperationalGCO2e.Value*perOp, prefix, "gCO2e/op")
	if lastRound(b) {
		told.Do(func() { note("%s", howSure(record)) })
	}
}

// report reports a figure with three digits or more: package testing prints
// seven decimals. The ranges of the two units overlap, so that two runs of a
// benchmark, which differ, have one in common.
func report(b *testing.B, value float64, prefix, unit string) {
	if value >= 1e-5 {
		b.ReportMetric(value, prefix+unit)
	}
	if value > 0 && value < 1e-3 {
		b.ReportMetric(value*1e9, prefix+"n"+unit)
	}
}

// measured tells whether a meter told what the CPUs drew. That a run had little
// of it does not matter: all runs on a machine are to have the same units.
func measured(r *lifecycle.Record) bool {
	cpus := map[string]bool{}
	for i := range r.Hardware {
		h := &r.Hardware[i]
		cpus[h.ID] = h.Kind == lifecycle.KindCPU || h.Kind == lifecycle.KindNode
	}
	return slices.ContainsFunc(r.Ledger, func(l lifecycle.LedgerLine) bool {
		return cpus[l.Hardware] && (l.Method == lifecycle.Counter || l.Method == lifecycle.Metered)
	})
}

// told is done once howSure was logged.
var told sync.Once

// howSure tells how a record's figures were obtained, and their intervals.
func howSure(r *lifecycle.Record) string {
	times := func(q lifecycle.Quantity) string {
		if q.Value <= 0 {
			return "unknown"
		}
		return fmt.Sprintf("%.2g to %.2g times that", q.Low/q.Value, q.High/q.Value)
	}
	var place string
	for i := range r.Factors {
		if f := &r.Factors[i]; f.ID == r.Environments[0].Factors.Grid && f.Found == factors.FromWorld {
			place = ", the place being unknown: set ECOTRACER_COUNTRY"
		}
	}
	how := "modelled"
	if share := r.Totals.MeasuredShare; share > 0 {
		how = fmt.Sprintf("%.0f %% of it measured, the rest modelled", 100*share)
	}
	return fmt.Sprintf("%s; the truth (95 %%) is %s, of gCO2e %s%s; the benchmarks of a machine have most of that error in common",
		how, times(r.Totals.EnergyJ), times(r.Totals.OperationalGCO2e), place)
}

// unresolved tells why a run was too short for its meters, if it was.
func unresolved(r *lifecycle.Record) string {
	if d := r.Run.DurationS; d < leastMeasured.Seconds() {
		return fmt.Sprintf("%.3g s are too short to be measured, it takes %v; raise -benchtime", d, leastMeasured)
	}
	if len(r.Ledger) == 0 {
		return "there is no meter, nor a model of this machine"
	}
	for _, w := range r.Warnings {
		if w.Code == "counter-gap" {
			return "a meter has a gap: " + w.Detail
		}
	}
	for i := range r.Methods {
		m := &r.Methods[i]
		if s := m.SamplingS; s != nil && *s > max(sampling.Seconds(), r.Run.DurationS) {
			return fmt.Sprintf("%.2g s are too short for the meter %s, which is read every %g s; raise -benchtime", r.Run.DurationS, m.ID, *s)
		}
	}
	for i := range r.Ledger {
		l := &r.Ledger[i]
		for _, untold := range []*float64{l.GapS, l.ExtrapolatedS} {
			if untold != nil && *untold > (1-leastTold)*r.Run.DurationS {
				return fmt.Sprintf("the meter of %s told nothing for %.2g of the %.2g s; raise -benchtime", l.Domain, *untold, r.Run.DurationS)
			}
		}
	}
	return ""
}

// timerRuns tells whether the benchmark's timer runs.
func timerRuns(b *testing.B) bool {
	before, at := b.Elapsed(), time.Now()
	for time.Since(at) <= 0 { // until the clock moves
	}
	return b.Elapsed() > before
}

// lastRound tells whether the round that ends is the one that is printed: the
// one with as many operations, or as long, as -benchtime says.
func lastRound(b *testing.B) bool {
	want := "1s"
	if f := flag.Lookup("test.benchtime"); f != nil {
		want = f.Value.String()
	}
	if n, ok := strings.CutSuffix(want, "x"); ok {
		ops, err := strconv.Atoi(n)
		return err != nil || b.N >= ops
	}
	d, err := time.ParseDuration(want)
	return err != nil || b.Elapsed() >= d || b.N >= 1e9
}

// discard is a sink that keeps nothing.
type discard struct{}

func (discard) Write(context.Context, *lifecycle.Record) error { return nil }
