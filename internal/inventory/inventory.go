// Package inventory draws up what a record says of a place and of devices, and
// the factors that go with them: the same for a run and for an estimate.
package inventory

import (
	"strconv"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Book puts factors into a record.
type Book struct {
	Record *lifecycle.Record
	Own    []factors.Factor // of the operator: they go before those of the data set

	Known func(factors.Device) (factors.Embodied, error) // nil: factors.LookupDevice
}

// Factor looks a factor up, puts it into the record and returns its id; "" if
// there is none.
func (b *Book) Factor(q factors.Query) string {
	id, _ := b.factor(q)
	return id
}

func (b *Book) factor(q factors.Query) (id string, err error) {
	q.Own = b.Own
	f, err := factors.Lookup(q)
	if err != nil {
		return "", err
	}
	return b.Add(f), nil
}

// Add puts a factor into the record, once, and returns its id there. Where
// another figure has the id already, it is numbered: each keeps its own.
func (b *Book) Add(f factors.Factor) string {
	if f.Found == "" {
		f.Found = factors.Declared // written by the operator
	}
	name := f.ID
	for n := 2; ; n++ {
		g := b.find(f.ID)
		if g == nil {
			b.Record.Factors = append(b.Record.Factors, f)
			return f.ID
		}
		if *g == f {
			return f.ID
		}
		f.ID = name + "-" + strconv.Itoa(n)
	}
}

func (b *Book) find(id string) *factors.Factor {
	for i := range b.Record.Factors {
		if b.Record.Factors[i].ID == id {
			return &b.Record.Factors[i]
		}
	}
	return nil
}

func (b *Book) missing(path string) {
	b.Record.Missing = append(b.Record.Missing, lifecycle.Missing{Path: path, Reason: "unknown"})
}
