package grpcspan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/grpcspan"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// begin begins a run on a simulated host. The function that it returns ends it
// and gives its spans by path.
func begin(t testing.TB) (context.Context, *tracer.Run, func() map[string]lifecycle.Span) {
	t.Helper()
	host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
	ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(new(tracertest.Recorder)))...)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = run.End() })
	return ctx, run, func() map[string]lifecycle.Span {
		r, err := run.End()
		require.NoError(t, err)
		spans := map[string]lifecycle.Span{}
		for _, s := range r.Spans {
			spans[s.Path] = s
		}
		return spans
	}
}

// serve starts a server and connects a client to it. The function that it
// returns waits for both to end.
func serve(t testing.TB, register func(*grpc.Server), server []grpc.ServerOption, client ...grpc.DialOption) (*grpc.ClientConn, func()) {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	s := grpc.NewServer(append(server, grpc.StatsHandler(grpcspan.Server()))...)
	register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///bufconn", append(client,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(grpcspan.Client()))...)
	require.NoError(t, err)
	stop := func() {
		assert.NoError(t, conn.Close())
		s.GracefulStop()
		assert.NoError(t, <-served)
	}
	return conn, stop
}

// service answers as the test says. It starts a span of its own.
type service struct {
	healthpb.UnimplementedHealthServer
	err error
	saw func(ctx context.Context)
}

func (s *service) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	ctx, span := tracer.Start(ctx, "infer")
	defer span.End()
	if s.saw != nil {
		s.saw(ctx)
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, s.err
}

func (s *service) Watch(_ *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	_, span := tracer.Start(stream.Context(), "tokens")
	defer span.End()
	for range 3 {
		if err := stream.Send(&healthpb.HealthCheckResponse{}); err != nil {
			return err
		}
	}
	return s.err
}

const (
	check = "grpc.health.v1.Health~1Check"
	watch = "grpc.health.v1.Health~1Watch"
)

func TestAnRPCIsASpanAtEitherEnd(t *testing.T) {
	ctx, _, end := begin(t)
	conn, stop := serve(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, &service{}) }, nil)
	ctx, outer := tracer.Start(ctx, "retrieve")
	for range 2 {
		_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
	}
	outer.End()
	stop()
	spans := end()
	for path, stage := range map[string]lifecycle.Stage{
		check: lifecycle.Serving, check + "/infer": lifecycle.Serving,
		"retrieve/" + check: spans["retrieve"].Stage,
	} {
		s, ok := spans[path]
		require.True(t, ok, path)
		assert.EqualValues(t, 2, s.Count, path)
		assert.Zero(t, s.Failed, path)
		assert.Nil(t, s.Open, path)
		assert.Equal(t, stage, s.Stage, path)
		if !strings.HasSuffix(path, "infer") {
			assert.EqualValues(t, 2, s.Units["requests"].Count, path)
		}
	}
	assert.Len(t, spans, 4)
}

func TestAStreamIsOneSpanUntilItEnds(t *testing.T) {
	ctx, run, end := begin(t)
	conn, stop := serve(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, &service{}) }, nil)
	ctx, outer := tracer.Start(ctx, "client")
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	record, err := run.Snapshot(ctx)
	require.NoError(t, err)
	open := map[string]bool{}
	for _, s := range record.Spans {
		open[s.Path] = s.Open != nil
	}
	assert.True(t, open["client/"+watch])
	for {
		if _, err = stream.Recv(); err != nil {
			break
		}
	}
	assert.ErrorIs(t, err, io.EOF)
	outer.End()
	stop()
	spans := end()
	for _, path := range []string{watch, watch + "/tokens", "client/" + watch} {
		assert.EqualValues(t, 1, spans[path].Count, path)
		assert.Zero(t, spans[path].Failed, path)
	}
}

func TestAnErrorIsAFailureOfWhomItBlames(t *testing.T) {
	for _, c := range []struct {
		err            error
		client, server int64
	}{
		{nil, 0, 0},
		{status.Error(codes.NotFound, "none"), 1, 0},
		{status.Error(codes.Internal, "oh"), 1, 1},
		{errors.New("without a code"), 1, 1},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			ctx, _, end := begin(t)
			conn, stop := serve(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, &service{err: c.err}) }, nil)
			ctx, outer := tracer.Start(ctx, "client")
			_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
			assert.Equal(t, c.err == nil, err == nil)
			stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
			require.NoError(t, err)
			for err == nil {
				_, err = stream.Recv()
			}
			outer.End()
			stop()
			spans := end()
			for _, path := range []string{check, watch} {
				assert.Equal(t, c.server, spans[path].Failed, path)
				assert.Equal(t, c.client, spans["client/"+path].Failed, path)
			}
		})
	}
}

func TestAnRPCThatIsCancelledEnds(t *testing.T) {
	ctx, _, end := begin(t)
	conn, stop := serve(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, health.NewServer()) }, nil)
	ctx, outer := tracer.Start(ctx, "client")
	ctx, cancel := context.WithCancel(ctx)
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{}) // never ends by itself
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	cancel()
	_, err = stream.Recv()
	assert.Equal(t, codes.Canceled, status.Code(err))
	outer.End()
	stop()
	spans := end()
	for path, failed := range map[string]int64{watch: 0, "client/" + watch: 1} {
		s := spans[path]
		assert.Nil(t, s.Open, path)
		assert.EqualValues(t, 1, s.Count, path)
		assert.Equal(t, failed, s.Failed, path)
	}
}

func TestEachAttemptIsASpan(t *testing.T) {
	ctx, _, end := begin(t)
	busy := &service{err: status.Error(codes.Unavailable, "not yet")}
	busy.saw = func(ctx context.Context) {
		if md, _ := metadata.FromIncomingContext(ctx); len(md["grpc-previous-rpc-attempts"]) > 0 {
			busy.err = nil
		}
	}
	conn, stop := serve(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, busy) }, nil,
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)),
		grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {
			"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
			"retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	ctx, outer := tracer.Start(ctx, "client")
	_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	outer.End()
	stop()
	spans := end()
	for _, path := range []string{check, "client/" + check} {
		assert.EqualValues(t, 2, spans[path].Count, path)
		assert.EqualValues(t, 1, spans[path].Failed, path)
		assert.EqualValues(t, 2, spans[path].Units["requests"].Count, path)
	}
}

func TestMethodsThatNobodyServesAreNoSpans(t *testing.T) {
	ctx, _, end := begin(t)
	conn, stop := serve(t, func(*grpc.Server) {}, nil)
	ctx, outer := tracer.Start(ctx, "client")
	for i := range 3 {
		err := conn.Invoke(ctx, fmt.Sprintf("/made.Up/Name%d", i), &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{})
		assert.Equal(t, codes.Unimplemented, status.Code(err))
	}
	outer.End()
	stop()
	for path, s := range end() {
		assert.True(t, strings.HasPrefix(path, "client"), path)
		assert.Nil(t, s.Open)
	}
}

func TestAProxyHasBoundedNames(t *testing.T) {
	ctx, _, end := begin(t)
	proxy := grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		return status.Error(codes.NotFound, "nowhere")
	})
	conn, stop := serve(t, func(*grpc.Server) {}, []grpc.ServerOption{proxy})
	ctx, outer := tracer.Start(ctx, "client")
	for i := range 1010 {
		_ = conn.Invoke(ctx, fmt.Sprintf("/a.Service/Name%d", i), &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{})
	}
	_ = conn.Invoke(ctx, "/a.Service/"+strings.Repeat("x", 300), &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{})
	outer.End()
	stop()
	spans := end()
	assert.EqualValues(t, 11, spans["(other)"].Count)
	assert.EqualValues(t, 11, spans["client/(other)"].Count)
	assert.Len(t, spans, 2*1001+1)
}

func TestATraceGoesOn(t *testing.T) {
	const theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	ctx, run, _ := begin(t)
	var got metadata.MD
	conn, stop := serve(t, func(s *grpc.Server) {
		healthpb.RegisterHealthServer(s, &service{saw: func(ctx context.Context) { got, _ = metadata.FromIncomingContext(ctx) }})
	}, nil)
	defer stop()
	incoming := metadata.NewIncomingContext(ctx, metadata.Pairs("traceparent", theirs, "tracestate", "a=1"))
	for name, c := range map[string]struct {
		ctx  context.Context
		want []string
	}{
		"the run's":                        {ctx, []string{run.Traceparent()}},
		"that of the RPC that is answered": {incoming, []string{theirs}},
		"what the RPC says itself":         {metadata.AppendToOutgoingContext(incoming, "traceparent", "mine"), []string{"mine"}},
		"not what is none":                 {metadata.NewIncomingContext(ctx, metadata.Pairs("traceparent", "garbage")), []string{run.Traceparent()}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := healthpb.NewHealthClient(conn).Check(c.ctx, &healthpb.HealthCheckRequest{})
			require.NoError(t, err)
			assert.Equal(t, c.want, got["traceparent"])
			if c.want[0] == theirs {
				assert.Equal(t, []string{"a=1"}, got["tracestate"])
			}
		})
	}
}

func TestWithoutARunRPCsGoThroughUntouched(t *testing.T) {
	var got metadata.MD
	conn, stop := serve(t, func(s *grpc.Server) {
		healthpb.RegisterHealthServer(s, &service{saw: func(ctx context.Context) { got, _ = metadata.FromIncomingContext(ctx) }})
	}, nil)
	defer stop()
	_, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	assert.NotContains(t, got, "traceparent")
}

func BenchmarkUnary(b *testing.B) {
	run := func(b *testing.B, ctx context.Context) {
		conn, stop := serve(b, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, health.NewServer()) }, nil)
		defer stop()
		client := healthpb.NewHealthClient(conn)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("off", func(b *testing.B) { run(b, context.Background()) })
	b.Run("on", func(b *testing.B) {
		ctx, _, _ := begin(b)
		run(b, ctx)
	})
}
