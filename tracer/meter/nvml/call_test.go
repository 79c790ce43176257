//go:build linux && (amd64 || arm64)

package nvml

import (
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/nvml/nvmltest"
)

// The layouts that the library writes to are those of nvml.h on 64-bit Linux.
func TestLayoutsAreThoseOfC(t *testing.T) {
	assert.EqualValues(t, 40, unsafe.Sizeof(fieldValue{}))
	assert.EqualValues(t, 32, unsafe.Offsetof(fieldValue{}.value))
	assert.EqualValues(t, 24, unsafe.Sizeof(memory{}))
	assert.EqualValues(t, 40, unsafe.Sizeof(attributes{}))
	assert.EqualValues(t, 32, unsafe.Offsetof(attributes{}.memoryMB))
}

func TestTextsOfTheLibraryAreCleaned(t *testing.T) {
	assert.Equal(t, "NVIDIA A100", clean([]byte("NVIDIA A100\x00GPU-secret")))
	assert.Equal(t, "no end", clean([]byte("no end")), "a text without its NUL ends with the buffer")
	assert.Equal(t, "a b", clean([]byte("\x1b a \n\t\xff b\x00")))
	assert.Empty(t, clean(nil))
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("NVIDIA H100 80GB HBM3\x00\x00"))
	f.Add([]byte{0xff, 0xfe, 'x', 0x1b, '[', 0})
	f.Add([]byte("\u202eGPU\u0000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := clean(b)
		assert.True(t, utf8.ValidString(s))
		assert.LessOrEqual(t, len(s), len(b))
		assert.Equal(t, strings.TrimSpace(s), s)
		assert.NotContains(t, s, "  ")
		for _, r := range s {
			assert.True(t, unicode.IsPrint(r), "%q", r)
		}
	})
}

func TestValueOfAFieldIsOfItsType(t *testing.T) {
	value := func(kind uint32, bits uint64) *fieldValue {
		f := &fieldValue{valueType: kind}
		binary.NativeEndian.PutUint64(f.value[:], bits)
		return f
	}
	high := uint64(0xdead) << 32 // what the union holds beyond the value
	for name, f := range map[string]*fieldValue{
		"double":             value(0, math.Float64bits(250000)),
		"unsigned int":       value(1, high|250000),
		"unsigned long":      value(2, 250000),
		"unsigned long long": value(3, 250000),
		"signed long long":   value(4, 250000),
		"signed int":         value(5, high|250000),
	} {
		v, ok := f.number()
		assert.True(t, ok, name)
		assert.Equal(t, 250000.0, v, name)
	}
	v, ok := value(6, high|2500).number()
	assert.True(t, ok && v == 2500, "unsigned short")
	for name, f := range map[string]*fieldValue{
		"an unknown type":      value(7, 1),
		"a negative power":     value(4, math.MaxUint64),
		"no number":            value(0, math.Float64bits(math.NaN())),
		"more than can be":     value(3, math.MaxUint64),
		"a negative small one": value(5, math.MaxUint32),
	} {
		_, ok := f.number()
		assert.False(t, ok, name)
	}
}

func TestDriversWithALongerStructAreKnown(t *testing.T) {
	for driver, long := range map[string]bool{
		"535.43.02": true, "535.54.03": true, "535.86.10": true,
		"535.98": false, "535.104.05": false, "535.183.01": false, "550.54.15": false, "530.41.03": false, "": false, "535.": false, "535.5": false,
	} {
		assert.Equal(t, long, hasLongProcessInfo(driver), driver)
	}
}

func TestChipGA100IsKnownByItsNames(t *testing.T) {
	for model, is := range map[string]bool{
		"NVIDIA A100-SXM4-80GB": true, "NVIDIA A100X": true, "NVIDIA A30": true, "NVIDIA A800 80GB PCIe": true, "A100-SXM4-40GB": true,
		"NVIDIA A10": false, "NVIDIA A40": false, "NVIDIA RTX A3000 Laptop GPU": false, "NVIDIA A1000": false, "NVIDIA H100 PCIe": false, "": false,
	} {
		assert.Equal(t, is, isGA100(model), model)
	}
}

func TestDriverThatDoesNotAnswerDoesNotHoldUpTheProgram(t *testing.T) {
	before := openLimit
	t.Cleanup(func() { openLimit = before })
	openLimit = time.Millisecond
	s := &nvmltest.Script{Hang: map[string]time.Duration{"nvmlInit_v2": time.Hour}}
	path := s.Start(t)
	_, err := Open(Config{})
	var m *meter.Missing
	require.ErrorAs(t, err, &m)
	assert.Contains(t, m.Why, "does not answer")
	assert.NotEmpty(t, m.Fix)
	s.Hang = nil
	s.Write(t, path) // let it go
}

// The library of this host tells nothing of another one, whose files are in a
// fixture.
func TestFilesOfAnotherHostAreNoReasonToAskThisOnesDriver(t *testing.T) {
	t.Setenv(EnvLibrary, "")
	var m *meter.Missing
	require.ErrorAs(t, present(fstest.MapFS{}), &m)
	assert.ErrorIs(t, m, meter.ErrNoHardware, "without a driver nothing is missing")
	assert.Empty(t, m.Fix)
	require.ErrorAs(t, present(fstest.MapFS{"proc/driver/nvidia/version": {}, "proc/version": {}}), &m)
	assert.Contains(t, m.Why, "another host")

	root := t.TempDir()
	require.NoError(t, os.MkdirAll(root+"/proc/driver/nvidia", 0o700))
	require.NoError(t, os.WriteFile(root+"/proc/driver/nvidia/version", nil, 0o600))
	require.ErrorAs(t, present(os.DirFS(root)), &m)
	assert.Contains(t, m.Why, "another host")
}
