// Package dataset works on many records.
//
// [Merge] makes one record of the shards of a job, each of which was written
// by one of its ranks, and counts once what several of them saw.
//
// A [Summary] is what many records came to, by groups; summaries add up exactly,
// of workers, machines and sites. [Sharing] and [Noise] make of a site's records
// what may leave it though they may not.
package dataset
