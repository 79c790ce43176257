package tracertest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// TestMeter holds a meter to the rules of meter.Meter and reports each that it
// breaks, with the reason for the rule. Open is called several times and opens
// the same source anew; a test whose hardware is not there skips before it
// calls TestMeter. The rules are
//
//	domains       it has domains, with unique IDs and sensible facts
//	fixed         its domains do not change
//	counted-once  no counted domain lies within another, but within a node
//	samples       samples are of counted domains, one of each at most
//	numbers       joules are finite and not negative
//	baseline      joules count from opening
//	never-falls   joules never fall
//	time          samples tell when they were read, on the monotonic clock
//	appends       Read keeps what dst holds
//	error-alone   a Read that fails tells nothing, one that does not tells something
//	close         Close may be called twice, and Read fails after it
//	independent   two meters of one source know nothing of each other
//	allocation    Read allocates nothing (meters with a Pacer are exempt)
//	concurrent    Domains may be called during Read; Close too, with a Pacer
//	pacer         Period and Timeout are positive
//
// Rules that the documentation of a meter excuses it from are named in except.
//
// It waits for counters to move, up to 2 s in all: give a test of a simulated
// source a testing/synctest bubble, where that takes no time. The allocation rule counts
// what the whole process allocates, so do not run it beside parallel tests.
func TestMeter(t testing.TB, open func() (meter.Meter, error), except ...string) {
	t.Helper()
	conform(t, meterRules, open, except)
}

type openMeter = func() (meter.Meter, error)

var meterRules = []rule[meter.Meter]{
	{"domains", "Domains become ledger lines of the record: IDs tell them apart, kind and method are required members, and whoever reads the record must be told why something was left out.", checkDomains},
	{"fixed", "The ledger asks for Domains once and refers to them by index ever after.", checkFixed},
	{"counted-once", "A joule that two counted domains show would be booked twice. What lies within a counted domain is left out as contained. Only of a node detection takes the parts away.", checkCountedOnce},
	{"samples", "A Sample without a counted domain cannot be booked, and two of one domain in one Read would be taken for an interval.", checkSamples},
	{"numbers", "One NaN or infinity makes every sum of the record useless. What cannot be told has a Condition or no Sample.", checkNumbers},
	{"baseline", "Joules count from opening. A meter that begins with the reading of its raw counter books all that the machine used since it was switched on.", checkBaseline},
	{"never-falls", "Joules are cumulative and unwrapped. A fall would be booked as negative energy; wraps and resets are the meter's to mend.", checkNeverFalls},
	{"time", "Energy is shared among spans by the time of reading, on the clock that spans use. A wall-clock time jumps when somebody sets the clock.", checkTime},
	{"appends", "The sampler gathers the samples of several meters in one slice.", checkAppends},
	{"error-alone", "The error is for a Read that told nothing: with samples beside it, they would be lost or booked by chance. A domain that fails has a Condition while the others are told.", checkErrorAlone},
	{"close", "Runs end more than once, and a late tick of the sampler may come after: it must get an error, not a panic and no figures.", checkClose},
	{"independent", "Two runs in one process may each open the source; the end of one must not blind the other, nor may its baseline be the other's.", checkIndependent},
	{"allocation", "The sampler reads for as long as the program runs: garbage at every tick is the host program's cost.", checkAllocation},
	{"concurrent", "Detection and doctor list domains while the sampler reads. A slow meter is closed while it is being read.", checkConcurrent},
	{"pacer", "A period or time-out of nothing would spin, or never get a reading.", checkPacer},
}

func checkDomains(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		domains := m.Domains()
		if len(domains) == 0 {
			return errors.New("it has no domains: opening should have failed")
		}
		var errs []error
		bad := func(d meter.Domain, format string, args ...any) {
			errs = append(errs, fmt.Errorf("domain %q: %s", d.ID, fmt.Sprintf(format, args...)))
		}
		byID := map[string]meter.Domain{}
		for _, d := range domains {
			if d.ID == "" {
				bad(d, "it has no ID")
			} else if _, twice := byID[d.ID]; twice {
				bad(d, "two domains have this ID")
			}
			byID[d.ID] = d
		}
		methods := []lifecycle.Method{lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared}
		leftOut := []string{"", "contained", "mirrored", "unreadable", "refused"}
		for _, d := range domains {
			if d.Kind == "" {
				bad(d, "it has no Kind")
			}
			if d.Sensor == "" {
				bad(d, "it has no Sensor")
			}
			if d.Device < 0 {
				bad(d, "its Device is %d", d.Device)
			}
			if !slices.Contains(methods, d.Method) {
				bad(d, "its Method is %q, want one of %q", d.Method, methods)
			}
			if !slices.Contains(leftOut, d.LeftOut) {
				bad(d, "LeftOut is %q, want one of %q", d.LeftOut, leftOut)
			}
			if d.LeftOut != "" && d.Why == "" {
				bad(d, "it is left out as %s and does not say why", d.LeftOut)
			}
			if d.Update < 0 {
				bad(d, "Update is %v", d.Update)
			}
			v := reflect.ValueOf(d)
			for i := range v.NumField() {
				if v.Field(i).Kind() == reflect.Float64 {
					if f := v.Field(i).Float(); !(f >= 0) || math.IsInf(f, 1) {
						bad(d, "%s is %v", v.Type().Field(i).Name, f)
					}
				}
			}
			for up, steps := d, 0; up.Within != ""; steps++ {
				next, known := byID[up.Within]
				if !known {
					break // the domain that contains it may be another meter's
				}
				if steps > len(domains) {
					bad(d, "it lies within itself")
					break
				}
				up = next
			}
		}
		return errors.Join(errs...)
	})
}

func checkFixed(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		before := slices.Clone(m.Domains())
		for range readings {
			if _, err := m.Read(nil); err != nil {
				return fmt.Errorf("Read: %w", err)
			}
			if after := m.Domains(); !reflect.DeepEqual(before, after) {
				return fmt.Errorf("domains were %+v and became %+v after a Read", before, after)
			}
		}
		return nil
	})
}

func checkCountedOnce(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		byID := map[string]meter.Domain{}
		for _, d := range m.Domains() {
			byID[d.ID] = d
		}
		var errs []error
		for _, d := range m.Domains() {
			up := d
			for range m.Domains() {
				next, known := byID[up.Within]
				if d.LeftOut != "" || up.Within == "" || !known {
					break
				}
				if next.LeftOut == "" && next.Kind != lifecycle.KindNode {
					errs = append(errs, fmt.Errorf("domain %q is counted and lies within %q, which is counted", d.ID, next.ID))
				}
				up = next
			}
		}
		return errors.Join(errs...)
	})
}

var conditions = []meter.Condition{meter.OK, meter.Gap, meter.Reset, meter.Stuck, meter.Backwards, meter.Unplugged, meter.Denied, meter.Unreadable, meter.NoRange, meter.PartsMore}

func checkSamples(open openMeter) error {
	domains, _, all, err := observe(open)
	errs := []error{err}
	for i, r := range all {
		seen := map[int]bool{}
		for _, s := range r.samples {
			switch {
			case s.Domain < 0 || s.Domain >= len(domains):
				errs = append(errs, fmt.Errorf("Read number %d: a Sample is of domain %d of %d", i+1, s.Domain, len(domains)))
			case domains[s.Domain].LeftOut != "":
				errs = append(errs, fmt.Errorf("Read number %d: domain %q is told although it is left out as %s", i+1, domains[s.Domain].ID, domains[s.Domain].LeftOut))
			case seen[s.Domain]:
				errs = append(errs, fmt.Errorf("Read number %d: domain %q is told twice", i+1, domains[s.Domain].ID))
			}
			seen[s.Domain] = true
			if !slices.Contains(conditions, s.Condition) {
				errs = append(errs, fmt.Errorf("Read number %d: Condition %q is not one of package meter", i+1, s.Condition))
			}
		}
	}
	return errors.Join(errs...)
}

func checkNumbers(open openMeter) error {
	_, _, all, err := observe(open)
	errs := []error{err}
	for i, r := range all {
		for _, s := range r.samples {
			if !(s.Joules >= 0) || math.IsInf(s.Joules, 1) {
				errs = append(errs, fmt.Errorf("Read number %d: domain %d has %v J", i+1, s.Domain, s.Joules))
			}
		}
	}
	return errors.Join(errs...)
}

// mostW is more power than any one domain draws, where it does not say.
const mostW = 20_000

func checkBaseline(open openMeter) error {
	domains, opened, all, err := observe(open)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range all[0].samples {
		if s.Domain < 0 || s.Domain >= len(domains) {
			continue // rule samples
		}
		d := domains[s.Domain]
		limit := d.MaxW
		if limit == 0 {
			limit = mostW
		}
		elapsed := all[0].after.Sub(opened) + d.Update
		if most := limit*elapsed.Seconds() + d.ResolutionJ; s.Joules > most {
			errs = append(errs, fmt.Errorf("domain %q tells %g J %v after it was opened, more than the %g J of %g W", d.ID, s.Joules, elapsed, most, limit))
		}
	}
	return errors.Join(errs...)
}

func checkNeverFalls(open openMeter) error {
	_, _, all, err := observe(open)
	errs := []error{err}
	last := map[int]float64{}
	for i, r := range all {
		for _, s := range r.samples {
			if s.Joules < last[s.Domain] {
				errs = append(errs, fmt.Errorf("Read number %d: domain %d falls from %g J to %g J", i+1, s.Domain, last[s.Domain], s.Joules))
			}
			last[s.Domain] = s.Joules
		}
	}
	return errors.Join(errs...)
}

func checkTime(open openMeter) error {
	_, _, all, err := observe(open)
	errs := []error{err}
	last := map[int]time.Time{}
	for i, r := range all {
		for _, s := range r.samples {
			switch before, seen := last[s.Domain]; {
			case s.Time.IsZero():
				errs = append(errs, fmt.Errorf("Read number %d: domain %d has no time", i+1, s.Domain))
			case !monotonic(s.Time) && monotonic(time.Now()):
				errs = append(errs, fmt.Errorf("Read number %d: the time of domain %d has no monotonic clock, take it from time.Now and leave it as it is", i+1, s.Domain))
			case s.Time.After(r.after):
				errs = append(errs, fmt.Errorf("Read number %d: domain %d was read %v after Read came back", i+1, s.Domain, s.Time.Sub(r.after)))
			case seen && s.Time.Before(before):
				errs = append(errs, fmt.Errorf("Read number %d: domain %d was read %v before it was read last", i+1, s.Domain, before.Sub(s.Time)))
			}
			last[s.Domain] = s.Time
		}
	}
	return errors.Join(errs...)
}

func checkAppends(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		for _, room := range []int{0, 1, 100} {
			held := make([]meter.Sample, 2, 2+room)
			held[0], held[1] = meter.Sample{Domain: -1, Joules: 1}, meter.Sample{Domain: -2, Joules: 2}
			want := slices.Clone(held)
			got, err := m.Read(held)
			if err != nil {
				return fmt.Errorf("Read: %w", err)
			}
			if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
				return fmt.Errorf("dst held %v and came back as %v", want, got)
			}
		}
		return nil
	})
}

func checkErrorAlone(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		counted := slices.ContainsFunc(m.Domains(), func(d meter.Domain) bool { return d.LeftOut == "" })
		for i := range readings {
			samples, err := m.Read(nil)
			if err != nil && len(samples) > 0 {
				return fmt.Errorf("Read number %d tells %d samples and the error %w", i+1, len(samples), err)
			}
			if err == nil && len(samples) == 0 && counted {
				return fmt.Errorf("Read number %d tells nothing and has no error", i+1)
			}
		}
		return nil
	})
}

func checkClose(open openMeter) error {
	m, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if _, err := m.Read(nil); err != nil {
		return fmt.Errorf("Read: %w", err)
	}
	for i := range 2 {
		if err := m.Close(); err != nil {
			return fmt.Errorf("Close number %d: %w", i+1, err)
		}
		samples, err := m.Read(nil)
		if err == nil || len(samples) > 0 {
			return fmt.Errorf("Read after Close tells %d samples and the error %v, want none and an error", len(samples), err)
		}
	}
	return nil
}

func checkIndependent(open openMeter) error {
	first, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	rest(first, 1)
	_, readErr := first.Read(nil)
	baseline := checkBaseline(func() (meter.Meter, error) { return open() })
	if baseline != nil {
		baseline = fmt.Errorf("opened beside another: %w", baseline)
	}
	second, err := open()
	if err != nil {
		return errors.Join(readErr, baseline, fmt.Errorf("open beside another: %w", err), first.Close())
	}
	errs := []error{readErr, baseline, first.Close()}
	if samples, err := second.Read(nil); err != nil || len(samples) == 0 {
		errs = append(errs, fmt.Errorf("after another one was closed Read tells %d samples and the error %v", len(samples), err))
	}
	return errors.Join(append(errs, second.Close())...)
}

func checkAllocation(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		if _, exempt := m.(meter.Pacer); exempt {
			return nil
		}
		dst := make([]meter.Sample, 0, len(m.Domains())+16)
		var failed error
		read := func() {
			if _, err := m.Read(dst[:0]); err != nil {
				failed = err
			}
		}
		read() // what is made once is made now
		// Others in the process may allocate too, so the best of some counts.
		const times = 50
		best := math.Inf(1)
		for range 5 {
			best = min(best, mallocs(times, read))
		}
		if failed != nil {
			return fmt.Errorf("Read: %w", failed)
		}
		if best >= 1 {
			return fmt.Errorf("Read allocates %.0f times", best)
		}
		return nil
	})
}

func checkConcurrent(open openMeter) error {
	m, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	_, slow := m.(meter.Pacer)
	var wg sync.WaitGroup
	var read, closed error
	wg.Go(func() {
		read = guard(func() error {
			for range readings {
				if _, err := m.Read(nil); err != nil {
					if slow {
						return nil // it was closed meanwhile
					}
					return fmt.Errorf("Read: %w", err)
				}
			}
			return nil
		})
	})
	wg.Go(func() {
		closed = guard(func() error {
			for range readings {
				if len(m.Domains()) == 0 {
					return errors.New("it has no domains during a Read")
				}
			}
			if slow {
				time.Sleep(time.Millisecond) // for Read to be under way
				return m.Close()
			}
			return nil
		})
	})
	wg.Wait()
	return errors.Join(read, closed, m.Close())
}

func checkPacer(open openMeter) error {
	return with(open, func(m meter.Meter) error {
		p, ok := m.(meter.Pacer)
		if !ok {
			return nil
		}
		if p.Period() <= 0 || p.Timeout() <= 0 {
			return fmt.Errorf("Period is %v and Timeout %v, want more than 0", p.Period(), p.Timeout())
		}
		return nil
	})
}
