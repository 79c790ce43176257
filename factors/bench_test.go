package factors

import (
	"maps"
	"slices"
	"testing"
)

// The first lookup parses the tables of its kind; later ones look up.
func BenchmarkFirstUse(b *testing.B) {
	factors := func(kinds ...Kind) func() error {
		return func() error {
			readCountries()
			from, err := sourcesOf("source.csv")
			for _, t := range tables {
				if err == nil && slices.ContainsFunc(t.kinds, func(k Kind) bool { return slices.Contains(kinds, k) }) {
					_, err = readTable(t.name, from)
				}
			}
			return err
		}
	}
	cpu := func() error { _, err := readCPUs(); return err }
	accelerator := func() error { _, err := readAccelerators(); return err }
	component := func() error { _, err := readParts(); return err }
	for _, first := range []struct {
		name string
		read []func() error
	}{
		{"Lookup/grid", []func() error{factors(Grid)}},
		{"Lookup/pue", []func() error{factors(PUE)}},
		{"LookupCPU", []func() error{factors(IdlePower), cpu}},
		{"LookupAccelerator", []func() error{factors(IdlePower), accelerator}},
		{"LookupDevice/gpu", []func() error{factors(Production), cpu, component, accelerator}},
		{"LookupInstance", []func() error{func() error { _, err := readInstances(); return err }}},
		{"All", []func() error{factors(slices.Collect(maps.Keys(units))...)}},
		// What a run asks for: at most 5 ms.
		{"LookupCPU+LookupDevice+Lookup/grid", []func() error{factors(Grid, IdlePower, Production), cpu, component}},
	} {
		b.Run(first.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, read := range first.read {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Lookup(Query{Kind: Grid, Country: "DE"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupCPU(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LookupCPU("AMD EPYC 7543 32-Core Processor", "", 32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupAccelerator(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LookupAccelerator("NVIDIA A100-SXM4-80GB", 80<<30); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupDevice(b *testing.B) {
	server := Device{Kind: "node", Parts: []Part{
		{Count: 2, Device: Device{Kind: "cpu", Model: "AMD EPYC 7543 32-Core Processor"}},
		{Count: 1, Device: Device{Kind: "memory", Bytes: 512 << 30}},
		{Count: 8, Device: Device{Kind: "gpu", Model: "NVIDIA A100-SXM4-80GB"}},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LookupDevice(server); err != nil {
			b.Fatal(err)
		}
	}
}
