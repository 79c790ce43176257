package tracertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// SinkTarget is a sink under test, and how to look at what it wrote.
type SinkTarget struct {
	Sink tracer.Sink

	// Records is what a reader finds in the target now, one record a run, in
	// any order. A record that it cannot read whole is an error. It is called
	// while the sink writes.
	Records func() ([]*lifecycle.Record, error)

	// Break takes the target away: the folder is removed, the disk is full,
	// the server is down. Without it the rule "broken" is not tried.
	Break func()
}

// TestSink holds a sink to the rules of tracer.Sink and reports each that it
// breaks, with the reason for the rule. Open is called several times and gives
// a new and empty target each time. The rules are
//
//	keeps        what was written is found again, as it was
//	replaces     the final record of a run replaces its checkpoints
//	runs         records of two runs never overwrite one another
//	large        a record with ten thousand spans is written whole
//	atomic       a reader never finds half a record
//	concurrent   several runs may write at once
//	cancelled    a Write under a cancelled context leaves the old record or the new one
//	untouched    Write does not change the record, nor does a later change of it matter
//	no-record    Write of no record is an error, not a panic
//	broken       Write to a target that is gone is an error, not a panic
//
// Rules that the documentation of a sink excuses it from are named in except.
func TestSink(t testing.TB, open func() (SinkTarget, error), except ...string) {
	t.Helper()
	conform(t, sinkRules, open, except)
}

type openSink = func() (SinkTarget, error)

var sinkRules = []rule[SinkTarget]{
	{"keeps", "A record that comes back with a member less is not the record that was validated.", checkKeeps},
	{"replaces", "Checkpoints carry status running under the run's ID. Were they left beside the final record, the run would be counted twice.", checkReplaces},
	{"runs", "Job arrays and ranks share a folder: each run has its own record.", checkRuns},
	{"large", "A run may have ten thousand paths.", checkLarge},
	{"atomic", "A run can be killed at any moment and a reader may look at any moment: there is always the old record or the new one, whole.", checkAtomic},
	{"concurrent", "Runs of one process may share a sink.", checkConcurrentSink},
	{"cancelled", "The program's context is often cancelled when its run ends. The sink may refuse, with an error, but not spoil what is there.", checkCancelled},
	{"untouched", "The record belongs to the caller, who goes on with it.", checkUntouched},
	{"no-record", "The host program is never harmed.", checkNoRecord},
	{"broken", "Disks fill up and servers go away: Run.End reports the error, and the host program goes on.", checkBroken},
}

// put writes a record and tells what went wrong.
func put(to SinkTarget, record *lifecycle.Record) error {
	if err := to.Sink.Write(context.Background(), record); err != nil {
		return fmt.Errorf("Write of a record %q: %w", record.Run.Status, err)
	}
	return nil
}

// finds tells whether a reader finds these records and no others.
func finds(to SinkTarget, want ...*lifecycle.Record) error {
	got, err := to.Records()
	if err != nil {
		return fmt.Errorf("a reader finds: %w", err)
	}
	byID := map[string]*lifecycle.Record{}
	for _, record := range got {
		if byID[record.Run.ID] != nil {
			return fmt.Errorf("a reader finds two records of run %s", record.Run.ID)
		}
		byID[record.Run.ID] = record
	}
	if len(got) != len(want) {
		return fmt.Errorf("a reader finds %d records, want %d", len(got), len(want))
	}
	for _, record := range want {
		if err := same(record, byID[record.Run.ID]); err != nil {
			return err
		}
	}
	return nil
}

// same tells what is different in a record that was read again. A sink may
// add an integrity member.
func same(want, got *lifecycle.Record) error {
	if got == nil {
		return fmt.Errorf("the record of run %s is not there", want.Run.ID)
	}
	bare := *got
	bare.Integrity = want.Integrity
	a, err := json.Marshal(want)
	if err != nil {
		return err
	}
	b, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	if bytes.Equal(a, b) {
		return nil
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	excerpt := func(text []byte) string { return string(text[max(0, at-40):min(len(text), at+40)]) }
	return fmt.Errorf("the record comes back different: wrote …%s…, found …%s…", excerpt(a), excerpt(b))
}

func checkKeeps(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	record := sample(newID(), lifecycle.Complete, 1)
	return errors.Join(put(to, record), finds(to, record))
}

func checkReplaces(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	id := newID()
	for version := range 3 {
		checkpoint := sample(id, lifecycle.Running, 3-version) // each shorter than the last
		if err := errors.Join(put(to, checkpoint), finds(to, checkpoint)); err != nil {
			return fmt.Errorf("checkpoint %d: %w", version+1, err)
		}
	}
	final := sample(id, lifecycle.Complete, 0)
	return errors.Join(put(to, final), finds(to, final))
}

func checkRuns(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	var want []*lifecycle.Record
	for i := range 3 { // of one name, in one millisecond
		record := sample(newID(), lifecycle.Complete, i)
		record.Run.Name = "digits"
		want = append(want, record)
		if err := put(to, record); err != nil {
			return err
		}
	}
	return finds(to, want...)
}

func checkLarge(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	record := sample(newID(), lifecycle.Complete, 1)
	for i := range 10_000 {
		record.Spans = append(record.Spans, lifecycle.Span{Path: fmt.Sprintf("step %d", i), Stage: lifecycle.Unassigned})
	}
	return errors.Join(put(to, record), finds(to, record))
}

func checkAtomic(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	const versions = 20
	id := newID()
	length := func(version int) int { return version * 7919 % 40 } // long and short by turns
	if err := put(to, sample(id, lifecycle.Running, length(0))); err != nil {
		return err
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	var read error
	wg.Go(func() {
		read = guard(func() error {
			for {
				got, err := to.Records()
				if err != nil {
					return fmt.Errorf("a reader finds, during a Write: %w", err)
				}
				if len(got) != 1 {
					return fmt.Errorf("a reader finds %d records during a Write, want 1", len(got))
				}
				if err := whole(got[0]); err != nil {
					return fmt.Errorf("a reader finds, during a Write: %w", err)
				}
				select {
				case <-done:
					return nil
				default:
				}
			}
		})
	})
	write := guard(func() error {
		for version := range versions {
			if err := put(to, sample(id, lifecycle.Running, length(version))); err != nil {
				return err
			}
		}
		return nil
	})
	close(done)
	wg.Wait()
	return errors.Join(write, read)
}

func checkConcurrentSink(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	const runs = 8
	var wg sync.WaitGroup
	want := make([]*lifecycle.Record, runs)
	errs := make([]error, runs)
	for i := range runs {
		id := newID()
		want[i] = sample(id, lifecycle.Complete, i)
		wg.Go(func() {
			errs[i] = guard(func() error {
				return errors.Join(put(to, sample(id, lifecycle.Running, i+1)), put(to, want[i]))
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return finds(to, want...)
}

func checkCancelled(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	id := newID()
	checkpoint, final := sample(id, lifecycle.Running, 1), sample(id, lifecycle.Complete, 2)
	if err := put(to, checkpoint); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if refused := to.Sink.Write(ctx, final); refused != nil {
		if err := finds(to, checkpoint); err != nil {
			return fmt.Errorf("Write refused (%w), and then %w", refused, err)
		}
		return nil
	}
	if err := finds(to, final); err != nil {
		return fmt.Errorf("Write had no error, but %w", err)
	}
	return nil
}

func checkUntouched(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	record := sample(newID(), lifecycle.Complete, 1)
	before, err := deepCopy(record)
	if err != nil {
		return err
	}
	if err := put(to, record); err != nil {
		return err
	}
	if err := same(before, record); err != nil {
		return fmt.Errorf("Write changed it: %w", err)
	}
	record.Run.Name = "changed"
	record.Spans[0].Path = "changed"
	record.Extensions["org.example.changed"] = true
	if err := finds(to, before); err != nil {
		return fmt.Errorf("the caller went on with the record: %w", err)
	}
	return nil
}

func checkNoRecord(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	if to.Sink.Write(context.Background(), nil) == nil {
		return errors.New("Write of a nil record has no error")
	}
	return finds(to)
}

func checkBroken(open openSink) error {
	to, err := open()
	if err != nil {
		return err
	}
	if to.Break == nil {
		return nil
	}
	id := newID()
	if err := put(to, sample(id, lifecycle.Running, 1)); err != nil {
		return err
	}
	to.Break()
	if to.Sink.Write(context.Background(), sample(id, lifecycle.Complete, 2)) == nil {
		return errors.New("the target is gone and Write has no error")
	}
	return nil
}
