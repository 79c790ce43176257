package dataset_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// The table is read by programs that nobody here knows: what it is called and
// what type it has stays. New columns are at the end of the file.
func TestNamesAndTypesOfColumnsAreStable(t *testing.T) {
	var b strings.Builder
	for _, c := range dataset.Columns() {
		need := "optional"
		if c.Required {
			need = "required"
		}
		fmt.Fprintf(&b, "%s %s %s %s\n", c.Name, c.Type, need, c.Unit)
	}
	golden(t, "columns.txt", b.String())
}

func TestEveryColumnSaysWhatItMeans(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range dataset.Columns() {
		assert.Regexp(t, `^[a-z][a-z0-9_]*$`, c.Name)
		assert.False(t, seen[c.Name], "%s is there twice", c.Name)
		seen[c.Name] = true
		assert.Greater(t, len(c.About), 10, c.Name)
		assert.Equal(t, c.Type == dataset.TextColumn || c.Type == dataset.TimeColumn || strings.HasPrefix(c.Name, "service"), c.Unit == "", "%s: a number has a unit, a text has none", c.Name)
	}
}

// A field of Row that no column tells would be lost on the way.
func TestEveryFieldOfARowHasAColumn(t *testing.T) {
	columns := dataset.Columns()
	var leaves func(v reflect.Value, path string, visit func(reflect.Value, string))
	leaves = func(v reflect.Value, path string, visit func(reflect.Value, string)) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+v.Type().Field(i).Name
			if f.Kind() == reflect.Struct {
				leaves(f, name+".", visit)
			} else {
				visit(f, name)
			}
		}
	}
	n := 0
	var row dataset.Row
	leaves(reflect.ValueOf(&row).Elem(), "", func(f reflect.Value, name string) {
		row = dataset.Row{}
		if strings.Contains(name, ".") && !strings.HasSuffix(name, ".ID") { // a factor is there if its ID is
			if id := reflect.ValueOf(&row).Elem().FieldByName(strings.SplitN(name, ".", 2)[0]).FieldByName("ID"); id.IsValid() {
				id.SetString("id")
			}
		}
		before := make([]dataset.Cell, len(columns))
		for k := range columns {
			before[k] = columns[k].Cell(&row)
		}
		switch f.Interface().(type) {
		case string:
			f.SetString("text")
		case float64:
			f.SetFloat(3)
		case *float64:
			f.Set(reflect.ValueOf(new(3.0)))
		case *int64:
			f.Set(reflect.ValueOf(new(int64(3))))
		case *time.Time:
			f.Set(reflect.ValueOf(new(time.UnixMilli(3))))
		case map[string]int64:
			f.Set(reflect.ValueOf(map[string]int64{"samples": 3}))
		default:
			t.Fatalf("%s has type %s, which no column has", name, f.Type())
		}
		var changed []string
		for k := range columns {
			if v := columns[k].Cell(&row); !reflect.DeepEqual(before[k], v) {
				changed = append(changed, columns[k].Name)
				if !strings.HasSuffix(name, ".ID") || columns[k].Type == dataset.TextColumn {
					assert.Same(t, f.Addr().Interface(), columns[k].Field(&row), "%s is held there", columns[k].Name)
				}
			}
		}
		if strings.HasSuffix(name, ".ID") {
			assert.Len(t, changed, 4, "%s: its own column, and the numbers that are there with it", name)
		} else {
			assert.Len(t, changed, 1, name)
		}
		n++
	})
	assert.Len(t, columns, n)
}

// golden compares a text with a file of testdata, or with -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
