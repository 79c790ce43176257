package httpspan_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/httpspan"
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
		for _, f := range lifecycle.Validate(r) {
			assert.True(t, f.Warning, "%v", f)
		}
		spans := map[string]lifecycle.Span{}
		for _, s := range r.Spans {
			spans[s.Path] = s
		}
		return spans
	}
}

// paths are those of spans.
func paths(spans map[string]lifecycle.Span) (all []string) {
	for p := range spans {
		all = append(all, p)
	}
	return all
}

// ask lets a handler answer a request.
func ask(h http.Handler, method, url string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, url, body))
	return w
}

func nothing(http.ResponseWriter, *http.Request) {}

func TestARequestIsASpanOfItsRoute(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, method, url string
		want                 string
	}{
		"method and wildcard":     {"GET /users/{id}", "GET", "/users/42", "GET ~1users~1{id}"},
		"the method that it says": {"GET /users/{id}", "HEAD", "/users/42", "GET ~1users~1{id}"},
		"no method":               {"/users/", "DELETE", "/users/42?x=1", "DELETE ~1users~1"},
		"a method of the client":  {"/", "MAKE-ME-A-PATH", "/x", "OTHER ~1"},
		"nowhere":                 {"GET /users/{id}", "GET", "/private/name", "GET (other)"},
		"another method":          {"GET /users/{id}", "POST", "/users/42", "POST (other)"},
		"a redirect":              {"/users/{id}/", "GET", "/users/42", "GET (other)"},
		"a redirect by CONNECT":   {"/users/{id}/", "CONNECT", "/users/42", "CONNECT (other)"},
		"a host":                  {"GET private.example/users/{id}", "GET", "http://private.example/users/42", "GET ~1users~1{id}"},
		"a host and no method":    {"private.example/", "PUT", "http://private.example/users/42", "PUT ~1"},
		"a path to be cleaned":    {"/users/{id}", "GET", "/x/../users/42", "GET (other)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, end := begin(t)
			mux := http.NewServeMux()
			mux.HandleFunc(c.pattern, nothing)
			ask(httpspan.Handler(mux), c.method, c.url, nil)
			spans := end()
			require.Equal(t, []string{c.want}, paths(spans))
			s := spans[c.want]
			assert.Equal(t, lifecycle.Serving, s.Stage)
			assert.EqualValues(t, 1, s.Count)
			assert.Zero(t, s.Failed)
			assert.EqualValues(t, 1, s.Units["requests"].Count)
		})
	}
}

func TestAHandlerInsideAMuxHasItsPattern(t *testing.T) {
	_, _, end := begin(t)
	api := http.NewServeMux()
	api.HandleFunc("GET /users/{id}", nothing)
	mux := http.NewServeMux()
	mux.Handle("POST /classify/{model}", httpspan.Handler(http.HandlerFunc(nothing), tracer.In(lifecycle.Batch)))
	mux.Handle("/api/", http.StripPrefix("/api", httpspan.Handler(api)))
	mux.Handle("/static/", httpspan.Handler(http.StripPrefix("/static", http.HandlerFunc(nothing))))
	for _, r := range [][2]string{{"POST", "/classify/bert"}, {"GET", "/api/users/7"}, {"GET", "/static/a.css"}} {
		assert.Equal(t, 200, ask(mux, r[0], r[1], nil).Code)
	}
	spans := end()
	assert.ElementsMatch(t, []string{"POST ~1classify~1{model}", "GET ~1users~1{id}", "GET ~1static~1"}, paths(spans))
	assert.Equal(t, lifecycle.Batch, spans["POST ~1classify~1{model}"].Stage)
}

func TestOtherRoutersNameTheirRoutes(t *testing.T) {
	_, _, end := begin(t)
	name := func(r *http.Request) string { return r.Header.Get("Route") }
	h := httpspan.Named(name, http.HandlerFunc(nothing))
	for _, route := range []string{"users", ""} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Route", route)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	assert.ElementsMatch(t, []string{"users", "GET (other)"}, paths(end()))
}

func TestWhatTheHandlerStartsIsBelowTheRequest(t *testing.T) {
	_, _, end := begin(t)
	ask(httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, s := tracer.Start(r.Context(), "rank")
		s.End()
	})), "GET", "/", nil)
	assert.Contains(t, paths(end()), "GET (other)/rank")
}

func TestFailuresAreThoseOfTheServer(t *testing.T) {
	status := func(codes ...int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, c := range codes {
				w.WriteHeader(c)
			}
		}
	}
	for name, c := range map[string]struct {
		h      http.HandlerFunc
		failed int64
	}{
		"no status":            {nothing, 0},
		"a status":             {status(204), 0},
		"the client's fault":   {status(404), 0},
		"the server's":         {status(503), 1},
		"information before":   {status(103, 103, 500), 1},
		"only the first holds": {status(200, 500), 0},
		"a body first": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "done")
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, end := begin(t)
			ask(httpspan.Handler(c.h), "GET", "/", nil)
			assert.Equal(t, c.failed, end()["GET (other)"].Failed)
		})
	}
}

func TestAPanicGoesOnAndTheRequestHasFailed(t *testing.T) {
	_, _, end := begin(t)
	h := httpspan.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask(h, "GET", "/", nil) })
	s := end()["GET (other)"]
	assert.EqualValues(t, 1, s.Failed)
	assert.EqualValues(t, 1, s.Count)
}

func TestAClientThatGoesAwayIsNoFailure(t *testing.T) {
	_, _, end := begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	h := httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	s := end()["GET (other)"]
	assert.EqualValues(t, 1, s.Count)
	assert.Zero(t, s.Failed)
}

// serve starts a server, with HTTP/2 or without, and gives its client.
func serve(t testing.TB, http2 bool, h http.Handler) (url string, client *http.Client) {
	server := httptest.NewUnstartedServer(h)
	if http2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, server.Client()
}

// TestTheWriterCanDoWhatTheServersCan: what a handler may ask its
// ResponseWriter for is there with a span if and only if it is there without.
func TestTheWriterCanDoWhatTheServersCan(t *testing.T) {
	able := func(w http.ResponseWriter) map[string]bool {
		can := map[string]bool{}
		_, can["Flusher"] = w.(http.Flusher)
		_, can["Hijacker"] = w.(http.Hijacker)
		_, can["Pusher"] = w.(http.Pusher)
		_, can["StringWriter"] = w.(io.StringWriter)
		return can
	}
	check := func(want, have *map[string]bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			*want = able(w)
			httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				*have = able(w)
				assert.NoError(t, http.NewResponseController(w).Flush())
			})).ServeHTTP(w, r)
		})
	}
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			_, _, end := begin(t)
			var want, have map[string]bool
			url, client := serve(t, http2, check(&want, &have))
			response, err := client.Get(url)
			require.NoError(t, err)
			assert.NoError(t, response.Body.Close())
			assert.Equal(t, want, have)
			assert.Equal(t, !http2, want["Hijacker"])
			assert.Len(t, end(), 1)
		})
	}
	t.Run("a recorder", func(t *testing.T) {
		begin(t)
		var want, have map[string]bool
		w := ask(check(&want, &have), "GET", "/", nil)
		assert.Equal(t, want, have)
		assert.True(t, w.Flushed)
	})
	// Those of others, such as of middleware around this.
	begin(t)
	type (
		w = http.ResponseWriter
		f = http.Flusher
		h = http.Hijacker
		p = http.Pusher
	)
	for _, other := range []w{
		struct{ w }{}, struct {
			w
			f
		}{}, struct {
			w
			h
		}{}, struct {
			w
			p
		}{}, struct {
			w
			f
			h
		}{}, struct {
			w
			f
			p
		}{}, struct {
			w
			h
			p
		}{}, struct {
			w
			f
			h
			p
		}{},
	} {
		want := able(other)
		want["StringWriter"] = true
		httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, want, able(w), "%T", other)
		})).ServeHTTP(other, httptest.NewRequest("GET", "/", nil))
	}
}

// reader is a ResponseWriter that copies by itself, as that of HTTP/1 does.
type reader struct {
	http.ResponseWriter
	from io.Reader
}

func (r *reader) ReadFrom(from io.Reader) (int64, error) {
	r.from = from
	return io.Copy(r.ResponseWriter, from)
}

func TestFilesAreCopiedAsTheServerDoesIt(t *testing.T) {
	begin(t)
	text := io.LimitReader(strings.NewReader("some text"), 4)
	h := httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(w, text)
		assert.NoError(t, err)
		_, err = io.WriteString(w, "!")
		assert.NoError(t, err)
	}))
	recorder := httptest.NewRecorder()
	server := &reader{ResponseWriter: recorder}
	h.ServeHTTP(server, httptest.NewRequest("GET", "/", nil))
	assert.Same(t, text, server.from, "which sends a file by sendfile")
	assert.Equal(t, "some!", recorder.Body.String())

	text = io.LimitReader(strings.NewReader("some text"), 4)
	recorder = ask(h, "GET", "/", nil)
	assert.Equal(t, "some!", recorder.Body.String(), "where it cannot")
}

func TestAStreamArrivesAsItIsWritten(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			ctx, _, end := begin(t)
			read := make(chan struct{})
			url, client := serve(t, http2, httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, part := range []string{"one\n", "two\n"} {
					_, _ = io.WriteString(w, part)
					w.(http.Flusher).Flush()
					<-read // the next is written when this one was read
				}
			})))
			client.Transport = &httpspan.Transport{Base: client.Transport}
			request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
			require.NoError(t, err)
			response, err := client.Do(request)
			require.NoError(t, err)
			lines := bufio.NewReader(response.Body)
			for _, want := range []string{"one\n", "two\n"} {
				line, err := lines.ReadString('\n')
				require.NoError(t, err)
				assert.Equal(t, want, line)
				read <- struct{}{}
			}
			_, err = lines.ReadString('\n')
			assert.ErrorIs(t, err, io.EOF)
			assert.NoError(t, response.Body.Close())
			client.CloseIdleConnections()
			spans := end()
			assert.EqualValues(t, 1, spans["HTTP GET"].Count, "it ends with the body")
			assert.Zero(t, spans["HTTP GET"].Failed)
			assert.Contains(t, spans, "GET (other)")
		})
	}
}

func TestARequestThatTimesOutEndsWithItsHandler(t *testing.T) {
	_, _, end := begin(t)
	answered, left := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow/{id}", func(w http.ResponseWriter, r *http.Request) {
		<-answered
		_, late := tracer.Start(r.Context(), "late")
		late.End()
	})
	h := httpspan.Handler(mux)
	around := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		close(left)
	}), 1, "too late")
	assert.Equal(t, 503, ask(around, "GET", "/slow/1", nil).Code)
	inside := httpspan.Handler(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-answered
	}), 1, "too late"))
	assert.Equal(t, 503, ask(inside, "GET", "/slow/1", nil).Code)
	close(answered)
	<-left
	spans := end()
	assert.EqualValues(t, 1, spans["GET ~1slow~1{id}"].Count)
	assert.Contains(t, spans, "GET ~1slow~1{id}/late")
	assert.EqualValues(t, 1, spans["GET (other)"].Failed, "it saw the answer")
}

func TestABodyThatIsTooLargeIsRefusedAsWithoutASpan(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		ctx, _, end := begin(t)
		url, client := serve(t, http2, httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4))
			var large *http.MaxBytesError
			assert.ErrorAs(t, err, &large)
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		})))
		client.Transport = &httpspan.Transport{Base: client.Transport}
		request, err := http.NewRequestWithContext(ctx, "PUT", url, strings.NewReader("too large"))
		require.NoError(t, err)
		request.Header.Set("Expect", "100-continue")
		response, err := client.Do(request)
		require.NoError(t, err)
		assert.Equal(t, 413, response.StatusCode)
		_, _ = io.Copy(io.Discard, response.Body)
		assert.NoError(t, response.Body.Close())
		client.CloseIdleConnections()
		spans := end()
		assert.Zero(t, spans["PUT (other)"].Failed, "the client is to blame")
		assert.EqualValues(t, 1, spans["HTTP PUT"].Failed)
	}
}

func TestProtocolsAreSwitchedThroughBothEnds(t *testing.T) {
	ctx, run, end := begin(t)
	url, client := serve(t, false, httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(line)
		_ = rw.Flush()
	})))
	client.Transport = &httpspan.Transport{Base: client.Transport}
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	require.NoError(t, err)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "echo")
	response, err := client.Do(request)
	require.NoError(t, err)
	require.Equal(t, 101, response.StatusCode)
	both, ok := response.Body.(io.ReadWriteCloser)
	require.True(t, ok)
	_, err = io.WriteString(both, "hello\n")
	require.NoError(t, err)
	record, err := run.Snapshot(ctx)
	require.NoError(t, err)
	for _, s := range record.Spans {
		if s.Path == "HTTP GET" {
			assert.EqualValues(t, 1, *s.Open, "the connection is still used")
		}
	}
	line, err := bufio.NewReader(both).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)
	assert.NoError(t, both.Close())
	assert.EqualValues(t, 1, end()["HTTP GET"].Count)
}

// roundTrip is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// brokenBody fails after some bytes.
type brokenBody struct{ io.Reader }

func (brokenBody) Close() error { return nil }

func TestAClientsRequestIsASpanUntilItsBodyEnds(t *testing.T) {
	broken := errors.New("connection reset")
	text := func(code int, body io.ReadCloser, length int64) roundTrip {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Body: body, ContentLength: length}, nil
		}
	}
	for name, c := range map[string]struct {
		base   roundTrip
		use    func(t *testing.T, r *http.Response)
		failed int64
	}{
		"read to the end": {text(200, io.NopCloser(strings.NewReader("text")), -1), func(t *testing.T, r *http.Response) {
			_, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
		}, 0},
		"closed":        {text(200, io.NopCloser(strings.NewReader("text")), 4), func(t *testing.T, r *http.Response) { r.Body.Close() }, 0},
		"closed twice":  {text(200, io.NopCloser(strings.NewReader("text")), 4), func(t *testing.T, r *http.Response) { r.Body.Close(); r.Body.Close() }, 0},
		"there is none": {text(204, http.NoBody, 0), func(t *testing.T, r *http.Response) {}, 0},
		"not found":     {text(404, http.NoBody, 0), func(t *testing.T, r *http.Response) {}, 1},
		"breaks off": {text(200, brokenBody{io.MultiReader(strings.NewReader("te"), errReader{broken})}, -1), func(t *testing.T, r *http.Response) {
			_, err := io.ReadAll(r.Body)
			assert.ErrorIs(t, err, broken)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, run, end := begin(t)
			ctx, outer := tracer.Start(ctx, "retrieve")
			request, err := http.NewRequestWithContext(ctx, "GET", "http://secret.example/customers/42?key=1", nil)
			require.NoError(t, err)
			response, err := (&httpspan.Transport{Base: c.base}).RoundTrip(request)
			require.NoError(t, err)
			if response.ContentLength != 0 {
				record, err := run.Snapshot(ctx)
				require.NoError(t, err)
				assert.EqualValues(t, 1, *record.Spans[1].Open)
			}
			c.use(t, response)
			outer.End()
			spans := end()
			s := spans["retrieve/HTTP GET"]
			assert.EqualValues(t, 1, s.Count)
			assert.Equal(t, c.failed, s.Failed)
			assert.Nil(t, s.Open)
			assert.Equal(t, spans["retrieve"].Stage, s.Stage)
			assert.EqualValues(t, 1, s.Units["requests"].Count)
		})
	}
}

func TestACancelledRequestEndsThoughNobodyClosesItsBody(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		closed        bool
		count, failed int64
	}{
		"never closed":     {200, false, 1, 1},
		"closed after all": {200, true, 1, 1},
		"a connection":     {101, false, 0, 0}, // it goes on
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, _, end := begin(t)
				ctx, cancel := context.WithCancel(ctx)
				request, err := http.NewRequestWithContext(ctx, "GET", "http://example.com", nil)
				require.NoError(t, err)
				response, err := (&httpspan.Transport{Base: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader("text")), ContentLength: 4}, nil
				})}).RoundTrip(request)
				require.NoError(t, err)
				cancel()
				if c.closed {
					assert.NoError(t, response.Body.Close())
				}
				synctest.Wait()
				s := end()["HTTP GET"]
				assert.Equal(t, c.count, s.Count)
				assert.Equal(t, c.failed, s.Failed)
				assert.Equal(t, c.count == 0, s.Open != nil)
			})
		})
	}
}

type errReader struct{ error }

func (r errReader) Read([]byte) (int, error) { return 0, r.error }

func TestARequestThatIsNotAnsweredHasFailed(t *testing.T) {
	refused := errors.New("refused")
	ctx, _, end := begin(t)
	request, err := http.NewRequestWithContext(ctx, "BREW", "http://example.com", nil)
	require.NoError(t, err)
	transport := &httpspan.Transport{Base: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })}
	_, err = transport.RoundTrip(request)
	assert.ErrorIs(t, err, refused)
	transport.Base = roundTrip(func(*http.Request) (*http.Response, error) { panic("oh") })
	assert.Panics(t, func() { _, _ = transport.RoundTrip(request) })
	transport.Name = func(r *http.Request) string { return "ask " + r.URL.Host }
	assert.Panics(t, func() { _, _ = transport.RoundTrip(request) })
	spans := end()
	assert.EqualValues(t, 2, spans["HTTP OTHER"].Failed)
	assert.EqualValues(t, 1, spans["ask example.com"].Failed)
}

func TestATraceGoesOn(t *testing.T) {
	const (
		theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		zero   = "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
	)
	ctx, run, _ := begin(t)
	own := run.Traceparent()
	for name, c := range map[string]struct {
		came  []string    // with the request that is answered
		said  http.Header // by the request that is sent
		want  []string
		state []string
	}{
		"the run's, where there is no other":   {nil, nil, []string{own}, nil},
		"that of the request that is answered": {[]string{theirs}, nil, []string{theirs}, []string{"a=1", "b=2"}},
		"one that is none":                     {[]string{zero}, nil, []string{own}, nil},
		"garbage":                              {[]string{"garbage"}, nil, []string{own}, nil},
		"two":                                  {[]string{theirs, theirs}, nil, []string{own}, nil},
		"what the request says itself":         {[]string{theirs}, http.Header{"Traceparent": {"mine"}}, []string{"mine"}, nil},
		"nothing, on purpose":                  {[]string{theirs}, http.Header{"Traceparent": nil}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var sent http.Header
			client := &httpspan.Transport{Base: roundTrip(func(r *http.Request) (*http.Response, error) {
				sent = r.Header
				return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
			})}
			h := httpspan.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				request, err := http.NewRequestWithContext(r.Context(), "GET", "http://example.com", nil)
				require.NoError(t, err)
				request.Header = c.said
				before := request.Header.Clone()
				_, err = client.RoundTrip(request)
				require.NoError(t, err)
				assert.Equal(t, before, request.Header, "the request itself is not changed")
			}))
			r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
			r.Header["Traceparent"] = c.came
			r.Header["Tracestate"] = []string{"a=1", "b=2"}
			h.ServeHTTP(httptest.NewRecorder(), r)
			assert.Equal(t, c.want, sent["Traceparent"])
			assert.Equal(t, c.state, sent["Tracestate"])
		})
	}
}

func TestWhatTheHandlerLeavesOnTheRequestIsFoundOutside(t *testing.T) {
	begin(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload/{to}", func(w http.ResponseWriter, r *http.Request) {
		_, _, err := r.FormFile("file")
		assert.NoError(t, err)
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "name")
	require.NoError(t, err)
	_, _ = io.WriteString(part, "text")
	require.NoError(t, form.Close())
	r := httptest.NewRequest("POST", "/upload/there", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	httpspan.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
	assert.Equal(t, "POST /upload/{to}", r.Pattern, "middleware logs it")
	assert.NotNil(t, r.MultipartForm, "the server removes its files")
}

func TestWithoutARunRequestsGoThroughUntouched(t *testing.T) {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	called := 0
	httpspan.Handler(http.HandlerFunc(func(gotW http.ResponseWriter, gotR *http.Request) {
		called++
		assert.Same(t, w, gotW)
		assert.Same(t, r, gotR)
	})).ServeHTTP(w, r)
	transport := &httpspan.Transport{Base: roundTrip(func(got *http.Request) (*http.Response, error) {
		called++
		assert.Same(t, r, got)
		return nil, nil
	})}
	_, _ = transport.RoundTrip(r)
	assert.Equal(t, 2, called)

	mux := http.NewServeMux()
	mux.HandleFunc("/", nothing)
	bare, wrapped := http.Handler(mux), httpspan.Handler(mux)
	allocs := func(h http.Handler) float64 { return testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }) }
	assert.Equal(t, allocs(bare), allocs(wrapped))
}

func TestARunThatIsOverIsLeftAlone(t *testing.T) {
	ctx, _, end := begin(t)
	end()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	httpspan.Handler(http.HandlerFunc(nothing)).ServeHTTP(w, r)
	_, err := (&httpspan.Transport{Base: roundTrip(func(got *http.Request) (*http.Response, error) {
		assert.Same(t, r, got)
		return nil, nil
	})}).RoundTrip(r)
	assert.NoError(t, err)
}

func BenchmarkHandler(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", nothing)
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/users/42", nil)
	for name, h := range map[string]http.Handler{"bare": mux, "off": httpspan.Handler(mux)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
	b.Run("on", func(b *testing.B) {
		ctx, _, _ := begin(b)
		r := r.WithContext(ctx)
		h := httpspan.Handler(mux)
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
}
