package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecotracer/ecotracer/tracer"
)

// question is the body of a request: the pixels of an image, row by row, from
// 0 (white) to 16 (black).
type question struct {
	Pixels []int `json:"pixels"`
}

// answer is the body of a response.
type answer struct {
	Digit       int     `json:"digit"`
	Probability float64 `json:"probability"`
}

// service answers POST /classify with what the network reads.
func service(net *mlp) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /classify", func(w http.ResponseWriter, r *http.Request) {
		// Each request is a span. The server's contexts come from the span
		// "serve", so that its path is serve/request.
		_, span := tracer.Start(r.Context(), "request")
		defer span.End()
		span.Count("requests", 1)

		image, err := readQuestion(http.MaxBytesReader(w, r.Body, 4<<10))
		if err != nil {
			span.Fail(err)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		digit, probability := net.classify(image)
		w.Header().Set("Content-Type", "application/json")
		span.Fail(json.NewEncoder(w).Encode(answer{digit, probability}))
	})
	return mux
}

// readQuestion reads one image and scales it as the network wants it.
func readQuestion(r io.Reader) ([]float64, error) {
	var q question
	if err := json.NewDecoder(r).Decode(&q); err != nil {
		return nil, fmt.Errorf(`want {"pixels": [%d numbers from 0 to %d]}: %w`, pixels, black, err)
	}
	if len(q.Pixels) != pixels {
		return nil, fmt.Errorf("%d pixels, want %d", len(q.Pixels), pixels)
	}
	image := make([]float64, pixels)
	for i, v := range q.Pixels {
		if v < 0 || v > black {
			return nil, fmt.Errorf("pixel %d is %d, want 0 to %d", i, v, black)
		}
		image[i] = float64(v) / black
	}
	return image, nil
}

// listen serves handler on a free port of the loopback interface until stop is
// called, which waits for the requests in progress. Requests have contexts
// that come from ctx.
func listen(ctx context.Context, handler http.Handler) (url string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	stop = func() error {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := server.Shutdown(patience)
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}
	return "http://" + listener.Addr().String(), stop, nil
}

// burst sends so many requests from a few clients at once, with the images in
// turn, and returns the share of them that were read right. It stops at the
// first that fails.
func burst(ctx context.Context, url string, s images, requests, clients int) (accuracy float64, err error) {
	bodies, err := questions(s)
	if err != nil {
		return 0, err
	}
	client := &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: clients},
		Timeout:   10 * time.Second,
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var next, right atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= requests {
					return
				}
				a, err := ask(ctx, client, url, bodies[i%len(bodies)])
				if err != nil {
					cancel(fmt.Errorf("request %d: %w", i+1, err))
					return
				}
				if a.Digit == s.y[i%s.len()] {
					right.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	return float64(right.Load()) / float64(requests), nil
}

// questions are the images as request bodies.
func questions(s images) ([][]byte, error) {
	bodies := make([][]byte, s.len())
	for i := range bodies {
		q := question{Pixels: make([]int, pixels)}
		for j, v := range s.x.RawRowView(i) {
			q.Pixels[j] = int(v * black)
		}
		body, err := json.Marshal(q)
		if err != nil {
			return nil, err
		}
		bodies[i] = body
	}
	return bodies, nil
}

// ask sends one image.
func ask(ctx context.Context, client *http.Client, url string, body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/classify", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return answer{}, fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text))
	}
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("answer: %w", err)
	}
	// A connection is used again only if its response was read to the end.
	_, err = io.Copy(io.Discard, response.Body)
	return a, err
}
