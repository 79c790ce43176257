package tracertest

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// twisted is a good meter with one mistake.
type twisted struct {
	meter.Meter
	domains func([]meter.Domain) []meter.Domain
	read    func(dst []meter.Sample) ([]meter.Sample, error)
	close   func() error
}

func (m *twisted) Domains() []meter.Domain {
	if m.domains != nil {
		return m.domains(slices.Clone(m.Meter.Domains()))
	}
	return m.Meter.Domains()
}

func (m *twisted) Read(dst []meter.Sample) ([]meter.Sample, error) {
	if m.read != nil {
		return m.read(dst)
	}
	return m.Meter.Read(dst)
}

func (m *twisted) Close() error {
	if m.close != nil {
		return m.close()
	}
	return m.Meter.Close()
}

// pacedBy makes a meter a Pacer.
type pacedBy struct {
	meter.Meter
	period, timeout time.Duration
}

func (p *pacedBy) Period() time.Duration  { return p.period }
func (p *pacedBy) Timeout() time.Duration { return p.timeout }

func good() *Meter {
	return NewMeter(
		Domain{Domain: meter.Domain{ID: "cpu0", MaxW: 200}, Power: Constant(20)},
		Domain{Domain: meter.Domain{ID: "dram0", Within: "elsewhere"}, Power: Constant(3)},
		Domain{Domain: meter.Domain{ID: "core0", Within: "cpu0", LeftOut: "contained", Why: "cpu0 covers it"}},
	)
}

// broken lists the names of the rules that were broken.
func broken(verdicts []verdict) []string {
	var names []string
	for _, v := range verdicts {
		if v.err != nil {
			names = append(names, v.name)
		}
	}
	return names
}

func TestMeterSuitePassesGoodMeters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		TestMeter(t, func() (meter.Meter, error) { return good(), nil })
		TestMeter(t, func() (meter.Meter, error) {
			return &Slow{Meter: good(), Every: 5 * time.Second, Limit: time.Minute, Latency: 2 * time.Second}, nil
		})
	})
}

func TestMeterSuitePassesGoodMetersInRealTime(t *testing.T) {
	TestMeter(t, func() (meter.Meter, error) { return good(), nil })
}

// Trap 56: the suite that all meters pass fails each planted mistake.
func TestMeterSuiteCatchesPlantedMistakes(t *testing.T) {
	var shared *Meter // by all meters that were opened
	// edit changes every sample that was read.
	edit := func(f func(i int, s *meter.Sample)) func() meter.Meter {
		return func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				held := len(dst)
				dst, err := g.Read(dst)
				for i := range dst[held:] {
					f(i, &dst[held+i])
				}
				return dst, err
			}}
		}
	}
	domain := func(f func(d []meter.Domain) []meter.Domain) func() meter.Meter {
		return func() meter.Meter { return &twisted{Meter: good(), domains: f} }
	}
	change := func(f func(d *meter.Domain)) func() meter.Meter {
		return domain(func(d []meter.Domain) []meter.Domain { f(&d[1]); return d })
	}
	planted := map[string]struct {
		open func() meter.Meter
		want []string
	}{
		"no domains":              {domain(func([]meter.Domain) []meter.Domain { return nil }), []string{"domains", "samples", "concurrent"}},
		"the same ID twice":       {change(func(d *meter.Domain) { d.ID = "cpu0" }), []string{"domains"}},
		"no ID":                   {change(func(d *meter.Domain) { d.ID = "" }), []string{"domains"}},
		"no kind":                 {change(func(d *meter.Domain) { d.Kind = "" }), []string{"domains"}},
		"no sensor":               {change(func(d *meter.Domain) { d.Sensor = "" }), []string{"domains"}},
		"an unknown method":       {change(func(d *meter.Domain) { d.Method = "guessed" }), []string{"domains"}},
		"an unknown exclusion":    {change(func(d *meter.Domain) { d.LeftOut, d.Why = "dull", "dull" }), []string{"domains", "samples"}},
		"left out, not why":       {domain(func(d []meter.Domain) []meter.Domain { d[2].Why = ""; return d }), []string{"domains"}},
		"a negative range":        {change(func(d *meter.Domain) { d.RangeJ = -1 }), []string{"domains"}},
		"an idle power of NaN":    {change(func(d *meter.Domain) { d.IdleW = math.NaN() }), []string{"domains", "fixed"}}, // NaN is not itself
		"a device of -1":          {change(func(d *meter.Domain) { d.Device = -1 }), []string{"domains"}},
		"within itself":           {domain(func(d []meter.Domain) []meter.Domain { d[2].Within = "core0"; return d }), []string{"domains"}},
		"counts parts and whole":  {change(func(d *meter.Domain) { d.Within = "cpu0" }), []string{"counted-once"}},
		"counts a part of a part": {domain(func(d []meter.Domain) []meter.Domain { d[1].Within = "core0"; return d }), []string{"counted-once"}},
		"domains that change": {func() meter.Meter {
			var reads atomic.Int64
			g := good()
			return &twisted{Meter: g,
				read:    func(dst []meter.Sample) ([]meter.Sample, error) { reads.Add(1); return g.Read(dst) },
				domains: func(d []meter.Domain) []meter.Domain { d[0].RawJ = float64(reads.Load()); return d },
			}
		}, []string{"fixed"}},
		"a domain that is not there": {edit(func(_ int, s *meter.Sample) { s.Domain += 2 }), []string{"samples"}},
		"a domain of -1":             {edit(func(_ int, s *meter.Sample) { s.Domain-- }), []string{"samples"}},
		"one domain twice":           {edit(func(_ int, s *meter.Sample) { s.Domain = 0 }), []string{"samples", "never-falls"}},
		"tells what it left out":     {edit(func(i int, s *meter.Sample) { s.Domain = i + 1 }), []string{"samples"}},
		"a condition of its own":     {edit(func(_ int, s *meter.Sample) { s.Condition = "tired" }), []string{"samples"}},
		"NaN":                        {edit(func(_ int, s *meter.Sample) { s.Joules = math.NaN() }), []string{"numbers"}},
		"infinity":                   {edit(func(_ int, s *meter.Sample) { s.Joules = math.Inf(1) }), []string{"numbers", "baseline", "independent"}},
		"negative joules":            {edit(func(_ int, s *meter.Sample) { s.Joules -= 100 }), []string{"numbers", "never-falls"}},
		"begins at its raw reading":  {edit(func(_ int, s *meter.Sample) { s.Joules += 5000 }), []string{"baseline", "independent"}},
		"begins in microjoules":      {edit(func(_ int, s *meter.Sample) { s.Joules = s.Joules*1e6 + 1e4 }), []string{"baseline", "independent"}},
		"falls": {edit(func(_ int, s *meter.Sample) {
			if s.Joules > 0.05 {
				s.Joules = max(0, 0.4-s.Joules)
			}
		}), []string{"never-falls"}},
		"wraps": {edit(func(_ int, s *meter.Sample) { s.Joules = math.Mod(s.Joules*1000, 50) }), []string{"never-falls"}},
		"difference since the last": {func() meter.Meter {
			g, last := good(), map[int]float64{}
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				held := len(dst)
				dst, err := g.Read(dst)
				for i := range dst[held:] {
					s := &dst[held+i]
					s.Joules, last[s.Domain] = s.Joules-last[s.Domain], s.Joules
				}
				return dst, err
			}}
		}, []string{"never-falls"}},
		"wall-clock times":    {edit(func(_ int, s *meter.Sample) { s.Time = s.Time.Round(0) }), []string{"time"}},
		"times in the future": {edit(func(_ int, s *meter.Sample) { s.Time = s.Time.Add(time.Hour) }), []string{"time"}},
		"no times":            {edit(func(_ int, s *meter.Sample) { s.Time = time.Time{} }), []string{"time"}},
		"times that go back": {edit(func(_ int, s *meter.Sample) {
			s.Time = s.Time.Add(-time.Since(s.Time.Add(-time.Second)) * time.Duration(rand.IntN(100)))
		}), []string{"time"}},
		"overwrites dst": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) { return g.Read(dst[:0]) }}
		}, []string{"appends"}},
		"forgets dst": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func([]meter.Sample) ([]meter.Sample, error) { return g.Read(nil) }}
		}, []string{"appends", "allocation"}},
		"samples and an error": {func() meter.Meter {
			g, n := good(), 0
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				n++
				dst, err := g.Read(dst)
				if n == readings {
					err = errors.New("half of it failed")
				}
				return dst, err
			}}
		}, []string{"fixed", "samples", "numbers", "baseline", "never-falls", "time", "error-alone", "independent", "allocation", "concurrent"}},
		"silence": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				if _, err := g.Read(nil); err != nil {
					return dst, err
				}
				return dst, nil
			}}
		}, []string{"error-alone", "independent", "allocation"}},
		"reads after Close": {func() meter.Meter {
			return &twisted{Meter: good(), close: func() error { return nil }}
		}, []string{"close"}},
		"closes but once": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, close: func() error {
				if g.Closed() {
					return errors.New("closed twice")
				}
				return g.Close()
			}}
		}, []string{"close"}},
		"panics after Close": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				if g.Closed() {
					panic("nil pointer")
				}
				return g.Read(dst)
			}}
		}, []string{"close"}},
		"one source for all": {func() meter.Meter {
			if shared == nil {
				shared = good()
			}
			return &twisted{Meter: shared}
		},
			[]string{"fixed", "samples", "numbers", "baseline", "never-falls", "time", "appends", "close", "independent", "allocation", "concurrent"}},
		"one baseline for all": {func() func() meter.Meter {
			var first time.Time
			return func() meter.Meter {
				g := good()
				if first.IsZero() {
					first = time.Now()
				}
				since := time.Since(first).Seconds() * 1e6
				return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
					held := len(dst)
					dst, err := g.Read(dst)
					for i := range dst[held:] {
						dst[held+i].Joules += since
					}
					return dst, err
				}}
			}
		}(), []string{"baseline", "independent"}},
		"allocates": {func() meter.Meter {
			g := good()
			return &twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				escaped = new([16]byte)
				return g.Read(dst)
			}}
		}, []string{"allocation"}},
		"no period":   {func() meter.Meter { return &pacedBy{good(), 0, time.Second} }, []string{"pacer"}},
		"no time-out": {func() meter.Meter { return &pacedBy{good(), time.Second, 0} }, []string{"pacer"}},
		"panics when closed during Read": {func() meter.Meter {
			g := &Slow{Meter: good(), Every: time.Second, Limit: time.Second, Latency: time.Second}
			return &pacedBy{&twisted{Meter: g, read: func(dst []meter.Sample) ([]meter.Sample, error) {
				begun := time.Now()
				dst, err := g.Read(dst)
				if err != nil && time.Since(begun) > 0 {
					panic("the connection is gone")
				}
				return dst, err
			}}, time.Second, time.Second}
		}, []string{"concurrent"}},
	}
	var caught []string
	for _, name := range slices.Sorted(maps.Keys(planted)) {
		c := planted[name]
		t.Run(name, func(t *testing.T) {
			bubble := synctest.Test
			if name == "wall-clock times" { // a bubble has no other
				bubble = func(t *testing.T, f func(*testing.T)) { f(t) }
			}
			bubble(t, func(t *testing.T) {
				verdicts := try(meterRules, func() (meter.Meter, error) { return c.open(), nil }, nil)
				got := broken(verdicts)
				assert.Equal(t, c.want, got)
				caught = append(caught, got...)
				for _, v := range verdicts {
					assert.NotEmpty(t, v.why, v.name)
				}
			})
		})
	}
	for _, r := range meterRules {
		assert.Contains(t, caught, r.name, "every rule catches some mistake")
	}
}

var escaped *[16]byte
