package tracer

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTalliesTogetherAreThoseOfEach holds the one pass over all accounts to what
// adding up those below each says.
func TestTalliesTogetherAreThoseOfEach(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		r := &Run{ledger: &ledger{groups: []*group{{domains: make([]*domain, 2)}}}, services: make([]service, 3)}
		r.root = &account{run: r}
		book := func() sums {
			n := func() float64 { return float64(rng.IntN(1000)) }
			return sums{f: []float64{n(), n()}, d: []float64{n(), n()}, c: n(), q: n()}
		}
		r.books = []*runBook{{none: book(), held: []float64{1, 2}}}
		all := []*account{r.root}
		for range 60 {
			under := all[rng.IntN(len(all))]
			a := &account{run: r, parent: under, depth: under.depth + 1, groups: []accountGroup{{sums: book()}}}
			a.uses = []serviceUse{{service: rng.IntN(3), amount: float64(rng.IntN(1000))}}
			r.accounts, all = append(r.accounts, a), append(all, a)
		}
		var tops []*account
		for _, n := range rng.Perm(len(all))[:1+rng.IntN(12)] {
			tops = append(tops, all[n])
		}
		got := r.tallies(tops)
		for i, top := range tops {
			want := make(tally, 2*2+2+3)
			for _, a := range r.accounts {
				if a.isBelow(top) {
					want.addAccount(a)
				}
			}
			if top == r.root {
				want.add(0, &r.books[0].none, r.books[0].held)
			}
			assert.Equal(t, want, got[i], "seed %d", seed)
		}
	}
}
