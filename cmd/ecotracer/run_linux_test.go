package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// traced runs a program under `run` in a process of its own, with records in a
// folder of the test.
func traced(t *testing.T, dir string, args ...string) result {
	t.Helper()
	cmd := process(t, append([]string{"run", "--dir", dir}, args...)...)
	cmd.WaitDelay = time.Minute // for what the program leaves behind with our pipes
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("from stdin\n"), &out, &err
	_ = cmd.Run() // the exit code is looked at
	return result{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// onlyRecord is the one record in a folder; it must be valid.
func onlyRecord(t *testing.T, dir string) *lifecycle.Record {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	f, err := os.Open(files[0])
	require.NoError(t, err)
	defer f.Close()
	r, findings, err := lifecycle.Check(f)
	require.NoError(t, err)
	for _, finding := range findings {
		assert.True(t, finding.Warning, "the record must be valid: %s", finding)
	}
	return r
}

func TestRunEndsAsTheProgramDoes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"well":                       {[]string{"true"}, 0, "ecotracer: "},
		"with a code":                {[]string{"sh", "-c", "exit 7"}, 7, "ecotracer: "},
		"with the greatest code":     {[]string{"sh", "-c", "exit 255"}, 255, "ecotracer: "},
		"killed":                     {[]string{"sh", "-c", "kill -KILL $$"}, 128 + 9, "ecotracer: "},
		"terminated":                 {[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15, "ecotracer: "},
		"never found":                {[]string{"no-such-program-anywhere"}, 127, "check the name"},
		"never found at a path":      {[]string{dir + "/none"}, 127, "cannot run " + dir + "/none"},
		"not executable":             {[]string{write("data", "x", 0o644)}, 126, "chmod +x"},
		"a folder":                   {[]string{dir}, 126, "cannot run"},
		"a script of no interpreter": {[]string{write("script", "echo x\n", 0o755)}, 126, "#!/bin/sh"},
		"of no known interpreter":    {[]string{write("lost", "#!/no/such/sh -e\necho x\n", 0o755)}, 127, "lost: its interpreter /no/such/sh is missing"},
		"with lines of Windows":      {[]string{write("windows", "#!/bin/sh\r\necho x\r\n", 0o755)}, 127, "interpreter /bin/sh<U+000D> is missing; its lines end as on Windows"},
		"a binary of no loader":      {[]string{write("alien", binaryOf("/no/such/ld.so"), 0o755)}, 127, "alien: its interpreter /no/such/ld.so is missing"},
		"garbage":                    {[]string{write("garbage", "\x7fELF garbage", 0o755)}, 126, "exec format error"},
	} {
		t.Run(name, func(t *testing.T) {
			records := t.TempDir()
			r := traced(t, records, append([]string{"--"}, test.args...)...)
			assert.Equal(t, test.code, r.code, r.err)
			assert.Contains(t, r.err, test.says)
			if !strings.HasPrefix(test.says, "ecotracer: ") {
				assert.Regexp(t, "^ecotracer run: cannot run .*\n$", r.err, "that is all there is to tell")
				assert.NotContains(t, r.err, " J ")
				files, err := filepath.Glob(filepath.Join(records, "*"))
				require.NoError(t, err)
				assert.Empty(t, files, "what never ran has no record, not one of 0 J")
			}
		})
	}
}

// binaryOf is an ELF file for this host that asks for a loader.
func binaryOf(loader string) string {
	self, err := elf.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	defer self.Close()
	const header, program = 64, 56
	var b bytes.Buffer
	for _, v := range []any{
		elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(self.Class), byte(self.Data), 1},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(self.Machine), Version: 1,
			Phoff: header, Ehsize: header, Phentsize: program, Phnum: 1,
		},
		elf.Prog64{
			Type: uint32(elf.PT_INTERP), Flags: uint32(elf.PF_R), Off: header + program,
			Filesz: uint64(len(loader) + 1), Memsz: uint64(len(loader) + 1), Align: 1,
		},
		[]byte(loader + "\x00"),
	} {
		if err := binary.Write(&b, self.ByteOrder, v); err != nil {
			panic(err)
		}
	}
	return b.String()
}

func TestRunLeavesStandardFilesToTheProgram(t *testing.T) {
	r := traced(t, t.TempDir(), "--", "sh", "-c", "cat; echo to stderr >&2")
	assert.Zero(t, r.code)
	assert.Equal(t, "from stdin\n", r.out, "all of standard output is the program's")
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	require.Len(t, lines, 2, "one line is ours: %s", r.err)
	assert.Equal(t, "to stderr", lines[0])
	assert.Regexp(t, `^ecotracer: \S+ [nµmkMG]?J \(.+–.+\) \w+ · .*CO2e.* · .* · .*\.json$`, lines[1])
}

func TestRunWritesARecordOfTheProgram(t *testing.T) {
	dir := t.TempDir()
	r := traced(t, dir, "--name", "sums", "--stage", "fine-tuning", "--country", "fr", "--json", "--", "sh", "-c", ": secret-argument; exit 3")
	require.Equal(t, 3, r.code, r.err)
	record := onlyRecord(t, dir)
	assert.Equal(t, "sums", record.Run.Name)
	assert.Equal(t, lifecycle.Failed, record.Run.Status, "exit code 3 is a failure")
	assert.Equal(t, lifecycle.ScopeProcess, record.Run.Scope)
	assert.Equal(t, "FR", record.Environments[0].Country)
	require.Len(t, record.Spans, 1)
	assert.Equal(t, "run", record.Spans[0].Path)
	assert.Equal(t, lifecycle.FineTuning, record.Spans[0].Stage)
	assert.EqualValues(t, 1, record.Spans[0].Failed)
	assert.NotContains(t, string(encoded(t, record)), "secret-argument", "the command line is private")
	assert.NotContains(t, string(encoded(t, record)), dir, "so are paths")

	var summary runSummary
	require.NoError(t, json.Unmarshal([]byte(r.err), &summary), r.err)
	assert.Equal(t, record.Run.ID, summary.RunID)
	assert.Equal(t, filepath.Join(dir, record.Run.ID+".json"), summary.Record)
	assert.Equal(t, 3, summary.ExitCode)
	assert.Equal(t, record.Totals.EnergyJ, summary.EnergyJ)
}

func TestRunPassesItsTraceOn(t *testing.T) {
	dir := t.TempDir()
	r := traced(t, dir, "--quiet", "--", "sh", "-c", "echo $TRACEPARENT")
	assert.Regexp(t, "^00-"+onlyRecord(t, dir).Run.TraceID+"-[0-9a-f]{16}-01\n$", r.out)
}

func TestRunWithinRunIsCountedOnce(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.Zero(t, traced(t, dir, "--", "env", asCommand+"=1", self, "run", "--dir", dir, "--", "true").code)
	out := filepath.Join(t.TempDir(), "merged.json")
	r := call("", "merge", dir, "-o", out)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.err, "the run that started it counts it too")
	f, err := os.Open(out)
	require.NoError(t, err)
	defer f.Close()
	m, err := lifecycle.Decode(f)
	require.NoError(t, err)
	assert.Len(t, m.Run.Merged, 1, "trap 38: the inner run is in the outer one")
}

func TestRunInARegionIsInItsCountry(t *testing.T) {
	for name, env := range map[string]string{"of none": "", "of another by default": "FR"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ECOTRACER_COUNTRY", env)
			dir := t.TempDir()
			r := traced(t, dir, "--region", "us-ca", "--", "true")
			require.Zero(t, r.code, r.err)
			e := onlyRecord(t, dir).Environments[0]
			assert.Equal(t, "US", e.Country)
			assert.Equal(t, "US-CA", e.Subdivision)
		})
	}
}

func TestRunOfNoStageIsUnassigned(t *testing.T) {
	dir := t.TempDir()
	require.Zero(t, traced(t, dir, "--", "true").code)
	assert.Equal(t, lifecycle.Unassigned, onlyRecord(t, dir).Spans[0].Stage)
}

func TestRunQuietlyTellsOnlyMistakes(t *testing.T) {
	assert.Empty(t, traced(t, t.TempDir(), "--quiet", "--", "true").err)
}

func TestRunEndsAsTheProgramDoesAlsoIfNothingCanBeWritten(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	t.Setenv("TMPDIR", filepath.Join(blocked, "temp"))
	r := traced(t, filepath.Join(blocked, "records"), "--", "sh", "-c", "echo done; exit 5")
	assert.Equal(t, 5, r.code)
	assert.Equal(t, "done\n", r.out)
	assert.Contains(t, r.err, "ecotracer run: ", "the failure must be told")
	assert.Contains(t, r.err, "--dir")
	assert.Contains(t, r.err, "CO2e", "and what was measured")
	assert.Contains(t, r.err, " · no record", "but no record that is not there")
	assert.NotContains(t, r.err, "panic")
}

func TestRunKeepsTheRecordElsewhereIfItsFolderCannotBeWritten(t *testing.T) {
	for name, script := range map[string]string{
		"from the begin": `echo done; exit 5`,
		"at the end":     `rm -r "$DIR"; : >"$DIR"; echo done; exit 5`, // the folder is gone, a file is in its place
	} {
		t.Run(name, func(t *testing.T) {
			dir, temp := filepath.Join(t.TempDir(), "records"), t.TempDir()
			if name == "from the begin" {
				require.NoError(t, os.WriteFile(dir, nil, 0o644))
			}
			t.Setenv("DIR", dir)
			t.Setenv("TMPDIR", temp)
			r := traced(t, dir, "--", "sh", "-c", script)
			assert.Equal(t, 5, r.code, "the program's exit code stands")
			assert.Equal(t, "done\n", r.out)
			record := onlyRecord(t, temp)
			assert.Equal(t, lifecycle.Failed, record.Run.Status, "it is the record of the whole run")
			path := filepath.Join(temp, record.Run.ID+".json")
			told, _, _ := strings.Cut(r.err, "\n")
			assert.Contains(t, told, dir, "what was asked for")
			assert.Contains(t, told, "(not a directory)", "why it cannot be")
			assert.Contains(t, told, temp, "where the record is")
			assert.Contains(t, told, "--dir", "what to do")
			assert.NotContains(t, r.err, "/.", "no temporary name")
			assert.NotContains(t, r.err, "tracer.Dir")
			assert.Contains(t, r.err, " · "+path+"\n", "the line at the end tells the path")
			if name == "at the end" {
				assert.Contains(t, told, filepath.Join(dir, record.Run.ID+".json")+" cannot be written")
			}
		})
	}
}

func TestRunTellsThatACheckpointIsNoRecord(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "id.json"), nil, 0o644))
	assert.Contains(t, leftAt(dir, "id.json"), "what is in "+dir+" is its last checkpoint")
	assert.Empty(t, leftAt(temp, "id.json"))
}

func TestRunEndsAsTheProgramDoesAlsoIfStandardErrorIsClosed(t *testing.T) {
	cmd := process(t, "run", "--dir", t.TempDir(), "--", "sh", "-c", "exit 7")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	cmd.Stderr = write
	require.NoError(t, cmd.Start())
	require.NoError(t, write.Close())
	_ = cmd.Wait()
	assert.Equal(t, 7, cmd.ProcessState.ExitCode())
}

func TestRunSwitchedOffStillRunsTheProgram(t *testing.T) {
	dir := t.TempDir()
	cmd := process(t, "run", "--dir", dir, "--", "sh", "-c", "exit 4")
	cmd.Env = append(cmd.Env, "ECOTRACER_DISABLED=1")
	text, _ := cmd.CombinedOutput()
	assert.Equal(t, 4, cmd.ProcessState.ExitCode())
	assert.Empty(t, string(text))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
}

func TestRunPassesSignalsOn(t *testing.T) {
	for _, sig := range []syscall.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("these tests were started to ignore it, and so is all that they start")
			}
			dir := t.TempDir()
			script := `trap 'kill $!; echo got it; exit 3' ` + strconv.Itoa(int(sig)) + `
				sleep 60 & echo ready; wait $!`
			cmd := process(t, "run", "--dir", dir, "--", "sh", "-c", script)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal that would tell the program itself
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			require.Equal(t, "ready", lines.Text())
			require.NoError(t, cmd.Process.Signal(sig))
			require.True(t, lines.Scan(), "the program must hear of it")
			assert.Equal(t, "got it", lines.Text())
			_ = cmd.Wait()
			assert.Equal(t, 3, cmd.ProcessState.ExitCode())
			assert.Equal(t, lifecycle.Failed, onlyRecord(t, dir).Run.Status)
		})
	}
}

func TestRunLeavesTheKeysOfATerminalToIt(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	master, terminal := openTerminal(t)
	cmd := process(t, "run", "--quiet", "--dir", t.TempDir(), "--", python, "-c", `
import signal, sys, time
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1) or print("interrupted", flush=True))
print("ready", flush=True)
while not got: time.sleep(0.01) # in a read, Python may miss that a signal has come
sys.stdin.readline()
print(len(got), flush=True)
`)
	cmd.Stdin, cmd.Stderr = terminal, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	expect := func(want string) {
		t.Helper()
		require.True(t, lines.Scan())
		require.Equal(t, want, lines.Text())
	}
	expect("ready")
	_, err = master.Write([]byte{3}) // Ctrl-C
	require.NoError(t, err)
	expect("interrupted")
	_, err = master.WriteString("go on\n")
	require.NoError(t, err)
	expect("1") // a second one would be ours
	require.NoError(t, cmd.Wait())
}

// openTerminal opens a pseudo-terminal: the end that types and the other.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

func TestATerminalGetsLinesBrokenAtWords(t *testing.T) {
	master, terminal := openTerminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 50}))
	path := "record.json"
	cmd := process(t, "validate", path)
	cmd.Dir = filepath.Dir(wrong(t))
	piped, err := process(t, "validate", filepath.Join(cmd.Dir, path)).Output()
	require.Error(t, err, "the record is not valid")
	cmd.Stdout = terminal
	require.Error(t, cmd.Run())
	require.NoError(t, terminal.Close())
	var lines []string
	for in := bufio.NewScanner(master); in.Scan(); { // until the other end is closed
		line := strings.TrimSuffix(in.Text(), "\r")
		assert.LessOrEqual(t, len([]rune(line)), 50, "%q must fit", line)
		lines = append(lines, line)
	}
	want := strings.ReplaceAll(string(piped), cmd.Dir+"/", "")
	assert.Greater(t, len(lines), strings.Count(want, "\n"), "a pipe gets one line for each finding")
	assert.Equal(t, strings.Fields(want), strings.Fields(strings.Join(lines, "\n")), "no word may be broken")
}

func TestRunKeepsASignalIgnoredThatWasIgnored(t *testing.T) {
	// nohup has SIGHUP ignored; the program must inherit that.
	self := process(t, "run", "--quiet", "--dir", t.TempDir(), "--", "sh", "-c", "kill -HUP $$; echo alive")
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `trap '' HUP; exec "$@"`, "sh"}, self.Args...)...)
	cmd.Env = self.Env
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	assert.Equal(t, "alive\n", string(text))
}

func TestRunDoesNotWaitForWhatTheProgramLeavesBehind(t *testing.T) {
	dir := t.TempDir()
	r := traced(t, dir, "--", "sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!")
	require.Zero(t, r.code, r.err)
	pid, err := strconv.Atoi(strings.TrimSpace(r.out))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL), "it must be left running")
	assert.Contains(t, r.err, "1 process of it still runs")
	assert.Equal(t, lifecycle.Complete, onlyRecord(t, dir).Run.Status)
}

// burner is a Python program whose processes use CPU time by their own clock.
const burner = `
import os, signal, sys, time
def burn(seconds):
    while time.process_time() < seconds: pass
def fork(seconds, stay=None):
    pid = os.fork()
    if pid == 0:
        burn(seconds)
        if stay: os.read(stay, 1)
        os._exit(0)
    return pid
`

// python starts a Python program whose output the test reads and whose input
// the test holds.
func python(t *testing.T, script string) (lines *bufio.Scanner, in interface{ Close() error }, wait func()) {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	cmd := exec.CommandContext(t.Context(), path, "-c", burner+script)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	return bufio.NewScanner(out), stdin, func() { require.NoError(t, cmd.Wait()) }
}

func next(t *testing.T, lines *bufio.Scanner) float64 {
	t.Helper()
	require.True(t, lines.Scan(), "the program must go on")
	seconds, err := strconv.ParseFloat(lines.Text(), 64)
	require.NoError(t, err)
	return seconds
}

func TestTreeTellsWhatRealProcessesUsed(t *testing.T) {
	tree := newTree(kernel{}, os.Getpid())
	lines, in, wait := python(t, `
burn(0.1)
done = fork(0.2)                      # ends and is waited for
stays = [fork(0.15, 0) for _ in range(2)]  # live on
os.waitpid(done, 0)
while any(time.clock_gettime(~pid << 3 | 2) < 0.15 for pid in stays): pass
print(time.process_time() + 0.2 + 0.15 * 2, flush=True)
os.read(0, 1)
print(0, flush=True)
`)
	want := next(t, lines)
	live := tree.cpuTime().Seconds()
	assert.GreaterOrEqual(t, live, want-coarse.Seconds(), "what lives and what was waited for must be counted")
	// The forks' own work beyond what they were told, and Python's on its way
	// from its clock to here.
	assert.Less(t, live, want+0.25, "and nothing twice")
	assert.Equal(t, 3, tree.alive())
	require.NoError(t, in.Close())
	next(t, lines)
	wait()
	assert.GreaterOrEqual(t, tree.cpuTime().Seconds(), live, "the end of the processes takes nothing away")
}

func TestTreeTellsWhatRealProcessesUsedThatNobodyWaitedFor(t *testing.T) {
	tree := newTree(kernel{}, os.Getpid())
	lines, in, wait := python(t, `
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
r, w = os.pipe()
child = fork(0.3, r)
while time.clock_gettime(~child << 3 | 2) < 0.3: pass
print(time.process_time() + 0.3, flush=True)
sys.stdin.readline()
os.write(w, b"x")
try: os.waitpid(child, 0)             # fails once it is gone
except ChildProcessError: pass
print(time.process_time() + 0.3, flush=True)
sys.stdin.readline()
`)
	next(t, lines)
	tree.cpuTime()
	_, err := in.(interface{ Write([]byte) (int, error) }).Write([]byte("\n"))
	require.NoError(t, err)
	want := next(t, lines)
	got := tree.cpuTime().Seconds()
	assert.GreaterOrEqual(t, got, want-coarse.Seconds(), "the kernel forgets the child; we must not")
	assert.Less(t, got, want+0.25, "and not twice")
	require.NoError(t, in.Close())
	wait()
}

// costOf is the energy of a Python program by its record, in J. It and its
// processes compute for a second.
func costOf(t *testing.T, script string) float64 {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	dir := t.TempDir()
	cmd := process(t, "run", "--quiet", "--dir", dir, "--", path, "-c", burner+script)
	require.NoError(t, cmd.Run())
	return onlyRecord(t, dir).Totals.EnergyJ.Value
}

func TestRunBooksEnergyToWhoUsesTheCPU(t *testing.T) {
	host := diagnose(os.DirFS("/"))
	for _, d := range host.Domains {
		if d.Decision == "counted" && d.Method != lifecycle.Modelled {
			t.Skip("true counters tell true power, which depends on what else runs here")
		}
	}
	if len(host.Domains) == 0 {
		t.Skip("nothing is known of this host")
	}
	// By the model every second of CPU time costs the same, whatever else the
	// machine does.
	alone := costOf(t, "burn(1)")
	for name, script := range map[string]string{
		"in children": `
for c in [fork(0.5) for _ in range(2)]: os.waitpid(c, 0)`,
		"in children that nobody waits for": `
r, w = os.pipe()
children = [fork(0.5, r) for _ in range(2)]
while any(time.clock_gettime(~c << 3 | 2) < 0.5 for c in children): time.sleep(0.01)
for c in children: os.kill(c, 9)`,
		"in children whose parent has ended": `
r, w = os.pipe()
if os.fork() == 0:
    for _ in range(2):
        if os.fork() == 0:
            burn(0.5)
            os.write(w, b"x")
            os._exit(0)
    os._exit(0)
os.wait()
os.read(r, 1); os.read(r, 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			// One child that is not counted would make it half.
			assert.InEpsilon(t, alone, costOf(t, script), 0.4, "a second must cost what it costs elsewhere")
		})
	}
}

func TestTheLineOfARunSaysHowMuchWasMeasured(t *testing.T) {
	for share, want := range map[float64]string{0: "modelled", 0.9999: "of it measured"} {
		record := measured(t)
		record.Totals.EnergyJ.Method, record.Totals.MeasuredShare = lifecycle.Modelled, share
		var said bytes.Buffer
		(&cli{err: &said}).tellRun(runFlags{}, record, "r.json", 0, 0)
		assert.Contains(t, said.String(), want, "a thousandth that is modelled makes no model of the rest")
	}
}

func TestARunSaysThatAnAgentThatWasNamedWasNotRead(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	r := call("", "run", "--quiet", "--dir", t.TempDir(), "--", "true")
	assert.Empty(t, r.err)

	record := measured(t)
	record.Missing = append(record.Missing, lifecycle.Missing{Path: "/hardware", What: "prom2", Reason: "not-measured"})
	var said bytes.Buffer
	(&cli{err: &said}).tellRun(runFlags{quiet: true}, record, "r.json", 0, 0)
	assert.Contains(t, said.String(), "ECOTRACER_PROM_URL; `ecotracer doctor` tells why", "a mistake that is told also when quiet")
}

func TestTheLineOfARunSaysWhatCouldNotBeMeasured(t *testing.T) {
	record := measured(t)
	var said bytes.Buffer
	c := &cli{err: &said}
	c.tellRun(runFlags{}, record, "r.json", 0, 0)
	assert.NotContains(t, said.String(), "without")
	record.Missing = append(record.Missing, lifecycle.Missing{Path: "/ledger", What: "node0", Reason: "not-measured"})
	c.tellRun(runFlags{}, record, "r.json", 0, 0)
	assert.Contains(t, said.String(), "without node0, which could not be measured", "nothing told is not nothing used")
}
