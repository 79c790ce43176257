// Package ecotracer is the root of a module that embeds tracer hooks in ML and
// data pipelines. It holds no code; start with these packages:
//
//   - tracer: Begin a run, Start spans. What most programs import.
//   - lifecycle: phases and stages, the record that a run leaves, its
//     validation, and the assessment that turns joules and device-seconds into
//     emissions and water.
//   - lifecycle/estimate and lifecycle/schedule: what a run would come to, and
//     when and where it would come to less.
//   - lifecycle/export: a record in the formats of others, from model cards and
//     bills of materials to pprof, and theirs as records; below it report, a page
//     for a browser, and chart, a picture for a README.
//   - lifecycle/proof: who vouches for a record and for the files that it is of.
//   - lifecycle/dataset: many records: read, merged, added up, compared, predicted
//     from; below it tables in Parquet, folders to publish, and Apache Beam.
//   - lifecycle/scenario: devices and services over years.
//   - factors: sourced figures with intervals: grid intensity, power, PUE,
//     production and end of life of devices; factors/live asks the interfaces of
//     grids.
//   - tracer/otel: spans of OpenTelemetry with energy, and ours among them.
//   - tracer/httpspan and tracer/grpcspan: a span for each request that a service
//     answers or makes; tracer/slogspan and tracer/expose: the span in its logs,
//     and the run in its metrics.
//   - tracer/meter: what a source of energy figures is, to write one.
//   - tracer/tracertest: joules in benchmarks, and simulated hosts and meters, to
//     test instrumented programs without any sensor.
//
// The command line is in cmd/ecotracer, programs to learn from are in
// examples, and comparisons with peers in benchmarks. They are modules of their
// own, and so are lifecycle/export, lifecycle/dataset and what is below it,
// lifecycle/scenario, tracer/otel, tracer/grpcspan and two of the meters (nvml,
// prom), so that importing the library costs no more than the library.
package ecotracer
