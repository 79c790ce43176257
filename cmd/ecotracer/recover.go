package main

import (
	"flag"
	"fmt"

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
	closed, err := tracer.Recover(dir)
	code := exitOK
	if err != nil {
		c.complain("recover", "%v", err)
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
		fmt.Fprintf(c.out, "%s: closed as interrupted\n", plain(path))
	}
	if len(closed) == 0 && err == nil {
		fmt.Fprintf(c.out, "%s: no interrupted run\n", plain(dir))
	}
	return code
}
