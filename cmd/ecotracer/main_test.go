package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// asCommand has the test binary be the command, for tests that need a process
// of its own: signals, exit codes, orphans.
const asCommand = "ECOTRACER_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Unsetenv(asCommand)
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	for _, name := range os.Environ() { // whatever the tester has set
		name, _, _ = strings.Cut(name, "=")
		if strings.HasPrefix(name, "ECOTRACER_") || slices.Contains([]string{"NO_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"}, name) {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// result is what a call of the command came to.
type result struct {
	code     int
	out, err string
}

// call runs the command in this process.
func call(stdin string, args ...string) result {
	var out, err bytes.Buffer
	code := run(args, strings.NewReader(stdin), &out, &err)
	return result{code, out.String(), err.String()}
}

// process is the command as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "%s is out of date: look at the difference, then go test -update", path)
}

// Trap 32: what the help tells is what the command takes.
func TestHelpKnowsEveryCommandAndFlag(t *testing.T) {
	overview := call("", "help")
	require.Zero(t, overview.code)
	flagName := regexp.MustCompile(`(?m)^  --([a-z][a-z-]*)`)
	t.Setenv("ECOTRACER_DIR", "")
	for _, cmd := range commands {
		t.Run(cmd.name, func(t *testing.T) {
			assert.Contains(t, overview.out, "ecotracer "+cmd.name, "the overview must list it")
			help := call("", "help", cmd.name)
			require.Zero(t, help.code)
			assert.Equal(t, help, call("", cmd.name, "--help"), "--help must tell the same")
			for _, line := range strings.Split(help.out, "\n") {
				assert.LessOrEqual(t, len([]rune(line)), 80, "%q must fit a terminal", line)
			}
			told := map[string]bool{}
			for _, m := range flagName.FindAllStringSubmatch(help.out, -1) {
				told[m[1]] = true
			}
			if strings.Contains(help.out, "[--json]") {
				told["json"] = true
			}
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			cmd.declare(&cli{}, flags)
			flags.VisitAll(func(f *flag.Flag) {
				assert.True(t, told[f.Name], "the help must tell of --%s", f.Name)
				delete(told, f.Name)
				if _, isBool := f.Value.(interface{ IsBoolFlag() bool }); !isBool {
					assert.Contains(t, help.out, strings.TrimSuffix(f.DefValue, "0s"), "the default of --%s", f.Name)
				}
			})
			assert.Empty(t, told, "the help tells of flags that are not there")
			if flags.Lookup("quarantine") != nil {
				for _, line := range []string{"Of what is read", "  --workers N      of this many records at a time (default 0: all processors)", "  --running        so do runs that have not ended", "  --quarantine DIR a copy of all that is refused, with the reasons", "  --temp DIR       for what does not fit into memory"} {
					assert.Contains(t, help.out, "\n"+line, "what all have in common they tell alike")
				}
			}
			if strings.HasPrefix(cmd.name, "dataset ") {
				assert.Contains(t, call("", "help", "dataset").out, "\n  ecotracer "+cmd.name+" ", "the list of questions has it")
			}
		})
	}
}

func TestWrongCommandLinesSayWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":                 {nil, 2, "ecotracer run [flags] -- CMD"},
		"unknown command":         {[]string{"shwo"}, 2, "`ecotracer help` lists the commands"},
		"unknown help":            {[]string{"help", "shwo"}, 2, "`ecotracer help` lists the commands"},
		"unknown flag":            {[]string{"show", "--tall"}, 2, "`ecotracer help show` lists the flags"},
		"show without a file":     {[]string{"show"}, 2, "ecotracer show FILE"},
		"validate without files":  {[]string{"validate", "--json"}, 2, "ecotracer validate FILE"},
		"merge without shards":    {[]string{"merge"}, 2, "ecotracer merge FILE"},
		"merge without a file":    {[]string{"merge", "--json", "."}, 2, "write -o FILE"},
		"export without a format": {[]string{"export", "x"}, 2, "ecotracer export --to boamps RECORD"},
		"export to nothing known": {[]string{"export", "--to", "papyrus", "x"}, 2, "--list tells which there are"},
		"export of no record":     {[]string{"export", "--to", "boamps"}, 2, "ecotracer export --to boamps RECORD"},
		"export of several":       {[]string{"export", "--to", "boamps", "a", "b"}, 2, "write -o DIR"},
		"export on a wrong date":  {[]string{"export", "--model-released", "soon", "x"}, 2, "write a date such as 2026-03-02"},
		"export told as JSON":     {[]string{"export", "--to", "boamps", "--json", "a"}, 2, "write -o FILE"},
		"import without a format": {[]string{"import", "x"}, 2, "ecotracer import --from codecarbon"},
		"import of nothing known": {[]string{"import", "--from", "papyrus", "x"}, 2, "write one of boamps, codecarbon"},
		"import of no file":       {[]string{"import", "--from", "boamps"}, 2, "ecotracer import --from boamps FILE"},
		"import told as JSON":     {[]string{"import", "--from", "boamps", "--json", "a"}, 2, "write -o FILE"},
		"dataset alone":           {[]string{"dataset"}, 2, "ecotracer dataset summarise PATH"},
		"dataset with a flag":     {[]string{"dataset", "--json"}, 2, "`ecotracer help dataset` lists the questions"},
		"dataset of no question":  {[]string{"dataset", "sumarise", "x"}, 2, "`ecotracer help dataset` lists the commands"},
		"workers below none":      {[]string{"dataset", "cluster", "--workers", "-3", "x"}, 2, "write a whole number from 0 on"},
		"kinds below none":        {[]string{"dataset", "cluster", "--k", "-1", "x"}, 2, "not -1"},
		"report of nothing":       {[]string{"dataset", "report"}, 2, "ecotracer dataset report PATH… -o dataset.html"},
		"combine of a folder":     {[]string{"dataset", "combine", "testdata"}, 1, "ecotracer dataset summarise -o FILE"},
		"other place of nothing":  {[]string{"dataset", "reassess", "help", "-o", t.TempDir(), "--country", "PL"}, 1, "no record counts"},
		"summary of no record":    {[]string{"dataset", "summarise", "help"}, 1, "no record counts"},
		"recover without folder":  {[]string{"recover"}, 2, "ecotracer recover DIR"},
		"recover with two":        {[]string{"recover", "a", "b"}, 2, "ecotracer recover DIR"},
		"schema with a file":      {[]string{"schema", "x"}, 2, "takes no argument"},
		"doctor with a file":      {[]string{"doctor", "x"}, 2, "--root"},
		"version with a file":     {[]string{"version", "x"}, 2, "takes no argument"},
		"run without a program":   {[]string{"run"}, 125, "ecotracer run -- CMD"},
		"run with a wrong flag":   {[]string{"run", "--nmae", "x", "--", "true"}, 125, "`ecotracer help run` lists the flags"},
		"run in no country":       {[]string{"run", "--country", "QQ", "--", "true"}, 125, "ISO 3166-1"},
		"run in a country's name": {[]string{"run", "--country", "Germany", "--", "true"}, 125, `"Germany": write the ISO 3166-1 alpha-2 code, DE`},
		"run in the UK":           {[]string{"run", "--country", "uk", "--", "true"}, 125, "--country uk: write GB"},
		"run in no region":        {[]string{"run", "--region", "California", "--", "true"}, 125, `"California" is not known: write an ISO 3166-2`},
		"run in one of nowhere":   {[]string{"run", "--region", "QQ-CA", "--", "true"}, 125, `"QQ-CA" is not known`},
		"run in another's":        {[]string{"run", "--country", "FR", "--region", "US-CA", "--", "true"}, 125, `not in --country "FR"`},
		"run in no stage":         {[]string{"run", "--stage", "qwertz", "--", "true"}, 125, "training/fine-tuning"},
		"run in a device stage":   {[]string{"run", "--stage", "production", "--", "true"}, 125, "training/fine-tuning"},
		"run in no scope":         {[]string{"run", "--scope", "galaxy", "--", "true"}, 125, "process, cgroup or machine"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", test.args...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out, "nothing may be taken for a result")
			assert.Contains(t, r.err, test.says)
		})
	}
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("no space left on device")}
}

func TestNoCommandDoesWellWhoseResultCannotBeWritten(t *testing.T) {
	good, dir := file(t, measured(t)), t.TempDir()
	report := filepath.Join(t.TempDir(), "report.json")
	require.Zero(t, call("", "export", "--to", "boamps", "--data-type", "audio", good, "-o", report).code)
	for _, args := range [][]string{
		{"help"},
		{"run", "--help"},
		{"show", good},
		{"show", "--json", good},
		{"validate", good},
		{"validate", "--json", good},
		{"merge", good},
		{"export", "--list"},
		{"import", "--from", "boamps", report},
		{"card", good},
		{"card", "--json", good},
		{"estimate", "--energy-kwh", "1"},
		{"estimate", "--json", "--energy-kwh", "1"},
		{"factors", "list"},
		{"factors", "show", "grid.FR"},
		{"schema"},
		{"doctor", "--root", server(t).Dir()},
		{"doctor", "--json", "--root", server(t).Dir()},
		{"recover", dir},
		{"recover", "--json", dir},
		{"version"},
		{"version", "--json"},
	} {
		t.Run(strings.Join(args[:len(args)-1], " ")+" "+filepath.Base(args[len(args)-1]), func(t *testing.T) {
			var err bytes.Buffer
			assert.Equal(t, 1, run(args, strings.NewReader(""), full{}, &err))
			assert.Equal(t, "ecotracer: cannot write the result: no space left on device\n", err.String(), "it must be told, once")
		})
	}
}

func TestFlagsMayStandBehindFiles(t *testing.T) {
	for name, test := range map[string]struct {
		args, rest []string
		all        bool
	}{
		"before":             {[]string{"--all", "a", "b"}, []string{"a", "b"}, true},
		"between":            {[]string{"a", "--all", "b"}, []string{"a", "b"}, true},
		"behind":             {[]string{"a", "b", "--all"}, []string{"a", "b"}, true},
		"none":               {[]string{"a"}, []string{"a"}, false},
		"standard input":     {[]string{"-", "--all"}, []string{"-"}, true},
		"a file of the name": {[]string{"a", "--", "--all"}, []string{"a", "--all"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			all := flags.Bool("all", false, "")
			rest, err := parseAnywhere(flags, test.args)
			require.NoError(t, err)
			assert.Equal(t, test.rest, rest)
			assert.Equal(t, test.all, *all)
		})
	}
}

func TestVersion(t *testing.T) {
	r := call("", "version")
	require.Zero(t, r.code)
	assert.Regexp(t, `^ecotracer \S+, urn:ecotracer:record:v1 revision \d+, go1\.\d+.* \w+/\w+\n$`, r.out)
	assert.Equal(t, r, call("", "--version"))
	assert.Contains(t, call("", "version", "--json").out, `"schema": "urn:ecotracer:record:v1"`)
}
