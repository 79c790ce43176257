package lifecycle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
)

var someSalt = []byte("sixteen bytes or more")

// told is a record that tells all that a public one may not: it is made of
// another by adding what names runs, machines and people.
func (d dice) told(t testing.TB, r *Record) *Record {
	t.Helper()
	id := func() string { // of version 7, at the time
		b := make([]byte, 16)
		for i := range b {
			b[i] = byte(d.Uint32())
		}
		ms := time.Date(2026, 3, 2, 9, d.IntN(60), d.IntN(60), 1e6*(1+d.IntN(998)), time.UTC).UnixMilli()
		for i := range 6 {
			b[i] = byte(ms >> (40 - 8*i))
		}
		b[6], b[8] = 0x70|b[6]&15, 0x80|b[8]&63
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	}
	digest := func() string { return strings.ReplaceAll(id()+id(), "-", "") }
	begin := time.Date(2026, 3, 2, d.IntN(23), d.IntN(60), d.IntN(60), 1+d.IntN(1e9-1), time.UTC)
	by := begin.Sub(*r.Run.StartedAt)
	length := time.Duration(r.Run.DurationS * 1e9)
	end := begin.Add(length)
	r.Run.StartedAt, r.Run.EndedAt, r.CreatedAt = &begin, &end, end.Add(time.Duration(d.IntN(1e9)))
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Stage.Device() {
			continue
		}
		p.StartedAt, p.EndedAt = to(begin), to(end)
		for j := range p.Profile {
			p.Profile[j].Start = p.Profile[j].Start.Add(by)
		}
	}
	for i := range r.Factors {
		if s := r.Factors[i].Series; s != nil {
			at, err := time.Parse(time.RFC3339, s.Start)
			require.NoError(t, err)
			s.Start = at.Add(by).Format(time.RFC3339Nano)
		}
	}
	r.Run.ID, r.Run.TraceID, r.Run.Parent = id(), digest()[:32], id()
	r.Run.Segment = &Segment{Series: id(), Index: 3}
	r.Publisher.Confidentiality, r.Publisher.Contact = []string{"internal", "confidential"}[d.IntN(2)], "jane.doe@example.com"
	r.Supersedes = []string{digest(), digest()}
	for i := range r.Hardware {
		r.Hardware[i].Instance = []string{digest()[:16], digest()[:16]}
	}
	for i := range r.Amortised {
		r.Amortised[i].Run, r.Amortised[i].Digest = id(), digest()
	}
	r.Extensions = map[string]any{
		TimelineExtension: map[string]any{"version": 1, "groups": []any{}},
		"com.example.a/b": 1, "com.example.notes": map[string]any{"host": "node17", "at": begin.String()}, "com.example.kept": "yes",
	}
	delete(r.Extensions, "com.example.a/b") // no reverse domain name
	r.Warnings = nil
	require.NoError(t, Assess(r))
	FillMissing(r)
	r.Missing = append(r.Missing, Missing{Path: "/extensions/com.example.notes/place", Reason: "unknown"})
	r.Warnings = append(r.Warnings, Warning{Code: "device-unknown", Path: "/extensions/com.example.notes/host", Detail: "which one"})
	if d.IntN(2) > 0 {
		require.NoError(t, r.Seal())
	}
	return r
}

// wrongs are the findings that make a record invalid.
func wrongs(r *Record) []Finding {
	return slices.DeleteFunc(Validate(r), func(f Finding) bool { return f.Warning })
}

// secrets are all texts of a record that a public one may not hold.
func secrets(r *Record, resolution time.Duration) (all []string) {
	all = append(all, r.Run.ID, strings.ReplaceAll(r.Run.ID, "-", ""), r.Run.ID[9:], r.Run.TraceID, r.Publisher.Contact, r.Run.Parent, r.Run.Segment.Series)
	all = append(all, r.Supersedes...)
	exact := func(t *time.Time) {
		if t != nil && !t.Truncate(time.Second).Equal(t.Truncate(resolution)) {
			all = append(all, t.Format("15:04:05"), fmt.Sprint(t.UnixMilli()), fmt.Sprintf("%012x", t.UnixMilli()), fmt.Sprint(t.Unix()))
		}
	}
	exact(r.Run.StartedAt)
	exact(r.Run.EndedAt)
	exact(&r.CreatedAt)
	for _, p := range r.Phases {
		exact(p.StartedAt)
		for _, q := range p.Profile {
			exact(&q.Start)
		}
	}
	for _, f := range r.Factors {
		if f.Series != nil {
			all = append(all, f.Series.Start)
		}
	}
	for _, h := range r.Hardware {
		all = append(all, h.Instance...)
	}
	for _, a := range r.Amortised {
		all = append(all, a.Run, a.Digest)
	}
	for _, m := range r.Run.Merged {
		all = append(all, m.ID, m.Digest)
	}
	return append(all, "com.example.notes/", "node17")
}

// numbers are all numbers of a record, as they are written.
func numbers(t testing.TB, r *Record) []string {
	own := copyOf(t, r)
	own.Run.TimeResolutionS, own.Extensions = nil, nil
	var all []string
	visit(tree(t, encoded(t, own)), "", func(at string, v any) {
		if n, ok := v.(json.Number); ok {
			all = append(all, at+" "+n.String())
		}
	})
	slices.Sort(all)
	return all
}

func TestARedactedRecordIsValidAndTellsNothingOfTheRun(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(60)) {
		d := dice{rand.New(rand.NewPCG(seed, 9))}
		r := d.told(t, []func() *Record{func() *Record { return small(t) }, everything, d.record}[seed%3]())
		require.Empty(t, wrongs(r), "seed %d", seed)
		before := everythingIn(r)
		resolution := []time.Duration{0, time.Minute, 24 * time.Hour}[d.IntN(3)]
		got, done, err := Redact(r, "public", Redacting{Salt: someSalt, Resolution: resolution, Keep: []string{"com.example.kept"}})
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, before, everythingIn(r), "the record itself stays as it is")
		require.Empty(t, wrongs(got), "seed %d", seed)
		require.Equal(t, "public", got.Publisher.Confidentiality)
		require.Equal(t, r.Integrity == nil, got.Integrity == nil, "what was sealed is sealed anew")
		if resolution == 0 {
			resolution = time.Hour
		}
		text := string(encoded(t, got))
		for _, s := range secrets(r, resolution) {
			require.NotContains(t, text, s, "seed %d, resolution %v", seed, resolution)
		}
		require.Contains(t, got.Extensions, TimelineExtension)
		require.Contains(t, got.Extensions, "com.example.kept")
		require.Equal(t, resolution.Seconds(), *got.Run.TimeResolutionS)
		for _, at := range []time.Time{*got.Run.StartedAt, *got.Run.EndedAt, got.CreatedAt} {
			require.Equal(t, at.Truncate(resolution), at)
		}
		require.Equal(t, got.Run.StartedAt.Truncate(resolution), *got.Run.StartedAt)
		ms, err := hex.DecodeString(strings.ReplaceAll(got.Run.ID, "-", "")[:12])
		require.NoError(t, err)
		var id int64
		for _, b := range ms {
			id = id<<8 | int64(b)
		}
		require.Zero(t, id%resolution.Milliseconds(), "an id holds a time")
		listed := map[string]bool{}
		for _, m := range got.Missing {
			if m.Reason == "redacted" {
				listed[m.Path] = true
			}
		}
		for _, done := range done {
			require.Equal(t, done.Did == "removed", listed[done.Path], "what is gone is in missing: %v", done)
		}
		for _, path := range []string{"/run/trace_id", "/publisher/contact", "/hardware/0/instance", "/supersedes", "/extensions/com.example.notes"} {
			require.True(t, listed[path], path)
		}

		again, nothing, err := Redact(got, "public", Redacting{Salt: []byte("another salt of sixteen"), Resolution: resolution, Keep: []string{"com.example.kept"}})
		require.NoError(t, err)
		require.Equal(t, text, string(encoded(t, again)), "seed %d: redacting twice is redacting once", seed)
		require.Empty(t, nothing)
	}
}

func TestRedactingChangesNoFigure(t *testing.T) {
	t.Parallel()
	for seed := range race.Few(uint64(30)) {
		d := dice{rand.New(rand.NewPCG(seed, 10))}
		r := d.told(t, []func() *Record{func() *Record { return small(t) }, everything, d.record}[seed%3]())
		got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
		require.NoError(t, err)
		want := numbers(t, r)
		require.Greater(t, len(want), 50)
		require.True(t, slices.Equal(want, numbers(t, got)), "seed %d", seed)
	}
}

// job is a merged record of two ranks.
func job(t testing.TB) *Record {
	r := small(t)
	r.Run.Rank, r.Run.Coverage = nil, to(1.0)
	for i := range 2 {
		r.Run.Merged = append(r.Run.Merged, MergedShard{
			ID: fmt.Sprintf("019df184-1c0%d-7000-8000-00000000000%d", i, i+2), Rank: i, DurationS: float64(1000 * i), Digest: strings.Repeat(fmt.Sprint(i+1), 64),
		})
	}
	require.Empty(t, wrongs(r))
	return r
}

func TestShardsOfAJobGetOtherNames(t *testing.T) {
	r := job(t)
	r.Run.Parent = "019df184-1c00-7000-8000-000000000abc"
	got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	require.Empty(t, wrongs(got))
	for i, m := range got.Run.Merged {
		assert.NotEqual(t, r.Run.Merged[i].ID, m.ID)
		assert.NotEqual(t, r.Run.Merged[i].Digest, m.Digest)
		assert.Equal(t, r.Run.Merged[i].DurationS, m.DurationS)
	}
	assert.Contains(t, got.Missing, Missing{Path: "/run/merged", What: shardDigests, Reason: "redacted"})
	again, done, err := Redact(got, "public", Redacting{Salt: []byte("another salt of sixteen")})
	require.NoError(t, err)
	assert.Empty(t, done)
	assert.Equal(t, got, again)

	search := small(t)
	search.Run.ID = r.Run.Parent
	of, _, err := Redact(search, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	assert.Equal(t, of.Run.ID, got.Run.Parent, "with one salt, records still refer to one another")
	stranger, _, err := Redact(search, "public", Redacting{Salt: []byte("another salt of sixteen")})
	require.NoError(t, err)
	assert.NotEqual(t, of.Run.ID, stranger.Run.ID, "with another they do not")
	assert.Equal(t, of.Run.ID[:13], stranger.Run.ID[:13], "but for the coarse time")
	assert.Equal(t, byte('7'), of.Run.ID[14])
}

func TestTimesAreMadeCoarserButNeverFiner(t *testing.T) {
	r := small(t)
	r.Run.StartedAt, r.Run.EndedAt = to(r.Run.StartedAt.Add(90*time.Minute)), to(r.Run.EndedAt.Add(90*time.Minute))
	r.CreatedAt = r.CreatedAt.Add(90 * time.Minute)
	for i := range r.Phases {
		if p := &r.Phases[i]; p.StartedAt != nil {
			p.StartedAt, p.EndedAt = to(p.StartedAt.Add(90*time.Minute)), to(p.EndedAt.Add(90*time.Minute))
		}
	}
	at := func(r *Record) string { return r.Run.StartedAt.Format("15:04") }
	assert.Equal(t, "07:30", at(r))
	hour, _, err := Redact(r, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	assert.Equal(t, "07:00", at(hour))
	minute, _, err := Redact(hour, "public", Redacting{Salt: someSalt, Resolution: time.Minute})
	require.NoError(t, err)
	assert.Equal(t, 3600.0, *minute.Run.TimeResolutionS, "it is not known any better")
	assert.Equal(t, hour.Run.ID, minute.Run.ID)
	day, done, err := Redact(hour, "public", Redacting{Salt: someSalt, Resolution: 24 * time.Hour})
	require.NoError(t, err)
	assert.Equal(t, "00:00", at(day))
	assert.Equal(t, 86400.0, *day.Run.TimeResolutionS)
	assert.NotEqual(t, hour.Run.ID, day.Run.ID, "its time was finer")
	assert.Contains(t, done, Redaction{"/run/id", "renewed"})
}

// A profile of half hours that begins at 08:30 meets the second value of a series
// that begins at 08:00. It must do so afterwards.
func TestAProfileStillMeetsItsOwnIntensities(t *testing.T) {
	r := everything()
	r.Phases[0].Profile[0].Start = begin.Add(-30 * time.Minute)
	require.NoError(t, Assess(r))
	FillMissing(r)
	require.Empty(t, wrongs(r))
	got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	assert.Equal(t, r.Phases[0].OperationalGCO2e, got.Phases[0].OperationalGCO2e)
	p, s := got.Phases[0].Profile[0], got.Factors[0].Series
	assert.Equal(t, "08:00", p.Start.Format("15:04"))
	assert.Equal(t, "2026-03-02T07:30:00Z", s.Start, "both went back by half an hour")
}

func TestWhoMayReadDecidesWhatIsTold(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 11))}
	r := d.told(t, small(t))
	for readers, want := range map[string]struct{ instance, extension, trace, exact bool }{
		"public":       {},
		"internal":     {trace: true, exact: true},
		"confidential": {true, true, true, true},
	} {
		got, done, err := Redact(r, readers, Redacting{Salt: someSalt})
		require.NoError(t, err)
		require.Empty(t, wrongs(got))
		assert.Equal(t, readers, got.Publisher.Confidentiality)
		assert.Equal(t, want.instance, got.Hardware[0].Instance != nil)
		assert.Equal(t, want.extension, got.Extensions["com.example.notes"] != nil)
		assert.Equal(t, want.trace, got.Run.TraceID != "")
		assert.Equal(t, want.exact, got.Run.StartedAt.Equal(*r.Run.StartedAt) && got.Run.ID == r.Run.ID && got.Run.TimeResolutionS == nil)
		assert.Equal(t, readers == "confidential", len(done) == 0)
	}
}

func TestWhatIsNotPublishedSaysWhy(t *testing.T) {
	good := Redacting{Salt: someSalt}
	for name, test := range map[string]struct {
		change  func(*Record)
		readers string
		how     Redacting
		is      error
		says    string
	}{
		"a secret":             {func(r *Record) { r.Publisher.Confidentiality = "secret" }, "public", good, ErrSecret, "not published"},
		"a secret, inside":     {func(r *Record) { r.Publisher.Confidentiality = "secret" }, "internal", good, ErrSecret, ""},
		"to whom":              {func(*Record) {}, "secret", good, ErrRedacting, "public, internal or confidential"},
		"to nobody":            {func(*Record) {}, "", good, ErrRedacting, ""},
		"without a salt":       {func(*Record) {}, "public", Redacting{Salt: []byte("short")}, ErrRedacting, "16 random bytes"},
		"to a week":            {func(*Record) {}, "public", Redacting{Salt: someSalt, Resolution: 7 * 24 * time.Hour}, ErrRedacting, "divide a day"},
		"to seven seconds":     {func(*Record) {}, "public", Redacting{Salt: someSalt, Resolution: 7 * time.Second}, ErrRedacting, ""},
		"to less than nothing": {func(*Record) {}, "public", Redacting{Salt: someSalt, Resolution: -time.Hour}, ErrRedacting, ""},
		"a wrong sum":          {func(r *Record) { r.Totals.EnergyJ.Value *= 1.01 }, "public", good, nil, "/totals/energy_j/value"},
		"a broken seal": {func(r *Record) { r.Integrity = &Integrity{"RFC8785", strings.Repeat("0", 64)} }, "public", good, nil,
			"/integrity/sha256"},
		"a path in a text": {func(r *Record) { r.UseCase.Goal, r.Publisher.Confidentiality = "read /home/jane/data", "internal" }, "public", good, nil,
			"/use_case/goal (an absolute path)"},
		"the same in a public record": {func(r *Record) { r.UseCase.Goal = "read /home/jane/data" }, "public", good, nil, "/use_case/goal (an absolute path)"},
		"a mail address in an extension that is kept": {func(r *Record) {
			r.Publisher.Confidentiality, r.Extensions = "internal", map[string]any{"com.example.kept": []any{"jane@example.com"}}
		}, "public", Redacting{Salt: someSalt, Keep: []string{"com.example.kept"}}, nil, "/extensions/com.example.kept/0 (an e-mail address)"},
		"its id in its name":     {func(r *Record) { r.Run.Name = "run " + r.Run.ID }, "public", good, nil, "/run/name (an id that was removed)"},
		"its trace id in a span": {func(r *Record) { r.Methods[0].Mode = strings.ToUpper(r.Run.TraceID) + "!" }, "public", good, nil, "/methods/0/mode (an id that was removed)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := small(t)
			test.change(r)
			got, done, err := Redact(r, test.readers, test.how)
			assert.Nil(t, got)
			assert.Nil(t, done)
			require.Error(t, err)
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			}
			assert.Contains(t, err.Error(), test.says)
			assert.NotContains(t, err.Error(), "jane", "an error does not tell what it hides")
			if strings.Contains(test.says, "(") {
				telling := (*IdentifierError)(nil)
				require.True(t, errors.As(err, &telling))
				assert.Len(t, telling.Findings, 1)
			}
		})
	}
}

func TestAPublicRecordWithAContactCanBeMended(t *testing.T) {
	r := small(t)
	r.Publisher.Contact, r.Hardware[0].Instance = "jane@example.com", []string{"0123456789abcdef"}
	require.NotEmpty(t, wrongs(r))
	got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	assert.Empty(t, wrongs(got))
	assert.False(t, bytes.Contains(encoded(t, got), []byte("jane")))
}

func TestAnEstimateHasNoTimesButAnId(t *testing.T) {
	r := small(t)
	r.Run.Status, r.Run.StartedAt, r.Run.EndedAt = Estimated, nil, nil
	for i := range r.Phases {
		r.Phases[i].StartedAt, r.Phases[i].EndedAt = nil, nil
	}
	r.Spans = slices.Delete(r.Spans, 2, 3)
	r.Spans[1].SelfS, r.Spans[1].TotalS, r.Spans[1].SelfJ = 700, 700, 405000
	for _, s := range []**float64{&r.Spans[1].MinS, &r.Spans[1].P50S, &r.Spans[1].P95S, &r.Spans[1].P99S, &r.Spans[1].MaxS} {
		*s = to(700.0)
	}
	r.Warnings = nil
	require.NoError(t, Assess(r))
	require.Empty(t, wrongs(r))
	got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
	require.NoError(t, err)
	assert.Empty(t, wrongs(got))
	assert.NotEqual(t, r.Run.ID, got.Run.ID)
}

// Whatever the record, it is redacted into a valid one or refused, and rated or
// not, and stays what it is.
func TestSpoiltRecordsAreRedactedOrRefused(t *testing.T) {
	t.Parallel()
	redacted := 0
	for seed := range race.Few(uint64(240)) {
		d := dice{rand.New(rand.NewPCG(seed, 12))}
		r := d.told(t, []func() *Record{func() *Record { return small(t) }, everything}[seed%2]())
		if d.IntN(2) > 0 {
			r.Integrity = nil
		}
		d.mutate(r)
		before := everythingIn(r)
		_, ratingErr := Rate(r)
		got, _, err := Redact(r, "public", Redacting{Salt: someSalt})
		require.Equal(t, before, everythingIn(r), "seed %d", seed)
		if err != nil {
			require.Nil(t, got)
			continue
		}
		redacted++
		require.Empty(t, wrongs(got), "seed %d", seed)
		if len(wrongs(r)) == 0 {
			require.NoError(t, ratingErr, "seed %d", seed)
		}
	}
	assert.NotZero(t, redacted)
}
