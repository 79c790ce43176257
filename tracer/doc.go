// Package tracer records what a program's parts use: hardware, time and
// energy, by span, over the life cycle of what it works for.
//
//	ctx, run, err := tracer.Begin(ctx, tracer.Named("digits"))
//	if err != nil {
//		log.Print(err) // the run measures all the same
//	}
//	defer run.End()
//
//	ctx, span := tracer.Start(ctx, "train")
//	defer span.End()
//	span.Count("samples", 60000)
//
// Start begins a span, not the tracer. Libraries only call Start: with no run
// in its context and no default run it is free, so they may be instrumented
// unconditionally. A program calls Begin once. The record of the run goes to
// the folder ecotracer-records, as <run id>.json.
//
// # Energy that adds up
//
// All meters of the host are read by one sampler, in its own goroutine; a span
// boundary reads a clock and touches a few words of memory. What the meters
// tell is booked in a ledger, each joule exactly once: to spans, to time
// without a span (unattributed), to other runs of the process, to other
// processes, or to idling. A nested span's joules are in its parent's total_j
// and not in its self_j.
//
// A span is active while it is open and waits for no child. While the spans of
// one path alone are active they get all. While several paths are, energy
// follows the CPU time of their goroutines, which the runtime's CPU profiler
// tells in short windows; in between, each path's last CPU rate stands for it.
// The record says by which weights each domain was given out. What a domain
// draws when idle, as far as it is known, is no work of anyone's: the process's
// part of it goes by wall share, so that a span that only waits has some joules
// too. Devices such as GPUs are claimed with OnDevices.
//
// What no meter of the host sees, spans declare: what they keep elsewhere
// (Span.Store), move through networks (Span.Transfer) and ask of services
// (Span.Call). Factors tell what that takes; it is in the energy of the span and
// has lines of its own in the ledger.
//
// CPU time finds its span by goroutine label: a goroutine has the label of the
// span that it started last, and of the span in which it was itself started. A
// worker that was there before calls Start with the context of the job that it
// takes; else its CPU time is nobody's, goes by wall share, and is flagged where
// it is more than a fifth.
//
// # Hour by hour
//
// A joule at noon is not one at night. With a source of package factors/live
// (Grid) a run of an hour or more is assessed by what its grid's intensity was in
// each hour, and WaitForGreen waits for the hours that are expected to be the
// greenest before a job begins:
//
//	if _, err := tracer.WaitForGreen(ctx, source, factors.Query{Country: "DE"},
//		schedule.Job{Duration: 6 * time.Hour, Deadline: tomorrow}); err != nil {
//		log.Print(err) // it starts now
//	}
//	ctx, run, err := tracer.Begin(ctx, tracer.Grid(source), tracer.At(tracer.Site{Country: "DE"}))
//
// # What it will come to
//
// A span that says how much work there is (Span.Expect) lets the run tell after
// three units of it what it will come to, in seconds, joules and grams, with 90 and
// 95 % intervals (Run.Forecast); its record tells what was foretold when. A Budget
// warns, or cancels a context, before a limit is passed:
//
//	ctx, release := tracer.Budget(ctx, tracer.Limit{GCO2e: 500, Cancel: true})
//	defer release()
//	ctx, span := tracer.Start(ctx, "train")
//	defer span.End()
//	span.Expect("epoch", 50)
//	for range 50 {
//		if ctx.Err() != nil {
//			return context.Cause(ctx) // a *BudgetError, if it is that
//		}
//		...
//	}
//
// # Single spans
//
// The record has an entry for each path, not for each span. Who wants single spans
// has them as lines of JSON (Spans), or is told when one starts and ends
// (Run.Observe), as package tracer/otel is, which makes them spans of
// OpenTelemetry. A split of a path's energy among its spans is by wall share.
//
// # The host comes first
//
// The tracer never panics, exits, prints, or opens a network connection (the
// sources of Grid may, at the run's end, and that of WaitForGreen), and a meter,
// sink, source or file system of the host's that panics has only failed. Its
// memory depends on the number of paths, not of spans. Whatever is nil, ended
// twice, ended too late or started too late does nothing. What fails is told
// by Begin and End, and in the warnings of the record; what was measured is
// never lost for it.
//
// A record is checkpointed every few seconds by atomic replace. A killed run
// leaves its last checkpoint, which the next run in the folder closes as
// interrupted, or Recover. A folder may be shared by any number of processes. A
// panic that passes a deferred End leaves the run complete, as End cannot see
// it: Do marks the span as failed, and Run.Fail the run.
//
// A process has one CPU profiler, and while the tracer uses it, the host
// cannot: net/http/pprof answers 500 for the second of a window. A host that
// profiles itself calls PauseProfiling around it, or sets
// ECOTRACER_CPU_WEIGHTS=off. The tracer never uses it in a test binary, in a
// run that was not begun by Begin, or while one path alone is active. Profiles
// of the host carry the label "ecotracer" with the path of the span.
//
// # Several processes
//
// Each process leaves a record of its own; `ecotracer merge` makes one of those
// of a job. Its ranks are recognised by what torchrun, Open MPI, MPICH, Slurm's
// srun, Ray Train, Kubeflow and indexed jobs of Kubernetes set. All records of
// a job have one trace id, that of TRACEPARENT or one that follows from the
// job's id; [Environ] passes it on to programs that are started.
//
// By default a run's scope is its process: its share of what the host's meters
// tell. Of all processes that say that the machine is theirs, one has it, the
// others their share, which their records say. The ranks of a job on one host
// read the meters in turns: one at the full rate, the others seldom. A GPU is
// the process's as far as the driver says that it uses it; where nobody can say,
// as in a container, the ranks that see it have equal parts, unless a span
// claims it.
//
// # Execution traces
//
// While the program writes an execution trace (runtime/trace), spans are user
// tasks in it, and the context of a span carries its task. Package deep and
// `ecotracer attribute` book the energy of a run anew by such a trace, if the run
// has kept its Timeline.
//
// # Environment
//
//	ECOTRACER_DISABLED     1: everything is free, no record is written, and
//	                       WaitForGreen does not wait
//	ECOTRACER_DIR          folder for records, by default ecotracer-records;
//	                       also opens a default run at the first Start of a
//	                       program without Begin, which ends at Flush
//	ECOTRACER_NAME         name of the run
//	ECOTRACER_COUNTRY      place, ISO 3166-1 alpha-2 such as FR, or a name; else
//	                       unknown; also of WaitForGreen
//	ECOTRACER_REGION       place, ISO 3166-2 such as US-CA, or a cloud and its
//	                       region such as aws:eu-west-1; says the country too
//	ECOTRACER_SCOPE        process (default), cgroup or machine
//	ECOTRACER_SAMPLING     how often meters are read after the first seconds: 1s
//	ECOTRACER_CHECKPOINTS  how often the record is written while running: 5s;
//	                       negative: never
//	ECOTRACER_CPU_WEIGHTS  off: never use the CPU profiler
//	ECOTRACER_TIMELINE     on: the record tells the power over time (see Timeline)
//	ECOTRACER_SPANS        on: each span is a line of <run id>.spans.jsonl in the
//	                       folder of records, when it has ended (see Spans)
//	ECOTRACER_CALIBRATION  file of the idle power that `ecotracer calibrate`
//	                       measured, by default /etc/ecotracer/calibration.json
//	ECOTRACER_JOB          names the job that all its ranks belong to
//	ECOTRACER_PARENT       id of the run that started this process; see Environ
//	ECOTRACER_COUNTED      id of a run that counts all that it started, this
//	                       process too, as ecotracer run does
//	ECOTRACER_WORLD_SIZE   how many ranks an indexed job of Kubernetes has
//	ECOTRACER_RUNTIME_DIR  folder that the processes of a host have in common,
//	                       by default XDG_RUNTIME_DIR or the one for
//	                       temporary files
//
// Options given to Begin override them. A value that cannot be understood is
// told by Begin, or by Flush, and the default counts. A test binary opens no
// default run.
package tracer
