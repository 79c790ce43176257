package factors

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Names as the world prints them, with what each is: the listed model that it
// must be, or the class that it is of where no model is listed. A name that is
// taken for another model is the worst that can happen here.
func TestNamesThatTheWorldPrints(t *testing.T) {
	file, err := os.Open("testdata/names.csv")
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	hits, all := map[string]map[string]int{}, map[string]int{}
	for _, row := range rows[1:] {
		kind, name, gib, want, match := row[0], row[1], row[2], row[3], row[4]
		var found, got string
		switch kind {
		case "cpu":
			c, err := LookupCPU(name, "", 0)
			require.NoError(t, err, name)
			if found, got = string(c.Found), c.Model; got == "" {
				got = c.Class
			}
		case "gpu":
			n, _ := strconv.ParseFloat(gib, 64)
			a, err := LookupAccelerator(name, int64(n*(1<<30)))
			require.NoError(t, err, name)
			if found, got = string(a.Found), a.Model; got == "" {
				got = a.Class
			}
		case "instance":
			provider, typ, _ := strings.Cut(name, " ")
			i, err := LookupInstance(provider, typ)
			found, got = string(i.Found), i.Type
			if err != nil {
				require.ErrorIs(t, err, ErrNoFactor)
				found = "error"
			}
			if found == "family" {
				got = ""
			}
		case "node":
			e, err := LookupDevice(Device{Class: "server", Model: name})
			require.NoError(t, err, name)
			if found = string(e.Found); e.Found == Normalised {
				got = strings.TrimPrefix(e.Production.GCO2e.ID, "production.node.")
			}
		}
		assert.Equal(t, want+" "+match, found+" "+got, "%s %q of %s GiB, from %s", kind, name, gib, row[5])
		if hits[kind] == nil {
			hits[kind] = map[string]int{}
		}
		hits[kind][found]++
		all[kind]++
	}
	for _, kind := range []string{"cpu", "gpu", "instance", "node"} {
		require.GreaterOrEqual(t, all[kind], 20)
		var told []string
		for _, f := range []string{"exact", "normalised", "family", "class", "world", "error"} {
			told = append(told, f+" "+strconv.Itoa(hits[kind][f])+" ("+strconv.Itoa(int(math.Round(100*float64(hits[kind][f])/float64(all[kind]))))+" %)")
		}
		t.Logf("%d names of kind %s: %s", all[kind], kind, strings.Join(told, ", "))
	}
}
