package factors

import (
	"context"
	"time"
)

// GridSource tells the intensity of a grid as it is, was and will be, such as
// an API of package factors/live. What is asked for is a Query of kind Grid
// (the average of what is generated) or Marginal (of one more kWh); a source
// that has only one of the two refuses the other: they are never mixed.
//
// A Factor that a GridSource returns is Found live, tells where and when it is
// from in Source, and passes Check. Errors wrap ErrNoFactor where the source
// has no figure of that place or time. Methods return when ctx is done and may
// be called from several goroutines at once.
type GridSource interface {
	// Current is the intensity of the last step that is known.
	Current(ctx context.Context, q Query) (Factor, error)
	// History is the intensity from a time to another, with Series.
	History(ctx context.Context, q Query, from, to time.Time) (Factor, error)
	// Forecast is the expected intensity from a time to another, with Series.
	Forecast(ctx context.Context, q Query, from, to time.Time) (Factor, error)
}
