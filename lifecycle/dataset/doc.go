// Package dataset works on many records.
//
// [Merge] makes one record of the shards of a job, each of which was written
// by one of its ranks, and counts once what several of them saw.
package dataset
