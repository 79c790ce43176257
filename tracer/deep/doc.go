// Package deep attributes the energy of a run again, after its end, by an
// execution trace (runtime/trace) of the same process. Where the ledger of
// package tracer knows the CPU time of concurrent spans from samples, or goes by
// wall share, the trace tells for how long each goroutine ran, to the
// nanosecond.
//
//	f, err := os.Create("trace.out")
//	err = trace.Start(f)
//	defer trace.Stop() // after the run's end
//	ctx, run, err := tracer.Begin(ctx, tracer.Timeline())
//	defer run.End()
//
// Then `ecotracer attribute --trace trace.out RECORD`, or [Attribute].
//
// # What it does
//
// The record's timeline holds the run's power reading by reading, and, of the
// time in which the trace was being written, what the ledger had booked to each
// path. That is taken back and booked anew: energy above idle power goes by the
// running time of the goroutines between two readings, that of idle power stays
// where it is, by wall share. A goroutine works for the span that it started
// last, or in which it was itself started, as with the profiler's labels (see
// package tracer); End gives the goroutine that calls it what Start's context
// had. What the Go runtime does for all, such as collecting garbage, is spread
// like the rest. A goroutine of no span of the run has its energy booked to the
// active spans by wall share, while there are any; else to nobody
// (unattributed). No joule is made or lost: each ledger line's spans_j +
// unattributed_j is as it was, and so is what belongs to other processes, other
// runs and idling.
//
// # What it cannot do
//
// Running is not on a CPU: a goroutine whose thread the operating system has
// taken off its CPU is still running in a trace. Where more threads want to run
// than there are CPUs, as on a host that others keep busy too, those that run
// beside others of the program are told to have run for too long; the samples of
// the CPU profiler are not misled so.
//
// A trace does not tell a system or cgo call that computes from one that waits.
// Their paths get, by the time of the calls, what CPU time the process used
// beyond that of its goroutines, where that is more than a tenth of all.
//
// Of goroutines from before the trace nothing is known until they call Start or
// End: they count as of no span. Devices with a claim are not booked again, nor
// is what was used before the trace began or after it ended. A program slows
// down while it is traced, the more the more its goroutines take turns: its
// figures are those of the traced program.
package deep
