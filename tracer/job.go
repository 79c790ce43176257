package tracer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// job is what the environment says of the job that a process is a part of.
type job struct {
	rank  *lifecycle.Rank // nil: it is alone, or nobody says of how many it is
	local int             // ranks on this host; 1 if unknown
	trace string          // W3C trace id, the same in all ranks; "" if nobody tells them apart
	above string          // span id in it that the run is below; "" if none
	flags string          // of the trace

	parent  string // id of the run that started this process, or counts it; "" if none does
	counted bool   // that run counts this process with all that it started
}

// jobOf reads the environment. The rank is that of the innermost launcher:
// torchrun (and what sets the same variables, as Ray Train and Kubeflow do),
// Open MPI, MPICH and its like, Slurm, an indexed job of Kubernetes.
//
// The trace id is TRACEPARENT's (W3C Trace Context), else derived from the
// job's own id, so that all ranks agree without talking.
func jobOf(env func(string) string, proc fs.FS) job {
	j := job{local: 1, parent: runID(env("ECOTRACER_COUNTED"))}
	if j.counted = j.parent != ""; !j.counted {
		j.parent = runID(env("ECOTRACER_PARENT"))
	}
	name := []string{"ecotracer job"}
	restart := env("TORCHELASTIC_RESTART_COUNT")
	switch {
	case j.isRank(env("RANK"), env("WORLD_SIZE"), env("LOCAL_WORLD_SIZE")):
	case j.isRank(env("OMPI_COMM_WORLD_RANK"), env("OMPI_COMM_WORLD_SIZE"), env("OMPI_COMM_WORLD_LOCAL_SIZE")):
	case j.isRank(env("PMI_RANK"), env("PMI_SIZE"), env("MPI_LOCALNRANKS")):
	// Slurm also sets SLURM_PROCID in a batch script, which is no task of it.
	case j.isRank(env("SLURM_PROCID"), env("SLURM_STEP_NUM_TASKS"), slurmLocal(env("SLURM_STEP_TASKS_PER_NODE"), env("SLURM_NODEID"))):
	case j.isRank(env("JOB_COMPLETION_INDEX"), env("ECOTRACER_WORLD_SIZE"), ""):
	}
	if trace, above, flags, ok := parseTraceparent(env("TRACEPARENT")); ok {
		j.trace, j.above, j.flags = trace, above, flags
		return j
	}
	indexed := strings.TrimSuffix(env("HOSTNAME"), "-"+env("JOB_COMPLETION_INDEX"))
	switch torch := env("TORCHELASTIC_RUN_ID"); {
	case env("ECOTRACER_JOB") != "":
		name = append(name, "declared", env("ECOTRACER_JOB"))
	case torch != "" && torch != "none": // torchrun's default
		name = append(name, "torch", torch, restart)
	case env("KUBEFLOW_TRAINING_JOB_ID") != "":
		name = append(name, "kubeflow", env("KUBEFLOW_TRAINING_JOB_ID"), restart)
	case env("RAY_JOB_ID") != "":
		name = append(name, "ray", cmp.Or(env("RAY_CLUSTER_NAME"), env("RAY_ADDRESS")), env("RAY_JOB_ID"), restart)
	case env("PMIX_NAMESPACE") != "" && env("OMPI_COMM_WORLD_RANK") != "":
		name = append(name, "pmix", env("PMIX_NAMESPACE"))
	case env("SLURM_JOB_ID") != "" && j.rank != nil:
		name = append(name, "slurm", env("SLURM_CLUSTER_NAME"), env("SLURM_JOB_ID"), env("SLURM_STEP_ID"), env("SLURM_RESTART_COUNT"), restart)
	case env("JOB_COMPLETION_INDEX") != "" && indexed != env("HOSTNAME"):
		name = append(name, "kubernetes", indexed)
	case j.rank != nil && j.local == j.rank.Count:
		// All ranks are children of one launcher on this host.
		parent, boot := launcher(proc), host.BootID(proc)
		if parent == "" || boot == "" {
			return j
		}
		name = append(name, "launcher", boot, parent, restart)
	default:
		return j
	}
	sum := sha256.Sum256([]byte(strings.Join(name, "\x00")))
	j.trace = hex.EncodeToString(sum[:16])
	return j
}

// runID is the id of a run, or "" if it is none.
func runID(s string) string {
	id, err := uuid.Parse(s)
	if err != nil || id.Version() != 7 {
		return ""
	}
	return id.String()
}

// isRank takes a rank, its job's size and how many of it are on this host, if
// they are numbers that fit.
func (j *job) isRank(index, count, local string) bool {
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if err != nil || err2 != nil || i < 0 || i >= n || n > 1<<20 {
		return false
	}
	j.rank = &lifecycle.Rank{Index: i, Count: n}
	if here, err := strconv.Atoi(local); err == nil && here > 0 && here <= n {
		j.local = here
	}
	return true
}

// slurmLocal is how many tasks of a step run on a node, of a list such as
// 8(x2),4.
func slurmLocal(list, node string) string {
	at, err := strconv.Atoi(node)
	if err != nil {
		return ""
	}
	for part := range strings.SplitSeq(list, ",") {
		tasks, times, _ := strings.Cut(strings.TrimSuffix(part, ")"), "(x")
		n, err := strconv.Atoi(cmp.Or(times, "1"))
		if err != nil || n < 1 {
			return ""
		}
		if at -= n; at < 0 {
			return tasks
		}
	}
	return ""
}

// launcher names the process that started this one, by its number and when it
// was started itself.
func launcher(proc fs.FS) string {
	parent := strconv.Itoa(os.Getppid())
	b, err := host.ReadFile(proc, "proc/"+parent+"/stat", 4096)
	if err != nil {
		return ""
	}
	// After the name in parentheses, which may hold anything: field 22 is the
	// start time (proc_pid_stat(5)).
	_, rest, found := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return ""
	}
	return parent + " " + fields[19]
}

// parseTraceparent reads a header of W3C Trace Context: version, trace id,
// parent id and flags. A later version may append to it.
func parseTraceparent(s string) (trace, span, flags string, ok bool) {
	f := strings.Split(strings.TrimSpace(s), "-")
	if len(f) < 4 || !isHex(f[0], 2) || f[0] == "ff" || f[0] == "00" && len(f) > 4 ||
		!isHex(f[1], 32) || !isHex(f[2], 16) || !isHex(f[3], 2) {
		return "", "", "", false
	}
	if strings.Trim(f[1], "0") == "" || strings.Trim(f[2], "0") == "" {
		return "", "", "", false
	}
	return f[1], f[2], f[3], true
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// setTrace gives the run a trace id, its own if nobody gave it one, and a
// name in it.
func (r *Run) setTrace(j job) {
	id := uuid.MustParse(r.id)
	if r.job = j; r.job.trace == "" {
		r.job.trace = hex.EncodeToString(id[:])
	}
	r.job.flags = cmp.Or(r.job.flags, "01") // as of who begins a trace and samples all
	span := uuid.New()
	r.spanID = hex.EncodeToString(span[:8])
}

// Traceparent is the run as the header traceparent of W3C Trace Context, by which
// what it asks others to do is known as a part of it. Its second field is the
// trace_id of the record. On a nil Run and on that of a disabled tracer it is "".
func (r *Run) Traceparent() string {
	if r == nil || r.ledger == nil {
		return ""
	}
	return "00-" + r.job.trace + "-" + r.spanID + "-" + r.job.flags
}

// Trace is the run's trace, as of W3C Trace Context: its id, 32 hex; that of the
// span in it which the run is below, 16 hex, "" if none is known; and the flags,
// 2 hex: what the option Traceparent was given, or $TRACEPARENT. On a nil Run, and
// that of a disabled tracer, they are "".
func (r *Run) Trace() (id, above, flags string) {
	if r == nil {
		return "", "", ""
	}
	return r.job.trace, r.job.above, r.job.flags
}

// Environ is the environment for a program that a run's process starts: that
// of this process, with TRACEPARENT (W3C Trace Context) such that the records
// and traces of the program belong to those of the run, and ECOTRACER_PARENT,
// which the program's record repeats. Which run that is is told as to Start;
// without one it is os.Environ.
//
//	cmd := exec.CommandContext(ctx, "python3", "train.py")
//	cmd.Env = tracer.Environ(ctx)
func Environ(ctx context.Context) []string {
	env := os.Environ()
	r := runOf(ctx)
	if r == nil || r.ledger == nil {
		return env
	}
	env = slices.DeleteFunc(env, func(s string) bool {
		return strings.HasPrefix(s, "TRACEPARENT=") || strings.HasPrefix(s, "ECOTRACER_PARENT=")
	})
	return append(env, "TRACEPARENT="+r.Traceparent(), "ECOTRACER_PARENT="+r.id)
}

// runOf is the run that Start would book in, or nil.
func runOf(ctx context.Context) *Run {
	if ctx == nil {
		ctx = context.Background()
	}
	switch v := ctx.Value(current{}).(type) {
	case *Span:
		return v.account.run
	case *Run:
		return v
	}
	return defaultRun()
}
