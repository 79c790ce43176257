package factors_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

func ExampleLookup() {
	f, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "FR"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %.0f %s, 95 %% between %.0f and %.0f\n", f.ID, f.Value, f.Unit, f.Low, f.High)
	fmt.Printf("%s, %s to %s, quality %s, %s\n", f.Found, f.ValidFrom, f.ValidTo, f.Quality, f.Licence)
	// Output:
	// grid.FR: 44 gCO2e/kWh, 95 % between 29 and 84
	// exact, 2024-01-01 to 2024-12-31, quality B, CC-BY-4.0
}

// A place that is not known is the whole world, never a guess.
func ExampleLookup_unknownPlace() {
	f, _ := factors.Lookup(factors.Query{Kind: factors.Grid})
	fmt.Printf("%s: %.0f %s, 95 %% between %.0f and %.0f\n", f.Found, f.Value, f.Unit, f.Low, f.High)

	_, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "Germany"})
	fmt.Println(errors.Is(err, factors.ErrUnknownCountry), err)
	// Output:
	// world: 473 gCO2e/kWh, 95 % between 20 and 1000
	// true unknown country: "Germany": write the ISO 3166-1 alpha-2 code, DE
}

func ExampleLookup_class() {
	for _, q := range []factors.Query{
		{Kind: factors.PUE, Class: "public-cloud"},
		{Kind: factors.Production, Class: "laptop"},
		{Kind: factors.FullPower, Class: "memory"},
	} {
		f, err := factors.Lookup(q)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s = %.3g %s (%.3g to %.3g)\n", f.ID, f.Value, f.Unit, f.Low, f.High)
	}
	// Output:
	// pue.public-cloud = 1.14 1 (1.04 to 1.5)
	// production.laptop = 2.37e+05 gCO2e (9.71e+04 to 3.67e+05)
	// full-power.memory = 0.375 W/GB (0.17 to 0.6)
}

func ExampleLookupCPU() {
	c, err := factors.LookupCPU("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "", 32)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s (%s): %v W, %d cores, %d threads\n", c.Model, c.Found, c.TDPW, c.Cores, c.Threads)
	fmt.Printf("idle %.0f W (%.0f to %.0f), full %.0f W (%.0f to %.0f)\n",
		c.Idle.Value, c.Idle.Low, c.Idle.High, c.Full.Value, c.Full.Low, c.Full.High)
	// Output:
	// Intel Xeon Platinum 8375C (normalised): 300 W, 32 cores, 64 threads
	// idle 36 W (15 to 90), full 237 W (150 to 360)
}

func ExampleRead() {
	own, err := factors.Read(strings.NewReader(`id,kind,value,low,high,unit,source,source_year,quality
pue.hall-2,pue,1.21,1.19,1.23,1,own meters,2026,A
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(own[0].ID, own[0].Value, own[0].Found)

	_, err = factors.Read(strings.NewReader("id,kind,value,low,high,unit,source,source_year,quality\npue.hall-2,pue,1.21,1.3,1.4,1,own meters,2026,A\n"))
	fmt.Println(err)
	// Output:
	// pue.hall-2 1.21 declared
	// factor table: line 2: factor "pue.hall-2": low ≤ value ≤ high does not hold: 1.3, 1.21, 1.4
}

func ExampleFactor_Times() {
	perGB, _ := factors.Lookup(factors.Query{Kind: factors.IdlePower, Class: "memory"})
	f := perGB.Times(64, "W")
	fmt.Printf("64 GB: %.1f %s (%.1f to %.1f)\n", f.Value, f.Unit, f.Low, f.High)
	// Output:
	// 64 GB: 9.6 W (1.3 to 28.8)
}
