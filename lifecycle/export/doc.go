// Package export writes a record in the formats of others, and reads those of
// theirs that hold runs.
//
//	who publishes a model     ModelCard, CycloneDX, SPDX, BoAmps
//	who fills in a form       SCI, GPAI, Table
//	who looks for joules      Pprof, Trace, OTLPTraces, OTLPMetrics
//	who keeps experiments     MLflow, WandB, ROCrate, CodeCarbon
//	who has records to come   ReadBoAmps, ReadCodeCarbon, ReadCycloneDX
//
// IntoModelCard and IntoCycloneDX add to what is there. Formats lists all that
// write a file; report.Format, a page for a browser, is apart from them.
//
// No other format can hold all of a record. So every function that writes one
// returns what was lost on the way, by JSON Pointer, and most formats can refer
// to the record itself by name and digest ([Options].Record). What a format
// needs and a record may lack is asked for by name ([InputError]), never guessed.
//
// The readers are strict and bounded in what they take, and tell what they had
// to guess ([Guess]). What they return is a record that lifecycle.Validate finds
// nothing wrong with.
package export

// Where things are. format.go lists the formats, and each is in the files that
// begin with its name: NAME.go is where to start, NAME_read.go the way back.
// SCI, GPAI and Table, the forms for people, are laid out by sheet.go, in the
// words of prose.go; what MLflow and Weights & Biases share is in trackers.go,
// what the traces share in trace_spans.go. loss.go finds what a format cannot
// hold. import.go makes the record of what a reader read, and json_tree.go reads
// JSON from outside.
