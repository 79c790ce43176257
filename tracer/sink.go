package tracer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/uuid"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Sink takes the records of a run: checkpoints (status running), then the
// final one, each under the same run ID and in place of the one before. A
// failed Write must leave the one before intact. Write is called by one
// goroutine at a time for a run, and may be called for several runs at once;
// it must not keep or change r, nor end the run. It returns when ctx is done,
// after 10 s, or at once where the run's end overtakes a checkpoint, so that
// End is bounded. tracertest.TestSink checks all this.
type Sink interface {
	Write(ctx context.Context, r *lifecycle.Record) error
}

// NewDirSink is a sink that writes <run id>.json files to a folder, which it
// makes if it is not there. A reader never sees half a record. It is what
// Begin uses when no Sinks are given; pass it to Sinks to have others beside
// it.
//
// Where the folder cannot be made, the error says so and the sink is returned
// all the same: each Write fails for as long as there is no folder.
func NewDirSink(dir string) (Sink, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil { // less what the host's umask takes
		return dirSink(dir), fmt.Errorf("tracer: no folder for records: %w; choose one with tracer.Dir or ECOTRACER_DIR", err)
	}
	return dirSink(dir), nil
}

// dirSink is a folder of records.
type dirSink string

func (d dirSink) Write(_ context.Context, r *lifecycle.Record) error {
	if r == nil {
		return errors.New("tracer: no record to write")
	}
	if _, err := uuid.Parse(r.Run.ID); err != nil {
		// It names a file, and may come from outside.
		return fmt.Errorf("tracer: run id %q is no UUID", r.Run.ID)
	}
	var b bytes.Buffer
	if err := lifecycle.Encode(&b, r); err != nil {
		return fmt.Errorf("tracer: record of run %s: %w", r.Run.ID, err)
	}
	if err := replaceFile(string(d), r.Run.ID+".json", b.Bytes()); err != nil {
		return fmt.Errorf("tracer: record of run %s: %w", r.Run.ID, err)
	}
	return nil
}

// replaceFile puts a file in place such that, whatever happens, either the
// old or the new content is there, on disk.
func replaceFile(dir, name string, content []byte) (err error) {
	temp := tempPath(dir, name)
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // less what the host's umask takes
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil {
		// The rename itself; where a folder cannot be synced it stays in the
		// system's hands.
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// tempPath is a new name for a file that is being written: .<name>.<random>.
// Recover knows such a file by it when its writer has been killed.
func tempPath(dir, name string) string {
	return filepath.Join(dir, "."+name+"."+strconv.FormatUint(rand.Uint64(), 36))
}
