//go:build linux && (amd64 || arm64)

package nvml

import (
	"encoding/binary"
	"fmt"
	"math"
)

// What follows is of the NVML API reference (docs.nvidia.com/deploy/nvml-api),
// whose sections are named. Layouts are those of C on 64-bit Linux.

// result is nvmlReturn_t ("Enums").
type result int32

const (
	success          result = 0
	uninitialized    result = 1
	invalidArgument  result = 2
	notSupported     result = 3
	noPermission     result = 4
	notFound         result = 6
	insufficientSize result = 7
	driverNotLoaded  result = 9
	timedOut         result = 10
	libraryNotFound  result = 12
	functionNotFound result = 13
	gpuIsLost        result = 15
	resetRequired    result = 16
	operatingSystem  result = 17
	versionMismatch  result = 18
	gpuNotFound      result = 28
	unknownError     result = 999
)

const (
	bufferSize        = 96 // NVML_DEVICE_NAME_V2_BUFFER_SIZE, _UUID_V2_; versions need 80
	pciBusIDAt        = 36 // nvmlPciInfo_t.busId, 32 bytes
	pciInfoSize       = 68
	processInfoSize   = 24         // nvmlProcessInfo_t, nvmlProcessInfo_v2_t
	longProcessInfo   = 32         // what _v3 filled in drivers 535.43 to 535.86, without a change of its name
	utilizationSize   = 32         // nvmlProcessUtilizationSample_t
	fieldPowerAverage = 185        // NVML_FI_DEV_POWER_AVERAGE ("Field Value Enums"): over 1 s
	scopeGPU          = 0          // NVML_POWER_SCOPE_GPU
	scopeModule       = 1          // NVML_POWER_SCOPE_MODULE: GPU and CPU
	archUnknown       = 0xffffffff // NVML_DEVICE_ARCH_UNKNOWN
	archAmpere        = 7          // NVML_DEVICE_ARCH_AMPERE
)

// fieldValue is nvmlFieldValue_t ("Field Value Queries").
type fieldValue struct {
	field, scope       uint32
	timestamp, latency int64
	valueType          uint32
	result             int32
	value              [8]byte
}

// number is the value as nvmlValueType_t says; ok is false if it is none that
// a power can be.
func (f *fieldValue) number() (v float64, ok bool) {
	bits := binary.NativeEndian.Uint64(f.value[:])
	switch f.valueType {
	case 0: // double
		v = math.Float64frombits(bits)
	case 1: // unsigned int
		v = float64(uint32(bits))
	case 2, 3: // unsigned long, unsigned long long
		v = float64(bits)
	case 4: // signed long long
		v = float64(int64(bits))
	case 5: // signed int
		v = float64(int32(bits))
	case 6: // unsigned short
		v = float64(uint16(bits))
	default:
		return 0, false
	}
	return v, v >= 0 && v <= math.MaxUint32
}

// memory is nvmlMemory_t ("Device Structs").
type memory struct{ total, free, used uint64 }

// attributes is nvmlDeviceAttributes_t ("Device Structs").
type attributes struct {
	multiprocessors, copies, decoders, encoders, jpegs, ofas uint32
	gpuSlices, computeSlices                                 uint32
	memoryMB                                                 uint64
}

// String says in words what went wrong.
func (r result) String() string {
	switch r {
	case success:
		return "success"
	case uninitialized:
		return "the library is not initialised"
	case invalidArgument:
		return "invalid argument"
	case notSupported:
		return "not supported"
	case noPermission:
		return "no permission"
	case notFound, gpuNotFound:
		return "not found"
	case driverNotLoaded:
		return "the driver is not loaded"
	case timedOut:
		return "timed out"
	case libraryNotFound:
		return "a library of the driver is missing"
	case functionNotFound:
		return "the driver does not know the function"
	case gpuIsLost:
		return "the GPU is lost"
	case resetRequired:
		return "the GPU has to be reset"
	case operatingSystem:
		return "the operating system blocks the device"
	case versionMismatch:
		return "driver and library are of different versions"
	}
	return fmt.Sprintf("error %d of the driver", int32(r))
}

// Error makes a result an error.
func (r result) Error() string { return "nvml: " + r.String() }
