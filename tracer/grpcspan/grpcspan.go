package grpcspan

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Server is for grpc.StatsHandler. RPCs of methods that the server does not have
// are no spans. A server with a grpc.UnknownServiceHandler takes names from its
// clients: beyond 1,000 they are "(other)".
func Server(opts ...tracer.StartOption) stats.Handler {
	return &handler{opts: append([]tracer.StartOption{tracer.In(lifecycle.Serving)}, opts...)}
}

// Client is for grpc.WithStatsHandler. Each attempt at an RPC is a span.
func Client(opts ...tracer.StartOption) stats.Handler {
	return &handler{client: true, opts: opts}
}

type handler struct {
	client bool
	opts   []tracer.StartOption

	mu    sync.RWMutex
	names map[string]string // of spans, by method
}

const (
	maxNames = 1000
	maxName  = 256
)

// rpc is the context of an RPC. Its span begins once it is known that the server
// has the method, when the context has been given out already: so what it holds
// is exchanged.
type rpc struct {
	context.Context
	of     *handler
	method string
	span   *tracer.Span
}

func (r *rpc) Value(key any) any {
	if key == any(r.of) {
		return r
	}
	return r.Context.Value(key)
}

// TagRPC is called first.
func (h *handler) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	run, _ := tracer.FromContext(ctx)
	if run == nil {
		return ctx
	}
	if h.client {
		ctx = carry(ctx, run)
	}
	return &rpc{Context: ctx, of: h, method: info.FullMethodName}
}

// HandleRPC is told how the RPC goes on, first by the goroutine that called
// TagRPC.
func (h *handler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.Begin:
		if r, ok := ctx.Value(h).(*rpc); ok && r.span == nil {
			r.Context, r.span = tracer.Start(r.Context, h.name(r.method), h.opts...)
		}
	case *stats.End:
		if r, ok := ctx.Value(h).(*rpc); ok {
			if s.Error != nil && (h.client || ofServer(status.Code(s.Error))) {
				r.span.Fail(s.Error)
			}
			r.span.Count("requests", 1)
			r.span.End()
		}
	}
}

// TagConn and HandleConn make it a stats.Handler.
func (h *handler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (h *handler) HandleConn(context.Context, stats.ConnStats)                       {}

// ofServer tells whether a code blames the server.
func ofServer(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// name is the name of the span of a method.
func (h *handler) name(method string) string {
	h.mu.RLock()
	name, known := h.names[method]
	h.mu.RUnlock()
	if known {
		return name
	}
	if len(method) > maxName {
		return "(other)"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.names) >= maxNames {
		return "(other)"
	}
	if h.names == nil {
		h.names = map[string]string{}
	}
	name = strings.TrimPrefix(method, "/")
	h.names[method] = name
	return name
}

// carry makes the metadata of an RPC tell its trace, if they do not say that
// themselves.
func carry(ctx context.Context, run *tracer.Run) context.Context {
	const traceparent, tracestate = "traceparent", "tracestate"
	if md, ok := metadata.FromOutgoingContext(ctx); ok && len(md[traceparent]) > 0 {
		return ctx
	}
	// That of version 00 has 55 characters; whoever is asked checks the rest.
	if came := metadata.ValueFromIncomingContext(ctx, traceparent); len(came) == 1 && len(came[0]) == 55 {
		ctx = metadata.AppendToOutgoingContext(ctx, traceparent, came[0])
		for _, s := range metadata.ValueFromIncomingContext(ctx, tracestate) {
			ctx = metadata.AppendToOutgoingContext(ctx, tracestate, s)
		}
		return ctx
	}
	if own := run.Traceparent(); own != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, traceparent, own)
	}
	return ctx
}
