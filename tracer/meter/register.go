package meter

import (
	"errors"
	"io/fs"
	"iter"
	"slices"
	"sync"
)

// source is a kind of meter that detection tries to open.
type source struct {
	name string
	open func(root fs.FS) (Meter, error)
}

var registry struct {
	sync.Mutex
	sources []source
}

// ErrNoHardware is the cause of a source's error where the host has nothing that
// the source could meter. Nothing is missing then, so nothing is reported.
var ErrNoHardware = errors.New("meter: the host has no such hardware")

// Register adds a source to those that detection tries, in the order of their
// names. It is called from the init function of a package that a program
// imports for this effect alone.
//
// Open must return soon, start no process, and return an error that wraps
// ErrNoHardware where root (by default the root of the host's file system) shows
// none of its hardware.
// Register panics if the name is taken.
func Register(name string, open func(root fs.FS) (Meter, error)) {
	registry.Lock()
	defer registry.Unlock()
	at, taken := slices.BinarySearchFunc(registry.sources, name, func(s source, name string) int {
		switch {
		case s.name < name:
			return -1
		case s.name > name:
			return 1
		}
		return 0
	})
	if taken {
		panic("meter: Register called twice for " + name)
	}
	registry.sources = slices.Insert(registry.sources, at, source{name, open})
}

// Sources yields what was registered: each source's name and how it is opened.
func Sources() iter.Seq2[string, func(root fs.FS) (Meter, error)] {
	registry.Lock()
	sources := slices.Clone(registry.sources)
	registry.Unlock()
	return func(yield func(string, func(fs.FS) (Meter, error)) bool) {
		for _, s := range sources {
			if !yield(s.name, s.open) {
				return
			}
		}
	}
}
