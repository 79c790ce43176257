// Package ecotracer is the root of a module that embeds tracer hooks in ML and
// data pipelines. It holds no code; start with these packages:
//
//   - tracer: Begin a run, Start spans. What most programs import.
//   - lifecycle: phases and stages, the record that a run leaves, its
//     validation, and the assessment that turns joules and device-seconds into
//     emissions and water.
//   - lifecycle/estimate and lifecycle/schedule: what a run would come to, and
//     when and where it would come to less.
//   - factors: sourced figures with intervals: grid intensity, power, PUE,
//     production and end of life of devices; factors/live asks the interfaces of
//     grids.
//   - tracer/meter: what a source of energy figures is, to write one.
//   - tracer/tracertest: simulated hosts and meters, to test instrumented
//     programs without any sensor.
//
// The command line is in cmd/ecotracer, programs to learn from are in
// examples, and comparisons with peers in benchmarks; each is a module of its
// own, so that importing the library costs no more than the library.
package ecotracer
