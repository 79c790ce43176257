package main

import (
	"flag"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareSchema(c *cli, _ *flag.FlagSet) func([]string) int {
	return func(args []string) int {
		if len(args) > 0 {
			return c.usage("schema", "takes no argument, not %q", args[0])
		}
		_, _ = c.out.Write(lifecycle.SchemaJSON())
		return exitOK
	}
}
