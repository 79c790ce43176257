package factors

import "testing"

// First use parses every table; later ones look up.
func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readTables(); err != nil {
			b.Fatal(err)
		}
		if _, err := readCPUs(); err != nil {
			b.Fatal(err)
		}
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
