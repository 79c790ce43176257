package profile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/hosttest"
	"github.com/ecotracer/ecotracer/tracer/meter/internal/profile"
)

func of(t *testing.T, name string) profile.Profile {
	return profile.Of(host.Read(hosttest.Open(t, name)))
}

func TestPowerOfAListedProcessorIsThatOfTheFactors(t *testing.T) {
	c, err := factors.LookupCPU("AMD EPYC 7543 32-Core Processor", "", 0)
	require.NoError(t, err)
	p := of(t, "server-amd").CPU
	assert.Equal(t, c.Idle.Value, p.IdleW, "of one socket")
	assert.Equal(t, c.Full.Value, p.FullW)
	assert.Equal(t, 225.0, p.TDPW)
	assert.Contains(t, p.Why, "EPYC 7543")
}

func TestVirtualMachineHasItsShareOfTheSocket(t *testing.T) {
	c, err := factors.LookupCPU("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "", 0)
	require.NoError(t, err)
	require.NotZero(t, c.Threads)
	p := of(t, "vm-aws").CPU
	share := 4 / float64(c.Threads)
	assert.InEpsilon(t, c.Idle.Value*share, p.IdleW, 1e-12)
	assert.InEpsilon(t, c.Full.Value*share, p.FullW, 1e-12)
	assert.Zero(t, p.TDPW, "a share of what a vendor says of the whole is no fact")
	assert.Contains(t, p.Why, "4 of")

	f := host.Read(hosttest.Open(t, "vm-aws"))
	f.VM = false
	assert.Greater(t, p.RelError, profile.Of(f).CPU.RelError, "that it is a share is one more thing that is not known")
}

// Trap 31: the watts of a GB are a factor with its source and a wide interval,
// not a constant, and less at rest than under load.
func TestErrorIsThatOfHalfLoad(t *testing.T) {
	idle, err := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: "memory", Unit: "W/GB"})
	require.NoError(t, err)
	full, err := factors.Lookup(factors.Query{Kind: factors.FullPower, Class: "memory", Unit: "W/GB"})
	require.NoError(t, err)
	m := profile.Of(host.Facts{MemoryBytes: 64e9}).Memory
	assert.InEpsilon(t, 64*idle.Value, m.IdleW, 1e-12)
	assert.InEpsilon(t, 64*full.Value, m.FullW, 1e-12)
	half := (m.IdleW + m.FullW) / 2
	assert.LessOrEqual(t, half/(1+m.RelError), 64*(idle.Low+full.Low)/2+1e-9, "the interval holds the factors' low")
	assert.GreaterOrEqual(t, half*(1+m.RelError), 64*(idle.High+full.High)/2-1e-9, "and their high")
}

func TestRestOfTheMachineIsThatOfItsClass(t *testing.T) {
	rest := func(class, unit string, times float64) float64 {
		f, err := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: "rest-" + class, Unit: unit})
		require.NoError(t, err)
		return f.Value * times
	}
	for name, idleW := range map[string]float64{
		"laptop-intel":      rest("laptop", "W", 1),
		"server-intel":      rest("server", "W/thread", 80),
		"server-amd":        rest("server", "W/thread", 128), // a chassis of type "other": by its processor
		"desktop-root-only": rest("desktop", "W", 1),
		"board-arm":         rest("single-board", "W", 1),
		"vm-aws":            rest("vm", "W/thread", 4),
		"vm-arm":            rest("vm", "W/thread", 2),
		"container-quota":   rest("vm", "W/thread", 8),
		"container-masked":  rest("server", "W/thread", 80),
	} {
		assert.InEpsilon(t, idleW, of(t, name).Rest.IdleW, 1e-12, name)
	}
}

func TestWhatMachineTheRestIsOfIsSaid(t *testing.T) {
	for name, want := range map[string]string{
		"laptop-intel": "a laptop", "server-amd": "a server", "desktop-root-only": "a desktop", "board-arm": "a single board", "vm-aws": "virtual machine",
	} {
		assert.Contains(t, of(t, name).Rest.Why, want, name)
	}
}

func TestEveryHostHasAPlausibleProfile(t *testing.T) {
	for _, name := range hosttest.Names() {
		p := of(t, name)
		for what, l := range map[string]profile.Load{"cpu": p.CPU, "memory": p.Memory, "rest": p.Rest} {
			require.True(t, l.Known(), "%s: %s", name, what)
			assert.Positive(t, l.IdleW, "%s: %s", name, what)
			assert.GreaterOrEqual(t, l.FullW, l.IdleW, "%s: %s", name, what)
			assert.Greater(t, l.RelError, 0.1, "%s: %s is a model, and says so", name, what)
			assert.Less(t, l.RelError, 30.0, "%s: %s", name, what)
			assert.NotEmpty(t, l.Why, "%s: %s", name, what)
		}
		assert.Less(t, p.CPU.FullW, 600.0, "%s: one socket", name)
	}
}

func TestProcessorThatNobodyKnowsHasAPower(t *testing.T) {
	p := profile.Of(host.Facts{CPU: host.CPU{Sockets: 1, Cores: 4, Threads: 8}})
	assert.True(t, p.CPU.Known())
	assert.Greater(t, p.CPU.RelError, of(t, "server-intel").CPU.RelError, "with a wider interval than one that is listed")
}

func TestWhosePowerIsTakenIsSaid(t *testing.T) {
	assert.Contains(t, of(t, "server-amd").CPU.Why, "power of AMD EPYC 7543")
	unlisted := profile.Of(host.Facts{CPU: host.CPU{Model: "AMD EPYC", Sockets: 1, Cores: 2, Threads: 2}})
	assert.Contains(t, unlisted.CPU.Why, "AMD EPYC is not listed: power of its")
	nobody := profile.Of(host.Facts{CPU: host.CPU{Sockets: 1, Threads: 2}})
	assert.Contains(t, nobody.CPU.Why, "the processor is not listed: power of all processors")
}

func TestNoFactsNoPower(t *testing.T) {
	p := profile.Of(host.Facts{})
	assert.Zero(t, p, "missing is not made up")
}
