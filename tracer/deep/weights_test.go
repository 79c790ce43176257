package deep

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
