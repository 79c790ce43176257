package httpspan

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/ecotracer/ecotracer/tracer"
)

// Transport is an http.RoundTripper that makes a span of each request that it
// sends; redirects are requests of their own. The span lasts until the body of
// the response is read to its end or closed, or the request's context is done,
// and longest until the run ends. It has failed if there is no response, the
// status is 400 or more, or the body ends in an error or by the context. It is in
// the stage of the span around it, and counts one of the unit "requests".
//
// The zero value is ready to use. Its fields must not be changed while it is
// used; it may be used concurrently as far as they may.
type Transport struct {
	Base  http.RoundTripper          // sends the requests; nil: http.DefaultTransport
	Name  func(*http.Request) string // names the spans; nil, or where it says "": HTTP and the method
	Start []tracer.StartOption       // of the spans
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// RoundTrip sends a request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	run, _ := tracer.FromContext(ctx)
	if run == nil {
		return t.base().RoundTrip(r)
	}
	ctx, span := tracer.Start(ctx, t.nameOf(r), t.Start...)
	if span == nil {
		return t.base().RoundTrip(r)
	}
	sent := r.WithContext(ctx)
	if sent.Header = r.Header.Clone(); sent.Header == nil {
		sent.Header = http.Header{}
	}
	carry(ctx, run, sent.Header)
	span.Count("requests", 1)
	ended := false
	defer func() {
		if !ended { // Base panics
			span.Fail(errPanicked)
			span.End()
		}
	}()
	response, err := t.base().RoundTrip(sent)
	ended = true
	if err != nil {
		span.Fail(err)
		span.End()
		return response, err
	}
	if response.StatusCode >= 400 {
		span.Fail(errStatus)
	}
	if response.Body == nil || response.ContentLength == 0 && response.StatusCode != http.StatusSwitchingProtocols || r.Method == http.MethodHead {
		span.End() // who expects no body may not close it
	} else {
		response.Body = watch(ctx, response, span)
	}
	return response, nil
}

// CloseIdleConnections is that of Base, for http.Client.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) nameOf(r *http.Request) string {
	if t.Name != nil {
		if name := t.Name(r); name != "" {
			return name
		}
	}
	return "HTTP " + method(r.Method)
}

// body is the body of a response whose span ends with it.
type body struct {
	io.ReadCloser
	ctx  context.Context
	span *tracer.Span
	stop func() bool
}

// watch makes a span end with a response's body, or with the context that then
// ends the body: not all who cancel close it, too.
func watch(ctx context.Context, r *http.Response, span *tracer.Span) io.ReadCloser {
	b := &body{ReadCloser: r.Body, ctx: ctx, span: span}
	if r.StatusCode == http.StatusSwitchingProtocols { // a connection outlives the context
		b.ctx = context.Background()
	}
	b.stop = context.AfterFunc(b.ctx, b.end)
	if w, ok := r.Body.(io.Writer); ok { // that of a connection
		return struct {
			*body
			io.Writer
		}{b, w}
	}
	return b
}

func (b *body) end() {
	b.span.Fail(b.ctx.Err())
	b.span.End()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.stop() {
		if !errors.Is(err, io.EOF) {
			b.span.Fail(err)
		}
		b.span.End()
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	if b.stop() {
		b.end()
	}
	return err
}
