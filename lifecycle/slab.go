package lifecycle

// slab gives out room for values that are many in a record, some at a time.
type slab[T any] struct {
	room []T
	used int
	full int // values of rooms before
}

// one is room for one value.
func (s *slab[T]) one() *T {
	if s.used == len(s.room) {
		s.full += s.used
		s.room, s.used = make([]T, min(max(8, 2*len(s.room)), 64)), 0
	}
	s.used++
	return &s.room[s.used-1]
}

// maxSlab is how many values are kept.
const maxSlab = 4 << 10

// reset takes all values back, each as empty leaves it, nil as it is. If they were
// in several rooms, the next ones will be in one.
func (s *slab[T]) reset(empty func(*T)) {
	if s.full > 0 {
		s.room = make([]T, min(s.full+s.used, maxSlab))
	} else if empty != nil {
		for i := range s.room[:s.used] {
			empty(&s.room[i])
		}
	}
	s.used, s.full = 0, 0
}
