package tracer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

const (
	maxRecovered = 1000             // records that one Recover looks into
	staleAfter   = 10 * time.Minute // without locks: a running record that old has no process
)

// Recover closes the records of runs that no process is running any more:
// their status becomes interrupted, and their last checkpoint stands. It
// returns the paths of the records that it closed. Every Begin does this for
// its own folder; records that cannot be read are left as they are and told
// in the error.
func Recover(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("tracer: cannot look for interrupted runs: %w", err)
	}
	var closed []string
	var errs []error
	locks := map[string]bool{}
	for _, e := range entries {
		if id, ok := lockedID(e.Name()); ok {
			locks[id] = true
		}
	}
	looked := 0
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !e.Type().IsRegular() || strings.HasPrefix(id, ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !locks[id] && !runningHead(path) {
			continue
		}
		if looked++; looked > maxRecovered {
			errs = append(errs, fmt.Errorf("tracer: more than %d runs to look into in %s: call again", maxRecovered, dir))
			break
		}
		did, err := closeRun(dir, id, path)
		if err != nil {
			errs = append(errs, err)
		}
		if did {
			closed = append(closed, path)
		}
	}
	// A run that was killed before its first checkpoint leaves only its lock.
	for id := range locks {
		if _, err := os.Stat(filepath.Join(dir, id+".json")); errors.Is(err, fs.ErrNotExist) {
			if l, err := lockRun(dir, id); err == nil {
				l.release(true)
			}
		}
	}
	return closed, errors.Join(errs...)
}

// closeInterrupted is Recover for a run that begins: it must not fail.
func closeInterrupted(dir string) { _, _ = Recover(dir) }

// closeRun closes one record as interrupted if its process is gone.
func closeRun(dir, id, path string) (bool, error) {
	lock, err := lockRun(dir, id)
	if errors.Is(err, errLocked) {
		return false, nil // it runs
	}
	if err != nil {
		return false, err
	}
	defer lock.release(true)
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("tracer: %w", err)
	}
	defer f.Close()
	rec, err := lifecycle.Decode(f)
	if err != nil {
		return false, fmt.Errorf("tracer: %s: %w", path, err)
	}
	if rec.Run.Status != lifecycle.Running {
		return false, nil
	}
	if !locksWork {
		if st, err := f.Stat(); err != nil || time.Since(st.ModTime()) < staleAfter {
			return false, nil
		}
	}
	rec.Run.Status = lifecycle.Interrupted
	rec.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	if rec.Run.EndedAt != nil && rec.CreatedAt.Before(*rec.Run.EndedAt) {
		rec.CreatedAt = *rec.Run.EndedAt
	}
	if rec.Integrity != nil {
		rec.Integrity = nil // it was of the checkpoint
	}
	sink := dirSink(dir)
	if err := sink.Write(nil, rec); err != nil { //nolint:staticcheck // a folder knows no context
		return false, err
	}
	return true, nil
}

// runningHead tells by the first KB of a file whether it may be the record of
// a running run, so that thousands of finished records are not decoded.
func runningHead(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, _ := f.Read(head)
	return strings.Contains(string(head[:n]), `"running"`)
}
