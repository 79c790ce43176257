package lifecycle

// slab gives out room for values that are many in a record, some at a time.
type slab[T any] struct {
	room []T
	used int
}

// one is room for one value.
func (s *slab[T]) one() *T {
	if s.used == len(s.room) {
		s.room, s.used = make([]T, min(max(8, 2*len(s.room)), 64)), 0
	}
	s.used++
	return &s.room[s.used-1]
}

// reset takes the values of the last room back, each as empty leaves it.
func (s *slab[T]) reset(empty func(*T)) {
	for i := range s.room[:s.used] {
		empty(&s.room[i])
	}
	s.used = 0
}
