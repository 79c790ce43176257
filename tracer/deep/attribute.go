package deep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// Report tells what Attribute did.
type Report struct {
	DurationS float64 `json:"duration_s"` // of the run
	TraceS    float64 `json:"trace_s"`    // of it, that the trace tells of
	BookedS   float64 `json:"booked_s"`   // of it, that was booked again

	BookedJ     float64 `json:"booked_j"`     // active energy that was booked again
	MovedJ      float64 `json:"moved_j"`      // of all, what went from one path to another
	UnlabelledJ float64 `json:"unlabelled_j"` // of BookedJ, what goroutines of no span used while spans were open: by wall share
}

// warnings of this package, and those of the tracer's that it settles.
const (
	partly     = "attributed-partly"
	unlabelled = "cpu-time-unlabelled"
	byWall     = "split-by-wall"
)

// Attribute books a run's energy again, by an execution trace that was written
// while it ran. It returns a new record of the same run, which supersedes the
// one given; that is left as it was. The record must be valid and hold a
// timeline (tracer.Timeline).
//
// What of the run the trace does not tell of stays as it was booked; the new
// record has a warning that says so, and can be attributed again by another
// trace that does. Of a trace that breaks off, what can be read counts: then
// both a record and an error are returned. The error is ctx's where that is
// done.
//
// The trace is read as a stream: memory is bounded, by the paths of the run and
// the goroutines that live at once, which may be a million.
func Attribute(ctx context.Context, record *lifecycle.Record, trace io.Reader) (*lifecycle.Record, *Report, error) {
	r, err := clone(record)
	if err != nil {
		return nil, nil, fmt.Errorf("deep: %w", err)
	}
	digest, err := r.SHA256()
	if err != nil {
		return nil, nil, fmt.Errorf("deep: %w", err)
	}
	tl, err := timeline.Of(r)
	if err != nil {
		return nil, nil, fmt.Errorf("deep: %w", err)
	}
	if len(r.Run.Merged) > 0 {
		return nil, nil, errors.New("deep: the record was merged from several: attribute each of them by the trace of its own process, then merge")
	}
	if chapters(tl) == 0 {
		return nil, nil, errors.New("deep: the record's timeline has nothing to book again: no execution trace was being written during the run for a second or more, or all of it is booked already")
	}
	b := newRebooking(tl)
	f := newFollower(r.Run.ID, b.bounds, b.fold)
	broken := f.follow(ctx, trace)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if !f.marked {
		return nil, nil, f.foreign(broken)
	}
	from, to := f.covered()
	rep := &Report{DurationS: r.Run.DurationS, TraceS: max(min(to, r.Run.DurationS)-max(from, 0), 0)}
	if broken != nil {
		broken = fmt.Errorf("deep: %w; of the run's %.1f s it told of %.1f s to %.1f s", broken, r.Run.DurationS, max(from, 0), to)
	}
	if b.close(from, to) == 0 {
		return nil, rep, errors.Join(broken, fmt.Errorf("deep: the trace tells of %.1f s to %.1f s of the run, which holds no whole chapter of its timeline: %s", max(from, 0), to, chapterList(tl)))
	}
	if err := b.apply(r, rep); err != nil {
		return nil, rep, fmt.Errorf("deep: %w", err)
	}
	if err := finish(r, tl, rep, digest, record.Integrity != nil); err != nil {
		return nil, rep, fmt.Errorf("deep: %w", err)
	}
	return r, rep, broken
}

// clone is a record that shares nothing with r, if that is valid.
func clone(r *lifecycle.Record) (*lifecycle.Record, error) {
	if r == nil {
		return nil, errors.New("no record")
	}
	if err := invalid(r); err != nil {
		return nil, fmt.Errorf("the record is not valid, see `ecotracer validate`: %w", err)
	}
	var b bytes.Buffer
	if err := lifecycle.Encode(&b, r); err != nil {
		return nil, err
	}
	return lifecycle.Decode(&b)
}

func invalid(r *lifecycle.Record) error {
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			return errors.New(f.String())
		}
	}
	return nil
}

func chapters(t *timeline.Timeline) (n int) {
	for i := range t.Groups {
		n += len(t.Groups[i].Chapters)
	}
	return n
}

// chapterList tells the times of the chapters, for people.
func chapterList(t *timeline.Timeline) string {
	var list []string
	for i := range t.Groups {
		for _, c := range t.Groups[i].Chapters {
			if len(list) == 8 {
				return strings.Join(append(list, "…"), ", ")
			}
			list = append(list, fmt.Sprintf("%.1f–%.1f s", c.FromS, c.ToS))
		}
	}
	return strings.Join(list, ", ")
}

// foreign tells why a trace has no mark of the run.
func (f *follower) foreign(broken error) error {
	switch {
	case broken != nil:
		return fmt.Errorf("deep: %w; nothing was told of the run before", broken)
	case len(f.otherRuns) > 0:
		return fmt.Errorf("deep: the trace is of another run: it tells of %s, the record is of %s", strings.Join(f.otherRuns, ", "), f.run)
	}
	return errors.New("deep: the trace holds no mark of a run: it must be written by the process of the run, while it runs")
}

// finish makes a record of what was booked again.
func finish(r *lifecycle.Record, tl *timeline.Timeline, rep *Report, digest string, sealed bool) error {
	r.Extensions[timeline.Key] = *tl
	r.Supersedes = append(r.Supersedes, digest)
	r.CreatedAt = time.Now().UTC().Round(0)
	if r.Run.EndedAt != nil && r.CreatedAt.Before(*r.Run.EndedAt) {
		r.CreatedAt = *r.Run.EndedAt
	}
	r.Generator.Name, r.Generator.Version = "ecotracer", tracer.Version
	r.Integrity = nil
	warn(r, tl, rep)
	if err := lifecycle.Assess(r); err != nil {
		return err
	}
	if err := invalid(r); err != nil {
		return fmt.Errorf("the new record would not be valid: %w", err)
	}
	if sealed {
		return r.Seal()
	}
	return nil
}

// warn brings the warnings up to date.
func warn(r *lifecycle.Record, tl *timeline.Timeline, rep *Report) {
	whole := chapters(tl) == 0 && rep.BookedS >= 0.95*rep.DurationS
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w lifecycle.Warning) bool {
		switch w.Code {
		case partly:
			return true
		case unlabelled:
			return whole // it tells of samples that count no longer
		case byWall:
			i, ok := lineOf(w.Path, len(r.Ledger))
			return ok && !mostlyWall(&r.Ledger[i])
		}
		return false
	})
	add := func(code, path, detail string) {
		r.Warnings = append(r.Warnings, lifecycle.Warning{Code: code, Path: path, Detail: detail})
	}
	if !whole {
		add(partly, "/ledger", fmt.Sprintf("%.1f of %.1f s were booked by an execution trace; the rest is as it was booked during the run", rep.BookedS, rep.DurationS))
	}
	if rep.UnlabelledJ > 0.2*rep.BookedJ {
		add(unlabelled, "/ledger", fmt.Sprintf("%.0f %% of the energy that was booked by an execution trace is of goroutines of no span, which should call Start with the context of their job; it went by wall share", 100*rep.UnlabelledJ/rep.BookedJ))
	}
}

// lineOf is the ledger line that a warning's path names.
func lineOf(path string, lines int) (i int, ok bool) {
	n, err := fmt.Sscanf(path, "/ledger/%d", &i)
	return i, n == 1 && err == nil && i >= 0 && i < lines
}

// mostlyWall is the tracer's rule for the warning split-by-wall.
func mostlyWall(l *lifecycle.LedgerLine) bool {
	return l.Booked != nil && l.Booked.WallJ != nil && *l.Booked.WallJ > 0.2*l.SpansJ
}
