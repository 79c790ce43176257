package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// device puts a device into a record.
func device(t *testing.T, d factors.Device, own []factors.Factor, parts ...string) (*lifecycle.Embodied, *lifecycle.Record) {
	t.Helper()
	r := &lifecycle.Record{}
	book := inventory.Book{Record: r, Own: own}
	e, err := book.Device(d, parts...)
	require.NoError(t, err)
	return e, r
}

// Trap 35: each impact is the one that is asked for, of this very device.
func TestADeviceHasEveryImpactThatIsKnown(t *testing.T) {
	gpu := factors.Device{Kind: "gpu", Model: "NVIDIA A100-SXM4-80GB"}
	known, err := factors.LookupDevice(gpu)
	require.NoError(t, err)
	e, r := device(t, gpu, nil)
	for _, x := range []struct {
		id    string
		known *factors.Factor
	}{
		{e.Production.GCO2e, known.Production.GCO2e}, {e.Production.ADPeKgSbeq, known.Production.ADPeKgSbeq},
		{e.Production.PrimaryEnergyJ, known.Production.PrimaryEnergyJ}, {e.EndOfLife.GCO2e, known.EndOfLife.GCO2e},
		{e.EndOfLife.WasteKg, known.EndOfLife.WasteKg}, {e.Transport.GCO2e, known.Transport.GCO2e},
		{e.Lifetime, &known.Lifetime}, {e.Utilisation, &known.Utilisation},
	} {
		if x.known == nil {
			assert.Empty(t, x.id, "what is unknown is not there")
			continue
		}
		assert.Equal(t, *x.known, valueOf(t, r, x.id))
	}
	assert.NotEmpty(t, e.Production.GCO2e)
	assert.NotEmpty(t, e.EndOfLife.GCO2e)
	assert.Empty(t, e.Covers)
}

// Nothing is counted both in a machine and in its parts.
func TestAMachineCoversItsPartsOrTheyHaveTheirOwn(t *testing.T) {
	whole, _ := device(t, factors.Device{Kind: "node", Class: "server"}, nil, "cpu", "memory")
	assert.Equal(t, []string{"cpu", "memory"}, whole.Covers)

	cpu, memory := factors.Device{Kind: "cpu", Model: "AMD EPYC 7543"}, factors.Device{Kind: "memory", Bytes: 256e9}
	around, r := device(t, factors.Device{Kind: "node", Class: "server", Parts: []factors.Part{{Count: 2, Device: cpu}, {Count: 1, Device: memory}}}, nil, "cpu", "memory")
	assert.Empty(t, around.Covers, "the figure is that of what is around the parts")
	book := inventory.Book{Record: r}
	for _, part := range []factors.Device{cpu, memory} {
		part.Class = "server"
		e, err := book.Device(part)
		require.NoError(t, err)
		assert.NotEmpty(t, e.Production.GCO2e)
	}
}

func TestTheOperatorsOwnFigureOfAMachineIsThatOfTheWhole(t *testing.T) {
	own := []factors.Factor{factor("production.mine", factors.Production, 1e6, "gCO2e")}
	cpu := factors.Device{Kind: "cpu", Model: "AMD EPYC 7543"}
	e, _ := device(t, factors.Device{Kind: "node", Class: "server", Parts: []factors.Part{{Count: 2, Device: cpu}}}, own, "cpu")
	assert.Equal(t, []string{"cpu"}, e.Covers)
}

func TestTheOperatorsOwnFiguresOfADeviceGoFirst(t *testing.T) {
	own := []factors.Factor{
		factor("production.mine", factors.Production, 1e6, "gCO2e"),
		factor("lifetime.mine", factors.Lifetime, 2e8, "s"),
		factor("production.laptop", factors.Production, 5, "kgSbeq"),
	}
	e, r := device(t, factors.Device{Kind: "node", Class: "server"}, own)
	assert.Equal(t, 1e6, valueOf(t, r, e.Production.GCO2e).Value)
	assert.Equal(t, factors.Declared, valueOf(t, r, e.Production.GCO2e).Found)
	assert.Equal(t, 2e8, valueOf(t, r, e.Lifetime).Value)
	assert.NotEqual(t, 5.0, valueOf(t, r, e.Production.ADPeKgSbeq).Value, "that of another class is not of this one")
	assert.NotEqual(t, factors.Declared, valueOf(t, r, e.EndOfLife.GCO2e).Found)
}

func TestAnOwnFigureOfTheRecordsPlaceIsUsedThereAlone(t *testing.T) {
	there := factor("lifetime.mine", factors.Lifetime, 2e8, "s")
	there.Geography = "FR"
	for country, used := range map[string]bool{"FR": true, "DE": false} {
		r := &lifecycle.Record{Environments: []lifecycle.Environment{{ID: "site", Country: country}}}
		book := inventory.Book{Record: r, Own: []factors.Factor{there}}
		e, err := book.Device(factors.Device{Kind: "node", Class: "server"})
		require.NoError(t, err)
		assert.Equal(t, used, valueOf(t, r, e.Lifetime).Value == 2e8, country)
	}
}

func TestADeviceOfWhichNothingIsKnownIsAnError(t *testing.T) {
	r := &lifecycle.Record{}
	book := inventory.Book{Record: r}
	for _, d := range []factors.Device{{Kind: "memory"}, {Kind: "fpga"}, {Kind: "node", Class: "mainframe"}} {
		e, err := book.Device(d)
		assert.Error(t, err, d.Kind)
		assert.Nil(t, e)
	}
	assert.Empty(t, r.Factors)
}

// A figure of the machine is not that of each of its parts.
func TestAnOwnFigureOfTheMachineIsNotThatOfAPart(t *testing.T) {
	gpu := factors.Device{Kind: "gpu", Model: "NVIDIA A100-SXM4-80GB"}
	known, err := factors.LookupDevice(gpu)
	require.NoError(t, err)
	machine := factor("production.mine", factors.Production, 1e6, "gCO2e")
	e, r := device(t, gpu, []factors.Factor{machine})
	assert.Equal(t, known.Production.GCO2e.Value, valueOf(t, r, e.Production.GCO2e).Value)

	board := factor(known.Production.GCO2e.ID, factors.Production, 5e4, "gCO2e")
	e, r = device(t, gpu, []factors.Factor{machine, board})
	assert.Equal(t, 5e4, valueOf(t, r, e.Production.GCO2e).Value)
	assert.Equal(t, factors.Declared, valueOf(t, r, e.Production.GCO2e).Found)

	any := factor("production.gpu", factors.Production, 6e4, "gCO2e")
	e, r = device(t, gpu, []factors.Factor{machine, any})
	assert.Equal(t, 6e4, valueOf(t, r, e.Production.GCO2e).Value)
}
