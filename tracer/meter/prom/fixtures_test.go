package prom

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// exposition is a file of testdata: what an exporter answers.
func exposition(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(b)
}

// exporter is a server that answers as an exporter does. Its answer may be
// changed at any time.
type exporter struct {
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked++
	answer := e.answer
	e.mu.Unlock()
	answer(w, r)
}

func (e *exporter) set(answer http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

// say answers with a text in the text format.
func (e *exporter) say(format string, args ...any) { e.set(text(fmt.Sprintf(format, args...))) }

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

// serve starts an exporter on this machine.
func serve(t testing.TB, body string) (*exporter, string) {
	t.Helper()
	e := &exporter{answer: text(body)}
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return e, s.URL + "/metrics"
}

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func tcp(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// opened opens what answers with a body.
func opened(t testing.TB, body string, c Config) (meter.Meter, *exporter) {
	t.Helper()
	e, url := serve(t, body)
	c.URL = url
	m, err := open(t.Context(), c, tcp, noEnv)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	return m, e
}

// refused is why opening fails.
func refused(t testing.TB, body string, c Config) *meter.Missing {
	t.Helper()
	_, url := serve(t, body)
	c.URL = url
	_, err := open(t.Context(), c, tcp, noEnv)
	require.Error(t, err)
	m := (*meter.Missing)(nil)
	require.ErrorAs(t, err, &m)
	require.NotContains(t, err.Error(), strings.TrimPrefix(url, "http://"), "no address in an error")
	return m
}

// bubble serves an exporter over pipes, so that it and the meter live in the
// virtual time of a testing/synctest bubble. Made inside it.
func bubble(t testing.TB, answer http.HandlerFunc) (*exporter, dialer) {
	t.Helper()
	e := &exporter{answer: answer}
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &http.Server{Handler: e}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-stopped
	})
	return e, l.dial
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// told are the joules that a Read tells, by domain.
func told(t testing.TB, m meter.Meter) map[string]float64 {
	t.Helper()
	joules := map[string]float64{}
	for id, s := range samples(t, m) {
		require.Equal(t, meter.OK, s.Condition, id)
		joules[id] = s.Joules
	}
	return joules
}

// samples are what a Read tells, by domain; none if nothing has moved.
func samples(t testing.TB, m meter.Meter) map[string]meter.Sample {
	t.Helper()
	got, err := m.Read(nil)
	if err != errStill {
		require.NoError(t, err)
	}
	out := map[string]meter.Sample{}
	for _, s := range got {
		out[m.Domains()[s.Domain].ID] = s
	}
	return out
}

// plans are the domains, a line each: ID, decision, name.
func plans(m meter.Meter) []string {
	var out []string
	for _, d := range m.Domains() {
		line := d.ID
		if d.LeftOut != "" {
			line += " " + d.LeftOut
		}
		out = append(out, line)
	}
	return out
}

// moment is between two openings.
const moment = 10 * time.Millisecond

// prompt takes a meter's exporter for one that looks whenever it is read, so
// that all of a step is of the time between two readings.
func prompt(m meter.Meter) {
	for _, c := range m.(*prom).counted {
		c.update = 0
	}
}
