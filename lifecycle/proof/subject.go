package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Subjects are the files at paths, by name: a file by its own name, and of a
// folder each file below it by its path from there, so that the folder itself
// may be called otherwise elsewhere. Files are read in pieces, whatever their
// size.
//
// Left out are the files at except, such as the envelope that is to lie in the
// folder: there and nowhere else, for under a second name it would be a file that
// nobody signed. So is what is below a .git, which changes with every fetch and
// is no part of a model (OpenSSF model signing leaves it out too). In a folder, a
// link to a file in it counts as a file of its own; any other link, and whatever
// is neither file nor folder, is an error rather than left out in silence. So are
// two files of one name and folders without any file.
//
// The digests are of what was read: whoever can still write to the files can
// change them behind it.
func Subjects(paths []string, except ...string) ([]Subject, error) {
	d := digester{from: map[string]string{}}
	for _, path := range except {
		if st, err := os.Lstat(path); err == nil {
			d.except = append(d.except, exception{place(path), st})
		}
	}
	for _, path := range paths {
		st, err := os.Stat(path)
		switch {
		case err != nil:
			err = fmt.Errorf("proof: %w", err)
		case st.IsDir():
			err = d.folder(path)
		default:
			err = d.file(path)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(d.subjects, byName)
	return d.subjects, nil
}

// digester gathers subjects.
type digester struct {
	subjects []Subject
	from     map[string]string // path by name
	except   []exception
}

// exception is a file that is left out.
type exception struct {
	place string
	info  fs.FileInfo
}

// place is where a file lies, whatever links lead to its folder.
func place(path string) string {
	return filepath.Join(trueDir(filepath.Dir(path)), filepath.Base(path))
}

// trueDir is a folder by its own name, of which no link is a part.
func trueDir(dir string) string {
	if own, err := filepath.EvalSymlinks(dir); err == nil {
		dir = own
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return dir
}

// leftOut tells whether the file at a place is left out. Another name of it, by a
// link of either kind, is not; another case may be, where the file system tells
// none apart.
func (d *digester) leftOut(at string, st fs.FileInfo) bool {
	return slices.ContainsFunc(d.except, func(e exception) bool { return strings.EqualFold(e.place, at) && os.SameFile(e.info, st) })
}

func (d *digester) file(path string) error {
	if st, err := os.Lstat(path); err == nil && d.leftOut(place(path), st) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return d.add(filepath.Base(path), path, f)
}

// folder adds the files below a folder. Links are followed by way of the
// folder, out of which none leads.
func (d *digester) folder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	defer root.Close()
	before, own := len(d.subjects), trueDir(dir)
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		switch {
		case err != nil:
			return fmt.Errorf("proof: %s: %w", path, cause(err))
		case entry.Name() == ".git" && name != ".":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		if st, err := root.Lstat(name); err == nil && d.leftOut(filepath.Join(own, filepath.FromSlash(name)), st) {
			return nil
		}
		st, err := root.Stat(name)
		switch {
		case err != nil:
			return fmt.Errorf("proof: %s: %w: a link must lead to a file in the folder", path, cause(err))
		case !st.Mode().IsRegular():
			return fmt.Errorf("proof: %s: it is no file, nor a link to one in the folder", path)
		}
		f, err := root.Open(name)
		if err != nil {
			return fmt.Errorf("proof: %s: %w", path, cause(err))
		}
		return d.add(name, path, f)
	})
	if err == nil && len(d.subjects) == before {
		err = fmt.Errorf("proof: %s: there is no file in this folder", dir)
	}
	return err
}

// cause is why a file operation failed, without the name, which is relative to
// the folder.
func cause(err error) error {
	if bad := (*fs.PathError)(nil); errors.As(err, &bad) {
		return bad.Err
	}
	return err
}

// add adds an open file, and closes it.
func (d *digester) add(name, path string, f *os.File) error {
	defer f.Close()
	if other, twice := d.from[name]; twice {
		return fmt.Errorf("proof: %s and %s would both be called %s: give the folder that both are in", other, path, name)
	}
	d.from[name] = path
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	d.subjects = append(d.subjects, Subject{name, hex.EncodeToString(h.Sum(nil))})
	return nil
}
