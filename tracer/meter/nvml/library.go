//go:build linux && (amd64 || arm64)

package nvml

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/ebitengine/purego"
)

// function is one that the library exports.
type function int

const (
	fInit function = iota
	fShutdown
	fCount
	fHandleByIndex
	fUUID
	required // those before are in every driver that this package can use

	fHandleByUUID function = iota - 1
	fDriverVersion
	fName
	fPCIInfo
	fArchitecture
	fEnergy
	fPower
	fFieldValues
	fEnforcedLimit
	fDefaultLimit
	fMemoryInfo
	fCompute
	fGraphics
	fMPS
	fUtilization
	fMigMode
	fMaxMig
	fMigByIndex
	fAttributes
	functions
)

// symbols are the names of the functions, the newest first: of those that
// differ in a version, the arguments are the same to this package.
var symbols = [functions][]string{
	fInit:          {"nvmlInit_v2"},
	fShutdown:      {"nvmlShutdown"},
	fCount:         {"nvmlDeviceGetCount_v2"},
	fHandleByIndex: {"nvmlDeviceGetHandleByIndex_v2"},
	fUUID:          {"nvmlDeviceGetUUID"},
	fHandleByUUID:  {"nvmlDeviceGetHandleByUUID"},
	fDriverVersion: {"nvmlSystemGetDriverVersion"},
	fName:          {"nvmlDeviceGetName"},
	fPCIInfo:       {"nvmlDeviceGetPciInfo_v3"},
	fArchitecture:  {"nvmlDeviceGetArchitecture"},
	fEnergy:        {"nvmlDeviceGetTotalEnergyConsumption"},
	fPower:         {"nvmlDeviceGetPowerUsage"},
	fFieldValues:   {"nvmlDeviceGetFieldValues"},
	fEnforcedLimit: {"nvmlDeviceGetEnforcedPowerLimit"},
	fDefaultLimit:  {"nvmlDeviceGetPowerManagementDefaultLimit"},
	fMemoryInfo:    {"nvmlDeviceGetMemoryInfo"},
	fCompute:       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"},
	fGraphics:      {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"},
	fMPS:           {"nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2"},
	fUtilization:   {"nvmlDeviceGetProcessUtilization"},
	fMigMode:       {"nvmlDeviceGetMigMode"},
	fMaxMig:        {"nvmlDeviceGetMaxMigDeviceCount"},
	fMigByIndex:    {"nvmlDeviceGetMigDeviceHandleByIndex"},
	fAttributes:    {"nvmlDeviceGetAttributes_v2"},
}

// library is the driver's library, with the addresses of its functions; 0 is
// one that it lacks.
type library struct {
	address [functions]uintptr
	third   [functions]bool // it is a _v3
}

// named is the library that the environment names.
func named() string {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return ""
	}
	return os.Getenv(EnvLibrary)
}

// places are where the driver's library is: known to the loader, and in the
// Windows subsystem for Linux, on nodes of Google's Kubernetes, on NixOS.
var places = []string{
	"libnvidia-ml.so.1",
	"/usr/lib/wsl/lib/libnvidia-ml.so.1",
	"/usr/local/nvidia/lib64/libnvidia-ml.so.1",
	"/run/opengl-driver/lib/libnvidia-ml.so.1",
}

var (
	loading sync.Mutex
	loaded  = map[string]*library{} // for good: unloading C code that has threads is not safe
)

var errNoLibrary = errors.New("it is not there")

// symbolError is a function that the library has to have and has not.
type symbolError string

func (e symbolError) Error() string { return "it lacks " + string(e) }

// load loads the library, the first of the places where there is one.
func load(places []string) (*library, error) {
	loading.Lock()
	defer loading.Unlock()
	errs := []error{errNoLibrary}
	for _, place := range places {
		if l := loaded[place]; l != nil {
			return l, nil
		}
		handle, err := purego.Dlopen(place, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l := &library{}
		if err := l.resolve(handle); err != nil {
			return nil, err
		}
		loaded[place] = l
		return l, nil
	}
	return nil, errors.Join(errs...)
}

func (l *library) resolve(handle uintptr) error {
	for f := range functions {
		for i, symbol := range symbols[f] {
			address, err := purego.Dlsym(handle, symbol)
			if err != nil || address == 0 {
				continue
			}
			l.address[f], l.third[f] = address, i == 0 && len(symbols[f]) > 1
			break
		}
		if l.address[f] == 0 && f < required {
			return fmt.Errorf("%w", symbolError(symbols[f][0]))
		}
	}
	return nil
}
