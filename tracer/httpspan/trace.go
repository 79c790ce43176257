package httpspan

import (
	"context"
	"net/http"
	"strings"

	"github.com/ecotracer/ecotracer/tracer"
)

// The headers of W3C Trace Context, as package http spells them.
const (
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
)

// parent is the context key of what a request that is being answered said of
// its trace.
type parent struct{}

type trace struct {
	parent string
	state  []string
}

// withParent keeps what a request says of its trace, so that those that are
// sent to answer it say the same.
func withParent(ctx context.Context, h http.Header) context.Context {
	if of := h[traceparent]; len(of) == 1 && isTraceparent(of[0]) {
		return context.WithValue(ctx, parent{}, trace{of[0], h[tracestate]})
	}
	return ctx
}

// carry makes a request's header tell its trace, if it does not say that
// itself.
func carry(ctx context.Context, run *tracer.Run, h http.Header) {
	if _, said := h[traceparent]; said {
		return
	}
	if of, ok := ctx.Value(parent{}).(trace); ok {
		h[traceparent] = []string{of.parent}
		if _, said := h[tracestate]; !said && len(of.state) > 0 {
			h[tracestate] = of.state
		}
		return
	}
	if own := run.Traceparent(); own != "" {
		h[traceparent] = []string{own}
	}
}

// isTraceparent tells whether a header is one of version 00: trace id, parent
// id and flags in lower-case hexadecimal, neither id zero. Later versions are
// not passed on: what they mean is not known.
func isTraceparent(s string) bool {
	if len(s) != len("00-")+32+1+16+1+2 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	trace, from, flags := s[3:35], s[36:52], s[53:]
	return isHex(trace) && isHex(from) && isHex(flags) && strings.Trim(trace, "0") != "" && strings.Trim(from, "0") != ""
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
