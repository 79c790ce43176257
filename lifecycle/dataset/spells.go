package dataset

import "slices"

// spell is a stretch of time, in s.
type spell struct{ from, to float64 }

// spells are stretches of time in their order, none of which touches another.
type spells []spell

// add adds a stretch of time, and returns what of it was not there. A moment is
// new where no stretch covers it.
func (s *spells) add(from, to float64) (news spells) {
	old := *s
	// Those that touch it are at i to k.
	i, _ := slices.BinarySearchFunc(old, from, func(p spell, t float64) int {
		if p.to < t {
			return -1
		}
		return 1
	})
	k := i
	at, joined := from, spell{from, to}
	for ; k < len(old) && old[k].from <= to; k++ {
		if old[k].from > at {
			news = append(news, spell{at, old[k].from})
		}
		at = old[k].to
		joined.from, joined.to = min(joined.from, old[k].from), max(joined.to, old[k].to)
	}
	if at < to || i == k {
		news = append(news, spell{at, to})
	}
	*s = slices.Replace(old, i, k, joined)
	return news
}

// within is what of the spells is in a stretch of time.
func (s spells) within(from, to float64) (in spells) {
	for _, p := range s {
		if a, b := max(p.from, from), min(p.to, to); a < b || a == b && from == to {
			in = append(in, spell{a, b})
		}
	}
	return in
}

// length is how long the spells are together, in s.
func (s spells) length() (sum float64) {
	for _, p := range s {
		sum += p.to - p.from
	}
	return sum
}
