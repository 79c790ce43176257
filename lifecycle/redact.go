package lifecycle

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// TimelineExtension is the extension that holds a run's power over time, if it
// was asked to keep it. It counts from the run's begin and names nothing but
// domains, so that it may be published.
const TimelineExtension = "io.github.ecotracer.timeline"

// ForecastExtension is the extension that holds what a run was expected to come to,
// if its spans said what they expect: tracer.Forecasts reads it.
const ForecastExtension = "io.github.ecotracer.forecast"

// Redacting is how a record is redacted. The zero value lacks only the salt.
type Redacting struct {
	// Salt is at least 16 random bytes, from which ids are renewed; nothing else
	// is random here. Records that are redacted with one salt still refer to one
	// another, such as a trial to its search. Whoever knows the salt can tell
	// which record a redacted one was: throw it away. It is only needed for
	// public.
	Salt []byte
	// Resolution is what times are coarsened to: a whole number of seconds by
	// which a day can be divided. 0 stands for an hour.
	Resolution time.Duration
	// Keep are extensions that may be published, beside [TimelineExtension].
	Keep []string
}

// Redaction is something of a record that a redacted one tells no more, or less
// exactly.
type Redaction struct {
	Path string `json:"path"` // JSON Pointer into the record
	Did  string `json:"did"`  // removed, renewed or coarsened
}

// IdentifierError tells of texts that name a machine or a person (an absolute
// path, an address, a URL with credentials), or that repeat an id that was
// removed. They are in what somebody declared, which is theirs to put otherwise,
// so that nothing is struck out of it.
type IdentifierError struct{ Findings []Finding }

// Error names the places. It does not repeat the texts.
func (e *IdentifierError) Error() string {
	var places []string
	for _, f := range e.Findings {
		places = append(places, f.Pointer+" ("+f.Found+")")
	}
	return "lifecycle: the record cannot be published before these texts are put otherwise: " + some(places)
}

// The errors of [Redact] for records that nobody may read, and for readers, salts
// and resolutions that it cannot redact for.
var (
	ErrSecret    = errors.New("lifecycle: a secret record is not published: whoever may decide it gives it another confidentiality first")
	ErrRedacting = errors.New("lifecycle: it cannot be redacted so")
)

// Redact makes the record that readers may see: those outside (public), those of
// the organisation (internal), or those who are in the know (confidential). The
// new record is of that confidentiality. What it does not tell any more is
// returned, and listed in its missing as redacted where it is absent:
//
//	                                      public     internal  confidential
//	extensions that are not kept          removed    removed
//	hardware/*/instance                   removed    removed
//	run/trace_id, publisher/contact       removed
//	supersedes, amortised/*/digest        removed
//	ids of runs and series; digests       renewed
//	  of shards
//	times                                 coarsened
//
// Times are those of the run and its stages, created_at, and the begins of
// profiles and of hourly values, and time_resolution_s tells how coarse they are
// then. A profile and hourly values are put back together, by less than that, so
// that each step still meets its own intensity. The id of a run holds the time at
// which it was made; the new one holds that time coarsened.
//
// All else stays, because it is what a public record is for. Texts that somebody
// declared stay word for word: names of run, publisher and project, purpose, places,
// regions, machine types, products, data sets and models with their digests, names
// of spans and units; that they name nobody, such as a host, is for whoever
// declared them to see, and only what can be told by its form is refused. The keys
// of removed extensions stay, in missing. Figures stay to the digit, durations among
// them, so that all arithmetic holds. They are many, and exact: whoever has the
// original knows the redacted record again, and whoever looks up a grid's hourly
// values where they are published finds the hours of the run, and how its profile
// lies in them. What is hidden is what a stranger could find out from the rest.
//
// A record with integrity is sealed anew. One that was redacted already stays as
// it is. A secret record is refused ([ErrSecret]), and for the public one with
// texts that tell of a machine or a person ([*IdentifierError]). The record must
// be valid ([Validate]), but for what is removed here; it is not changed. With an
// error nothing is returned, so that nothing is published by mistake.
func Redact(r *Record, readers string, how Redacting) (*Record, []Redaction, error) {
	if how.Resolution == 0 {
		how.Resolution = time.Hour
	}
	switch {
	case r.Publisher.Confidentiality == "secret":
		return nil, nil, ErrSecret
	case !slices.Contains([]string{"public", "internal", "confidential"}, readers):
		return nil, nil, fmt.Errorf("%w: readers are public, internal or confidential", ErrRedacting)
	case readers == "public" && len(how.Salt) < 16:
		return nil, nil, fmt.Errorf("%w: ids are renewed from at least 16 random bytes: give a salt", ErrRedacting)
	case how.Resolution < time.Second || how.Resolution%time.Second != 0 || 24*time.Hour%how.Resolution != 0:
		return nil, nil, fmt.Errorf("%w: times are coarsened to whole seconds that divide a day, such as a minute or an hour", ErrRedacting)
	}
	for _, f := range Validate(r) {
		if !f.Warning && (f.Rule != "R40" || f.Pointer == "/integrity/sha256") {
			return nil, nil, errors.New("lifecycle: a record that is not valid is not redacted: " + f.String())
		}
	}
	var text bytes.Buffer
	if err := Encode(&text, r); err != nil {
		return nil, nil, err
	}
	own, err := Decode(&text)
	if err != nil {
		return nil, nil, err
	}
	x := &redactor{Redacting: how, record: own, coarse: optionalNumber(own.Run.TimeResolutionS) >= how.Resolution.Seconds()}
	own.Publisher.Confidentiality, own.Integrity = readers, nil
	if readers != "confidential" {
		x.removeLinks()
	}
	if readers == "public" {
		x.removeIdentity()
		x.renewIDs()
		x.coarsenTimes()
	}
	x.tidy()
	if r.Integrity != nil {
		if err := own.Seal(); err != nil {
			return nil, nil, err
		}
	}
	if err := publishable(own, x.leaks(r)); err != nil {
		return nil, nil, err
	}
	return own, x.done, nil
}

// publishable finds fault with a record that must not leave.
func publishable(r *Record, leaks []Finding) error {
	telling := IdentifierError{leaks}
	for _, f := range Validate(r) {
		switch {
		case f.Warning:
		case f.Rule == "R40":
			telling.Findings = append(telling.Findings, f)
		default:
			return errors.New("lifecycle: redacted, the record is not valid: " + f.String())
		}
	}
	if len(telling.Findings) > 0 {
		return &telling
	}
	return nil
}

// redactor redacts a record of its own.
type redactor struct {
	Redacting
	record *Record
	coarse bool // it was coarsened before, as much or more
	done   []Redaction
}

func (x *redactor) did(what, path string) { x.done = append(x.done, Redaction{path, what}) }

// removed lists a member that is absent now.
func (x *redactor) removed(path string) {
	x.did("removed", path)
	x.record.Missing = append(x.record.Missing, Missing{Path: path, Reason: "redacted"})
}

// drop removes a text.
func (x *redactor) drop(text *string, path string) {
	if *text != "" {
		*text = ""
		x.removed(path)
	}
}

// removeLinks removes what links the record to a machine, and what nobody here
// knows the meaning of.
func (x *redactor) removeLinks() {
	r := x.record
	for i := range r.Hardware {
		if h := &r.Hardware[i]; len(h.Instance) > 0 {
			h.Instance = nil
			x.removed(pointer("hardware", i, "instance"))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Extensions)) {
		if key != TimelineExtension && !slices.Contains(x.Keep, key) {
			delete(r.Extensions, key)
			x.removed("/extensions/" + escapePointer(key))
		}
	}
}

// removeIdentity removes what names a person, or the same run elsewhere.
func (x *redactor) removeIdentity() {
	r := x.record
	x.drop(&r.Run.TraceID, "/run/trace_id")
	x.drop(&r.Publisher.Contact, "/publisher/contact")
	if len(r.Supersedes) > 0 {
		r.Supersedes = nil
		x.removed("/supersedes")
	}
	for i := range r.Amortised {
		x.drop(&r.Amortised[i].Digest, pointer("amortised", i, "digest"))
	}
}

// coarsenTimes takes from each time what is below the resolution.
func (x *redactor) coarsenTimes() {
	r := x.record
	coarsen := func(t *time.Time, path string) {
		if t == nil {
			return
		}
		if c := t.UTC().Truncate(x.Resolution); !c.Equal(*t) {
			*t = c
			x.did("coarsened", path)
		}
	}
	coarsen(&r.CreatedAt, "/created_at")
	coarsen(r.Run.StartedAt, "/run/started_at")
	coarsen(r.Run.EndedAt, "/run/ended_at")
	var first *time.Time // of all profiles
	for i := range r.Phases {
		p := &r.Phases[i]
		coarsen(p.StartedAt, pointer("phases", i, "started_at"))
		coarsen(p.EndedAt, pointer("phases", i, "ended_at"))
		for j := range p.Profile {
			if t := &p.Profile[j].Start; first == nil || t.Before(*first) {
				first = t
			}
		}
	}
	if first != nil {
		x.putBack(first.Sub(first.UTC().Truncate(x.Resolution)))
	}
	for i := range r.Factors {
		s := r.Factors[i].Series
		if s == nil || first != nil {
			continue
		}
		if t, err := time.Parse(time.RFC3339, s.Start); err == nil {
			was := t
			if coarsen(&t, pointer("factors", i, "series", "start")); !t.Equal(was) {
				s.Start = t.Format(time.RFC3339Nano)
			}
		}
	}
	if !x.coarse {
		r.Run.TimeResolutionS = new(float64)
		*r.Run.TimeResolutionS = x.Resolution.Seconds()
	}
}

// putBack puts profiles and hourly values earlier by the same time.
func (x *redactor) putBack(by time.Duration) {
	if by == 0 {
		return
	}
	r := x.record
	for i := range r.Phases {
		for j := range r.Phases[i].Profile {
			p := &r.Phases[i].Profile[j]
			p.Start = p.Start.Add(-by)
			x.did("coarsened", pointer("phases", i, "profile", j, "start"))
		}
	}
	for i := range r.Factors {
		s := r.Factors[i].Series
		if s == nil {
			continue
		}
		if t, err := time.Parse(time.RFC3339, s.Start); err == nil {
			s.Start = t.UTC().Add(-by).Format(time.RFC3339Nano)
			x.did("coarsened", pointer("factors", i, "series", "start"))
		}
	}
}

// tidy takes out of missing and warnings what points into what was removed.
func (x *redactor) tidy() {
	r := x.record
	r.Missing = slices.DeleteFunc(r.Missing, func(m Missing) bool {
		parts := splitPointer(m.Path)
		return len(parts) > 2 && parts[0] == "extensions" && r.Extensions[parts[1]] == nil
	})
	for i := range r.Warnings {
		if _, there := lookup(r, r.Warnings[i].Path); there != present {
			r.Warnings[i].Path = ""
		}
	}
}
