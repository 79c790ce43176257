package dataset

// InWords says why something is refused or does not count, to people: the start
// of a sentence, or the end of one.
func (r Reason) InWords() string {
	switch r {
	case Unreadable:
		return "cannot be read"
	case Damaged:
		return "damaged or cut off"
	case TooLarge:
		return "too large"
	case NoRecord:
		return "no record"
	case Invalid:
		return "a record that breaks a rule"
	case Future:
		return "of the future"
	case Changed:
		return "changed while it was read"
	case Copy:
		return "a copy of a document that counts"
	case Checkpoint:
		return "a checkpoint, and a later document of its run is there"
	case Replaced:
		return "a later document of its run counts"
	case Superseded:
		return "superseded by another document of its run"
	case OtherOfRun:
		return "another document of its run counts, which is not later (conflict)"
	case InMerged:
		return "a shard of a merged record that counts"
	case CountedByParent:
		return "the run that started it counts its joules"
	case OnMachine:
		return "another record counts the same machine at the same time"
	case OtherWindow:
		return "another window of its service is of the same time or index (conflict)"
	case OtherShard:
		return "another shard of its job may have counted its joules (conflict)"
	case Unfinished:
		return "its run has not ended"
	case Estimate:
		return "an estimate: nothing ran"
	}
	return string(r)
}
