package dataset

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const mostFolders = 256 // in one another

// list finds the files at a path. What is in folders is taken in the order of its
// names; named tells that the path itself was given, whatever its name.
func (r *intake) list(path string, named bool, depth int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	stat := os.Lstat
	if named {
		stat = os.Stat
	}
	st, err := stat(path)
	if err == nil && st.Mode()&fs.ModeSymlink != 0 {
		// A link to a file is as good as the file. One to a folder could lead in a circle.
		if st, err = os.Stat(path); err == nil && st.IsDir() {
			r.skip()
			return nil
		}
	}
	switch {
	case err != nil:
		return r.refuseFile(path, unreadable(err))
	case st.IsDir() && depth == mostFolders:
		return r.refuseFile(path, flawed(TooLarge, "folders are in one another more than %d deep", mostFolders))
	case st.IsDir():
		entries, err := os.ReadDir(path)
		if err != nil {
			if err := r.refuseFile(path, unreadable(err)); err != nil {
				return err
			}
		}
		for _, e := range entries {
			is, count := recordFile(e.Name())
			switch {
			case e.IsDir() && e.Name()[0] != '.', !e.IsDir() && is:
				if err := r.list(filepath.Join(path, e.Name()), false, depth+1); err != nil {
					return err
				}
			case count && !e.IsDir():
				r.skip()
			}
		}
		return nil
	case !st.Mode().IsRegular():
		return r.refuseFile(path, flawed(Unreadable, "%s, and only files and folders are read: to read what comes from a program, pipe it to -", kindOf(st.Mode())))
	}
	return r.file(path, named, st.Size())
}

// kindOf says what is no ordinary file.
func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "this is a named pipe"
	case m&fs.ModeSocket != 0:
		return "this is a socket"
	case m&fs.ModeDevice != 0:
		return "this is a device"
	}
	return "this is no ordinary file"
}

// unreadable is why a file cannot be read, without its name.
func unreadable(err error) *flaw {
	var of *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return flawed(Unreadable, "there is no such file or folder")
	case errors.Is(err, fs.ErrPermission):
		return flawed(Unreadable, "it may not be read")
	case errors.As(err, &of):
		err = of.Err
	}
	return flawed(Unreadable, "it cannot be read (%v)", err)
}

// openFile opens an ordinary file, and never waits for whoever might write to
// one that was put in its place.
func openFile(path string) (*os.File, *flaw) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, unreadable(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New(kindOf(st.Mode()))
	}
	if err != nil {
		_ = f.Close()
		return nil, unreadable(err)
	}
	return f, nil
}

// spool makes a file of standard input, which is read twice: a temporary one.
func (r *intake) spool() (*os.File, error) {
	f, err := temporary(r.TempDir)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, io.LimitReader(interruptible{r.Stdin, r}, r.MaxUnpacked))
	if err == nil && n == r.MaxUnpacked {
		err = r.refuseFile(stdin, flawed(TooLarge, "there is more than %s of it: what comes after that is not read", size(n)))
	}
	if err != nil {
		return f, err
	}
	return f, nil
}

// interruptible is a reader that ends with the reading.
type interruptible struct {
	io.Reader
	of *intake
}

func (i interruptible) Read(b []byte) (int, error) {
	if err := i.of.ctx.Err(); err != nil {
		return 0, err
	}
	return i.Reader.Read(b)
}
