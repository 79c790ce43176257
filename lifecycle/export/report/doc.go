// Package report writes records as one page for a browser: what was run and
// how sure the figures are in plain words, the phases of the life cycle, an
// energy flame graph of the spans, power over time, the devices and meters, the
// ledger, what is missing, the factors, and how several runs compare.
// [WriteDataset] writes one of many records: what they came to, how they differ,
// which are unlike the others, and how good the data are.
//
// The page is one file that loads nothing: styles, scripts and the charting
// libraries (d3, Observable Plot, d3-flame-graph; see assets/SOURCES.md) are in
// it, and its content security policy names each by its digest, so that nothing
// else runs, whatever a record holds. Text and tables are there without scripts;
// charts are drawn beside them. It stays below a megabyte: long texts are
// shortened and long tables cut, and both say so. Package internal/reporttest
// tests it in a browser.
package report
