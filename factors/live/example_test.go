package live_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/factors/live"
)

// What the grid emitted while a run ran, hour by hour; without an answer, the
// figure of the data set.
func ExampleFallback() {
	ended := time.Now()
	source := live.Fallback{Sources: []factors.GridSource{
		&live.Cache{Source: &live.ElectricityMaps{Key: ""}, Dir: "/var/cache/example"}, // no key is set here
	}}
	f, err := source.History(context.Background(), factors.Query{Kind: factors.Grid, Country: "FR"}, ended.Add(-3*time.Hour), ended)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, why, _ := strings.Cut(f.Source, "; not live, because ")
	fmt.Println(f.Found, f.Series == nil)
	fmt.Println(why)
	// Output:
	// exact true
	// Electricity Maps API v3: no key: set Key, or $ECOTRACER_ELECTRICITYMAPS_KEY
}

// The grid of Great Britain needs no key. Base is where a stand-in answers, so
// that this example needs no network.
func ExampleGreatBritain() {
	standIn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().UTC().Truncate(30 * time.Minute)
		fmt.Fprintf(w, `{"data":[{"from":%q,"to":%q,"intensity":{"forecast":266,"actual":263,"index":"moderate"}}]}`,
			now.Format("2006-01-02T15:04Z"), now.Add(30*time.Minute).Format("2006-01-02T15:04Z"))
	}))
	defer standIn.Close()

	source := &live.GreatBritain{Base: standIn.URL, Client: standIn.Client()}
	f, err := source.Current(context.Background(), factors.Query{Kind: factors.Grid, Country: "GB", Basis: "direct"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Value, f.Unit, f.Signal, f.Basis, f.Quality)
	// Output: 263 gCO2e/kWh average direct A
}
