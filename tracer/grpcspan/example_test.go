package grpcspan_test

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/grpcspan"
)

func ExampleServer() {
	server := grpc.NewServer(grpc.StatsHandler(grpcspan.Server(
		tracer.In(lifecycle.Retrieval), tracer.OnDevices("gpu0"),
	)))
	defer server.Stop()
}

func ExampleClient() {
	conn, err := grpc.NewClient("localhost:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(grpcspan.Client()))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
}
