package tracer

import (
	"context"
	"runtime/pprof"
	"sync"
)

// pprofKey is the key under which runtime/pprof keeps the labels in a
// context. The package does not export it, but shows it to any context that
// it asks; with it the context of a span carries our label beside the host's
// at no cost, and pprof.Do inside a span keeps both.
var pprofKey = sync.OnceValue(func() any {
	var p probe
	pprof.ForLabels(&p, func(string, string) bool { return true })
	return p.key
})

type probe struct {
	context.Context
	key any
}

func (p *probe) Value(key any) any {
	p.key = key
	return nil
}

// label gives the goroutine the labels of the span's account, merged with
// those that the host put in ctx.
func (s *Span) label(ctx context.Context) {
	a := s.account
	if a.labels == nil {
		return
	}
	if p := s.parent; p != nil && ctx == context.Context((*spanContext)(p)) && p.labels != nil && p.labels == p.account.labels {
		s.labels = a.labels
	} else {
		s.labels = a.mergedLabels(ctx)
	}
	pprof.SetGoroutineLabels(s.labels)
}

// mergedLabels is the account's label together with the host's in ctx. Sets
// are remembered by the host's set, so that a loop makes each but once.
func (a *account) mergedLabels(ctx context.Context) context.Context {
	key := pprofKey()
	host := ctx.Value(key)
	if host == nil {
		return a.labels
	}
	l := a.run.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := a.merged[host]; m != nil {
		return m
	}
	if len(a.merged) >= maxMerged {
		clear(a.merged)
	}
	if a.merged == nil {
		a.merged = make(map[any]context.Context)
	}
	base := labelsOnly{context.Background(), key, host}
	m := pprof.WithLabels(base, pprof.Labels(labelKey, a.labelValue))
	a.merged[host] = m
	return m
}

// labelsOnly is a context that holds a set of labels and nothing else, so
// that remembering it keeps no request alive.
type labelsOnly struct {
	context.Context
	key, labels any
}

func (c labelsOnly) Value(key any) any {
	if key == c.key {
		return c.labels
	}
	return nil
}
