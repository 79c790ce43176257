// Command ecotracer-beam summarises data sets on one machine or many, by Apache
// Beam. See the package beam above it.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle/dataset/beam/internal/command"
)

func main() {
	os.Exit(command.Run(context.Background(), flag.CommandLine, os.Args[1:], os.Stdout, os.Stderr))
}
