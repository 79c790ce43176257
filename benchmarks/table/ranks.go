package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// rankOf is the variable that makes this program one rank: the host that it is
// to trace.
const rankOf = "TABLE_RANK"

// settling is for how long meters are read more often at first.
const settling = 4 * time.Second

// ranks tells what tracing costs eight ranks of a host with 64 zones against
// one, while they run.
func ranks(r *report) error {
	length := time.Minute
	if r.short {
		length = 10 * time.Second
	}
	dir, err := os.MkdirTemp("", "ranks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := tracertest.HostConfig{Boot: "94eed631-dbce-4f6b-a9c8-ddd6e2251cf4"}
	for range 32 {
		config.Packages = append(config.Packages, tracertest.Constant(50))
		config.DRAM = append(config.DRAM, tracertest.Constant(5))
	}
	host := tracertest.NewHost(dir+"/host", config)
	var used [2]time.Duration
	for i, n := range []int{1, 8} {
		env := []string{rankOf + "=" + host.Dir(), "TABLE_LENGTH=" + length.String(), "ECOTRACER_DIR=" + dir + "/records", "ECOTRACER_RUNTIME_DIR=" + dir,
			"ECOTRACER_JOB=table", fmt.Sprint("WORLD_SIZE=", n), fmt.Sprint("LOCAL_WORLD_SIZE=", n)}
		if used[i], err = cpuOfRanks(n, env); err != nil {
			return err
		}
	}
	r.row("one rank", fmt.Sprintf("%v of CPU time in %v", used[0].Round(100*time.Microsecond), length))
	r.row("eight ranks together", used[1].Round(100*time.Microsecond).String())
	r.row("ratio", fmt.Sprintf("%.1f", used[1].Seconds()/used[0].Seconds()))
	return nil
}

// cpuOfRanks runs ranks side by side and adds up what they say they used.
func cpuOfRanks(n int, env []string) (sum time.Duration, err error) {
	var cmds []*exec.Cmd
	var said []io.Reader
	for i := range n {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env, cmd.Stderr = append(env, fmt.Sprint("RANK=", i)), os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		cmds, said = append(cmds, cmd), append(said, out)
	}
	for i, cmd := range cmds {
		line, _ := bufio.NewReader(said[i]).ReadString('\n') // else there is no duration
		if err := cmd.Wait(); err != nil {
			return 0, err
		}
		used, err := time.ParseDuration(line[:max(len(line)-1, 0)])
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// beRank is one rank: it waits, and says what its tracer used meanwhile.
func beRank(root string, out, errs io.Writer) int {
	length, err := time.ParseDuration(os.Getenv("TABLE_LENGTH"))
	var run *tracer.Run
	ctx := context.Background()
	if err == nil {
		ctx, run, err = tracer.Begin(ctx, tracer.Host(os.DirFS(root)))
	}
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	_, span := tracer.Start(ctx, "train")
	time.Sleep(settling)
	before := ownCPU()
	time.Sleep(length)
	used := ownCPU() - before
	span.End()
	if _, err := run.End(); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	fmt.Fprintln(out, used)
	return 0
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
