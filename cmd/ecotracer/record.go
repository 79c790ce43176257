package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// read reads one record.
func (c *cli) read(file string) (*lifecycle.Record, error) {
	in, err := c.open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return lifecycle.Decode(in)
}

// readUpTo reads a file that is to be added to and is no longer than that.
func readUpTo(file string, limit int64) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("it is longer than %d MiB", limit>>20)
	}
	return text, err
}

// unread tells why a file cannot be read as a record.
func unread(err error) string {
	if bad := (*lifecycle.DecodeError)(nil); errors.As(err, &bad) {
		return noRecord(bad)
	}
	return reason(err)
}

// noRecord tells why a document is no record.
func noRecord(e *lifecycle.DecodeError) string {
	text := e.Message
	if e.Err == nil { // not the document as a whole
		text = strings.TrimPrefix(e.Finding.String(), e.Rule+" (document): ")
	}
	if e.Offset >= 0 {
		text += fmt.Sprintf(", at byte %d", e.Offset)
	}
	if e.More > 0 {
		text += "; `ecotracer validate` lists all that is wrong"
	}
	return text
}

// wrongAt tells what keeps a figure from being computed, and the JSON Pointer of
// what in a record it is of, "" if it tells none.
func wrongAt(err error) (pointer, why string) {
	text := strings.TrimPrefix(bare(err), "lifecycle: ")
	if pointer, why, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(pointer, "/") {
		return pointer, why
	}
	return "", text
}

// errorsOf counts what makes a record invalid.
func errorsOf(r *lifecycle.Record) int {
	wrong := slices.DeleteFunc(lifecycle.Validate(r), func(f lifecycle.Finding) bool { return f.Warning })
	return len(wrong)
}

// valid reads a record that figures are to be computed from, nil if it cannot
// be relied on, of which it tells.
func (c *cli) valid(command, file string) *lifecycle.Record {
	record, err := c.read(file)
	if err != nil {
		c.complain(command, "%s: %s", file, unread(err))
		return nil
	}
	if n := errorsOf(record); n > 0 {
		c.complain(command, "%s: this record is not valid; `ecotracer validate` tells why (%s)", file, inwords.Plural(n, "error"))
		return nil
	}
	return record
}

// sameFile tells whether a path leads to one of files.
func sameFile(path string, files ...string) bool {
	st, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(files, func(file string) bool {
		other, err := os.Stat(file)
		return err == nil && os.SameFile(st, other)
	})
}

// overwriting tells of a result that would take the place of what it is made of.
func (c *cli) overwriting(command, file string) int {
	return c.usage(command, "%s would be overwritten, and it is read: give another name", file)
}

// write writes a record to a file, to standard output if that is "", and tells
// if it cannot.
func (c *cli) write(command, file string, r *lifecycle.Record) bool {
	var text bytes.Buffer
	if err := lifecycle.Encode(&text, r); err != nil {
		c.complain(command, "%s", bare(err))
		return false
	}
	if file == "" {
		_, err := c.out.Write(text.Bytes())
		return err == nil // run tells why
	}
	if err := writeFile(file, text.Bytes()); err != nil {
		c.complain(command, "%s: it cannot be written (%s)", file, cause(err))
		return false
	}
	return true
}

// writeFile writes a file such that a reader finds all of it or what was there
// before. A file that is there keeps its permissions, and a link to it stays a
// link. What is no ordinary file, such as a pipe, is written as it is.
func writeFile(path string, content []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	old, err := os.Stat(path)
	if err == nil && !old.Mode().IsRegular() {
		return os.WriteFile(path, content, 0o666)
	}
	temp := tempName(path)
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // less what the umask takes
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if old != nil && err == nil {
		err = f.Chmod(old.Mode().Perm())
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

// tempName is the name of a file until all of it is written.
func tempName(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+strconv.FormatUint(rand.Uint64(), 36))
}
