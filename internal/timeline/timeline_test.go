package timeline

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// small is a timeline of one domain and two accounts, of which one chapter was
// traced.
func small() *Timeline {
	return &Timeline{
		Version: Version, Accounts: []int{0, 1},
		Groups: []Group{{
			TS: []float64{0, 1, 2}, CPUS: []float64{0, 1, 1},
			Domains: []Domain{
				{Domain: "cpu0", TotalJ: []float64{0, 20, 25}, ActiveJ: []float64{0, 15, 15}, SpansJ: []float64{14, 5}},
				{Domain: "gpu0", TotalJ: []float64{0, 50, 100}},
			},
			Chapters: []Chapter{{
				FromS: 0, ToS: 1, Accounts: []int{2, 1}, WallS: []float64{0.5, 0.5},
				Domains: []Booking{{Domain: "cpu0", SpansJ: []float64{5, 14}, IdleJ: []float64{2.5, 2.5}}},
			}},
		}},
	}
}

func record(v any) *lifecycle.Record {
	return &lifecycle.Record{Spans: make([]lifecycle.Span, 2), Extensions: map[string]any{Key: v}}
}

func TestATimelineIsReadAsItWasWritten(t *testing.T) {
	got, err := Of(record(small()))
	require.NoError(t, err)
	assert.Equal(t, small(), got)
}

func TestATimelineThatDoesNotAgreeWithItselfIsRefused(t *testing.T) {
	_, err := Of(&lifecycle.Record{})
	assert.ErrorIs(t, err, ErrNone)
	_, err = Of(record([]int{1}))
	assert.ErrorContains(t, err, Key)
	group := func(f func(g *Group)) func(*Timeline) { return func(tl *Timeline) { f(&tl.Groups[0]) } }
	chapter := func(f func(c *Chapter)) func(*Timeline) {
		return func(tl *Timeline) { f(&tl.Groups[0].Chapters[0]) }
	}
	for name, c := range map[string]struct {
		edit func(*Timeline)
		want string
	}{
		"a later version":              {func(tl *Timeline) { tl.Version++ }, "version 2"},
		"an account of no span":        {func(tl *Timeline) { tl.Accounts[1] = 2 }, "account 2"},
		"a span before the first":      {func(tl *Timeline) { tl.Accounts[0] = -1 }, "account 1"},
		"times that fall":              {group(func(g *Group) { g.TS[2] = 0.5 }), "group 0"},
		"fewer CPU times than times":   {group(func(g *Group) { g.CPUS = g.CPUS[:2] }), "group 0"},
		"CPU times that fall":          {group(func(g *Group) { g.CPUS[2] = 0 }), "group 0"},
		"fewer totals than times":      {group(func(g *Group) { g.Domains[1].TotalJ = g.Domains[1].TotalJ[:1] }), `"gpu0"`},
		"fewer joules than times":      {group(func(g *Group) { g.Domains[0].ActiveJ = g.Domains[0].ActiveJ[:1] }), `"cpu0"`},
		"fewer sums than accounts":     {group(func(g *Group) { g.Domains[0].SpansJ = g.Domains[0].SpansJ[:1] }), `"cpu0"`},
		"a domain twice":               {group(func(g *Group) { g.Domains[1].Domain = "cpu0" }), "twice"},
		"a chapter without length":     {chapter(func(c *Chapter) { c.ToS = 0 }), "chapter 0"},
		"chapters that overlap":        {group(func(g *Group) { g.Chapters = append(g.Chapters, g.Chapters[0]) }), "chapter 1"},
		"a chapter of no account":      {chapter(func(c *Chapter) { c.Accounts[0] = 3 }), "account 3"},
		"a chapter of the account 0":   {chapter(func(c *Chapter) { c.Accounts[0] = 0 }), "account 0"},
		"an account twice":             {chapter(func(c *Chapter) { c.Accounts[0] = 1 }), "twice"},
		"fewer wall shares":            {chapter(func(c *Chapter) { c.WallS = nil }), "wall shares"},
		"a booking of no domain":       {chapter(func(c *Chapter) { c.Domains[0].Domain = "cpu1" }), `"cpu1"`},
		"a booking of a claimed one":   {chapter(func(c *Chapter) { c.Domains[0].Domain = "gpu0" }), `"gpu0"`},
		"a booking twice":              {chapter(func(c *Chapter) { c.Domains = append(c.Domains, c.Domains[0]) }), "twice"},
		"fewer bookings than accounts": {chapter(func(c *Chapter) { c.Domains[0].SpansJ = nil }), `"cpu0"`},
		"fewer idle joules":            {chapter(func(c *Chapter) { c.Domains[0].IdleJ = nil }), `"cpu0"`},
	} {
		t.Run(name, func(t *testing.T) {
			tl := small()
			c.edit(tl)
			_, err := Of(record(tl))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestNumbersThatAreNoneAreRefused(t *testing.T) {
	assert.True(t, finite(0, -1, math.MaxFloat64))
	assert.False(t, finite(0, math.NaN()))
	assert.False(t, finite(math.Inf(-1)))
	assert.True(t, rises(nil))
	assert.True(t, rises([]float64{1, 1, 2}))
	assert.False(t, rises([]float64{1, 0}))
	assert.False(t, rises([]float64{1, math.NaN(), 2}))
}

// Trap 52: first and last instant included, none twice.
func TestBetweenTwoInstantsPowerIsConstant(t *testing.T) {
	ts, v := []float64{0, 1, 1, 3}, []float64{0, 10, 12, 20}
	for at, want := range map[float64]float64{-1: 0, 0: 0, 0.5: 5, 1: 12, 2: 16, 3: 20, 9: 20} {
		assert.Equal(t, want, At(ts, v, at), "at %v s", at)
	}
	assert.Zero(t, At(nil, nil, 1))
}
