package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// factor is the place of a factor in the record; -1 if it is not there.
func (t *tabler) factor(id string) int {
	if id == "" {
		return -1
	}
	return find(t.factors, t.record.Factors, id, func(f *factors.Factor) string { return f.ID })
}

// input is a factor with its identity. of is the device that its figure is of,
// if it is of one.
func (t *tabler) input(id string, of *lifecycle.Hardware) Input {
	k := t.factor(id)
	if k < 0 {
		return Input{}
	}
	f := &t.record.Factors[k]
	if of != nil { // whose factor may be that of another device too
		return Input{factorIdentity(f, of), f.Value, f.Low, f.High}
	}
	if t.inputs[k].ID == "" {
		t.inputs[k] = Input{factorIdentity(f, nil), f.Value, f.Low, f.High}
	}
	return t.inputs[k]
}

// factorIdentity is what factors with the same error have in common: see Input.
func factorIdentity(f *factors.Factor, of *lifecycle.Hardware) string {
	b := appendTexts(make([]byte, 0, 256), string(f.Kind), f.Unit, f.Geography, f.Signal, f.Accounting, f.Basis, f.Mix, f.Source)
	b = strconv.AppendInt(b, int64(f.SourceYear), 10)
	if of != nil {
		b = appendTexts(b, string(of.Kind), of.Model)
	}
	declared := f.Found == factors.Declared
	switch {
	case f.Series != nil, f.Found == factors.Live, f.Kind == factors.Grid && !declared, of != nil && !declared:
	default:
		b = strconv.AppendFloat(append(b, '\n'), f.Value, 'g', -1, 64)
	}
	return identifier(string(f.Kind), b)
}

// gain is the identity of the error of meter m: that of all that meters of its
// kind read, which are told to be as good (R31: one error for all that it read).
func (t *tabler) gain(m int) string {
	if t.gains[m] == "" {
		e := &t.record.Methods[m]
		b := appendTexts(make([]byte, 0, 128), string(e.Method), e.Sensor, e.Mode)
		t.gains[m] = identifier("meter", strconv.AppendFloat(b, e.RelError, 'g', -1, 64))
	}
	return t.gains[m]
}

// appendTexts joins texts so that none can run into the next.
func appendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(append(b, ':'), s...)
	}
	return b
}

// identifier is a short name of an identity: it tells nothing else of it.
func identifier(what string, text []byte) string {
	sum := sha256.Sum256(text)
	b := make([]byte, 0, len(what)+17)
	b = append(append(b, what...), '-')
	return string(hex.AppendEncode(b, sum[:8]))
}

// hardwareClass is the class that package factors puts a device in: cpu-server,
// gpu-datacentre; else its kind.
func hardwareClass(hw *lifecycle.Hardware) string {
	if hw.Kind != lifecycle.KindCPU && hw.Kind != lifecycle.KindGPU || hw.Model == "" {
		return string(hw.Kind)
	}
	key := modelKey{hw.Kind, hw.Model}
	if c, ok := classes.Load(key); ok {
		return c.(string)
	}
	class := string(hw.Kind)
	switch hw.Kind {
	case lifecycle.KindCPU:
		if c, err := factors.LookupCPU(hw.Model, "", 0); err == nil && c.Class != "unknown" {
			class = "cpu-" + c.Class
		}
	case lifecycle.KindGPU:
		if a, err := factors.LookupAccelerator(hw.Model, 0); err == nil && a.Class != "unknown" {
			class = a.Class
		}
	}
	if classesKept.Add(1) <= maxClasses {
		classes.Store(key, class)
	}
	return class
}

// classes keeps the classes of models, which take some time to find.
var (
	classes     sync.Map
	classesKept atomic.Int64
)

// maxClasses bounds what is kept: model names come from outside.
const maxClasses = 10_000

type modelKey struct {
	kind  lifecycle.HardwareKind
	model string
}
