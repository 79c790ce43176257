package parquet

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// tableFile is a file of a table.
type tableFile struct {
	path        string
	folders     []folder // what the folders that it is in tell of all its rows
	partitioned bool     // other files may have rows of its runs
}

// folder is a folder of a partition, column=text.
type folder struct {
	column int
	text   string
}

// tables are the files at these paths, sorted within a folder. As engines do, it
// skips what begins with . or _; a link to a folder, which may lead anywhere, it
// refuses, but for one that is named.
func tables(paths []string) (files []tableFile, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
		if !info.IsDir() {
			f, _, err := newTableFile(path)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
			continue
		}
		first, by := "", ""
		root := path + string(filepath.Separator) // which is no link
		err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fmt.Errorf("parquet: %w", err)
			case name != root && strings.ContainsAny(d.Name()[:1], "._"):
				if d.IsDir() {
					return fs.SkipDir
				}
			case isLinkedFolder(name, d):
				return fmt.Errorf("parquet: %s is a link to a folder, which is not followed: name that folder", name)
			case !d.IsDir() && strings.HasSuffix(name, ".parquet"):
				f, names, err := newTableFile(name)
				if err != nil {
					return err
				}
				if first == "" {
					first, by = name, names
				} else if names != by {
					return fmt.Errorf("parquet: %s is partitioned by %s, %s beside it by %s: in one folder all files are partitioned alike, or one may tell again what others tell", first, quoted(by), name, quoted(names))
				}
				files = append(files, f)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if first == "" {
			return nil, fmt.Errorf("parquet: %s has no file that ends with .parquet", path)
		}
	}
	return files, nil
}

func isLinkedFolder(name string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func quoted(names string) string {
	if names == "" {
		return "nothing"
	}
	return names
}

// newTableFile tells what the folders of a file tell, and their names.
func newTableFile(path string) (f tableFile, names string, err error) {
	f.path = path
	var list []string
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(path)), "/") {
		name, text, is := strings.Cut(part, "=")
		if !is || name == "" {
			continue
		}
		f.partitioned = true
		if slices.Contains(list, name) {
			return f, "", fmt.Errorf("parquet: %s: two folders tell of %s", path, name)
		}
		list = append(list, name)
		k := slices.IndexFunc(columns, func(c dataset.Column) bool { return c.Name == name && c.Type == dataset.TextColumn })
		if k < 0 {
			continue // another program's, or the file must have it
		}
		if text == hiveNull {
			text = ""
		} else if text, err = url.PathUnescape(text); err != nil {
			return f, "", fmt.Errorf("parquet: %s: folder %s: %w", path, part, err)
		}
		f.folders = append(f.folders, folder{k, text})
	}
	return f, strings.Join(list, ", "), nil
}

// inFolders tells whether folders tell a column.
func (f *tableFile) inFolders(column int) bool {
	return slices.ContainsFunc(f.folders, func(of folder) bool { return of.column == column })
}

// place has rows tell what their folders tell, of which they must tell nothing
// else.
func (t *table) place(rows []dataset.Row) error {
	for _, f := range t.folders {
		c := &columns[f.column]
		there := slices.ContainsFunc(t.leaves, func(l leaf) bool { return l.column == f.column })
		if f.text == "" && c.Required {
			return fmt.Errorf("%s: nothing, where every row tells it", c.Name)
		}
		for i := range rows {
			text := c.Field(&rows[i]).(*string)
			if there && *text != f.text {
				return fmt.Errorf("a row tells %s=%s, its folder %s=%s", c.Name, *text, c.Name, f.text)
			}
			*text = f.text
		}
	}
	return nil
}
