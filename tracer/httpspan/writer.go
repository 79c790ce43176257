package httpspan

import (
	"io"
	"net/http"
)

// status is a ResponseWriter that knows the status of the response.
type status struct {
	http.ResponseWriter
	status int // 0: none was told, which is 200
}

// WriteHeader notes the final status: the first that does not only inform
// (RFC 9110, 15.2).
func (s *status) WriteHeader(code int) {
	if s.status == 0 && (code >= 200 || code == http.StatusSwitchingProtocols) {
		s.status = code
	}
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteString is for io.WriteString, which copies where there is none.
func (s *status) WriteString(text string) (int, error) {
	return io.WriteString(s.ResponseWriter, text)
}

// What else a ResponseWriter can do is asked for by type, so a wrapper is to
// have it if and only if the writer has: those of HTTP/1, of HTTP/2, and of one
// that can flush, such as an httptest.ResponseRecorder.
type (
	status1 struct {
		status
		http.Flusher
		http.Hijacker
		io.ReaderFrom
	}
	status2 struct {
		status
		http.Flusher
		http.Pusher
	}
	statusFlusher struct {
		status
		http.Flusher
	}
)

// observe wraps a ResponseWriter.
func observe(w http.ResponseWriter) (http.ResponseWriter, *status) {
	s := status{ResponseWriter: w}
	f, flushes := w.(http.Flusher)
	if !flushes {
		return &s, &s
	}
	if h, ok := w.(http.Hijacker); ok {
		if from, ok := w.(io.ReaderFrom); ok {
			o := &status1{s, f, h, from}
			return o, &o.status
		}
	}
	if p, ok := w.(http.Pusher); ok {
		o := &status2{s, f, p}
		return o, &o.status
	}
	o := &statusFlusher{s, f}
	return o, &o.status
}
