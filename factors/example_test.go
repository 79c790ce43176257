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
	// production.laptop = 1.8e+05 gCO2e (1.07e+05 to 4.35e+05)
	// full-power.memory = 0.375 W/GB (0.17 to 0.6)
}

// A region of a cloud has the grid of the place that it is in.
func ExampleLookup_cloudRegion() {
	for _, q := range []factors.Query{
		{Kind: factors.Grid, Provider: "aws", CloudRegion: "us-east-1"},
		{Kind: factors.Grid, Provider: "aws", CloudRegion: "us-east-1", Basis: "direct"},
		{Kind: factors.PUE, Provider: "aws", CloudRegion: "us-east-1"},
		{Kind: factors.PUE, Provider: "aws", CloudRegion: "eu-west-3"},
	} {
		f, err := factors.Lookup(q)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s = %.3g %s (%.3g to %.3g), %s, of %s\n", f.ID, f.Value, f.Unit, f.Low, f.High, f.Found, f.Geography)
	}
	// Output:
	// grid.aws:us-east-1 = 298 gCO2e/kWh (132 to 770), region, of US-VA
	// grid.aws:us-east-1.direct = 245 gCO2e/kWh (109 to 641), region, of US-VA
	// pue.aws:us-east-1 = 1.15 1 (1.11 to 1.19), exact, of US-VA
	// pue.aws:fleet = 1.14 1 (1.04 to 1.5), class, of world
}

func ExampleExplain() {
	chain, err := factors.Explain(factors.Query{Kind: factors.Grid, Region: "IN-MH", Basis: "direct"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range chain {
		if c.Why != "" {
			fmt.Printf("%s: %s\n", c.ID, c.Why)
			continue
		}
		fmt.Printf("%s: %.0f %s, %s, of %s\n", c.ID, c.Factor.Value, c.Factor.Unit, c.Factor.Found, c.Factor.Geography)
	}
	// Output:
	// grid.IN-MH.direct: no figure of IN-MH of basis direct
	// grid.IN-MH.direct: 712 gCO2e/kWh, country, of IN
}

func ExampleCountry() {
	for _, name := range []string{"south korea", "DEU", "Korea", "Germny"} {
		fmt.Println(factors.Country(name))
	}
	// Output:
	// KR <nil>
	// DE <nil>
	//  unknown country: "Korea" is more than one: write KP (Korea (North)) or KR (Korea (South))
	//  unknown country: "Germny": write the ISO 3166-1 alpha-2 code; Germany is DE
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

func ExampleLookupAccelerator() {
	for _, name := range []string{"NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "RTX 5090 Ti"} {
		a, err := factors.LookupAccelerator(name, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %q (%s), %.0f W (%.0f to %.0f)\n", name, a.Model, a.Found, a.TDPW, a.Full.Low, a.Full.High)
	}
	// Output:
	// NVIDIA A100-SXM4-40GB: "A100 SXM4 40GB" (exact), 400 W (240 to 420)
	// NVIDIA A100-SXM4-40GB MIG 1g.5gb: "A100 SXM4 40GB" (normalised), 57 W (34 to 60)
	// RTX 5090 Ti: "" (family), 300 W (72 to 866)
}

// What a server cost to make: what is around its parts, and each part.
func ExampleLookupDevice() {
	parts := []factors.Part{
		{Count: 2, Device: factors.Device{Kind: "cpu", Model: "AMD EPYC 7543 32-Core Processor"}},
		{Count: 1, Device: factors.Device{Kind: "memory", Bytes: 512 << 30}},
		{Count: 4, Device: factors.Device{Kind: "gpu", Model: "NVIDIA A100-PCIE-40GB"}},
	}
	devices := append(parts, factors.Part{Count: 1, Device: factors.Device{Kind: "node", Class: "server", Parts: parts[:2]}})
	for _, p := range devices {
		e, err := factors.LookupDevice(p.Device)
		if err != nil {
			fmt.Println(err)
			return
		}
		f := e.Production.GCO2e
		fmt.Printf("%d x %s: %.0f kg (%.0f to %.0f), %s, to discard %.1f kg\n", p.Count, f.ID, f.Value/1e3, f.Low/1e3, f.High/1e3, e.Found, e.EndOfLife.GCO2e.Value/1e3)
	}
	// Output:
	// 2 x production.cpu.epyc-7543: 30 kg (17 to 91), normalised, to discard 0.1 kg
	// 1 x production.memory.512GB: 713 kg (285 to 2032), class, to discard 1.0 kg
	// 4 x production.gpu.a100-pcie-40gb: 120 kg (96 to 276), exact, to discard 1.7 kg
	// 1 x production.node.server-chassis: 461 kg (249 to 1246), class, to discard 16.0 kg
}

func ExampleLookupInstance() {
	i, err := factors.LookupInstance("aws", "p4d.24xlarge")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d threads, %d GiB, %s, %v x %s\n", i.Threads, i.MemoryBytes>>30, i.CPU, i.Accelerators, i.Accelerator)
	// Output:
	// 96 threads, 1152 GiB, Intel Xeon Platinum 8275CL, 8 x NVIDIA A100 SXM4 40GB
}

func ExampleLoad() {
	own, err := factors.Load(strings.NewReader(`id,kind,value,low,high,unit,source,source_year,quality
pue.hall-2,pue,1.21,1.19,1.23,1,own meters,2026,A
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(own[0].ID, own[0].Value, own[0].Found)

	_, err = factors.Load(strings.NewReader("id,kind,value,low,high,unit,source,source_year,quality\npue.hall-2,pue,1.21,1.3,1.4,1,own meters,2026,A\n"))
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
