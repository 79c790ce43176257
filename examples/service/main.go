// Command service is a web service that tells what it costs while it runs: each
// request is a span, each line of its log says in which span it was written, and
// Prometheus reads joules and grams by route.
//
// It sends itself some requests, prints what Prometheus would read, and ends; a
// real service would go on.
package main

import (
	"bufio"
	"cmp"
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
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/expose"
	"github.com/ecotracer/ecotracer/tracer/httpspan"
	"github.com/ecotracer/ecotracer/tracer/slogspan"
)

func main() {
	requests := flag.Int("requests", 200, "that the service sends itself")
	dir := flag.String("dir", cmp.Or(os.Getenv("ECOTRACER_DIR"), "ecotracer-records"), "folder for the record")
	flag.Parse()
	if err := run(context.Background(), *requests, *dir, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, requests int, dir string, out, logs io.Writer) error {
	log := slog.New(slogspan.Handler(slog.NewTextHandler(logs, nil)))
	ctx, run, err := tracer.Begin(ctx, tracer.Named("service"), tracer.Dir(dir))
	if err != nil {
		log.WarnContext(ctx, "the run measures all the same", "error", err)
	}

	url, stop, err := listen(ctx, service(run, log))
	if err != nil {
		return err
	}
	err = send(ctx, url, requests)
	if err == nil {
		err = show(ctx, url, out)
	}
	run.Fail(err)
	err = errors.Join(err, stop())
	_, endErr := run.End()
	return errors.Join(err, endErr)
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
	all.Handle("GET /debug/vars", vars(run))
	return all
}

// vars shows the run beside what package expvar shows of any program. A program
// with one run says expvar.Publish("ecotracer", expose.Var(run)) at its start.
func vars(run *tracer.Run) http.Handler {
	v := expose.Var(run)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{%q: %s, %q: %s}\n", "ecotracer", v, "memstats", expvar.Get("memstats"))
	})
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

// listen serves on a free port of this host.
func listen(ctx context.Context, h http.Handler) (url string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		// Requests find the run in their context.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	var wg sync.WaitGroup
	var served error
	wg.Go(func() { served = server.Serve(listener) })
	return "http://" + listener.Addr().String(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := server.Shutdown(ctx)
		wg.Wait()
		if !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
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
