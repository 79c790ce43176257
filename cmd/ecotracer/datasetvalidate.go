package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareDatasetValidate(c *cli, flags *flag.FlagSet) func([]string) int {
	const name = "dataset validate"
	open := c.reader(name, flags)
	asJSON := flags.Bool("json", false, "")
	all := flags.Bool("all", false, "")
	return func(paths []string) int {
		if len(paths) == 0 {
			return c.noPath(name, "")
		}
		if c.askedTable(name, paths) {
			return exitUsage
		}
		r, done := open()
		told := datasetVerdict{Refusals: []dataset.Refusal{}, Omissions: []dataset.LeftOut{}}
		refused := r.Refused
		r.Refused = func(bad dataset.Refusal) {
			if *asJSON && len(told.Refusals) < mostListed {
				told.Refusals = append(told.Refusals, bad)
			}
			refused(bad)
		}
		r.LeftOut = func(l dataset.LeftOut) {
			if (*asJSON || *all) && len(told.Omissions) < mostListed {
				told.Omissions = append(told.Omissions, l)
			}
		}
		var err error
		ctx, stop := interrupted()
		defer stop()
		told.Report, err = r.Read(ctx, paths, func(int, *lifecycle.Record) error { return nil })
		done(told.Report)
		if err != nil {
			c.complain(name, "%s", ours(err))
			return exitFound
		}
		code := exitOK
		if told.Sound = told.Report.Sound(); !told.Sound {
			code = exitFound
		}
		if *asJSON {
			return max(code, c.json(told))
		}
		for _, line := range told.lines() {
			tell(c.out, line)
		}
		return code
	}
}

// mostListed is how many refused things, and records that are left out, are
// listed.
const mostListed = 1000

// datasetVerdict is what `dataset validate --json` tells.
type datasetVerdict struct {
	Sound bool `json:"sound"`
	dataset.Report
	Refusals  []dataset.Refusal `json:"refusals"`  // the first of them
	Omissions []dataset.LeftOut `json:"omissions"` // the first of what is left out
}

// lines tells the same for people.
func (v datasetVerdict) lines() (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	r := v.Report
	add("%s in %s: %s", many(r.Documents, "document"), many(r.Files, "file"), countedInWords(r))
	if r.Merged > 0 {
		add("  %s", mergedInWords(&r))
	}
	for _, text := range reasonsInWords("left out", r.LeftOut) {
		add("  %s", text)
	}
	for _, l := range v.Omissions {
		add("    %s: run %s: %s", l.Place, l.Run, whyNot(l.Reason))
	}
	for _, text := range reasonsInWords("refused", r.Refused) {
		add("  %s", text)
	}
	for _, conflict := range r.Conflicts {
		var places []string
		for _, at := range conflict.Places {
			places = append(places, at.String())
		}
		add("  conflict: %s: %s", conflict.Text, strings.Join(places, ", "))
	}
	if more := r.ConflictCount - int64(len(r.Conflicts)); more > 0 {
		add("  %s more", many(more, "conflict"))
	}
	if r.Skipped > 0 {
		add("  %s of other kinds were not read", many(r.Skipped, "file"))
	}
	if r.Quarantined > 0 {
		add("  copied to the quarantine: %s", many(r.Quarantined, "document"))
	}
	if r.NotQuarantined > 0 {
		add("  there was no room in the quarantine for %s", many(r.NotQuarantined, "document"))
	}
	return lines
}

// mergedInWords tells of shards.
func mergedInWords(r *dataset.Report) string {
	return "merged: " + many(r.Shards, "shard") + " into " + many(r.Merged, "record")
}

// reasonsInWords tells how many documents do not count, by the reason.
func reasonsInWords(what string, of map[dataset.Reason]int64) (texts []string) {
	for _, reason := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, fmt.Sprintf("%s: %s: %s", what, inwords.Count(of[reason]), whyNot(reason)))
	}
	return texts
}

// whyNot is a reason, with the flag that would have it count.
func whyNot(reason dataset.Reason) string {
	switch reason {
	case dataset.Unfinished:
		return reason.InWords() + "; --running counts it"
	case dataset.Estimate:
		return reason.InWords() + "; --estimates counts it"
	}
	return reason.InWords()
}

func countedInWords(r dataset.Report) string {
	verb := "count"
	if r.Counted == 1 {
		verb = "counts"
	}
	return many(r.Counted, "record") + " " + verb
}

// many is a large number of things.
func many(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return inwords.Count(n) + " " + thing + "s"
}
