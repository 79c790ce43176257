package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// storing is an hour whose training also keeps 2 TB for a week in two copies,
// sends 5 GB, and asks a service 40 times, as the package documentation has it.
func storing() *Record {
	r := oneHour()
	one, week := 1, 7*86400.0
	keep := Stored{Bytes: 2e12, Seconds: week, Replicas: 2}
	stored, sent := keep.Bytes*keep.Seconds*keep.Replicas*0.65/1e12, 5e9/1e9*0.06*3.6e6

	r.Environments = append(r.Environments, Environment{
		ID: "network", PlaceFound: "unknown", Factors: EnvironmentFactors{Grid: "grid", PUE: "pue.within", WUE: "wue.within", EWIF: "ewif"},
	})
	for _, at := range []string{"country", "infrastructure", "virtualisation"} {
		r.Missing = append(r.Missing, Missing{Path: "/environments/1/" + at, Reason: "unknown"})
	}
	r.Hardware = append(r.Hardware,
		Hardware{ID: "storage", Environment: "hall", Kind: KindStorage, Model: "object storage", Count: 1},
		Hardware{ID: "link", Environment: "network", Kind: KindNetwork, Model: "fixed access", Count: 1},
		Hardware{ID: "api", Environment: "network", Kind: "service", Model: "embeddings", Count: 1})
	r.Methods = append(r.Methods, MethodEntry{ID: "services", Method: Modelled, Sensor: "model", Mode: "factor"})
	r.Factors = append(r.Factors,
		between("storage.hdd", factors.Storage, 0.65, 0.3, 1.4, "Wh/TBh"),
		between("transfer.fixed", factors.Transfer, 0.06, 0.02, 0.2, "kWh/GB"),
		between("embedding", factors.Service, 0.01, 0.003, 0.03, "gCO2e/call"),
		sure("pue.within", factors.PUE, 1, "1"), sure("wue.within", factors.WUE, 0, "L/kWh"))

	p := &r.Phases[0]
	p.Usage = append(p.Usage,
		Usage{Hardware: "storage", Count: &one, UseS: p.DurationS, Meter: "services", Factor: "storage.hdd", Stored: &keep},
		Usage{Hardware: "link", Count: &one, UseS: p.DurationS, Meter: "services", Factor: "transfer.fixed", Transferred: &Transferred{Bytes: 5e9}},
		Usage{Hardware: "api", Count: &one, UseS: p.DurationS, Meter: "services", Factor: "embedding", Calls: &Calls{Unit: "calls", Count: 40}})
	line := LedgerLine{Meter: "services", Method: Modelled, Split: "declared", IdleFound: "unknown"}
	line.Domain, line.Hardware, line.TotalJ, line.SpansJ = "storage", "storage", stored, stored
	r.Ledger = append(r.Ledger, line)
	line.Domain, line.Hardware, line.TotalJ, line.SpansJ = "link", "link", sent, sent
	r.Ledger = append(r.Ledger, line)
	r.Spans[0].SelfJ += stored + sent
	return r
}

func TestAnOrdinaryRunStoresAndTransfers(t *testing.T) {
	unknown := func(r *Record) {
		for _, h := range []string{"2", "3", "4"} {
			r.Missing = append(r.Missing, Missing{Path: "/hardware/" + h + "/embodied", Reason: "unknown"})
		}
	}
	t.Run("what others' devices took to make is unknown", func(t *testing.T) {
		r := storing()
		unknown(r)
		assess(t, r)
		require.Empty(t, Validate(r))
		assert.Nil(t, r.Totals.GCO2e, "and so is the total")
		assert.NotNil(t, r.Totals.EmbodiedGCO2e, "what is known is told")
		rows := r.Phases[0].Usage
		assert.InEpsilon(t, 2*168*2*0.65*3600, rows[2].EnergyJ.Value, 1e-12, "2 TB × a week × 2 × 0.65 Wh/TBh")
		assert.InEpsilon(t, 5*0.06*3.6e6, rows[3].EnergyJ.Value, 1e-12)
		assert.InEpsilon(t, 0.4, rows[4].OperationalGCO2e.Value, 1e-12)
		cpu := 3.6e6 * 1.5
		assert.InEpsilon(t, cpu+rows[2].EnergyJ.Value*1.5+rows[3].EnergyJ.Value, r.Phases[0].FacilityEnergyJ.Value, 1e-12, "the network's figure has its cooling already")
		assert.InEpsilon(t, 0.06/0.02, rows[3].EnergyJ.Value/rows[3].EnergyJ.Low, 1e-5, "the error is the factor's")
		assert.Equal(t, Modelled, rows[2].EnergyJ.Method)
		assert.Less(t, r.Totals.MeasuredShare, 0.667, "nothing of it was measured")
	})
	t.Run("they are beyond the boundary, and the record says so", func(t *testing.T) {
		r := storing()
		for _, h := range []string{"2", "3", "4"} {
			r.Missing = append(r.Missing, Missing{Path: "/hardware/" + h + "/embodied", Reason: "not-applicable"})
		}
		r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "making of the storage and the network that others run", Reason: "unknown"})
		assess(t, r)
		require.Empty(t, Validate(r))
		assert.NotNil(t, r.Totals.GCO2e)
		s, err := SCI(r, "", "")
		require.NoError(t, err)
		assert.Contains(t, s.LeftOut, "making of the storage and the network that others run: unknown")
	})
	t.Run("joules that the ledger does not have are found", func(t *testing.T) {
		r := storing()
		unknown(r)
		r.Ledger = r.Ledger[:3]
		assess(t, r)
		assert.Contains(t, rules(findings(r)), "R14")
	})
}
