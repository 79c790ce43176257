package ecotracer

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.Fields(string(out))
}

// floors are the packages of the library, ground first. A package may import
// what is on its own floor's line to the left, and what is below.
var floors = [][]string{
	{"factors"},
	{"lifecycle"},
	{"internal/host"},
	{"tracer/meter"},
	{"tracer/meter/internal/profile", "tracer/meter/powercap", "tracer/meter/model"},
	{"tracer/meter/detect"},
	{"tracer"},
	{"tracer/tracertest"},
}

func TestImportsOnlyPointDown(t *testing.T) {
	floorOf := map[string]int{}
	for i, floor := range floors {
		for _, p := range floor {
			floorOf[modulePath+"/"+p] = i
		}
	}
	for _, pkg := range goList(t, "./...") {
		floor, known := floorOf[pkg]
		if pkg == modulePath {
			continue
		}
		if !assert.True(t, known, "%s is on no floor: say in floors where it stands", pkg) {
			continue
		}
		for _, imp := range goList(t, "-f", `{{join .Imports "\n"}}`, pkg) {
			if !strings.HasPrefix(imp, modulePath) {
				continue
			}
			at, known := floorOf[imp]
			assert.True(t, known && at <= floor, "%s imports %s, which stands above it", pkg, imp)
		}
	}
}

// thirdParty and heavy are all that the tracer's import reaches beyond the
// standard library's everyday packages, each with its reason.
var (
	thirdParty = map[string]string{
		"github.com/google/uuid": "UUIDv7 names of runs",
	}
	heavy = map[string]string{
		"compress/gzip":                          "reads the CPU profile of a weight window; runtime/pprof has it anyway",
		"database/sql/driver":                    "google/uuid can be a column",
		"embed":                                  "factor tables and the record's schema",
		"encoding/csv":                           "factor tables",
		"encoding/json":                          "the record",
		"flag":                                   "tells a test binary",
		"net":                                    "google/uuid reads a hardware address for its version 1",
		"runtime/pprof":                          "CPU time by goroutine label",
		"text/tabwriter":                         "runtime/pprof",
		"vendor/golang.org/x/net/dns/dnsmessage": "net",
	}
	banned = map[string]string{
		"C":          "the tracer must build without a C compiler, and run in a scratch container",
		"net/http":   "the tracer opens no network connection, and 5 MB are not ours to add",
		"os/exec":    "the tracer starts no process",
		"testing":    "test code does not belong into a program",
		"crypto/tls": "no network",
		"log":        "a library does not print",
		"log/slog":   "a library does not print",
	}
)

func TestTracerReachesNothingHeavy(t *testing.T) {
	deps := goList(t, "-deps", "./tracer")
	for pkg, why := range banned {
		assert.NotContains(t, deps, pkg, why)
	}
	for _, pkg := range deps {
		host, _, _ := strings.Cut(pkg, "/")
		if !strings.Contains(host, ".") || strings.HasPrefix(pkg, modulePath) {
			continue
		}
		assert.Contains(t, thirdParty, pkg, "a new dependency of every user: give its reason in thirdParty, or do without it")
	}
	for pkg := range thirdParty {
		assert.Contains(t, deps, pkg, "thirdParty lists what is no longer reached")
	}
	for pkg := range heavy {
		assert.Contains(t, deps, pkg, "heavy lists what is no longer reached")
	}
}

func TestFactorsAndLifecycleReachOnlyTheStandardLibrary(t *testing.T) {
	for _, pkg := range goList(t, "-deps", "./factors", "./lifecycle") {
		host, _, _ := strings.Cut(pkg, "/")
		if strings.Contains(host, ".") && !strings.HasPrefix(pkg, modulePath) {
			t.Errorf("%s is reached", pkg)
		}
	}
	lifecycle := goList(t, "-deps", "./lifecycle")
	for _, pkg := range []string{"os/exec", "net", "runtime/pprof"} {
		assert.False(t, slices.Contains(lifecycle, pkg), "lifecycle is computation over plain values; it reaches %s", pkg)
	}
}
