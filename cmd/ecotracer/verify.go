package main

import (
	"crypto/ed25519"
	"flag"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

// verifying is what one call of `verify` is to do.
type verifying struct {
	keys    []string
	record  string
	partial bool
	out     string
	json    bool
}

func declareVerify(c *cli, flags *flag.FlagSet) func([]string) int {
	var v verifying
	flags.Func("key", "", func(file string) error {
		v.keys = append(v.keys, file)
		return nil
	})
	flags.StringVar(&v.record, "record", "", "")
	flags.BoolVar(&v.partial, "partial", false, "")
	flags.StringVar(&v.out, "o", "", "")
	flags.BoolVar(&v.json, "json", false, "")
	return func(files []string) int {
		switch {
		case len(files) == 0:
			return c.usage("verify", "no envelope; write `ecotracer verify RECORD.dsse MODEL… --key KEY.pub`")
		case len(v.keys) == 0:
			return c.usage("verify", "by whose key? write --key FILE, with the public key that you have from its owner")
		case files[0] == "-" && v.record == "-":
			return c.usage("verify", "envelope and record cannot both come from standard input")
		}
		return c.verify(v, files[0], files[1:])
	}
}

// verified is what `verify --json` tells.
type verified struct {
	File     string          `json:"file"`
	Verified bool            `json:"verified"`
	Checks   []proof.Check   `json:"checks"`
	Files    []proof.Subject `json:"files"` // that were signed; none if the signature does not hold
}

// verify verifies an envelope, and tells of each part of it.
func (c *cli) verify(v verifying, file string, paths []string) int {
	var x proof.Expect
	for _, key := range v.keys {
		k, ok := c.publicKey(key)
		if !ok {
			return exitFound
		}
		x.Keys = append(x.Keys, k)
	}
	x.Partial = v.partial
	if v.record == "" { // the one that the envelope lies beside
		if beside := strings.TrimSuffix(file, ".dsse") + ".json"; isFile(beside) {
			v.record = beside
		}
	}
	if v.record != "" {
		in, err := c.open(v.record)
		if err != nil {
			c.complain("verify", "%s: %s", v.record, reason(err))
			return exitFound
		}
		defer in.Close()
		x.Record = in
	}
	var err error
	if x.Files, err = proof.Subjects(paths, file, v.record); err != nil {
		c.complain("verify", "%s", said(err))
		return exitFound
	}
	in, err := c.open(file)
	if err != nil {
		c.complain("verify", "%s: %s", file, reason(err))
		return exitFound
	}
	defer in.Close()
	found, err := proof.Verify(in, x)
	if err != nil {
		c.complain("verify", "%s: %s", file, said(err))
		return exitFound
	}
	code := exitOK
	if found.Err() != nil {
		code = exitFound
	}
	if v.out != "" && code == exitOK && !c.write("verify", v.out, found.Record) {
		return exitFound
	}
	if v.json {
		return max(code, c.json(verified{file, code == exitOK, found.Checks, listed(found.Subjects)}))
	}
	p := page{style: styleOf(c.out)}
	p.verification(file, found)
	p.printTo(c.out)
	return code
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// publicKey reads a key to verify with, and tells if it cannot be used.
func (c *cli) publicKey(file string) (ed25519.PublicKey, bool) {
	text, err := c.content(file)
	if err != nil {
		c.complain("verify", "%s: %s", file, reason(err))
		return nil, false
	}
	key, err := proof.ParsePublicKey(text)
	if err != nil {
		c.complain("verify", "%s: %s", file, said(err))
		return nil, false
	}
	return key, true
}

// mostProblemsShown is how many problems of a part are shown; --json lists all.
const mostProblemsShown = 10

// verification tells part by part whether an envelope holds.
func (p *page) verification(file string, v *proof.Verification) {
	paint := map[proof.Outcome]func(string) string{
		proof.Good: p.green, proof.Failed: p.red, proof.Unproven: p.yellow, proof.NotChecked: p.dim,
	}
	t := newTable(false, false, false)
	named := map[proof.Outcome][]string{}
	for _, check := range v.Checks {
		named[check.Outcome] = append(named[check.Outcome], string(check.Part))
		t.add(cell{string(check.Part), nil}, cell{inwords.Code(string(check.Outcome)), paint[check.Outcome]}, cell{check.Detail, p.dim})
		for i, problem := range check.Problems {
			if i == mostProblemsShown {
				t.note("  and " + inwords.Count(int64(len(check.Problems)-i)) + " more; --json lists them all")
				break
			}
			t.note("  " + problem.String())
		}
	}
	p.table(t)
	text, paintText := "verified", p.green
	if failed := named[proof.Failed]; len(failed) > 0 {
		text, paintText = "not verified: "+strings.Join(failed, ", "), p.red
	} else if open := named[proof.NotChecked]; len(open) > 0 {
		text += ", but for what was not checked: " + strings.Join(open, ", ")
	}
	p.line("%s: %s", inwords.Visible(file), paintText(text))
}
