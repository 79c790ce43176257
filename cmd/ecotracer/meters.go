package main

// Meters that need an address: they open no connection unless a variable of
// the environment names one.
import (
	_ "github.com/ecotracer/ecotracer/tracer/meter/prom"    // ECOTRACER_PROM_URL
	_ "github.com/ecotracer/ecotracer/tracer/meter/redfish" // ECOTRACER_REDFISH_URL
)
