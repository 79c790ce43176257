package dataset

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Reader reads the records of a data set. The zero value reads files and
// folders with all processors.
type Reader struct {
	Workers int       // goroutines that decode and validate; 0: GOMAXPROCS
	Stdin   io.Reader // what the path "-" is; nil: there is none, and "-" is refused

	Progress func(Progress) // told now and then; one call at a time
	Refused  func(Refusal)  // told of each thing that is refused; one call at a time
	LeftOut  func(LeftOut)  // told of each record that does not count; one call at a time

	Estimates bool      // records of runs that were only estimated count
	Running   bool      // so do checkpoints of runs of which nothing later is there
	Now       time.Time // what is more than a day later is of the future; zero: the time at which Read is called

	// Quarantine is a folder that gets a copy of each document that is refused,
	// and a list of them with the reasons, refused.log; "": none. It is made if
	// need be. It takes 1 GiB and 100 000 documents at most.
	Quarantine string

	MaxRecord   int64  // bytes of one record; 0, and at most: 64 MiB
	MaxUnpacked int64  // bytes that one file may unpack to; 0: 1 TiB
	TempDir     string // for what does not fit into memory; "": os.TempDir
}

// Progress is how far a [Reader] is. It reads twice: first which records are
// there, then those that count.
type Progress struct {
	Second  bool  // it reads those that count
	Bytes   int64 // that were read of files this time
	Of      int64 // that are known; grows while folders are listed
	Records int64 // found, or in the second reading counted
}

// Place is where a document is.
type Place struct {
	Path   string `json:"path"`            // of the file, "-" for standard input
	Entry  string `json:"entry,omitempty"` // name in the archive; of archives in archives joined by "!"
	Line   int64  `json:"line,omitempty"`  // from 1 on; 0 if it is the whole file
	Offset int64  `json:"offset"`          // bytes into the file, or into what it, or the entry, unpacks to
}

// String is the place in the manner of compilers: path, entry and line.
func (p Place) String() string {
	s := p.Path
	if p.Entry != "" {
		s += "!" + p.Entry
	}
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
	}
	return s
}

// Reason is why something is refused or does not count.
type Reason string

// Why things are refused.
const (
	Unreadable Reason = "unreadable" // it cannot be opened or read, or is no ordinary file
	Damaged    Reason = "damaged"    // its compression or archive is broken or cut off
	TooLarge   Reason = "too-large"  // it goes beyond a limit of the reader
	NoRecord   Reason = "no-record"  // it cannot be decoded as a record
	Invalid    Reason = "invalid"    // the record breaks a rule
	Future     Reason = "future"     // it was made, or its run started, more than a day from now
	Changed    Reason = "changed"    // the file changed while it was read
)

// Why valid records do not count.
const (
	Copy            Reason = "copy"              // of a record that counts
	Checkpoint      Reason = "checkpoint"        // of a run that ended, or a later checkpoint is there
	Replaced        Reason = "replaced"          // by a later document of its run
	Superseded      Reason = "superseded"        // by a document of its run that names its digest
	OtherOfRun      Reason = "other-of-run"      // another document of its run has the same age (a conflict)
	InMerged        Reason = "in-merged"         // a merged record has it
	CountedByParent Reason = "counted-by-parent" // the run that started it counts its joules
	OnMachine       Reason = "on-machine"        // it and a record that counts all of the same machine overlap
	OtherWindow     Reason = "other-window"      // it and another window of its service overlap, or are the same (a conflict)
	OtherShard      Reason = "other-shard"       // its job cannot be merged, and it may share devices with a shard that counts (a conflict)
	Unfinished      Reason = "running"           // its run has not ended (see Reader.Running)
	Estimate        Reason = "estimated"         // nothing ran (see Reader.Estimates)
)

// Conflicts that leave nothing out: see [Conflict].
const (
	JobUnrelated Reason = "job-unrelated" // shards of one job that do not fit one another were merged all the same
	BeyondMeter  Reason = "beyond-meter"  // runs booked more of a device than its meter saw
)

// Refusal is something that was refused.
type Refusal struct {
	Place
	Run    string `json:"run,omitempty"` // its id, if that could be read
	Reason Reason `json:"reason"`
	Text   string `json:"text"`           // what is wrong, and what may be the cause
	More   int    `json:"more,omitempty"` // how many findings there are besides
	File   string `json:"file,omitempty"` // its copy in Reader.Quarantine
}

// LeftOut is a record that does not count.
type LeftOut struct {
	Place
	Run    string `json:"run"`
	Reason Reason `json:"reason"`
}

// Conflict is a contradiction among the records of a data set. It is settled by
// a rule, so that nothing counts twice; a person should look at it.
type Conflict struct {
	Reason Reason  `json:"reason"`
	Text   string  `json:"text"`
	Places []Place `json:"places,omitempty"` // of the first of the records that it is about
}

// Report tells what became of all that was read: each document counts, is a
// shard of what counts, is left out, or was refused.
type Report struct {
	Files     int64 `json:"files"`     // that were opened, and entries of archives
	Skipped   int64 `json:"skipped"`   // files and entries that are none of records, by name or content
	Bytes     int64 `json:"bytes"`     // of the files
	Documents int64 `json:"documents"` // refused files included
	Counted   int64 `json:"counted"`   // records handed to use
	Merged    int64 `json:"merged"`    // of them merged here, of shards
	Shards    int64 `json:"shards"`    // of which these were merged

	LeftOut map[Reason]int64 `json:"left_out"`
	Refused map[Reason]int64 `json:"refused"`

	Conflicts     []Conflict `json:"conflicts"`      // the first 1000
	ConflictCount int64      `json:"conflict_count"` // of all

	Quarantined    int64 `json:"quarantined,omitempty"`     // documents copied to Reader.Quarantine
	NotQuarantined int64 `json:"not_quarantined,omitempty"` // and those for which there was no room in it
}

// Sound tells whether nothing was refused and nothing contradicts.
func (r Report) Sound() bool { return len(r.Refused) == 0 && r.ConflictCount == 0 }

// The defaults and greatest values of a Reader's limits.
const (
	maxRecord   = 64 << 20
	unpackLimit = 1 << 40
	stdin       = "-"
	grace       = 24 * time.Hour // by which the clock of another machine may be ahead
)

// Read reads the records in files, folders with all below them, archives and
// streams, and hands every one that counts to use: from several goroutines at
// once, of which each has its own number worker, from 0 to Workers−1. A record
// is only valid during the call. An error of use ends the reading and is
// returned; so is that of the context. What cannot be read or is no valid record
// is refused, told, and the rest still counts.
//
// # What is read
//
// In a folder: files whose names end in .json, .ndjson, .jsonl or .tar, these with
// .gz, .zst or .zstd behind, and .tgz and .tzst; but none that are hidden, or end
// in .tmp or .lock. Links to files are followed, those to folders not. What a file
// is its first bytes tell: a record in any layout, several, a list of them, one on
// each line, or these packed by gzip, zstd or tar, in one another too. A file that
// was given by its name is read whatever its name. The path "-" is standard input,
// which is kept in a temporary file.
//
// # What counts
//
// Of all documents of one run (run.id) at most one:
//
//   - One whose digest another one of the run names in supersedes does not count.
//   - A checkpoint gives way to what was written when the run ended, an estimate to
//     what ran, and a record that somebody else closed (interrupted) to that of
//     the run itself; among these the one that was created last counts.
//   - Documents with the same canonical form are copies. Those that differ and
//     were created at the same time are a conflict, and that with the greatest
//     digest counts. So is an earlier document that tells of another start.
//
// If what should count turns out invalid the next best takes its place.
//
// Runs that share joules:
//
//   - The shards of a job (ranks of one trace id, if there are several) are merged
//     ([Merge]) and count as one record. If they do not fit one another (two of
//     one rank) they are merged all the same ([Merger.Unrelated]), which is a
//     conflict. What cannot be merged counts singly, but those that have a device
//     in common with one that counts at the same time, or do not tell their
//     devices, are left out. A record that was merged before takes the place of
//     its shards, or they take its place where there are more of them.
//   - A run whose joules its parent counts (warning counted-by-parent) is left out
//     if that one counts. Other children count: a parent never repeats them.
//   - A record of scope machine and others that tell the same device (instance)
//     never count for the same time. That of the machine counts, as it has the
//     joules of the others too, and they are left out; unless together they ran
//     longer outside of its time than it lasted: then they count.
//   - Windows of a service (segment) that overlap, or have one index: the earlier
//     one counts, and of these the longer one. It is a conflict.
//   - Runs at once on one device all count. That they booked no more than its
//     meter saw while they ran is checked, and if not it is a conflict.
//
// Estimates, and runs of which there is only a checkpoint, count if asked for.
// Records of more than a day from now are refused.
//
// # How much memory
//
// Files are read twice: which records are there and how they relate is noted
// first, in some 200 bytes a record, of which three remain in memory beyond the
// first 100 MB, the rest in temporary files; then what counts is decoded and
// validated. Shards of one job are in memory together, if they are no more than
// 32 MiB; others cannot be merged. So are large records, of each worker one.
func (r Reader) Read(ctx context.Context, paths []string, use func(worker int, rec *lifecycle.Record) error) (Report, error) {
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	x := newIntake(ctx, r.withDefaults(), use)
	err := x.read(paths)
	switch {
	case err == nil:
	case x.failed != nil:
		err = x.failed
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if closed := x.close(); err == nil {
		err = closed
	}
	return x.report, err
}
