package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
)

// maxFile is the most that is read of one file. The longest is proc/stat, with
// 60 bytes a CPU and 11 an interrupt.
const maxFile = 1 << 20

// File is a small file of the kernel that is read again and again. Where the
// file system allows (io.ReaderAt, as os.DirFS does) it is opened once and read
// at offset 0, without allocation; else it is opened for each reading. A File
// that was lost, because the driver behind it was unloaded, is opened again.
// It is not safe for concurrent use.
type File struct {
	root fs.FS
	name string
	file fs.File // nil: to be opened
	at   io.ReaderAt
	buf  []byte
	gone bool // Close was called

	attribute *os.File // file, if it is one that the kernel gives out whole in one read
}

// OpenFile opens a file below root, to be read with a buffer of that many bytes
// at first. It reads it once, so that what cannot be read is known at once.
func OpenFile(root fs.FS, name string, size int) (*File, error) {
	f := &File{root: root, name: name, buf: make([]byte, size)}
	if _, err := f.Read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read returns what the file says now. The bytes are good until the next Read.
func (f *File) Read() ([]byte, error) {
	if f.gone {
		return nil, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrClosed}
	}
	if f.file == nil {
		file, err := f.root.Open(f.name)
		if err != nil {
			return nil, err
		}
		f.file = file
		f.at, _ = file.(io.ReaderAt)
		if strings.HasPrefix(f.name, "sys/class/") || strings.HasPrefix(f.name, "sys/devices/") {
			f.attribute, _ = file.(*os.File)
		}
	}
	n, err := f.fill()
	if f.at == nil || err != nil {
		_ = f.file.Close() // it was only read
		f.file, f.at, f.attribute = nil, nil, nil
	}
	return f.buf[:n], err
}

// fill reads from the beginning, into a longer buffer if need be.
//
// An attribute of sysfs is made anew for each read, of a counter by asking its
// CPU: it is read once, not once more for the end of the file
// (Documentation/filesystems/sysfs.rst).
func (f *File) fill() (n int, err error) {
	if f.attribute != nil {
		if n, err = readOnce(f.attribute, f.buf); err == nil && 0 < n && n < len(f.buf) {
			return n, nil
		}
	}
	for {
		if f.at != nil {
			n, err = f.at.ReadAt(f.buf, 0)
		} else {
			var more int
			more, err = io.ReadFull(f.file, f.buf[n:])
			n += more
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		if len(f.buf) >= maxFile {
			return 0, fmt.Errorf("read %s: longer than %d bytes", f.name, maxFile)
		}
		f.buf = append(f.buf, make([]byte, max(len(f.buf), 64))...)
	}
}

// Close closes the file. A second Close does nothing.
func (f *File) Close() error {
	f.gone = true
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file, f.at, f.attribute = nil, nil, nil
	return file.Close()
}

// ReadFile returns the first limit bytes of a file that is read once.
func ReadFile(root fs.FS, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// ParseUint reads a decimal number as the kernel writes it: digits, with white
// space around them. It allocates nothing.
func ParseUint(text []byte) (n uint64, ok bool) {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		digit := uint64(c - '0')
		if c < '0' || c > '9' || n > (math.MaxUint64-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, true
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }
