package tracer

// Tick reads and books all meters of a run's ledger once.
func Tick(r *Run) { r.ledger.tick(false) }
