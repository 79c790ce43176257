package redfish

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// openLimit bounds how long detection waits for a controller.
const openLimit = 15 * time.Second

// A program that is asked by the environment to meter its node registers a
// source. Otherwise nothing is registered, so that whoever never asked reads
// of no missing meter.
func init() {
	if os.Getenv("ECOTRACER_REDFISH_URL") != "" {
		meter.Register("redfish", func(fs.FS) (meter.Meter, error) { return openEnv(os.Getenv) })
	}
}

// openEnv opens the controller that the environment names. What a record may
// show of an error is in the Missing; the whole error is its Err.
func openEnv(getenv func(string) string) (meter.Meter, error) {
	insecure := strings.ToLower(getenv("ECOTRACER_REDFISH_INSECURE"))
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	m, err := Open(ctx, Config{
		URL:          getenv("ECOTRACER_REDFISH_URL"),
		Username:     getenv("ECOTRACER_REDFISH_USER"),
		PasswordFile: getenv("ECOTRACER_REDFISH_PASSWORD_FILE"),
		Fingerprint:  getenv("ECOTRACER_REDFISH_FINGERPRINT"),
		Chassis:      getenv("ECOTRACER_REDFISH_CHASSIS"),
		Insecure:     insecure == "1" || insecure == "true" || insecure == "yes" || insecure == "on",
	})
	if err == nil {
		return m, nil
	}
	missing := &meter.Missing{What: "redfish", Why: strings.TrimPrefix(err.Error(), "redfish: "), Fix: "see the ECOTRACER_REDFISH_ variables", Err: err}
	if f := (*failure)(nil); errors.As(err, &f) {
		missing.Why = f.why
		if f.fix != "" {
			missing.Fix = f.fix + ", by the ECOTRACER_REDFISH_ variables"
		}
	}
	return nil, missing
}
