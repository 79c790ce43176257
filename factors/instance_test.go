package factors

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnInstanceHasItsProcessorMemoryAndAccelerators(t *testing.T) {
	for _, test := range []struct {
		provider, typ string
		want          Instance
	}{
		{"aws", "m5.large", Instance{Threads: 2, MemoryBytes: 8 << 30, CPU: "Intel Xeon Platinum 8175M", Found: Exact}},
		{"aws", "p4d.24xlarge", Instance{Threads: 96, MemoryBytes: 1152 << 30, CPU: "Intel Xeon Platinum 8275CL", Accelerator: "NVIDIA A100 SXM4 40GB", Accelerators: 8, Found: Exact}},
		{"aws", "p2.xlarge", Instance{Threads: 4, MemoryBytes: 61 << 30, CPU: "Intel Xeon E5-2686 v4", Accelerator: "NVIDIA Tesla K80", Accelerators: 1, Found: Exact}},
		{"aws", "g6f.large", Instance{Threads: 2, MemoryBytes: 8 << 30, CPU: "AMD EPYC 7R13", Accelerator: "NVIDIA L4", Accelerators: 0.125, Found: Exact}},
		{"azure", "Standard_NC24ads_A100_v4", Instance{Threads: 24, MemoryBytes: 220 << 30, CPU: "AMD EPYC 7V13", Accelerator: "NVIDIA A100 PCIe 80GB", Accelerators: 1, Found: Normalised}},
		// Constrained virtual CPUs: as many as the name tells.
		{"azure", "Standard_E16-4s_v3", Instance{Threads: 4, MemoryBytes: 128 << 30, Found: Normalised}},
		{"google", "projects/7/machineTypes/a2-ultragpu-1g", Instance{Threads: 12, MemoryBytes: 170 << 30, CPU: "Intel Xeon Platinum 8273CL", Accelerator: "NVIDIA A100 SXM4 80GB", Accelerators: 1, Found: Normalised}},
		{"gcp", "n2-custom-8-16384", Instance{Threads: 8, MemoryBytes: 16 << 30, CPU: "Intel Xeon Platinum 8373C", Found: Family}},
		{"aws", "m5.3xlarge", Instance{Threads: 12, MemoryBytes: 48 << 30, CPU: "Intel Xeon Platinum 8175M", Found: Family}},
	} {
		got, err := LookupInstance(test.provider, test.typ)
		require.NoError(t, err, test.typ)
		assert.NotEmpty(t, got.Source)
		got.Provider, got.Type, got.Source = "", "", ""
		assert.Equal(t, test.want, got, test.typ)
	}
}

func TestAnInstanceThatIsNotListedIsAnErrorThatTellsTheClosest(t *testing.T) {
	for _, test := range []struct{ provider, typ, want string }{
		{"aws", "m5.huge", `instance type "m5.huge" of aws: the closest that are listed are m5.12xlarge, m5.16xlarge, m5.24xlarge, m5.2xlarge, m5.4xlarge`},
		{"aws", "p4d.12xlarge", "the closest that are listed are p4d.24xlarge, "},
		{"aws", "m5.48xlarge", "m5.24xlarge"},
		{"gcp", "a2-highgpu-3g", "a2-highgpu-1g"},
		{"hetzner", "cx11", `instances of provider "hetzner": write one of aws, azure, gcp, ovhcloud, scaleway`},
		{"", "", "write one of aws, azure, gcp, ovhcloud, scaleway"},
	} {
		i, err := LookupInstance(test.provider, test.typ)
		require.ErrorIs(t, err, ErrNoFactor)
		assert.ErrorContains(t, err, test.want)
		assert.Zero(t, i)
	}
}

func TestEveryListedInstanceIsAPlausibleMachine(t *testing.T) {
	all, err := instances()
	require.NoError(t, err)
	cpus, accelerators := map[string]bool{}, map[string]bool{}
	for provider, types := range all {
		for name, i := range types {
			assert.Equal(t, name, instanceName(provider, i.Type), "a type is found by its own name")
			assert.True(t, i.Threads >= 1 && i.Threads <= 1920, "%s: %d threads", name, i.Threads)
			gib := float64(i.MemoryBytes) / (1 << 30)
			assert.True(t, gib >= 0.4 && gib <= 40000 && gib/float64(i.Threads) < 120, "%s: %v GiB", name, gib)
			assert.Equal(t, i.Accelerator != "", i.Accelerators > 0, name)
			assert.LessOrEqual(t, i.Accelerators, 64.0, name)
			cpus[i.CPU], accelerators[i.Accelerator] = true, true
		}
	}
	for cpu := range cpus {
		c, err := LookupCPU(cpu, "", 0)
		require.NoError(t, err)
		if cpu != "" {
			assert.NotEqual(t, FromWorld, c.Found, "of the processor %q something must be known", cpu)
		}
	}
	for a := range accelerators {
		if a == "" || strings.HasPrefix(a, "Xilinx") || strings.HasSuffix(a, "FPGA") { // which are no GPUs
			continue
		}
		got := device(t, a, 0)
		assert.NotEmpty(t, got.Model, "accelerator %q must be listed", a)
	}
}

func FuzzLookupInstance(f *testing.F) {
	f.Add("aws", "m5.99999999xlarge")
	f.Add("gcp", "n2-custom-9999-999999999-ext")
	f.Add("azure", "Standard_\xffD4s_v3")
	f.Add("gcp", "e2-standard-0")
	f.Fuzz(func(t *testing.T, provider, typ string) {
		i, err := LookupInstance(provider, typ)
		if err != nil {
			require.ErrorIs(t, err, ErrNoFactor)
			require.Zero(t, i)
			return
		}
		require.Positive(t, i.Threads)
		require.Positive(t, i.MemoryBytes)
	})
}
