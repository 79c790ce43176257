package nvml

import "io/fs"

// EnvLibrary is the variable of the environment that names a library to load in
// place of the driver's own, on any host. A program that runs with the rights of
// another user than the one who started it does not heed it.
const EnvLibrary = "ECOTRACER_NVML_LIBRARY"

// Config is how the GPUs of this host are metered. Its zero value is what a
// blank import of the package gives a run.
type Config struct {
	// Root is the root of the host's file system. Nil is this host's.
	Root fs.FS

	// PIDs tells the processes whose share of each GPU is told as OwnJ, by
	// their numbers in the namespace of this process. Nil is this process
	// alone. It is called at opening and at each reading, from one goroutine at
	// a time, and has to be quick.
	PIDs func() []int

	// All counts the GPUs that CUDA_VISIBLE_DEVICES hides from this process,
	// too, as it must be for a host that serves this run alone. It is also
	// taken to be set where ECOTRACER_SCOPE is machine.
	All bool
}
