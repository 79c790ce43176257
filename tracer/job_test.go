package tracer_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

const aTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

func TestRanksAreRecognised(t *testing.T) {
	type env = map[string]string
	for name, c := range map[string]struct {
		env          env
		index, count int // count 0: it is no rank
		local        int
	}{
		"alone":                                {env{}, 0, 0, 1},
		"torchrun":                             {env{"RANK": "5", "WORLD_SIZE": "16", "LOCAL_RANK": "5", "LOCAL_WORLD_SIZE": "8", "TORCHELASTIC_RUN_ID": "none"}, 5, 16, 8},
		"torchrun below Slurm's srun":          {env{"RANK": "9", "WORLD_SIZE": "16", "LOCAL_WORLD_SIZE": "8", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_JOB_ID": "77"}, 9, 16, 8},
		"Open MPI":                             {env{"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, 3, 4, 2},
		"MPICH":                                {env{"PMI_RANK": "0", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "2"}, 0, 2, 2},
		"srun":                                 {env{"SLURM_PROCID": "11", "SLURM_STEP_NUM_TASKS": "20", "SLURM_STEP_TASKS_PER_NODE": "8(x2),4", "SLURM_NODEID": "1", "SLURM_JOB_ID": "77"}, 11, 20, 8},
		"srun, last node":                      {env{"SLURM_PROCID": "19", "SLURM_STEP_NUM_TASKS": "20", "SLURM_STEP_TASKS_PER_NODE": "8(x2),4", "SLURM_NODEID": "2"}, 19, 20, 4},
		"srun, a list that makes no sense":     {env{"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "2(xz)", "SLURM_NODEID": "0"}, 1, 2, 1},
		"a batch script of Slurm is no task":   {env{"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "77"}, 0, 0, 1},
		"an indexed job, its size declared":    {env{"JOB_COMPLETION_INDEX": "2", "ECOTRACER_WORLD_SIZE": "3"}, 2, 3, 1},
		"an indexed job of unknown size":       {env{"JOB_COMPLETION_INDEX": "2"}, 0, 0, 1},
		"a variable that means something else": {env{"RANK": "colonel", "WORLD_SIZE": "8"}, 0, 0, 1},
		"a rank beyond its job":                {env{"RANK": "8", "WORLD_SIZE": "8"}, 0, 0, 1},
		"a rank below zero":                    {env{"RANK": "-1", "WORLD_SIZE": "8"}, 0, 0, 1},
		"more ranks here than there are":       {env{"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "8"}, 0, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			rank, local, _ := tracer.JobOf(c.env, fstest.MapFS{})
			assert.Equal(t, c.local, local, "ranks on this host")
			if c.count == 0 {
				assert.Nil(t, rank)
				return
			}
			assert.Equal(t, &lifecycle.Rank{Index: c.index, Count: c.count}, rank)
		})
	}
}

// Ranks of one job have one trace id and never spoke to one another; those of
// another job, or of the same one started anew, have another.
func TestTheRanksOfAJobAgreeOnItsTrace(t *testing.T) {
	type env = map[string]string
	launcher := func(started string) fstest.MapFS {
		return fstest.MapFS{
			"proc/sys/kernel/random/boot_id":          {Data: []byte("94eed631-dbce-4f6b-a9c8-ddd6e2251cf4\n")},
			fmt.Sprintf("proc/%d/stat", os.Getppid()): {Data: []byte("1 (a) 2) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 " + started + " 1 1")},
		}
	}
	for name, c := range map[string]struct {
		job, restarted env
		ranks          [2]env
	}{
		"declared":       {env{"ECOTRACER_JOB": "a"}, env{"ECOTRACER_JOB": "b"}, [2]env{{"RANK": "0", "WORLD_SIZE": "2"}, {"RANK": "1", "WORLD_SIZE": "2"}}},
		"torchrun":       {env{"TORCHELASTIC_RUN_ID": "r1", "TORCHELASTIC_RESTART_COUNT": "0"}, env{"TORCHELASTIC_RUN_ID": "r1", "TORCHELASTIC_RESTART_COUNT": "1"}, [2]env{{"RANK": "0", "WORLD_SIZE": "2"}, {"RANK": "1", "WORLD_SIZE": "2"}}},
		"Ray":            {env{"RAY_JOB_ID": "01000000", "RAY_ADDRESS": "10.0.0.1:6379"}, env{"RAY_JOB_ID": "01000000", "RAY_ADDRESS": "10.0.0.2:6379"}, [2]env{{"RANK": "0", "WORLD_SIZE": "2"}, {"RANK": "1", "WORLD_SIZE": "2"}}},
		"Slurm":          {env{"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}, env{"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_RESTART_COUNT": "1"}, [2]env{{"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2"}, {"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}}},
		"Open MPI":       {env{"PMIX_NAMESPACE": "prterun-a-1@1"}, env{"PMIX_NAMESPACE": "prterun-a-2@1"}, [2]env{{"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}}},
		"an indexed job": {env{}, env{"ECOTRACER_JOB": "again"}, [2]env{{"JOB_COMPLETION_INDEX": "0", "HOSTNAME": "train-0"}, {"JOB_COMPLETION_INDEX": "1", "HOSTNAME": "train-1"}}},
		"Kubeflow":       {env{"KUBEFLOW_TRAINING_JOB_ID": "k"}, env{"KUBEFLOW_TRAINING_JOB_ID": "l"}, [2]env{{"RANK": "0", "WORLD_SIZE": "2"}, {"RANK": "1", "WORLD_SIZE": "2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			trace := func(parts ...env) string {
				all := env{}
				for _, p := range parts {
					for k, v := range p {
						all[k] = v
					}
				}
				_, _, trace := tracer.JobOf(all, fstest.MapFS{})
				require.Regexp(t, "^[0-9a-f]{32}$", trace)
				return trace
			}
			one := trace(c.job, c.ranks[0])
			assert.Equal(t, one, trace(c.job, c.ranks[1]), "the ranks agree")
			assert.NotEqual(t, one, trace(c.restarted, c.ranks[0]), "another job")
			assert.Equal(t, aTrace, trace(c.job, c.ranks[0], env{"TRACEPARENT": "00-" + aTrace + "-00f067aa0ba902b7-01"}), "a trace that there is goes on")
		})
	}
	t.Run("torchrun without an id, on one host", func(t *testing.T) {
		local := func(rank, size, here, started string) string {
			_, _, trace := tracer.JobOf(env{"RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": here, "TORCHELASTIC_RUN_ID": "none"}, launcher(started))
			return trace
		}
		one := local("0", "8", "8", "500")
		require.NotEmpty(t, one)
		assert.Equal(t, one, local("7", "8", "8", "500"), "they have one launcher")
		assert.NotEqual(t, one, local("0", "8", "8", "900"), "another launcher of the same number")
		assert.Empty(t, local("0", "16", "8", "500"), "ranks of two hosts have none in common")
	})
}

func TestTraceparent(t *testing.T) {
	for header, ok := range map[string]bool{
		"00-" + aTrace + "-00f067aa0ba902b7-01":                  true,
		"00-" + aTrace + "-00f067aa0ba902b7-00":                  true,
		"cc-" + aTrace + "-00f067aa0ba902b7-01-later":            true,
		"00-" + aTrace + "-00f067aa0ba902b7-01-later":            false,
		"ff-" + aTrace + "-00f067aa0ba902b7-01":                  false,
		"00-" + strings.ToUpper(aTrace) + "-00f067aa0ba902b7-01": false,
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": false,
		"00-" + aTrace + "-0000000000000000-01":                  false,
		"00-" + aTrace[1:] + "-00f067aa0ba902b7-01":              false,
		"00-" + aTrace + "-00f067aa0ba902b7":                     false,
		"":                                                       false,
		"garbage":                                                false,
	} {
		trace, _, _, got := tracer.ParseTraceparent(header)
		assert.Equal(t, ok, got, header)
		if ok {
			assert.Equal(t, aTrace, trace)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + aTrace + "-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, header string) {
		if trace, _, flags, ok := tracer.ParseTraceparent(header); ok {
			assert.Regexp(t, "^[0-9a-f]{32}$", trace)
			assert.Regexp(t, "^[0-9a-f]{2}$", flags)
		}
	})
}

// valueOf is the last value of a variable in an environment.
func valueOf(env []string, name string) (value string) {
	for _, s := range env {
		if v, ok := strings.CutPrefix(s, name+"="); ok {
			value = v
		}
	}
	return value
}

func TestChildrenContinueTheTrace(t *testing.T) {
	for name, parent := range map[string]string{"of a job": "00-" + aTrace + "-00f067aa0ba902b7-00", "of the run itself": ""} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TRACEPARENT", parent)
			assert.Equal(t, os.Environ(), tracer.Environ(t.Context()), "without a run nothing is added")
			var records tracertest.Recorder
			ctx, run, err := tracer.Begin(t.Context(), tracer.Sinks(&records), tracer.Checkpoints(-1))
			require.NoError(t, err)
			ctx, span := tracer.Start(ctx, "launch")
			env := tracer.Environ(ctx)
			span.End()
			rec, err := run.End()
			require.NoError(t, err)
			trace, _, flags, ok := tracer.ParseTraceparent(valueOf(env, "TRACEPARENT"))
			require.True(t, ok, "%s", valueOf(env, "TRACEPARENT"))
			assert.Equal(t, rec.Run.TraceID, trace)
			assert.Equal(t, valueOf(env, "TRACEPARENT"), run.Traceparent())
			assert.Empty(t, (*tracer.Run)(nil).Traceparent())
			if parent != "" {
				assert.Equal(t, aTrace, trace)
				assert.Equal(t, "00", flags, "who begins a trace decides what is sampled of it")
				assert.NotContains(t, valueOf(env, "TRACEPARENT"), "00f067aa0ba902b7", "the run is the child's parent, not what was the run's")
			} else {
				assert.Equal(t, strings.ReplaceAll(rec.Run.ID, "-", ""), trace)
				assert.Equal(t, "01", flags)
			}
			var lines int
			for _, s := range env {
				if strings.HasPrefix(s, "TRACEPARENT=") {
					lines++
				}
			}
			assert.Equal(t, 1, lines)
		})
	}
}

func TestTheRecordOfARankSaysWhichItIs(t *testing.T) {
	t.Setenv("RANK", "3")
	t.Setenv("WORLD_SIZE", "8")
	t.Setenv("TRACEPARENT", "00-"+aTrace+"-00f067aa0ba902b7-01")
	_, run := begin(t)
	rec := finish(t, run)
	assert.Equal(t, &lifecycle.Rank{Index: 3, Count: 8}, rec.Run.Rank)
	assert.Equal(t, aTrace, rec.Run.TraceID)
}

// Trap 38: however many processes say that the machine is theirs, one record
// has it.
func TestNProcessesNeverReportNMachines(t *testing.T) {
	if _, err := os.Stat("/proc/sys/kernel/random/boot_id"); err != nil {
		t.Skip("the kernel does not tell one boot from another here")
	}
	dir := t.TempDir()
	env := []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_RUNTIME_DIR=" + t.TempDir(), "ECOTRACER_SCOPE=machine"}
	const processes = 4
	var stop []func()
	for range processes {
		cmd := child(t, env, "begin", "start", "wait", "stop", "end")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		stop = append(stop, func() {
			_, err := io.WriteString(in, "\n")
			require.NoError(t, err)
			require.NoError(t, cmd.Wait())
		})
		for len(readRecords(t, dir)) < len(stop) { // it has begun
		}
	}
	for _, s := range stop {
		s()
	}
	scopes := map[lifecycle.Scope]int{}
	for _, rec := range readRecords(t, dir) {
		scopes[rec.Run.Scope]++
		_, told := warned(rec, "machine-taken")
		assert.Equal(t, rec.Run.Scope == lifecycle.ScopeProcess, told, "who has only its share says why")
	}
	assert.Equal(t, map[lifecycle.Scope]int{lifecycle.ScopeMachine: 1, lifecycle.ScopeProcess: processes - 1}, scopes)
}

func TestWhoDiesFreesTheMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel does not tell one boot from another here")
	}
	first, second := t.TempDir(), t.TempDir()
	locks := "ECOTRACER_RUNTIME_DIR=" + t.TempDir()
	cmd := child(t, []string{"ECOTRACER_DIR=" + first, locks, "ECOTRACER_SCOPE=machine"}, "begin", "start", "wait", "stop", "end")
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for len(readRecords(t, first)) == 0 {
	}
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	childSays(t, []string{"ECOTRACER_DIR=" + second, locks, "ECOTRACER_SCOPE=machine"}, "begin", "end")
	assert.Equal(t, lifecycle.ScopeMachine, readRecords(t, second)[0].Run.Scope)
}

func TestRanksTakeTurnsAtReading(t *testing.T) {
	const boot = "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"
	t.Setenv("ECOTRACER_RUNTIME_DIR", t.TempDir())
	t.Setenv("TRACEPARENT", "00-"+aTrace+"-00f067aa0ba902b7-01")
	t.Setenv("RANK", "1")
	t.Setenv("WORLD_SIZE", "8")
	t.Setenv("LOCAL_WORLD_SIZE", "8")
	begin := func(t *testing.T) (*tracertest.Host, *tracer.Run) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: boot})
		_, run := begin(t, append(host.Options(), tracer.Checkpoints(-1), tracer.Scope(lifecycle.ScopeProcess))...)
		return host, run
	}
	synctest.Test(t, func(t *testing.T) {
		_, run := begin(t)
		time.Sleep(80 * time.Second)
		assert.InDelta(t, 80+30, tracer.Samples(run), 10, "who is alone or first reads each second, and more often at first")
		finish(t, run)
	})
	release, err := tracer.HoldHostLock(boot, "job "+aTrace)
	if err != nil {
		t.Skip(errors.Join(errors.New("no locks here"), err))
	}
	synctest.Test(t, func(t *testing.T) {
		host, run := begin(t)
		before := tracer.Samples(run)
		time.Sleep(80 * time.Second)
		assert.LessOrEqual(t, tracer.Samples(run)-before, int64(80/8+1), "while another rank reads, this one does every eighth time")
		release()
		time.Sleep(8 * time.Second)
		before = tracer.Samples(run)
		time.Sleep(20 * time.Second)
		assert.InDelta(t, 20, tracer.Samples(run)-before, 1, "it takes the place of one that has ended")
		rec := finish(t, run)
		assert.InDelta(t, host.Joules(tracertest.EnergyFile("intel-rapl:0")), line(t, rec, "cpu0").TotalJ, 1e-3, "no joule is lost by reading seldom")
	})
}

// trap 4: a counter of 65 kJ wraps within minutes, and a host may have as many
// ranks as it has cores.
func TestARankOfManyReadsOftenEnough(t *testing.T) {
	const boot = "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"
	t.Setenv("ECOTRACER_RUNTIME_DIR", t.TempDir())
	t.Setenv("TRACEPARENT", "00-"+aTrace+"-00f067aa0ba902b7-01")
	t.Setenv("RANK", "1")
	t.Setenv("WORLD_SIZE", "384")
	t.Setenv("LOCAL_WORLD_SIZE", "384")
	release, err := tracer.HoldHostLock(boot, "job "+aTrace)
	if err != nil {
		t.Skip(errors.Join(errors.New("no locks here"), err))
	}
	defer release()
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{
			Boot: boot, Vendor: "AMD", RangeUJ: 65532610987, Packages: []tracertest.Curve{tracertest.Constant(280)},
		})
		records := new(tracertest.Recorder)
		_, run, err := tracer.Begin(t.Context(), append(host.Options(), tracer.Sinks(records))...)
		require.NoError(t, err)
		time.Sleep(20 * time.Minute)
		rec := finish(t, run)
		assert.InDelta(t, 280*20*60, line(t, rec, "cpu0").TotalJ, 1)
		_, flagged := warned(rec, "counter-gap")
		assert.False(t, flagged, "no wrap was missed")
		assert.InDelta(t, 20, len(records.All()), 3, "who is killed loses a minute at most")
	})
}

func TestAHostWithoutLocksTracesAllTheSame(t *testing.T) {
	t.Setenv("ECOTRACER_RUNTIME_DIR", t.TempDir()+"/nowhere")
	t.Setenv("RANK", "0")
	t.Setenv("WORLD_SIZE", "2")
	t.Setenv("LOCAL_WORLD_SIZE", "2")
	t.Setenv("ECOTRACER_JOB", "a")
	synctest.Test(t, func(t *testing.T) {
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{Boot: "b"})
		_, run, err := tracer.Begin(t.Context(), append(host.Options(), tracer.Checkpoints(-1), tracer.Scope(lifecycle.ScopeMachine), tracer.Sinks(new(tracertest.Recorder)))...)
		require.ErrorContains(t, err, "ECOTRACER_RUNTIME_DIR", "others may count the machine too: who asked for that is told")
		time.Sleep(20 * time.Second)
		assert.InDelta(t, 20+30, tracer.Samples(run), 8)
		assert.Equal(t, lifecycle.ScopeMachine, finish(t, run).Run.Scope)
	})
}

func TestARunThatAnotherCountsSaysSo(t *testing.T) {
	_, outer := begin(t)
	parent := valueOf(tracer.Environ(tracer.ContextOf(t.Context(), outer)), "ECOTRACER_PARENT")
	assert.Equal(t, outer.ID(), parent)
	finish(t, outer)
	for name, c := range map[string]struct {
		parent, counted string
		told            string
		flagged         bool
	}{
		"counted":                            {"", parent, parent, true},
		"started, no more":                   {parent, "", parent, false},
		"counted above the one that started": {"01890a5d-ac96-774b-bcce-b302099a8057", parent, parent, true},
		"a parent of no run":                 {"../../etc", "", "", false},
		"a UUID of no run":                   {"94eed631-dbce-4f6b-a9c8-ddd6e2251cf4", "", "", false},
		"nobody's child":                     {"", "", "", false},
		"counted by what is no run":          {parent, "1", parent, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ECOTRACER_PARENT", c.parent)
			t.Setenv("ECOTRACER_COUNTED", c.counted)
			_, run := begin(t)
			rec := finish(t, run)
			assert.Equal(t, c.told, rec.Run.Parent)
			_, flagged := warned(rec, "counted-by-parent")
			assert.Equal(t, c.flagged, flagged)
		})
	}
}
