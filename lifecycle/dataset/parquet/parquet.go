// Package parquet keeps the flat table of a data set in Parquet files: it
// writes and reads rows, in one file or in folders as engines expect them, and
// summarises tables by reading only the columns that it needs.
//
// The columns, their types and meanings are those of [dataset.Columns]: a text
// is a UTF-8 STRING, a number a DOUBLE, a count an INT64, a time a TIMESTAMP in
// ms and UTC, and functional units are a MAP from STRING to INT64. What is
// unknown is null. Row groups hold whole runs, so that several can be
// summarised at once; the file says so in its metadata, under [Key].
package parquet

import (
	"fmt"
	"sync"

	"github.com/parquet-go/parquet-go"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Key is the key of the file's metadata under which the version of the table is
// told. A file with it has no run in two row groups.
const Key = "io.github.ecotracer.table"

// Version is the version of the table. Columns that are added do not change it.
const Version = "1"

// columns are those of the table, in their order.
var columns = dataset.Columns()

// schema is that of the file.
var schema = sync.OnceValue(func() *parquet.Schema { return parquet.NewSchema("ecotracer", newRoot()) })

// root is a group whose fields are in the order of the table.
type root struct {
	parquet.Group
	fields []parquet.Field
}

func (r root) Fields() []parquet.Field { return r.fields }

func newRoot() parquet.Node {
	g := parquet.Group{}
	for _, c := range columns {
		g[c.Name] = node(c)
	}
	byName := map[string]parquet.Field{}
	for _, f := range g.Fields() {
		byName[f.Name()] = f
	}
	r := root{Group: g}
	for _, c := range columns {
		r.fields = append(r.fields, byName[c.Name])
	}
	return r
}

// node is the type of a column. Texts repeat, and so do the factors that they
// were computed by: they are told by their place in a dictionary.
func node(c dataset.Column) parquet.Node {
	n := parquet.Encoded(parquet.Int(64), &parquet.RLEDictionary) // a count
	switch c.Type {
	case dataset.TextColumn:
		n = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case dataset.NumberColumn:
		n = parquet.Leaf(parquet.DoubleType)
		if repeats(c) {
			n = parquet.Encoded(n, &parquet.RLEDictionary)
		}
	case dataset.TimeColumn:
		n = parquet.Timestamp(parquet.Millisecond)
	case dataset.UnitsColumn:
		n = parquet.Map(parquet.Encoded(parquet.String(), &parquet.RLEDictionary), parquet.Int(64))
	}
	if !c.Required {
		n = parquet.Optional(n)
	}
	return n
}

// repeats tells whether a number is a factor, or a bound of one.
func repeats(c dataset.Column) bool {
	var r dataset.Row
	p, ok := c.Field(&r).(*float64)
	return ok && p != &r.RunS || c.Name == "meter_error"
}

// leaf is where a column of the table is among the leaves of the schema, and
// the greatest definition level of a value of it.
type leaf struct {
	column int // of the table
	index  int // of the leaf; of units that of the keys, with the values next
	level  int
}

// leaves are the columns of the table in a file; what the file lacks is absent,
// or told by the folders that it is in.
func leaves(s *parquet.Schema, folders []folder) (list []leaf, err error) {
	has := map[string]bool{}
	for _, f := range folders {
		has[columns[f.column].Name] = true
	}
	for _, f := range s.Fields() {
		has[f.Name()] = true
	}
	if err := dataset.CheckColumns(func(name string) bool { return has[name] }); err != nil {
		return nil, fmt.Errorf("it is no flat table of runs: %w", err)
	}
	for k, c := range columns {
		path := []string{c.Name}
		if c.Type == dataset.UnitsColumn {
			path = []string{c.Name, "key_value", "key"}
		}
		l, ok := s.Lookup(path...)
		if !ok {
			continue
		}
		want, _ := schema().Lookup(path...)
		if l.Node.Type().Kind() != want.Node.Type().Kind() || (l.MaxRepetitionLevel > 0) != (want.MaxRepetitionLevel > 0) ||
			l.MaxDefinitionLevel > want.MaxDefinitionLevel+1 {
			return nil, fmt.Errorf("its column %s is of type %s, not %s", c.Name, l.Node.Type(), want.Node.Type())
		}
		if c.Type == dataset.UnitsColumn {
			v, ok := s.Lookup(c.Name, "key_value", "value")
			if !ok || v.Node.Type().Kind() != parquet.Int64 || v.ColumnIndex != l.ColumnIndex+1 {
				return nil, fmt.Errorf("its column %s is no map from text to count", c.Name)
			}
		}
		list = append(list, leaf{k, int(l.ColumnIndex), int(l.MaxDefinitionLevel)})
	}
	return list, nil
}
