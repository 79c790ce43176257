package tracer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Sink takes the records of a run: checkpoints (status running), then the
// final one, each under the same run ID and in place of the one before. A
// failed Write must leave the one before intact. Write is called by one
// goroutine at a time for a run, and may be called for several runs at once;
// it must not keep or change r. tracertest.TestSink checks all this.
type Sink interface {
	Write(ctx context.Context, r *lifecycle.Record) error
}

// NewDirSink is a sink that writes <run id>.json files to a folder, which it
// makes if it is not there. A reader never sees half a record.
func NewDirSink(dir string) (Sink, error) { return newDirSink(dir) }

type dirSink string

func newDirSink(dir string) (Sink, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("tracer: no folder for records: %w; choose one with tracer.Dir or ECOTRACER_DIR", err)
	}
	return dirSink(dir), nil
}

func (d dirSink) Write(_ context.Context, r *lifecycle.Record) error {
	var b bytes.Buffer
	if err := lifecycle.Encode(&b, r); err != nil {
		return fmt.Errorf("tracer: record of run %s: %w", r.Run.ID, err)
	}
	if err := replaceFile(filepath.Join(string(d), r.Run.ID+".json"), b.Bytes()); err != nil {
		return fmt.Errorf("tracer: record of run %s: %w", r.Run.ID, err)
	}
	return nil
}

// replaceFile puts a file in place such that, whatever happens, either the
// old or the new content is there, on disk.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		// The rename itself; where a folder cannot be synced it stays in the
		// system's hands.
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
