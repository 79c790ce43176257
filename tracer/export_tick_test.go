package tracer

import "time"

// Tick reads and books all meters of a run's ledger once.
func Tick(r *Run) { r.ledger.tick(false) }

// Second is what the sampler does each second: it settles, and looks at what is
// expected and budgeted.
func Second(r *Run) {
	r.ledger.tick(true)
	if r.planned {
		r.ledger.foresee(time.Second)
	}
}
