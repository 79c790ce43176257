package tracer

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

const defaultDir = "ecotracer-records"

// defaultMaxPaths bounds the accounts of a run.
const defaultMaxPaths = 10_000

// leastPeriod bounds what the sampler may cost.
const leastPeriod = 10 * time.Millisecond

// defaultConfidentiality is how openly a record is published of which nobody
// has said it.
const defaultConfidentiality = "internal"

// scopes are those that a run may have.
var scopes = []lifecycle.Scope{lifecycle.ScopeProcess, lifecycle.ScopeCgroup, lifecycle.ScopeMachine}

// disabled tells whether the tracer is switched off: then everything is free.
func disabled() bool {
	s := os.Getenv("ECOTRACER_DISABLED")
	return s != "" && !isNo(s)
}

// isNo tells whether the value of a switch means that it is off.
func isNo(s string) bool {
	return slices.Contains([]string{"0", "false", "no", "off"}, strings.ToLower(s))
}

func isYes(s string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on"}, strings.ToLower(s))
}

// configure takes the defaults, then the environment, then the options. What
// is wrong is left out and told.
func configure(opts []Option) (config, error) {
	c := config{
		scope:       lifecycle.ScopeProcess,
		sampling:    defaultPeriod,
		checkpoints: defaultCheckpoints,
		maxPaths:    defaultMaxPaths,
		weights:     true,
	}
	errs := c.environment()
	env := c.site
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if s := &c.site; s.Country == "" && s.Subdivision == "" && s.Region == "" {
		s.Country, s.Subdivision = env.Country, env.Subdivision
		if s.Provider == "" || s.Provider == env.Provider {
			s.Provider, s.Region = env.Provider, env.Region
		}
	}
	errs = append(errs, c.repair()...)
	if err := c.keepValid(declared{}); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// environment takes what the environment says.
func (c *config) environment() (errs []error) {
	bad := func(name, value, want string) {
		errs = append(errs, fmt.Errorf("tracer: %s=%s: write %s", name, strconv.Quote(value), want))
	}
	c.name = os.Getenv("ECOTRACER_NAME")
	c.site = placeOfEnvironment()
	if s := os.Getenv("ECOTRACER_SCOPE"); s != "" {
		if scope := lifecycle.Scope(strings.ToLower(s)); slices.Contains(scopes, scope) {
			c.scope = scope
		} else {
			bad("ECOTRACER_SCOPE", s, "process, cgroup or machine")
		}
	}
	if s := os.Getenv("ECOTRACER_CPU_WEIGHTS"); s != "" {
		c.weights = !isNo(s)
		if c.weights && !isYes(s) {
			bad("ECOTRACER_CPU_WEIGHTS", s, "on or off")
		}
	}
	if s := os.Getenv("ECOTRACER_TIMELINE"); s != "" {
		c.timeline = isYes(s)
		if !c.timeline && !isNo(s) {
			bad("ECOTRACER_TIMELINE", s, "on or off")
		}
	}
	if s := os.Getenv("ECOTRACER_SPANS"); s != "" {
		c.streamed = isYes(s)
		if !c.streamed && !isNo(s) {
			bad("ECOTRACER_SPANS", s, "on or off")
		}
	}
	if s := os.Getenv("ECOTRACER_SAMPLING"); s != "" {
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			c.sampling = d
		} else {
			bad("ECOTRACER_SAMPLING", s, "a duration such as 2s or 500ms")
		}
	}
	if s := os.Getenv("ECOTRACER_CHECKPOINTS"); s != "" {
		if d, err := time.ParseDuration(s); err == nil && d != 0 {
			c.checkpoints = d
		} else {
			bad("ECOTRACER_CHECKPOINTS", s, "a duration such as 10s, or a negative one for none")
		}
	}
	return errs
}

// placeOfEnvironment is where the environment says that the run is.
func placeOfEnvironment() (s Site) {
	s.Country, s.Subdivision = os.Getenv("ECOTRACER_COUNTRY"), os.Getenv("ECOTRACER_REGION")
	if provider, region, cloud := strings.Cut(s.Subdivision, ":"); cloud {
		s.Provider, s.Region, s.Subdivision = provider, region, ""
	}
	return s
}

// repair puts defaults where an option says nothing that can be done.
func (c *config) repair() (errs []error) {
	if c.dir == "" {
		c.dir = os.Getenv("ECOTRACER_DIR")
	}
	if c.dir == "" {
		c.dir = defaultDir
	}
	if !slices.Contains(scopes, c.scope) {
		errs = append(errs, fmt.Errorf("tracer: scope %q is not known: it is one of %q", c.scope, scopes))
		c.scope = lifecycle.ScopeProcess
	}
	if h := c.traceparent; h != "" {
		if _, _, _, ok := parseTraceparent(h); !ok {
			errs = append(errs, fmt.Errorf("tracer: %q is no traceparent of W3C Trace Context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", h))
			c.traceparent = ""
		}
	}
	switch {
	case c.sampling < 0:
		errs = append(errs, fmt.Errorf("tracer: meters cannot be read every %v; it is every %v", c.sampling, defaultPeriod))
		c.sampling = defaultPeriod
	case c.sampling == 0:
		c.sampling = defaultPeriod
	}
	c.sampling = max(c.sampling, leastPeriod)
	if c.checkpoints == 0 {
		c.checkpoints = defaultCheckpoints
	}
	if n := len(c.sinks); n > 0 {
		c.sinks = slices.DeleteFunc(slices.Clone(c.sinks), func(s Sink) bool { return s == nil })
		if len(c.sinks) < n {
			errs = append(errs, errors.New("tracer: a sink is nil"))
		}
	}
	if n := len(c.meters); n > 0 {
		c.meters = slices.DeleteFunc(slices.Clone(c.meters), func(m meter.Meter) bool { return m == nil })
		if len(c.meters) < n {
			errs = append(errs, errors.New("tracer: a meter is nil"))
		}
	}
	if n := len(c.grids); n > 0 {
		c.grids = slices.DeleteFunc(slices.Clone(c.grids), func(s factors.GridSource) bool { return s == nil })
		if len(c.grids) < n {
			errs = append(errs, errors.New("tracer: a grid source is nil"))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.idle)) {
		if w := c.idle[id]; !(w >= 0) || math.IsInf(w, 1) {
			errs = append(errs, fmt.Errorf("tracer: idle power of %s is not %v W (it counts as unknown)", id, w))
			c.idle = maps.Clone(c.idle)
			delete(c.idle, id)
		}
	}
	return errs
}
