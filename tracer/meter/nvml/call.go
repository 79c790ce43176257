//go:build linux && (amd64 || arm64)

package nvml

import (
	"bytes"
	"strings"
	"unicode"
	"unsafe"

	"github.com/ebitengine/purego"
)

// device is nvmlDevice_t: what the library calls a GPU or an instance of one.
type device uintptr

// caller calls the library. What the library writes to is part of it, so that a
// call allocates nothing; a caller lives on the heap, which does not move. It
// is not safe for concurrent use.
type caller struct {
	*library
	long bool // the driver's process infos are those of longProcessInfo

	args   [4]uintptr
	asked  function
	u32    uint32
	u64    uint64
	handle device
	field  fieldValue
	memory memory
	attrs  attributes
	text   [bufferSize]byte
	pci    [pciInfoSize + 60]byte // room for a longer one
	list   []byte                 // of process infos or utilisation samples
}

// call calls a function with the first n args.
func (c *caller) call(f function, n int) result {
	if c.address[f] == 0 {
		return functionNotFound
	}
	r, _, _ := purego.SyscallN(c.address[f], c.args[:n]...)
	return result(int32(r))
}

func (c *caller) init() result     { return c.call(fInit, 0) }
func (c *caller) shutdown() result { return c.call(fShutdown, 0) }

// number calls a function that tells an unsigned int of a device.
func (c *caller) number(f function, d device) (uint32, result) {
	c.u32 = 0
	c.args[0], c.args[1] = uintptr(d), uintptr(unsafe.Pointer(&c.u32))
	r := c.call(f, 2)
	return c.u32, r
}

func (c *caller) count() (uint32, result) {
	c.u32 = 0
	c.args[0] = uintptr(unsafe.Pointer(&c.u32))
	r := c.call(fCount, 1)
	return c.u32, r
}

func (c *caller) byIndex(index int) (device, result) {
	c.handle = 0
	c.args[0], c.args[1] = uintptr(index), uintptr(unsafe.Pointer(&c.handle))
	r := c.call(fHandleByIndex, 2)
	return c.handle, r
}

func (c *caller) byUUID(uuid string) (device, result) {
	if len(uuid) >= len(c.text) {
		return 0, invalidArgument
	}
	clear(c.text[:])
	copy(c.text[:], uuid)
	c.handle = 0
	c.args[0], c.args[1] = uintptr(unsafe.Pointer(&c.text[0])), uintptr(unsafe.Pointer(&c.handle))
	r := c.call(fHandleByUUID, 2)
	return c.handle, r
}

func (c *caller) migByIndex(d device, index int) (device, result) {
	c.handle = 0
	c.args[0], c.args[1], c.args[2] = uintptr(d), uintptr(index), uintptr(unsafe.Pointer(&c.handle))
	r := c.call(fMigByIndex, 3)
	return c.handle, r
}

// words calls a function that writes a text about a device.
func (c *caller) words(f function, d device) (string, result) {
	clear(c.text[:])
	c.args[0], c.args[1], c.args[2] = uintptr(d), uintptr(unsafe.Pointer(&c.text[0])), uintptr(len(c.text))
	if r := c.call(f, 3); r != success {
		return "", r
	}
	return clean(c.text[:]), success
}

func (c *caller) driverVersion() string {
	clear(c.text[:])
	c.args[0], c.args[1] = uintptr(unsafe.Pointer(&c.text[0])), uintptr(len(c.text))
	if c.call(fDriverVersion, 2) != success {
		return ""
	}
	return clean(c.text[:])
}

func (c *caller) busID(d device) string {
	clear(c.pci[:])
	c.args[0], c.args[1] = uintptr(d), uintptr(unsafe.Pointer(&c.pci[0]))
	if c.call(fPCIInfo, 2) != success {
		return ""
	}
	return clean(c.pci[pciBusIDAt:pciInfoSize])
}

// energy is what a GPU has used since its driver was loaded, in mJ.
func (c *caller) energy(d device) (uint64, result) {
	c.u64 = 0
	c.args[0], c.args[1] = uintptr(d), uintptr(unsafe.Pointer(&c.u64))
	r := c.call(fEnergy, 2)
	return c.u64, r
}

// averagePower is the mean power of the last second, in mW, of a GPU or of the
// module that it is a part of.
func (c *caller) averagePower(d device, scope uint32) (uint64, result) {
	c.field = fieldValue{field: fieldPowerAverage, scope: scope}
	c.args[0], c.args[1], c.args[2] = uintptr(d), 1, uintptr(unsafe.Pointer(&c.field))
	if r := c.call(fFieldValues, 3); r != success {
		return 0, r
	}
	if r := result(c.field.result); r != success {
		return 0, r
	}
	v, ok := c.field.number()
	if !ok {
		return 0, unknownError
	}
	return uint64(v), success
}

func (c *caller) memoryBytes(d device) int64 {
	c.memory = memory{}
	c.args[0], c.args[1] = uintptr(d), uintptr(unsafe.Pointer(&c.memory))
	if c.call(fMemoryInfo, 2) != success || c.memory.total > 1<<50 {
		return 0
	}
	return int64(c.memory.total)
}

func (c *caller) attributes(d device) (attributes, result) {
	c.attrs = attributes{}
	c.args[0], c.args[1] = uintptr(d), uintptr(unsafe.Pointer(&c.attrs))
	r := c.call(fAttributes, 2)
	return c.attrs, r
}

func (c *caller) migEnabled(d device) bool {
	var now, later = &c.u32, &c.u64 // an unsigned int each; the second has room
	*now, *later = 0, 0
	c.args[0], c.args[1], c.args[2] = uintptr(d), uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(later))
	return c.call(fMigMode, 3) == success && *now == 1
}

// clean is a text from the library: up to the NUL or the end of the buffer, in
// valid UTF-8, without what cannot be printed.
func clean(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	s := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(b))
	return strings.Join(strings.Fields(s), " ")
}
