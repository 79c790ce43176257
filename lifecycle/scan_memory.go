package lifecycle

import "reflect"

// memory is what a scanner that reads one record after the other gives to each of
// them again: what documents of at most maxRead bytes, and the last one, needed.
type memory struct {
	record  Record
	shelves []shelf // by number of list, map or pointer
	read    int     // bytes since it was made
}

// shelf holds the lists, maps or structs of one type.
type shelf struct {
	items     reflect.Value // a list of them
	used      int
	key, elem reflect.Value // of a map: what an entry is read into
}

const maxRead = 16 << 20

// begin takes everything back for a document of so many bytes.
func (m *memory) begin(rooms, size int) *Record {
	if m.read > maxRead {
		*m = memory{}
	}
	m.read += size
	m.record = Record{}
	if m.shelves == nil {
		m.shelves = make([]shelf, rooms)
	}
	for i := range m.shelves {
		m.shelves[i].empty()
	}
	return &m.record
}

// empty empties what was given out; the elements of lists are when they are used.
func (s *shelf) empty() {
	for k := range s.used {
		switch item := s.items.Index(k); item.Kind() {
		case reflect.Slice:
			item.SetLen(0)
		case reflect.Map:
			if item.Len() > maxRoom { // to empty a large one takes long, whatever is in it
				item.SetZero()
				continue
			}
			item.Clear()
		default:
			item.Elem().SetZero()
		}
	}
	s.used = 0
}

// next is the next of a type, as it was left.
func (s *shelf) next(typ reflect.Type) reflect.Value {
	if !s.items.IsValid() {
		s.items = reflect.New(reflect.SliceOf(typ)).Elem()
	}
	if n := s.items.Len(); s.used == n {
		s.items.Grow(1)
		s.items.SetLen(n + 1)
	}
	s.used++
	return s.items.Index(s.used - 1)
}

// newStruct sets v to a struct that is empty.
func (s *scanner) newStruct(v reflect.Value, sh *shape) {
	if s.memory == nil {
		v.Set(reflect.New(sh.elem.typ))
		return
	}
	item := s.memory.shelves[sh.room].next(sh.typ)
	if item.IsNil() {
		item.Set(reflect.New(sh.elem.typ))
	}
	v.Set(item)
}

// newList sets v to a list that is empty.
func (s *scanner) newList(v reflect.Value, sh *shape) (kept reflect.Value) {
	if s.memory != nil {
		kept = s.memory.shelves[sh.room].next(sh.typ)
		if !kept.IsNil() {
			v.Set(kept)
			return kept
		}
	}
	v.Set(reflect.MakeSlice(sh.typ, 0, max(s.lengths[sh.room], 1)))
	return kept
}

// newMap sets v to a map that is empty, and makes an entry.
func (s *scanner) newMap(v reflect.Value, sh *shape) (key, elem reflect.Value) {
	if s.memory == nil {
		v.Set(reflect.MakeMap(sh.typ))
		return reflect.New(sh.typ.Key()).Elem(), reflect.New(sh.elem.typ).Elem()
	}
	shelf := &s.memory.shelves[sh.room]
	item := shelf.next(sh.typ)
	if item.IsNil() {
		item.Set(reflect.MakeMap(sh.typ))
	}
	if !shelf.key.IsValid() {
		shelf.key, shelf.elem = reflect.New(sh.typ.Key()).Elem(), reflect.New(sh.elem.typ).Elem()
	}
	v.Set(item)
	return shelf.key, shelf.elem
}
