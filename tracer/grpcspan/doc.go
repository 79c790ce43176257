// Package grpcspan makes each RPC that a gRPC server answers, and each that a
// client sends, a span.
//
//	server := grpc.NewServer(grpc.StatsHandler(grpcspan.Server()))
//	client, err := grpc.NewClient(addr, grpc.WithStatsHandler(grpcspan.Client()))
//
// They are stats handlers and no interceptors: so the spans have the coding and
// compression of the messages in them, too, and those of streams last as long as
// the stream. A span has the name of its method, such as
// "grpc.health.v1.Health/Check", and counts one of the unit "requests". What a
// method's handler starts with its context is below it. Health checks and
// reflection are RPCs like others, with paths of their own.
//
// Those of a server are in the stage inference/serving, those of a client in
// that of the span around them, if the options do not say another with
// tracer.In. An RPC that was answered by an error has failed; for a server only
// if the error is its own: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
// UNAVAILABLE or DATA_LOSS (semantic conventions of OpenTelemetry for gRPC).
//
// A client's metadata carry the traceparent of W3C Trace Context: what they say
// themselves; else what the RPC that is being answered came with; else that of
// the run, whose trace id is in its record.
//
// Where no run is open RPCs go through untouched.
package grpcspan
