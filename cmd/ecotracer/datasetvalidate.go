package main

import (
	"context"
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
			return c.usage(name, "no file or folder; write `ecotracer dataset validate PATH…`, or - for standard input")
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
		told.Report, err = r.Read(context.Background(), paths, func(int, *lifecycle.Record) error { return nil })
		done(told.Report)
		if err != nil {
			c.complain(name, "%s", strings.TrimPrefix(bare(err), "dataset: "))
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
		add("  merged: %s into %s", many(r.Shards, "shard"), many(r.Merged, "record"))
	}
	for _, reason := range slices.Sorted(maps.Keys(r.LeftOut)) {
		add("  left out: %s: %s", inwords.Count(r.LeftOut[reason]), whyLeftOut[reason])
	}
	for _, l := range v.Omissions {
		add("    %s: run %s: %s", l.Place, l.Run, whyLeftOut[l.Reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Refused)) {
		add("  refused: %s: %s", inwords.Count(r.Refused[reason]), whyRefused[reason])
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

var whyLeftOut = map[dataset.Reason]string{
	dataset.Copy:            "a copy of a document that counts",
	dataset.Checkpoint:      "a checkpoint, and a later document of its run is there",
	dataset.Replaced:        "a later document of its run counts",
	dataset.Superseded:      "superseded by another document of its run",
	dataset.OtherOfRun:      "another document of its run counts, which is not later (conflict)",
	dataset.InMerged:        "a shard of a merged record that counts",
	dataset.CountedByParent: "the run that started it counts its joules",
	dataset.OnMachine:       "another record counts the same machine at the same time",
	dataset.OtherWindow:     "another window of its service is of the same time or index (conflict)",
	dataset.OtherShard:      "another shard of its job may have counted its joules (conflict)",
	dataset.Unfinished:      "its run has not ended; --running counts it",
	dataset.Estimate:        "an estimate; --estimates counts it",
}

var whyRefused = map[dataset.Reason]string{
	dataset.Unreadable: "cannot be read",
	dataset.Damaged:    "damaged or cut off",
	dataset.TooLarge:   "too large",
	dataset.NoRecord:   "no record",
	dataset.Invalid:    "a record that breaks a rule",
	dataset.Future:     "of the future",
	dataset.Changed:    "changed while it was read",
}
