// Package tracertest is a kit of simulated hosts and meters, so that programs
// that are instrumented with package tracer, and meters and sinks written for
// it, can be tested on a machine without any sensor.
//
//   - A [Host] is a machine with powercap counters and a proc file system. Its
//     power plants are [Curve]s: scripts, or the true CPU time of the test.
//   - A [Meter] is a meter.Meter with scripted power, for GPUs and the like;
//     [Slow] is one that takes its time.
//   - Hosts and meters can be made to fail as true ones do, at any moment.
//   - A [Recorder] is a sink that keeps records in memory.
//   - [TestMeter] and [TestSink] hold your own meters and sinks to the rules.
//
// # Testing a program in virtual time
//
// A scripted plant is a function of time.Now. In a testing/synctest bubble two
// hours of training take no time, and their joules are exact:
//
//	func TestTraining(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
//				Packages: []tracertest.Curve{tracertest.Constant(20).Then(time.Hour, tracertest.Constant(90))},
//			})
//			var records tracertest.Recorder
//			opts := append(host.Options(), tracer.Sinks(&records), tracer.Scope(lifecycle.ScopeMachine))
//			ctx, run, err := tracer.Begin(t.Context(), opts...)
//			...
//			train(ctx) // starts spans, sleeps for two hours
//			record, err := run.End()
//			...
//			// record.Ledger[0].TotalJ is (20+90)·3600
//		})
//	}
//
// Make hosts, meters and run inside the bubble. Times of a bubble hold no
// monotonic clock.
//
// # Testing a program by what it truly computes
//
// A plant driven by [TrueCPU] draws power as the test's own process computes.
// Use it where the truth is what the program did: which of two concurrent
// spans computed, what a thousand goroutines cost. [Burn] computes for so much
// CPU time and tells how much it really was, and [CPUOf] tells it of any
// function; times the watts of a busy CPU, that is the truth in joules.
// CPU time is real time: this does not work in testing/synctest. The example
// of the package is such a test.
//
// # Benchmarks
//
// [ReportEnergy] gives a benchmark its joules and grams, on the true host: one
// line, and benchstat compares the energy of two commits.
//
// # Faults
//
// Files of a Host fail, stick, vanish or say garbage ([Host.Fail],
// [Host.FailFor], [Host.Stick], [Host.Vanish], [Host.Say]); counters wrap
// ([HostConfig] RangeUJ and StartUJ), start anew or run backwards
// ([Host.Reset], [Host.Jump]). Meters lie, stick and break ([Meter.Say],
// [Meter.Stick], [Meter.Break]). [Host.Joules] and [Meter.Joules] go on telling
// what was truly used. Disks fill up and networks die ([Recorder.Fail],
// [Recorder.Stall]).
package tracertest
