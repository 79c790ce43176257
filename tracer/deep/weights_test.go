package deep

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/internal/timeline"
)

func TestCallsCountAsFarAsTheProcessUsedMoreThanItsGoroutines(t *testing.T) {
	type times = map[worker]float64
	for name, c := range map[string]struct {
		proc        float64
		ran, called times
		want        times
	}{
		"all of it was in goroutines": {100, times{1: 60, 2: 40}, times{3: 100}, times{1: 60, 2: 40}},
		"the scheduler had a little":  {100, times{1: 60, 2: 31}, times{3: 100}, times{1: 60, 2: 31}},
		"a call that computes":        {160, times{1: 60}, times{3: 100}, times{1: 60, 3: 100, stray: 0}},
		"calls that wait for most":    {100, times{1: 60}, times{2: 300, 3: 100}, times{1: 60, 2: 30, 3: 10, stray: 0}},
		"threads that Go did not start": {
			500, times{1: 60}, times{3: 40}, times{1: 60, 3: 40, stray: 400}},
		"they alone":                 {500, times{}, times{}, times{stray: 500}},
		"threads without a CPU":      {50, times{1: 60, 2: 60}, times{3: 60}, times{1: 60, 2: 60}},
		"CPU time that is not known": {0, times{1: 60}, times{3: 60}, times{1: 60}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, usage{c.ran, c.called}.weights(c.proc)) })
	}
}

func TestWhatTheRuntimeDoesIsSpreadLikeTheRest(t *testing.T) {
	for name, c := range map[string]struct {
		w             map[worker]float64
		one, two      float64
		stray, nobody float64
	}{
		"spans alone":                     {map[worker]float64{7: 30, 9: 10}, 75, 25, 0, 0},
		"the runtime is nobody's":         {map[worker]float64{7: 30, 9: 10, system: 40}, 75, 25, 0, 0},
		"nor are other runs":              {map[worker]float64{7: 30, 9: 10, other: 40}, 75, 25, 0, 0},
		"no span":                         {map[worker]float64{7: 30, stray: 10}, 75, 0, 25, 0},
		"no span was open":                {map[worker]float64{9: 30, nobody: 10}, 0, 75, 0, 25},
		"a path that had no span open":    {map[worker]float64{7: 30, 8: 10}, 75, 0, 25, 0},
		"nobody ran":                      {nil, 0, 0, 100, 0},
		"only the runtime and other runs": {map[worker]float64{system: 5, other: 5}, 0, 0, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRebooking(&timeline.Timeline{Accounts: make([]int, 9), Groups: []timeline.Group{{
				TS: []float64{0, 1}, CPUS: []float64{0, 1},
				Domains:  []timeline.Domain{{Domain: "cpu0", ActiveJ: []float64{0, 100}}},
				Chapters: []timeline.Chapter{{ToS: 1, Accounts: []int{7, 9}, Domains: []timeline.Booking{{Domain: "cpu0"}}}},
			}}})
			c0 := b.groups[0].chapters[0]
			c0.take(c.w, func(string) float64 { return 100 })
			assert.Equal(t, []domainBooking{{spans: []float64{c.one, c.two}, stray: c.stray, nobody: c.nobody}}, c0.domains)
		})
	}
}
