package powercap

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
)

const class = "sys/class/powercap"

// zone is what one folder of the class says.
type zone struct {
	id      string // intel-rapl:0:1
	name    string // package-0, core, dram, ...; "" if it does not tell
	rawUJ   uint64
	rangeUJ uint64 // 0 if it does not tell
	err     error  // why it cannot be read

	file  *host.File // nil if it cannot be read
	at    time.Time  // of rawUJ
	looks []look     // at zones that may be mirrors of one another
}

// list reads the zones of all RAPL control types, in the order of their
// numbers. It fails if it could name none of them.
func list(root fs.FS) ([]zone, error) {
	entries, err := fs.ReadDir(root, class)
	if err != nil {
		return nil, err
	}
	var zones []zone
	named := false
	for _, e := range entries {
		control, _, numbered := strings.Cut(e.Name(), ":")
		if !numbered || !strings.Contains(control, "rapl") {
			continue // dtpm, or the control type itself
		}
		z := read(root, e.Name())
		named = named || z.name != ""
		zones = append(zones, z)
	}
	if len(zones) == 0 {
		return nil, fmt.Errorf("%s: no RAPL zones: %w", class, fs.ErrNotExist)
	}
	if !named {
		for i := range zones {
			err = errors.Join(err, zones[i].err)
			zones[i].close()
		}
		return nil, &hiddenError{err}
	}
	slices.SortStableFunc(zones, func(a, b zone) int { return compareIDs(a.id, b.id) })
	return zones, nil
}

// hiddenError is that zones are listed and none can be looked into.
type hiddenError struct{ error }

func (e *hiddenError) Unwrap() error { return e.error }

// read looks into one zone.
func read(root fs.FS, id string) zone {
	z := zone{id: id}
	dir := path.Join(class, id)
	name, err := host.ReadFile(root, path.Join(dir, "name"), 256)
	if err != nil {
		z.err = err
		return z
	}
	if z.name = strings.TrimSpace(string(name)); z.name == "" {
		z.err = errNoName
		return z
	}
	if b, err := host.ReadFile(root, path.Join(dir, "max_energy_range_uj"), 64); err == nil {
		z.rangeUJ, _ = host.ParseUint(b)
	}
	z.file, z.err = host.OpenFile(root, path.Join(dir, "energy_uj"), 64)
	if z.err != nil {
		return z
	}
	z.rawUJ, z.err = readCounter(z.file)
	z.at = time.Now()
	if z.err != nil {
		z.close()
	}
	return z
}

func (z *zone) close() {
	if z.file != nil {
		_ = z.file.Close() // it was only read
		z.file = nil
	}
}

// readCounter reads a raw counter, µJ.
func readCounter(f *host.File) (uint64, error) {
	b, err := f.Read()
	if err != nil {
		return 0, err
	}
	raw, ok := host.ParseUint(b)
	if !ok {
		return 0, errNoNumber
	}
	return raw, nil
}

var (
	errNoNumber = errors.New("energy_uj: want a number of microjoules")
	errNoName   = errors.New("name: it is empty")
)

// compareIDs sorts intel-rapl:2 before intel-rapl:10, and intel-rapl before
// intel-rapl-mmio.
func compareIDs(a, b string) int {
	as, bs := strings.Split(a, ":"), strings.Split(b, ":")
	for i := range min(len(as), len(bs)) {
		an, errA := strconv.Atoi(as[i])
		bn, errB := strconv.Atoi(bs[i])
		c := cmp.Compare(an, bn)
		if errA != nil || errB != nil {
			c = strings.Compare(as[i], bs[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}
