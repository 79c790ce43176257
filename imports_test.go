package ecotracer

import (
	"maps"
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
	{"internal/race", "internal/canonical", "internal/lognormal", "internal/forecast", "internal/series", "internal/spelling", "internal/spill"},
	{"factors", "factors/live"},
	{"lifecycle"},
	{"lifecycle/schedule", "lifecycle/proof"},
	{"internal/recordtest", "internal/phases", "internal/inwords"},
	{"internal/inventory"},
	{"lifecycle/estimate"},
	{"internal/timeline"},
	{"internal/host"},
	{"internal/hosttest", "internal/calibration"},
	{"tracer/meter"},
	{"tracer/meter/internal/profile", "tracer/meter/internal/rapl", "tracer/meter/powercap", "tracer/meter/perf", "tracer/meter/hwmon", "tracer/meter/battery", "tracer/meter/model"},
	{"tracer/meter/redfish", "tracer/meter/declared"},
	{"tracer/meter/detect"},
	{"tracer"},
	{"tracer/deep", "tracer/httpspan", "tracer/slogspan", "tracer/expose"},
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

// everyday are the packages of the standard library that need no reason;
// thirdParty and heavy are all else that the tracer's import reaches, each with
// its reason.
var (
	everyday = strings.Fields(`bufio bytes cmp context crypto crypto/cipher crypto/fips140 crypto/hmac crypto/md5 crypto/rand
		crypto/sha1 crypto/sha256 crypto/sha3 crypto/subtle encoding encoding/base64 encoding/binary encoding/hex errors fmt
		hash hash/crc32 io io/fs iter maps math math/big math/bits math/rand math/rand/v2 os path path/filepath
		reflect regexp regexp/syntax runtime runtime/debug slices sort strconv strings sync sync/atomic syscall
		time unicode unicode/utf16 unicode/utf8 unique unsafe weak`)
	thirdParty = map[string]string{
		"github.com/google/uuid": "UUIDv7 names of runs",
	}
	heavy = map[string]string{
		"compress/flate":      "compress/gzip",
		"compress/gzip":       "reads the CPU profile of a weight window; runtime/pprof has it anyway",
		"database/sql/driver": "google/uuid can be a column",
		"embed":               "factor tables and the record's schema",
		"encoding/csv":        "factor tables",
		"encoding/json":       "the record",
		"flag":                "tells a test binary",
		"net":                 "google/uuid reads a hardware address for its version 1",
		"net/netip":           "a public record must show no address; net has it anyway",
		"runtime/cgo":         "net, where cgo is enabled; never in a build with CGO_ENABLED=0",
		"runtime/pprof":       "CPU time by goroutine label",
		"runtime/trace":       "spans are tasks of an execution trace, which tells CPU time exactly",
		"text/tabwriter":      "runtime/pprof",
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

// Trap 46: what starts no process leaves none.
func TestTracerReachesNothingHeavy(t *testing.T) {
	deps := goList(t, "-deps", "./tracer")
	for pkg, why := range banned {
		assert.NotContains(t, deps, pkg, why)
	}
	for _, pkg := range deps {
		if strings.HasPrefix(pkg, modulePath) || strings.HasPrefix(pkg, "vendor/") || strings.Contains("/"+pkg+"/", "/internal/") {
			continue
		}
		reason := everyday
		if host, _, _ := strings.Cut(pkg, "/"); strings.Contains(host, ".") {
			reason = slices.Collect(maps.Keys(thirdParty))
		} else if _, ok := heavy[pkg]; ok {
			continue
		}
		assert.Contains(t, reason, pkg, "a new dependency of every user: give its reason here, or do without it")
	}
	for pkg, why := range heavy {
		if pkg != "runtime/cgo" {
			assert.Contains(t, deps, pkg, "it is no longer reached, but listed: %s", why)
		}
	}
	for pkg := range thirdParty {
		assert.Contains(t, deps, pkg, "it is no longer reached, but listed")
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
