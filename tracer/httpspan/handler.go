package httpspan

import (
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Handler makes a span of each request that next answers; a nil next is
// http.DefaultServeMux. The span has the name of the pattern that routes the
// request: next's, if it is an http.ServeMux or, like one, has a method
// Handler(*http.Request) (http.Handler, string); else that by which the request
// came here, which is Request.Pattern. So wrap the mux, or single handlers, and
// what http.TimeoutHandler is given rather than what it makes; for other routers
// there is [Named].
//
// The span is in the stage inference/serving, if opts do not say another with
// tracer.In. It has failed if the status is 500 or more, or the handler panics;
// the panic goes on. A client that goes away is no failure, nor is a status that
// blames it. It lasts until the handler returns, and in it, where the
// connection is hijacked or the response streamed.
//
// The ResponseWriter that next gets can do what the one here can: it is an
// http.Flusher, http.Hijacker or http.Pusher as that is, copies by its
// io.ReaderFrom, and has Unwrap for http.ResponseController. Only
// http.MaxBytesReader does not find the server in it: where a body is too large,
// the server closes the connection after the answer, and does not tell in it.
func Handler(next http.Handler, opts ...tracer.StartOption) http.Handler {
	return Named(nil, next, opts...)
}

// Named is Handler with names of one's own, for routers other than
// http.ServeMux. Names must be few: of the route, never of the URL. Where name
// says "", it is named as by Handler.
func Named(name func(*http.Request) string, next http.Handler, opts ...tracer.StartOption) http.Handler {
	if next == nil {
		next = http.DefaultServeMux
	}
	h := &handler{next: next, name: name}
	h.router, _ = next.(router)
	h.opts = append([]tracer.StartOption{tracer.In(lifecycle.Serving)}, opts...)
	return h
}

// router is what an http.ServeMux tells of a request.
type router interface {
	Handler(*http.Request) (http.Handler, string)
}

type handler struct {
	next   http.Handler
	router router // next, or nil
	name   func(*http.Request) string
	opts   []tracer.StartOption
}

// The failures of a request. Only that there was one is kept.
var (
	errStatus   = errors.New("httpspan: the status is that of a failure")
	errPanicked = errors.New("httpspan: the handler panicked")
)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if run, _ := tracer.FromContext(ctx); run == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	ctx, span := tracer.Start(ctx, h.nameOf(r), h.opts...)
	if span == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	inside := r.WithContext(withParent(ctx, r.Header))
	w, s := observe(w)
	returned := false
	defer func() {
		// What a mux and a handler leave on the request is looked for on the
		// server's own: the pattern by other middleware, the form by the server,
		// which removes its files.
		r.Pattern, r.MultipartForm = inside.Pattern, inside.MultipartForm
		switch {
		case !returned:
			span.Fail(errPanicked)
		case s.status >= 500:
			span.Fail(errStatus)
		}
		span.Count("requests", 1)
		span.End()
	}()
	h.next.ServeHTTP(w, inside)
	returned = true
}

// redirect is the type of the handlers that a mux makes to redirect. It may
// call them by the path of the URL (CONNECT, and GODEBUG=httpmuxgo121=1).
var redirect = reflect.TypeOf(http.RedirectHandler("/", http.StatusMovedPermanently))

// nameOf is the name of the span of a request.
func (h *handler) nameOf(r *http.Request) string {
	if h.name != nil {
		if name := h.name(r); name != "" {
			return name
		}
	}
	pattern := r.Pattern
	if h.router != nil {
		if by, p := h.router.Handler(r); p != "" && reflect.TypeOf(by) != redirect {
			pattern = p
		}
	}
	switch {
	case pattern == "":
		return method(r.Method) + " (other)"
	}
	said, route, ok := strings.Cut(pattern, " ") // GET host/path
	if !ok {
		said, route = method(r.Method), pattern
	}
	if i := strings.IndexByte(route, '/'); i > 0 {
		route = route[i:]
	}
	return said + " " + route
}

// method is a method that is known: there is no end of those that a client may
// think of.
func method(m string) string {
	switch m {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "OTHER"
}
