package beam

import (
	"context"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// The metrics that a pipeline counts while it runs, for the pages of the runner
// and its result. (A worker that does something again counts it again; the report
// does not.)
const (
	Namespace = "ecotracer"
	Documents = "documents" // that were found, refused files included
	Counted   = "counted"   // records that count
	LeftOut   = "left_out"
	Refused   = "refused"
	Conflicts = "conflicts"
)

// meters are counters of those.
type meters struct{ documents, counted, leftOut, refused, conflicts sdk.Counter }

func newMeters() meters {
	c := func(name string) sdk.Counter { return sdk.NewCounter(Namespace, name) }
	return meters{c(Documents), c(Counted), c(LeftOut), c(Refused), c(Conflicts)}
}

// tell counts what a report tells, and passes it on.
func (m *meters) tell(ctx context.Context, r Report, emit func(Report)) {
	m.documents.Inc(ctx, r.Documents)
	m.counted.Inc(ctx, r.Counted)
	for _, n := range r.LeftOut {
		m.leftOut.Inc(ctx, n)
	}
	for _, n := range r.Refused {
		m.refused.Inc(ctx, n)
	}
	m.conflicts.Inc(ctx, r.ConflictCount)
	emit(r)
}
