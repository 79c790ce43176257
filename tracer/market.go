package tracer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Instrument is a market instrument: electricity that was bought for the site
// apart from the mix of its grid. What no instrument covers has the grams of
// the residual mix (GHG Protocol scope 2 guidance), if that is known: of the
// data set, or a factor of kind residual in Site.Factors.
type Instrument struct {
	Kind string // PPA, GoO, REC or supplier

	// How much it covers: a Share of all that the site uses, as of a contract
	// with a supplier; or KWh that were bought for the period from Begin to End,
	// spread evenly over it. See lifecycle.InstrumentShare.
	Share      float64
	KWh        float64
	Begin, End time.Time

	Factor factors.Factor // of kind instrument: what one kWh of it emits
}

// check tells what is wrong with an instrument.
func (in *Instrument) check() error {
	volume := in.KWh > 0 && in.KWh <= math.MaxFloat64 && in.End.After(in.Begin)
	switch {
	case !slices.Contains([]string{"PPA", "GoO", "REC", "supplier"}, in.Kind):
		return fmt.Errorf("kind %q: write PPA, GoO, REC or supplier", in.Kind)
	case in.Factor.Kind != factors.Instrument:
		return fmt.Errorf("its factor is of kind %q: give one of kind %q", in.Factor.Kind, factors.Instrument)
	case in.Share == 0 && !volume:
		return errors.New("give the share that it covers, or KWh above 0 for a period that ends after it begins")
	case in.Share != 0 && !(in.Share > 0 && in.Share <= 1):
		return fmt.Errorf("a share is above 0 and at most 1, not %v", in.Share)
	case in.Share != 0 && in.KWh != 0:
		return errors.New("give a share or a volume, not both")
	}
	return in.Factor.Check()
}

// market puts the instruments of the site into the record, whose energy is
// known by now.
func (b *recordBuilder) market() {
	e := &b.rec.Environments[0]
	covered := 0.0
	for i, in := range b.run.cfg.site.Instruments {
		share, err := in.Share, error(nil)
		if in.Share == 0 {
			share, err = lifecycle.InstrumentShare(&b.rec, siteID, in.KWh, in.Begin, in.End)
		}
		share = min(share, 1-covered)
		if err == nil && share <= 0 {
			err = errors.New("it covers nothing of the run, or others cover all of it")
		}
		if err != nil {
			b.warn("instrument-unused", "/environments/0", "instrument "+strconv.Itoa(i+1)+": "+err.Error(), 0)
			continue
		}
		covered += share
		e.Instruments = append(e.Instruments, lifecycle.Instrument{Kind: in.Kind, Share: share, Factor: b.book().Add(in.Factor)})
	}
	if len(e.Instruments) == 0 {
		return
	}
	if e.Factors.Residual == "" && covered < 1-1e-9 {
		b.warn("residual-unknown", "/environments/0", "no residual mix of the place is known for what no instrument covers, so there are no market-based emissions; give a factor of kind residual", 0)
	}
	for i := 1; i < len(b.rec.Environments); i++ {
		b.warn("residual-unknown", "/environments/"+strconv.Itoa(i), "what the run uses elsewhere has no known residual mix, so there are no market-based emissions of the stages that use it", 0)
	}
}
