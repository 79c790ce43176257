package lifecycle

// table is a map that is a list while it is short, as most of what a record
// has to look up is. Its zero value is empty.
type table[K comparable, V any] struct {
	keys   []K
	values []V
	places map[K]int // once it is long
}

// long is from how many entries on a list takes longer to search than a map.
const long = 16

// find is the place of a key in keys and values.
func (t *table[K, V]) find(k K) (int, bool) {
	if t.places != nil {
		i, ok := t.places[k]
		return i, ok
	}
	for i := range t.keys {
		if t.keys[i] == k {
			return i, true
		}
	}
	return 0, false
}

// get is what there is of a key.
func (t *table[K, V]) get(k K) (v V, ok bool) {
	i, ok := t.find(k)
	if ok {
		v = t.values[i]
	}
	return v, ok
}

// of is where the value of a key is kept, a zero one if there was none. It is
// good until the next new key.
func (t *table[K, V]) of(k K) *V {
	i, ok := t.find(k)
	if !ok {
		var zero V
		i = len(t.keys)
		t.keys, t.values = append(t.keys, k), append(t.values, zero)
		switch {
		case t.places != nil:
			t.places[k] = i
		case len(t.keys) > long:
			t.places = make(map[K]int, 2*len(t.keys))
			for i, k := range t.keys {
				t.places[k] = i
			}
		}
	}
	return &t.values[i]
}

// once reports whether a key is new, and keeps it.
func (t *table[K, V]) once(k K) bool {
	n := len(t.keys)
	t.of(k)
	return len(t.keys) > n
}

// reset empties the table and keeps its memory, if that is little.
func (t *table[K, V]) reset() {
	if t.places != nil {
		*t = table[K, V]{}
		return
	}
	clear(t.keys)
	clear(t.values)
	t.keys, t.values = t.keys[:0], t.values[:0]
}
