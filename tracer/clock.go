package tracer

import "time"

// foreign is how far a clock may be from the ledger's before it is another
// clock: inside a testing/synctest bubble time starts in 2000 and is decades
// away from the real monotonic clock.
const foreign = 5 * 365 * 24 * time.Hour

// now is the ledger's time in ns. It is read before any lock is taken, so
// advance must clamp it.
func (l *ledger) now() int64 { return int64(time.Since(l.base)) }

// virtualTime tells whether the goroutine's clock is not the real one, as in
// a testing/synctest bubble. What belongs to such a clock must not be shared
// with goroutines of another.
func virtualTime() bool {
	d := time.Now().Unix() - realUnix()
	return d > 3600 || d < -3600
}
