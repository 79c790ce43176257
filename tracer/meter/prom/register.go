package prom

import (
	"context"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// atBegin is how long a dead endpoint may keep a run from beginning.
const atBegin = 2 * time.Second

// Nothing is registered where the variable is not set: a program that was
// built with the package then opens no connection, and its records do not say
// that a meter is missing which nobody asked for.
func init() {
	for i, config := range fromEnvironment(os.LookupEnv) {
		name := "prom"
		if i > 0 {
			name += strconv.Itoa(i + 1)
		}
		meter.Register(name, func(fs.FS) (meter.Meter, error) {
			ctx, cancel := context.WithTimeout(context.Background(), atBegin)
			defer cancel()
			return Open(ctx, config)
		})
	}
}

// fromEnvironment reads the variables; nothing else does, but for those that
// tell which GPUs are ours.
func fromEnvironment(lookup func(string) (string, bool)) []Config {
	get := func(name string) string { s, _ := lookup("ECOTRACER_PROM_" + name); return s }
	var configs []Config
	for address := range strings.FieldsSeq(get("URL")) {
		configs = append(configs, Config{
			URL:        address,
			BearerFile: get("BEARER_FILE"), BasicFile: get("BASIC_FILE"),
			CAFile: get("CA_FILE"), CertFile: get("CERT_FILE"), KeyFile: get("KEY_FILE"), ServerName: get("SERVER_NAME"),
			Node: get("NODE"),
		})
	}
	return configs
}
