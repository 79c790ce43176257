package tracer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

const defaultDir = "ecotracer-records"

// defaultMaxPaths bounds the accounts of a run.
const defaultMaxPaths = 10_000

// disabled tells whether the tracer is switched off: then everything is free.
func disabled() bool {
	switch strings.ToLower(os.Getenv("ECOTRACER_DISABLED")) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// configure takes the defaults, then the environment, then the options. What
// is wrong is left out and told.
func configure(opts []Option) (config, error) {
	c := config{
		name:        os.Getenv("ECOTRACER_NAME"),
		scope:       lifecycle.ScopeProcess,
		dir:         os.Getenv("ECOTRACER_DIR"),
		sampling:    defaultPeriod,
		checkpoints: defaultCheckpoints,
		maxPaths:    defaultMaxPaths,
	}
	c.site.Country = strings.ToUpper(os.Getenv("ECOTRACER_COUNTRY"))
	c.site.Subdivision = strings.ToUpper(os.Getenv("ECOTRACER_REGION"))
	var errs []error
	if s := os.Getenv("ECOTRACER_SCOPE"); s != "" {
		c.scope = lifecycle.Scope(s)
	}
	for name, d := range map[string]*time.Duration{
		"ECOTRACER_SAMPLING":    &c.sampling,
		"ECOTRACER_CHECKPOINTS": &c.checkpoints,
	} {
		if s := os.Getenv(name); s != "" {
			v, err := time.ParseDuration(s)
			if err != nil {
				errs = append(errs, fmt.Errorf("tracer: %s=%s is no duration: write it like 2s or 500ms", name, strconv.Quote(s)))
				continue
			}
			*d = v
		}
	}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.dir == "" {
		c.dir = defaultDir
	}
	if c.scope != lifecycle.ScopeProcess && c.scope != lifecycle.ScopeMachine {
		errs = append(errs, fmt.Errorf("tracer: scope %q is not known: it is %q or %q", c.scope, lifecycle.ScopeProcess, lifecycle.ScopeMachine))
		c.scope = lifecycle.ScopeProcess
	}
	if c.sampling <= 0 {
		c.sampling = defaultPeriod
	}
	c.sampling = max(c.sampling, 10*time.Millisecond)
	if c.checkpoints == 0 {
		c.checkpoints = defaultCheckpoints
	}
	if err := c.site.valid(); err != nil {
		errs = append(errs, err)
		c.site.Country, c.site.Subdivision = "", ""
	}
	return c, errors.Join(errs...)
}

// valid tells what is wrong with a site.
func (s *Site) valid() error {
	if s.Country != "" && !factors.IsCountry(s.Country) {
		return fmt.Errorf("tracer: country %q: %w; write an ISO 3166-1 alpha-2 code such as FR or US (the place counts as unknown)", s.Country, factors.ErrUnknownCountry)
	}
	if s.Subdivision != "" && !strings.HasPrefix(s.Subdivision, s.Country+"-") {
		return fmt.Errorf("tracer: region %q is not in country %q; write an ISO 3166-2 code such as US-CA, and its country", s.Subdivision, s.Country)
	}
	return nil
}
