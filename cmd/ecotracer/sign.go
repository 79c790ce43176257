package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

// signing is what one call of `sign` is to do.
type signing struct {
	key  string
	out  string // "-" for standard output
	json bool
}

func declareSign(c *cli, flags *flag.FlagSet) func([]string) int {
	var s signing
	flags.StringVar(&s.key, "key", "", "")
	flags.StringVar(&s.out, "o", "", "")
	flags.BoolVar(&s.json, "json", false, "")
	return func(files []string) int {
		switch {
		case len(files) == 0:
			return c.usage("sign", "no record; write `ecotracer sign RECORD.json MODEL… --key FILE`")
		case s.key == "":
			return c.usage("sign", "by which key? write --key FILE; `ecotracer keygen FILE` makes one")
		case s.key == "-" && files[0] == "-":
			return c.usage("sign", "record and key cannot both come from standard input")
		case files[0] == "-" && s.out == "":
			return c.usage("sign", "the record has no file that the envelope could lie beside; write -o FILE")
		case s.json && s.out == "-":
			return c.usage("sign", "--json needs a file for the envelope: write -o FILE")
		}
		return c.sign(s, files[0], files[1:])
	}
}

// envelopeOf is where the envelope of a record's file lies: beside it. It is no
// .json, for in a folder of records that would be taken for one.
func envelopeOf(record string) string { return strings.TrimSuffix(record, ".json") + ".dsse" }

// sign signs a record, with the files that it is of.
func (c *cli) sign(s signing, file string, paths []string) int {
	s.out = cmp.Or(s.out, envelopeOf(file))
	record := c.valid("sign", file)
	key, ok := c.privateKey(s.key)
	if record == nil || !ok {
		return exitFound
	}
	subjects, err := proof.Subjects(paths, s.out, file)
	if err != nil {
		c.complain("sign", "%s", said(err))
		return exitFound
	}
	e, err := proof.Sign(record, subjects, key)
	if err == nil {
		e, err = already(s.out, e, key)
	}
	if err != nil {
		c.complain("sign", "%s", said(err))
		return exitFound
	}
	var text bytes.Buffer
	if err := e.Encode(&text); err != nil {
		c.complain("sign", "%s", said(err))
		return exitFound
	}
	id := proof.KeyID(key.Public().(ed25519.PublicKey))
	if s.out == "-" {
		if _, err := c.out.Write(text.Bytes()); err != nil {
			return exitFound // run tells why
		}
		tell(c.err, inEnvelope(id, len(subjects), len(e.Signatures)))
		return exitOK
	}
	if err := writeFile(s.out, text.Bytes()); err != nil {
		c.complain("sign", "%s: it cannot be written (%s)", s.out, cause(err))
		return exitFound
	}
	if s.json {
		return c.json(map[string]any{"file": s.out, "key": id, "signatures": len(e.Signatures), "files": listed(subjects)})
	}
	tell(c.out, s.out+": "+inEnvelope(id, len(subjects), len(e.Signatures)))
	return exitOK
}

// listed are files as a list, be there none.
func listed(subjects []proof.Subject) []proof.Subject { return append([]proof.Subject{}, subjects...) }

// inEnvelope tells what an envelope holds.
func inEnvelope(key string, files, signatures int) string {
	text := "record"
	if files > 0 {
		text += " and " + inwords.Plural(files, "file")
	}
	text += " signed by key " + short(key)
	if signatures > 1 {
		text += fmt.Sprintf(", and by %d before", signatures-1)
	}
	return text
}

// already is the envelope that is to be written where there may be one: the new
// one, or what is there with one signature more if it is of the same.
func already(path string, e *proof.Envelope, key ed25519.PrivateKey) (*proof.Envelope, error) {
	if path == "-" {
		return e, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return e, nil // a pipe, say
	}
	old, err := proof.ReadEnvelope(f)
	if err != nil {
		return nil, fmt.Errorf("%s is there already, and is no envelope: give another name by -o", path)
	}
	if old.PayloadType != e.PayloadType || !bytes.Equal(old.Payload, e.Payload) {
		return nil, fmt.Errorf("%s is there already, and signs another record or other files: remove it, or give another name by -o", path)
	}
	return old, old.Sign(key)
}

// privateKey reads the key to sign with, and tells if it cannot be used.
func (c *cli) privateKey(file string) (key ed25519.PrivateKey, ok bool) {
	var err error
	if file == "-" {
		var text []byte
		if text, err = c.content(file); err == nil {
			key, err = proof.ParsePrivateKey(text)
		}
	} else {
		key, err = proof.ReadPrivateKey(file)
	}
	if err != nil {
		text := said(err)
		if fileError(err) == nil {
			text = file + ": " + text
		}
		c.complain("sign", "%s", text)
	}
	return key, err == nil
}
