// Command ecotracer traces the energy and emissions of a program, estimates
// those of runs to come, and shows and checks the records that they leave.
// `ecotracer help` tells more.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The exit codes. `run` has its own: those of the program that it traces.
const (
	exitOK    = 0
	exitFound = 1 // a finding, or something that failed
	exitUsage = 2
)

// cli is where one call reads from and writes to.
type cli struct {
	in  io.Reader
	out *results
	err io.Writer
}

// command is one sub-command; the name of one that asks of a data set has two
// words. Its flags are those that declare adds to the
// set; the function that declare returns then runs it with the arguments that
// are left.
type command struct {
	name    string
	declare func(*cli, *flag.FlagSet) func(args []string) int
}

// commands are the sub-commands, in the order of the help text.
var commands = []command{
	{"run", declareRun},
	{"show", declareShow},
	{"chart", declareChart},
	{"report", declareReport},
	{"validate", declareValidate},
	{"estimate", declareEstimate},
	{"predict", declarePredict},
	{"factors", declareFactors},
	{"compare", declareCompare},
	{"amortise", declareAmortise},
	{"merge", declareMerge},
	{"card", declareCard},
	{"attribute", declareAttribute},
	{"export", declareExport},
	{"import", declareImport},
	{"rate", declareRate},
	{"redact", declareRedact},
	{"sign", declareSign},
	{"verify", declareVerify},
	{"keygen", declareKeygen},
	{"schema", declareSchema},
	{"schedule", declareSchedule},
	{"twin", declareTwin},
	{"doctor", declareDoctor},
	{"calibrate", declareCalibrate},
	{"recover", declareRecover},
	{"dataset summarise", declareDatasetSummarise},
	{"dataset combine", declareDatasetCombine},
	{"dataset compare", declareCompareCohorts},
	{"dataset outliers", declareOutliers},
	{"dataset pareto", declarePareto},
	{"dataset cluster", declareCluster},
	{"dataset report", declareDatasetReport},
	{"dataset validate", declareDatasetValidate},
	{"dataset reassess", declareDatasetReassess},
	{"dataset export", declareDatasetExport},
	{"dataset publish", declareDatasetPublish},
	{"version", declareVersion},
}

// run runs the command line that args hold and returns the exit code. No
// command has done well whose results could not be written.
func run(args []string, in io.Reader, out, err io.Writer) int {
	c := &cli{in, &results{Writer: out}, err}
	code := c.command(args)
	if c.out.err != nil {
		c.complain("", "cannot write the result: %s", reason(c.out.err))
		code = max(code, exitFound)
	}
	return code
}

// command runs the command that args name.
func (c *cli) command(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(c.err, helpText(""))
		return exitUsage
	}
	name, args, of := args[0], args[1:], ""
	switch name {
	case "help", "-h", "-help", "--help":
		return c.help(args)
	case "--version", "-version":
		name = "version"
	case "dataset":
		switch {
		case len(args) == 0:
			fmt.Fprint(c.err, helpText(name))
			return exitUsage
		case slices.Contains([]string{"-h", "-help", "--help"}, args[0]):
			return c.help([]string{name})
		case strings.HasPrefix(args[0], "-"):
			return c.usage(name, "write the question first, then its flags; `ecotracer help dataset` lists the questions")
		}
		name, args, of = name+" "+args[0], args[1:], " dataset"
	}
	i := slices.IndexFunc(commands, func(cmd command) bool { return cmd.name == name })
	if i < 0 {
		return c.usage("", "unknown command %q; `ecotracer help%s` lists the commands", name, of)
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	action := commands[i].declare(c, flags)
	parse := parseAnywhere
	if name == "run" { // what follows the first argument belongs to the program
		parse = parseBefore
	}
	rest, parseErr := parse(flags, args)
	switch {
	case errors.Is(parseErr, flag.ErrHelp):
		return c.help(strings.Fields(name))
	case parseErr != nil:
		code := c.usage(name, "%s; `ecotracer help %s` lists the flags", flagInWords(parseErr), name)
		if name == "run" {
			code = exitRun
		}
		return code
	}
	return action(rest)
}

// flagInWords tells what is wrong with a flag: package flag says it with the dash
// that it likes, not ours.
func flagInWords(err error) string {
	text := strings.TrimSuffix(err.Error(), ": parse error")
	for _, said := range []struct{ pattern, ours string }{
		{`^invalid (?:boolean )?value (".*") for (?:flag )?-([a-z-]+)(: .*)?$`, "--$2 $1$3"},
		{`^flag provided but not defined: -+(.*)$`, "there is no flag --$1"},
		{`^flag needs an argument: -+(.*)$`, "--$1 needs a value"},
	} {
		text = regexp.MustCompile(said.pattern).ReplaceAllString(text, said.ours)
	}
	return text
}

// usage tells of a mistake in the command line.
func (c *cli) usage(command, format string, args ...any) int {
	c.complain(command, format, args...)
	return exitUsage
}

// complain tells what went wrong and what to do.
func (c *cli) complain(command, format string, args ...any) {
	if command != "" {
		command = " " + command
	}
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") // errors that were joined
	tell(c.err, "ecotracer"+command+": "+text)
}

// parseBefore parses the flags in front of the first argument.
func parseBefore(flags *flag.FlagSet, args []string) ([]string, error) {
	err := flags.Parse(args)
	return flags.Args(), err
}

// parseAnywhere parses flags that may stand behind arguments too, up to "--".
func parseAnywhere(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}
