package lifecycle

import (
	"math"
	"slices"
	"time"
)

// checkTimes checks the order of times, and that they agree with durations,
// which another clock measured (R7, R8).
func (c *checker) checkTimes() {
	r := c.record
	run := &r.Run
	if run.StartedAt == nil || run.EndedAt == nil {
		return
	}
	coarse := seconds(2 * optionalNumber(run.TimeResolutionS))
	c.inOrder("R7", "/run/ended_at", *run.StartedAt, "/run/started_at", *run.EndedAt, coarse)
	c.inOrder("R7", "/created_at", *run.EndedAt, "/run/ended_at", r.CreatedAt, coarse)

	slept := slices.ContainsFunc(r.Warnings, func(w Warning) bool { return w.Code == suspended })
	wall := run.EndedAt.Sub(*run.StartedAt).Seconds()
	if d := math.Abs(wall - run.DurationS); d > c.clockTolerance(wall, run.DurationS) && wall >= 0 && !slept {
		c.wrong("R7", "/run/duration_s", amountWords(run.DurationS)+" s", amountWords(wall)+" s between started_at and ended_at",
			"the duration is not that between the times, and no "+suspended+" is warned of")
	}

	shards := float64(max(1, len(run.Merged))) // a stage of a merged record sums over its ranks
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.StartedAt == nil || p.EndedAt == nil {
			continue
		}
		tolerance := seconds(c.clockTolerance(wall, run.DurationS))
		at := func(member string) string { return c.pointer("phases", i, member) }
		c.inOrder("R8", at("ended_at"), *p.StartedAt, at("started_at"), *p.EndedAt, coarse)
		c.inOrder("R8", at("started_at"), *run.StartedAt, "/run/started_at", *p.StartedAt, tolerance)
		if p.EndedAt.Sub(*run.EndedAt) > tolerance {
			c.wrong("R8", at("ended_at"), clockWords(*p.EndedAt), "not after /run/ended_at, "+clockWords(*run.EndedAt), "the stage ends after the run")
		}
		length := p.EndedAt.Sub(*p.StartedAt).Seconds() * shards
		if d := optionalNumber(p.DurationS); d-length > c.clockTolerance(d, length) && length >= 0 {
			c.wrong("R8", at("duration_s"), amountWords(d)+" s", "at most the "+amountWords(length)+" s between started_at and ended_at",
				"the stage lasts longer than between its times")
		}
	}
}

// clockTolerance is by how much two durations may differ that different clocks
// measured.
func (c *checker) clockTolerance(a, b float64) float64 {
	return 2 + 0.001*max(math.Abs(a), math.Abs(b)) + 2*optionalNumber(c.record.Run.TimeResolutionS)
}

// inOrder tells of a time at a place that is before an earlier one.
func (c *checker) inOrder(rule, at string, before time.Time, beforeAt string, after time.Time, tolerance time.Duration) {
	if before.Sub(after) > tolerance {
		c.wrong(rule, at, clockWords(after), "not before "+beforeAt+", "+clockWords(before), "the times are out of order")
	}
}

// clockWords is a time for a finding.
func clockWords(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// seconds is a duration that may be longer than Go can hold.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 1e9) * float64(time.Second))
}

// optionalNumber is 0 for what is not there.
func optionalNumber(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}
