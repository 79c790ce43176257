// Package factors holds the facts that turn joules and device-seconds into
// impacts: grid intensity, PUE, water, the power of processors and memory, and
// what the production and end of life of devices costs. Each figure is a
// [Factor]: value, 95 % interval, unit, place and time that it describes,
// source, licence and quality.
package factors
