package dataset

import (
	"bytes"
	"fmt"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// What is merged at most, so that input from outside cannot exhaust the memory.
const (
	maxShards = 10_000  // of a job
	maxSpans  = 100_000 // paths and stages of a merged record, which is 64 MiB at most
)

// Merge makes one record of a job's shards: the records that its ranks wrote.
//
// The shards of a job have the same run.trace_id and rank count, and each its
// own rank. Without ranks they are numbered by their start, and all of them
// are taken to be there. Ranks that are absent are listed in missing, and
// run.coverage is the share that is present. Of several documents of one run
// (its checkpoints, its final record, a later assessment) the last one counts,
// and a shard that is given twice counts once.
//
// The result does not depend on the order of the shards, to the byte. Its run
// id is a UUIDv7 made of the earliest start, the trace id and the ids of the
// shards; created_at is the latest of the shards'. It passes
// [lifecycle.Validate], and its derived figures are those of
// [lifecycle.Assess]. It shares nothing with the shards, and these are not changed.
//
// # What several shards saw
//
// Ranks of one host read the same counters. Devices are known again by
// hardware[].instance, and a line of the ledger by its device and domain (of
// accelerators, which a container may number in its own way, by the device
// alone). Over the time that shards overlap such a line is counted once:
//
//   - total_j is what the meters saw of the domain while any shard ran. A later
//     or shorter shard adds only the part of its time that no other covers.
//   - What processes booked as their own adds up. Idle joules are those of the
//     shard that covers the time, less those that other shards booked;
//     other_processes_j is what remains.
//   - A shard of scope machine booked all that its host used. What shards of
//     other processes booked at the same time is taken from it, in proportion
//     from its spans and from what it left unattributed. The merged run has
//     scope machine if every domain was covered so.
//   - If shards booked more than the meter saw, each has its share of what it
//     saw, shards that claimed the device first; two shards of scope machine
//     that ran at the same time count as one. Both is flagged: merge-overlap.
//   - Where one shard measured a domain and another modelled it, each one's
//     joules are in a line of its own, with what it read them by.
//
// A program that traces itself below one that counts all it started (ecotracer
// run) leaves a record whose joules are in that of the other: where both are
// given, the inner one (counted-by-parent) is left out.
//
// Devices without an instance, as in public records, count as different ones;
// if they may be the same, merge-unrecognised says so. So it does where a shard
// without a rank may have counted what another of its trace did, as `ecotracer
// run` does of a program that traces itself.
//
// # What adds up, and how
//
// Joules, counts, durations of stages and units add up. Accounts of the same
// path and stage are one; a quantile of their durations is the mean of the
// shards', weighted by count, and so lies between the least and the greatest
// of them. Devices of the same kind become one entry, whose count is that of
// distinct devices; use_s of a row is the longest of the shards', and share
// what makes the device-seconds add up, but no device is held for longer than
// the longest shard lasted. Hourly values of a grid that shards have of one place
// become one series. Entries that differ under one id are renamed. Name,
// publisher, use case and technology are those of the lowest rank that tells
// them, and merge-conflict says where others tell something else; the
// strictest confidentiality holds, and the innermost boundary. The run failed
// if one shard failed, and was interrupted if one was.
//
// A merged record no longer tells which joules were whose, and cannot be
// merged with further shards: give all the shards anew. Beside its own shards
// it changes nothing.
//
// Errors are a [*ShardError] where they are about some of the shards.
func Merge(shards ...*lifecycle.Record) (*lifecycle.Record, error) { return Merger{}.Merge(shards...) }

// Merger is [Merge] with other rules for what may be merged. The zero value is
// Merge itself.
type Merger struct {
	// Unrelated merges records that do not tell that they are of one job, or
	// that tell otherwise: of several trace ids or none, of other rank counts,
	// several of one rank. They are then numbered by rank and start. The
	// record has a trace id only if all shards have the same.
	Unrelated bool

	// Running merges checkpoints of runs that have not ended. The record then
	// has status running.
	Running bool
}

// ShardError is a reason why shards cannot be merged.
type ShardError struct {
	Shards []int  // that it is about: places among the arguments
	Reason string // what is wrong and what to do
}

// Error tells the reason.
func (e *ShardError) Error() string { return "dataset: merge: " + e.Reason }

// Merge is [Merge] under the rules of m.
func (m Merger) Merge(records ...*lifecycle.Record) (*lifecycle.Record, error) {
	shards, whole, err := m.choose(records)
	if err != nil {
		return nil, err
	}
	if whole != nil {
		return reread(whole)
	}
	j := &job{Merger: m, shards: shards}
	if err := j.relate(); err != nil {
		return nil, err
	}
	return j.merge()
}

// job is a merge at work.
type job struct {
	Merger
	shards []*shard // by rank
	ranks  int      // how many the job has
	rec    lifecycle.Record
	start  time.Time // the earliest of the shards'

	factors, places, meters names
	components              []*component
	classes                 []*class
	groups                  []*group
	stages                  map[lifecycle.Stage]*stage
	accounts                map[account]int           // in /spans
	tellers                 map[string]*shard         // of blocks that are one shard's
	methodAt                map[string]int            // by id: index in /methods
	at                      map[string]map[string]int // by list and id: index
	own                     []lifecycle.Warning       // that merging adds
	told                    map[[2]string]bool        // conflicts that are among these
}

// merge makes the record.
func (j *job) merge() (*lifecycle.Record, error) {
	j.run()
	j.facts()
	j.hardware()
	j.nested()
	j.ledger()
	if err := j.spans(); err != nil {
		return nil, err
	}
	j.phases()
	j.describe()
	j.prune()
	if err := j.amortised(); err != nil {
		return nil, err
	}
	j.notes()
	if err := lifecycle.Assess(&j.rec); err != nil {
		return nil, fmt.Errorf("dataset: merge: %w", err)
	}
	return j.settled()
}

// settled drops what the notes of the shards say of things that are no longer
// so, and makes sure that the record is valid.
func (j *job) settled() (*lifecycle.Record, error) {
	for _, f := range settleNotes(&j.rec) {
		if !f.Warning {
			return nil, fmt.Errorf("dataset: merge: the shards fit together to no valid record: %s", f)
		}
	}
	return reread(&j.rec)
}

// reread is a record as it is read after it was written: it shares nothing with
// the shards, and is no larger than what can be read.
func reread(r *lifecycle.Record) (*lifecycle.Record, error) {
	var b bytes.Buffer
	if err := lifecycle.Encode(&b, r); err != nil {
		return nil, fmt.Errorf("dataset: merge: %w", err)
	}
	fresh, err := lifecycle.Decode(&b)
	if err != nil {
		return nil, fmt.Errorf("dataset: merge: what was merged cannot be read: %w", err)
	}
	return fresh, nil
}

// warn adds a warning of the merging itself.
func (j *job) warn(code, path, format string, args ...any) {
	j.own = append(j.own, lifecycle.Warning{Code: code, Path: path, Detail: fmt.Sprintf(format, args...)})
}

// The warnings that merging adds.
const (
	overlap      = "merge-overlap"
	conflict     = "merge-conflict"
	unrecognised = "merge-unrecognised"
)
