// Command inference-server is a small language model behind HTTP: it learns from a
// speech, serves what it has learned, and tells what a token and a request came to,
// by those who ask for little and for much.
//
// Where examples/service shows how a service is watched while it runs, this one
// shows the figures of a model: training and serving in one record, tokens as the
// functional unit, requests by size, and what each answer's headers tell of it. The
// model is small (model.go), and is not to be believed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/httpspan"
)

const epochs = 12

func main() {
	requests := flag.Int("requests", 400, "that clients send")
	flag.Parse()
	if _, err := run(context.Background(), *requests, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run traces training and serving, and tells what they took.
func run(ctx context.Context, requests int, out io.Writer, opts ...tracer.Option) (*lifecycle.Record, error) {
	rng := rand.New(rand.NewPCG(5, 6))
	m := newModel(speech, rng)
	ctx, run, err := tracer.Begin(ctx, append(opts, tracer.Named("inference-server"), tracer.UseCase(lifecycle.UseCase{
		Purpose: "go on with a text", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "tokens", Path: "serve"},
	}))...)
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	loss := train(ctx, m, rng)
	served, workErr := serve(ctx, m, requests)
	run.Fail(workErr)
	_ = run.Describe(tracer.Technology(technology(m, loss, served))) // End tells what is wrong with it
	record, err := run.End()
	fmt.Fprintf(out, "the model guesses a character of its speech with a perplexity of %.1f, and says: %q\n", math.Exp(loss), served.text)
	tell(out, record)
	return record, errors.Join(workErr, err)
}

// train has the model read the speech again and again: training/training.
func train(ctx context.Context, m *model, rng *rand.Rand) (loss float64) {
	ctx, span := tracer.Start(ctx, "train")
	defer span.End()
	span.Expect("epoch", epochs)
	text, s := m.tokens(speech), m.newState()
	for epoch := range epochs {
		_, span := tracer.Start(ctx, "epoch")
		rate := 0.1 * (1 - float64(epoch)/epochs)
		loss = 0
		for _, i := range rng.Perm(len(text) - window) {
			loss += m.learn(s, text[i:i+window], text[i+window], rate) / float64(len(text)-window)
		}
		span.Count("tokens", len(text)-window)
		span.End()
	}
	return loss
}

// outcome is what clients were given.
type outcome struct {
	requests, in, out atomic.Int64
	text              string // of the first answer
}

// serve answers requests: inference/serving. Those who send them run in this
// process too and are no part of the service: they have a span beside it.
func serve(ctx context.Context, m *model, requests int) (served *outcome, err error) {
	served = new(outcome)
	serving, span := tracer.Start(ctx, "serve")
	defer span.End()
	defer func() { span.Fail(err) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return served, err
	}
	server := &http.Server{
		Handler: handler(m, span, served), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(serving) }, // in which requests find their span
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()

	_, clients := tracer.Start(ctx, "clients")
	err = ask(ctx, "http://"+listener.Addr().String(), requests, served)
	clients.Fail(err)
	clients.End()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(ctx))
	if why := <-done; !errors.Is(why, http.ErrServerClosed) {
		err = errors.Join(err, why)
	}
	return served, err
}

// completion is what is asked for.
type completion struct {
	Prompt string `json:"prompt"`
	Tokens int    `json:"tokens"`
}

// handler answers POST /short and POST /long: two routes, so that each has a line of
// its own in the record.
func handler(m *model, all *tracer.Span, served *outcome) http.Handler {
	mux := http.NewServeMux()
	for route, most := range map[string]int{"/short": 50, "/long": 500} {
		mux.HandleFunc("POST "+route, func(w http.ResponseWriter, r *http.Request) {
			var c completion
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&c); err != nil {
				http.Error(w, "send {\"prompt\": TEXT, \"tokens\": N}", http.StatusBadRequest)
				return
			}
			if c.Tokens < 1 || c.Tokens > most {
				http.Error(w, fmt.Sprintf("tokens is from 1 to %d", most), http.StatusBadRequest)
				return
			}
			prompt := m.tokens(c.Prompt)
			_, span := tracer.FromContext(r.Context()) // that httpspan began
			text := m.generate(prompt, c.Tokens, rand.New(rand.NewPCG(7, uint64(len(prompt)))))
			span.Count("tokens", c.Tokens)
			all.Count("tokens", c.Tokens) // of the service, by which its record divides
			served.requests.Add(1)
			served.in.Add(int64(len(prompt)))
			served.out.Add(int64(c.Tokens))
			w.Header().Set("X-Tokens-In", strconv.Itoa(len(prompt)))
			w.Header().Set("X-Tokens-Out", strconv.Itoa(c.Tokens))
			_, _ = io.WriteString(w, text) // who is gone is gone
		})
	}
	return httpspan.Handler(mux)
}

// ask sends requests from four clients, of which each fifth is a long one.
func ask(ctx context.Context, url string, requests int, served *outcome) error {
	var clients sync.WaitGroup
	errs := make([]error, 4)
	for n := range errs {
		clients.Go(func() {
			for i := n; i < requests && errs[n] == nil; i += len(errs) {
				route, c := "/short", completion{"we are met on ", 40}
				if i%5 == 4 {
					route, c.Tokens = "/long", 400
				}
				var text string
				if text, errs[n] = post(ctx, url+route, c); i == 0 {
					served.text = text
				}
			}
		})
	}
	clients.Wait()
	return errors.Join(errs...)
}

func post(ctx context.Context, url string, c completion) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(text), err
}

func technology(m *model, loss float64, served *outcome) lifecycle.Technology {
	of := func(n int64) *int64 { return &n }
	letters := int64(len(m.tokens(speech)))
	return lifecycle.Technology{Kind: "ml", ML: &lifecycle.ML{
		Task: "text-generation", Algorithm: &lifecycle.Algorithm{Name: "neural probabilistic language model", Type: "feed-forward neural network"},
		Parameters: &lifecycle.Parameters{Total: of(int64(m.parameters())), Trainable: of(int64(m.parameters()))},
		Layers:     of(3), TrainingType: "from-scratch", LearningParadigm: "self-supervised", Optimizer: "SGD", Epochs: of(epochs), Precision: "float64",
		Datasets:   []lifecycle.Dataset{{Role: "train", DataType: "text", Items: &letters, ItemUnit: "character", Name: "Gettysburg Address"}},
		Evaluation: []lifecycle.Evaluation{{Metric: "perplexity", Value: math.Exp(loss), Split: "train", Direction: "lower"}},
		Requests:   of(served.requests.Load()), TokensIn: of(served.in.Load()), TokensOut: of(served.out.Load()),
	}}
}

// tell says in words what requests came to, by route, and a token.
func tell(out io.Writer, r *lifecycle.Record) {
	for _, s := range r.Spans {
		if u, counted := s.Units["tokens"]; counted && s.Count > 0 && s.P50S != nil && s.P95S != nil && u.JPerUnit != nil && strings.Contains(s.Path, "POST") {
			fmt.Fprintf(out, "%-22s %4d requests of %.1f mJ, %.0f µJ a token; half took %.1f ms, 95 of 100 %.1f ms or less\n",
				strings.ReplaceAll(strings.TrimPrefix(s.Path, "serve/"), "~1", "/"), s.Count, 1e3*s.TotalJ/float64(s.Count), 1e6**u.JPerUnit, 1e3**s.P50S, 1e3**s.P95S)
		}
	}
	training, serving := r.Totals.ByPhase[lifecycle.PhaseTraining], r.Totals.ByPhase[lifecycle.PhaseInference]
	if training.EnergyJ != nil && serving.EnergyJ != nil {
		fmt.Fprintf(out, "training took %.2f J, serving %.2f J\n", training.EnergyJ.Value, serving.EnergyJ.Value)
	}
	if u := r.Totals.PerUnit; u != nil {
		fmt.Fprintf(out, "%.2g µgCO2e a token, training and devices included (95 %%: %.2g to %.2g)\n", 1e6*u.GCO2e.Value, 1e6*u.GCO2e.Low, 1e6*u.GCO2e.High)
	}
}
