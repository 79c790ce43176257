// Package dataset works on many records.
//
// A [Reader] reads files, folders, archives and streams of any size, and hands
// over the records that count: valid ones, each run once, no joule twice. What is
// refused, left out or contradictory is told.
//
// [Merge] makes one record of the shards of a job, each of which was written
// by one of its ranks, and counts once what several of them saw.
//
// A [Summary] is what many records came to, by groups; summaries add up exactly,
// of workers, machines and sites. [Sharing] and [Noise] make of a site's records
// what may leave it though they may not.
//
// # Prediction
//
// [Fit] (or a [Fitter] for each goroutine) learns from records what runs come to,
// and [Predictor.Predict] tells it of a [Plan], before it runs: time, energy and
// emissions with intervals of 90 %. Without records that is physics, as package
// estimate has it; with them physics is corrected, the more the more there are and
// the more they are like the plan. [Predictor.Lean] tells which records that rests
// on, [Predictor.Sweep] finds the cheapest plan that reaches a metric.
//
// Questions are asked of accounts of runs ([Point], read by [ReadPoints]), of
// the rows that a selection ([Where]) matches: [FindOutliers] finds runs unlike
// others and the likely cause, [Pareto] what models cost for how good they are,
// [FindClusters] which runs are alike, in words. [CompareCohorts] tells whether
// the runs of one group come to less than those of another. All answers are the
// same whatever the order of the runs, and say what they rest on.
//
// [Reassess] makes the grams of a record anew, with other factors or in another
// place, and keeps its joules.
package dataset
