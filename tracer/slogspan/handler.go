// Package slogspan adds to each record of log/slog which span it was logged in,
// so that logs and what they cost find one another:
//
//	log := slog.New(slogspan.Handler(slog.NewJSONHandler(os.Stderr, nil)))
//	ctx, span := tracer.Start(ctx, "train")
//	log.InfoContext(ctx, "epoch done", "loss", 0.1)
//
// logs, besides time, level, message and loss,
//
//	"ecotracer":{"run":"0199…","trace":"0199…","span":"train","stage":"training/training"}
//
// run is the id of the record, trace its trace id, span and stage are as in it.
// Use the functions with a Context: others have none to look in.
package slogspan

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/tracer"
)

// key is the group that the attributes are in.
const key = "ecotracer"

// Handler passes records on to h with a group "ecotracer" added: run and trace
// of the run that tracer.Start would find in the context, span and stage of the
// span in it, if there is one. Where there is no run, the record is passed on as
// it is, and nothing is allocated.
//
// The group is always at the top: names that slog.Logger.WithGroup opens are
// around the attributes of the log alone.
//
// In place of the handler that slog.Default has at first, it is a
// slog.TextHandler with the writer of package log: that one, wrapped by any
// handler, would wait for itself once it is set as the default
// (go.dev/issue/62424).
func Handler(h slog.Handler) slog.Handler {
	if fmt.Sprintf("%T", h) == "*slog.defaultHandler" {
		h = slog.NewTextHandler(log.Writer(), nil)
	}
	return &handler{Handler: h, top: h}
}

// handler keeps two handlers. The embedded one is as the logger has it. Where
// groups are open the top one, from before the first was opened, gets the
// attributes that belong into them by hand, so that ours do not.
type handler struct {
	slog.Handler
	top  slog.Handler
	open []group // from the outside in
	last atomic.Pointer[ofRun]
}

// group is an open group, and what With has put into it.
type group struct {
	name  string
	attrs []slog.Attr
}

// ofRun is the attribute where there is no span.
type ofRun struct {
	run  *tracer.Run
	attr slog.Attr
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	run, span := tracer.FromContext(ctx)
	if run.ID() == "" {
		return h.Handler.Handle(ctx, r)
	}
	own := h.attr(run, span)
	if len(h.open) == 0 {
		r = r.Clone() // the caller's has room that others may write to
		r.AddAttrs(own)
		return h.Handler.Handle(ctx, r)
	}
	var inner []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		inner = append(inner, a)
		return true
	})
	for _, g := range slices.Backward(h.open) {
		inner = []slog.Attr{slog.GroupAttrs(g.name, slices.Concat(g.attrs, inner)...)}
	}
	nested := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	nested.AddAttrs(inner...)
	nested.AddAttrs(own)
	return h.top.Handle(ctx, nested)
}

// attr is the attribute of a run and a span of it.
func (h *handler) attr(run *tracer.Run, span *tracer.Span) slog.Attr {
	if span != nil {
		return slog.GroupAttrs(key, slog.String("run", run.ID()), slog.String("trace", traceID(run)),
			slog.String("span", span.Path()), slog.String("stage", string(span.Stage())))
	}
	last := h.last.Load()
	if last == nil || last.run != run {
		last = &ofRun{run, slog.GroupAttrs(key, slog.String("run", run.ID()), slog.String("trace", traceID(run)))}
		h.last.Store(last)
	}
	return last.attr
}

// traceID is the second field of a traceparent (W3C Trace Context).
func traceID(run *tracer.Run) string {
	_, id, _ := strings.Cut(run.Traceparent(), "-")
	id, _, _ = strings.Cut(id, "-")
	return id
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := &handler{Handler: h.Handler.WithAttrs(attrs), top: h.top, open: h.open}
	if last := len(h.open) - 1; last >= 0 {
		n.open = slices.Clone(h.open)
		n.open[last].attrs = slices.Concat(n.open[last].attrs, attrs)
	} else {
		n.top = n.Handler
	}
	return n
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{Handler: h.Handler.WithGroup(name), top: h.top, open: append(slices.Clip(h.open), group{name: name})}
}
