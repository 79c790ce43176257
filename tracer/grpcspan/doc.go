// Package grpcspan makes each RPC of a gRPC server or client a span.
package grpcspan
