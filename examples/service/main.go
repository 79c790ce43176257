// Command service is a web service that tells what it costs while it runs: each
// request is a span, each line of its log says in which span it was written, and
// Prometheus reads joules and grams by route.
//
// It sends itself some requests, prints what Prometheus would read, and ends; a
// real service would go on.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"expvar"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/expose"
	"github.com/ecotracer/ecotracer/tracer/httpspan"
	"github.com/ecotracer/ecotracer/tracer/slogspan"
)

func main() {
	requests := flag.Int("requests", 200, "that the service sends itself")
	flag.Parse()
	log := slog.New(slogspan.Handler(slog.NewTextHandler(os.Stderr, nil)))

	ctx, run, err := tracer.Begin(context.Background(), tracer.Named("service"))
	if err != nil {
		log.WarnContext(ctx, "the run measures all the same", "error", err)
	}
	expvar.Publish("ecotracer", expose.Var(run))

	err = serve(ctx, service(run, log), *requests, os.Stdout)
	run.Fail(err)
	_, endErr := run.End()
	if err := errors.Join(err, endErr); err != nil {
		log.ErrorContext(ctx, "failed", "error", err)
		os.Exit(1)
	}
}

// service is all that the service does. The mux is wrapped once: routes that
// are added to it have spans by themselves.
func service(run *tracer.Run, log *slog.Logger) http.Handler {
	app := http.NewServeMux()
	app.HandleFunc("POST /digest/{times}", func(w http.ResponseWriter, r *http.Request) {
		digest(w, r, log)
	})

	// What the service is watched by is no work of its own.
	all := http.NewServeMux()
	all.Handle("/", httpspan.Handler(app))
	all.Handle("GET /metrics/energy", expose.Handler(run))
	all.Handle("GET /debug/vars", expvar.Handler())
	return all
}

// digest stands for the work of a service: so many times the SHA-256 of what
// was sent.
func digest(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	var times int
	if _, err := fmt.Sscan(r.PathValue("times"), &times); err != nil || times < 1 || times > 1e6 {
		http.Error(w, "times is a number from 1 to 1000000", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, span := tracer.Start(r.Context(), "hash")
	sum := sha256.Sum256(body)
	for range times - 1 {
		sum = sha256.Sum256(sum[:])
	}
	span.Count("hashes", times)
	span.End()
	if times >= 50_000 {
		log.InfoContext(r.Context(), "a large request", "times", times)
	}
	fmt.Fprintf(w, "%x\n", sum)
}

// serve serves on a free port of this host, sends the service requests and
// prints what it then shows.
func serve(ctx context.Context, h http.Handler, requests int, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		// Requests find the run in their context.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	url := "http://" + listener.Addr().String()
	err = send(ctx, url, requests)
	if err == nil {
		err = show(ctx, url, out)
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(ctx)) // waits for what is being answered
	if why := <-served; !errors.Is(why, http.ErrServerClosed) {
		err = errors.Join(err, why)
	}
	return err
}

// client makes a span of each request that it sends.
var client = &http.Client{Transport: &httpspan.Transport{}, Timeout: 10 * time.Second}

// send sends requests, of which each tenth is a large one.
func send(ctx context.Context, url string, requests int) error {
	ctx, span := tracer.Start(ctx, "client")
	defer span.End()
	for i := range requests {
		times := 2_000
		if i%10 == 9 {
			times = 50_000
		}
		if _, err := ask(ctx, http.MethodPost, fmt.Sprint(url, "/digest/", times), strings.NewReader("some text")); err != nil {
			span.Fail(err)
			return err
		}
	}
	return nil
}

// ask sends one request and reads the answer.
func ask(ctx context.Context, method, url string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return text, err
}

// show prints what Prometheus would read, without the explanations.
func show(ctx context.Context, url string, out io.Writer) error {
	text, err := ask(ctx, http.MethodGet, url+"/metrics/energy", nil)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "#") {
			fmt.Fprintln(out, lines.Text())
		}
	}
	return lines.Err()
}
