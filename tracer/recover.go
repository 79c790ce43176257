package tracer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	maxRecovered = 1000             // runs that one Recover looks into
	headLength   = 64 << 10         // bytes of a record within which its status stands
	staleAfter   = 10 * time.Minute // what is that old has no writer, where locks cannot tell

	recordSuffix = ".json"
	lockSuffix   = ".lock"
)

var (
	errRuns    = errors.New("it is running")
	errNoLocks = errors.New("files cannot be locked here")
)

// lockPath is the file that the process of a run holds locked.
func lockPath(dir, id string) string { return filepath.Join(dir, "."+id+lockSuffix) }

// Recover closes the records of runs that no process is running any more:
// their status becomes interrupted, and their last checkpoint stands. It
// removes what a killed process was writing, and returns the paths of the
// records that it closed. Runs that are running are not touched, and several
// processes may recover a folder at once.
//
// Every Begin does this for the runs in its own folder that were killed.
// Recover looks at all .json files there, and tells in its error which of them
// are no records or cannot be read; they are left as they are.
func Recover(dir string) ([]string, error) { return recoverRuns(dir, true) }

// closeKilled is Recover for a run that begins: it must not fail, and reads
// no more than it must. A killed run is known by its lock.
func closeKilled(dir string, locks bool) { _, _ = recoverRuns(dir, !locks) }

// remains is what there is of a run in a folder.
type remains struct {
	lock   bool
	record bool
	temps  []string // paths of what was being written
}

// recoverRuns closes killed runs: those with a lock or a half-written file,
// and with all those without. It tells of files that are no records with all
// alone.
func recoverRuns(dir string, all bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("tracer: cannot look for interrupted runs: %w", err)
	}
	runs := map[string]*remains{}
	of := func(id string) *remains {
		if runs[id] == nil {
			runs[id] = &remains{}
		}
		return runs[id]
	}
	var errs []error
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		switch id, suffix, temp := partsOf(e.Name()); {
		case temp:
			r := of(id)
			r.temps = append(r.temps, filepath.Join(dir, e.Name()))
		case suffix == lockSuffix:
			of(id).lock = true
		case suffix == recordSuffix && all:
			status, err := statusOf(filepath.Join(dir, e.Name()))
			switch {
			case err != nil:
				errs = append(errs, err)
			case status == lifecycle.Running && uuid.Validate(id) == nil:
				of(id).record = true
			}
		}
	}
	var closed []string
	for i, id := range slices.Sorted(maps.Keys(runs)) {
		if i == maxRecovered {
			errs = append(errs, fmt.Errorf("tracer: %d runs to look into in %s are more than %d: call again for the rest", len(runs), dir, maxRecovered))
			break
		}
		did, err := closeRun(dir, id, runs[id])
		if err != nil {
			errs = append(errs, err)
		}
		if did {
			closed = append(closed, filepath.Join(dir, id+recordSuffix))
		}
	}
	return closed, errors.Join(errs...)
}

// partsOf takes the name of a file apart: <id>.json, .<id>.lock, or with a
// random end what was being written of either.
func partsOf(name string) (id, suffix string, temp bool) {
	hidden, ok := strings.CutPrefix(name, ".")
	if !ok {
		id, ok = strings.CutSuffix(name, recordSuffix)
		if !ok {
			return "", "", false
		}
		return id, recordSuffix, false
	}
	id, end, _ := strings.Cut(hidden, ".")
	if uuid.Validate(id) != nil {
		return "", "", false
	}
	suffix, random, temp := strings.Cut(end, ".")
	suffix = "." + suffix
	if suffix != lockSuffix && suffix != recordSuffix || temp && random == "" || !temp && suffix == recordSuffix {
		return "", "", false
	}
	return id, suffix, temp
}

// closeRun closes one record as interrupted, and removes what is left beside
// it, if its process is gone.
func closeRun(dir, id string, left *remains) (bool, error) {
	if !left.lock && !left.record {
		// A run that begins, or a sink without a run: no lock can tell.
		left.removeTemps(isStale)
		return false, nil
	}
	lock, err := lockRun(dir, id)
	switch {
	case errors.Is(err, errRuns):
		return false, nil
	case errors.Is(err, errNoLocks):
		left.removeTemps(isStale)
	case err != nil:
		return false, err
	default:
		left.removeTemps(func(string) bool { return true })
	}
	defer lock.release(true)
	path := filepath.Join(dir, id+recordSuffix)
	status, err := statusOf(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // killed before its first checkpoint
	}
	if err != nil || status != lifecycle.Running || lock == nil && !isStale(path) {
		return false, err
	}
	err = interrupt(dir, id, path)
	return err == nil, err
}

func (r *remains) removeTemps(dead func(path string) bool) {
	for _, path := range r.temps {
		if dead(path) {
			_ = os.Remove(path)
		}
	}
}

// isStale tells whether a file is so old that whatever wrote it is gone.
func isStale(path string) bool {
	st, err := os.Stat(path)
	return err == nil && time.Since(st.ModTime()) > staleAfter
}

// interrupt makes the last checkpoint of a run its record.
func interrupt(dir, id, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("tracer: %w", err)
	}
	defer f.Close()
	rec, err := lifecycle.Decode(f)
	if err != nil {
		return fmt.Errorf("tracer: %s is left as it is: %w", path, err)
	}
	if rec.Run.ID != id {
		return fmt.Errorf("tracer: %s is left as it is: it is the record of run %s", path, rec.Run.ID)
	}
	rec.Run.Status = lifecycle.Interrupted
	rec.Integrity = nil // it was of the checkpoint
	rec.CreatedAt = time.Now().UTC().Round(0)
	if rec.Run.EndedAt != nil && rec.CreatedAt.Before(*rec.Run.EndedAt) {
		rec.CreatedAt = *rec.Run.EndedAt
	}
	return dirSink(dir).Write(context.Background(), rec)
}

// The status of a run stands near the begin of its record, so that a folder of
// thousands need not be decoded; a quote in a text is escaped.
var recordHead = sync.OnceValues(func() (schema, status *regexp.Regexp) {
	return regexp.MustCompile(`^\s*\{\s*"schema"\s*:`), regexp.MustCompile(`"status"\s*:\s*"([a-z]+)"`)
})

// statusOf tells the status of the run that a file is the record of. What is
// no record is an error.
func statusOf(path string) (lifecycle.Status, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("tracer: %w", err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headLength))
	if err != nil {
		return "", fmt.Errorf("tracer: %s is left as it is: %w", path, err)
	}
	if schema, status := recordHead(); schema.Match(head) {
		if m := status.FindSubmatch(head); m != nil {
			return lifecycle.Status(m[1]), nil
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("tracer: %s is left as it is: %w", path, err)
	}
	rec, err := lifecycle.Decode(f)
	if err != nil {
		return "", fmt.Errorf("tracer: %s is left as it is: %w", path, err)
	}
	return rec.Run.Status, nil
}
