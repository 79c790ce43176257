package parquet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// Folder writes rows into a folder of files, by the values of some columns as
// engines expect them (Hive): phase=training/month=2026-03/part-0.parquet. An
// unknown value is __HIVE_DEFAULT_PARTITION__, and characters that cannot be in
// the name of a folder are told as %2F. The files have these columns too, so
// that each stands for itself.
//
// At most 32 files are open at once, and together hold no more than two row
// groups: of more partitions, the one that was not written to for the longest is
// closed, and has another part later, part-1 and so on. A Folder is not safe for concurrent use.
type Folder struct {
	dir   string
	by    []dataset.Column
	open  map[string]*part
	parts map[string]int // by partition: how many it has
	clock int
	held  int // rows that are not in a row group yet
	err   error
}

// maxOpen bounds the files that are open, and maxPartitions those that there
// are: more are no partitions but a mistake.
const (
	maxOpen       = 32
	maxPartitions = 10_000
)

// hiveNull is what engines take for no value.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// part is a file that is being written.
type part struct {
	file *os.File
	*Writer
	used int
}

// NewFolder writes into a folder, which is made, partitioned by these columns;
// without any it has one file. An error tells of a column that there is not, or
// that is no text.
func NewFolder(dir string, by ...string) (*Folder, error) {
	f := &Folder{dir: dir, open: map[string]*part{}, parts: map[string]int{}}
	for i, name := range by {
		k := slices.IndexFunc(columns, func(c dataset.Column) bool { return c.Name == name })
		if k < 0 || columns[k].Type != dataset.TextColumn || slices.Contains(by[:i], name) {
			return nil, fmt.Errorf("parquet: no partition by %q: name columns with texts, such as phase, month or country, each once", name)
		}
		f.by = append(f.by, columns[k])
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return f, nil
}

// Write writes rows, those of a run after one another.
func (f *Folder) Write(rows []dataset.Row) error {
	for i := 0; i < len(rows) && f.err == nil; {
		name := f.name(&rows[i])
		n := i + 1
		for n < len(rows) && f.name(&rows[n]) == name {
			n++
		}
		var p *part
		if p, f.err = f.part(name); f.err == nil {
			f.held -= p.group
			f.err = p.Write(rows[i:n])
			f.held += p.group
		}
		if f.held > 2*groupRows && f.err == nil {
			f.err = f.relieve()
		}
		i = n
	}
	return f.err
}

// name is the folder of a row's partition.
func (f *Folder) name(row *dataset.Row) string {
	if len(f.by) == 0 {
		return ""
	}
	var b strings.Builder
	for i := range f.by {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(f.by[i].Name)
		b.WriteByte('=')
		if v := f.by[i].Cell(row); v.Known {
			escape(&b, v.Text)
		} else {
			b.WriteString(hiveNull)
		}
	}
	return b.String()
}

// escape writes a value such that it can be the name of a folder, by the way of
// URLs, which engines read back.
func escape(b *strings.Builder, s string) {
	dots := strings.Trim(s, ".") == ""
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && !dots, c == ' ' && i > 0 && i < len(s)-1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(b, "%%%02X", c)
		}
	}
}

// part is the open file of a partition.
func (f *Folder) part(name string) (*part, error) {
	f.clock++
	if p := f.open[name]; p != nil {
		p.used = f.clock
		return p, nil
	}
	if len(f.open) == maxOpen {
		oldest := ""
		for n, p := range f.open {
			if oldest == "" || p.used < f.open[oldest].used {
				oldest = n
			}
		}
		if err := f.end(oldest); err != nil {
			return nil, err
		}
	}
	number := f.parts[name]
	if number == 0 && len(f.parts) == maxPartitions {
		return nil, fmt.Errorf("parquet: %s would be partition %d: partition by columns with fewer values", name, maxPartitions+1)
	}
	f.parts[name] = number + 1
	dir := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("part-%d.parquet", number)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	p := &part{file, newWriter(file, 32<<10), f.clock}
	f.open[name] = p
	return p, nil
}

// relieve ends the row group of the file that holds most.
func (f *Folder) relieve() error {
	var most *part
	for _, p := range f.open {
		if most == nil || p.group > most.group || p.group == most.group && p.used > most.used {
			most = p
		}
	}
	f.held -= most.group
	most.cut()
	return most.err
}

func (f *Folder) end(name string) error {
	p := f.open[name]
	f.held -= p.group
	delete(f.open, name)
	return errors.Join(p.Close(), p.file.Close())
}

// Close ends all files.
func (f *Folder) Close() error {
	if f.err == nil && len(f.parts) == 0 && len(f.by) == 0 { // a table without rows is one all the same
		_, f.err = f.part("")
	}
	for name := range f.open {
		f.err = errors.Join(f.err, f.end(name))
	}
	err := f.err
	f.err = errors.New("parquet: the folder is closed")
	return err
}
