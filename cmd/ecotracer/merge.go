package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareMerge(c *cli, flags *flag.FlagSet) func([]string) int {
	var m merging
	flags.StringVar(&m.out, "o", "", "")
	flags.BoolVar(&m.Running, "running", false, "")
	flags.BoolVar(&m.Unrelated, "unrelated", false, "")
	flags.BoolVar(&m.json, "json", false, "")
	return func(paths []string) int {
		switch {
		case len(paths) == 0:
			return c.usage("merge", "no shard; write `ecotracer merge FILE…`, or give the folder of a job's records")
		case m.json && m.out == "":
			return c.usage("merge", "--json needs a file for the record: write -o FILE")
		}
		return c.merge(m, paths)
	}
}

// merging is what one call of `merge` is to do.
type merging struct {
	dataset.Merger
	out  string // "" for standard output
	json bool
}

// shardFile is a record and the file that it is in.
type shardFile struct {
	path   string
	record *lifecycle.Record
}

// merge merges the records in files and folders.
func (c *cli) merge(m merging, paths []string) int {
	files, ok := c.shardFiles(paths)
	if !ok {
		return exitFound
	}
	records := make([]*lifecycle.Record, 0, len(files))
	for _, f := range files {
		if len(f.record.Run.Merged) == 0 && sameFile(m.out, f.path) { // a merged record is made anew
			return c.overwriting("merge", m.out)
		}
		records = append(records, f.record)
	}
	record, err := m.Merge(records...)
	if err != nil {
		var of []string
		if bad := (*dataset.ShardError)(nil); errors.As(err, &bad) {
			for _, i := range bad.Shards {
				of = append(of, files[i].path)
			}
		}
		where := ""
		if len(of) > 0 {
			where = strings.Join(of, ", ") + ": "
		}
		c.complain("merge", "%s%s", where, strings.TrimPrefix(bare(err), "dataset: merge: "))
		return exitFound
	}
	if !c.write("merge", m.out, record) {
		return exitFound
	}
	told := tellMerged(m.out, record, files)
	if m.json {
		return c.json(told)
	}
	for _, line := range told.lines(record) {
		tell(c.err, line)
	}
	return exitOK
}

// shardFiles reads the records in files and folders, each file once. It tells
// of all that cannot be read.
func (c *cli) shardFiles(paths []string) (files []shardFile, ok bool) {
	ok = true
	wrong := func(path, format string, args ...any) {
		c.complain("merge", "%s: %s", path, fmt.Sprintf(format, args...))
		ok = false
	}
	for _, path := range paths {
		list := []string{path}
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			if list, err = recordsIn(path); err != nil {
				wrong(path, "%s", reason(err))
				continue
			}
			if len(list) == 0 {
				wrong(path, "there is no .json file in this folder; give the folder that records are written to, such as %s", defaultDir)
			}
		}
		for _, file := range list {
			record, err := c.read(file)
			if err != nil {
				wrong(file, "%s", unread(err))
			} else {
				files = append(files, shardFile{file, record})
			}
		}
	}
	return files, ok
}

// recordsIn lists the .json files in a folder.
func recordsIn(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	const noFile = fs.ModeDir | fs.ModeNamedPipe | fs.ModeSocket | fs.ModeDevice // which might keep the reader waiting
	for _, e := range entries {
		if name := e.Name(); e.Type()&noFile == 0 && filepath.Ext(name) == ".json" && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files, nil
}

// mergedFiles is what `merge` tells of its work.
type mergedFiles struct {
	Run     string    `json:"run"`
	File    string    `json:"file"`
	Ranks   int       `json:"ranks"` // of the job
	Shards  []partOf  `json:"shards"`
	LeftOut []leftOut `json:"left_out"`
	Missing []string  `json:"missing"`

	Warnings []lifecycle.Warning `json:"warnings"` // that merging gave rise to
}

// partOf is a shard of the merged record.
type partOf struct {
	File string `json:"file"` // "" if only a record merged of it was given
	ID   string `json:"id"`
	Rank int    `json:"rank"`
}

// leftOut is a file that adds nothing, and why.
type leftOut struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// tellMerged finds out what became of each file.
func tellMerged(out string, record *lifecycle.Record, files []shardFile) mergedFiles {
	told := mergedFiles{
		Run: record.Run.ID, File: out, Ranks: len(record.Run.Merged),
		Shards: []partOf{}, LeftOut: []leftOut{}, Missing: []string{}, Warnings: []lifecycle.Warning{},
	}
	if c := record.Run.Coverage; c != nil && *c > 0 {
		told.Ranks = int(float64(len(record.Run.Merged)) / *c + 0.5)
	}
	byDigest := map[string]string{} // the file that each shard is in
	runs := map[string]string{}     // and of each run
	for _, m := range record.Run.Merged {
		byDigest[m.Digest] = ""
	}
	digests := make([]string, len(files))
	for i, f := range files {
		digests[i], _ = f.record.SHA256() // Merge could make it
		if file, ok := byDigest[digests[i]]; ok && file == "" {
			byDigest[digests[i]], runs[f.record.Run.ID] = f.path, f.path
		}
	}
	for _, m := range record.Run.Merged {
		told.Shards = append(told.Shards, partOf{byDigest[m.Digest], m.ID, m.Rank})
	}
	for i, f := range files {
		why := ""
		switch file := byDigest[digests[i]]; {
		case file == f.path && runs[f.record.Run.ID] == f.path:
		case file != "":
			why = "it is the same as " + file
		case len(f.record.Run.Merged) > 0:
			why = "it was merged of such shards before"
		case runs[f.record.Run.ID] == "":
			why = "the run that started it counts it too"
		default:
			why = "a later record of the same run is in " + runs[f.record.Run.ID]
		}
		if why != "" {
			told.LeftOut = append(told.LeftOut, leftOut{f.path, why})
		}
	}
	for _, m := range record.Missing {
		if m.Path == "/run/merged" && m.What != "" {
			told.Missing = append(told.Missing, m.What)
		}
	}
	for _, w := range record.Warnings {
		if strings.HasPrefix(w.Code, "merge-") {
			told.Warnings = append(told.Warnings, w)
		}
	}
	return told
}

// lines tells the same for people.
func (m mergedFiles) lines(record *lifecycle.Record) (lines []string) {
	to := ""
	if m.File != "" {
		to = " in " + m.File
	}
	lines = append(lines, fmt.Sprintf("run %s%s: %d of %s, %s", m.Run, to, len(m.Shards), inwords.Plural(m.Ranks, "rank"), inwords.Amount(record.Totals.EnergyJ.Value, inwords.Joules)))
	for _, f := range m.LeftOut {
		lines = append(lines, fmt.Sprintf("left out: %s (%s)", f.File, f.Why))
	}
	for _, what := range m.Missing {
		lines = append(lines, "missing: "+what)
	}
	for _, w := range m.Warnings {
		place := cmp.Or(placeOf(record, w.Path), w.Path)
		lines = append(lines, strings.TrimPrefix(w.Code, "merge-")+": "+place+": "+w.Detail)
	}
	return lines
}

// placeOf names a line of the ledger or a device; "" for what is neither.
func placeOf(record *lifecycle.Record, path string) string {
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return ""
	}
	i, err := strconv.Atoi(parts[2])
	switch {
	case err != nil:
	case parts[1] == "ledger" && i < len(record.Ledger):
		return record.Ledger[i].Domain
	case parts[1] == "hardware" && i < len(record.Hardware):
		return record.Hardware[i].ID
	}
	return ""
}
