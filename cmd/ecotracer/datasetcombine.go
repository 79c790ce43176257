package main

import (
	"bytes"
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
	for _, file := range files {
		s, r, err := c.readSummary(file)
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

// readSummary reads a summary, or a release.
func (c *cli) readSummary(file string) (*dataset.Summary, *dataset.Released, error) {
	in, err := c.open(file)
	if err != nil {
		return nil, nil, unreadSummary(err)
	}
	defer in.Close()
	const longest = 256 << 20
	text, err := io.ReadAll(io.LimitReader(in, longest+1))
	if err != nil {
		return nil, nil, unreadSummary(err)
	}
	var head struct{ Schema string }
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&head); err != nil {
		return nil, nil, fmt.Errorf("it is no JSON (%w)", err)
	}
	if head.Schema == dataset.ReleasedSchema {
		r := new(dataset.Released)
		return nil, r, r.UnmarshalJSON(text)
	}
	s := new(dataset.Summary)
	if err := s.UnmarshalJSON(text); err != nil {
		return nil, nil, err
	}
	return s, nil, nil
}

// unreadSummary tells why a file cannot be read, and what to give instead.
func unreadSummary(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(reason(err))
	}
	return fmt.Errorf("it cannot be read (%s); give the file that `ecotracer dataset summarise -o FILE` wrote", cause(err))
}
