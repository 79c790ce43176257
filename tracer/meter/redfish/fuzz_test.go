package redfish_test

import (
	"bytes"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
)

// FuzzAnswers lets a controller say anything, while it is opened and later.
func FuzzAnswers(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text, byte(0))
	}
	// An answer that is all resources at once.
	all := `{"RedfishVersion":"1.6.0","Systems":{"@odata.id":"/redfish/v1/s"},"Chassis":{"@odata.id":"/redfish/v1/c"},
		"Members":[{"@odata.id":"/redfish/v1/m"}],"Members@odata.nextLink":"/redfish/v1/c","Links":{"Chassis":[{"@odata.id":"/redfish/v1/c"}]},
		"EnvironmentMetrics":{"@odata.id":"/redfish/v1/e"},"PowerSubsystem":{"@odata.id":"/redfish/v1/p"},"Power":{"@odata.id":"/redfish/v1/p"},
		"PowerSupplies":{"@odata.id":"/redfish/v1/p"},"Metrics":{"@odata.id":"/redfish/v1/p"},"CapacityWatts":1000,`
	f.Add([]byte(all+`"EnergyJoules":{"Reading":1e9,"DataSourceUri":"/redfish/v1/s"},"Accuracy":2,"SensingInterval":"PT1S"}`), byte(1))
	f.Add([]byte(all+`"EnergykWh":{"Reading":"34.293121"},"PowerWatts":{"Reading":null}}`), byte(2))
	f.Add([]byte(all+`"InputPowerWatts":{"Reading":-0.0}}`), byte(3))
	f.Add([]byte(all+`"PowerControl":[{"PowerConsumedWatts":1e308,"PowerCapacityWatts":1e-308,"PowerMetrics":{"IntervalInMin":1e300}}]}`), byte(4))
	f.Add([]byte(all+`"PowerControl":[{"PhysicalContext":"CPU","PowerConsumedWatts":85},{"PowerConsumedWatts":311.1}]}`), byte(5))
	f.Fuzz(func(t *testing.T, answer []byte, later byte) {
		synctest.Test(t, func(t *testing.T) {
			asked, opened := 0, false
			controller := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				text := answer
				if opened && later > 0 && asked%(int(later)+1) == 0 {
					text = bytes.ReplaceAll(answer, []byte("1"), []byte("0")) // other figures, or none
				}
				_, _ = w.Write(text)
			})
			c := config(controller)
			m, err := redfish.Open(t.Context(), c)
			if asked > 200+1 {
				t.Errorf("it is asked %d times", asked)
			}
			if err != nil {
				return
			}
			defer m.Close()
			opened = true
			var last float64
			for range 10 {
				samples, err := m.Read(nil)
				if err != nil || len(samples) != 1 {
					t.Fatalf("a reading is %v, %v", samples, err)
				}
				j := samples[0].Joules
				if !(j >= last) || math.IsInf(j, 0) {
					t.Fatalf("joules go from %v to %v", last, j)
				}
				last = j
				time.Sleep(time.Minute)
			}
			d := m.Domains()[0]
			for _, v := range []float64{d.MaxW, d.RelError, d.ResolutionJ, d.RawJ} {
				if !(v >= 0) || math.IsInf(v, 0) {
					t.Errorf("the domain says %v: %+v", v, d)
				}
			}
			if d.Average < 0 || d.Update < 0 {
				t.Errorf("the domain says %v, %v", d.Average, d.Update)
			}
		})
	})
}
