package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/ecotracer/ecotracer/lifecycle"
)

func declareVersion(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	return func(args []string) int {
		if len(args) > 0 {
			return c.usage("version", "takes no argument, not %q", args[0])
		}
		v := struct {
			Version        string `json:"version"`
			Schema         string `json:"schema"`
			SchemaRevision int    `json:"schema_revision"`
			Go             string `json:"go"`
			OS             string `json:"os"`
			Arch           string `json:"arch"`
		}{buildVersion(), lifecycle.Schema, lifecycle.SchemaRevision, runtime.Version(), runtime.GOOS, runtime.GOARCH}
		if *asJSON {
			return c.json(v)
		}
		fmt.Fprintf(c.out, "ecotracer %s, %s revision %d, %s %s/%s\n",
			v.Version, v.Schema, v.SchemaRevision, v.Go, v.OS, v.Arch)
		return exitOK
	}
}

// buildVersion is the version of the module that this command was built from.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
