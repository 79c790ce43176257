package dataset

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	mostNested = 4        // archives in one another
	mostWindow = 32 << 20 // bytes that zstd may look back
	bombFrom   = 1 << 30  // bytes from which on the ratio counts
	mostRatio  = 5000     // to which text of records is not packed
)

// form is what a file or entry is, by its first bytes.
type form uint8

const (
	formText form = iota
	formGzip
	formZstd
	formTar
	formEmpty
	formOther
)

const headSize = 512 // of tar

// formOf tells what a file is; of what is none that is read, why.
func formOf(head []byte) (form, string) {
	switch {
	case len(head) == 0:
		return formEmpty, ""
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		return formGzip, ""
	case bytes.HasPrefix(head, []byte{0x28, 0xB5, 0x2F, 0xFD}), len(head) > 3 && head[0]&0xF0 == 0x50 && bytes.HasPrefix(head[1:], []byte{0x2A, 0x4D, 0x18}):
		return formZstd, ""
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return formTar, ""
	case bytes.HasPrefix(head, []byte("PAR1")):
		return formOther, "this is a Parquet table, not records"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte("\xFD7zXZ\x00")):
		return formOther, "of archives only gzip, zstd and tar are read: unpack it first"
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return formOther, "this is UTF-16: records are UTF-8"
	case bytes.IndexByte(head, 0) >= 0:
		return formOther, "this is no text"
	}
	return formText, ""
}

// recordFile tells by the name of a file whether records may be in it, and
// whether that is to be counted if not: hidden files, and those that are being
// written or lock something, are nobody's business.
func recordFile(name string) (is, count bool) {
	name = strings.ToLower(path.Base(name))
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".lock") {
		return false, false
	}
	for _, packed := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch path.Ext(name) {
	case ".json", ".ndjson", ".jsonl", ".tar", ".tgz", ".tzst":
		return true, true
	}
	return false, true
}

// unpacker finds the texts in a file, however it is packed. Nothing is ever
// written anywhere: names of entries only tell where something is.
type unpacker struct {
	limit    int64  // of all that is unpacked
	packed   *int64 // bytes that were read
	unpacked int64
	visit    func(t *text) error                            // an error ends it all
	refuse   func(entry string, off int64, bad *flaw) error // so does one of it
	skipped  func()                                         // an entry that is none of records
	broken   bool                                           // so was the text that was visited last, and that was told
}

// text is one that was found.
type text struct {
	entry  string // "" if it is the file itself
	name   string // that tells of its layout
	packed bool
	io.Reader
}

// walk looks into what r has.
func (u *unpacker) walk(t text, depth int) error {
	in := bufio.NewReaderSize(t.Reader, 64<<10)
	head, err := in.Peek(headSize)
	if err != nil && err != io.EOF && len(head) == 0 {
		return u.refuse(t.entry, 0, damage(err))
	}
	f, why := formOf(head)
	if (f == formGzip || f == formZstd || f == formTar) && depth == mostNested {
		return u.refuse(t.entry, 0, flawed(TooLarge, "archives are in one another more than %d deep", mostNested))
	}
	t.Reader = in
	switch f {
	case formGzip:
		z, err := gzip.NewReader(in)
		if err != nil {
			return u.refuse(t.entry, 0, damage(err))
		}
		defer z.Close()
		return u.walk(u.inner(t, z), depth+1)
	case formZstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			return u.refuse(t.entry, 0, damage(err))
		}
		defer z.Close()
		return u.walk(u.inner(t, z), depth+1)
	case formTar:
		return u.archive(t, depth)
	case formOther:
		return u.refuse(t.entry, 0, flawed(NoRecord, "%s", why))
	}
	return u.visit(&t)
}

// inner is what a packed text unpacks to.
func (u *unpacker) inner(t text, r io.Reader) text {
	t.name = strings.TrimSuffix(t.name, path.Ext(t.name))
	t.packed = true
	t.Reader = &unpacking{r, u}
	return t
}

// unpacking counts what is unpacked, and ends a bomb.
type unpacking struct {
	io.Reader
	of *unpacker
}

func (r *unpacking) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.of.unpacked += int64(n)
	switch u := r.of; {
	case u.unpacked > u.limit:
		return n, flawed(TooLarge, "it unpacks to more than %s: nothing further of it is read", size(u.limit))
	case u.unpacked > bombFrom && u.unpacked/mostRatio > *u.packed:
		return n, errBomb
	}
	return n, err
}

// archive looks into the files of a tar archive.
func (u *unpacker) archive(t text, depth int) error {
	a := tar.NewReader(t.Reader)
	for {
		h, err := a.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			if u.broken {
				return nil
			}
			return u.refuse(t.entry, 0, damage(err))
		}
		is, count := recordFile(h.Name)
		if h.Typeflag != tar.TypeReg || !is {
			if h.Typeflag != tar.TypeDir && count {
				u.skipped()
			}
			continue
		}
		u.broken = false
		entry := h.Name
		if t.entry != "" {
			entry = t.entry + "!" + entry
		}
		if err := u.walk(text{entry, h.Name, t.packed, a}, depth+1); err != nil {
			return err
		}
	}
}

// damage is what an error of reading or unpacking means.
func damage(err error) *flaw {
	var bad *flaw
	switch {
	case errors.As(err, &bad):
		return &flaw{reason: bad.reason, text: bad.text}
	case errors.Is(err, errBomb):
		return flawed(TooLarge, "%v", errBomb)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return flawed(TooLarge, "it is packed so that more than %s are needed to unpack it: pack it without --long or --ultra", size(mostWindow))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return flawed(Damaged, "it is cut off; what comes before counts")
	}
	return flawed(Damaged, "it is damaged (%v); what comes before counts", err)
}
