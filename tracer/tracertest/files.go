package tracertest

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Open opens a file or folder of the host. A file says what is true when it is
// read, not when it was opened: like the kernel's own, it may be kept open and
// read again by ReadAt at offset 0 (it is an io.ReaderAt).
func (h *Host) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	truth := h.truth(name)
	if err := h.faultOf(truth).err; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	full := filepath.Join(h.dir, filepath.FromSlash(name))
	f, err := os.OpenFile(full, os.O_RDWR, 0)
	if err != nil { // a folder
		if f, err = os.Open(full); err != nil {
			return nil, withPath(err, name)
		}
	}
	out := &file{on: f, host: h, name: name, truth: truth}
	h.open[out] = struct{}{}
	return out, nil
}

// Stat tells of a file or folder without opening it: that works for files that
// may not be read.
func (h *Host) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	info, err := os.Stat(filepath.Join(h.dir, filepath.FromSlash(name)))
	return info, withPath(err, name)
}

// ReadDir lists a folder, sorted by name.
func (h *Host) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	h.mu.Lock()
	err := h.faultOf(h.truth(name)).err
	h.mu.Unlock()
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries, err := os.ReadDir(filepath.Join(h.dir, filepath.FromSlash(name)))
	return entries, withPath(err, name)
}

// withPath names the file as the reader knows it, below the root.
func withPath(err error, name string) error {
	if e, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

// text appends what a file says now, or tells why it cannot be read. The
// caller holds h.mu. f is the true file, for what does not change.
func (h *Host) text(buf []byte, truth string, f *os.File) ([]byte, error) {
	fault := h.faultOf(truth)
	switch s, live := h.live[truth]; {
	case fault.err != nil:
		return buf, fault.err
	case fault.content != nil:
		return append(buf, *fault.content...), nil
	case live:
		return s.append(buf, h.elapsed()), nil
	default:
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = syscall.EISDIR
		}
		if err != nil {
			return buf, err
		}
		start := len(buf)
		buf = append(buf, make([]byte, info.Size())...)
		n, err := f.ReadAt(buf[start:], 0)
		if err == io.EOF {
			err = nil
		}
		return buf[:start+n], err
	}
}

// file is an open file or folder of a Host.
type file struct {
	on    *os.File // the true file below the root
	host  *Host
	name  string // as it was opened
	truth string
	gone  bool // the file has vanished; guarded by host.mu

	mu     sync.Mutex
	buf    []byte
	at     int64 // offset of Read
	closed bool
}

// refresh reads the file anew and brings the true file up to date.
func (f *file) refresh() error {
	if f.closed {
		return &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrClosed}
	}
	f.host.mu.Lock()
	defer f.host.mu.Unlock()
	if f.gone { // what the kernel answers to those who still hold the file
		return &fs.PathError{Op: "read", Path: f.name, Err: syscall.ENODEV}
	}
	var err error
	if f.buf, err = f.host.text(f.buf[:0], f.truth, f.on); err != nil {
		return &fs.PathError{Op: "read", Path: f.name, Err: err}
	}
	if _, live := f.host.live[f.truth]; !live {
		return nil
	}
	if _, err := f.on.WriteAt(f.buf, 0); err != nil {
		return err
	}
	return f.on.Truncate(int64(len(f.buf)))
}

// ReadAt reads what the file says now.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	if err := f.refresh(); err != nil {
		return 0, err
	}
	if off >= int64(len(f.buf)) {
		return 0, io.EOF
	}
	n := copy(p, f.buf[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Read reads on; what the file says is worked out at its beginning.
func (f *file) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == 0 {
		if err := f.refresh(); err != nil {
			return 0, err
		}
	}
	if f.at >= int64(len(f.buf)) {
		return 0, io.EOF
	}
	n := copy(p, f.buf[f.at:])
	f.at += int64(n)
	return n, nil
}

// Stat tells of the true file.
func (f *file) Stat() (fs.FileInfo, error) {
	info, err := f.on.Stat()
	return info, withPath(err, f.name)
}

// ReadDir lists a folder.
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	entries, err := f.on.ReadDir(n)
	return entries, withPath(err, f.name)
}

// Seek sets the offset of the next Read.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.buf))
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: fs.ErrInvalid}
	}
	f.at = offset
	return offset, nil
}

// Close closes the file; the second time is an error.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.host.mu.Lock()
	delete(f.host.open, f)
	f.host.mu.Unlock()
	return f.on.Close()
}
