// Package calibration keeps what the domains of a host draw when it idles, as
// it was measured there, in a file of the host.
package calibration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
)

// Path is where a host keeps its calibration, below the root of its files.
const Path = "etc/ecotracer/calibration.json"

// schema is the form of the file.
const schema = "urn:ecotracer:calibration:v1"

// maxFile bounds what is read.
const maxFile = 1 << 20

// Calibration is what was measured on a host.
type Calibration struct {
	Schema  string             `json:"schema"`
	TakenAt time.Time          `json:"taken_at"` // UTC
	Host    Machine            `json:"host"`
	IdleW   map[string]float64 `json:"idle_w"` // W, by domain
}

// Machine is what a calibration is good for. It is no name of one machine: the
// file may be part of an image for many that are alike.
type Machine struct {
	CPU         string `json:"cpu"`
	Sockets     int    `json:"sockets"`
	Threads     int    `json:"threads"`
	MemoryBytes int64  `json:"memory_bytes"`
}

func machineOf(f host.Facts) Machine {
	return Machine{f.CPU.Model, f.CPU.Sockets, f.CPU.Threads, f.MemoryBytes}
}

// like tells whether two machines are alike. The kernel keeps some memory for
// itself, and not always the same.
func (m Machine) like(o Machine) bool {
	off := math.Abs(float64(m.MemoryBytes - o.MemoryBytes))
	return m.CPU == o.CPU && m.Sockets == o.Sockets && m.Threads == o.Threads && off <= 0.02*float64(max(m.MemoryBytes, o.MemoryBytes))
}

// ErrOther is that a calibration was taken on another kind of machine.
var ErrOther = errors.New("it was taken on another kind of machine")

// New is the calibration of a host.
func New(f host.Facts, at time.Time, idleW map[string]float64) Calibration {
	return Calibration{schema, at.UTC().Round(time.Second), machineOf(f), idleW}
}

// Encode writes the file.
func (c Calibration) Encode(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(c)
}

// Read is the idle power by domain, in W, as the file tells it for a host of
// these facts. Without such a file it is nothing.
func Read(root fs.FS, name string, f host.Facts) (map[string]float64, error) {
	b, err := host.ReadFile(root, name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c Calibration
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s is no calibration: %w", name, err)
	}
	if c.Schema != schema {
		return nil, fmt.Errorf("%s is no calibration that is known here: its schema is %.40q, not %q", name, c.Schema, schema)
	}
	for id, w := range c.IdleW {
		if !(w > 0 && w < 1e6) {
			return nil, fmt.Errorf("%s: the idle power of %.40q is not %v W", name, id, w)
		}
	}
	if !c.Host.like(machineOf(f)) {
		return nil, fmt.Errorf("%s: %w", name, ErrOther)
	}
	return c.IdleW, nil
}
