package tracer

import "time"

// Sleep makes a run see that its host has slept.
func Sleep(r *Run, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.asleep -= d
}
