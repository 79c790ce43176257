package tracer

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// maxProfile bounds a decompressed profile: a window of a second is some KB.
const maxProfile = 64 << 20

var errProfile = errors.New("malformed CPU profile")

// readCPUProfile reads the few fields of a pprof profile that tell the CPU
// seconds per label of ours (github.com/google/pprof/proto/profile.proto:
// sample 2, location 4, function 5, string_table 6, period 12).
func readCPUProfile(gz []byte) (cpuSamples, error) {
	var c cpuSamples
	zr, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return c, err
	}
	raw, err := io.ReadAll(io.LimitReader(zr, maxProfile))
	if err != nil {
		return c, err
	}
	return parseCPUProfile(raw)
}

// profileSample is a sample as far as we read it.
type profileSample struct {
	stack []uint64 // locations
	nanos int64    // the last value: CPU ns
	label uint64   // string index of our label's value; 0 is none
}

func parseCPUProfile(raw []byte) (cpuSamples, error) {
	var (
		samples   [][]byte
		functions = map[uint64]uint64{}   // id → string index of its name
		locations = map[uint64][]uint64{} // id → function ids
		table     []string
	)
	err := eachField(raw, func(field int, v uint64, b []byte) error {
		switch field {
		case 2:
			samples = append(samples, b)
		case 4:
			var id uint64
			var fns []uint64
			err := eachField(b, func(field int, v uint64, line []byte) error {
				switch field {
				case 1:
					id = v
				case 4: // line: several where functions are inlined
					return eachField(line, func(field int, v uint64, _ []byte) error {
						if field == 1 {
							fns = append(fns, v)
						}
						return nil
					})
				}
				return nil
			})
			if err != nil {
				return err
			}
			locations[id] = fns
		case 5:
			var id, name uint64
			err := eachField(b, func(field int, v uint64, _ []byte) error {
				switch field {
				case 1:
					id = v
				case 2:
					name = v
				}
				return nil
			})
			if err != nil {
				return err
			}
			functions[id] = name
		case 6:
			table = append(table, string(b))
		}
		return nil
	})
	if err != nil {
		return cpuSamples{}, err
	}
	text := func(i uint64) string {
		if i < uint64(len(table)) {
			return table[i]
		}
		return ""
	}
	c := cpuSamples{byLabel: map[string]float64{}}
	for _, b := range samples {
		s, err := parseSample(b, text)
		if err != nil {
			return cpuSamples{}, err
		}
		if s.nanos <= 0 {
			continue
		}
		seconds := float64(s.nanos) / 1e9
		if s.label != 0 {
			c.byLabel[text(s.label)] += seconds
			continue
		}
		own := len(s.stack) > 0
		for _, location := range s.stack {
			own = own && len(locations[location]) > 0
			for _, fn := range locations[location] {
				own = own && ofRuntime(text(functions[fn]))
			}
		}
		if own {
			c.runtime += seconds
		} else {
			c.stray += seconds
		}
	}
	return c, nil
}

// ofRuntime tells whether a function belongs to the Go runtime itself, such as
// its garbage collector; threads that Go did not start show under one of its
// names.
func ofRuntime(function string) bool {
	if function == "runtime._ExternalCode" {
		return false
	}
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/") || function == "gcWriteBarrier"
}

func parseSample(b []byte, text func(uint64) string) (s profileSample, err error) {
	err = eachField(b, func(field int, v uint64, b []byte) error {
		switch field {
		case 1: // location_id, packed or not
			return eachPacked(v, b, func(v uint64) { s.stack = append(s.stack, v) })
		case 2: // value: samples/count, cpu/nanoseconds
			return eachPacked(v, b, func(v uint64) { s.nanos = int64(v) })
		case 3:
			var key, str uint64
			err := eachField(b, func(field int, v uint64, _ []byte) error {
				switch field {
				case 1:
					key = v
				case 2:
					str = v
				}
				return nil
			})
			if err != nil {
				return err
			}
			if text(key) == labelKey {
				s.label = str
			}
		}
		return nil
	})
	return s, err
}

// eachField calls f for each field of a protocol buffer message: with its
// value if it is a varint, else with its bytes.
func eachField(b []byte, f func(field int, v uint64, b []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return errProfile
		}
		b = b[n:]
		var v uint64
		var body []byte
		switch tag & 7 {
		case 0:
			if v, n = binary.Uvarint(b); n <= 0 {
				return errProfile
			}
			b = b[n:]
		case 1, 5:
			size := 8
			if tag&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errProfile
			}
			b = b[size:]
			continue
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errProfile
			}
			body = b[n : n+int(size)]
			b = b[n+int(size):]
			if body == nil {
				body = []byte{}
			}
		default:
			return errProfile
		}
		if err := f(int(tag>>3), v, body); err != nil {
			return err
		}
	}
	return nil
}

// eachPacked calls f for the value of a repeated varint field, or for each of
// its packed values.
func eachPacked(v uint64, b []byte, f func(uint64)) error {
	if b == nil {
		f(v)
		return nil
	}
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return errProfile
		}
		f(v)
		b = b[n:]
	}
	return nil
}
