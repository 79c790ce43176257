package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/tracer"
)

func declareRecover(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	return func(args []string) int {
		if len(args) != 1 {
			return c.usage("recover", "takes one folder of records; write `ecotracer recover DIR`")
		}
		return c.recover(args[0], *asJSON)
	}
}

// recover closes the interrupted runs in a folder.
func (c *cli) recover(dir string, asJSON bool) int {
	const which = "give the folder that records are written to, such as " + defaultDir
	switch st, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		c.complain("recover", "%s: there is no such folder; %s", dir, which)
		return exitFound
	case err == nil && !st.IsDir():
		c.complain("recover", "%s: it is no folder; %s", dir, which)
		return exitFound
	}
	closed, err := tracer.Recover(dir)
	code := exitOK
	if err != nil {
		for line := range strings.Lines(bare(err)) {
			c.complain("recover", "%s", strings.TrimSpace(line))
		}
		code = exitFound
	}
	if asJSON {
		if closed == nil {
			closed = []string{}
		}
		return max(code, c.json(struct {
			Closed []string `json:"closed"`
		}{closed}))
	}
	for _, path := range closed {
		fmt.Fprintf(c.out, "%s: closed as interrupted\n", inwords.Visible(path))
	}
	if len(closed) == 0 && err == nil {
		fmt.Fprintf(c.out, "%s: no interrupted run\n", inwords.Visible(dir))
	}
	return code
}
