// Package nvml meters NVIDIA GPUs by the driver's management library,
// libnvidia-ml.so.1, without cgo. A program opens it by a blank import:
//
//	import _ "github.com/ecotracer/ecotracer/tracer/meter/nvml"
//
// Linux on amd64 and arm64 only; elsewhere it says so and does no harm. To load
// a C library, a binary has to be linked dynamically: with this import it needs
// the loader and libraries of glibc also where cgo is off, and does not start in
// an empty container, nor on a system with another libc (Alpine: add gcompat).
//
// # What is counted
//
// Each physical GPU is one domain, gpu0, gpu1 and so on in the order of
// nvidia-smi, with its energy counter (Volta and later; the GPU and its memory,
// in millijoules since the driver was loaded). Where there is none, its power is
// added up: the mean of each second on Ampere (but GA100) and later, else the
// power of the moment, read five times a second. A counter that covers more
// than the GPU, as on a Grace Hopper module, is told apart as gpu0/module and
// not counted. A GPU that is lost, or a driver that is reloaded, in mid-run is
// flagged and found again; the other GPUs go on. Where the driver hangs, which it
// does for all GPUs at once, nothing is told until it comes back; their counters
// then tell what was used meanwhile.
//
// Of several GPUs those that CUDA_VISIBLE_DEVICES names are counted, read as
// CUDA reads it; the others are left out, except where ECOTRACER_SCOPE is
// machine or Config.All is set. Where GPUs of several models are named by index
// and CUDA_DEVICE_ORDER is not PCI_BUS_ID, CUDA counts them in an order of its
// own: then all of them are counted and the domain says what would mend it.
// Spans claim a GPU by its ID, its UUID or, where its number is certain, as
// cuda:0.
//
// # What of it is this process's
//
// A GPU that this process alone holds a context on, now or at the last reading,
// is all its own, and one that it does not is not. Where several do, the energy
// goes by use of the multiprocessors as the driver samples it for each process;
// where none used them or the driver does not tell, in equal parts to those who
// hold the GPU. The shares of all processes add up to what the GPU's counter
// tells. With MIG there is no counter of an instance: of the GPU's energy, an
// instance has its compute slices' share (of 7 on an A100), which is a model
// with a wide error, and parts among the processes on one instance are equal.
//
// The driver tells processes by their numbers in the host's outermost namespace
// of processes. In another, as in most containers, nobody can tell who uses a
// GPU, and a GPU that can be seen counts as this process's.
//
// # How far it is tried
//
// The package is built against the published interface (NVML API reference) and
// tested with a simulated library, package nvmltest, that follows it; no NVIDIA
// GPU was at hand. On a machine with one, the package's tests compare with
// nvidia-smi. ECOTRACER_NVML_LIBRARY names a library to load in place of
// the driver's own, on any host; its process numbers are taken for those of this
// process's namespace.
package nvml
