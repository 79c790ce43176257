package tracertest

// Report is report.
var Report = report
