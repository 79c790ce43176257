package main

import (
	"errors"
	"flag"
	"io"
	"os"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareValidate(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		if len(files) == 0 {
			return c.usage("validate", "no file; write `ecotracer validate FILE…`, or - for standard input")
		}
		return c.validate(files, *asJSON)
	}
}

// verdict is what `validate --json` tells of one file.
type verdict struct {
	File     string              `json:"file"`
	Valid    bool                `json:"valid"`
	Error    string              `json:"error,omitempty"` // it could not be read
	Findings []lifecycle.Finding `json:"findings"`
	More     bool                `json:"more,omitempty"` // there may be more findings
}

// How many findings lifecycle tells of a document before it reads no further,
// and how many errors or warnings of a record that it can read.
const (
	mostProblems = 100
	mostFindings = 1000
)

// validate tells whether the records in files are valid, and why not.
func (c *cli) validate(files []string, asJSON bool) int {
	code := exitOK
	verdicts := make([]verdict, 0, len(files))
	for _, file := range files {
		v := c.check(file)
		if !v.Valid {
			code = exitFound
		}
		if !asJSON {
			c.tellVerdict(v)
		}
		verdicts = append(verdicts, v)
	}
	if asJSON {
		code = max(code, c.json(verdicts))
	}
	return code
}

// check reads and checks one file.
func (c *cli) check(file string) verdict {
	v := verdict{File: file, Findings: []lifecycle.Finding{}}
	in, err := c.open(file)
	if err != nil {
		v.Error = reason(err)
		return v
	}
	defer in.Close()
	record, findings, err := lifecycle.Check(in)
	if err != nil {
		v.Error = reason(err)
		return v
	}
	v.Findings = append(v.Findings, findings...)
	errors, warnings := v.count()
	v.Valid = errors == 0
	v.More = max(errors, warnings) >= mostFindings || record == nil && errors >= mostProblems
	return v
}

// count counts the findings.
func (v verdict) count() (errors, warnings int) {
	for _, f := range v.Findings {
		if f.Warning {
			warnings++
		} else {
			errors++
		}
	}
	return errors, warnings
}

// tellVerdict prints a verdict for people: findings one per line.
func (c *cli) tellVerdict(v verdict) {
	if v.Error != "" {
		c.complain("validate", "%s: %s", v.File, v.Error)
		return
	}
	for _, f := range v.Findings {
		tell(c.out, v.File+": "+f.String())
	}
	errors, warnings := v.count()
	text := "valid"
	switch {
	case errors > 0:
		text = "not valid, " + v.atLeast() + inwords.Plural(errors, "error")
	case warnings > 0:
		text += ", " + v.atLeast() + inwords.Plural(warnings, "warning")
	}
	if v.More {
		text += "; what comes after so many is not listed"
	}
	tell(c.out, v.File+": "+text)
}

func (v verdict) atLeast() string {
	if v.More {
		return "at least "
	}
	return ""
}

// open opens a file, or standard input for "-".
func (c *cli) open(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(c.in), nil
	}
	return os.Open(file)
}

// reason is an error without the name of the file, which is told in front.
func reason(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, os.ErrPermission):
		return "it may not be read: " + err.Error()
	case pathErr != nil && pathErr.Op == "read":
		return "it cannot be read (" + err.Error() + "); give the record file itself, <run id>.json"
	}
	return bare(err)
}
