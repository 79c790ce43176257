package live

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// How an interface is asked.
const (
	tryTimeout   = 10 * time.Second
	tries        = 4
	firstBackoff = time.Second      // doubled from try to try, of which at least half is waited
	maxWait      = 30 * time.Second // that we let a server ask for
	maxBody      = 4 << 20          // bytes, unpacked
	maxHeader    = 64 << 10
	maxRedirects = 3
)

// client asks one interface. It is safe for concurrent use.
type client struct {
	once  sync.Once
	name  string
	base  *url.URL
	wrong error // with the configuration
	http  *http.Client
	gate  gate
}

// options are what an interface is asked with.
type options struct {
	name    string
	client  *http.Client
	base    string
	address string // unless base names another
	secret  bool   // something secret is sent there
	every   time.Duration
}

// transport is shared by all sources that bring no client of their own.
var transport = sync.OnceValue(func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = maxHeader
	return t
})

// ready prepares the client at the first call.
func (c *client) ready(o options) *client {
	c.once.Do(func() {
		c.name, c.gate.every = o.name, o.every
		h := http.Client{Transport: transport()}
		if o.client != nil {
			h = *o.client
		}
		h.Jar = nil
		h.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if first := via[0].URL; len(via) > maxRedirects || r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
				return errElsewhere
			}
			return nil
		}
		c.http = &h
		o.base = cmp.Or(o.base, o.address)
		u, err := url.Parse(o.base)
		switch {
		case o.base == "":
			c.wrong = &failure{source: o.name, why: "no address: set Base", err: ErrNoAccess}
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			c.wrong = &failure{source: o.name, why: "Base is no address such as https://api.example.org/v3 (without a user, a query or a fragment)"}
		case o.secret && u.Scheme == "http" && !loopback(u.Hostname()):
			c.wrong = &failure{source: o.name, why: "Base begins with http:// and our key would go over the network in the clear: use https://"}
		}
		c.base = u
	})
	return c
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// answerTo is what came back, with a status of success or one that was asked for.
type answerTo struct {
	status int
	body   []byte
	url    string // without secrets
}

// get asks for a path and tries again where that may help: after 429, 5xx and
// failures of the network. sign puts secrets into a request; what it adds is
// never shown. also are statuses whose answers are wanted, too.
func (c *client) get(ctx context.Context, path string, query url.Values, sign func(*http.Request), also ...int) (answerTo, error) {
	if c.wrong != nil {
		return answerTo{}, c.wrong
	}
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	shown := u.String()
	for try := 1; ; try++ {
		if err := c.gate.wait(ctx); err != nil {
			return answerTo{}, c.told(&failure{why: "no time was left to ask it", err: err}, shown)
		}
		answer, after, fault := c.attempt(ctx, u, sign, also)
		if fault == nil {
			answer.url = shown
			return answer, nil
		}
		if ctx.Err() != nil { // our caller's patience, not the server's
			return answerTo{}, c.told(&failure{why: "no answer in the time that it was given", err: ctx.Err()}, shown)
		}
		if try > 1 {
			fault.why += fmt.Sprintf(" (%d tries)", try)
		}
		wait := backoff(try)
		if after > maxWait {
			fault.why += fmt.Sprintf("; it asks us to come back in %s", after.Round(time.Second))
		}
		if !fault.retry || try == tries || after > maxWait {
			return answerTo{}, c.told(fault, shown)
		}
		if err := sleep(ctx, max(wait, after)); err != nil {
			fault.err = err
			return answerTo{}, c.told(fault, shown)
		}
	}
}

// told completes a failure.
func (c *client) told(f *failure, shown string) error {
	f.source, f.url = c.name, shown
	return f
}

// attempt is one try.
func (c *client) attempt(ctx context.Context, u *url.URL, sign func(*http.Request), also []int) (a answerTo, after time.Duration, fault *failure) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return a, 0, &failure{why: "the address is no good"}
	}
	r.Header.Set("Accept", "application/json, application/xml;q=0.9")
	r.Header.Set("User-Agent", "ecotracer")
	if sign != nil {
		sign(r)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return a, 0, failed(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	a.status = response.StatusCode
	if fault = judge(a.status); fault != nil && !slices.Contains(also, a.status) {
		_, _ = io.CopyN(io.Discard, response.Body, 4096) // so that the connection can be kept
		return a, retryAfter(response.Header.Get("Retry-After"), time.Now()), fault
	}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return a, 0, failed(err)
	case len(a.body) > maxBody:
		return a, 0, &failure{why: fmt.Sprintf("the answer is larger than %d MiB", maxBody>>20)}
	}
	return a, 0, nil
}

// judge is what a status means; nil is success.
func judge(status int) *failure {
	text := fmt.Sprintf("it answers %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusOK, status == http.StatusNoContent:
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return &failure{why: text + ": the key is wrong, or the zone or time is outside its plan", err: ErrNoAccess}
	case status == http.StatusNotFound:
		return &failure{why: text + ": there is no such zone or figure", err: factors.ErrNoFactor}
	case status == http.StatusTooManyRequests, status >= 500:
		return &failure{why: text, retry: true}
	}
	return &failure{why: text}
}

// retryAfter is the wait that a server asks for (RFC 9110, 10.2.3): seconds or
// a date. What cannot be read is none.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
		return time.Duration(min(max(n, 0), 1e6)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// backoff is the wait after a try: twice as long from try to try, the half of
// it by chance, so that many clients do not come back at once.
func backoff(try int) time.Duration {
	d := firstBackoff << (try - 1)
	return d/2 + rand.N(d/2)
}

// sleep waits, or returns why it did not.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gate lets requests through at a bounded rate.
type gate struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time
}

func (g *gate) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	now := time.Now()
	at := now
	if g.next.After(now) {
		at = g.next
	}
	g.next = at.Add(g.every)
	g.mu.Unlock()
	if at.Equal(now) {
		return nil
	}
	return sleep(ctx, at.Sub(now))
}

// turn is a lock that a caller who has no more time does not wait for.
type turn struct {
	once sync.Once
	c    chan struct{}
}

func (t *turn) take(ctx context.Context) error {
	t.once.Do(func() { t.c = make(chan struct{}, 1) })
	select {
	case t.c <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *turn) give() { <-t.c }
