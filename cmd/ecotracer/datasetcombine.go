package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareDatasetCombine(c *cli, flags *flag.FlagSet) func([]string) int {
	const command = "dataset combine"
	t := telling{}
	t.declare(command, flags)
	return func(files []string) int {
		if len(files) == 0 {
			return c.usage(command, "no file; write `ecotracer dataset combine SITE.json…`, with what `ecotracer dataset summarise -o SITE.json` wrote")
		}
		return c.combine(t, files)
	}
}

// combine adds up summaries, or releases.
func (c *cli) combine(t telling, files []string) int {
	var all *dataset.Summary
	var released *dataset.Released
	seen := map[[sha256.Size]byte]string{}
	for _, file := range files {
		s, r, digest, err := c.readSummary(file)
		if first, again := seen[digest]; err == nil && again && (r != nil && len(r.Groups()) > 0 || s != nil && len(s.Groups()) > 0) {
			err = fmt.Errorf("it is the same as %s; its runs would count twice", first) // of nothing two may be alike
		}
		seen[digest] = file
		if err == nil && (all != nil && r != nil || released != nil && s != nil) {
			err = errors.New("some files are sums with noise and some are not; they do not add up")
		}
		if err == nil {
			switch {
			case s != nil && all == nil:
				all = s
			case s != nil:
				err = all.Merge(s)
			case released == nil:
				released = r
			default:
				err = released.Merge(r)
			}
		}
		if err != nil {
			c.complain(t.command, "%s: %s", file, ours(err))
			return exitFound
		}
	}
	if released != nil {
		if t.given {
			var err error
			if released, err = released.Regroup(t.by...); err != nil {
				return c.usage(t.command, "%s", ours(err))
			}
		}
		return c.tellReleased(t, released, nil)
	}
	if t.given {
		var err error
		if all, err = all.Regroup(t.by...); err != nil {
			return c.usage(t.command, "%s", ours(err))
		}
	}
	return c.tellSummary(t, all, summarised{})
}

// readSummary reads a summary, or a release, and tells the digest of the file.
func (c *cli) readSummary(file string) (s *dataset.Summary, r *dataset.Released, digest [sha256.Size]byte, err error) {
	in, err := c.open(file)
	if err != nil {
		return nil, nil, digest, unreadSummary(err)
	}
	defer in.Close()
	const longest = 256 << 20
	text, err := io.ReadAll(io.LimitReader(in, longest+1))
	if err != nil {
		return nil, nil, digest, unreadSummary(err)
	}
	digest = sha256.Sum256(text)
	var head struct{ Schema string }
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&head); err != nil {
		return nil, nil, digest, fmt.Errorf("it is no JSON (%w)", err)
	}
	if head.Schema == dataset.ReleasedSchema {
		r = new(dataset.Released)
		return nil, r, digest, r.UnmarshalJSON(text)
	}
	s = new(dataset.Summary)
	return s, nil, digest, s.UnmarshalJSON(text)
}

// unreadSummary tells why a file cannot be read, and what to give instead.
func unreadSummary(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(reason(err))
	}
	return fmt.Errorf("it cannot be read (%s); give the file that `ecotracer dataset summarise -o FILE` wrote", cause(err))
}
