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

// ReadFrom is for io.Copy: the server's own writer sends files without reading
// them.
func (s *status) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(s.ResponseWriter, from)
}

// observe wraps a ResponseWriter. What else one can do is asked for by type, so
// the wrapper has it if and only if the writer has.
func observe(w http.ResponseWriter) (http.ResponseWriter, *status) {
	s := status{ResponseWriter: w}
	f, flushes := w.(http.Flusher)
	h, hijacks := w.(http.Hijacker)
	p, pushes := w.(http.Pusher)
	switch {
	case flushes && hijacks && pushes:
		o := &struct {
			status
			http.Flusher
			http.Hijacker
			http.Pusher
		}{s, f, h, p}
		return o, &o.status
	case flushes && hijacks: // HTTP/1
		o := &struct {
			status
			http.Flusher
			http.Hijacker
		}{s, f, h}
		return o, &o.status
	case flushes && pushes: // HTTP/2
		o := &struct {
			status
			http.Flusher
			http.Pusher
		}{s, f, p}
		return o, &o.status
	case hijacks && pushes:
		o := &struct {
			status
			http.Hijacker
			http.Pusher
		}{s, h, p}
		return o, &o.status
	case flushes:
		o := &struct {
			status
			http.Flusher
		}{s, f}
		return o, &o.status
	case hijacks:
		o := &struct {
			status
			http.Hijacker
		}{s, h}
		return o, &o.status
	case pushes: // http.TimeoutHandler
		o := &struct {
			status
			http.Pusher
		}{s, p}
		return o, &o.status
	}
	return &s, &s
}
