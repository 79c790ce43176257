package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// folder is where the record of a run goes: the folder that was asked for or,
// where that cannot be written, the one for temporary files. A record may tell
// of days, which nobody wants to run again for it.
type folder struct {
	asked string
	dir   string // "" if neither can be written
	sink  tracer.Sink
}

// openFolder finds a folder that can be written, and tells if it is not the
// one that was asked for, while there is time to do something about it.
func (c *cli) openFolder(dir string) folder {
	sink, err := writable(dir)
	if err == nil {
		return folder{dir, dir, sink}
	}
	temp := os.TempDir()
	other, tempErr := writable(temp)
	if tempErr == nil {
		c.complain("run", "nothing can be written to %s (%s): the record will go to %s; --dir chooses a folder", dir, cause(err), temp)
		return folder{dir, temp, other}
	}
	c.complain("run", "nothing can be written to %s (%s), nor to %s (%s): there will be no record unless that changes; --dir chooses a folder",
		dir, cause(err), temp, cause(tempErr))
	return folder{dir, "", discard{}}
}

// writable makes a folder, if need be, and writes a page to it for a trial.
func writable(dir string) (tracer.Sink, error) {
	sink, err := tracer.NewDirSink(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, ".ecotracer-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 4096))
	return sink, errors.Join(err, f.Close())
}

// drop ends the run of a program that never started. Nothing was measured, and
// that is no record of zero joules.
func (to folder) drop(run *tracer.Run) {
	_, _ = run.End()
	if to.dir != "" && run.ID() != "" {
		_ = os.Remove(filepath.Join(to.dir, run.ID()+".json"))
	}
}

// endRun ends a run and tells where its record is, "" if it is nowhere. The
// record is nil if tracing is off.
func (c *cli) endRun(run *tracer.Run, to folder) (*lifecycle.Record, string) {
	record, err := run.End()
	if record == nil || record.Run.ID == "" {
		if err != nil {
			c.complain("run", "there is no record: %s", bare(err))
		}
		return nil, ""
	}
	name := record.Run.ID + ".json"
	if err == nil && to.dir != "" {
		return record, filepath.Join(to.dir, name)
	}
	if err != nil && fileError(err) == nil {
		c.complain("run", "%s", bare(err))
	}
	var tried []string
	for _, dir := range slices.Compact([]string{to.asked, os.TempDir()}) {
		path := filepath.Join(dir, name)
		sink, err := tracer.NewDirSink(dir)
		if err == nil {
			err = sink.Write(context.Background(), record)
		}
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s cannot be written (%s)", path, cause(err)))
			continue
		}
		if len(tried) > 0 {
			c.complain("run", "%s: the record is %s; --dir chooses a folder%s", tried[0], path, leftAt(to.asked, name))
		}
		return record, path
	}
	c.complain("run", "there is no record: %s; --dir chooses a folder%s", strings.Join(tried, ", and "), leftAt(to.asked, name))
	return record, ""
}

// leftAt tells of an earlier record of the same run.
func leftAt(dir, name string) string {
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		return ""
	}
	return "; what is in " + dir + " is its last checkpoint"
}

// cause is why a file operation failed, without the name of the file, which
// may be one that nobody asked for.
func cause(err error) string { return bare(cmp.Or(fileError(err), err)) }

// fileError is what the system says of a file operation that failed, nil if it
// was something else.
func fileError(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return nil
}

// bare is an error without the names of the packages that it came through.
func bare(err error) string {
	lines := strings.Split(err.Error(), "\n") // errors that were joined
	for i, line := range lines {
		line = strings.TrimPrefix(line, "tracer: ")
		lines[i] = strings.ReplaceAll(line, "lifecycle: decode record: ", "")
	}
	return strings.Join(lines, "\n")
}
