// Command ecotracer.
package main

import "github.com/ecotracer/ecotracer/lifecycle"

func main() { _ = lifecycle.Schema }
