package parquet

// GroupRows has a writer cut its row groups sooner.
func (w *Writer) GroupRows(n int) { w.most = n }
