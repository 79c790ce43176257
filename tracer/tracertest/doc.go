// Package tracertest is a kit of simulated meters and hosts, so that programs
// that are instrumented with package tracer, and meters and sinks written for
// it, can be tested on a machine without any sensor.
//
//   - A [Host] is a machine with powercap counters and a proc file system. Its
//     power plants are [Curve]s: scripts, or the true CPU time of the test.
//   - A [Meter] is a meter.Meter with scripted power, for GPUs and the like.
//   - Both can be made to fail, as true hosts do.
//   - A [Recorder] is a sink that keeps records in memory.
//   - [TestMeter] and [TestSink] hold your own meters and sinks to the rules.
//
// # Scripts and true CPU time
//
// A scripted plant is a function of time.Now. In a testing/synctest bubble it
// gives the exact joules of virtual hours, to the last microjoule, and a test
// may compare with ==-like tolerance. Use it wherever a test knows beforehand
// what the program does.
//
// A plant driven by [TrueCPU] draws power as the test's own process computes.
// Use it, outside of synctest, where the truth is what the program did: [Burn]
// computes for so much CPU time and tells how much it really was.
package tracertest
