package nvmltest

import (
	"fmt"
	"time"
)

// H100 is an idle H100 SXM with an energy counter; A100 one of 80 GB; P100 a
// GPU that tells its power only. Number makes its UUID and its bus ID.
func H100(number int, plant ...Step) GPU {
	return GPU{
		UUID: uuidOf(number), PCI: pciOf(number), Name: "NVIDIA H100 80GB HBM3", Arch: 9,
		MemoryBytes: 85520809984, LimitW: 700, DefaultW: 700,
		HasCounter: true, CounterJ: 12345.678, Plant: idle(plant, 70),
	}
}

// A100 is an A100-SXM4-80GB.
func A100(number int, plant ...Step) GPU {
	return GPU{
		UUID: uuidOf(number), PCI: pciOf(number), Name: "NVIDIA A100-SXM4-80GB", Arch: 7,
		MemoryBytes: 85899345920, LimitW: 400, DefaultW: 400, MaxMIG: 7,
		HasCounter: true, CounterJ: 987654.321, Plant: idle(plant, 60),
	}
}

// P100 is a Tesla P100, of a generation before the energy counter.
func P100(number int, plant ...Step) GPU {
	return GPU{
		UUID: uuidOf(number), PCI: pciOf(number), Name: "Tesla P100-PCIE-16GB", Arch: 4,
		MemoryBytes: 17071734784, LimitW: 250, DefaultW: 250, Plant: idle(plant, 30),
	}
}

// GH200 is the GPU of a Grace Hopper module: its energy counter is the
// module's, of which the plant is told; AverageW is the GPU's own power.
func GH200(number int, gpuW float64, module ...Step) GPU {
	plant := idle(module, 300)
	return GPU{
		UUID: uuidOf(number), PCI: pciOf(number), Name: "NVIDIA GH200 480GB", Arch: 9,
		MemoryBytes: 102625181696, LimitW: 900, DefaultW: 900,
		HasCounter: true, CounterJ: 555, Plant: plant,
		AverageW: gpuW, InstantW: gpuW, PowerW: gpuW, ModuleW: plant[len(plant)-1].Watts,
	}
}

// Fleet is a driver with so many GPUs of one kind, each with the same plant.
func Fleet(n int, kind func(number int, plant ...Step) GPU, plant ...Step) *Script {
	s := &Script{}
	for i := range n {
		s.GPUs = append(s.GPUs, kind(i, plant...))
	}
	return s
}

func idle(plant []Step, watts float64) []Step {
	if len(plant) == 0 {
		return []Step{{From: time.Now(), Watts: watts}}
	}
	return plant
}

func uuidOf(number int) string {
	return fmt.Sprintf("GPU-%08x-1111-2222-3333-%012x", uint32(0xa0000000)+uint32(number)*0x1000001, number)
}

func pciOf(number int) string { return fmt.Sprintf("00000000:%02X:00.0", 0x10+number) }
